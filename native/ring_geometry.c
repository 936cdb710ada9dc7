#include "ring_geometry.h"

#include <errno.h>
#include <stdbool.h>

static bool power_of_two(uint32_t n) {
    return n != 0 && (n & (n - 1)) == 0;
}

static uint64_t round_up(uint64_t n, uint64_t to) {
    return (n + to - 1) / to * to;
}

int ring_geometry_init(struct ring_geometry *g) {
    if (g->lanes == 0 || g->lanes > RING_MAX_LANES || !power_of_two(g->ring_slots) ||
        !power_of_two(g->exchange_slots) || g->exchange_slots > RING_MAX_EXCHANGES ||
        g->ring_slots < 4 * g->exchange_slots || g->ring_slots > 16 * RING_MAX_EXCHANGES || g->arena_units == 0 ||
        g->arena_units % RING_CHUNK_UNITS != 0 || g->arena_units > RING_MAX_ARENA_UNITS) {
        return -EINVAL;
    }
    /* Base windows may use at most half of an arena; the other half is handed out by demand. */
    if ((uint64_t)g->exchange_slots * RING_BASE_WINDOW * 2 > (uint64_t)g->arena_units * RING_UNIT) {
        return -EINVAL;
    }
    g->return_slots = 1;
    while (g->return_slots < g->arena_units) {
        g->return_slots *= 2;
    }
    uint64_t events = (uint64_t)g->ring_slots * sizeof(struct ring_event);
    uint64_t returns = (uint64_t)g->return_slots * sizeof(uint32_t);
    uint64_t arena = (uint64_t)g->arena_units * RING_UNIT;

    g->in_events = RING_WORDS_SIZE;
    g->in_returns = g->in_events + events;
    g->in_arena = round_up(g->in_returns + returns, RING_PAGE);
    g->in_stride = g->in_arena + arena;

    g->out_claims = RING_WORDS_SIZE;
    g->out_events = g->out_claims + (uint64_t)g->exchange_slots * RING_CLAIM_STRIDE;
    g->out_returns = g->out_events + events;
    g->out_arena = round_up(g->out_returns + returns, RING_PAGE);
    g->out_stride = g->out_arena + arena;

    g->inbound_size = RING_PAGE + g->in_stride * g->lanes;
    g->outbound_size = RING_PAGE + g->out_stride * g->lanes;
    return 0;
}
