/* The gateway as consumer: answers, returned blocks, sleeping. Everything read here may have been written by an enemy. */
#include "lane.h"
#include "ring_atomic.h"

/* Takes back inbound blocks. The number is bounded by the ring, the ring by the blocks. */
static void take_returns(struct lane *lane) {
    uint64_t tail = ring_load_index(&lane->out->in_return_tail);
    uint64_t count = tail - lane->in_return_head;
    if (count == 0) {
        return;
    }
    if (count > lane->geometry.return_slots) {
        lane_break(lane, "in_return_tail left the range of lent blocks", count, lane->geometry.return_slots);
        return;
    }
    for (; lane->in_return_head != tail; lane->in_return_head++) {
        uint32_t handle =
            ring_load_handle(&lane->out_returns[lane->in_return_head & (lane->geometry.return_slots - 1)]);
        uint32_t index = 0;
        if (arena_take_back(&lane->arena, handle, &index) != 0) {
            lane_break(lane, "a block was returned that is not lent", handle, lane->geometry.arena_units);
            return;
        }
        struct lane_slot *slot = &lane->slots[index];
        slot->returned = true;
        lane_unlend(lane, slot, handle);
        lane_try_free(lane, index);
    }
    ring_store_index(&lane->in->in_return_head, lane->in_return_head);
    counter_set(&lane->counters.arena_bytes, (uint64_t)lane->arena.units_used * RING_UNIT);
}

/* Checks a reference and holds its block. */
static bool hold(struct lane *lane, uint32_t index, uint32_t block, uint32_t offset, uint32_t length,
                 struct lane_bytes *out) {
    *out = (struct lane_bytes){.block = RING_NO_BLOCK};
    if (block == RING_NO_BLOCK) {
        if (length != 0) {
            lane_break(lane, "bytes without a block", length, 0);
            return false;
        }
        return true;
    }
    if (!block_valid(block, lane->geometry.arena_units)) {
        lane_break(lane, "not a block of the arena", block, lane->geometry.arena_units);
        return false;
    }
    uint32_t start = block_start(block);
    uint32_t size = block_size(block);
    if (offset < start || offset - start > size || length > size - (offset - start)) {
        lane_break(lane, "a reference leaves its block", (uint64_t)offset + length, (uint64_t)start + size);
        return false;
    }
    uint64_t *held = &lane->held[block_unit(block) / RING_CHUNK_UNITS];
    if ((*held & block_mask(block)) != 0) {
        lane_break(lane, "a block was sent that is still held", block, 0);
        return false;
    }
    *held |= block_mask(block);
    lane->held_owner[block_unit(block)] = index;
    lane->held_blocks++;
    counter_add(&lane->counters.held_bytes, size);
    counter_raise(&lane->counters.held_high_water, counter_get(&lane->counters.held_bytes));
    out->data = lane->out_arena + offset;
    out->length = length;
    out->block = block;
    return true;
}

/* The counterpart: the gateway no longer looks at the block. */
static void unhold(struct lane *lane, uint32_t block) {
    lane->held[block_unit(block) / RING_CHUNK_UNITS] &= ~block_mask(block);
    lane->held_blocks--;
    counter_sub(&lane->counters.held_bytes, block_size(block));
}

/* Checks both references; a shared block is held once. If one fails, nothing stays held: the lane must be able to become empty. */
static bool hold_both(struct lane *lane, uint32_t index, const struct ring_event *event, struct lane_message *message) {
    uint32_t bytes = 0;
    bool shared = event->body_block != RING_NO_BLOCK && event->body_block == event->head_block;
    if (!hold(lane, index, event->head_block, event->head_offset, event->head_length, &message->head)) {
        return false;
    }
    if (message->head.block != RING_NO_BLOCK) {
        bytes += block_size(message->head.block);
    }
    if (shared) {
        uint32_t start = block_start(event->body_block);
        uint32_t size = block_size(event->body_block);
        uint32_t offset = event->body_offset;
        if (offset < start || offset - start > size || event->body_length > size - (offset - start)) {
            lane_break(lane, "a reference leaves its block", (uint64_t)offset + event->body_length,
                       (uint64_t)start + size);
            unhold(lane, event->body_block);
            return false;
        }
        message->body = (struct lane_bytes){lane->out_arena + offset, event->body_length, event->body_block};
    } else if (!hold(lane, index, event->body_block, event->body_offset, event->body_length, &message->body)) {
        if (message->head.block != RING_NO_BLOCK) {
            unhold(lane, message->head.block);
        }
        return false;
    } else if (message->body.block != RING_NO_BLOCK) {
        bytes += block_size(message->body.block);
    }
    if (bytes == 0 || lane_window_spend(lane, &lane->slots[index], bytes)) {
        return true;
    }
    if (message->head.block != RING_NO_BLOCK) {
        unhold(lane, message->head.block);
    }
    if (message->body.block != RING_NO_BLOCK && !shared) {
        unhold(lane, message->body.block);
    }
    return false;
}

static void give_back_both(struct lane *lane, const struct lane_message *message) {
    if (message->head.block != RING_NO_BLOCK && message->head.block != message->body.block) {
        lane_give_back(lane, message->head.block);
    }
    if (message->body.block != RING_NO_BLOCK) {
        lane_give_back(lane, message->body.block);
    }
}

/* What only a stream may have, and what it may not. */
static bool in_stream_order(struct lane *lane, struct lane_slot *slot, const struct ring_event *event) {
    bool shut = (event->flags & RING_FLAG_SHUT) != 0;
    if (shut && !slot->upgraded) {
        lane_break(lane, "SHUT of an answer that is no stream", event->exchange, 0);
        return false;
    }
    if (slot->upgraded && (event->flags & RING_FLAG_TRAILERS) != 0) {
        lane_break(lane, "trailers of a stream", event->exchange, 0);
        return false;
    }
    if (slot->shut && (shut || event->body_block != RING_NO_BLOCK || event->head_block != RING_NO_BLOCK)) {
        lane_break(lane, "more of a stream behind its SHUT", event->exchange, 0);
        return false;
    }
    slot->shut |= shut;
    return true;
}

/* The order of events that docs/design.md 3.8 allows. */
static bool in_order(struct lane *lane, struct lane_slot *slot, const struct ring_event *event) {
    switch (event->kind) {
    case RING_EVENT_RESPONSE:
        if (slot->answered) {
            lane_break(lane, "a second RESPONSE", event->exchange, 1);
            return false;
        }
        slot->answered = true;
        slot->upgraded = event->status == 101 && (event->flags & RING_FLAG_END) == 0;
        lane->upgraded_count += slot->upgraded;
        return true;
    case RING_EVENT_RESPONSE_BODY:
        if (!slot->answered) {
            lane_break(lane, "RESPONSE_BODY before RESPONSE", event->exchange, 0);
            return false;
        }
        return in_stream_order(lane, slot, event);
    case RING_EVENT_INFORM:
        if (slot->answered) {
            lane_break(lane, "INFORM after RESPONSE", event->exchange, 0);
            return false;
        }
        return true;
    case RING_EVENT_CONTINUE:
        if (slot->continued) {
            lane_break(lane, "a second CONTINUE", event->exchange, 1);
            return false;
        }
        slot->continued = true;
        return true;
    case RING_EVENT_RESPONSE_FILE:
        if (!slot->answered) {
            lane_break(lane, "RESPONSE_FILE before RESPONSE", event->exchange, 0);
            return false;
        }
        if (slot->upgraded) {
            lane_break(lane, "a file for a stream", event->exchange, 0);
            return false;
        }
        return true;
    case RING_EVENT_WANT:
    case RING_EVENT_ABORT:
    case RING_EVENT_FILE_STOP:
        return true;
    default:
        lane_break(lane, "unknown event kind", event->kind, RING_EVENT_FILE_STOP);
        return false;
    }
}

static void receive(struct lane *lane, const struct ring_event *event) {
    if (event->exchange >= lane->geometry.exchange_slots) {
        lane_break(lane, "no such exchange slot", event->exchange, lane->geometry.exchange_slots);
        return;
    }
    struct lane_slot *slot = &lane->slots[event->exchange];
    /* Half of the numbers are the past: generations wrap. */
    if (event->generation == 0 || slot->generation - event->generation > UINT32_MAX / 2) {
        lane_break(lane, "a generation that was never handed out", event->generation, slot->generation);
        return;
    }
    struct lane_message message = {.kind = event->kind,
                                   .flags = event->flags,
                                   .status = event->status,
                                   .slot = event->exchange,
                                   .total = event->total,
                                   .time_ns = event->time_ns,
                                   .file = -1};
    if (slot->state != LANE_SLOT_OPEN || event->generation != slot->generation) {
        /* After the last event of a generation (L4), or of one that was taken back: an honest worker has no blocks in it. */
        if (event->head_block != RING_NO_BLOCK || event->body_block != RING_NO_BLOCK ||
            event->kind == RING_EVENT_RESPONSE_FILE) {
            lane_break(lane, "blocks or a file for an exchange that is over", event->generation, slot->generation);
        }
        return;
    }
    if (!in_order(lane, slot, event) || !hold_both(lane, event->exchange, event, &message)) {
        return;
    }
    if (event->kind == RING_EVENT_RESPONSE_FILE) {
        give_back_both(lane, &message);
        lane_file_receive(lane, event->exchange, event);
        return;
    }
    if (event->kind == RING_EVENT_FILE_STOP && !slot->filing) {
        give_back_both(lane, &message); /* FILE_DONE is on its way */
        return;
    }
    if (event->kind == RING_EVENT_WANT) {
        give_back_both(lane, &message);
        lane_window_want(lane, event->exchange, event->credit);
        return;
    }
    bool last = event->kind == RING_EVENT_ABORT ||
                ((event->flags & RING_FLAG_END) != 0 &&
                 (event->kind == RING_EVENT_RESPONSE || event->kind == RING_EVENT_RESPONSE_BODY));
    if (event->kind == RING_EVENT_RESPONSE && !last && event->total != RING_LENGTH_UNKNOWN) {
        lane_window_expect(lane, event->exchange, event->total);
    }
    void *exchange = slot->exchange;
    if (last) {
        /* First, so that blocks given back from inside the callback are not credited to an exchange that is over. */
        counter_add(&lane->counters.completed, 1);
        lane_end_slot(lane, event->exchange);
    }
    if (exchange == NULL) {
        give_back_both(lane, &message);
    } else {
        lane->params.calls->message(lane, exchange, &message);
    }
}

static void resume_starved(struct lane *lane) {
    uint32_t count = lane->starved_count;
    lane->starved_count = 0;
    /* An exchange that is still starved puts itself on the list again, at or before the place it is read from. */
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index = lane->starved[i];
        struct lane_slot *slot = &lane->slots[index];
        slot->starved = false;
        if (slot->state == LANE_SLOT_OPEN && slot->exchange != NULL) {
            lane->params.calls->resume(lane, slot->exchange);
        }
    }
}

uint32_t lane_poll(struct lane *lane, uint32_t budget) {
    if (lane->broken) {
        return 0;
    }
    take_returns(lane);
    uint64_t tail = ring_load_index(&lane->out->out_tail);
    uint64_t count = tail - lane->out_head;
    if (count > lane->geometry.ring_slots) {
        lane_break(lane, "out_tail left the range of the ring", count, lane->geometry.ring_slots);
        return 0;
    }
    if (count > budget) {
        count = budget;
    }
    uint32_t handled = 0;
    for (; handled < count && !lane->broken; handled++) {
        struct ring_event event;
        ring_copy_event(&event, &lane->out_events[lane->out_head & (lane->geometry.ring_slots - 1)]);
        lane->out_head++;
        receive(lane, &event);
    }
    if (handled != 0) {
        ring_store_index(&lane->in->out_head, lane->out_head);
        lane->space_pending = true;
    }
    lane->freed = false;
    lane->settled_at = lane->in_head;
    if (lane->ended_count != 0 || lane->starved_count != 0 || lane->uncredited_count != 0 || lane->wanting_count != 0) {
        lane_refresh_in_head(lane);
        lane->settled_at = lane->in_head;
        lane_sweep(lane);
        lane_window_settle(lane);
        uint64_t progress = lane->in_head + lane->in_return_head;
        if (lane->starved_count != 0 && progress != lane->resumed_at && !lane->broken) {
            lane->resumed_at = progress;
            resume_starved(lane);
        }
    }
    return handled;
}

bool lane_arm(struct lane *lane, bool hungry) {
    if (lane->broken) {
        return false;
    }
    bool starved = hungry || lane->starved_count != 0 || lane->ended_count != 0 || lane->uncredited_count != 0;
    ring_arm(&lane->out->gateway_armed);
    if (starved) {
        ring_arm(&lane->out->gateway_starved);
    }
    /* So that either the worker, having published, sees the words, or we see what it published. */
    ring_full_fence();
    bool more = ring_load_index(&lane->out->out_tail) != lane->out_head;
    if (starved) {
        /* Compared with what lane_poll saw: in_head may have been looked at since, for another reason. */
        lane_refresh_in_head(lane);
        more |=
            lane->settled_at != lane->in_head || ring_load_index(&lane->out->in_return_tail) != lane->in_return_head;
    }
    more |= lane->freed && (hungry || lane->wanting_count != 0);
    return more || lane->broken; /* found just now: tell before sleeping */
}

void lane_disarm(struct lane *lane) {
    ring_disarm(&lane->out->gateway_armed);
}

void lane_give_back(struct lane *lane, uint32_t block) {
    uint32_t index = lane->held_owner[block_unit(block)];
    unhold(lane, block);
    if (!lane->broken) {
        if (lane->out_return_tail - lane->out_return_head >= lane->geometry.return_slots) {
            uint64_t head = ring_load_index(&lane->out->out_return_head);
            uint64_t unread = lane->out_return_tail - head;
            if (unread >= lane->geometry.return_slots) {
                lane_break(lane, "out_return_head left the range of returned blocks", unread,
                           lane->geometry.return_slots);
                return;
            }
            lane->out_return_head = head;
        }
        lane->in_returns[lane->out_return_tail & (lane->geometry.return_slots - 1)] = block;
        lane->out_return_tail++;
        ring_store_index(&lane->in->out_return_tail, lane->out_return_tail);
        lane->space_pending = true;
    }
    lane_window_return(lane, index, block_size(block));
}
