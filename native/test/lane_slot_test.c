/*
 * When an exchange slot may get its next request (docs/design.md L5), and what a lane's lists hold meanwhile.
 * Links: lane*.c arena.c ring_geometry.c test/worker_mirror.c
 */
#include "lane_fixture.h"

static struct fixture f;
static int exchange_a, exchange_b;

static bool is_free(uint32_t slot) {
    return f.lane.slots[slot].state == LANE_SLOT_FREE;
}

static void test_free_after_the_last_event_and_all_blocks(void) {
    fixture_open(&f, 64, 16, 192);
    f.keep = true;
    REQUIRE(fixture_request(&f, &exchange_a, 100, 'x') == 0);
    struct ring_event request = fixture_claim(&f);
    fixture_send(&f, &request, RING_EVENT_RESPONSE, RING_FLAG_END, 2000);
    (void)lane_poll(&f.lane, 64);
    CHECK_UINT(f.lane.slots[0].state, LANE_SLOT_ENDED);
    CHECK_UINT(f.lane.open_count, 0);
    lane_give_back(&f.lane, f.messages[0].body.block);
    CHECK(!is_free(0)); /* its request block is still lent */
    worker_return_event(&f.worker, &request);
    (void)lane_poll(&f.lane, 64);
    CHECK(is_free(0));
    fixture_check_idle(&f);
    fixture_close(&f);
}

static void test_not_free_while_a_response_block_is_held(void) {
    fixture_open(&f, 64, 16, 192);
    f.keep = true;
    REQUIRE(fixture_request(&f, &exchange_a, 100, 'x') == 0);
    struct ring_event request = fixture_claim(&f);
    fixture_send(&f, &request, RING_EVENT_RESPONSE, 0, 100);
    fixture_send(&f, &request, RING_EVENT_RESPONSE_BODY, RING_FLAG_END, 100);
    worker_return_event(&f.worker, &request);
    (void)lane_poll(&f.lane, 64);
    lane_give_back(&f.lane, f.messages[0].body.block);
    CHECK(!is_free(0));
    lane_give_back(&f.lane, f.messages[1].body.block);
    CHECK(is_free(0));
    fixture_check_idle(&f);
    fixture_close(&f);
}

static void test_not_free_before_control_events_are_consumed(void) {
    struct ring_event event;
    fixture_open(&f, 64, 16, 192);
    REQUIRE(fixture_request(&f, &exchange_a, 100, 'x') == 0);
    struct ring_event request = fixture_claim(&f);
    lane_cancel(&f.lane, 0, RING_CANCEL_GONE);
    lane_forget(&f.lane, 0);
    fixture_answer(&f, &request);
    (void)lane_poll(&f.lane, 64);
    CHECK(!is_free(0));
    CHECK_UINT(f.lane.ended_count, 1);
    CHECK(worker_take(&f.worker, &event));
    CHECK_UINT(event.kind, RING_EVENT_CANCEL);
    (void)lane_poll(&f.lane, 64);
    CHECK(is_free(0));
    CHECK_UINT(f.message_count, 0); /* the exchange had let go */
    fixture_check_idle(&f);
    fixture_close(&f);
}

static void test_not_free_while_the_exchange_holds_on(void) {
    fixture_open(&f, 64, 16, 192);
    REQUIRE(fixture_request(&f, &exchange_a, 100, 'x') == 0);
    CHECK(lane_retract(&f.lane, 0, RING_CANCEL_DEADLINE));
    struct ring_event event;
    CHECK(worker_take(&f.worker, &event));
    worker_return_event(&f.worker, &event);
    CHECK(worker_take(&f.worker, &event));
    (void)lane_poll(&f.lane, 64);
    CHECK(!is_free(0));
    lane_forget(&f.lane, 0);
    CHECK(is_free(0));
    fixture_check_idle(&f);
    fixture_close(&f);
}

/* Late events of a cancelled generation are dropped, their blocks given back, until the last one. */
static void test_late_answer_is_dropped(void) {
    struct ring_event event;
    fixture_open(&f, 64, 16, 192);
    REQUIRE(fixture_request(&f, &exchange_a, 100, 'x') == 0);
    struct ring_event request = fixture_claim(&f);
    lane_cancel(&f.lane, 0, RING_CANCEL_GONE);
    lane_forget(&f.lane, 0);
    fixture_send(&f, &request, RING_EVENT_RESPONSE, 0, 3000);
    fixture_send(&f, &request, RING_EVENT_RESPONSE_BODY, 0, 500);
    (void)lane_poll(&f.lane, 64);
    CHECK_UINT(f.lane.held_blocks, 0);
    CHECK_UINT(f.lane.open_count, 1);
    fixture_send(&f, &request, RING_EVENT_RESPONSE_BODY, RING_FLAG_END, 500);
    worker_return_event(&f.worker, &request);
    (void)lane_poll(&f.lane, 64);
    while (worker_take(&f.worker, &event)) {
    }
    CHECK_UINT(f.message_count, 0);
    fixture_check_idle(&f);
    fixture_close(&f);
}

static void test_an_event_without_blocks_after_the_end_is_ignored(void) {
    fixture_open(&f, 64, 16, 192);
    REQUIRE(fixture_request(&f, &exchange_a, 100, 'x') == 0);
    struct ring_event request = fixture_claim(&f);
    fixture_answer(&f, &request);
    fixture_send(&f, &request, RING_EVENT_RESPONSE_BODY, RING_FLAG_END, 0);
    (void)lane_poll(&f.lane, 64);
    CHECK_UINT(f.message_count, 1);
    fixture_check_idle(&f);
    fixture_close(&f);
}

static void test_low_slots_first(void) {
    fixture_open(&f, 64, 16, 192);
    for (uint32_t i = 0; i < 5; i++) {
        CHECK_UINT(fixture_request(&f, &exchange_a, 100, 'x'), i);
    }
    struct ring_event requests[5];
    for (uint32_t i = 0; i < 5; i++) {
        requests[i] = fixture_claim(&f);
    }
    fixture_answer(&f, &requests[3]);
    (void)lane_poll(&f.lane, 64);
    CHECK_UINT(fixture_request(&f, &exchange_a, 100, 'x'), 3); /* the one used last */
    fixture_close(&f);
}

/*
 * A slot is freed and reused between two polls while its number is still on a list of the poll before; then it gets onto the
 * list again. The list must not grow beyond one entry a slot.
 */
static void test_reuse_while_on_the_ended_list(void) {
    struct ring_event event;
    fixture_open(&f, 64, 1, 64);
    for (int round = 0; round < 8; round++) {
        REQUIRE(fixture_request(&f, &exchange_a, 100, 'x') == 0);
        CHECK(worker_take(&f.worker, &event));
        worker_return_event(&f.worker, &event); /* as after a lost claim */
        CHECK(lane_retract(&f.lane, 0, RING_CANCEL_GONE));
        (void)lane_poll(&f.lane, 64);
        lane_forget(&f.lane, 0); /* waits for the worker to consume CANCEL: listed */
        CHECK_UINT(f.lane.ended_count, 1);
        CHECK(worker_take(&f.worker, &event));
        lane_try_free(&f.lane, 0); /* as when a block comes back */
        CHECK(is_free(0));
        REQUIRE(f.lane.ended_count <= 1);
    }
    fixture_check_idle(&f);
    fixture_close(&f);
}

static void test_reuse_while_on_the_uncredited_list(void) {
    struct ring_event event;
    fixture_open(&f, 64, 1, 64);
    f.keep = true;
    for (int round = 0; round < 8; round++) {
        uint32_t first = f.message_count;
        REQUIRE(fixture_request(&f, &exchange_a, 100, 'x') == 0);
        struct ring_event request = fixture_claim(&f);
        /* More than half of the window comes back, so credit is due at once. */
        fixture_send(&f, &request, RING_EVENT_RESPONSE, 0, 8000);
        (void)lane_poll(&f.lane, 64);
        lane_give_back(&f.lane, f.messages[first].body.block);
        CHECK_UINT(f.lane.in_tail - f.lane.slots[0].credit_position, 0);
        /* And again, while the worker has not consumed the first CREDIT. */
        fixture_send(&f, &request, RING_EVENT_RESPONSE_BODY, 0, 8000);
        fixture_send(&f, &request, RING_EVENT_RESPONSE_BODY, 0, 8000);
        (void)lane_poll(&f.lane, 64);
        lane_give_back(&f.lane, f.messages[first + 1].body.block);
        lane_give_back(&f.lane, f.messages[first + 2].body.block);
        REQUIRE(f.lane.uncredited_count == 1 && f.lane.slots[0].uncredited);
        fixture_send(&f, &request, RING_EVENT_RESPONSE_BODY, RING_FLAG_END, 0);
        (void)lane_poll(&f.lane, 64);
        while (worker_take(&f.worker, &event)) {
        }
        worker_return_event(&f.worker, &request);
        (void)lane_poll(&f.lane, 64); /* frees the slot before it looks at the list */
        CHECK(is_free(0));
        REQUIRE(f.lane.uncredited_count <= 1);
    }
    fixture_check_idle(&f);
    fixture_close(&f);
}

static void test_reuse_while_on_the_wanting_list(void) {
    struct ring_event event;
    fixture_open(&f, 64, 1, 64);
    for (int round = 0; round < 8; round++) {
        REQUIRE(fixture_request(&f, &exchange_a, 100, 'x') == 0);
        struct ring_event request = fixture_claim(&f);
        struct ring_event want = worker_event(&request, RING_EVENT_WANT, 0);
        want.credit = RING_MAX_BLOCK;
        f.lane.extra = f.lane.extra_max; /* nothing is left to meet it from */
        for (int i = 0; i < 2; i++) {    /* the first is answered by no, the second waits */
            CHECK(worker_publish(&f.worker, &want));
            (void)lane_poll(&f.lane, 64);
            while (worker_take(&f.worker, &event)) {
            }
        }
        REQUIRE(f.lane.wanting_count == 1 && f.lane.slots[0].wanting);
        fixture_answer(&f, &request);
        f.lane.extra = f.lane.slots[0].share - RING_BASE_WINDOW;
        /* The slot is free as soon as its blocks are back, the list is looked at later. */
        lane_window_close(&f.lane, &f.lane.slots[0]);
        f.lane.slots[0].state = LANE_SLOT_ENDED;
        f.lane.open_count--;
        f.lane.slots[0].lent = 0;
        f.lane.slots[0].exchange = NULL;
        lane_try_free(&f.lane, 0);
        REQUIRE(is_free(0));
        REQUIRE(fixture_request(&f, &exchange_a, 100, 'x') == 0);
        CHECK(f.lane.slots[0].wanting);
        break;
    }
    fixture_close(&f);
}

static void test_reuse_while_on_the_starved_list(void) {
    struct ring_event event;
    fixture_open(&f, 64, 1, 64);
    for (int round = 0; round < 8; round++) {
        REQUIRE(fixture_request(&f, &exchange_a, 100, 'x') == 0);
        struct ring_event request = fixture_claim(&f);
        while (lane_publish_end(&f.lane, 0)) {
        }
        CHECK(f.lane.slots[0].starved);
        REQUIRE(f.lane.starved_count <= 1);
        fixture_answer(&f, &request);
        /* Only the last event is consumed, as if the exchange ended within a callback before the lists are looked at. */
        f.lane.resumed_at = f.lane.in_head + f.lane.in_return_head + 1 + 61;
        while (worker_take(&f.worker, &event)) {
        }
        (void)lane_poll(&f.lane, 64);
        CHECK(is_free(0));
    }
    f.on_resume = NULL;
    fixture_close(&f);
}

/* Resuming may start other exchanges on the slot; none of it may be resumed for an older one. */
static void test_a_new_exchange_is_not_told_of_the_old_ones_messages(void) {
    fixture_open(&f, 64, 1, 64);
    REQUIRE(fixture_request(&f, &exchange_a, 100, 'x') == 0);
    struct ring_event old = fixture_claim(&f);
    fixture_answer(&f, &old);
    (void)lane_poll(&f.lane, 64);
    REQUIRE(fixture_request(&f, &exchange_b, 100, 'y') == 0);
    fixture_send(&f, &old, RING_EVENT_RESPONSE_BODY, RING_FLAG_END, 0);
    fixture_send(&f, &old, RING_EVENT_ABORT, 0, 0);
    (void)lane_poll(&f.lane, 64);
    CHECK_UINT(f.message_count, 1);
    CHECK(!f.lane.broken);
    struct ring_event request = fixture_claim(&f);
    fixture_answer(&f, &request);
    (void)lane_poll(&f.lane, 64);
    CHECK_UINT(f.message_count, 2);
    CHECK(f.exchanges[0] == &exchange_a);
    CHECK(f.exchanges[1] == &exchange_b);
    fixture_check_idle(&f);
    fixture_close(&f);
}

int main(void) {
    RUN(test_free_after_the_last_event_and_all_blocks);
    RUN(test_not_free_while_a_response_block_is_held);
    RUN(test_not_free_before_control_events_are_consumed);
    RUN(test_not_free_while_the_exchange_holds_on);
    RUN(test_late_answer_is_dropped);
    RUN(test_an_event_without_blocks_after_the_end_is_ignored);
    RUN(test_low_slots_first);
    RUN(test_reuse_while_on_the_ended_list);
    RUN(test_reuse_while_on_the_uncredited_list);
    RUN(test_reuse_while_on_the_wanting_list);
    RUN(test_reuse_while_on_the_starved_list);
    RUN(test_a_new_exchange_is_not_told_of_the_old_ones_messages);
    return test_report();
}
