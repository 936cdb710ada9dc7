/*
 * The worker's ends of one lane in C, so that tests can hold both ends in one process: consumer of inbound events, producer
 * of outbound ones, owner of the outbound arena. It does what ring/ does in Go (docs/design.md section 3), step by step: what a
 * call publishes, and whether it signals, is up to the test. Also the memory and sockets that both ends share.
 */
#ifndef WORKER_MIRROR_H
#define WORKER_MIRROR_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "ring_geometry.h"

/* Both segments of a worker, each between two inaccessible pages, and the pair of wake-up sockets per lane. */
struct segments {
    struct ring_geometry geometry;
    uint8_t *inbound;
    uint8_t *outbound;
    int outbound_file; /* memfd behind `outbound`, or -1 */
    int gateway_socket[4];
    int worker_socket[4]; /* -1 once closed */
};

/* Ends the program if memory is out or the geometry is not allowed. Lanes <= 4. */
void segments_open(struct segments *segments, struct ring_geometry geometry, bool file);
/* The gateway's sockets belong to the lanes that were opened on them. */
void segments_close(struct segments *segments);

struct worker {
    struct ring_geometry geometry;
    struct ring_inbound_words *in;
    struct ring_outbound_words *out;
    const struct ring_event *in_events;
    struct ring_event *out_events;
    const uint32_t *in_returns; /* outbound blocks that the gateway gave back */
    uint32_t *out_returns;      /* inbound blocks that we give back */
    uint8_t *claims;
    const uint8_t *in_arena;
    uint8_t *out_arena;
    uint64_t in_head;
    uint64_t out_tail;
    uint64_t in_return_tail;
    uint64_t out_return_head;
    uint64_t out_head; /* as last looked at */
    struct arena arena;
    int socket;
    bool due;     /* a signal is due */
    bool lenient; /* returns of blocks it never sent are ignored: someone forged events in its name */
    uint64_t signals;
};

void worker_open(struct worker *worker, const struct segments *segments, uint32_t lane);
void worker_close(struct worker *worker);

/* Consumes the next inbound event; false: there is none. */
bool worker_take(struct worker *worker, struct ring_event *event);
/* QUEUED -> CLAIMED. */
bool worker_claim(struct worker *worker, const struct ring_event *request);
/* Gives an inbound block back. */
void worker_return(struct worker *worker, uint32_t block);
/* Gives both blocks of an event back, once if they are one. */
void worker_return_event(struct worker *worker, const struct ring_event *event);

/* A block for `bytes`, or RING_NO_BLOCK; looks at the gateway's returns first. */
uint32_t worker_block(struct worker *worker, uint32_t bytes);
uint8_t *worker_memory(const struct worker *worker, uint32_t block);
/* Blocks the gateway has given back since the last call; false: it returned what it did not hold. */
bool worker_collect(struct worker *worker);
/* False: the ring is full. */
bool worker_publish(struct worker *worker, const struct ring_event *event);
/* An event of the exchange without references. */
struct ring_event worker_event(const struct ring_event *request, uint8_t kind, uint8_t flags);
/* Sets the head or body of an event to bytes copied into a block of their own. False: there is no block. */
bool worker_put_head(struct worker *worker, struct ring_event *event, const void *bytes, uint32_t length);
bool worker_put_body(struct worker *worker, struct ring_event *event, const void *bytes, uint32_t length);

/* Sends descriptors with one byte; an honest worker sends one at a time. False: the socket is full. */
bool worker_send_files(struct worker *worker, const int *files, uint32_t count);
/* An event that names the descriptor of that number. */
struct ring_event worker_file(const struct ring_event *request, uint32_t number, uint64_t offset, uint64_t count);

/* Sends the wake-up that is due. */
void worker_signal(struct worker *worker);
/* Stores `armed` (and `starved`: blocks or ring space are waited for) and looks again; true: there is something to do after all. */
bool worker_arm(struct worker *worker, bool starved);
void worker_disarm(struct worker *worker);
/* Sleeps until the gateway signals; false after `timeout_ms`. */
bool worker_sleep(struct worker *worker, int timeout_ms);

const uint8_t *worker_inbound(const struct worker *worker, uint32_t offset);

#endif
