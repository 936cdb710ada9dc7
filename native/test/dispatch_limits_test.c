/*
 * What bounds requests: their deadlines and the number in flight. Nothing is dispatched that nobody waits for any more.
 * Links: exchange.c dispatch.c dispatch_stuck.c pool.c request_block.c lane*.c arena.c
 * Links: ring_geometry.c test/worker_mirror.c
 */
#include "dispatch_fixture.h"

static struct fake fakes[8];
static struct fake *const a = &fakes[0];

static void later(uint64_t ms) {
    rig.dispatch.now_ms += ms;
    (void)dispatch_tick(&rig.dispatch);
}

static void limit_requests(uint64_t ms) {
    struct dispatch_config config = rig.dispatch.config;
    config.request_timeout_ms = ms;
    dispatch_change(&rig.dispatch, &config);
}

/* The worker is told, its late answer is dropped, and the slot is free again (rig_close looks). */
static void test_handler_beyond_its_limit(void) {
    rig_open(1, 8);
    limit_requests(2000);
    fake_start(a, RING_METHOD_POST, "abc", 3, true);
    struct ring_event request = rig_claim(0);
    later(1500); /* beyond the queue deadline, which is none for what runs */
    CHECK_UINT(a->exchange.state, EXCHANGE_SENT);
    CHECK_UINT(a->fails, 0);
    later(500);
    CHECK_UINT(a->fails, 1);
    CHECK_UINT(a->status, 504);
    CHECK_UINT(counter_get(&rig.dispatch.counters.timed_out), 1);
    struct ring_event event = {0};
    REQUIRE(worker_take(&rig.workers[0], &event));
    CHECK_UINT(event.kind, RING_EVENT_CANCEL);
    CHECK_UINT(event.status, RING_CANCEL_DEADLINE);
    rig_answer(0, &request, "late");
    (void)dispatch_poll(&rig.dispatch);
    CHECK_UINT(a->length, 0);
    CHECK_UINT(a->fails, 1);
    rig_close();
}

/* Also where the limit is below the queue deadline: then the claim word decides, and nothing is executed. */
static void test_queued_beyond_its_limit(void) {
    rig_open(1, 8);
    limit_requests(500);
    fake_start(a, RING_METHOD_GET, NULL, 0, true);
    later(600);
    CHECK_UINT(a->status, 503);
    struct ring_event request = {0};
    REQUIRE(worker_take(&rig.workers[0], &request));
    CHECK(!worker_claim(&rig.workers[0], &request));
    worker_return_event(&rig.workers[0], &request);
    struct ring_event event = {0};
    REQUIRE(worker_take(&rig.workers[0], &event));
    CHECK_UINT(event.kind, RING_EVENT_CANCEL);
    (void)dispatch_poll(&rig.dispatch);
    rig_close();
}

static void test_an_answer_that_has_begun_has_no_limit(void) {
    rig_open(1, 8);
    limit_requests(2000);
    fake_start(a, RING_METHOD_GET, NULL, 0, true);
    struct ring_event request = rig_claim(0);
    rig_send(0, &request, RING_EVENT_RESPONSE, 0, "x");
    (void)dispatch_poll(&rig.dispatch);
    later(10000);
    CHECK_UINT(a->fails, 0);
    rig_send(0, &request, RING_EVENT_RESPONSE_BODY, RING_FLAG_END, "y");
    worker_return_event(&rig.workers[0], &request);
    (void)dispatch_poll(&rig.dispatch);
    CHECK(a->ended);
    rig_close();
}

static void test_in_flight(void) {
    rig_open(2, 8);
    struct dispatch_config config = rig.dispatch.config;
    config.in_flight = 2;
    dispatch_change(&rig.dispatch, &config);
    for (int i = 0; i < 5; i++) {
        fake_start(&fakes[i], RING_METHOD_GET, NULL, 0, true);
    }
    CHECK_UINT(rig.lanes[0].lane.open_count, 2);
    CHECK_UINT(rig.lanes[1].lane.open_count, 2);
    CHECK_UINT(fakes[4].exchange.state, EXCHANGE_PARKED);
    struct ring_event request = rig_claim(1);
    rig_answer(1, &request, "x");
    (void)dispatch_poll(&rig.dispatch);
    CHECK_UINT(fakes[4].exchange.state, EXCHANGE_SENT);
    for (uint32_t i = 0; i < 4; i++) {
        request = rig_claim(i % 2);
        rig_answer(i % 2, &request, "x");
    }
    (void)dispatch_poll(&rig.dispatch);
    rig_close();
}

/* A worker comes after the deadline, and before the tick that looks for it. */
static void test_too_late_for_a_worker(void) {
    rig_open(0, 8);
    fake_start(a, RING_METHOD_GET, NULL, 0, true);
    rig.dispatch.now_ms += 1000;
    rig_add_lane(64, 4, 192);
    (void)dispatch_poll(&rig.dispatch);
    CHECK_UINT(a->status, 503);
    CHECK_UINT(a->fails, 1);
    CHECK_UINT(counter_get(&rig.dispatch.counters.expired), 1);
    struct ring_event event = {0};
    CHECK(!worker_take(&rig.workers[0], &event));
    rig_close();
}

static void test_client_gone_while_parked(void) {
    rig_open(0, 8);
    fake_start(a, RING_METHOD_GET, NULL, 0, true);
    exchange_detach(&a->exchange, RING_CANCEL_GONE);
    rig_add_lane(64, 4, 192);
    (void)dispatch_poll(&rig.dispatch);
    struct ring_event event = {0};
    CHECK(!worker_take(&rig.workers[0], &event));
    rig_close();
}

int main(void) {
    RUN(test_handler_beyond_its_limit);
    RUN(test_queued_beyond_its_limit);
    RUN(test_an_answer_that_has_begun_has_no_limit);
    RUN(test_in_flight);
    RUN(test_too_late_for_a_worker);
    RUN(test_client_gone_while_parked);
    return test_report();
}
