#ifndef STATIC_POOL_H
#define STATIC_POOL_H

/*
 * Starts libuv's thread pool, once for the process, with threads that take no signals: those are for Go's threads, and a thread that
 * waits for a disk should not be the one that has to handle them. Returns 0 or a negative error of libuv.
 */
__attribute__((warn_unused_result)) int static_pool_start(void);

#endif
