/*
 * How long requests take: taken when the head was there, when its answer's head was, and when the last byte was handed to the
 * kernel. Counted for answers that were sent whole; not for upgraded connections, which last as long as they are used.
 */
#ifndef H1_LATENCY_H
#define H1_LATENCY_H

#include <stdint.h>

#include "histogram.h"

struct h1_server;
struct h1_stream;

/* Of a stream; CLOCK_MONOTONIC, 0: not yet. */
struct h1_times {
    uint64_t start_ns;    /* the head was complete */
    uint64_t answered_ns; /* the head of the answer was here; stays 0 where no handler said when it began */
    uint64_t ended_ns;    /* its last byte was handed to the kernel */
};

/* Of a server. */
struct h1_latency {
    uint64_t received_ns;     /* when bytes were last received */
    uint64_t sent_ns;         /* when some were last sent */
    struct histogram queue;   /* from the start until the handler began */
    struct histogram handler; /* from there until the head of the answer was here */
    struct histogram total;   /* from the start until the last byte was handed to the kernel */
};

/* Two clock readings are shared by what came, or went, together. */
void h1_latency_received(struct h1_server *server);
void h1_latency_sent(struct h1_server *server);

void h1_latency_begin(struct h1_stream *stream);
void h1_latency_answered(struct h1_stream *stream);
/* Bytes of the stream were handed to the kernel; all its bytes may have been. */
void h1_latency_advance(struct h1_stream *stream);
/* The stream is closed. */
void h1_latency_end(struct h1_stream *stream);

/* From the start until the handler began, and from there until the head of the answer; H1_LATENCY_UNKNOWN if there was none, or if it
 * cannot be true what the worker says. */
#define H1_LATENCY_UNKNOWN UINT64_MAX
struct h1_spans {
    uint64_t queue_ns;
    uint64_t handler_ns;
};
struct h1_spans h1_latency_spans(const struct h1_stream *stream, uint64_t end_ns);

#endif
