/*
 * The access log's view of a request: what of its head is worth a line is copied when the head was parsed, figures are added while it is
 * answered, and the record is queued when its stream is closed. Without a log each call is one comparison.
 */
#ifndef H1_ACCESS_H
#define H1_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "access_queue.h"
#include "access_record.h"
#include "pool.h"

struct h1_conn;
struct h1_server;
struct h1_stream;

/* Of a server. */
struct h1_access_log {
    struct access_queue queue;
    struct pool small; /* entries by the room for their texts */
    struct pool large;
    const uint8_t
        *refused_head; /* of the request in server->request, which is being refused; NULL: none was understood */
    counter lines;
};

/* Of a stream, while it is open. */
struct h1_access {
    uint64_t expected;   /* bytes of the request's body; RING_LENGTH_UNKNOWN when chunked */
    uint64_t head_bytes; /* of the answer and interim ones */
    uint32_t room;       /* for texts */
    bool large;
    struct access_record record; /* the texts follow */
};

/* Gives a server a log; without it there is none. queue_bytes: a power of two. Returns 0 or -errno. */
__attribute__((warn_unused_result)) int h1_access_init(struct h1_server *server, uint64_t queue_bytes);
void h1_access_free(struct h1_access_log *log);

/* A stream was opened for the request in server->request, whose head is `bytes`. */
void h1_access_begin(struct h1_stream *stream, const uint8_t *bytes);
/* The id that the worker gets as X-Request-Id, if it gets one; at most once. */
void h1_access_request_id(struct h1_stream *stream, const uint8_t *id, uint32_t length);
/* The head of the answer is queued; a stream without a request gets its entry here. */
void h1_access_answered(struct h1_stream *stream, uint16_t status, uint32_t head_bytes);
/* The answer is 101: what the client sends from now on counts, too. */
void h1_access_upgraded(struct h1_stream *stream);
void h1_access_interim(struct h1_stream *stream, uint32_t head_bytes);
void h1_access_origin(struct h1_stream *stream, enum access_origin origin);
/* Bytes of the stream were handed to the kernel. */
void h1_access_sent(struct h1_stream *stream, uint64_t bytes);
/* The connection is about to forget whose body it reads (conn->body). */
void h1_access_body(const struct h1_conn *conn);
/* The stream is closed; its items are still there. */
void h1_access_end(struct h1_stream *stream);

#endif
