/*
 * Exchanges through a dispatch with one lane, with a protocol that records.
 * Links: exchange.c dispatch.c dispatch_stuck.c pool.c request_block.c lane*.c arena.c
 * Links: ring_geometry.c test/worker_mirror.c
 */
#include <errno.h>

#include "dispatch_fixture.h"

static struct fake a, b;
static uint8_t big[300000];

static void test_request_and_answer(void) {
    rig_open(1, 8);
    fake_start(&a, RING_METHOD_POST, "body", 4, true);
    CHECK_UINT(a.exchange.state, EXCHANGE_SENT);
    struct ring_event request = rig_claim(0);
    CHECK_UINT(request.flags, RING_FLAG_END);
    CHECK_UINT(request.total, 4);
    CHECK_TEXT(worker_inbound(&rig.workers[0], request.body_offset), request.body_length, "body");
    struct ring_request_head head;
    memcpy(&head, worker_inbound(&rig.workers[0], request.head_offset), sizeof(head));
    CHECK_UINT(head.size, request.head_length);
    CHECK_UINT(head.attempt, 0);
    rig_answer(0, &request, "hello");
    (void)dispatch_poll(&rig.dispatch);
    CHECK_UINT(a.responses, 1);
    CHECK_UINT(a.status, 200);
    CHECK(a.ended);
    CHECK_UINT(a.length, 5);
    CHECK_UINT(a.exchange.state, EXCHANGE_ANSWERED);
    exchange_detach(&a.exchange, RING_CANCEL_GONE);
    CHECK_UINT(a.exchange.state, EXCHANGE_IDLE);
    rig_close();
}

static void test_all_kinds_of_events(void) {
    rig_open(1, 8);
    fake_start(&a, RING_METHOD_GET, NULL, 0, true);
    a.keep = true;
    struct ring_event request = rig_claim(0);
    struct ring_event inform = worker_event(&request, RING_EVENT_INFORM, 0);
    inform.status = 103;
    CHECK(worker_put_head(&rig.workers[0], &inform, "fields", 6));
    CHECK(worker_publish(&rig.workers[0], &inform));
    rig_send(0, &request, RING_EVENT_CONTINUE, 0, NULL);
    struct ring_event response = worker_event(&request, RING_EVENT_RESPONSE, 0);
    CHECK(worker_put_head(&rig.workers[0], &response, "headbody", 8));
    response.head_length = 4;
    response.body_block = response.head_block; /* one block for both: given back once */
    response.body_offset = response.head_offset + 4;
    response.body_length = 4;
    CHECK(worker_publish(&rig.workers[0], &response));
    rig_send(0, &request, RING_EVENT_RESPONSE_BODY, 0, "more");
    rig_send(0, &request, RING_EVENT_RESPONSE_BODY, RING_FLAG_END, NULL);
    worker_return_event(&rig.workers[0], &request);
    (void)dispatch_poll(&rig.dispatch);
    CHECK_UINT(a.informs, 1);
    CHECK_UINT(a.proceeds, 1);
    CHECK_UINT(a.responses, 1);
    CHECK_TEXT(a.fields, a.field_length, "head");
    CHECK_UINT(a.length, 8);
    CHECK(a.ended);
    CHECK_UINT(rig.lanes[0].lane.held_blocks, 2);
    exchange_detach(&a.exchange, RING_CANCEL_GONE);
    fake_release(&a);
    rig_close();
}

static void test_abort_becomes_a_status(void) {
    rig_open(1, 8);
    fake_start(&a, RING_METHOD_GET, NULL, 0, true);
    fake_start(&b, RING_METHOD_GET, NULL, 0, true);
    struct ring_event request = rig_claim(0);
    rig_send(0, &request, RING_EVENT_ABORT, 0, NULL);
    worker_return_event(&rig.workers[0], &request);
    request = rig_claim(0);
    struct ring_event event = worker_event(&request, RING_EVENT_ABORT, 0);
    event.status = 500;
    CHECK(worker_put_body(&rig.workers[0], &event, "unused", 6));
    CHECK(worker_publish(&rig.workers[0], &event));
    worker_return_event(&rig.workers[0], &request);
    (void)dispatch_poll(&rig.dispatch);
    CHECK_UINT(a.fails, 1);
    CHECK_UINT(a.status, 502);
    CHECK_UINT(b.fails, 1);
    CHECK_UINT(b.status, 500);
    rig_close();
}

/* A handler that was told that its client may have gone gives up: that is nobody's failure, unless it says so. */
static void test_abort_after_a_half_close(void) {
    static const uint16_t told[] = {0, 500}, given[] = {EXCHANGE_CLIENT_CLOSED, 500};
    for (unsigned i = 0; i < 2; i++) {
        rig_open(1, 8);
        fake_start(&a, RING_METHOD_GET, NULL, 0, true);
        struct ring_event request = rig_claim(0);
        exchange_half_close(&a.exchange);
        struct ring_event event;
        CHECK(worker_take(&rig.workers[0], &event));
        CHECK_UINT(event.status, RING_CANCEL_HALF_CLOSED);
        event = worker_event(&request, RING_EVENT_ABORT, 0);
        event.status = told[i];
        CHECK(worker_publish(&rig.workers[0], &event));
        worker_return_event(&rig.workers[0], &request);
        (void)dispatch_poll(&rig.dispatch);
        CHECK_UINT(a.fails, 1);
        CHECK_UINT(a.status, given[i]);
        rig_close();
    }
}

/* A stream needs a whole request; then both directions are open again, and do not count among the requests in flight. */
static void test_upgrade(void) {
    rig_open(0, 8);
    rig_add_lane(256, 4, 1024);
    struct dispatch_config config = rig.dispatch.config;
    config.in_flight = 1;
    dispatch_change(&rig.dispatch, &config);
    fake_start(&a, RING_METHOD_POST, NULL, 0, false);
    struct ring_event request = rig_claim(0);
    struct ring_event event = worker_event(&request, RING_EVENT_RESPONSE, 0);
    event.status = 101;
    CHECK(worker_publish(&rig.workers[0], &event));
    (void)dispatch_poll(&rig.dispatch);
    CHECK_UINT(a.exchange.state, EXCHANGE_ANSWERING);
    CHECK_UINT((uint64_t)-exchange_upgrade(&a.exchange), EPROTO); /* its body is not there */
    CHECK(exchange_end_body(&a.exchange, (struct exchange_list){0}));
    CHECK_UINT((uint64_t)-exchange_upgrade(&a.exchange), 0);
    CHECK_UINT((uint64_t)-exchange_upgrade(&a.exchange), EPROTO); /* once */
    fake_start(&b, RING_METHOD_GET, NULL, 0, true);
    CHECK_UINT(b.exchange.state, EXCHANGE_SENT);
    uint8_t *memory = NULL;
    CHECK(exchange_reserve_body(&a.exchange, 5, &memory) >= 5);
    memcpy(memory, "hello", 5);
    exchange_commit_body(&a.exchange, 5, false);
    CHECK(exchange_end_body(&a.exchange, (struct exchange_list){0}));
    exchange_detach(&b.exchange, RING_CANCEL_GONE);
    unsigned ends = 0;
    while (worker_take(&rig.workers[0], &event)) { /* the body's end, b, hello, the stream's end, b's CANCEL */
        ends += event.kind == RING_EVENT_BODY && (event.flags & RING_FLAG_END) != 0;
        worker_return_event(&rig.workers[0], &event);
    }
    CHECK_UINT(ends, 2);
    rig_send(0, &request, RING_EVENT_RESPONSE_BODY, RING_FLAG_END, NULL);
    worker_return_event(&rig.workers[0], &request);
    (void)dispatch_poll(&rig.dispatch);
    CHECK(a.ended);
    rig_close();
}

/* Past the drain limit streams are cut, and their worker is told; other exchanges go on. */
static void test_end_of_streams(void) {
    rig_open(1, 8);
    fake_start(&a, RING_METHOD_GET, NULL, 0, true);
    fake_start(&b, RING_METHOD_GET, NULL, 0, true);
    struct ring_event request = rig_claim(0);
    struct ring_event other = rig_claim(0);
    struct ring_event event = worker_event(&request, RING_EVENT_RESPONSE, 0);
    event.status = 101;
    CHECK(worker_publish(&rig.workers[0], &event));
    (void)dispatch_poll(&rig.dispatch);
    CHECK_UINT((uint64_t)-exchange_upgrade(&a.exchange), 0);
    dispatch_end_streams(&rig.lanes[0]);
    CHECK_UINT(a.fails, 1);
    CHECK_UINT(b.fails, 0);
    CHECK(worker_take(&rig.workers[0], &event));
    CHECK_UINT(event.kind, RING_EVENT_CANCEL);
    CHECK_UINT(event.status, RING_CANCEL_STOPPING);
    CHECK_UINT(event.generation, request.generation);
    rig_send(0, &request, RING_EVENT_ABORT, 0, NULL);
    worker_return_event(&rig.workers[0], &request);
    rig_answer(0, &other, "x");
    (void)dispatch_poll(&rig.dispatch);
    CHECK_UINT(b.status, 200);
    rig_close();
}

/* A quarter of the slots is left to requests. */
static void test_too_many_streams(void) {
    static struct fake fakes[4];
    struct ring_event requests[4];
    rig_open(0, 8);
    rig_add_lane(256, 4, 1024);
    for (unsigned i = 0; i < 4; i++) {
        fake_start(&fakes[i], RING_METHOD_GET, NULL, 0, true);
        struct ring_event request = rig_claim(0);
        struct ring_event event = worker_event(&request, RING_EVENT_RESPONSE, 0);
        event.status = 101;
        CHECK(worker_publish(&rig.workers[0], &event));
        (void)dispatch_poll(&rig.dispatch);
        CHECK_UINT((uint64_t)-exchange_upgrade(&fakes[i].exchange), i < 3 ? 0 : EAGAIN);
        requests[i] = request;
    }
    for (unsigned i = 0; i < 4; i++) {
        rig_send(0, &requests[i], RING_EVENT_RESPONSE_BODY, RING_FLAG_END, NULL);
        worker_return_event(&rig.workers[0], &requests[i]);
    }
    (void)dispatch_poll(&rig.dispatch);
    rig_close();
}

static void test_body_is_streamed_under_its_window(void) {
    rig_open(0, 8);
    rig_add_lane(256, 4, 1024);
    for (uint32_t i = 0; i < sizeof(big); i++) {
        big[i] = (uint8_t)(i * 7 + i / 251);
    }
    fake_start(&a, RING_METHOD_POST, NULL, 0, false);
    a.body = big;
    a.body_left = sizeof(big);
    a.end_left = true;
    fake_feed(&a);
    CHECK(a.body_left != 0); /* one request window is less than this body */
    struct ring_event request = rig_claim(0);
    uint32_t at = 0;
    bool end = false;
    for (int turn = 0; turn < 1000 && !end; turn++) {
        struct ring_event event;
        if (worker_take(&rig.workers[0], &event)) {
            CHECK_UINT(event.kind, RING_EVENT_BODY);
            const uint8_t *bytes = worker_inbound(&rig.workers[0], event.body_offset);
            CHECK(event.body_length <= sizeof(big) - at && memcmp(bytes, big + at, event.body_length) == 0);
            at += event.body_length;
            end = (event.flags & RING_FLAG_END) != 0;
            worker_return_event(&rig.workers[0], &event);
        }
        (void)dispatch_poll(&rig.dispatch);
    }
    CHECK(end);
    CHECK_UINT(at, sizeof(big));
    CHECK(a.resumes != 0);
    rig_answer(0, &request, "ok");
    (void)dispatch_poll(&rig.dispatch);
    CHECK(a.ended);
    rig_close();
}

static void test_detach_before_the_claim(void) {
    struct ring_event event;
    rig_open(1, 8);
    fake_start(&a, RING_METHOD_POST, NULL, 0, true);
    exchange_detach(&a.exchange, RING_CANCEL_GONE);
    CHECK(worker_take(&rig.workers[0], &event));
    CHECK(!worker_claim(&rig.workers[0], &event));
    worker_return_event(&rig.workers[0], &event);
    CHECK(worker_take(&rig.workers[0], &event));
    CHECK_UINT(event.kind, RING_EVENT_CANCEL);
    CHECK_UINT(event.status, RING_CANCEL_GONE);
    rig_close();
}

static void test_detach_while_it_runs(void) {
    struct ring_event event;
    rig_open(1, 8);
    fake_start(&a, RING_METHOD_POST, NULL, 0, true);
    struct ring_event request = rig_claim(0);
    exchange_half_close(&a.exchange);
    exchange_detach(&a.exchange, RING_CANCEL_GONE);
    memset(&a, 0xee, sizeof(a)); /* its memory may be reused at once */
    CHECK(worker_take(&rig.workers[0], &event));
    CHECK_UINT(event.status, RING_CANCEL_HALF_CLOSED);
    CHECK(worker_take(&rig.workers[0], &event));
    CHECK_UINT(event.status, RING_CANCEL_GONE);
    rig_send(0, &request, RING_EVENT_RESPONSE, 0, "late");
    rig_answer(0, &request, NULL); /* a second RESPONSE: would be a violation of anyone */
    (void)dispatch_poll(&rig.dispatch);
    CHECK_UINT(rig.broken, 1);
    rig_close();
}

static void test_detach_from_inside_a_callback(void) {
    rig_open(1, 8);
    fake_start(&a, RING_METHOD_GET, NULL, 0, true);
    a.detach_on_response = true;
    struct ring_event request = rig_claim(0);
    rig_send(0, &request, RING_EVENT_RESPONSE, 0, "one");
    rig_send(0, &request, RING_EVENT_RESPONSE_BODY, 0, "two");
    rig_send(0, &request, RING_EVENT_RESPONSE_BODY, RING_FLAG_END, "three");
    (void)dispatch_poll(&rig.dispatch);
    CHECK_UINT(a.length, 3);
    CHECK_UINT(a.exchange.state, EXCHANGE_IDLE);
    rig_swallow(0);
    worker_return_event(&rig.workers[0], &request);
    rig_close();
}

static void test_held_credit_stops_the_worker(void) {
    rig_open(1, 8);
    fake_start(&a, RING_METHOD_GET, NULL, 0, true);
    a.keep = true;
    struct ring_event request = rig_claim(0);
    rig_send(0, &request, RING_EVENT_RESPONSE, 0, "x");
    (void)dispatch_poll(&rig.dispatch);
    uint32_t window = rig.lanes[0].lane.slots[request.exchange].window;
    exchange_hold_credit(&a.exchange, true);
    fake_release(&a);
    (void)dispatch_poll(&rig.dispatch);
    CHECK_UINT(rig.lanes[0].lane.slots[request.exchange].window, window);
    CHECK_UINT(rig.lanes[0].lane.slots[request.exchange].pending, 1024);
    exchange_hold_credit(&a.exchange, false);
    rig_send(0, &request, RING_EVENT_RESPONSE_BODY, RING_FLAG_END, NULL);
    (void)dispatch_poll(&rig.dispatch);
    rig_swallow(0);
    worker_return_event(&rig.workers[0], &request);
    rig_close();
}

/* A slow client whose bytes were held aside goes away: what its handler still writes must find window again. */
static void test_held_credit_is_given_when_the_client_goes(void) {
    struct ring_event event;
    rig_open(1, 8);
    fake_start(&a, RING_METHOD_GET, NULL, 0, true);
    a.keep = true;
    struct ring_event request = rig_claim(0);
    rig_send(0, &request, RING_EVENT_RESPONSE, 0, "x");
    (void)dispatch_poll(&rig.dispatch);
    exchange_hold_credit(&a.exchange, true);
    event = worker_event(&request, RING_EVENT_WANT, 0);
    event.credit = rig.lanes[0].lane.slots[request.exchange].window + RING_UNIT;
    CHECK(worker_publish(&rig.workers[0], &event));
    fake_release(&a);
    (void)dispatch_poll(&rig.dispatch);
    CHECK(!worker_take(&rig.workers[0], &event));
    exchange_detach(&a.exchange, RING_CANCEL_GONE);
    CHECK(worker_take(&rig.workers[0], &event));
    CHECK_UINT(event.kind, RING_EVENT_CANCEL);
    CHECK(worker_take(&rig.workers[0], &event));
    CHECK_UINT(event.kind, RING_EVENT_CREDIT);
    rig_send(0, &request, RING_EVENT_RESPONSE_BODY, RING_FLAG_END, NULL);
    worker_return_event(&rig.workers[0], &request);
    (void)dispatch_poll(&rig.dispatch);
    rig_close();
}

int main(void) {
    RUN(test_request_and_answer);
    RUN(test_all_kinds_of_events);
    RUN(test_abort_becomes_a_status);
    RUN(test_abort_after_a_half_close);
    RUN(test_upgrade);
    RUN(test_end_of_streams);
    RUN(test_too_many_streams);
    RUN(test_body_is_streamed_under_its_window);
    RUN(test_detach_before_the_claim);
    RUN(test_detach_while_it_runs);
    RUN(test_detach_from_inside_a_callback);
    RUN(test_held_credit_stops_the_worker);
    RUN(test_held_credit_is_given_when_the_client_goes);
    return test_report();
}
