/*
 * The gateway as producer: cursors are set, one call is made, words and bytes of the segment are looked at.
 * Links: lane*.c arena.c ring_geometry.c test/worker_mirror.c
 */
#include <errno.h>

#include "lane_fixture.h"

static struct fixture f;
static int exchange_a, exchange_b;

/* Moves all inbound cursors as if `n` events had gone through. */
static void start_at(uint64_t n) {
    f.lane.in_tail = n;
    f.lane.in_head = n;
    f.worker.in_head = n;
    ring_store_index(&f.lane.in->in_tail, n);
    ring_store_index(&f.lane.out->in_head, n);
}

static void test_request_in_the_segment(void) {
    uint32_t slot = 99;
    uint32_t block = 99;
    uint8_t *memory = NULL;
    fixture_open(&f, 64, 16, 192);
    start_at(62);
    REQUIRE(lane_begin(&f.lane, 1500, &slot, &block, &memory) == 0);
    CHECK_UINT(slot, 0);
    CHECK_UINT(block, 1u << 24);
    CHECK(memory == f.lane.in_arena);
    memset(memory, 'h', 1000);
    memset(memory + 1000, 'b', 500);
    CHECK_UINT(ring_load_index(&f.lane.in->in_tail), 62); /* nothing is seen before it is published */
    lane_publish_request(&f.lane, slot, &exchange_a, block, 1000, 500, RING_FLAG_END, 500, 12345);

    CHECK_UINT(ring_load_index(&f.lane.in->in_tail), 63);
    struct ring_event want = {.kind = RING_EVENT_REQUEST,
                              .flags = RING_FLAG_END,
                              .exchange = 0,
                              .generation = 1,
                              .credit = 4096 + 16384, /* base, and an eighth of 128 KiB */
                              .head_block = 1u << 24,
                              .head_offset = 0,
                              .head_length = 1000,
                              .body_block = 1u << 24,
                              .body_offset = 1000,
                              .body_length = 500,
                              .total = 500,
                              .time_ns = 12345};
    CHECK_BYTES(&f.lane.in_events[62], sizeof(want), &want, sizeof(want));
    CHECK_UINT(*lane_claim(&f.lane, 0), UINT64_C(1) << 32 | RING_CLAIM_QUEUED);
    CHECK_UINT(counter_get(&f.lane.counters.in_flight), 1);
    CHECK_UINT(counter_get(&f.lane.counters.arena_bytes), 2048);

    struct ring_event got = fixture_claim(&f);
    CHECK_BYTES(&got, sizeof(got), &want, sizeof(want));
    CHECK_UINT(*lane_claim(&f.lane, 0), UINT64_C(1) << 32 | RING_CLAIM_CLAIMED);
    CHECK_UINT(ring_load_index(&f.lane.out->in_head), 63);
    fixture_answer(&f, &got);
    fixture_check_idle(&f);
    fixture_close(&f);
}

static void test_request_without_body_has_no_reference(void) {
    fixture_open(&f, 64, 16, 192);
    REQUIRE(fixture_request(&f, &exchange_a, 200, 'x') == 0);
    CHECK_UINT(f.lane.in_events[0].head_length, 200);
    CHECK_UINT(f.lane.in_events[0].body_block, RING_NO_BLOCK);
    CHECK_UINT(f.lane.in_events[0].body_offset, 0);
    CHECK_UINT(f.lane.in_events[0].body_length, 0);
    fixture_close(&f);
}

static void test_ring_wraps(void) {
    fixture_open(&f, 64, 16, 192);
    start_at(UINT64_C(0x123456789a) * 64 + 63);
    for (int i = 0; i < 3; i++) {
        CHECK(fixture_request(&f, &exchange_a, 100, (uint8_t)i) != UINT32_MAX);
    }
    CHECK_UINT(f.lane.in_events[63].generation, 1);
    CHECK_UINT(f.lane.in_events[63].exchange, 0);
    CHECK_UINT(f.lane.in_events[0].exchange, 1);
    CHECK_UINT(f.lane.in_events[1].exchange, 2);
    for (int i = 0; i < 3; i++) {
        struct ring_event event = fixture_claim(&f);
        CHECK_UINT(event.exchange, i);
        CHECK_UINT(*worker_inbound(&f.worker, event.head_offset), i);
        fixture_answer(&f, &event);
    }
    fixture_check_idle(&f);
    fixture_close(&f);
}

/* S - 3E for requests and bodies; CREDIT and CANCEL may use the rest. */
static void test_reserve_for_control_events(void) {
    fixture_open(&f, 64, 16, 192);
    REQUIRE(fixture_request(&f, &exchange_a, 100, 'x') == 0);
    uint32_t published = 1;
    while (lane_publish_end(&f.lane, 0)) {
        published++;
        REQUIRE(published <= 64);
    }
    CHECK_UINT(published, 64 - 3 * 16);
    CHECK_UINT(counter_get(&f.lane.counters.full_stalls), 1);
    CHECK_UINT(lane_ring_space(&f.lane, false), 0);
    CHECK_UINT(lane_ring_space(&f.lane, true), 48);
    CHECK_UINT(fixture_request(&f, &exchange_b, 100, 'x'), UINT32_MAX);
    uint8_t *memory = NULL;
    CHECK_UINT(lane_reserve_body(&f.lane, 0, 10, &memory), RING_NO_BLOCK);
    CHECK(f.lane.slots[0].starved);
    lane_cancel(&f.lane, 0, RING_CANCEL_HALF_CLOSED);
    lane_cancel(&f.lane, 0, RING_CANCEL_GONE);
    lane_cancel(&f.lane, 0, RING_CANCEL_GONE); /* a third is not sent */
    CHECK_UINT(f.lane.in_tail, 18);
    CHECK_UINT(f.lane.in_events[16].kind, RING_EVENT_CANCEL);
    CHECK_UINT(f.lane.in_events[16].status, RING_CANCEL_HALF_CLOSED);
    CHECK_UINT(f.lane.in_events[17].status, RING_CANCEL_GONE);
    CHECK_UINT(f.lane.slots[0].control_position, 18);
    fixture_close(&f);
}

static void test_a_full_ring_goes_on_when_the_worker_consumed(void) {
    struct ring_event event;
    fixture_open(&f, 64, 16, 192);
    REQUIRE(fixture_request(&f, &exchange_a, 100, 'x') == 0);
    while (lane_publish_end(&f.lane, 0)) {
    }
    CHECK(worker_take(&f.worker, &event));
    CHECK_UINT(f.lane.in_head, 0); /* looked at only when needed */
    CHECK_UINT(fixture_request(&f, &exchange_b, 100, 'y'), 1);
    CHECK_UINT(f.lane.in_head, 1);
    CHECK_UINT(f.lane.in_tail, 17);
    CHECK_UINT(fixture_request(&f, &exchange_b, 100, 'y'), UINT32_MAX);
    fixture_close(&f);
}

static void test_begin_without_slot_or_block(void) {
    uint32_t slot;
    uint32_t block;
    uint8_t *memory;
    fixture_open(&f, 64, 4, 64);
    for (uint32_t i = 0; i < 4; i++) {
        CHECK_UINT(fixture_request(&f, &exchange_a, 100, 'x'), i);
    }
    CHECK_INT(lane_begin(&f.lane, 1, &slot, &block, &memory), -EAGAIN); /* no slot */
    fixture_close(&f);

    /* Base windows of 16 KiB leave 48 KiB of 64: a 64 KiB block could starve the others of theirs. */
    fixture_open(&f, 64, 4, 64);
    CHECK_INT(lane_begin(&f.lane, RING_MAX_BLOCK, &slot, &block, &memory), -EAGAIN);
    CHECK_INT(lane_begin(&f.lane, RING_MAX_BLOCK / 2, &slot, &block, &memory), 0);
    CHECK_UINT(f.lane.free_count, 3);
    lane_publish_request(&f.lane, slot, &exchange_a, block, 32768, 0, 0, 0, 0);
    CHECK_UINT(f.lane.lent_extra, 32768 - 3072); /* one unit of the base is for the body */
    CHECK_INT(lane_begin(&f.lane, RING_MAX_BLOCK / 2, &slot, &block, &memory), -EAGAIN);
    CHECK_INT(lane_begin(&f.lane, RING_MAX_BLOCK / 4, &slot, &block, &memory), 0);
    lane_publish_request(&f.lane, slot, &exchange_a, block, 16384, 0, 0, 0, 0);
    CHECK_INT(lane_begin(&f.lane, 8192, &slot, &block, &memory), 0);
    lane_publish_request(&f.lane, slot, &exchange_a, block, 8192, 0, 0, 0, 0);
    /* What the base allows is always there. */
    CHECK_INT(lane_begin(&f.lane, RING_BASE_WINDOW / 2, &slot, &block, &memory), 0);
    fixture_close(&f);
}

static void test_body_in_the_segment(void) {
    fixture_open(&f, 64, 16, 192);
    REQUIRE(fixture_request(&f, &exchange_a, 100, 'x') == 0);
    uint8_t *memory = NULL;
    uint32_t block = lane_reserve_body(&f.lane, 0, 5000, &memory);
    CHECK_UINT(block, 8 | 3u << 24);
    CHECK(memory == f.lane.in_arena + 8192);
    memset(memory, 'B', 3000);
    lane_publish_body(&f.lane, 0, block, 3000, RING_FLAG_END);
    struct ring_event want = {.kind = RING_EVENT_BODY,
                              .flags = RING_FLAG_END,
                              .exchange = 0,
                              .generation = 1,
                              .head_block = RING_NO_BLOCK,
                              .body_block = 8 | 2u << 24, /* trimmed to what was used */
                              .body_offset = 8192,
                              .body_length = 3000,
                              .total = RING_LENGTH_UNKNOWN};
    CHECK_BYTES(&f.lane.in_events[1], sizeof(want), &want, sizeof(want));
    CHECK_UINT(f.lane.slots[0].lent, 1024 + 4096);
    CHECK_UINT(f.lane.arena.units_used, 5);
    /* A block that was given up is free again. */
    block = lane_reserve_body(&f.lane, 0, 5000, &memory);
    CHECK_UINT(f.lane.arena.units_used, 13);
    lane_drop_reserved(&f.lane, block);
    CHECK_UINT(f.lane.arena.units_used, 5);
    CHECK_UINT(f.lane.in_tail, 2);
    fixture_close(&f);
}

static void test_end_and_trailers_in_the_segment(void) {
    fixture_open(&f, 64, 16, 192);
    REQUIRE(fixture_request(&f, &exchange_a, 100, 'x') == 0);
    CHECK(lane_publish_end(&f.lane, 0));
    struct ring_event want = {.kind = RING_EVENT_BODY,
                              .flags = RING_FLAG_END,
                              .generation = 1,
                              .head_block = RING_NO_BLOCK,
                              .body_block = RING_NO_BLOCK,
                              .total = RING_LENGTH_UNKNOWN};
    CHECK_BYTES(&f.lane.in_events[1], sizeof(want), &want, sizeof(want));
    CHECK(lane_publish_trailers(&f.lane, 0, (const uint8_t *)"trailers", 8));
    want.flags = RING_FLAG_END | RING_FLAG_TRAILERS;
    want.head_block = 1;
    want.head_offset = 1024;
    want.head_length = 8;
    CHECK_BYTES(&f.lane.in_events[2], sizeof(want), &want, sizeof(want));
    CHECK_TEXT(f.lane.in_arena + 1024, 8, "trailers");
    fixture_close(&f);
}

static void test_one_exchange_gets_at_most_its_request_window(void) {
    uint8_t *memory = NULL;
    fixture_open(&f, 512, 16, 1024);
    REQUIRE(fixture_request(&f, &exchange_a, 100, 'x') == 0);
    uint32_t total = 1024;
    uint32_t block;
    while ((block = lane_reserve_body(&f.lane, 0, RING_MAX_BLOCK, &memory)) != RING_NO_BLOCK) {
        total += block_size(block);
        lane_publish_body(&f.lane, 0, block, block_size(block), 0);
        REQUIRE(total <= LANE_REQUEST_WINDOW);
    }
    CHECK_UINT(total, LANE_REQUEST_WINDOW);
    CHECK_UINT(f.lane.slots[0].lent, LANE_REQUEST_WINDOW);
    CHECK_UINT(f.lane.starved_count, 1);
    CHECK_UINT(fixture_request(&f, &exchange_b, 65536, 'x'), 1); /* others still start */
    fixture_close(&f);
}

/* Exchanges that fill the arena leave the others their base. */
static void test_bodies_leave_others_their_base(void) {
    uint8_t *memory = NULL;
    fixture_open(&f, 1024, 16, 192);
    for (uint32_t i = 0; i < 15; i++) {
        CHECK_UINT(fixture_request(&f, &exchange_a, 100, 'x'), i);
        uint32_t block;
        while ((block = lane_reserve_body(&f.lane, i, RING_MAX_BLOCK, &memory)) != RING_NO_BLOCK) {
            lane_publish_body(&f.lane, i, block, block_size(block), 0);
        }
    }
    CHECK(f.lane.lent_extra <= f.lane.extra_max);
    for (uint32_t i = 0; i < 15; i++) {
        CHECK(f.lane.slots[i].lent >= RING_BASE_WINDOW);
    }
    CHECK_UINT(fixture_request(&f, &exchange_b, RING_BASE_WINDOW / 2, 'x'), 15);
    fixture_close(&f);
}

static void resume_with_body(struct fixture *fixture, void *exchange) {
    uint8_t *memory = NULL;
    (void)exchange;
    uint32_t block = lane_reserve_body(&fixture->lane, 0, RING_MAX_BLOCK, &memory);
    if (block != RING_NO_BLOCK) {
        lane_publish_body(&fixture->lane, 0, block, block_size(block), 0);
    }
}

/*
 * Bodies of queued requests come back only when a handler takes them. One that runs must get its own meanwhile, also where its
 * request block alone is as large as the base: it does not come back before the end.
 */
static void test_a_request_block_leaves_room_for_the_body(void) {
    for (uint32_t size = 1; size <= 16384; size *= 2) {
        uint8_t *memory = NULL;
        fixture_open(&f, 64, 8, 64);
        uint32_t runs = fixture_request(&f, &exchange_a, size, 'x');
        uint32_t waits = fixture_request(&f, &exchange_b, 100, 'x');
        REQUIRE(runs != UINT32_MAX && waits != UINT32_MAX);
        for (;;) {
            uint32_t block = lane_reserve_body(&f.lane, waits, RING_MAX_BLOCK, &memory);
            if (block == RING_NO_BLOCK) {
                break;
            }
            lane_publish_body(&f.lane, waits, block, block_size(block), 0);
        }
        CHECK(f.lane.lent_extra <= f.lane.extra_max);
        uint32_t block = lane_reserve_body(&f.lane, runs, RING_MAX_BLOCK, &memory);
        CHECK(block != RING_NO_BLOCK);
        fixture_close(&f);
    }
}

static void test_starved_resumes_once_per_progress(void) {
    uint8_t *memory = NULL;
    uint32_t block;
    struct ring_event event;
    fixture_open(&f, 512, 16, 1024);
    REQUIRE(fixture_request(&f, &exchange_a, 100, 'x') == 0);
    (void)fixture_claim(&f);
    while ((block = lane_reserve_body(&f.lane, 0, RING_MAX_BLOCK, &memory)) != RING_NO_BLOCK) {
        lane_publish_body(&f.lane, 0, block, block_size(block), 0);
    }
    f.on_resume = resume_with_body;
    (void)lane_poll(&f.lane, 512);
    f.resumed_count = 0;
    (void)lane_poll(&f.lane, 512);
    CHECK_UINT(f.resumed_count, 0); /* no progress, no use */
    CHECK(worker_take(&f.worker, &event));
    worker_return_event(&f.worker, &event);
    (void)lane_poll(&f.lane, 512);
    CHECK_UINT(f.resumed_count, 1);
    CHECK(f.resumed[0] == &exchange_a);
    CHECK(!f.lane.slots[0].starved);
    CHECK_UINT(f.lane.slots[0].lent, LANE_REQUEST_WINDOW);
    (void)lane_poll(&f.lane, 512);
    CHECK_UINT(f.resumed_count, 1);
    fixture_close(&f);
}

/* --- claims --- */

static void test_retract_wins(void) {
    struct ring_event event;
    fixture_open(&f, 64, 16, 192);
    REQUIRE(fixture_request(&f, &exchange_a, 100, 'x') == 0);
    CHECK(lane_retract(&f.lane, 0, RING_CANCEL_DEADLINE));
    CHECK_UINT(*lane_claim(&f.lane, 0), UINT64_C(1) << 32 | RING_CLAIM_CANCELLED);
    CHECK_UINT(f.lane.in_events[1].kind, RING_EVENT_CANCEL);
    CHECK_UINT(f.lane.in_events[1].status, RING_CANCEL_DEADLINE);
    CHECK_UINT(f.lane.in_events[1].generation, 1);
    CHECK_UINT(f.lane.slots[0].state, LANE_SLOT_ENDED);
    CHECK_UINT(f.lane.open_count, 0);
    lane_forget(&f.lane, 0);
    CHECK(worker_take(&f.worker, &event));
    CHECK(!worker_claim(&f.worker, &event));
    worker_return_event(&f.worker, &event);
    CHECK(worker_take(&f.worker, &event));
    fixture_check_idle(&f);
    fixture_close(&f);
}

static void test_retract_loses(void) {
    fixture_open(&f, 64, 16, 192);
    REQUIRE(fixture_request(&f, &exchange_a, 100, 'x') == 0);
    struct ring_event event = fixture_claim(&f);
    CHECK(!lane_retract(&f.lane, 0, RING_CANCEL_DEADLINE));
    CHECK_UINT(*lane_claim(&f.lane, 0), UINT64_C(1) << 32 | RING_CLAIM_CLAIMED);
    CHECK_UINT(f.lane.in_tail, 1); /* nothing was said */
    CHECK_UINT(f.lane.slots[0].state, LANE_SLOT_OPEN);
    fixture_answer(&f, &event);
    fixture_check_idle(&f);
    fixture_close(&f);
}

/* Without the generation, a stale event would claim the slot's next request. */
static void test_a_stale_event_claims_nothing(void) {
    struct ring_event stale;
    struct ring_event event;
    fixture_open(&f, 64, 1, 64);
    REQUIRE(fixture_request(&f, &exchange_a, 100, 'x') == 0);
    CHECK(worker_take(&f.worker, &stale));
    CHECK(lane_retract(&f.lane, 0, RING_CANCEL_GONE));
    lane_forget(&f.lane, 0);
    CHECK(worker_take(&f.worker, &event));
    worker_return_event(&f.worker, &stale);
    (void)lane_poll(&f.lane, 64);
    REQUIRE(fixture_request(&f, &exchange_b, 100, 'y') == 0);
    CHECK_UINT(*lane_claim(&f.lane, 0), UINT64_C(2) << 32 | RING_CLAIM_QUEUED);
    CHECK(!worker_claim(&f.worker, &stale));
    CHECK(worker_take(&f.worker, &event));
    CHECK(worker_claim(&f.worker, &event));
    fixture_answer(&f, &event);
    fixture_check_idle(&f);
    fixture_close(&f);
}

static void test_a_broken_worker_has_no_say_in_claims(void) {
    fixture_open(&f, 64, 16, 192);
    REQUIRE(fixture_request(&f, &exchange_a, 100, 'x') == 0);
    lane_break(&f.lane, "test", 1, 0);
    CHECK(!lane_take_request_back(&f.lane, 0));
    uint32_t slot;
    uint32_t block;
    uint8_t *memory;
    CHECK_INT(lane_begin(&f.lane, 1, &slot, &block, &memory), -EAGAIN);
    CHECK_UINT(lane_reserve_body(&f.lane, 0, 1, &memory), RING_NO_BLOCK);
    CHECK(!lane_publish_end(&f.lane, 0));
    lane_cancel(&f.lane, 0, RING_CANCEL_GONE);
    CHECK_UINT(f.lane.in_tail, 1);
    fixture_close(&f);
}

/* Generations are 32 bits, and one slot may see more requests than that: 0 is left out. */
static void test_generations_wrap(void) {
    fixture_open(&f, 64, 16, 192);
    f.lane.slots[0].generation = UINT32_MAX - 1;
    for (int i = 0; i < 3; i++) {
        REQUIRE(fixture_request(&f, &exchange_a, 100, 'x') == 0);
        struct ring_event event = fixture_claim(&f);
        CHECK(event.generation != 0);
        fixture_answer(&f, &event);
        fixture_check_idle(&f);
    }
    CHECK_UINT(f.message_count, 3);
    CHECK_UINT(f.lane.slots[0].generation, 2);
    fixture_close(&f);
}

int main(void) {
    RUN(test_request_in_the_segment);
    RUN(test_request_without_body_has_no_reference);
    RUN(test_ring_wraps);
    RUN(test_reserve_for_control_events);
    RUN(test_a_full_ring_goes_on_when_the_worker_consumed);
    RUN(test_begin_without_slot_or_block);
    RUN(test_body_in_the_segment);
    RUN(test_end_and_trailers_in_the_segment);
    RUN(test_one_exchange_gets_at_most_its_request_window);
    RUN(test_bodies_leave_others_their_base);
    RUN(test_a_request_block_leaves_room_for_the_body);
    RUN(test_starved_resumes_once_per_progress);
    RUN(test_retract_wins);
    RUN(test_retract_loses);
    RUN(test_a_stale_event_claims_nothing);
    RUN(test_a_broken_worker_has_no_say_in_claims);
    RUN(test_generations_wrap);
    return test_report();
}
