/*
 * The gateway's ends of one lane: producer of inbound events, consumer of outbound events, owner of the inbound arena.
 * Belongs to one loop thread. Knows segments and slots; knows nothing of HTTP or of other lanes.
 *
 * Whatever the worker can write is loaded once, bounded against private state, then used. Anything an honest worker
 * cannot do makes the lane `broken` with a reason; the caller then ends the worker.
 */
#ifndef LANE_H
#define LANE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "counter.h"
#include "ring_geometry.h"

#define LANE_FIRST_WINDOW (RING_BASE_WINDOW + 131072u)    /* response window of a new exchange where there is plenty */
#define LANE_RESPONSE_WINDOW (RING_BASE_WINDOW + 524288u) /* what it may grow to */
#define LANE_REQUEST_WINDOW 262144u                       /* request bytes of one exchange that may be lent at a time */

struct lane;

/* A worker's file in somebody's hands; the lane writes it off when it dies. */
struct lane_loan {
    struct lane *lane; /* NULL: nobody waits for the file any more */
    uint32_t slot;
};

/* Statistics; written by the loop thread, read by others. */
struct lane_counters {
    counter published;
    counter acknowledged;
    counter completed;
    counter answers[6]; /* by hundreds of their status, [5]: and above */
    counter cancelled;
    counter wakeups_sent;
    counter wakeups_avoided;
    counter full_stalls;
    counter depth; /* inbound events not consumed */
    counter depth_high_water;
    counter in_flight;   /* slots in use */
    counter arena_bytes; /* inbound arena in use */
    counter arena_high_water;
    counter held_bytes; /* outbound blocks not yet given back */
    counter held_high_water;
};

enum lane_slot_state {
    LANE_SLOT_FREE = 0, /* on the free list */
    LANE_SLOT_OPEN,     /* its REQUEST was published; the worker's last event is outstanding */
    LANE_SLOT_ENDED,    /* last event consumed, or taken back; waits for blocks and control events (L5) */
};

/* Private record of an exchange slot. */
struct lane_slot {
    void *exchange;            /* the caller's; NULL once it has let go */
    uint64_t control_position; /* in_head must reach this before reuse */
    uint64_t credit_position;  /* the last CREDIT is consumed when in_head reaches this */
    uint32_t generation;
    uint32_t window;  /* bytes the worker may still use */
    uint32_t spent;   /* bytes of outbound blocks that are held */
    uint32_t pending; /* bytes given back, not yet credited again */
    uint32_t share;   /* window + spent + pending at most; what counts against the lane */
    uint32_t wanted;  /* bytes of an unanswered WANT */
    uint32_t lent;    /* bytes of inbound blocks that are lent */
    uint32_t request; /* bytes of them that are the request block */
    uint32_t request_block;
    struct lane_loan *loan; /* whoever has the file; NULL: it is being handed over, or there is none */
    uint16_t file_status;   /* RING_FILE_* that the worker is to be told; 0: nothing */
    uint8_t state;          /* enum lane_slot_state */
    uint8_t cancels;        /* CANCEL events published for this generation */
    bool answered;          /* RESPONSE was consumed */
    bool continued;
    bool returned;   /* an inbound block came back: the request can no longer be replayed */
    bool starved;    /* on the starved list: the exchange waits for request window or ring space */
    bool listed;     /* on the ended list */
    bool uncredited; /* on the uncredited list */
    bool wanting;    /* on the wanting list */
    bool refused;    /* a WANT was answered with less, and nothing was sent since: the next one waits until it is met */
    bool holding;    /* no new credit: its bytes are being held aside */
    bool filing;     /* a RESPONSE_FILE was taken, and its file not let go of */
    bool upgraded;   /* answered 101: its answer is a stream */
    bool shut;       /* of which no more bytes come */
};

/* A checked reference into a segment. */
struct lane_bytes {
    const uint8_t *data;
    uint32_t length;
    uint32_t block; /* RING_NO_BLOCK if none */
};

/* An outbound event after all checks. `head` is in shared memory still: copy it out before parsing. */
struct lane_message {
    uint8_t kind;
    uint8_t flags;
    uint16_t status;
    uint32_t slot;
    uint64_t total;
    uint64_t time_ns; /* when the handler started, says the worker */
    struct lane_bytes head;
    struct lane_bytes body; /* block == head.block if shared: give back once, through body */
    int file;               /* RESPONSE_FILE: its descriptor, the receiver's now; -1: it was lost on its way */
    uint64_t file_offset;
};

/* A descriptor as it was received. */
struct lane_file {
    uint32_t number;
    int fd; /* -1: it was lost, because the gateway could not open it */
};

struct lane_calls {
    /* An outbound event of a live exchange. Blocks in it are held until lane_give_back. */
    void (*message)(struct lane *lane, void *exchange, const struct lane_message *message);
    /* A starved exchange may try again: blocks came back or the ring has space. */
    void (*resume)(struct lane *lane, void *exchange);
    /* Descriptors of the worker's that nobody uses: to be closed, which may take its time. */
    void (*discard)(struct lane *lane, const int *files, uint32_t count);
};

struct lane_params {
    uint64_t worker;
    uint32_t index; /* of the loop */
    struct ring_geometry geometry;
    uint8_t *inbound; /* whole segments */
    uint8_t *outbound;
    int socket; /* gateway's end; the lane closes it */
    const struct lane_calls *calls;
    void *owner;
};

struct lane {
    struct lane_params params;
    struct ring_geometry geometry;
    struct ring_inbound_words *in;
    struct ring_outbound_words *out;
    struct ring_event *in_events;
    const struct ring_event *out_events;
    uint32_t *in_returns;        /* ring of outbound blocks given back */
    const uint32_t *out_returns; /* ring of inbound blocks given back */
    uint8_t *claims;
    uint8_t *in_arena;
    const uint8_t *out_arena;

    uint64_t in_tail; /* private copies of own indices, last seen copies of the peer's */
    uint64_t in_head;
    uint64_t out_head;
    uint64_t out_return_tail;
    uint64_t out_return_head;
    uint64_t in_return_head;

    struct arena arena;
    uint64_t *held;       /* [units / 64] outbound units that are held */
    uint32_t *held_owner; /* [units] slot, at the first unit of a held block */
    struct lane_slot *slots;
    uint32_t *free_slots;
    uint32_t free_count;
    uint32_t *ended; /* ended slots that only wait for the worker to consume a control event */
    uint32_t ended_count;
    uint32_t *starved; /* slots whose exchange waits to publish more of its request */
    uint32_t starved_count;
    uint64_t resumed_at;  /* in_head + in_return_head when the starved were last resumed: no change, no use */
    uint64_t settled_at;  /* in_head when lane_poll last looked at who waits for it */
    uint32_t *uncredited; /* slots whose next CREDIT waits until the last one was consumed */
    uint32_t uncredited_count;
    uint32_t *wanting; /* slots with an unanswered WANT */
    uint32_t wanting_count;
    uint32_t open_count;     /* slots whose last event is outstanding */
    uint32_t upgraded_count; /* of them: answered 101 */
    uint64_t extra;          /* response window handed out beyond the base windows, bytes */
    uint64_t extra_max;
    uint64_t lent_extra; /* inbound blocks lent beyond the base windows, bytes */
    uint32_t held_blocks;

    struct lane_file received[RING_LANE_FILES]; /* descriptors that no event has named yet, in any order */
    uint32_t received_count;
    uint32_t next_file; /* number of the next one to be received */
    uint32_t filing;    /* slots whose file somebody has */
    bool deaf;          /* descriptors are not taken any more */

    bool wake_pending;  /* published since the last lane_wake */
    bool space_pending; /* heads or returns moved since the last lane_wake */
    bool freed;         /* a slot or window became free since lane_poll looked at who waits for one */
    bool broken;
    const char *broken_reason;
    uint64_t broken_value;
    uint64_t broken_limit;

    struct lane_counters counters;
};

__attribute__((warn_unused_result)) int lane_open(struct lane *lane, const struct lane_params *params);
void lane_close(struct lane *lane);

/* --- inbound: requests (lane_send.c) --- */

/*
 * Takes a slot and a block for a request of `size` bytes (<= RING_MAX_BLOCK). Returns 0 and fills slot, block and memory, or -EAGAIN.
 * Follow with lane_publish_request.
 */
__attribute__((warn_unused_result)) int lane_begin(struct lane *lane, uint32_t size, uint32_t *slot, uint32_t *block,
                                                   uint8_t **memory);
void lane_publish_request(struct lane *lane, uint32_t slot, void *exchange, uint32_t block, uint32_t head_length,
                          uint32_t body_length, uint8_t flags, uint64_t total, uint64_t time_ns);

/*
 * A block for up to `want` bytes of request body within the exchange's window. Returns the block and its memory, or RING_NO_BLOCK
 * (the slot is then starved: calls->resume follows).
 */
uint32_t lane_reserve_body(struct lane *lane, uint32_t slot, uint32_t want, uint8_t **memory);
void lane_publish_body(struct lane *lane, uint32_t slot, uint32_t block, uint32_t length, uint8_t flags);
void lane_drop_reserved(struct lane *lane, uint32_t block);
/* BODY events with trailers or without bytes need ring space only; false: starved. */
__attribute__((warn_unused_result)) bool lane_publish_end(struct lane *lane, uint32_t slot);
__attribute__((warn_unused_result)) bool lane_publish_trailers(struct lane *lane, uint32_t slot, const uint8_t *list,
                                                               uint32_t length);

/* QUEUED -> CANCELLED by the claim word. True: the worker will never run it; it is told to forget it, and the slot has ended. */
bool lane_retract(struct lane *lane, uint32_t slot, uint16_t reason);
/* The same for a worker that is gone: only the claim word decides. */
bool lane_take_request_back(struct lane *lane, uint32_t slot);
/* Whether no handler has begun it, as far as is known now. */
bool lane_is_queued(const struct lane *lane, uint32_t slot);
/* Tells the worker; at most two per generation. */
void lane_cancel(struct lane *lane, uint32_t slot, uint16_t reason);
/* The exchange is no longer interested: later messages are dropped and their blocks given back. */
void lane_forget(struct lane *lane, uint32_t slot);
/* Whether every request byte published so far is still there to be replayed. */
bool lane_replayable(const struct lane *lane, uint32_t slot);
void lane_forbid_replay(struct lane *lane, uint32_t slot);
/* Whether so many streams run that the slots which are left are for requests. */
bool lane_has_too_many_streams(const struct lane *lane);
const uint8_t *lane_block_memory(const struct lane *lane, uint32_t block);

/* Sends the wake-ups that are due; once per loop iteration. */
void lane_wake(struct lane *lane);

/* --- outbound: answers (lane_receive.c, lane_window.c) --- */

/* Handles at most `budget` outbound events and all block returns. Returns events handled; check lane->broken after it. */
uint32_t lane_poll(struct lane *lane, uint32_t budget);
/*
 * Before the loop sleeps: stores `armed` (and `starved` if something here, or a `hungry` caller, waits for slots, space or blocks), then
 * looks again. True: there is something to do after all.
 */
bool lane_arm(struct lane *lane, bool hungry);
void lane_disarm(struct lane *lane);
/* Empties the wake-up socket. False: the worker has closed it. */
bool lane_drain_socket(struct lane *lane);

/* Gives a held outbound block back (L2) and credits its window. */
void lane_give_back(struct lane *lane, uint32_t block);
/* Holds back (or resumes) credit for an exchange whose bytes are held aside. */
void lane_hold_credit(struct lane *lane, uint32_t slot, bool hold);
/* Sends a CREDIT of nothing, which a worker that lives takes. False: the slot's last one is not consumed yet. */
bool lane_nudge(struct lane *lane, uint32_t slot);
/* Little response window or few slots are left: slow clients should be evicted. */
bool lane_under_pressure(const struct lane *lane);

/* --- files (lane_files.c) --- */

/* Who has the file of the slot's RESPONSE_FILE; before lane_file_done. */
void lane_file_keep(struct lane *lane, uint32_t slot, struct lane_loan *loan);
/* The file is closed: the worker is told so with status RING_FILE_*. */
void lane_file_done(struct lane_loan *loan, uint16_t status);
/* The worker is gone: nobody waits for its files, and no more are taken. */
void lane_files_drop(struct lane *lane);

/* No outbound block is held: the segments are no longer needed (L6). */
bool lane_is_empty(const struct lane *lane);

/* --- shared between the lane_*.c files --- */
void lane_break(struct lane *lane, const char *reason, uint64_t value, uint64_t limit);
void lane_try_free(struct lane *lane, uint32_t slot);
void lane_end_slot(struct lane *lane, uint32_t slot);
void lane_sweep(struct lane *lane);
void lane_refresh_in_head(struct lane *lane);
uint32_t lane_ring_space(const struct lane *lane, bool control);
void lane_publish(struct lane *lane, const struct ring_event *event);
void lane_window_open(struct lane *lane, struct lane_slot *slot);
bool lane_window_spend(struct lane *lane, struct lane_slot *slot, uint32_t bytes);
void lane_window_return(struct lane *lane, uint32_t index, uint32_t bytes);
void lane_window_close(struct lane *lane, struct lane_slot *slot);
void lane_window_expect(struct lane *lane, uint32_t index, uint64_t total);
void lane_window_want(struct lane *lane, uint32_t index, uint32_t bytes);
void lane_window_settle(struct lane *lane);
void lane_unlend(struct lane *lane, struct lane_slot *slot, uint32_t block);
void lane_file_receive(struct lane *lane, uint32_t index, const struct ring_event *event);
/* Publishes the FILE_DONE that is due, if it may. */
void lane_file_tell(struct lane *lane, uint32_t index);
/* Nothing is under way to the worker that a CREDIT or FILE_DONE would have to wait for (L5). */
bool lane_may_tell(struct lane *lane, uint32_t index);
/* Publishes a CREDIT or FILE_DONE. Precondition: lane_may_tell. */
void lane_tell(struct lane *lane, uint32_t index, uint8_t kind, uint16_t status, uint32_t credit);

static inline uint64_t *lane_claim(const struct lane *lane, uint32_t slot) {
    return (uint64_t *)(void *)(lane->claims + (uint64_t)slot * RING_CLAIM_STRIDE);
}

static inline struct lane_slot *lane_slot_of(const struct lane *lane, uint32_t slot) {
    return &lane->slots[slot];
}

#endif
