/*
 * A worker that writes what it likes into the outbound segment. The lane goes on, or is broken with a reason that names value
 * and limit; nothing is read outside the segments, and afterwards everything can be released.
 * Links: lane*.c arena.c ring_geometry.c test/worker_mirror.c
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lane_fixture.h"

static struct fixture f;
static int exchange_a, exchange_b;
static struct ring_event request; /* of exchange_a, claimed */

static void open_claimed(void) {
    fixture_open(&f, 64, 16, 192);
    if (fixture_request(&f, &exchange_a, 100, 'x') == 0) {
        request = fixture_claim(&f);
    }
}

/* Broken for this reason; no block stays held, so the segments can be dropped. */
static void check_broken(const char *reason, uint64_t value, uint64_t limit) {
    CHECK(f.lane.broken);
    CHECK_TEXT(f.lane.broken_reason, strlen(f.lane.broken_reason), reason);
    CHECK_UINT(f.lane.broken_value, value);
    CHECK_UINT(f.lane.broken_limit, limit);
    CHECK_UINT(lane_poll(&f.lane, 64), 0); /* nothing of it is looked at again */
    CHECK(lane_is_empty(&f.lane));
    CHECK_UINT(counter_get(&f.lane.counters.held_bytes), 0);
}

/* --- index words --- */

static void test_out_tail_beyond_the_ring(void) {
    open_claimed();
    ring_store_index(&f.lane.out->out_tail, 65);
    CHECK_UINT(lane_poll(&f.lane, 64), 0);
    check_broken("out_tail left the range of the ring", 65, 64);
    fixture_close(&f);
}

static void test_out_tail_moves_back(void) {
    open_claimed();
    fixture_send(&f, &request, RING_EVENT_WANT, 0, 0);
    CHECK_UINT(lane_poll(&f.lane, 64), 1);
    ring_store_index(&f.lane.out->out_tail, 0);
    CHECK_UINT(lane_poll(&f.lane, 64), 0);
    check_broken("out_tail left the range of the ring", UINT64_MAX, 64);
    fixture_close(&f);
}

static void test_in_head_runs_ahead(void) {
    open_claimed();
    ring_store_index(&f.lane.out->in_head, 2);
    lane_refresh_in_head(&f.lane);
    check_broken("in_head left the range of published events", 2, 1);
    fixture_close(&f);
}

static void test_in_head_moves_back(void) {
    open_claimed();
    lane_refresh_in_head(&f.lane);
    CHECK_UINT(f.lane.in_head, 1);
    ring_store_index(&f.lane.out->in_head, 0);
    lane_refresh_in_head(&f.lane);
    check_broken("in_head left the range of published events", 0, 1);
    fixture_close(&f);
}

static void test_in_return_tail_beyond_the_ring(void) {
    open_claimed();
    ring_store_index(&f.lane.out->in_return_tail, 257);
    CHECK_UINT(lane_poll(&f.lane, 64), 0);
    check_broken("in_return_tail left the range of lent blocks", 257, 256);
    fixture_close(&f);
}

/* The gateway fills the return ring; a worker that never takes from it cannot make it write beyond. */
static void test_out_return_head_never_moves(void) {
    open_claimed();
    f.lane.out_return_tail = 256;
    fixture_send(&f, &request, RING_EVENT_RESPONSE, 0, 100);
    CHECK_UINT(lane_poll(&f.lane, 64), 1);
    check_broken("out_return_head left the range of returned blocks", 256, 256);
    fixture_close(&f);
}

static void test_out_return_head_runs_ahead(void) {
    open_claimed();
    f.lane.out_return_tail = 256;
    fixture_send(&f, &request, RING_EVENT_RESPONSE, 0, 100);
    ring_store_index(&f.lane.out->out_return_head, 257);
    CHECK_UINT(lane_poll(&f.lane, 64), 1);
    check_broken("out_return_head left the range of returned blocks", UINT64_MAX, 256);
    fixture_close(&f);
}

/* What is found while going to sleep must be told before. */
static void test_a_violation_found_while_arming(void) {
    open_claimed();
    ring_store_index(&f.lane.out->in_head, 77);
    CHECK(lane_arm(&f.lane, true));
    CHECK(f.lane.broken);
    CHECK(!lane_arm(&f.lane, true)); /* once is enough: no busy loop */
    fixture_close(&f);
}

/* --- returned blocks --- */

static void test_returns_of_what_is_not_lent(void) {
    static const uint32_t handles[] = {1, 1u << 24, 64, 192, 7u << 24, RING_NO_BLOCK, 0xffffff, 3 | 1u << 24};
    for (size_t i = 0; i < sizeof(handles) / sizeof(handles[0]); i++) {
        open_claimed();
        worker_return(&f.worker, handles[i]);
        (void)lane_poll(&f.lane, 64);
        check_broken("a block was returned that is not lent", handles[i], 192);
        fixture_close(&f);
    }
}

static void test_a_block_returned_twice(void) {
    open_claimed();
    worker_return(&f.worker, request.head_block);
    worker_return(&f.worker, request.head_block);
    (void)lane_poll(&f.lane, 64);
    check_broken("a block was returned that is not lent", request.head_block, 192);
    fixture_close(&f);
}

/* --- events --- */

struct bad_event {
    const char *reason;
    uint64_t value;
    uint64_t limit;
    struct ring_event event;
};

#define NONE RING_NO_BLOCK, 0, 0
/* kind, exchange, generation, head {block, offset, length}, body {block, offset, length}, credit */
#define EVENT(k, x, g, hb, ho, hl, bb, bo, bl, c)                                                                      \
    {                                                                                                                  \
        .kind = (k), .exchange = (x), .generation = (g), .head_block = (hb), .head_offset = (ho), .head_length = (hl), \
        .body_block = (bb), .body_offset = (bo), .body_length = (bl), .credit = (c)                                    \
    }
#define SEND(...) EVENT(__VA_ARGS__)

static void test_events_an_honest_worker_cannot_send(void) {
    static const struct bad_event cases[] = {
        {"unknown event kind", 0, RING_EVENT_FILE_STOP, SEND(0, 0, 1, NONE, NONE, 0)},
        {"unknown event kind", 1, RING_EVENT_FILE_STOP, SEND(RING_EVENT_REQUEST, 0, 1, NONE, NONE, 0)},
        {"unknown event kind", 24, RING_EVENT_FILE_STOP, SEND(24, 0, 1, NONE, NONE, 0)},
        {"unknown event kind", 255, RING_EVENT_FILE_STOP, SEND(255, 0, 1, NONE, NONE, 0)},
        {"no such exchange slot", 16, 16, SEND(RING_EVENT_RESPONSE, 16, 1, NONE, NONE, 0)},
        {"no such exchange slot", UINT32_MAX, 16, SEND(RING_EVENT_RESPONSE, UINT32_MAX, 1, NONE, NONE, 0)},
        {"a generation that was never handed out", 0, 1, SEND(RING_EVENT_RESPONSE, 0, 0, NONE, NONE, 0)},
        {"a generation that was never handed out", 2, 1, SEND(RING_EVENT_RESPONSE, 0, 2, NONE, NONE, 0)},
        {"a generation that was never handed out", 1, 0, SEND(RING_EVENT_RESPONSE, 1, 1, NONE, NONE, 0)},
        {"RESPONSE_BODY before RESPONSE", 0, 0, SEND(RING_EVENT_RESPONSE_BODY, 0, 1, NONE, NONE, 0)},
        {"bytes without a block", 5, 0, SEND(RING_EVENT_RESPONSE, 0, 1, RING_NO_BLOCK, 0, 5, NONE, 0)},
        {"bytes without a block", 5, 0, SEND(RING_EVENT_RESPONSE, 0, 1, NONE, RING_NO_BLOCK, 0, 5, 0)},
        {"bytes without a block", UINT32_MAX, 0,
         SEND(RING_EVENT_RESPONSE, 0, 1, NONE, RING_NO_BLOCK, 0, UINT32_MAX, 0)},
        {"not a block of the arena", 192, 192, SEND(RING_EVENT_RESPONSE, 0, 1, NONE, 192, 192 * 1024, 1, 0)},
        {"not a block of the arena", 128 | 7u << 24, 192,
         SEND(RING_EVENT_RESPONSE, 0, 1, NONE, 128 | 7u << 24, 0, 0, 0)},
        {"not a block of the arena", 1 | 1u << 24, 192,
         SEND(RING_EVENT_RESPONSE, 0, 1, NONE, 1 | 1u << 24, 1024, 0, 0)},
        {"not a block of the arena", 0xfffffffe, 192, SEND(RING_EVENT_RESPONSE, 0, 1, 0xfffffffe, 0, 0, NONE, 0)},
        {"a reference leaves its block", 0, 6144, SEND(RING_EVENT_RESPONSE, 0, 1, NONE, 5, 0, 0, 0)},
        {"a reference leaves its block", 6145, 6144, SEND(RING_EVENT_RESPONSE, 0, 1, NONE, 5, 5120, 1025, 0)},
        {"a reference leaves its block", 6145, 6144, SEND(RING_EVENT_RESPONSE, 0, 1, NONE, 5, 6145, 0, 0)},
        {"a reference leaves its block", 6145, 6144, SEND(RING_EVENT_RESPONSE, 0, 1, NONE, 5, 6144, 1, 0)},
        {"a reference leaves its block", UINT64_C(5121) + UINT32_MAX, 6144,
         SEND(RING_EVENT_RESPONSE, 0, 1, NONE, 5, 5121, UINT32_MAX, 0)},
        {"a reference leaves its block", UINT64_C(0xffffffff) + 2, 6144,
         SEND(RING_EVENT_RESPONSE, 0, 1, NONE, 5, UINT32_MAX, 2, 0)},
        {"a reference leaves its block", 6200, 6144, SEND(RING_EVENT_RESPONSE, 0, 1, 5, 5120, 5, 5, 5125, 1075, 0)},
        {"a reference leaves its block", 0, 6144, SEND(RING_EVENT_RESPONSE, 0, 1, 5, 5120, 5, 5, 0, 0, 0)},
        {"a block was sent that is still held", 4 | 1u << 24, 0,
         SEND(RING_EVENT_RESPONSE, 0, 1, 5, 5120, 0, 4 | 1u << 24, 4096, 0, 0)},
        {"a reference leaves its block", 0, 2048, SEND(RING_EVENT_RESPONSE, 0, 1, 5, 5120, 5, 1, 0, 0, 0)},
        {"more response window used than was granted", 32768, 20480,
         SEND(RING_EVENT_RESPONSE, 0, 1, NONE, 5u << 24, 0, 0, 0)},
        {"more response window used than was granted", 33792, 20480,
         SEND(RING_EVENT_RESPONSE, 0, 1, 32, 32768, 0, 5u << 24, 0, 0, 0)},
        {"WANT asks for more than the largest block", 65537, 65536, SEND(RING_EVENT_WANT, 0, 1, NONE, NONE, 65537)},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        open_claimed();
        CHECK(worker_publish(&f.worker, &cases[i].event));
        CHECK_UINT(lane_poll(&f.lane, 64), 1);
        if (CHECK(f.lane.broken)) {
            check_broken(cases[i].reason, cases[i].value, cases[i].limit);
        }
        CHECK_UINT(f.message_count, 0);
        if (test_faults != 0) {
            fprintf(stderr, "case %zu: %s\n", i, cases[i].reason);
            fixture_close(&f);
            return;
        }
        fixture_close(&f);
    }
}

static void test_what_may_not_follow(void) {
    static const struct bad_event cases[] = {
        {"a second RESPONSE", 0, 1, SEND(RING_EVENT_RESPONSE, 0, 1, NONE, NONE, 0)},
        {"INFORM after RESPONSE", 0, 0, SEND(RING_EVENT_INFORM, 0, 1, NONE, NONE, 0)},
        {"a second CONTINUE", 0, 1, SEND(RING_EVENT_CONTINUE, 0, 1, NONE, NONE, 0)},
        {"a block was sent that is still held", 0, 0, SEND(RING_EVENT_RESPONSE_BODY, 0, 1, NONE, 0, 0, 0, 0)},
        {"a block was sent that is still held", 1u << 24, 0,
         SEND(RING_EVENT_RESPONSE_BODY, 0, 1, NONE, 1u << 24, 0, 0, 0)},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        open_claimed();
        f.keep = true;
        fixture_send(&f, &request, RING_EVENT_CONTINUE, 0, 0);
        fixture_send(&f, &request, RING_EVENT_RESPONSE, 0, 100); /* block 0, held */
        CHECK(worker_publish(&f.worker, &cases[i].event));
        CHECK_UINT(lane_poll(&f.lane, 64), 3);
        CHECK_UINT(f.message_count, 2); /* what was right before it is delivered */
        CHECK(f.lane.broken);
        CHECK_UINT(f.lane.held_blocks, 1);
        lane_give_back(&f.lane, f.messages[1].body.block);
        check_broken(cases[i].reason, cases[i].value, cases[i].limit);
        CHECK_UINT(ring_load_index(&f.lane.in->out_return_tail), 0); /* nothing is given to it any more */
        fixture_close(&f);
    }
}

/* Behind `before`, to a request that was answered with that status; every event is one that a stream, or an answer, may not have. */
static void test_what_a_stream_may_not_have(void) {
    static const struct {
        const char *reason;
        uint16_t status;
        uint8_t before, kind, flags;
        uint32_t length;
    } cases[] = {
        {"SHUT of an answer that is no stream", 200, 0, RING_EVENT_RESPONSE_BODY, RING_FLAG_SHUT, 0},
        {"SHUT of an answer that is no stream", 200, 0, RING_EVENT_RESPONSE_BODY, RING_FLAG_SHUT | RING_FLAG_END, 8},
        {"trailers of a stream", 101, 0, RING_EVENT_RESPONSE_BODY, RING_FLAG_TRAILERS, 0},
        {"trailers of a stream", 101, 0, RING_EVENT_RESPONSE_BODY, RING_FLAG_TRAILERS | RING_FLAG_END, 0},
        {"more of a stream behind its SHUT", 101, RING_FLAG_SHUT, RING_EVENT_RESPONSE_BODY, 0, 8},
        {"more of a stream behind its SHUT", 101, RING_FLAG_SHUT, RING_EVENT_RESPONSE_BODY, RING_FLAG_SHUT, 0},
        {"more of a stream behind its SHUT", 101, RING_FLAG_SHUT, RING_EVENT_RESPONSE_BODY, RING_FLAG_END, 8},
        {"INFORM after RESPONSE", 101, 0, RING_EVENT_INFORM, 0, 0},
        {"a file for a stream", 101, 0, RING_EVENT_RESPONSE_FILE, 0, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        open_claimed();
        struct ring_event event = worker_event(&request, RING_EVENT_RESPONSE, 0);
        event.status = cases[i].status;
        CHECK(worker_publish(&f.worker, &event));
        if (cases[i].before != 0) {
            fixture_send(&f, &request, RING_EVENT_RESPONSE_BODY, cases[i].before, 8);
        }
        (void)lane_poll(&f.lane, 64);
        CHECK(!f.lane.broken);
        CHECK_UINT(f.lane.upgraded_count, cases[i].status == 101);
        fixture_send(&f, &request, cases[i].kind, cases[i].flags, cases[i].length);
        (void)lane_poll(&f.lane, 64);
        check_broken(cases[i].reason, 0, 0);
        fixture_close(&f);
    }
}

/* What it may have: bytes, SHUT with the last of them, and its end; slot and count come back. */
static void test_a_stream(void) {
    open_claimed();
    struct ring_event event = worker_event(&request, RING_EVENT_RESPONSE, 0);
    event.status = 101;
    CHECK(worker_publish(&f.worker, &event));
    fixture_send(&f, &request, RING_EVENT_RESPONSE_BODY, 0, 8);
    fixture_send(&f, &request, RING_EVENT_RESPONSE_BODY, RING_FLAG_SHUT, 8);
    CHECK_UINT(lane_poll(&f.lane, 64), 3);
    CHECK_UINT(f.lane.upgraded_count, 1);
    fixture_send(&f, &request, RING_EVENT_RESPONSE_BODY, RING_FLAG_END, 0);
    worker_return_event(&f.worker, &request);
    CHECK_UINT(lane_poll(&f.lane, 64), 1);
    CHECK(!f.lane.broken);
    CHECK_UINT(f.lane.upgraded_count, 0);
    CHECK_UINT(f.message_count, 4);
    fixture_close(&f);
}

static void test_blocks_after_the_end(void) {
    open_claimed();
    fixture_send(&f, &request, RING_EVENT_RESPONSE, RING_FLAG_END, 0);
    fixture_send(&f, &request, RING_EVENT_RESPONSE_BODY, 0, 100);
    CHECK_UINT(lane_poll(&f.lane, 64), 2);
    check_broken("blocks or a file for an exchange that is over", 1, 1);
    CHECK_UINT(f.message_count, 1);
    fixture_close(&f);
}

/* A block that another exchange's bytes are being sent from is not taken a second time. */
static void test_another_exchanges_block(void) {
    open_claimed();
    f.keep = true;
    CHECK_UINT(fixture_request(&f, &exchange_b, 100, 'y'), 1);
    struct ring_event other = fixture_claim(&f);
    fixture_send(&f, &request, RING_EVENT_RESPONSE, 0, 2000);
    (void)lane_poll(&f.lane, 64);
    struct ring_event theft = worker_event(&other, RING_EVENT_RESPONSE, RING_FLAG_END);
    theft.body_block = 1; /* inside of the other block */
    theft.body_offset = 1024;
    theft.body_length = 1000;
    CHECK(worker_publish(&f.worker, &theft));
    (void)lane_poll(&f.lane, 64);
    CHECK_UINT(f.message_count, 1);
    lane_give_back(&f.lane, f.messages[0].body.block);
    check_broken("a block was sent that is still held", 1, 0);
    fixture_close(&f);
}

/* --- claims and words the lane only writes --- */

static void test_claim_words_full_of_garbage(void) {
    for (uint64_t value = 0; value < 6; value++) {
        open_claimed();
        *lane_claim(&f.lane, 0) = value << 32 | (6 - value);
        bool won = lane_retract(&f.lane, 0, RING_CANCEL_DEADLINE);
        CHECK(won == (value == 1 && 6 - value == RING_CLAIM_QUEUED));
        fixture_answer(&f, &request);
        (void)lane_poll(&f.lane, 64);
        CHECK(!f.lane.broken); /* it only lied about itself */
        fixture_close(&f);
    }
}

static void test_any_value_of_armed_words(void) {
    static const uint64_t values[] = {0, 1, 2, UINT64_MAX};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        open_claimed();
        ring_store_index(&f.lane.out->worker_armed, values[i]);
        ring_store_index(&f.lane.out->worker_starved, values[i]);
        ring_store_index(&f.lane.out->gateway_armed, values[i]);
        ring_store_index(&f.lane.out->gateway_starved, values[i]);
        lane_wake(&f.lane);
        CHECK_UINT(counter_get(&f.lane.counters.wakeups_sent), values[i] != 0);
        (void)lane_arm(&f.lane, true);
        fixture_answer(&f, &request);
        fixture_check_idle(&f);
        fixture_close(&f);
    }
}

/* --- the segment itself --- */

/* Zeros are just another invalid value. */
static void test_holes_punched_into_the_segment(void) {
    fixture_open_with(&f, 64, 16, 192, true);
    REQUIRE(fixture_request(&f, &exchange_a, 100, 'x') == 0);
    request = fixture_claim(&f);
    f.keep = true;
    fixture_send(&f, &request, RING_EVENT_RESPONSE, 0, 5000);
    (void)lane_poll(&f.lane, 64);
    REQUIRE(f.message_count == 1);
    fixture_send(&f, &request, RING_EVENT_RESPONSE_BODY, 0, 1000);
    fixture_send(&f, &request, RING_EVENT_RESPONSE_BODY, 0, 1000);
    REQUIRE(fallocate(f.segments.outbound_file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
                      (off_t)f.segments.geometry.outbound_size) == 0);
    /* Held bytes can still be read: zeros. */
    for (uint32_t i = 0; i < f.messages[0].body.length; i++) {
        REQUIRE(f.messages[0].body.data[i] == 0);
    }
    (void)lane_poll(&f.lane, 64);
    CHECK(f.lane.broken);
    CHECK_TEXT(f.lane.broken_reason, strlen(f.lane.broken_reason), "out_tail left the range of the ring");
    lane_give_back(&f.lane, f.messages[0].body.block);
    CHECK(lane_is_empty(&f.lane));
    fixture_close(&f);
}

/* Only the events and the arena: indices stay. */
static void test_holes_punched_into_the_ring(void) {
    fixture_open_with(&f, 64, 16, 192, true);
    REQUIRE(fixture_request(&f, &exchange_a, 100, 'x') == 0);
    request = fixture_claim(&f);
    fixture_send(&f, &request, RING_EVENT_RESPONSE, 0, 1000);
    fixture_send(&f, &request, RING_EVENT_RESPONSE_BODY, 0, 1000);
    CHECK(fallocate(f.segments.outbound_file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                    (off_t)(RING_PAGE + f.segments.geometry.out_events), 4096) == 0);
    (void)lane_poll(&f.lane, 64);
    CHECK(f.lane.broken); /* kind 0 of slot 0, generation 0 */
    CHECK_TEXT(f.lane.broken_reason, strlen(f.lane.broken_reason), "a generation that was never handed out");
    CHECK(lane_is_empty(&f.lane));
    fixture_close(&f);
}

/* --- the socket --- */

/*
 * O_NONBLOCK belongs to the description that the worker shares: it clears it, and fills the socket. A loop that then blocked in
 * lane_wake would be ended by the alarm.
 */
static void test_a_saturated_and_blocking_socket(void) {
    open_claimed();
    int flags = fcntl(f.lane.params.socket, F_GETFL);
    CHECK(fcntl(f.lane.params.socket, F_SETFL, flags & ~O_NONBLOCK) == 0);
    CHECK(fcntl(f.worker.socket, F_SETFL, flags & ~O_NONBLOCK) == 0);
    while (send(f.lane.params.socket, "", 1, MSG_DONTWAIT) > 0) {
    }
    (void)alarm(10);
    for (int i = 0; i < 1000; i++) {
        ring_store_index(&f.lane.out->worker_armed, 1);
        f.lane.wake_pending = true;
        lane_wake(&f.lane);
    }
    CHECK_UINT(counter_get(&f.lane.counters.wakeups_sent), 1000);
    CHECK(lane_drain_socket(&f.lane)); /* nothing there: must not block either */
    (void)alarm(0);
    fixture_close(&f);
}

static void test_a_flood_of_wake_ups_is_drained_in_pieces(void) {
    open_claimed();
    uint32_t sent = 0;
    while (send(f.worker.socket, "", 1, MSG_DONTWAIT) > 0) {
        sent++;
    }
    CHECK(sent > 256);
    CHECK(lane_drain_socket(&f.lane));
    CHECK(send(f.worker.socket, "", 1, MSG_DONTWAIT) > 0 || sent > 256);
    close(f.worker.socket);
    f.segments.worker_socket[0] = -1;
    uint32_t calls = 0;
    while (lane_drain_socket(&f.lane)) {
        calls++;
        REQUIRE(calls <= sent);
    }
    ring_store_index(&f.lane.out->worker_armed, 1);
    f.lane.wake_pending = true;
    lane_wake(&f.lane); /* EPIPE, and no signal */
    fixture_close(&f);
}

int main(void) {
    RUN(test_out_tail_beyond_the_ring);
    RUN(test_out_tail_moves_back);
    RUN(test_in_head_runs_ahead);
    RUN(test_in_head_moves_back);
    RUN(test_in_return_tail_beyond_the_ring);
    RUN(test_out_return_head_never_moves);
    RUN(test_out_return_head_runs_ahead);
    RUN(test_a_violation_found_while_arming);
    RUN(test_returns_of_what_is_not_lent);
    RUN(test_a_block_returned_twice);
    RUN(test_events_an_honest_worker_cannot_send);
    RUN(test_what_may_not_follow);
    RUN(test_what_a_stream_may_not_have);
    RUN(test_a_stream);
    RUN(test_blocks_after_the_end);
    RUN(test_another_exchanges_block);
    RUN(test_claim_words_full_of_garbage);
    RUN(test_any_value_of_armed_words);
    RUN(test_holes_punched_into_the_segment);
    RUN(test_holes_punched_into_the_ring);
    RUN(test_a_saturated_and_blocking_socket);
    RUN(test_a_flood_of_wake_ups_is_drained_in_pieces);
    return test_report();
}
