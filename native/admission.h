/*
 * How many connections are open, in total and from one client: shared by all loops, looked at once when a connection begins
 * and once when it ends. A client is an IPv4 address or an IPv6 /64, which one host commonly has for itself.
 */
#ifndef ADMISSION_H
#define ADMISSION_H

#include <pthread.h>
#include <stdint.h>

#include "ring_layout.h"

/* UINT32_MAX: no limit. */
struct admission_limits {
    uint32_t connections;
    uint32_t of_one_client;
};

enum admission_answer {
    ADMISSION_GRANTED = 0,
    ADMISSION_FULL,        /* too many connections */
    ADMISSION_CLIENT_FULL, /* too many of this client */
};

struct admission_client {
    uint64_t key; /* 0: free */
    uint32_t count;
};

struct admission {
    pthread_mutex_t mutex;
    uint32_t open;
    uint64_t seed;                    /* clients cannot choose who shares their place */
    struct admission_client *clients; /* open addressing with linear probing */
    uint32_t client_count;
    uint32_t capacity; /* a power of two */
};

__attribute__((warn_unused_result)) int admission_init(struct admission *admission, uint64_t seed);
void admission_free(struct admission *admission);
/*
 * Counts a connection. Connections that have no address (unix sockets, or those of whom it is not known yet) are no client's.
 */
enum admission_answer admission_enter(struct admission *admission, const struct admission_limits *limits,
                                      const struct ring_endpoint *client);
/* Counts a connection that was granted without an address for its client, too. Otherwise it is still nobody's. */
enum admission_answer admission_name(struct admission *admission, const struct admission_limits *limits,
                                     const struct ring_endpoint *client);
/* Of a connection that was granted; the client that it was counted for. */
void admission_leave(struct admission *admission, const struct ring_endpoint *client);

#endif
