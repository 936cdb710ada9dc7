/*
 * The owner's side of an arena: which units are free, which blocks are lent and to which exchange slot.
 *
 * Blocks are 2^order units, aligned to their size, inside one chunk of 64 units, so a chunk is one 64-bit mask. The lowest
 * free address is taken, so that a lightly loaded lane keeps using the same few cache lines, and any free memory of at
 * least one unit can be used. All state is private memory; nothing here reads the segment.
 */
#ifndef ARENA_H
#define ARENA_H

#include <stdbool.h>
#include <stdint.h>

#include "ring_layout.h"

/* A handle is first unit | order << 24. */
static inline uint32_t block_unit(uint32_t handle) {
    return handle & 0xffffffu;
}
static inline uint32_t block_order(uint32_t handle) {
    return handle >> 24;
}
static inline uint32_t block_size(uint32_t handle) {
    return RING_UNIT << block_order(handle);
}
static inline uint32_t block_start(uint32_t handle) {
    return block_unit(handle) * RING_UNIT;
}
/* Units of a block as bits of its chunk. Precondition: order <= RING_MAX_ORDER, aligned. */
static inline uint64_t block_mask(uint32_t handle) {
    uint64_t run =
        block_order(handle) == RING_MAX_ORDER ? UINT64_MAX : (UINT64_C(1) << (1u << block_order(handle))) - 1;
    return run << (block_unit(handle) % RING_CHUNK_UNITS);
}

/* Whether a handle from outside names a block of an arena of `units`. */
static inline bool block_valid(uint32_t handle, uint32_t units) {
    uint32_t order = block_order(handle);
    if (order > RING_MAX_ORDER) {
        return false;
    }
    uint32_t count = 1u << order;
    uint32_t unit = block_unit(handle);
    return unit % count == 0 && unit < units && count <= units - unit;
}

/* Smallest order that holds `bytes`. Precondition: bytes <= RING_MAX_BLOCK. */
static inline uint32_t block_order_for(uint32_t bytes) {
    uint32_t order = 0;
    while ((RING_UNIT << order) < bytes) {
        order++;
    }
    return order;
}

struct arena {
    uint32_t units;
    uint32_t chunks;
    uint32_t units_used;
    uint32_t units_high_water;
    uint64_t *free;                        /* [chunks] a set bit is a free unit */
    uint64_t *summary[RING_MAX_ORDER + 1]; /* bit c: chunk c has an aligned free run of that order */
    uint8_t *lent;                         /* [units] order + 1 at the first unit of a lent block, else 0 */
    uint32_t *owner;                       /* [units] exchange slot at the first unit of a block */
};

__attribute__((warn_unused_result)) int arena_init(struct arena *arena, uint32_t units);
void arena_free(struct arena *arena);

/* A block of 2^order units, or RING_NO_BLOCK if there is none. */
uint32_t arena_take(struct arena *arena, uint32_t order);
/* Keeps the first 2^order units of a block that is not lent and frees the rest; returns the new handle. */
uint32_t arena_trim(struct arena *arena, uint32_t handle, uint32_t order);
/* Frees a block that is not lent. */
void arena_give(struct arena *arena, uint32_t handle);

/* Marks a block as lent on behalf of an exchange slot (L1). */
void arena_lend(struct arena *arena, uint32_t handle, uint32_t slot);
/* Takes a lent block back and frees it; *slot gets the exchange slot. Returns 0, or -EPROTO if no such block is lent. */
__attribute__((warn_unused_result)) int arena_take_back(struct arena *arena, uint32_t handle, uint32_t *slot);

#endif
