#ifndef FILE_DISCARD_H
#define FILE_DISCARD_H

#include <stdint.h>
#include <uv.h>

/* Closes files that somebody else has opened, in the thread pool: what a file system does in close(2) may take its time. */
void file_discard(uv_loop_t *loop, const int *files, uint32_t count);

#endif
