#include "arena.h"

#include <errno.h>
#include <stdlib.h>

/* Where blocks of each order may start in a chunk. */
static const uint64_t aligned[RING_MAX_ORDER + 1] = {
    UINT64_C(0xffffffffffffffff), UINT64_C(0x5555555555555555), UINT64_C(0x1111111111111111),
    UINT64_C(0x0101010101010101), UINT64_C(0x0001000100010001), UINT64_C(0x0000000100000001),
    UINT64_C(0x0000000000000001),
};

/* Bit i set where an aligned run of 2^order free units starts at i. */
static uint64_t runs(uint64_t mask, uint32_t order) {
    for (uint32_t o = 0; o < order; o++) {
        mask &= mask >> (1u << o);
    }
    return mask & aligned[order];
}

static void refresh_summary(struct arena *arena, uint32_t chunk) {
    uint64_t bit = UINT64_C(1) << (chunk % 64);
    uint32_t word = chunk / 64;
    uint64_t mask = arena->free[chunk];
    for (uint32_t order = 0;; order++) {
        uint64_t *summary = &arena->summary[order][word];
        *summary = (mask & aligned[order]) != 0 ? *summary | bit : *summary & ~bit;
        if (order == RING_MAX_ORDER) {
            return; /* a shift by a whole word is undefined */
        }
        mask &= mask >> (1u << order); /* bit i now: a run of 2^(order+1) starts at i */
    }
}

int arena_init(struct arena *arena, uint32_t units) {
    *arena = (struct arena){.units = units, .chunks = units / RING_CHUNK_UNITS};
    uint32_t words = (arena->chunks + 63) / 64;
    arena->free = malloc(arena->chunks * sizeof(*arena->free));
    arena->lent = calloc(units, sizeof(*arena->lent));
    arena->owner = calloc(units, sizeof(*arena->owner));
    uint64_t *summary = calloc((size_t)words * (RING_MAX_ORDER + 1), sizeof(*summary));
    arena->summary[0] = summary;
    if (arena->free == NULL || arena->lent == NULL || arena->owner == NULL || summary == NULL) {
        arena_free(arena);
        return -ENOMEM;
    }
    for (uint32_t order = 1; order <= RING_MAX_ORDER; order++) {
        arena->summary[order] = summary + (size_t)order * words;
    }
    for (uint32_t chunk = 0; chunk < arena->chunks; chunk++) {
        arena->free[chunk] = UINT64_MAX;
        refresh_summary(arena, chunk);
    }
    return 0;
}

void arena_free(struct arena *arena) {
    free(arena->free);
    free(arena->lent);
    free(arena->owner);
    free(arena->summary[0]);
    *arena = (struct arena){0};
}

uint32_t arena_take(struct arena *arena, uint32_t order) {
    const uint64_t *summary = arena->summary[order];
    for (uint32_t word = 0; word * 64 < arena->chunks; word++) {
        if (summary[word] == 0) {
            continue;
        }
        uint32_t chunk = word * 64 + (uint32_t)__builtin_ctzll(summary[word]);
        uint32_t unit = (uint32_t)__builtin_ctzll(runs(arena->free[chunk], order));
        uint32_t handle = (chunk * RING_CHUNK_UNITS + unit) | order << 24;
        arena->free[chunk] &= ~block_mask(handle);
        refresh_summary(arena, chunk);
        arena->units_used += 1u << order;
        if (arena->units_used > arena->units_high_water) {
            arena->units_high_water = arena->units_used;
        }
        return handle;
    }
    return RING_NO_BLOCK;
}

static void free_mask(struct arena *arena, uint32_t chunk, uint64_t mask) {
    arena->free[chunk] |= mask;
    refresh_summary(arena, chunk);
    arena->units_used -= (uint32_t)__builtin_popcountll(mask);
}

uint32_t arena_trim(struct arena *arena, uint32_t handle, uint32_t order) {
    if (order >= block_order(handle)) {
        return handle;
    }
    uint32_t kept = block_unit(handle) | order << 24;
    free_mask(arena, block_unit(handle) / RING_CHUNK_UNITS, block_mask(handle) & ~block_mask(kept));
    return kept;
}

void arena_give(struct arena *arena, uint32_t handle) {
    free_mask(arena, block_unit(handle) / RING_CHUNK_UNITS, block_mask(handle));
}

void arena_lend(struct arena *arena, uint32_t handle, uint32_t slot) {
    arena->lent[block_unit(handle)] = (uint8_t)(block_order(handle) + 1);
    arena->owner[block_unit(handle)] = slot;
}

int arena_take_back(struct arena *arena, uint32_t handle, uint32_t *slot) {
    if (!block_valid(handle, arena->units) || arena->lent[block_unit(handle)] != block_order(handle) + 1) {
        return -EPROTO;
    }
    arena->lent[block_unit(handle)] = 0;
    *slot = arena->owner[block_unit(handle)];
    arena_give(arena, handle);
    return 0;
}
