/*
 * A file as the answer of a stream: from its request to its last byte. static_file.c (life, opening), static_answer.c (the head),
 * static_send.c (the bytes). Nothing here waits for a disk on the loop: files are opened in libuv's thread pool, and read there
 * unless their bytes are in the page cache.
 */
#ifndef STATIC_FILE_H
#define STATIC_FILE_H

#include <uv.h>

#include "h1_server.h"
#include "static_condition.h"
#include "static_open.h"
#include "static_range.h"
#include "static_site.h"

#define STATIC_PIECE 65536u       /* bytes of a file in memory for a stream */
#define STATIC_PIECES_PER_TURN 4u /* of a connection, so that it cannot hold the loop */
#define STATIC_BOUNDARY 32u       /* hexadecimal digits */
#define STATIC_PART_HEAD 512u     /* more than the head of a part can need */

struct static_file {
    uv_work_t work;           /* first */
    struct h1_stream *stream; /* NULL: it is gone, and so is this as soon as the thread pool has done with it */
    struct static_sites *sites;
    bool working; /* the thread pool has it */
    struct static_target target;
    struct static_found found;
    struct static_conditions conditions;
    struct static_text range;
    struct static_text path; /* as it was sent */
    struct static_text query;

    /* sending */
    const char *type;
    struct static_ranges ranges; /* what is left of ranges.range[part] */
    uint32_t part;
    bool multipart;
    bool part_begun; /* its head is out */
    bool queued;     /* the buffer is, or was, in the stream's queue */
    char boundary[STATIC_BOUNDARY + 1];
    uint8_t *buffer;
    uint32_t size;
    uint32_t filled;
    int64_t got; /* of a read in the thread pool: bytes or -errno */

    char text[]; /* behind target, conditions and the rest */
};

/* --- for h1_*.c: one call each --- */

/* Takes the request if its path belongs to a site. `bytes` is what the spans of `request` count from. */
bool static_begin(struct h1_stream *stream, const struct h1_request *request, const uint8_t *bytes);
/*
 * Queues the next bytes if the last ones are sent. *pieces is how many may still be queued in this turn; false: they are used up
 * and there is more.
 */
bool static_feed(struct h1_stream *stream, uint32_t *pieces);
/* The stream ends. */
void static_detach(struct h1_stream *stream);

/* --- between the static_*.c files --- */

/* The answer to a file that was found, or not. It is complete, or the stream is H1_STREAM_FIXED and the file to be sent. */
void static_answer(struct static_file *file);
/* An answer without a file. */
void static_refuse(struct h1_stream *stream, uint16_t status);
/* Frees it, and closes the file. Precondition: the thread pool does not have it. */
void static_drop(struct static_file *file);
/* The head of part `part` of a multipart answer, or its end. Returns its length. */
uint32_t static_part_head(const struct static_file *file, uint32_t part, char out[STATIC_PART_HEAD]);

#endif
