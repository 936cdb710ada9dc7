/* The gateway as producer: requests, bodies, control events, wake-ups. */
#include <errno.h>
#include <sys/socket.h>

#include "lane.h"
#include "ring_atomic.h"

/* Control events may use the whole ring; requests and bodies leave room for them (docs/design.md 3.2). */
uint32_t lane_ring_space(const struct lane *lane, bool control) {
    uint32_t reserve = control ? 0 : 3 * lane->geometry.exchange_slots;
    uint32_t used = (uint32_t)(lane->in_tail - lane->in_head);
    uint32_t usable = lane->geometry.ring_slots - reserve;
    return used < usable ? usable - used : 0;
}

static bool have_ring_space(struct lane *lane) {
    if (lane_ring_space(lane, false) == 0) {
        lane_refresh_in_head(lane);
        if (lane_ring_space(lane, false) == 0) {
            counter_add(&lane->counters.full_stalls, 1);
            return false;
        }
    }
    return true;
}

void lane_publish(struct lane *lane, const struct ring_event *event) {
    lane->in_events[lane->in_tail & (lane->geometry.ring_slots - 1)] = *event;
    lane->in_tail++;
    ring_store_index(&lane->in->in_tail, lane->in_tail);
    lane->wake_pending = true;
    counter_set(&lane->counters.published, lane->in_tail);
    uint64_t depth = lane->in_tail - lane->in_head;
    counter_set(&lane->counters.depth, depth);
    if (counter_get(&lane->counters.depth_high_water) < depth) {
        /* in_head may be an old copy: look before recording a new high water. */
        lane_refresh_in_head(lane);
        counter_raise(&lane->counters.depth_high_water, lane->in_tail - lane->in_head);
    }
}

static struct ring_event blank_event(uint8_t kind, uint32_t slot, uint32_t generation) {
    return (struct ring_event){.kind = kind,
                               .exchange = slot,
                               .generation = generation,
                               .head_block = RING_NO_BLOCK,
                               .body_block = RING_NO_BLOCK,
                               .total = RING_LENGTH_UNKNOWN};
}

/*
 * Lent bytes beyond the base count against what all exchanges may have beyond theirs. The request block stays lent until the
 * exchange ends, so it never uses up the base: a unit of it is always there for the body, whatever other exchanges hold.
 */
static uint64_t beyond_base(uint32_t request, uint32_t lent) {
    uint32_t body = lent - request;
    uint32_t most = RING_BASE_WINDOW - RING_UNIT;
    uint32_t used = request < most ? request : most;
    uint32_t left = RING_BASE_WINDOW - used;
    return (uint64_t)(request - used) + (body > left ? body - left : 0);
}

/* What `bytes` more of body would add. */
static uint64_t beyond_more(const struct lane_slot *slot, uint32_t bytes) {
    return beyond_base(slot->request, slot->lent + bytes) - beyond_base(slot->request, slot->lent);
}

static bool may_lend(const struct lane *lane, uint64_t more) {
    return more == 0 || lane->lent_extra + more <= lane->extra_max;
}

static void count_used(struct lane *lane) {
    uint64_t used = (uint64_t)lane->arena.units_used * RING_UNIT;
    counter_set(&lane->counters.arena_bytes, used);
    counter_raise(&lane->counters.arena_high_water, used);
}

static void lend_body(struct lane *lane, uint32_t index, uint32_t block) {
    struct lane_slot *slot = &lane->slots[index];
    arena_lend(&lane->arena, block, index);
    lane->lent_extra += beyond_more(slot, block_size(block));
    slot->lent += block_size(block);
    count_used(lane);
}

static void lend_request(struct lane *lane, uint32_t index, uint32_t block) {
    struct lane_slot *slot = &lane->slots[index];
    arena_lend(&lane->arena, block, index);
    slot->request_block = block;
    slot->request = block_size(block);
    slot->lent = slot->request;
    lane->lent_extra += beyond_base(slot->request, slot->lent);
    count_used(lane);
}

void lane_unlend(struct lane *lane, struct lane_slot *slot, uint32_t block) {
    uint64_t before = beyond_base(slot->request, slot->lent);
    if (block == slot->request_block) {
        slot->request_block = RING_NO_BLOCK;
        slot->request = 0;
    }
    slot->lent -= block_size(block);
    lane->lent_extra -= before - beyond_base(slot->request, slot->lent);
}

int lane_begin(struct lane *lane, uint32_t size, uint32_t *out_slot, uint32_t *out_block, uint8_t **memory) {
    if (lane->broken || lane->free_count == 0 || !have_ring_space(lane)) {
        return -EAGAIN;
    }
    uint32_t index = lane->free_slots[lane->free_count - 1];
    uint32_t order = block_order_for(size);
    if (!may_lend(lane, beyond_base(RING_UNIT << order, RING_UNIT << order))) {
        return -EAGAIN;
    }
    uint32_t block = arena_take(&lane->arena, order);
    if (block == RING_NO_BLOCK) {
        return -EAGAIN;
    }
    lane->free_count--;
    *out_slot = index;
    *out_block = block;
    *memory = lane->in_arena + block_start(block);
    return 0;
}

/* 0 is never handed out: a busy slot gets through all numbers in some hours. */
static uint32_t next_generation(const struct lane_slot *slot) {
    return slot->generation == UINT32_MAX ? 1 : slot->generation + 1;
}

void lane_publish_request(struct lane *lane, uint32_t index, void *exchange, uint32_t block, uint32_t head_length,
                          uint32_t body_length, uint8_t flags, uint64_t total, uint64_t time_ns) {
    struct lane_slot *slot = &lane->slots[index];
    /* It may still be on a list of its last generation; it must not get onto one twice. */
    *slot = (struct lane_slot){.exchange = exchange,
                               .generation = next_generation(slot),
                               .credit_position = slot->credit_position,
                               .state = LANE_SLOT_OPEN,
                               .starved = slot->starved,
                               .listed = slot->listed,
                               .uncredited = slot->uncredited,
                               .wanting = slot->wanting};
    lane->open_count++;
    counter_add(&lane->counters.in_flight, 1);
    lane_window_open(lane, slot);
    lend_request(lane, index, block);
    /* Before the event, so that a worker that sees the event finds {generation, QUEUED}. */
    ring_claim_store(lane_claim(lane, index), slot->generation, RING_CLAIM_QUEUED);

    struct ring_event event = blank_event(RING_EVENT_REQUEST, index, slot->generation);
    event.flags = flags;
    event.credit = slot->window;
    event.head_block = block;
    event.head_offset = block_start(block);
    event.head_length = head_length;
    if (body_length != 0) {
        event.body_block = block;
        event.body_offset = event.head_offset + head_length;
        event.body_length = body_length;
    }
    event.total = total;
    event.time_ns = time_ns;
    lane_publish(lane, &event);
}

static void starve(struct lane *lane, uint32_t index) {
    struct lane_slot *slot = &lane->slots[index];
    if (!slot->starved) {
        slot->starved = true;
        lane->starved[lane->starved_count++] = index;
    }
}

uint32_t lane_reserve_body(struct lane *lane, uint32_t index, uint32_t want, uint8_t **memory) {
    struct lane_slot *slot = &lane->slots[index];
    if (lane->broken) {
        return RING_NO_BLOCK;
    }
    uint32_t order = block_order_for(want < RING_MAX_BLOCK ? want : RING_MAX_BLOCK);
    /* One exchange may have at most LANE_REQUEST_WINDOW lent, and at most half of what is left beyond the base windows. */
    while (order > 0) {
        uint32_t bytes = RING_UNIT << order;
        if (slot->lent + bytes <= LANE_REQUEST_WINDOW &&
            beyond_more(slot, bytes) <= (lane->extra_max - lane->lent_extra) / 2) {
            break;
        }
        order--;
    }
    if (slot->lent + (RING_UNIT << order) <= LANE_REQUEST_WINDOW &&
        may_lend(lane, beyond_more(slot, RING_UNIT << order)) && have_ring_space(lane)) {
        for (;; order--) {
            uint32_t block = arena_take(&lane->arena, order);
            if (block != RING_NO_BLOCK) {
                *memory = lane->in_arena + block_start(block);
                return block;
            }
            if (order == 0) {
                break;
            }
        }
    }
    starve(lane, index);
    return RING_NO_BLOCK;
}

void lane_drop_reserved(struct lane *lane, uint32_t block) {
    arena_give(&lane->arena, block);
}

void lane_publish_body(struct lane *lane, uint32_t index, uint32_t block, uint32_t length, uint8_t flags) {
    struct lane_slot *slot = &lane->slots[index];
    block = arena_trim(&lane->arena, block, block_order_for(length));
    lend_body(lane, index, block);
    struct ring_event event = blank_event(RING_EVENT_BODY, index, slot->generation);
    event.flags = flags;
    event.body_block = block;
    event.body_offset = block_start(block);
    event.body_length = length;
    lane_publish(lane, &event);
}

bool lane_publish_end(struct lane *lane, uint32_t index) {
    if (lane->broken || !have_ring_space(lane)) {
        starve(lane, index);
        return false;
    }
    struct ring_event event = blank_event(RING_EVENT_BODY, index, lane->slots[index].generation);
    event.flags = RING_FLAG_END;
    lane_publish(lane, &event);
    return true;
}

bool lane_publish_trailers(struct lane *lane, uint32_t index, const uint8_t *list, uint32_t length) {
    uint8_t *memory = NULL;
    uint32_t block = lane_reserve_body(lane, index, length, &memory);
    if (block == RING_NO_BLOCK) {
        return false;
    }
    if (block_size(block) < length) {
        arena_give(&lane->arena, block);
        starve(lane, index);
        return false;
    }
    __builtin_memcpy(memory, list, length);
    lend_body(lane, index, block);
    struct ring_event event = blank_event(RING_EVENT_BODY, index, lane->slots[index].generation);
    event.flags = RING_FLAG_END | RING_FLAG_TRAILERS;
    event.head_block = block;
    event.head_offset = block_start(block);
    event.head_length = length;
    lane_publish(lane, &event);
    return true;
}

bool lane_take_request_back(struct lane *lane, uint32_t index) {
    /* A worker that broke the protocol may have run anything: its claim words are worth nothing (docs/design.md section 5). */
    return !lane->broken && ring_claim_change(lane_claim(lane, index), lane->slots[index].generation, RING_CLAIM_QUEUED,
                                              RING_CLAIM_CANCELLED);
}

bool lane_is_queued(const struct lane *lane, uint32_t index) {
    return ring_claim_is(lane_claim(lane, index), lane->slots[index].generation, RING_CLAIM_QUEUED);
}

bool lane_retract(struct lane *lane, uint32_t index, uint16_t reason) {
    if (!lane_take_request_back(lane, index)) {
        return false;
    }
    lane_cancel(lane, index, reason);
    lane_end_slot(lane, index);
    return true;
}

void lane_cancel(struct lane *lane, uint32_t index, uint16_t reason) {
    struct lane_slot *slot = &lane->slots[index];
    if (slot->cancels == 2 || lane->broken) {
        return;
    }
    slot->cancels++;
    struct ring_event event = blank_event(RING_EVENT_CANCEL, index, slot->generation);
    event.status = reason;
    lane_publish(lane, &event);
    slot->control_position = lane->in_tail;
    counter_add(&lane->counters.cancelled, 1);
}

void lane_wake(struct lane *lane) {
    if (!lane->wake_pending && !lane->space_pending) {
        return;
    }
    /* So that either the worker, having stored its word, sees the new index, or we see its word. */
    ring_full_fence();
    bool signal = false;
    if (lane->wake_pending) {
        signal = ring_take_armed(&lane->out->worker_armed);
        counter_add(signal ? &lane->counters.wakeups_sent : &lane->counters.wakeups_avoided, 1);
    }
    if (lane->space_pending) {
        signal |= ring_take_armed(&lane->out->worker_starved);
    }
    lane->wake_pending = false;
    lane->space_pending = false;
    if (signal) {
        /* EAGAIN: the socket is full of wake-ups already. Any other error: the worker is gone, the control socket tells. */
        (void)!send(lane->params.socket, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}
