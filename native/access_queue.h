/*
 * Records of the access log on their way from a loop to Go: bytes of a ring, one producer, one consumer, both never wait. A record
 * is whole or not there; where it does not fit it is dropped and counted.
 */
#ifndef ACCESS_QUEUE_H
#define ACCESS_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "access_record.h"
#include "counter.h"

struct access_queue {
    uint8_t *bytes; /* NULL: there is no queue */
    uint64_t size;  /* a power of two */

    _Atomic uint64_t tail; /* producer: bytes written since the beginning */
    uint64_t seen_head;    /* what it last saw of head */
    bool asked;            /* the consumer was asked to come: once, until less than half is waiting */
    counter dropped;

    uint8_t apart[128];    /* the two do not share cache lines */
    _Atomic uint64_t head; /* consumer: bytes taken */
    uint8_t apart_too[128];
};

enum access_pushed {
    ACCESS_DROPPED = 0,
    ACCESS_PUSHED,
    ACCESS_HALF_FULL, /* pushed, and the consumer should be asked to come */
};

/* `size` is a power of two, at least ACCESS_ALIGN. Returns 0, -EINVAL or -ENOMEM. */
__attribute__((warn_unused_result)) int access_queue_init(struct access_queue *queue, uint64_t size);
void access_queue_free(struct access_queue *queue);
/* Producer. `record` begins with its length as a uint32_t, and is readable up to the next multiple of ACCESS_ALIGN behind `length`. */
enum access_pushed access_queue_push(struct access_queue *queue, const void *record, uint32_t length);
/*
 * Consumer: moves records to `out`, as many as there are and fit into `room` bytes; each begins at a multiple of ACCESS_ALIGN, and
 * with its length as a uint32_t. Returns the bytes; 0: there are none, or `room` is too small for the next one.
 */
uint64_t access_queue_take(struct access_queue *queue, uint8_t *out, uint64_t room);

static inline uint64_t access_aligned(uint64_t length) {
    return (length + ACCESS_ALIGN - 1) & ~(uint64_t)(ACCESS_ALIGN - 1);
}

#endif
