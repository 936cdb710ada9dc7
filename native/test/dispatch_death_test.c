/*
 * What becomes of a dead worker's exchanges (docs/design.md section 5).
 * Links: exchange.c dispatch.c dispatch_stuck.c pool.c request_block.c lane*.c arena.c
 * Links: ring_geometry.c test/worker_mirror.c
 */
#include "dispatch_fixture.h"

static struct fake fakes[16];
static struct fake *const a = &fakes[0], *const b = &fakes[1];
static uint8_t big[200000];

static uint64_t count(const counter *c) {
    return counter_get(c);
}

static void test_queued_goes_to_another_worker(void) {
    rig_open(2, 8);
    fake_start(a, RING_METHOD_POST, "body", 4, true);
    CHECK_UINT(rig.lanes[0].lane.open_count, 1);
    dispatch_bury(&rig.lanes[0]);
    (void)dispatch_poll(&rig.dispatch);
    CHECK_UINT(rig.released, 1);
    struct ring_event request = rig_claim(1);
    CHECK_UINT(request.flags, RING_FLAG_END);
    CHECK_TEXT(worker_inbound(&rig.workers[1], request.body_offset), request.body_length, "body");
    CHECK_UINT(count(&rig.dispatch.counters.redispatched), 1);
    CHECK_UINT(count(&rig.dispatch.counters.retried), 0);
    rig_answer(1, &request, "x");
    (void)dispatch_poll(&rig.dispatch);
    CHECK(a->ended);
    rig_close();
}

static void test_claimed_safe_is_retried_once(void) {
    rig_open(2, 8);
    fake_start(a, RING_METHOD_GET, NULL, 0, true);
    (void)rig_claim(0);
    dispatch_bury(&rig.lanes[0]);
    (void)dispatch_poll(&rig.dispatch);
    struct ring_event request = rig_claim(1);
    CHECK_UINT(request.flags, RING_FLAG_END | RING_FLAG_RETRY);
    struct ring_request_head head;
    memcpy(&head, worker_inbound(&rig.workers[1], request.head_offset), sizeof(head));
    CHECK_UINT(head.attempt, 1);
    CHECK_UINT(count(&rig.dispatch.counters.retried), 1);
    dispatch_bury(&rig.lanes[1]);
    (void)dispatch_poll(&rig.dispatch);
    CHECK_UINT(a->fails, 1);
    CHECK_UINT(a->status, 502);
    CHECK_UINT(count(&rig.dispatch.counters.lost), 1);
    rig_close();
}

static void test_claimed_post_gets_502(void) {
    rig_open(2, 8);
    fake_start(a, RING_METHOD_POST, NULL, 0, true);
    (void)rig_claim(0);
    dispatch_bury(&rig.lanes[0]);
    CHECK_UINT(a->fails, 1);
    CHECK_UINT(a->status, 502);
    (void)dispatch_poll(&rig.dispatch);
    CHECK_UINT(rig.lanes[1].lane.open_count, 0);
    rig_close();
}

static void test_begun_or_returned_is_not_retried(void) {
    rig_open(2, 8);
    for (int i = 0; i < 3; i++) {
        fake_start(&fakes[i], RING_METHOD_GET, NULL, 0, true);
    }
    /* Lane 0 has the first and the third. */
    struct ring_event first = rig_claim(0);
    struct ring_event third = rig_claim(0);
    struct ring_event inform = worker_event(&first, RING_EVENT_INFORM, 0);
    inform.status = 103;
    CHECK(worker_publish(&rig.workers[0], &inform));
    worker_return_event(&rig.workers[0], &third);
    dispatch_bury(&rig.lanes[0]);
    CHECK_UINT(fakes[0].informs, 1);
    CHECK_UINT(fakes[0].fails, 1);
    CHECK_UINT(fakes[0].status, 502);
    CHECK_UINT(fakes[2].fails, 1);
    CHECK_UINT(fakes[2].status, 502);
    struct ring_event request = rig_claim(1);
    rig_answer(1, &request, "x");
    (void)dispatch_poll(&rig.dispatch);
    rig_close();
}

/* A finished answer is still an answer; a begun one is cut. */
static void test_answers_in_a_dead_ring(void) {
    rig_open(2, 8);
    for (int i = 0; i < 4; i++) {
        fake_start(&fakes[i], i == 0 ? RING_METHOD_POST : RING_METHOD_GET, NULL, 0, true);
    }
    struct ring_event done = rig_claim(0);
    struct ring_event begun = rig_claim(0);
    rig_answer(0, &done, "finished");
    rig_send(0, &begun, RING_EVENT_RESPONSE, 0, "begun");
    dispatch_bury(&rig.lanes[0]);
    CHECK_UINT(fakes[0].responses, 1);
    CHECK(fakes[0].ended);
    CHECK_UINT(fakes[0].length, 8);
    CHECK_UINT(fakes[0].fails, 0);
    CHECK_UINT(fakes[2].responses, 1);
    CHECK_UINT(fakes[2].fails, 1);
    for (int i = 0; i < 2; i++) {
        struct ring_event request = rig_claim(1);
        rig_answer(1, &request, "x");
    }
    (void)dispatch_poll(&rig.dispatch);
    rig_close();
}

/* L6: the segment stays while bytes are sent from it. */
static void test_released_after_the_last_block(void) {
    rig_open(1, 8);
    fake_start(a, RING_METHOD_GET, NULL, 0, true);
    a->keep = true;
    struct ring_event request = rig_claim(0);
    rig_answer(0, &request, "still being sent");
    dispatch_bury(&rig.lanes[0]);
    (void)dispatch_poll(&rig.dispatch);
    CHECK_UINT(rig.released, 0);
    CHECK_UINT(a->kept[0].data[0], 's');
    CHECK(!dispatch_arm(&rig.dispatch));
    fake_release(a);
    CHECK(dispatch_arm(&rig.dispatch)); /* not only at the next event */
    (void)dispatch_poll(&rig.dispatch);
    CHECK_UINT(rig.released, 1);
    rig_close();
}

static void test_a_broken_workers_claims_are_worth_nothing(void) {
    rig_open(2, 8);
    fake_start(&fakes[0], RING_METHOD_POST, NULL, 0, true); /* lane 0, queued */
    fake_start(&fakes[1], RING_METHOD_GET, NULL, 0, true);  /* lane 1 */
    fake_start(&fakes[2], RING_METHOD_GET, NULL, 0, true);  /* lane 0, queued */
    ring_store_index(&rig.lanes[0].lane.out->out_tail, 1000);
    (void)dispatch_poll(&rig.dispatch);
    (void)dispatch_poll(&rig.dispatch);
    CHECK_UINT(rig.broken, 1); /* told once */
    CHECK_UINT(count(&rig.dispatch.counters.violations), 1);
    fake_start(&fakes[3], RING_METHOD_GET, NULL, 0, true);
    CHECK_UINT(rig.lanes[1].lane.open_count, 2); /* nothing new for it */
    dispatch_bury(&rig.lanes[0]);
    CHECK_UINT(fakes[0].status, 502); /* may have been run, whatever the word says */
    (void)dispatch_poll(&rig.dispatch);
    CHECK_UINT(count(&rig.dispatch.counters.retried), 1);
    for (int i = 0; i < 3; i++) {
        struct ring_event request = rig_claim(1);
        rig_answer(1, &request, "x");
    }
    (void)dispatch_poll(&rig.dispatch);
    CHECK(fakes[2].ended);
    rig_close();
}

/* What only giving a block back finds is told before the loop sleeps: nothing else may ever wake it. */
static void test_a_violation_found_by_sending_is_not_slept_over(void) {
    rig_open(1, 8);
    fake_start(a, RING_METHOD_GET, NULL, 0, true);
    struct lane *lane = &rig.lanes[0].lane;
    a->keep = true;
    struct ring_event request = rig_claim(0);
    rig_send(0, &request, RING_EVENT_RESPONSE, 0, "one");
    (void)dispatch_poll(&rig.dispatch);
    CHECK(!dispatch_arm(&rig.dispatch));
    dispatch_disarm(&rig.dispatch);
    lane->out_return_tail += lane->geometry.return_slots; /* as after so many blocks that the worker never took back */
    fake_release(a);
    CHECK(lane->broken);
    CHECK(dispatch_arm(&rig.dispatch));
    (void)dispatch_poll(&rig.dispatch);
    CHECK_UINT(rig.broken, 1);
    CHECK(!dispatch_arm(&rig.dispatch)); /* told once */
    dispatch_bury(&rig.lanes[0]);
    CHECK_UINT(a->status, 502);
    rig_close();
}

/* The worker dies with a good head and a bad body in its ring: everything is released all the same. */
static void test_a_broken_lane_is_released(void) {
    rig_open(1, 8);
    fake_start(a, RING_METHOD_GET, NULL, 0, true);
    struct ring_event request = rig_claim(0);
    struct ring_event event = worker_event(&request, RING_EVENT_RESPONSE, 0);
    CHECK(worker_put_head(&rig.workers[0], &event, "head", 4));
    event.body_block = 500;
    CHECK(worker_publish(&rig.workers[0], &event));
    (void)dispatch_poll(&rig.dispatch);
    CHECK_UINT(rig.broken, 1);
    dispatch_bury(&rig.lanes[0]);
    (void)dispatch_poll(&rig.dispatch);
    CHECK_UINT(rig.released, 1);
    CHECK_UINT(a->exchange.state, EXCHANGE_PARKED); /* safe, nothing was sent */
    exchange_detach(&a->exchange, RING_CANCEL_GONE);
    rig_close();
}

/* --- replay of bodies --- */

/* Takes everything that belongs to one request; true when its end was seen. Answers at the end. */
static bool receive_body(uint32_t lane, struct ring_event *request, uint32_t *at) {
    struct ring_event event;
    while (worker_take(&rig.workers[lane], &event)) {
        if (event.kind == RING_EVENT_REQUEST) {
            *request = event;
            CHECK(worker_claim(&rig.workers[lane], &event));
        }
        if (event.body_length != 0) {
            const uint8_t *bytes = worker_inbound(&rig.workers[lane], event.body_offset);
            CHECK(event.body_length <= sizeof(big) - *at && memcmp(bytes, big + *at, event.body_length) == 0);
            *at += event.body_length;
        }
        if (event.kind == RING_EVENT_BODY) {
            worker_return_event(&rig.workers[lane], &event);
        }
        if ((event.flags & RING_FLAG_END) != 0) {
            return true;
        }
    }
    return false;
}

static void finish_body(uint32_t lane, uint32_t already) {
    struct ring_event request = {0};
    uint32_t at = already;
    bool end = false;
    for (int turn = 0; turn < 200 && !end; turn++) {
        (void)dispatch_poll(&rig.dispatch);
        end = receive_body(lane, &request, &at);
    }
    CHECK(end);
    CHECK_UINT(at, sizeof(big));
    if (end) {
        rig_answer(lane, &request, "done");
        (void)dispatch_poll(&rig.dispatch);
        rig_swallow(lane);
        CHECK(a->ended);
        CHECK_UINT(a->fails, 0);
    }
}

static void start_big(uint32_t first) {
    for (uint32_t i = 0; i < sizeof(big); i++) {
        big[i] = (uint8_t)(i * 7 + i / 251);
    }
    fake_start(a, RING_METHOD_POST, big, first, false);
    a->body = big + first;
    a->body_left = (uint32_t)sizeof(big) - first;
    a->end_left = true;
    fake_feed(a);
}

static void test_published_body_is_replayed(void) {
    rig_open(0, 8);
    rig_add_lane(256, 4, 1024);
    rig_add_lane(256, 4, 1024);
    start_big(1000);
    CHECK_UINT(a->body_left, 0);
    dispatch_bury(&rig.lanes[0]);
    (void)dispatch_poll(&rig.dispatch);
    finish_body(1, 0);
    rig_close();
}

static void test_half_a_body_is_replayed_then_goes_on(void) {
    rig_open(0, 8);
    rig_add_lane(256, 4, 1024);
    rig_add_lane(256, 4, 1024);
    fake_start(a, RING_METHOD_POST, big, 1000, false);
    a->body = big + 1000;
    a->body_left = 50000;
    fake_feed(a);
    fake_start(b, RING_METHOD_POST, big, 500, false); /* lane 1, so that both are used */
    CHECK_UINT(rig.lanes[1].lane.open_count, 1);
    dispatch_bury(&rig.lanes[0]);
    a->body_left = (uint32_t)sizeof(big) - 51000;
    a->end_left = true;
    (void)dispatch_poll(&rig.dispatch);
    CHECK(!a->end_left); /* resumed */
    exchange_detach(&b->exchange, RING_CANCEL_GONE);
    struct ring_event event;
    CHECK(worker_take(&rig.workers[1], &event));
    worker_return_event(&rig.workers[1], &event);
    finish_body(1, 0);
    rig_close();
}

/* The new worker's lane is too small for the backlog at once, and it dies in the middle of it: nothing may be forgotten. */
static void test_the_end_survives_a_second_death(void) {
    rig_open(0, 8);
    rig_add_lane(256, 4, 1024);
    start_big(1000);
    CHECK(!a->end_left);
    rig_add_lane(64, 4, 192);
    dispatch_bury(&rig.lanes[0]);
    (void)dispatch_poll(&rig.dispatch);
    CHECK(a->exchange.backlog != NULL); /* starved half way */
    rig_add_lane(256, 4, 1024);
    dispatch_bury(&rig.lanes[1]);
    (void)dispatch_poll(&rig.dispatch);
    finish_body(2, 0);
    rig_close();
}

static void test_backlog_under_starvation(void) {
    rig_open(0, 8);
    rig_add_lane(256, 4, 1024);
    start_big(1000);
    rig_add_lane(64, 4, 192);
    dispatch_bury(&rig.lanes[0]);
    (void)dispatch_poll(&rig.dispatch);
    CHECK(a->exchange.backlog != NULL);
    CHECK_UINT(a->resumes, 0);
    finish_body(1, 0);
    rig_close();
}

static void test_a_returned_body_block_forbids_replay(void) {
    struct ring_event event;
    rig_open(0, 8);
    rig_add_lane(256, 4, 1024);
    rig_add_lane(256, 4, 1024);
    start_big(1000);
    (void)rig_claim(0);
    CHECK(worker_take(&rig.workers[0], &event));
    worker_return_event(&rig.workers[0], &event);
    dispatch_bury(&rig.lanes[0]);
    CHECK_UINT(a->fails, 1);
    CHECK_UINT(a->status, 502);
    (void)dispatch_poll(&rig.dispatch);
    rig_close();
}

static void test_detach_while_recalled(void) {
    rig_open(0, 8);
    rig_add_lane(256, 4, 1024);
    start_big(1000);
    dispatch_bury(&rig.lanes[0]);
    CHECK_UINT(a->exchange.state, EXCHANGE_PARKED);
    exchange_detach(&a->exchange, RING_CANCEL_GONE);
    (void)dispatch_poll(&rig.dispatch);
    rig_close();
}

/* Of two workers of a release that is being confirmed, what handlers of one had goes to the release before, not to the other. */
static void test_retried_by_the_release_before(void) {
    rig_open(3, 8);
    dispatch_set_active(&rig.lanes[2], false);
    rig.lanes[2].second = true;
    fake_start(&fakes[0], RING_METHOD_GET, NULL, 0, true);
    fake_start(&fakes[1], RING_METHOD_GET, NULL, 0, true);
    fake_start(&fakes[2], RING_METHOD_GET, NULL, 0, true); /* on lane 0 again, and nothing begins it */
    (void)rig_claim(0);
    dispatch_bury(&rig.lanes[0]);
    (void)dispatch_poll(&rig.dispatch);
    CHECK_UINT(rig.lanes[1].lane.open_count, 2);
    CHECK_UINT(rig.lanes[2].lane.open_count, 1);
    struct ring_event request = rig_claim(2);
    CHECK_UINT(((const struct ring_request_head *)worker_inbound(&rig.workers[2], request.head_offset))->attempt, 1);
    rig_answer(2, &request, "x");
    for (int i = 0; i < 2; i++) {
        request = rig_claim(1);
        rig_answer(1, &request, "x");
    }
    (void)dispatch_poll(&rig.dispatch);
    for (int i = 0; i < 3; i++) {
        CHECK_UINT(fakes[i].responses, 1);
    }
    rig_close();
}

int main(void) {
    RUN(test_queued_goes_to_another_worker);
    RUN(test_claimed_safe_is_retried_once);
    RUN(test_claimed_post_gets_502);
    RUN(test_begun_or_returned_is_not_retried);
    RUN(test_answers_in_a_dead_ring);
    RUN(test_released_after_the_last_block);
    RUN(test_a_broken_workers_claims_are_worth_nothing);
    RUN(test_a_violation_found_by_sending_is_not_slept_over);
    RUN(test_a_broken_lane_is_released);
    RUN(test_published_body_is_replayed);
    RUN(test_half_a_body_is_replayed_then_goes_on);
    RUN(test_the_end_survives_a_second_death);
    RUN(test_backlog_under_starvation);
    RUN(test_a_returned_body_block_forbids_replay);
    RUN(test_detach_while_recalled);
    RUN(test_retried_by_the_release_before);
    return test_report();
}
