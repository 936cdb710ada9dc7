/*
 * The owner's record of an arena, against a naive allocator with one byte per unit.
 */
#include <errno.h>

#include "../arena.c"
#include "test.h"

#define MAX_UNITS 8192u

/* --- the naive allocator --- */

static uint8_t used[MAX_UNITS];
static uint32_t units;

static uint32_t naive_take(uint32_t order) {
    uint32_t count = 1u << order;
    for (uint32_t unit = 0; unit < units; unit += count) {
        uint32_t i = 0;
        while (i < count && used[unit + i] == 0) {
            i++;
        }
        if (i == count) {
            memset(used + unit, 1, count);
            return unit | order << 24;
        }
    }
    return RING_NO_BLOCK;
}

static void naive_give(uint32_t handle) {
    memset(used + block_unit(handle), 0, (size_t)1 << block_order(handle));
}

/* The whole state, seen through the summaries too. */
static void check_same(const struct arena *arena) {
    uint32_t in_use = 0;
    for (uint32_t chunk = 0; chunk < arena->chunks; chunk++) {
        uint64_t mask = 0;
        for (uint32_t i = 0; i < RING_CHUNK_UNITS; i++) {
            mask |= (uint64_t)(used[chunk * RING_CHUNK_UNITS + i] == 0) << i;
            in_use += used[chunk * RING_CHUNK_UNITS + i];
        }
        CHECK_UINT(arena->free[chunk], mask);
        for (uint32_t order = 0; order <= RING_MAX_ORDER; order++) {
            bool fits = false;
            for (uint32_t i = 0; i < RING_CHUNK_UNITS; i += 1u << order) {
                uint64_t run = order == RING_MAX_ORDER ? UINT64_MAX : ((UINT64_C(1) << (1u << order)) - 1) << i;
                fits |= (mask & run) == run;
            }
            CHECK_UINT(arena->summary[order][chunk / 64] >> (chunk % 64) & 1, fits);
        }
    }
    CHECK_UINT(arena->units_used, in_use);
}

/* --- tests --- */

static void test_lowest_address_first(void) {
    struct arena arena;
    REQUIRE(arena_init(&arena, 128) == 0);
    CHECK_UINT(arena_take(&arena, 0), 0);
    CHECK_UINT(arena_take(&arena, 2), 4 | 2u << 24);
    CHECK_UINT(arena_take(&arena, 0), 1);
    CHECK_UINT(arena_take(&arena, 1), 2 | 1u << 24);
    CHECK_UINT(arena_take(&arena, 6), 64 | 6u << 24);
    CHECK_UINT(arena_take(&arena, 6), RING_NO_BLOCK);
    CHECK_UINT(arena_take(&arena, 5), 32 | 5u << 24);
    CHECK_UINT(arena.units_used, 1 + 4 + 1 + 2 + 64 + 32);
    arena_give(&arena, 4 | 2u << 24);
    CHECK_UINT(arena_take(&arena, 0), 4);
    CHECK_UINT(arena.units_high_water, 104);
    arena_free(&arena);
}

static void test_trim_keeps_the_front(void) {
    struct arena arena;
    REQUIRE(arena_init(&arena, 64) == 0);
    uint32_t block = arena_take(&arena, 6);
    CHECK_UINT(arena_trim(&arena, block, 6), block);
    block = arena_trim(&arena, block, 2);
    CHECK_UINT(block, 2u << 24);
    CHECK_UINT(arena.units_used, 4);
    CHECK_UINT(arena.free[0], ~UINT64_C(15));
    CHECK_UINT(arena_trim(&arena, block, 5), block); /* not larger than it is */
    CHECK_UINT(arena_take(&arena, 5), 32 | 5u << 24);
    arena_give(&arena, block);
    CHECK_UINT(arena.free[0], UINT32_MAX);
    arena_free(&arena);
}

static void test_only_what_is_lent_is_taken_back(void) {
    struct arena arena;
    uint32_t slot = 99;
    REQUIRE(arena_init(&arena, 64) == 0);
    uint32_t block = arena_take(&arena, 2);
    CHECK_INT(arena_take_back(&arena, block, &slot), -EPROTO); /* taken, not lent */
    arena_lend(&arena, block, 5);
    static const uint32_t wrong[] = {
        1u << 24,      /* the same unit, smaller */
        3u << 24,      /* larger */
        0u,            /* order 0 */
        1u,            /* a unit inside */
        2u | 1u << 24, /* a block inside */
        4u | 2u << 24, /* a free neighbour */
        2u | 2u << 24, /* not aligned */
        64u,           /* outside */
        7u << 24,      /* no such order */
        0xffu << 24,
        RING_NO_BLOCK,
        0xffffffu | 2u << 24,
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (!CHECK_INT(arena_take_back(&arena, wrong[i], &slot), -EPROTO)) {
            fprintf(stderr, "handle 0x%x\n", wrong[i]);
        }
    }
    CHECK_UINT(slot, 99);
    CHECK_INT(arena_take_back(&arena, block, &slot), 0);
    CHECK_UINT(slot, 5);
    CHECK_INT(arena_take_back(&arena, block, &slot), -EPROTO); /* twice */
    CHECK_UINT(arena.units_used, 0);
    arena_free(&arena);
}

/* All orders at all units of an arena that is no power of two. */
static void test_valid_handles_by_definition(void) {
    for (uint32_t order = 0; order < 256; order++) {
        for (uint32_t unit = 0; unit <= 300; unit++) {
            bool valid =
                order <= RING_MAX_ORDER && unit % (1u << (order & 7u)) == 0 && unit + (1u << (order & 7u)) <= 192;
            if (!CHECK(block_valid(unit | order << 24, 192) == valid)) {
                return;
            }
        }
    }
    CHECK(!block_valid(0xffffffu, 192));
    CHECK(!block_valid(RING_NO_BLOCK, RING_MAX_ARENA_UNITS));
    CHECK(block_valid((RING_MAX_ARENA_UNITS - 64) | 6u << 24, RING_MAX_ARENA_UNITS));
    CHECK(!block_valid(RING_MAX_ARENA_UNITS, RING_MAX_ARENA_UNITS));
}

static void test_order_for_size(void) {
    CHECK_UINT(block_order_for(0), 0);
    CHECK_UINT(block_order_for(1), 0);
    CHECK_UINT(block_order_for(1024), 0);
    CHECK_UINT(block_order_for(1025), 1);
    CHECK_UINT(block_order_for(65535), 6);
    CHECK_UINT(block_order_for(65536), 6);
    for (uint32_t order = 0; order <= RING_MAX_ORDER; order++) {
        CHECK_UINT(block_size(order << 24), 1024u << order);
    }
}

/* Every sequence of a few operations on one chunk: take of any order, give of any block. */
static void exhaust(struct arena *arena, uint32_t *blocks, uint32_t count, uint32_t depth) {
    if (depth == 0 || test_faults != 0) {
        return;
    }
    for (uint32_t order = 0; order <= RING_MAX_ORDER; order++) {
        uint32_t want = naive_take(order);
        uint32_t got = arena_take(arena, order);
        CHECK_UINT(got, want);
        if (want == RING_NO_BLOCK) {
            continue;
        }
        blocks[count] = got;
        exhaust(arena, blocks, count + 1, depth - 1);
        arena_give(arena, got);
        naive_give(got);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t block = blocks[i];
        arena_give(arena, block);
        naive_give(block);
        blocks[i] = blocks[count - 1];
        check_same(arena);
        exhaust(arena, blocks, count - 1, depth - 1);
        /* Back again: exactly the same units. */
        arena->free[0] &= ~block_mask(block);
        arena->units_used += 1u << block_order(block);
        refresh_summary(arena, 0);
        memset(used + block_unit(block), 1, (size_t)1 << block_order(block));
        blocks[count - 1] = blocks[i];
        blocks[i] = block;
    }
}

static void test_all_short_sequences(void) {
    struct arena arena;
    uint32_t blocks[8];
    units = 64;
    memset(used, 0, sizeof(used));
    REQUIRE(arena_init(&arena, units) == 0);
    exhaust(&arena, blocks, 0, 6);
    check_same(&arena);
    arena_free(&arena);
}

static void random_run(uint64_t *random, uint32_t size, uint32_t steps) {
    static uint32_t blocks[MAX_UNITS];
    static uint32_t owners[MAX_UNITS];
    uint32_t count = 0;
    struct arena arena;
    units = size;
    memset(used, 0, sizeof(used));
    REQUIRE(arena_init(&arena, units) == 0);
    for (uint32_t step = 0; step < steps && test_faults == 0; step++) {
        /* Phases of filling and of emptying, so that both ends are reached. */
        bool filling = step / 512 % 2 == 0;
        uint64_t dice = test_random(random);
        if (dice % 8 < (filling ? 6u : 2u)) {
            uint32_t order = (uint32_t)(dice >> 8) % (RING_MAX_ORDER + 1);
            uint32_t want = naive_take(order);
            uint32_t got = arena_take(&arena, order);
            CHECK_UINT(got, want);
            if (got == RING_NO_BLOCK) {
                continue;
            }
            if ((dice >> 16) % 4 == 0) {
                uint32_t kept = (uint32_t)(dice >> 24) % (order + 1);
                naive_give(got);
                got = arena_trim(&arena, got, kept);
                memset(used + block_unit(got), 1, (size_t)1 << block_order(got));
                CHECK_UINT(block_order(got), kept);
            }
            owners[count] = (uint32_t)(dice >> 32) % 4096;
            arena_lend(&arena, got, owners[count]);
            blocks[count++] = got;
        } else if (count != 0) {
            uint32_t i = (uint32_t)(dice >> 8) % count;
            uint32_t slot = UINT32_MAX;
            CHECK_INT(arena_take_back(&arena, blocks[i], &slot), 0);
            CHECK_UINT(slot, owners[i]);
            CHECK_INT(arena_take_back(&arena, blocks[i], &slot), -EPROTO);
            naive_give(blocks[i]);
            blocks[i] = blocks[--count];
            owners[i] = owners[count];
        } else {
            uint32_t slot;
            CHECK_INT(arena_take_back(&arena, (uint32_t)(dice >> 8), &slot), -EPROTO);
        }
        if (step % 16 == 0) {
            check_same(&arena);
        }
    }
    while (count != 0) {
        uint32_t slot;
        CHECK_INT(arena_take_back(&arena, blocks[--count], &slot), 0);
    }
    CHECK_UINT(arena.units_used, 0);
    arena_free(&arena);
}

static uint64_t seed;

static void test_random_operations(void) {
    uint64_t random = seed;
    random_run(&random, 64, 20000);
    random_run(&random, 192, 20000);
    random_run(&random, 4096 + 64, 20000); /* more than one word of summary */
    random_run(&random, 8192, 20000);
}

int main(void) {
    seed = test_seed();
    RUN(test_lowest_address_first);
    RUN(test_trim_keeps_the_front);
    RUN(test_only_what_is_lent_is_taken_back);
    RUN(test_valid_handles_by_definition);
    RUN(test_order_for_size);
    RUN(test_all_short_sequences);
    RUN(test_random_operations);
    return test_report();
}
