#include "lane.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ring_atomic.h"

int lane_open(struct lane *lane, const struct lane_params *params) {
    *lane = (struct lane){.params = *params, .geometry = params->geometry};
    const struct ring_geometry *g = &lane->geometry;

    uint8_t *in = params->inbound + RING_PAGE + g->in_stride * params->index;
    uint8_t *out = params->outbound + RING_PAGE + g->out_stride * params->index;
    lane->in = (struct ring_inbound_words *)(void *)in;
    lane->out = (struct ring_outbound_words *)(void *)out;
    lane->in_events = (struct ring_event *)(void *)(in + g->in_events);
    lane->out_events = (const struct ring_event *)(void *)(out + g->out_events);
    lane->in_returns = (uint32_t *)(void *)(in + g->in_returns);
    lane->out_returns = (const uint32_t *)(void *)(out + g->out_returns);
    lane->claims = out + g->out_claims;
    lane->in_arena = in + g->in_arena;
    lane->out_arena = out + g->out_arena;

    lane->held = calloc(g->arena_units / RING_CHUNK_UNITS, sizeof(*lane->held));
    lane->held_owner = calloc(g->arena_units, sizeof(*lane->held_owner));
    lane->slots = calloc(g->exchange_slots, sizeof(*lane->slots));
    lane->free_slots = calloc(g->exchange_slots, sizeof(*lane->free_slots));
    lane->ended = calloc(g->exchange_slots, sizeof(*lane->ended));
    lane->starved = calloc(g->exchange_slots, sizeof(*lane->starved));
    lane->uncredited = calloc(g->exchange_slots, sizeof(*lane->uncredited));
    lane->wanting = calloc(g->exchange_slots, sizeof(*lane->wanting));
    int rc = arena_init(&lane->arena, g->arena_units);
    if (rc == 0 &&
        (lane->held == NULL || lane->held_owner == NULL || lane->slots == NULL || lane->free_slots == NULL ||
         lane->ended == NULL || lane->starved == NULL || lane->uncredited == NULL || lane->wanting == NULL)) {
        rc = -ENOMEM;
    }
    if (rc != 0) {
        lane->params.socket = -1; /* still the caller's */
        lane_close(lane);
        return rc;
    }

    lane->extra_max = (uint64_t)g->arena_units * RING_UNIT - (uint64_t)g->exchange_slots * RING_BASE_WINDOW;
    /* Low slots are handed out first, so that a lightly loaded lane touches few claim words. */
    for (uint32_t i = 0; i < g->exchange_slots; i++) {
        lane->free_slots[i] = g->exchange_slots - 1 - i;
    }
    lane->free_count = g->exchange_slots;
    return 0;
}

void lane_close(struct lane *lane) {
    if (lane->params.socket >= 0) {
        close(lane->params.socket);
    }
    for (uint32_t i = 0; i < lane->received_count; i++) {
        if (lane->received[i].fd >= 0) {
            close(lane->received[i].fd);
        }
    }
    lane->received_count = 0;
    arena_free(&lane->arena);
    free(lane->held);
    free(lane->held_owner);
    free(lane->slots);
    free(lane->free_slots);
    free(lane->ended);
    free(lane->starved);
    free(lane->uncredited);
    free(lane->wanting);
    lane->params.socket = -1;
    lane->held = NULL;
    lane->held_owner = NULL;
    lane->slots = NULL;
    lane->free_slots = NULL;
    lane->ended = NULL;
    lane->starved = NULL;
    lane->uncredited = NULL;
    lane->wanting = NULL;
}

void lane_break(struct lane *lane, const char *reason, uint64_t value, uint64_t limit) {
    if (!lane->broken) {
        lane->broken = true;
        lane->broken_reason = reason;
        lane->broken_value = value;
        lane->broken_limit = limit;
    }
}

void lane_refresh_in_head(struct lane *lane) {
    uint64_t head = ring_load_index(&lane->out->in_head);
    if (head - lane->in_head > lane->in_tail - lane->in_head) {
        lane_break(lane, "in_head left the range of published events", head, lane->in_tail);
        return;
    }
    lane->in_head = head;
    counter_set(&lane->counters.acknowledged, head);
}

/* L5: nothing of the old generation may be under way when a slot gets its next one. */
void lane_try_free(struct lane *lane, uint32_t index) {
    struct lane_slot *slot = &lane->slots[index];
    if (slot->state != LANE_SLOT_ENDED || slot->spent != 0 || slot->lent != 0 || slot->exchange != NULL ||
        slot->filing) {
        return;
    }
    if (slot->control_position > lane->in_head) {
        lane_refresh_in_head(lane);
        if (slot->control_position > lane->in_head) {
            if (!slot->listed) {
                slot->listed = true;
                lane->ended[lane->ended_count++] = index;
            }
            return;
        }
    }
    slot->state = LANE_SLOT_FREE;
    lane->free_slots[lane->free_count++] = index;
    lane->freed = true;
    counter_sub(&lane->counters.in_flight, 1);
}

/* Frees ended slots whose last control event has been consumed meanwhile. */
void lane_sweep(struct lane *lane) {
    for (uint32_t i = 0; i < lane->ended_count;) {
        uint32_t index = lane->ended[i];
        struct lane_slot *slot = &lane->slots[index];
        if (slot->control_position > lane->in_head) {
            i++;
            continue;
        }
        slot->listed = false;
        lane->ended[i] = lane->ended[--lane->ended_count];
        lane_try_free(lane, index);
    }
}

void lane_end_slot(struct lane *lane, uint32_t index) {
    struct lane_slot *slot = &lane->slots[index];
    if (slot->state != LANE_SLOT_OPEN) {
        return;
    }
    slot->state = LANE_SLOT_ENDED;
    lane->open_count--;
    lane->upgraded_count -= slot->upgraded;
    lane_window_close(lane, slot);
    lane_try_free(lane, index);
}

void lane_forget(struct lane *lane, uint32_t index) {
    lane->slots[index].exchange = NULL;
    if (lane->slots[index].holding) {
        lane_hold_credit(lane, index, false); /* nobody else ever would, and the handler may run on */
    }
    lane_try_free(lane, index);
}

bool lane_replayable(const struct lane *lane, uint32_t index) {
    return !lane->slots[index].returned;
}

void lane_forbid_replay(struct lane *lane, uint32_t index) {
    lane->slots[index].returned = true;
}

bool lane_has_too_many_streams(const struct lane *lane) {
    return lane->upgraded_count > lane->geometry.exchange_slots - lane->geometry.exchange_slots / 4;
}

const uint8_t *lane_block_memory(const struct lane *lane, uint32_t block) {
    return lane->in_arena + block_start(block);
}

bool lane_is_empty(const struct lane *lane) {
    return lane->held_blocks == 0;
}
