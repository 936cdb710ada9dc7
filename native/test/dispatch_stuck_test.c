/*
 * Workers that take no events, probes, and which lanes get requests.
 * Links: exchange.c dispatch.c dispatch_stuck.c pool.c request_block.c lane*.c
 * Links: arena.c ring_geometry.c probe.c h1_parser.c h1_fields.c h1_target.c h1_connection.c h1_names.c h1_chars.c
 * Links: test/worker_mirror.c
 */
#include <errno.h>

#include "dispatch_fixture.h"
#include "probe.h"

static struct fake fakes[8];

static void later(uint64_t ms) {
    rig.dispatch.now_ms += ms;
    (void)dispatch_tick(&rig.dispatch);
    (void)dispatch_poll(&rig.dispatch);
}

static void notice_stuck_after(uint64_t ms) {
    struct dispatch_config config = rig.dispatch.config;
    config.stuck_ms = ms;
    config.queue_deadline_ms = 60000;
    dispatch_change(&rig.dispatch, &config);
}

/* A worker was stopped while one of its handlers ran: that one it keeps, the others go elsewhere, and new ones, too. */
static void test_stopped_worker(void) {
    rig_open(1, 8);
    notice_stuck_after(500);
    fake_start(&fakes[0], RING_METHOD_GET, NULL, 0, true);
    struct ring_event running = rig_claim(0);
    fake_start(&fakes[1], RING_METHOD_POST, "abc", 3, true);
    later(1); /* seen: one event waits */
    rig_add_lane(64, 4, 192);
    later(499);
    CHECK_UINT(rig.stuck, 0);
    later(1);
    CHECK_UINT(rig.stuck, 1);
    CHECK_UINT(counter_get(&rig.dispatch.counters.taken_back), 1);
    fake_start(&fakes[2], RING_METHOD_GET, NULL, 0, true);
    CHECK_UINT(rig.lanes[0].lane.open_count, 1);
    CHECK_UINT(rig.lanes[1].lane.open_count, 2);
    struct ring_event request = rig_claim(1);
    CHECK_TEXT(worker_inbound(&rig.workers[1], request.body_offset), request.body_length, "abc");
    rig_answer(1, &request, "x");
    request = rig_claim(1);
    rig_answer(1, &request, "y");

    /* It goes on: what was taken back it may not run. */
    struct ring_event event = {0};
    REQUIRE(worker_take(&rig.workers[0], &event));
    CHECK_UINT(event.kind, RING_EVENT_REQUEST);
    CHECK(!worker_claim(&rig.workers[0], &event));
    worker_return_event(&rig.workers[0], &event);
    REQUIRE(worker_take(&rig.workers[0], &event));
    CHECK_UINT(event.kind, RING_EVENT_CANCEL);
    rig_answer(0, &running, "z");
    later(1);
    CHECK_UINT(rig.stuck, 0);
    for (int i = 0; i < 3; i++) {
        CHECK(fakes[i].ended);
        CHECK_UINT(fakes[i].fails, 0);
    }
    rig_close();
}

/* Handlers that take long are no reason: the worker takes its events. */
static void test_slow_handlers_are_not_stuck(void) {
    rig_open(1, 8);
    notice_stuck_after(500);
    fake_start(&fakes[0], RING_METHOD_GET, NULL, 0, true);
    struct ring_event request = rig_claim(0);
    later(1);
    later(5000);
    CHECK_UINT(rig.stuck, 0);
    rig_answer(0, &request, "x");
    (void)dispatch_poll(&rig.dispatch);
    rig_close();
}

/* A worker was stopped after it had taken all events: that what no handler has begun waits for long makes it be asked. */
static void test_stopped_with_nothing_to_take(void) {
    rig_open(1, 8);
    notice_stuck_after(500);
    struct ring_event event = {0};
    fake_start(&fakes[0], RING_METHOD_POST, "abc", 3, true);
    REQUIRE(worker_take(&rig.workers[0], &event)); /* into its private queue */
    struct ring_event queued = event;
    later(249);
    CHECK(!worker_take(&rig.workers[0], &event));
    later(1);
    REQUIRE(worker_take(&rig.workers[0], &event)); /* it lives, and has no room for another handler */
    CHECK_UINT(event.kind, RING_EVENT_CREDIT);
    CHECK_UINT(event.credit, 0);
    rig_add_lane(64, 4, 192);
    later(250); /* it is asked again, and does not take it */
    later(499);
    CHECK_UINT(rig.stuck, 0);
    later(1);
    CHECK_UINT(rig.stuck, 1);
    CHECK_UINT(counter_get(&rig.dispatch.counters.taken_back), 1);
    struct ring_event request = rig_claim(1);
    CHECK_TEXT(worker_inbound(&rig.workers[1], request.body_offset), request.body_length, "abc");
    rig_answer(1, &request, "x");

    CHECK(!worker_claim(&rig.workers[0], &queued));
    worker_return_event(&rig.workers[0], &queued);
    for (int i = 0; i < 2; i++) {
        REQUIRE(worker_take(&rig.workers[0], &event));
        CHECK_UINT(event.kind, i == 0 ? RING_EVENT_CREDIT : RING_EVENT_CANCEL);
    }
    later(1);
    CHECK_UINT(rig.stuck, 0);
    CHECK(fakes[0].ended);
    rig_close();
}

static uint16_t probed[4];
static unsigned probes;

static void on_probed(void *owner, uint64_t worker, uint64_t round, uint16_t status) {
    CHECK(owner == &rig);
    CHECK_UINT(worker, 1);
    CHECK_UINT(round, 7);
    probed[probes++] = status;
}

static struct ring_event probe(void) {
    CHECK_UINT(probe_start(&rig.dispatch, &rig.lanes[0], "/ready?x=1", 7, on_probed, &rig), 0);
    return rig_claim(0);
}

static void test_probe_of_a_lane_in_standby(void) {
    probes = 0;
    rig_open(1, 8);
    dispatch_set_active(&rig.lanes[0], false);
    fake_start(&fakes[0], RING_METHOD_GET, NULL, 0, true);
    CHECK_UINT(fakes[0].exchange.state, EXCHANGE_PARKED);
    struct ring_event request = probe();
    const struct ring_request_head *head = (const void *)worker_inbound(&rig.workers[0], request.head_offset);
    CHECK_UINT(head->method, RING_METHOD_GET);
    CHECK_TEXT((const uint8_t *)head + head->path.offset, head->path.length, "/ready");
    CHECK_TEXT((const uint8_t *)head + head->query.offset, head->query.length, "x=1");
    rig_answer(0, &request, "body");
    (void)dispatch_poll(&rig.dispatch);
    CHECK_UINT(probes, 1);
    CHECK_UINT(probed[0], 200);
    CHECK_UINT(fakes[0].exchange.state, EXCHANGE_PARKED);
    dispatch_set_active(&rig.lanes[0], true);
    (void)dispatch_poll(&rig.dispatch);
    request = rig_claim(0);
    rig_answer(0, &request, "x");
    (void)dispatch_poll(&rig.dispatch);
    rig_close();
}

/* A probe is no client's: it is not given to another worker. */
static void test_probe_of_a_worker_that_dies(void) {
    probes = 0;
    rig_open(2, 8);
    (void)probe();
    dispatch_bury(&rig.lanes[0]);
    CHECK_UINT(probes, 1);
    CHECK_UINT(probed[0], 502);
    CHECK(probe_start(&rig.dispatch, &rig.lanes[0], "/", 8, on_probed, &rig) == -ENOTCONN);
    CHECK_UINT(rig.lanes[1].lane.open_count, 0);
    rig_close();
}

static void test_active_and_standby(void) {
    rig_open(2, 8);
    dispatch_set_active(&rig.lanes[1], false);
    fake_start(&fakes[0], RING_METHOD_GET, NULL, 0, true);
    fake_start(&fakes[1], RING_METHOD_GET, NULL, 0, true);
    CHECK_UINT(rig.lanes[0].lane.open_count, 2);
    dispatch_set_active(&rig.lanes[0], false);
    dispatch_set_active(&rig.lanes[1], true);
    fake_start(&fakes[2], RING_METHOD_GET, NULL, 0, true);
    CHECK_UINT(rig.lanes[1].lane.open_count, 1);
    for (int i = 0; i < 3; i++) {
        struct ring_event request = rig_claim(i < 2 ? 0 : 1);
        rig_answer(i < 2 ? 0 : 1, &request, "x");
    }
    (void)dispatch_poll(&rig.dispatch);
    CHECK_UINT(rig.idle, 0); /* standby is not draining */
    dispatch_drain(&rig.lanes[0]);
    dispatch_set_active(&rig.lanes[0], true);
    CHECK_UINT(rig.lanes[0].state, DISPATCH_LANE_DRAINING);
    (void)dispatch_poll(&rig.dispatch);
    CHECK_UINT(rig.idle, 1);
    rig_close();
}

int main(void) {
    RUN(test_stopped_worker);
    RUN(test_slow_handlers_are_not_stuck);
    RUN(test_stopped_with_nothing_to_take);
    RUN(test_probe_of_a_lane_in_standby);
    RUN(test_probe_of_a_worker_that_dies);
    RUN(test_active_and_standby);
    return test_report();
}
