/* A lane, the worker's ends of it, and a record of what the lane told its owner. For the lane_*_test.c programs. */
#ifndef LANE_FIXTURE_H
#define LANE_FIXTURE_H

#include <unistd.h>

#include "lane.h"
#include "ring_atomic.h"
#include "test.h"
#include "worker_mirror.h"

#define FIXTURE_RECORDS 4096u

struct fixture {
    struct segments segments;
    struct lane lane;
    struct worker worker;
    bool keep; /* blocks of messages stay held */
    uint32_t message_count;
    struct lane_message messages[FIXTURE_RECORDS]; /* the first so many */
    void *exchanges[FIXTURE_RECORDS];
    uint32_t resumed_count;
    void *resumed[FIXTURE_RECORDS];
    struct lane_loan loans[FIXTURE_RECORDS]; /* by slot: of files that stay in our hands */
    uint32_t discarded;
    void (*on_message)(struct fixture *fixture, const struct lane_message *message);
    void (*on_resume)(struct fixture *fixture, void *exchange);
};

static inline void fixture_give_back(struct fixture *f, const struct lane_message *message) {
    if (message->head.block != RING_NO_BLOCK && message->head.block != message->body.block) {
        lane_give_back(&f->lane, message->head.block);
    }
    if (message->body.block != RING_NO_BLOCK) {
        lane_give_back(&f->lane, message->body.block);
    }
}

/* As the exchange layer does: after its last event the exchange lets go of the slot. */
static void fixture_message(struct lane *lane, void *exchange, const struct lane_message *message) {
    struct fixture *f = lane->params.owner;
    if (f->message_count < FIXTURE_RECORDS) {
        f->messages[f->message_count] = *message;
        f->exchanges[f->message_count] = exchange;
    }
    f->message_count++;
    if (message->kind == RING_EVENT_RESPONSE_FILE) {
        lane_file_keep(lane, message->slot, &f->loans[message->slot]);
        if (message->file >= 0) {
            close(message->file);
        }
        if (!f->keep) {
            lane_file_done(&f->loans[message->slot], RING_FILE_SENT);
        }
    }
    if (!f->keep) {
        fixture_give_back(f, message);
    }
    if (lane->slots[message->slot].state == LANE_SLOT_ENDED) {
        lane_forget(lane, message->slot);
    }
    if (f->on_message != NULL) {
        f->on_message(f, message);
    }
}

static void fixture_resume(struct lane *lane, void *exchange) {
    struct fixture *f = lane->params.owner;
    if (f->resumed_count < FIXTURE_RECORDS) {
        f->resumed[f->resumed_count] = exchange;
    }
    f->resumed_count++;
    if (f->on_resume != NULL) {
        f->on_resume(f, exchange);
    }
}

static void fixture_discard(struct lane *lane, const int *files, uint32_t count) {
    struct fixture *f = lane->params.owner;
    f->discarded += count;
    for (uint32_t i = 0; i < count; i++) {
        close(files[i]);
    }
}

static const struct lane_calls fixture_calls = {
    .message = fixture_message, .resume = fixture_resume, .discard = fixture_discard};

static inline void fixture_open_with(struct fixture *f, uint32_t slots, uint32_t exchanges, uint32_t units, bool file) {
    memset(f, 0, sizeof(*f));
    segments_open(
        &f->segments,
        (struct ring_geometry){.lanes = 1, .ring_slots = slots, .exchange_slots = exchanges, .arena_units = units},
        file);
    struct lane_params params = {.worker = 7,
                                 .geometry = f->segments.geometry,
                                 .inbound = f->segments.inbound,
                                 .outbound = f->segments.outbound,
                                 .socket = f->segments.gateway_socket[0],
                                 .calls = &fixture_calls,
                                 .owner = f};
    if (lane_open(&f->lane, &params) != 0) {
        abort();
    }
    worker_open(&f->worker, &f->segments, 0);
}

static inline void fixture_open(struct fixture *f, uint32_t slots, uint32_t exchanges, uint32_t units) {
    fixture_open_with(f, slots, exchanges, units, false);
}

static inline void fixture_close(struct fixture *f) {
    worker_close(&f->worker);
    lane_close(&f->lane);
    segments_close(&f->segments);
}

/* Publishes a request of `length` bytes, all of the byte `fill`. Returns its slot, or UINT32_MAX if there is no room. */
static inline uint32_t fixture_request(struct fixture *f, void *exchange, uint32_t length, uint8_t fill) {
    uint32_t slot = 0;
    uint32_t block = 0;
    uint8_t *memory = NULL;
    if (lane_begin(&f->lane, length, &slot, &block, &memory) != 0) {
        return UINT32_MAX;
    }
    memset(memory, fill, length);
    lane_publish_request(&f->lane, slot, exchange, block, length, 0, RING_FLAG_END, 0, 0);
    return slot;
}

/* The worker takes the next event, which must be a REQUEST, and claims it. */
static inline struct ring_event fixture_claim(struct fixture *f) {
    struct ring_event event = {0};
    CHECK(worker_take(&f->worker, &event));
    CHECK_UINT(event.kind, RING_EVENT_REQUEST);
    CHECK(worker_claim(&f->worker, &event));
    return event;
}

/* The worker sends `length` bytes as an event of the request. */
static inline void fixture_send(struct fixture *f, const struct ring_event *request, uint8_t kind, uint8_t flags,
                                uint32_t length) {
    static const uint8_t bytes[RING_MAX_BLOCK];
    struct ring_event event = worker_event(request, kind, flags);
    if (length != 0) {
        CHECK(worker_put_body(&f->worker, &event, bytes, length));
    }
    CHECK(worker_publish(&f->worker, &event));
}

/* The worker ends the exchange and gives its request block back. */
static inline void fixture_answer(struct fixture *f, const struct ring_event *request) {
    fixture_send(f, request, RING_EVENT_RESPONSE, RING_FLAG_END, 0);
    worker_return_event(&f->worker, request);
}

/* Nothing is under way: all slots free, all blocks of both arenas home, all windows at their base. */
static inline void fixture_check_idle(struct fixture *f) {
    struct lane *lane = &f->lane;
    (void)lane_poll(lane, UINT32_MAX);
    CHECK(worker_collect(&f->worker));
    CHECK(!lane->broken);
    CHECK_UINT(lane->free_count, lane->geometry.exchange_slots);
    CHECK_UINT(lane->open_count, 0);
    CHECK_UINT(lane->ended_count, 0);
    CHECK_UINT(lane->uncredited_count, 0);
    CHECK_UINT(lane->wanting_count, 0);
    CHECK_UINT(lane->held_blocks, 0);
    CHECK_UINT(lane->arena.units_used, 0);
    CHECK_UINT(f->worker.arena.units_used, 0);
    CHECK_UINT(lane->extra, 0);
    CHECK_UINT(lane->lent_extra, 0);
    CHECK_UINT(counter_get(&lane->counters.in_flight), 0);
    CHECK_UINT(counter_get(&lane->counters.held_bytes), 0);
    CHECK(lane_is_empty(lane));
}

/* window + spent + pending == share of each open slot, and the shares fit the arena. */
static inline bool fixture_windows_hold(const struct lane *lane) {
    uint64_t shares = 0;
    bool ok = true;
    for (uint32_t i = 0; i < lane->geometry.exchange_slots; i++) {
        const struct lane_slot *slot = &lane->slots[i];
        if (slot->state == LANE_SLOT_OPEN) {
            ok &= CHECK_UINT((uint64_t)slot->window + slot->spent + slot->pending, slot->share);
        }
        ok &= CHECK(slot->state == LANE_SLOT_FREE || slot->share >= RING_BASE_WINDOW);
        shares += slot->state == LANE_SLOT_FREE ? RING_BASE_WINDOW : slot->share;
    }
    ok &= CHECK_UINT(shares - (uint64_t)lane->geometry.exchange_slots * RING_BASE_WINDOW, lane->extra);
    ok &= CHECK(lane->extra <= lane->extra_max);
    ok &= CHECK(shares <= (uint64_t)lane->geometry.arena_units * RING_UNIT);
    return ok;
}

#endif
