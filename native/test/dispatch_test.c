/*
 * Placing, parking, expiring and draining (docs/design.md section 5).
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

static void later(uint64_t ms) {
    rig.dispatch.now_ms += ms;
    (void)dispatch_tick(&rig.dispatch);
}

/* --- placing --- */

static void test_least_loaded_lane(void) {
    rig_open(2, 8);
    for (int i = 0; i < 4; i++) {
        fake_start(&fakes[i], RING_METHOD_GET, NULL, 0, true);
    }
    CHECK_UINT(rig.lanes[0].lane.open_count, 2);
    CHECK_UINT(rig.lanes[1].lane.open_count, 2);
    struct ring_event request = rig_claim(0);
    rig_answer(0, &request, "x");
    request = rig_claim(0);
    rig_answer(0, &request, "x");
    (void)dispatch_poll(&rig.dispatch);
    fake_start(&fakes[4], RING_METHOD_GET, NULL, 0, true);
    fake_start(&fakes[5], RING_METHOD_GET, NULL, 0, true);
    CHECK_UINT(rig.lanes[0].lane.open_count, 2);
    for (uint32_t lane = 0; lane < 2; lane++) {
        for (int i = 0; i < 2; i++) {
            request = rig_claim(lane);
            rig_answer(lane, &request, "x");
        }
    }
    (void)dispatch_poll(&rig.dispatch);
    rig_close();
}

static void test_only_active_lanes_get_requests(void) {
    rig_open(3, 8);
    dispatch_drain(&rig.lanes[0]);
    rig.lanes[1].state = DISPATCH_LANE_STANDBY;
    for (int i = 0; i < 4; i++) {
        fake_start(&fakes[i], RING_METHOD_GET, NULL, 0, true);
    }
    CHECK_UINT(rig.lanes[2].lane.open_count, 4);
    fake_start(&fakes[4], RING_METHOD_GET, NULL, 0, true);
    CHECK_UINT(fakes[4].exchange.state, EXCHANGE_PARKED);
    dispatch_set_active(&rig.lanes[1], true);
    (void)dispatch_poll(&rig.dispatch);
    CHECK_UINT(rig.lanes[1].lane.open_count, 1);
    CHECK_UINT(rig.idle, 1); /* the draining one had nothing */
    struct ring_event request = rig_claim(1);
    rig_answer(1, &request, "x");
    for (int i = 0; i < 4; i++) {
        request = rig_claim(2);
        rig_answer(2, &request, "x");
    }
    (void)dispatch_poll(&rig.dispatch);
    rig_close();
}

/* --- parking --- */

static void test_parked_until_a_worker_comes(void) {
    rig_open(0, 8);
    fake_start(a, RING_METHOD_POST, "abc", 3, true);
    CHECK_UINT(a->exchange.state, EXCHANGE_PARKED);
    CHECK_UINT(count(&rig.dispatch.counters.parked), 1);
    rig_add_lane(64, 4, 192);
    (void)dispatch_poll(&rig.dispatch);
    CHECK_UINT(a->exchange.state, EXCHANGE_SENT);
    struct ring_event request = rig_claim(0);
    CHECK_TEXT(worker_inbound(&rig.workers[0], request.body_offset), request.body_length, "abc");
    CHECK_UINT(request.flags, RING_FLAG_END); /* parking is no retry */
    rig_answer(0, &request, "x");
    (void)dispatch_poll(&rig.dispatch);
    CHECK(a->ended);
    rig_close();
}

/* Whoever gets a parked request learns that its client has ended its sending side, as often as it is dispatched. */
static void test_half_closed_while_parked(void) {
    rig_open(0, 8);
    fake_start(a, RING_METHOD_GET, NULL, 0, true);
    CHECK_UINT(a->exchange.state, EXCHANGE_PARKED);
    exchange_half_close(&a->exchange);
    for (uint32_t lane = 0; lane < 2; lane++) {
        rig_add_lane(64, 4, 192);
        (void)dispatch_poll(&rig.dispatch);
        struct ring_event request = rig_claim(lane);
        struct ring_event event = {0};
        REQUIRE(worker_take(&rig.workers[lane], &event));
        CHECK_UINT(event.kind, RING_EVENT_CANCEL);
        CHECK_UINT(event.status, RING_CANCEL_HALF_CLOSED);
        if (lane == 0) {
            dispatch_bury(&rig.lanes[0]);
        } else {
            rig_answer(lane, &request, "x");
        }
    }
    (void)dispatch_poll(&rig.dispatch);
    CHECK_UINT(a->responses, 1);
    rig_close();
}

static void test_parked_in_order(void) {
    rig_open(0, 8);
    for (int i = 0; i < 3; i++) {
        uint8_t body = (uint8_t)i;
        fake_start(&fakes[i], RING_METHOD_POST, &body, 1, true);
    }
    rig_add_lane(64, 4, 192);
    (void)dispatch_poll(&rig.dispatch);
    for (int i = 0; i < 3; i++) {
        struct ring_event request = rig_claim(0);
        CHECK_UINT(*worker_inbound(&rig.workers[0], request.body_offset), i);
        rig_answer(0, &request, "x");
    }
    (void)dispatch_poll(&rig.dispatch);
    rig_close();
}

static void test_park_limit(void) {
    rig_open(0, 2);
    for (int i = 0; i < 3; i++) {
        fake_start(&fakes[i], RING_METHOD_GET, NULL, 0, true);
    }
    CHECK_UINT(fakes[2].fails, 1);
    CHECK_UINT(fakes[2].status, 503);
    CHECK_UINT(count(&rig.dispatch.counters.refused), 1);
    CHECK_UINT(count(&rig.dispatch.counters.parked_high_water), 2);
    exchange_detach(&fakes[0].exchange, RING_CANCEL_GONE);
    fake_start(&fakes[3], RING_METHOD_GET, NULL, 0, true);
    CHECK_UINT(fakes[3].exchange.state, EXCHANGE_PARKED);
    exchange_detach(&fakes[3].exchange, RING_CANCEL_GONE);
    exchange_detach(&fakes[1].exchange, RING_CANCEL_GONE);
    exchange_detach(&fakes[2].exchange, RING_CANCEL_GONE);
    rig_close();
}

static void test_parked_expires(void) {
    rig_open(0, 8);
    fake_start(a, RING_METHOD_GET, NULL, 0, true);
    later(500);
    fake_start(b, RING_METHOD_GET, NULL, 0, true);
    later(499);
    CHECK_UINT(a->fails, 0);
    later(1);
    CHECK_UINT(a->fails, 1);
    CHECK_UINT(a->status, 503);
    CHECK_UINT(b->fails, 0);
    later(500);
    CHECK_UINT(b->fails, 1);
    CHECK_UINT(count(&rig.dispatch.counters.expired), 2);
    rig_close();
}

static void test_queued_in_a_worker_expires(void) {
    struct ring_event event;
    rig_open(1, 8);
    fake_start(a, RING_METHOD_POST, NULL, 0, true);
    later(1000);
    CHECK_UINT(a->fails, 1);
    CHECK_UINT(a->status, 503);
    CHECK(worker_take(&rig.workers[0], &event));
    CHECK(!worker_claim(&rig.workers[0], &event)); /* never executed */
    worker_return_event(&rig.workers[0], &event);
    rig_swallow(0);
    rig_close();
}

static void test_claimed_does_not_expire(void) {
    rig_open(1, 8);
    fake_start(a, RING_METHOD_POST, NULL, 0, true);
    struct ring_event request = rig_claim(0);
    later(1000);
    CHECK_UINT(a->fails, 0);
    CHECK(rig.dispatch.oldest == NULL);
    rig_answer(0, &request, "late but good");
    (void)dispatch_poll(&rig.dispatch);
    CHECK(a->ended);
    rig_close();
}

/* A slot that becomes free while answers are sent, after the rings were looked at, is used before the loop sleeps. */
static void test_a_slot_freed_by_sending_is_not_slept_over(void) {
    rig_open(1, 8);
    for (int i = 0; i < 4; i++) {
        fake_start(&fakes[i], RING_METHOD_GET, NULL, 0, true);
        fakes[i].keep = true;
    }
    fake_start(&fakes[4], RING_METHOD_GET, NULL, 0, true);
    CHECK_UINT(fakes[4].exchange.state, EXCHANGE_PARKED);
    for (int i = 0; i < 4; i++) {
        struct ring_event request = rig_claim(0);
        rig_answer(0, &request, "x");
    }
    (void)dispatch_poll(&rig.dispatch);
    CHECK_UINT(fakes[4].exchange.state, EXCHANGE_PARKED); /* the answers' blocks are held */
    (void)dispatch_arm(&rig.dispatch);
    dispatch_disarm(&rig.dispatch);
    (void)dispatch_poll(&rig.dispatch);
    CHECK(!dispatch_arm(&rig.dispatch));
    dispatch_disarm(&rig.dispatch);
    for (int i = 0; i < 4; i++) {
        fake_release(&fakes[i]);
    }
    CHECK(dispatch_arm(&rig.dispatch));
    (void)dispatch_poll(&rig.dispatch);
    CHECK_UINT(fakes[4].exchange.state, EXCHANGE_SENT);
    for (int i = 0; i < 8 && dispatch_arm(&rig.dispatch); i++) {
        CHECK(i < 2); /* no busy loop */
        (void)dispatch_poll(&rig.dispatch);
    }
    struct ring_event request = rig_claim(0);
    rig_answer(0, &request, "x");
    (void)dispatch_poll(&rig.dispatch);
    rig_close();
}

/* The same for response window that another exchange waits for. */
static void test_window_freed_by_sending_is_not_slept_over(void) {
    rig_open(0, 8);
    rig_add_lane(64, 4, 64);
    fake_start(a, RING_METHOD_GET, NULL, 0, true);
    fake_start(b, RING_METHOD_GET, NULL, 0, true);
    struct ring_event first = rig_claim(0);
    struct ring_event second = rig_claim(0);
    a->keep = true;
    /* All that is beyond the base windows belongs to the first. */
    struct lane *lane = &rig.lanes[0].lane;
    uint32_t all = (uint32_t)(lane->extra_max - lane->extra);
    lane->slots[0].share += all;
    lane->slots[0].window += all;
    lane->extra = lane->extra_max;
    struct ring_event event = worker_event(&first, RING_EVENT_RESPONSE, RING_FLAG_END);
    CHECK(worker_put_body(&rig.workers[0], &event, big, 32768));
    CHECK(worker_publish(&rig.workers[0], &event));
    event = worker_event(&second, RING_EVENT_WANT, 0);
    event.credit = 32768;
    for (int i = 0; i < 2; i++) { /* the first is answered by no, the second waits */
        CHECK(worker_publish(&rig.workers[0], &event));
        (void)dispatch_poll(&rig.dispatch);
        rig_swallow(0);
    }
    CHECK_UINT(lane->wanting_count, 1);
    for (int i = 0; i < 8 && dispatch_arm(&rig.dispatch); i++) {
        CHECK(i < 3);
        (void)dispatch_poll(&rig.dispatch);
    }
    fake_release(a);
    CHECK(lane->wanting_count == 0 || dispatch_arm(&rig.dispatch));
    (void)dispatch_poll(&rig.dispatch);
    CHECK_UINT(lane->wanting_count, 0);
    CHECK(lane->slots[1].window >= 32768);
    worker_return_event(&rig.workers[0], &first);
    rig_answer(0, &second, "x");
    rig_swallow(0);
    (void)dispatch_poll(&rig.dispatch);
    rig_close();
}

/* --- draining --- */

static void test_drain_is_told_once_when_idle(void) {
    rig_open(1, 8);
    fake_start(a, RING_METHOD_GET, NULL, 0, true);
    struct ring_event request = rig_claim(0);
    dispatch_drain(&rig.lanes[0]);
    (void)dispatch_poll(&rig.dispatch);
    CHECK_UINT(rig.idle, 0);
    rig_answer(0, &request, "x");
    (void)dispatch_poll(&rig.dispatch);
    (void)dispatch_poll(&rig.dispatch);
    CHECK_UINT(rig.idle, 1);
    fake_start(b, RING_METHOD_GET, NULL, 0, true);
    CHECK_UINT(b->exchange.state, EXCHANGE_PARKED);
    exchange_detach(&b->exchange, RING_CANCEL_GONE);
    rig_close();
}

/* --- random: workers come and go, everything ends exactly once --- */

static void test_random_deaths(void) {
    uint64_t random = test_seed();
    for (int round = 0; round < 300 && test_faults == 0; round++) {
        struct ring_event taken[FAKE_LANES][16];
        uint32_t taken_count[FAKE_LANES] = {0};
        rig_open(2, 8);
        memset(fakes, 0, sizeof(fakes));
        for (uint32_t step = 0; step < 120; step++) {
            uint64_t dice = test_random(&random);
            struct fake *fake = &fakes[dice / 8 % 16];
            uint32_t lane = (uint32_t)(dice >> 16) % rig.lane_count;
            bool dead = rig.lanes[lane].state == DISPATCH_LANE_DEAD;
            struct ring_event event;
            switch (dice % 8) {
            case 0:
            case 1:
                if (fake->exchange.state == EXCHANGE_IDLE && fake->kept_count == 0) {
                    static const uint8_t body[3000];
                    fake_start(fake, (dice >> 24) % 2 == 0 ? RING_METHOD_GET : RING_METHOD_POST, body,
                               (uint32_t)(dice >> 32) % 3000, true);
                    fake->keep = (dice >> 25) % 2 == 0;
                }
                break;
            case 2:
                if (!dead && taken_count[lane] < 16 && worker_take(&rig.workers[lane], &event)) {
                    if (event.kind == RING_EVENT_REQUEST && worker_claim(&rig.workers[lane], &event)) {
                        taken[lane][taken_count[lane]++] = event;
                    } else {
                        worker_return_event(&rig.workers[lane], &event);
                    }
                }
                break;
            case 3:
            case 4:
                if (!dead && taken_count[lane] != 0) {
                    rig_answer(lane, &taken[lane][--taken_count[lane]], "answer");
                }
                break;
            case 5:
                (void)dispatch_poll(&rig.dispatch);
                break;
            case 6:
                if (fake->exchange.state == EXCHANGE_ANSWERED || (dice >> 24) % 8 == 0) {
                    exchange_detach(&fake->exchange, RING_CANCEL_GONE);
                    fake_release(fake);
                }
                break;
            default:
                if ((dice >> 24) % 16 == 0 && !dead) {
                    dispatch_bury(&rig.lanes[lane]);
                    if (rig.lane_count < FAKE_LANES) {
                        rig_add_lane(64, 4, 192);
                    }
                } else {
                    later((dice >> 32) % 100);
                }
                break;
            }
        }
        for (uint32_t lane = 0; lane < rig.lane_count; lane++) {
            while (rig.lanes[lane].state != DISPATCH_LANE_DEAD && taken_count[lane] != 0) {
                rig_answer(lane, &taken[lane][--taken_count[lane]], "answer");
            }
        }
        (void)dispatch_poll(&rig.dispatch);
        for (int i = 0; i < 16; i++) {
            CHECK(fakes[i].responses + fakes[i].fails <= 1);
            exchange_detach(&fakes[i].exchange, RING_CANCEL_GONE);
            fake_release(&fakes[i]);
        }
        for (uint32_t lane = 0; lane < rig.lane_count; lane++) {
            if (rig.lanes[lane].state != DISPATCH_LANE_DEAD) {
                rig_swallow(lane);
            }
        }
        rig_close();
    }
}

/* An exchange is over when its last event is consumed; its block may come back later, which wakes nobody. */
static void test_settled_when_blocks_are_back(void) {
    static struct fake fake;
    rig_open(1, 8);
    CHECK(dispatch_is_settled(&rig.dispatch));
    fake_start(&fake, RING_METHOD_GET, NULL, 0, true);
    struct ring_event request = rig_claim(0);
    CHECK(dispatch_is_settled(&rig.dispatch));
    rig_send(0, &request, RING_EVENT_RESPONSE, RING_FLAG_END, "done");
    (void)dispatch_poll(&rig.dispatch);
    CHECK(fake.ended);
    CHECK(!dispatch_is_settled(&rig.dispatch));
    worker_return_event(&rig.workers[0], &request);
    (void)dispatch_poll(&rig.dispatch);
    CHECK(dispatch_is_settled(&rig.dispatch));
    rig_close();
}

int main(void) {
    RUN(test_settled_when_blocks_are_back);
    RUN(test_least_loaded_lane);
    RUN(test_only_active_lanes_get_requests);
    RUN(test_parked_until_a_worker_comes);
    RUN(test_half_closed_while_parked);
    RUN(test_parked_in_order);
    RUN(test_park_limit);
    RUN(test_parked_expires);
    RUN(test_queued_in_a_worker_expires);
    RUN(test_claimed_does_not_expire);
    RUN(test_a_slot_freed_by_sending_is_not_slept_over);
    RUN(test_window_freed_by_sending_is_not_slept_over);
    RUN(test_drain_is_told_once_when_idle);
    RUN(test_random_deaths);
    return test_report();
}
