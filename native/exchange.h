/*
 * One request and its response, independent of the protocol that carries it. A protocol embeds struct exchange in its own
 * stream, starts it, feeds body bytes, and is told of the answer through struct exchange_calls. It never sees a lane or ring.
 *
 * Lifetime: from exchange_start until exchange_detach; the protocol may then reuse the memory at once, whatever the worker still
 * does (rule L7 is kept by the lane's slot).
 */
#ifndef EXCHANGE_H
#define EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "lane.h"
#include "request_block.h"

struct dispatch;
struct exchange;

enum exchange_state {
    EXCHANGE_IDLE = 0,  /* not started, or detached */
    EXCHANGE_PARKED,    /* in private memory; no worker can take it yet */
    EXCHANGE_SENT,      /* published to a lane; not answered */
    EXCHANGE_ANSWERING, /* the response has begun; more of it will come */
    EXCHANGE_ANSWERED,  /* complete or failed; no lane is bound any more */
};

/* Bytes of an answer. With block != RING_NO_BLOCK they lie in a segment and must be given to exchange_release. */
struct exchange_bytes {
    const uint8_t *data;
    uint32_t length;
    uint32_t block;
    struct lane *lane;
};

/* A field list (ring_layout.h), copied out of shared memory; valid during the call. */
struct exchange_list {
    const uint8_t *data;
    uint32_t length;
};

/* A part of a worker's file as a part of an answer. */
struct exchange_file {
    int fd; /* the callee's now; -1: it was lost on its way */
    uint64_t offset;
    uint64_t length;
};

struct exchange_response {
    uint16_t status;
    bool end;       /* the body is complete with `body` */
    uint64_t total; /* RING_LENGTH_UNKNOWN if not known beforehand */
    struct exchange_list fields;
    struct exchange_bytes body;
};

/*
 * The status of an exchange whose handler gave up after the client had ended its sending side, of which it is told: most such
 * clients have gone, though nobody can know. It is not registered, but known from nginx's logs.
 */
#define EXCHANGE_CLIENT_CLOSED 499u

struct exchange_calls {
    void (*inform)(struct exchange *exchange, uint16_t status, struct exchange_list fields);
    void (*proceed)(struct exchange *exchange); /* the handler wants the body: 100 Continue */
    void (*response)(struct exchange *exchange, const struct exchange_response *response);
    /* More body; trailers (may be empty) only with end. */
    void (*body)(struct exchange *exchange, struct exchange_bytes body, bool end, struct exchange_list trailers);
    /* The next part of the body is a file's; exchange_keep_file or exchange_drop_file follows at once. */
    void (*file)(struct exchange *exchange, const struct exchange_file *file);
    /* Behind exchange_upgrade: no more bytes of the stream follow but these; its exchange goes on. */
    void (*shut)(struct exchange *exchange);
    /* There will be no (more) answer: give `status` if none has begun, else cut. The exchange is ANSWERED. */
    void (*fail)(struct exchange *exchange, uint16_t status);
    void (*resume)(struct exchange *exchange); /* request body can be taken again */
};

/* A piece of published request body, for replay; points into the read-only inbound segment. */
struct exchange_part {
    const uint8_t *data;
    uint32_t length;
};

struct exchange {
    enum exchange_state state;
    const struct exchange_calls *calls;
    struct dispatch *dispatch;
    struct lane *lane;
    uint32_t slot;

    /* waiting list of the dispatch: parked, or sent and unanswered, oldest first */
    struct exchange *older;
    struct exchange *newer;
    bool waiting;
    bool running; /* a handler was seen to have begun */
    uint64_t since_ms;
    /* parked list */
    struct exchange *parked_next;

    bool safe;          /* RFC 9110 9.2.1: may be run twice */
    bool pinned;        /* is for its lane only */
    bool began;         /* the client has been sent something: no retry */
    bool request_ended; /* the end of the request was published */
    uint8_t attempt;
    uint64_t worker;       /* that it was last sent to; 0: none */
    uint64_t begun_ns;     /* CLOCK_MONOTONIC when its handler started, as the worker says; 0: not said */
    uint32_t head_length;  /* request block bytes */
    uint32_t first_length; /* body bytes right behind it */
    uint64_t total;
    const uint8_t *block_memory; /* in the lane, while SENT or ANSWERING */
    uint32_t reserved_block;

    uint8_t *copy; /* private request block and first body, while PARKED */
    struct exchange_part *parts;
    uint32_t part_count;
    uint32_t part_capacity;
    struct exchange_part few_parts[2];

    uint8_t *backlog; /* body bytes to be published again after a re-dispatch */
    uint32_t backlog_length;
    uint32_t backlog_done;
    bool half_closed; /* the client has ended its sending side: whichever worker gets the request is told */
    bool backlog_end;
};

struct exchange_request {
    const struct request_view *view;
    const uint8_t *body; /* first body bytes, already received */
    uint32_t body_length;
    bool ended;        /* no more body follows these */
    struct lane *only; /* not for another one, nor to wait for; NULL: any */
};

/*
 * Starts an exchange. It is sent or parked; where neither is possible calls->fail(503) is made before the return.
 * Returns how many of the body bytes were taken: all, or where room is short as many as go into a small block.
 * Precondition: request_block_size + body_length <= RING_MAX_BLOCK.
 */
uint32_t exchange_start(struct exchange *exchange, struct dispatch *dispatch, const struct exchange_calls *calls,
                        const struct exchange_request *request);

/*
 * Memory for up to `want` more body bytes: returns its size, or 0 if none can be taken now (calls->resume follows).
 * Follow with exchange_commit_body (length may be 0: given up).
 */
uint32_t exchange_reserve_body(struct exchange *exchange, uint32_t want, uint8_t **memory);
void exchange_commit_body(struct exchange *exchange, uint32_t length, bool end);
/* The end of a body whose last bytes were committed without `end`. False: try again after calls->resume. */
__attribute__((warn_unused_result)) bool exchange_end_body(struct exchange *exchange, struct exchange_list trailers);

/*
 * From inside calls->response: what follows in both directions is no message but a stream. Its bytes go as those of a body do, each
 * direction until its own end. Returns 0, -EPROTO if the request is not complete yet, or -EAGAIN if there are too many.
 */
__attribute__((warn_unused_result)) int exchange_upgrade(struct exchange *exchange);
/* The client has closed its sending side. */
void exchange_half_close(struct exchange *exchange);
/* The protocol lets go; reason is a RING_CANCEL_* for a worker that still runs it. */
void exchange_detach(struct exchange *exchange, uint16_t reason);
/* Gives answer bytes back after they were sent or dropped. */
void exchange_release(struct exchange_bytes bytes);
/* `loan` stands for the file that the exchange was just given, and may outlive the exchange; exchange_file_done ends it. */
void exchange_keep_file(struct exchange *exchange, struct lane_loan *loan);
/* The file is closed; status is RING_FILE_*. */
void exchange_file_done(struct lane_loan *loan, uint16_t status);
/* The file that the exchange was just given is of no use. */
void exchange_drop_file(struct exchange *exchange, const struct exchange_file *file, uint16_t status);
/* Whether the worker still owes a part of the answer. */
bool exchange_is_open(const struct exchange *exchange);
/* The protocol holds this exchange's bytes aside for a slow client: no more credit until it ends. */
void exchange_hold_credit(struct exchange *exchange, bool hold);

/* --- for dispatch --- */
void exchange_message(struct lane *lane, void *exchange, const struct lane_message *message);
void exchange_resume(struct lane *lane, void *exchange);
/* Publishes a parked exchange on a lane where a slot and block were begun. */
void exchange_publish_parked(struct exchange *exchange, struct lane *lane, uint32_t slot, uint32_t block,
                             uint8_t *memory);
/* The lane of a SENT exchange is dead: takes the request into private memory. Returns 0, or -ENOMEM. */
__attribute__((warn_unused_result)) int exchange_recall(struct exchange *exchange);
void exchange_fail(struct exchange *exchange, uint16_t status);

#endif
