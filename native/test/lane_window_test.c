/*
 * What the gateway answers to a WANT (docs/design.md 3.6).
 * Links: lane*.c arena.c ring_geometry.c test/worker_mirror.c
 */
#include "lane_fixture.h"

static struct fixture f;
static int exchange_a, exchange_b;

static struct ring_event open_exchange(void *exchange) {
    CHECK(fixture_request(&f, exchange, 100, 'x') != UINT32_MAX);
    return fixture_claim(&f);
}

static void want(const struct ring_event *request, uint32_t bytes) {
    struct ring_event event = worker_event(request, RING_EVENT_WANT, 0);
    event.credit = bytes;
    CHECK(worker_publish(&f.worker, &event));
    (void)lane_poll(&f.lane, 64);
}

/* Whether a CREDIT came, and of how much. */
static bool credited(const struct ring_event *request, uint32_t bytes) {
    struct ring_event event = {0};
    return worker_take(&f.worker, &event) && CHECK_UINT(event.kind, RING_EVENT_CREDIT) &&
           CHECK_UINT(event.exchange, request->exchange) && CHECK_UINT(event.credit, bytes);
}

/* All that is beyond the base windows belongs to an exchange that does not use it. */
static void take_the_rest(const struct ring_event *request) {
    struct lane_slot *slot = &f.lane.slots[request->exchange];
    uint32_t left = (uint32_t)(f.lane.extra_max - f.lane.extra);
    slot->share += left;
    slot->window += left;
    f.lane.extra = f.lane.extra_max;
}

static void test_met_from_the_rest(void) {
    fixture_open(&f, 64, 4, 192);
    struct ring_event request = open_exchange(&exchange_a);
    uint32_t window = request.credit;
    REQUIRE(window < RING_MAX_BLOCK);
    want(&request, RING_MAX_BLOCK);
    CHECK(credited(&request, RING_MAX_BLOCK - window));
    CHECK_UINT(f.lane.wanting_count, 0);
    fixture_answer(&f, &request);
    fixture_check_idle(&f);
    fixture_close(&f);
}

/* A response that says how long it is need not ask for the room. */
static void test_long_response_gets_room_at_once(void) {
    fixture_open(&f, 64, 4, 4096);
    for (uint64_t total = 1000; total <= 1000000000; total *= 1000000) {
        struct ring_event request = open_exchange(&exchange_a);
        CHECK_UINT(request.credit, LANE_FIRST_WINDOW);
        struct ring_event event = worker_event(&request, RING_EVENT_RESPONSE, 0);
        event.total = total;
        CHECK(worker_publish(&f.worker, &event));
        (void)lane_poll(&f.lane, 64);
        CHECK(total == 1000 ? !credited(&request, 0) : credited(&request, LANE_RESPONSE_WINDOW - LANE_FIRST_WINDOW));
        CHECK(fixture_windows_hold(&f.lane));
        event = worker_event(&request, RING_EVENT_RESPONSE_BODY, RING_FLAG_END);
        CHECK(worker_publish(&f.worker, &event));
        worker_return_event(&f.worker, &request);
        (void)lane_poll(&f.lane, 64);
    }
    fixture_check_idle(&f);
    fixture_close(&f);
}

/* Others may keep what they have for ever: the worker is told to make do with its own window. */
static void test_refused_where_nothing_is_left(void) {
    fixture_open(&f, 64, 4, 64);
    struct ring_event rich = open_exchange(&exchange_a);
    take_the_rest(&rich);
    struct ring_event poor = open_exchange(&exchange_b);
    CHECK_UINT(poor.credit, RING_BASE_WINDOW);
    want(&poor, 16384);
    CHECK(credited(&poor, 0));
    CHECK(fixture_windows_hold(&f.lane));

    /* Asked again at once, it cannot do with less: that is remembered, not refused again. */
    want(&poor, 16384);
    CHECK(!credited(&poor, 0));
    CHECK_UINT(f.lane.wanting_count, 1);
    fixture_answer(&f, &rich);
    (void)lane_poll(&f.lane, 64);
    CHECK(credited(&poor, 16384 - RING_BASE_WINDOW));
    CHECK_UINT(f.lane.wanting_count, 0);
    fixture_answer(&f, &poor);
    fixture_check_idle(&f);
    fixture_close(&f);
}

/* The answer is what has come back, and it comes when all has come back. */
static void test_refused_with_what_came_back(void) {
    fixture_open(&f, 64, 4, 64);
    struct ring_event rich = open_exchange(&exchange_a);
    take_the_rest(&rich);
    struct ring_event poor = open_exchange(&exchange_b);
    f.keep = true;
    for (int round = 0; round < 2; round++) {
        uint32_t first = f.message_count;
        fixture_send(&f, &poor, round == 0 ? RING_EVENT_RESPONSE : RING_EVENT_RESPONSE_BODY, 0, 1000);
        want(&poor, 16384);
        CHECK(!credited(&poor, 0));
        lane_give_back(&f.lane, f.messages[first].body.block);
        CHECK(credited(&poor, RING_UNIT));
        CHECK(fixture_windows_hold(&f.lane));
    }
    f.keep = false;
    fixture_send(&f, &poor, RING_EVENT_RESPONSE_BODY, RING_FLAG_END, 0);
    worker_return_event(&f.worker, &poor);
    fixture_answer(&f, &rich);
    fixture_check_idle(&f);
    fixture_close(&f);
}

int main(void) {
    RUN(test_met_from_the_rest);
    RUN(test_long_response_gets_room_at_once);
    RUN(test_refused_where_nothing_is_left);
    RUN(test_refused_with_what_came_back);
    return test_report();
}
