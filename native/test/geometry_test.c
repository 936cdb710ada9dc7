/*
 * Sizes and offsets of segments, and the numbers that are refused.
 * Links: ring_geometry.c
 */
#include <errno.h>

#include "ring_geometry.h"
#include "test.h"

static struct ring_geometry with(uint32_t lanes, uint32_t slots, uint32_t exchanges, uint32_t units) {
    return (struct ring_geometry){
        .lanes = lanes, .ring_slots = slots, .exchange_slots = exchanges, .arena_units = units};
}

/* Numbers worked out by hand from the diagram in ring_layout.h. */
static void test_offsets_of_a_small_segment(void) {
    struct ring_geometry g = with(3, 64, 16, 192);
    REQUIRE(ring_geometry_init(&g) == 0);
    CHECK_UINT(g.return_slots, 256);
    CHECK_UINT(g.in_events, 1024);
    CHECK_UINT(g.in_returns, 1024 + 64 * 64);
    CHECK_UINT(g.in_arena, 8192); /* 1024 + 4096 + 1024 = 6144, rounded up */
    CHECK_UINT(g.in_stride, 8192 + 192 * 1024);
    CHECK_UINT(g.out_claims, 1024);
    CHECK_UINT(g.out_events, 1024 + 16 * 64);
    CHECK_UINT(g.out_returns, 2048 + 64 * 64);
    CHECK_UINT(g.out_arena, 8192); /* 2048 + 4096 + 1024 = 7168, rounded up */
    CHECK_UINT(g.out_stride, 8192 + 192 * 1024);
    CHECK_UINT(g.inbound_size, 4096 + 3 * (8192 + 192 * 1024));
    CHECK_UINT(g.outbound_size, 4096 + 3 * (8192 + 192 * 1024));
}

static void test_offsets_of_the_largest_segment(void) {
    struct ring_geometry g = with(RING_MAX_LANES, 16 * RING_MAX_EXCHANGES, RING_MAX_EXCHANGES, RING_MAX_ARENA_UNITS);
    REQUIRE(ring_geometry_init(&g) == 0);
    CHECK_UINT(g.return_slots, RING_MAX_ARENA_UNITS);
    uint64_t arena = (uint64_t)256 << 20;
    CHECK_UINT(g.in_events, 1024);
    CHECK_UINT(g.in_returns, 1024 + ((uint64_t)16 << 20));
    CHECK_UINT(g.in_arena, ((uint64_t)17 << 20) + 4096); /* 1 KiB of words, 16 MiB of events, 1 MiB of returns */
    CHECK_UINT(g.in_stride, g.in_arena + arena);
    CHECK_UINT(g.out_events, 1024 + ((uint64_t)1 << 20));
    CHECK_UINT(g.out_arena, ((uint64_t)18 << 20) + 4096);
    CHECK_UINT(g.inbound_size, 4096 + 64 * g.in_stride);
    CHECK_UINT(g.outbound_size, 4096 + 64 * g.out_stride);
}

static void test_arrays_follow_each_other_without_overlap(void) {
    for (uint32_t exchanges = 1; exchanges <= 4096; exchanges *= 4) {
        for (uint32_t units = 64; units <= 65536; units *= 2) {
            struct ring_geometry g = with(2, exchanges * 8, exchanges, units);
            if (ring_geometry_init(&g) != 0) {
                CHECK((uint64_t)exchanges * RING_BASE_WINDOW * 2 > (uint64_t)units * RING_UNIT);
                continue;
            }
            CHECK(g.return_slots >= units && (g.return_slots & (g.return_slots - 1)) == 0);
            CHECK(g.in_arena >= g.in_returns + (uint64_t)g.return_slots * 4);
            CHECK(g.out_events >= g.out_claims + (uint64_t)exchanges * RING_CLAIM_STRIDE);
            CHECK(g.out_arena >= g.out_returns + (uint64_t)g.return_slots * 4);
            CHECK_UINT(g.in_arena % RING_PAGE, 0);
            CHECK_UINT(g.out_arena % RING_PAGE, 0);
            CHECK_UINT(g.in_stride % RING_PAGE, 0);
            CHECK_UINT(g.out_stride % RING_PAGE, 0);
        }
    }
}

static void test_numbers_that_are_refused(void) {
    static const struct {
        uint32_t lanes, slots, exchanges, units;
        const char *why;
    } cases[] = {
        {0, 64, 16, 192, "no lane"},
        {RING_MAX_LANES + 1, 64, 16, 192, "too many lanes"},
        {1, 0, 16, 192, "no ring"},
        {1, 65, 16, 192, "ring is no power of two"},
        {1, 96, 16, 192, "ring is no power of two"},
        {1, 32, 16, 192, "ring smaller than four times the exchanges"},
        {1, 64, 0, 192, "no exchange"},
        {1, 64, 12, 192, "exchanges are no power of two"},
        {1, 131072, 32768, 262144, "too many exchanges"},
        {1, 524288, 16, 192, "ring too large"},
        {1, 64, 16, 0, "no arena"},
        {1, 64, 16, 100, "arena is no multiple of a chunk"},
        {1, 64, 16, 262208, "arena too large"},
        {1, 64, 16, 64, "base windows are more than half of the arena"},
        {1, UINT32_C(1) << 31, 16, 192, "ring too large"},
        {1, 64, UINT32_C(1) << 30, 192, "four times the exchanges overflows"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ring_geometry g = with(cases[i].lanes, cases[i].slots, cases[i].exchanges, cases[i].units);
        int rc = ring_geometry_init(&g);
        if (!CHECK_INT(rc, -EINVAL)) {
            fprintf(stderr, "accepted: %s\n", cases[i].why);
        }
    }
}

int main(void) {
    RUN(test_offsets_of_a_small_segment);
    RUN(test_offsets_of_the_largest_segment);
    RUN(test_arrays_follow_each_other_without_overlap);
    RUN(test_numbers_that_are_refused);
    return test_report();
}
