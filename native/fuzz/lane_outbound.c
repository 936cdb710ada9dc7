/*
 * A lane against a worker that writes anything anywhere into the outbound segment. The input is a program of steps: what
 * the gateway does, what an honest worker does, and what an enemy writes in between.
 * Links: lane*.c arena.c ring_geometry.c test/worker_mirror.c
 */
#include "../test/worker_mirror.h"
#include "fuzz.h"
#include "lane.h"
#include "ring_atomic.h"

#define SLOTS 32u
#define EXCHANGES 4u
#define UNITS 128u
#define HELD 256u

struct held {
    uint32_t block;
    void *exchange;
};

struct run {
    const uint8_t *data;
    size_t left;
    struct segments segments;
    struct lane lane;
    struct worker worker;
    struct ring_event requests[8]; /* the honest worker's */
    uint32_t request_count;
    struct held held[HELD];
    uint32_t held_count;
    uint64_t held_units[UNITS / 64];
    uint32_t calls; /* callbacks of the current poll */
    uint8_t exchanges[EXCHANGES];
    bool live[EXCHANGES]; /* slot -> an exchange is bound */
    bool keep;
};

static uint32_t take(struct run *run, uint32_t bytes) {
    uint32_t value = 0;

    for (uint32_t i = 0; i < bytes; i++) {
        value = value << 8 | (run->left > 0 ? *run->data : 0u);
        if (run->left > 0) {
            run->data++;
            run->left--;
        }
    }
    return value;
}

/* --- the exchange layer --- */

static void give_back(struct run *run, uint32_t i) {
    uint32_t block = run->held[i].block;

    run->held[i] = run->held[--run->held_count];
    run->held_units[block_unit(block) / 64] &= ~block_mask(block);
    lane_give_back(&run->lane, block);
}

static void hold(struct run *run, const struct lane_bytes *bytes, void *exchange) {
    const uint8_t *start = run->lane.out_arena + block_start(bytes->block);

    HOLDS(block_valid(bytes->block, UNITS));
    HOLDS(bytes->data >= start && bytes->length <= block_size(bytes->block));
    HOLDS((size_t)(bytes->data - start) <= block_size(bytes->block) - bytes->length);
    /* The same bytes are never delivered twice while they are held. */
    HOLDS((run->held_units[block_unit(bytes->block) / 64] & block_mask(bytes->block)) == 0);
    run->held_units[block_unit(bytes->block) / 64] |= block_mask(bytes->block);
    HOLDS(run->held_count < HELD);
    run->held[run->held_count++] = (struct held){bytes->block, exchange};
}

static uint32_t sum(const struct lane_bytes *bytes) {
    uint32_t total = 0;

    for (uint32_t i = 0; i < bytes->length; i++) {
        total += bytes->data[i];
    }
    return total;
}

static volatile uint32_t sink;

static void on_message(struct lane *lane, void *exchange, const struct lane_message *message) {
    struct run *run = lane->params.owner;
    uint32_t slot = message->slot;

    run->calls++;
    HOLDS(slot < EXCHANGES && run->live[slot] && exchange == &run->exchanges[slot]);
    HOLDS(!lane->broken);
    HOLDS(message->kind != RING_EVENT_RESPONSE_FILE); /* no descriptor was ever sent */
    sink = sum(&message->head) + sum(&message->body);
    if (message->head.block != RING_NO_BLOCK) {
        hold(run, &message->head, exchange);
    }
    if (message->body.block != RING_NO_BLOCK && message->body.block != message->head.block) {
        hold(run, &message->body, exchange);
    }
    if (lane->slots[slot].state == LANE_SLOT_ENDED) {
        run->live[slot] = false;
        lane_forget(lane, slot);
    }
    while (!run->keep && run->held_count > 0) {
        give_back(run, run->held_count - 1);
    }
}

static void on_resume(struct lane *lane, void *exchange) {
    struct run *run = lane->params.owner;
    uint32_t slot = (uint32_t)((uint8_t *)exchange - run->exchanges);
    uint8_t *memory = NULL;
    uint32_t block;

    run->calls++;
    HOLDS(slot < EXCHANGES && run->live[slot]);
    block = lane_reserve_body(lane, slot, 3000, &memory);
    if (block != RING_NO_BLOCK) {
        memset(memory, 1, block_size(block));
        lane_publish_body(lane, slot, block, block_size(block), 0);
    }
}

static void on_discard(struct lane *lane, const int *files, uint32_t count) {
    (void)lane;
    (void)files;
    HOLDS(count == 0);
}

static const struct lane_calls calls = {.message = on_message, .resume = on_resume, .discard = on_discard};

/* --- steps --- */

static void start(struct run *run) {
    uint32_t slot = 0;
    uint32_t block = 0;
    uint8_t *memory = NULL;
    uint32_t size = 1 + take(run, 2) % 20000;

    if (lane_begin(&run->lane, size, &slot, &block, &memory) != 0) {
        return;
    }
    HOLDS(slot < EXCHANGES && !run->live[slot]);
    memset(memory, 2, size);
    run->live[slot] = true;
    lane_publish_request(&run->lane, slot, &run->exchanges[slot], block, size, 0, 0, 0, 0);
}

static void body(struct run *run, uint32_t slot, uint32_t what) {
    uint8_t *memory = NULL;
    static const uint8_t list[2000];

    if (!run->live[slot]) {
        return;
    }
    if (what % 4 == 0) {
        (void)!lane_publish_end(&run->lane, slot);
    } else if (what % 4 == 1) {
        (void)!lane_publish_trailers(&run->lane, slot, list, 1 + what * 7);
    } else {
        uint32_t block = lane_reserve_body(&run->lane, slot, 1 + what * 300, &memory);
        if (block == RING_NO_BLOCK) {
            return;
        }
        if (what % 4 == 2) {
            memset(memory, 3, block_size(block));
            lane_publish_body(&run->lane, slot, block, 1 + what % block_size(block), 0);
        } else {
            lane_drop_reserved(&run->lane, block);
        }
    }
}

static void let_go(struct run *run, uint32_t slot, uint32_t what) {
    if (!run->live[slot]) {
        return;
    }
    if (what == 0) {
        lane_cancel(&run->lane, slot, RING_CANCEL_HALF_CLOSED);
        return;
    }
    if (what == 1) {
        lane_hold_credit(&run->lane, slot, true);
        return;
    }
    if (what == 2) {
        lane_hold_credit(&run->lane, slot, false);
        return;
    }
    if (!lane_retract(&run->lane, slot, RING_CANCEL_GONE)) {
        lane_cancel(&run->lane, slot, RING_CANCEL_GONE);
    }
    run->live[slot] = false;
    lane_forget(&run->lane, slot);
}

static void poll_lane(struct run *run, uint32_t budget) {
    uint32_t n;

    run->calls = 0;
    n = lane_poll(&run->lane, budget);
    HOLDS(n <= budget);
    HOLDS(run->calls <= n + EXCHANGES); /* events, and each starved exchange once */
    if (run->lane.broken) {
        HOLDS(run->lane.broken_reason != NULL);
        HOLDS(lane_poll(&run->lane, budget) == 0);
    }
}

static void honest_worker(struct run *run, uint32_t what) {
    struct ring_event event;
    static const uint8_t bytes[8192];

    if (what % 4 == 0 || run->request_count == 0) {
        if (worker_take(&run->worker, &event) && event.kind == RING_EVENT_REQUEST && run->request_count < 8) {
            (void)!worker_claim(&run->worker, &event);
            run->requests[run->request_count++] = event;
        }
        return;
    }
    uint32_t i = what / 4 % run->request_count;
    uint8_t kind = (uint8_t)(RING_EVENT_RESPONSE + what % 6);
    event = worker_event(&run->requests[i], kind, what & 64 ? RING_FLAG_END : 0);
    event.credit = what % 2 != 0 ? 8192 : 65536;
    if ((what & 32) != 0) {
        (void)!worker_put_head(&run->worker, &event, bytes, 1 + what * 3);
    }
    if ((what & 16) != 0) {
        (void)!worker_put_body(&run->worker, &event, bytes, 1 + what * 30);
    }
    (void)!worker_publish(&run->worker, &event);
    if ((what & 64) != 0) {
        worker_return_event(&run->worker, &run->requests[i]);
        run->requests[i] = run->requests[--run->request_count];
    }
}

/* The mirror checks nothing of what the enemy does to its own segment; keep its cursors plausible for its own sake. */
static void enemy(struct run *run, uint32_t what) {
    uint8_t *out = run->segments.outbound;
    uint64_t size = run->segments.geometry.outbound_size;
    struct ring_word *words = (struct ring_word *)(void *)(out + RING_PAGE);

    switch (what % 6) {
    case 0: { /* an index or armed word, by a small step */
        struct ring_word *word = &words[take(run, 1) % 8];
        ring_store_index(word, ring_load_index(word) + take(run, 1) - 4);
        break;
    }
    case 1: { /* the same, any value */
        struct ring_word *word = &words[take(run, 1) % 8];
        ring_store_index(word, (uint64_t)take(run, 4) << 32 | take(run, 4));
        break;
    }
    case 2: { /* a claim word */
        uint64_t *claim = lane_claim(&run->lane, take(run, 1) % EXCHANGES);
        __atomic_store_n(claim, (uint64_t)take(run, 1) << 32 | take(run, 1) % 5, __ATOMIC_RELEASE);
        break;
    }
    case 3: { /* any bytes anywhere */
        uint64_t offset = take(run, 3) % size;
        for (uint32_t n = 1 + take(run, 1) % 8; n > 0 && offset < size; n--, offset++) {
            out[offset] = (uint8_t)take(run, 1);
        }
        break;
    }
    case 4: { /* an event that is right but for some bytes */
        struct ring_event event = {.kind = (uint8_t)(RING_EVENT_RESPONSE + take(run, 1) % 6),
                                   .exchange = take(run, 1) % EXCHANGES,
                                   .head_block = RING_NO_BLOCK,
                                   .body_block = RING_NO_BLOCK,
                                   .total = RING_LENGTH_UNKNOWN};
        uint32_t order = take(run, 1) % 4;
        event.generation = run->lane.slots[event.exchange].generation;
        event.body_block = take(run, 1) % UNITS >> order << order | order << 24;
        event.body_offset = block_start(event.body_block);
        event.body_length = take(run, 1);
        if (order == 3) {
            event.head_block = event.body_block;
            event.head_offset = event.body_offset;
            event.head_length = take(run, 1);
        }
        for (uint32_t n = take(run, 1) % 4; n > 0; n--) {
            uint32_t at = take(run, 1) % sizeof(event);
            ((uint8_t *)&event)[at] = (uint8_t)take(run, 1);
        }
        (void)!worker_publish(&run->worker, &event);
        break;
    }
    default: { /* a returned handle */
        uint32_t order = take(run, 1) % 8;
        worker_return(&run->worker, (take(run, 1) % UNITS) | order << 24);
        break;
    }
    }
}

static void check(struct run *run) {
    const struct lane *lane = &run->lane;
    uint64_t extra = 0;

    HOLDS(lane->held_blocks == run->held_count);
    HOLDS(lane->ended_count <= EXCHANGES && lane->starved_count <= EXCHANGES);
    HOLDS(lane->uncredited_count <= EXCHANGES && lane->free_count <= EXCHANGES);
    HOLDS(lane->in_tail - lane->in_head <= SLOTS);
    HOLDS(lane->arena.units_used <= UNITS && lane->lent_extra <= lane->extra_max);
    if (lane->broken) {
        return;
    }
    for (uint32_t i = 0; i < EXCHANGES; i++) {
        const struct lane_slot *slot = &lane->slots[i];
        if (slot->state == LANE_SLOT_OPEN) {
            HOLDS((uint64_t)slot->window + slot->spent + slot->pending == slot->share);
        }
        if (slot->state != LANE_SLOT_FREE) {
            HOLDS(slot->share >= RING_BASE_WINDOW);
            extra += slot->share - RING_BASE_WINDOW;
        }
    }
    HOLDS(extra == lane->extra && extra <= lane->extra_max);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct run run;

    memset(&run, 0, sizeof(run));
    run.data = data;
    run.left = size;
    segments_open(
        &run.segments,
        (struct ring_geometry){.lanes = 1, .ring_slots = SLOTS, .exchange_slots = EXCHANGES, .arena_units = UNITS},
        false);
    struct lane_params params = {.geometry = run.segments.geometry,
                                 .inbound = run.segments.inbound,
                                 .outbound = run.segments.outbound,
                                 .socket = run.segments.gateway_socket[0],
                                 .calls = &calls,
                                 .owner = &run};
    HOLDS(lane_open(&run.lane, &params) == 0);
    worker_open(&run.worker, &run.segments, 0);
    run.worker.lenient = true;

    while (run.left > 0) {
        uint32_t step = take(&run, 1);
        uint32_t what = step / 12;
        switch (step % 12) {
        case 0:
            start(&run);
            break;
        case 1:
            body(&run, take(&run, 1) % EXCHANGES, take(&run, 1));
            break;
        case 2:
            let_go(&run, what % EXCHANGES, what / EXCHANGES % 4);
            break;
        case 3:
            poll_lane(&run, 1 + what);
            break;
        case 4:
            poll_lane(&run, SLOTS);
            break;
        case 5:
            if (run.held_count > 0) {
                give_back(&run, what % run.held_count);
            }
            break;
        case 6:
            run.keep = (what & 1) != 0;
            (void)lane_arm(&run.lane, (what & 2) != 0);
            lane_disarm(&run.lane);
            lane_wake(&run.lane);
            HOLDS(lane_drain_socket(&run.lane));
            break;
        case 7:
        case 8:
        case 9:
            honest_worker(&run, take(&run, 1));
            break;
        default:
            enemy(&run, what);
            break;
        }
        check(&run);
    }

    /* The end of a worker, as dispatch does it: the ring to its tail, then everything is released. */
    poll_lane(&run, SLOTS);
    for (uint32_t slot = 0; slot < EXCHANGES; slot++) {
        if (run.live[slot]) {
            (void)!lane_take_request_back(&run.lane, slot);
            lane_end_slot(&run.lane, slot);
            lane_forget(&run.lane, slot);
        }
    }
    while (run.held_count > 0) {
        give_back(&run, run.held_count - 1);
    }
    HOLDS(lane_is_empty(&run.lane));
    worker_close(&run.worker);
    lane_close(&run.lane);
    segments_close(&run.segments);
    return 0;
}
