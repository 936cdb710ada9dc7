/*
 * Descriptors that a worker sends and events that name them, in any order and number. Whatever it does, no descriptor stays open.
 * Links: lane*.c arena.c ring_geometry.c test/worker_mirror.c
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lane_fixture.h"

static struct fixture f;
static int exchange_a, exchange_b;
static struct ring_event request_a, request_b; /* claimed, answers begun */
static int file_a, file_b;
static uint32_t open_before;

static uint32_t open_files(void) {
    uint32_t count = 0;
    DIR *directory = opendir("/proc/self/fd");
    while (readdir(directory) != NULL) {
        count++;
    }
    closedir(directory);
    return count;
}

static void begin(void) {
    fixture_open(&f, 64, 8, 192);
    CHECK_UINT(fixture_request(&f, &exchange_a, 100, 'a'), 0);
    CHECK_UINT(fixture_request(&f, &exchange_b, 100, 'b'), 1);
    request_a = fixture_claim(&f);
    request_b = fixture_claim(&f);
    fixture_send(&f, &request_a, RING_EVENT_RESPONSE, 0, 0);
    fixture_send(&f, &request_b, RING_EVENT_RESPONSE, 0, 0);
    CHECK_UINT(lane_poll(&f.lane, 64), 2);
    file_a = memfd_create("a", MFD_CLOEXEC);
    file_b = memfd_create("b", MFD_CLOEXEC);
    open_before = open_files();
    f.message_count = 0;
}

static void send_file(int fd) {
    CHECK(worker_send_files(&f.worker, &fd, 1));
}

static void name_file(const struct ring_event *request, uint32_t number) {
    struct ring_event event = worker_file(request, number, 10, 20);
    CHECK(worker_publish(&f.worker, &event));
}

/* Broken for this reason; what it sent is closed as soon as the lane is given up. */
static void end_broken(const char *reason, uint64_t value, uint64_t limit) {
    CHECK(f.lane.broken);
    CHECK_TEXT(f.lane.broken_reason, strlen(f.lane.broken_reason), reason);
    CHECK_UINT(f.lane.broken_value, value);
    CHECK_UINT(f.lane.broken_limit, limit);
    lane_files_drop(&f.lane);
    CHECK_UINT(open_files(), open_before);
    CHECK_UINT(f.lane.filing, 0);
    close(file_a);
    close(file_b);
    fixture_close(&f);
}

static void end_well(void) {
    CHECK_UINT(open_files(), open_before);
    struct ring_event requests[2] = {request_a, request_b};
    for (int i = 0; i < 2; i++) {
        struct ring_event event = {0};
        while (worker_take(&f.worker, &event)) {
        }
        fixture_send(&f, &requests[i], RING_EVENT_RESPONSE_BODY, RING_FLAG_END, 0);
        worker_return_event(&f.worker, &requests[i]);
    }
    fixture_check_idle(&f);
    close(file_a);
    close(file_b);
    fixture_close(&f);
}

static void check_done(uint32_t slot, uint16_t status) {
    struct ring_event event = {0};
    CHECK(worker_take(&f.worker, &event));
    CHECK_UINT(event.kind, RING_EVENT_FILE_DONE);
    CHECK_UINT(event.exchange, slot);
    CHECK_UINT(event.status, status);
}

static void test_file(void) {
    begin();
    worker_signal(&f.worker);
    send_file(file_a);
    struct ring_event event = worker_file(&request_a, 0, UINT64_C(0x123456789a), 20);
    CHECK(worker_publish(&f.worker, &event));
    CHECK_UINT(lane_poll(&f.lane, 64), 1);
    CHECK_UINT(f.message_count, 1);
    CHECK_UINT(f.messages[0].kind, RING_EVENT_RESPONSE_FILE);
    CHECK(f.messages[0].file >= 0);
    CHECK_UINT(f.messages[0].file_offset, UINT64_C(0x123456789a));
    CHECK_UINT(f.messages[0].total, 20);
    CHECK(f.exchanges[0] == &exchange_a);
    check_done(0, RING_FILE_SENT);
    end_well();
}

static ino_t inode_of(int fd) {
    struct stat st = {0};
    CHECK(fstat(fd, &st) == 0);
    return st.st_ino;
}

static ino_t inodes[2];

/* Numbers say which is which, not the order of the events; wake-ups lie between them. */
static void test_numbers(void) {
    begin();
    f.keep = true;
    worker_signal(&f.worker);
    send_file(file_a);
    f.worker.due = true;
    worker_signal(&f.worker);
    send_file(file_b);
    CHECK(lane_drain_socket(&f.lane));
    CHECK(lane_drain_socket(&f.lane));
    CHECK_UINT(f.lane.received_count, 2);
    ino_t a = inode_of(file_a);
    ino_t b = inode_of(file_b);
    for (uint32_t i = 0; i < 2; i++) {
        inodes[f.lane.received[i].number] = inode_of(f.lane.received[i].fd);
    }
    CHECK_UINT(inodes[0], a);
    CHECK_UINT(inodes[1], b);
    name_file(&request_b, 1);
    name_file(&request_a, 0);
    CHECK_UINT(lane_poll(&f.lane, 64), 2);
    CHECK(f.exchanges[0] == &exchange_b && f.exchanges[1] == &exchange_a);
    CHECK_UINT(f.lane.filing, 2);
    lane_file_done(&f.loans[0], RING_FILE_SENT);
    lane_file_done(&f.loans[1], RING_FILE_CUT);
    check_done(0, RING_FILE_SENT);
    check_done(1, RING_FILE_CUT);
    end_well();
}

/* --- what only an enemy does --- */

static void test_flood(void) {
    begin();
    for (uint32_t i = 0; i < RING_LANE_FILES + 5; i++) {
        send_file(file_a);
        CHECK(lane_drain_socket(&f.lane));
    }
    end_broken("more files under way than a lane may have", RING_LANE_FILES + 1, RING_LANE_FILES);
}

/* Files in somebody's hands count as well. */
static void test_flood_beside_files(void) {
    begin();
    f.keep = true;
    send_file(file_a);
    name_file(&request_a, 0);
    CHECK_UINT(lane_poll(&f.lane, 64), 1);
    for (uint32_t i = 0; i < RING_LANE_FILES; i++) {
        CHECK(!f.lane.broken);
        send_file(file_b);
        CHECK(lane_drain_socket(&f.lane));
    }
    end_broken("more files under way than a lane may have", RING_LANE_FILES + 1, RING_LANE_FILES);
}

static void test_many_at_a_time(void) {
    begin();
    int files[64];
    for (int i = 0; i < 64; i++) {
        files[i] = file_a;
    }
    CHECK(worker_send_files(&f.worker, files, 64));
    CHECK(lane_drain_socket(&f.lane));
    end_broken("more than one descriptor at a time", 2, 1);
}

static void test_never_sent(void) {
    begin();
    name_file(&request_a, 0);
    CHECK_UINT(lane_poll(&f.lane, 64), 1);
    end_broken("a file that was never sent, or was used before", 0, 0);
}

static void test_wrong_number(void) {
    begin();
    send_file(file_a);
    name_file(&request_a, 7);
    CHECK_UINT(lane_poll(&f.lane, 64), 1);
    end_broken("a file that was never sent, or was used before", 7, 1);
}

static void test_used_twice(void) {
    begin();
    send_file(file_a);
    name_file(&request_a, 0);
    name_file(&request_a, 0);
    CHECK_UINT(lane_poll(&f.lane, 64), 2);
    end_broken("a file that was never sent, or was used before", 0, 1);
}

static void test_second_before_done(void) {
    begin();
    f.keep = true;
    send_file(file_a);
    send_file(file_b);
    name_file(&request_a, 0);
    name_file(&request_a, 1);
    CHECK_UINT(lane_poll(&f.lane, 64), 2);
    end_broken("a file before the last one was done", 1, 1);
}

static void test_ranges_that_overflow(void) {
    static const uint64_t ranges[][2] = {{UINT64_MAX, 1}, {UINT64_C(1) << 63, 0}, {INT64_MAX, 1},
                                         {1, INT64_MAX},  {0, UINT64_MAX},        {UINT64_MAX, UINT64_MAX}};
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        begin();
        send_file(file_a);
        struct ring_event event = worker_file(&request_a, 0, ranges[i][0], ranges[i][1]);
        CHECK(worker_publish(&f.worker, &event));
        CHECK_UINT(lane_poll(&f.lane, 64), 1);
        end_broken("a part of a file ends beyond 2^63", ranges[i][1], INT64_MAX);
    }
}

static void test_before_response(void) {
    begin();
    CHECK_UINT(fixture_request(&f, &exchange_a, 100, 'c'), 2);
    struct ring_event request = fixture_claim(&f);
    send_file(file_a);
    name_file(&request, 0);
    CHECK_UINT(lane_poll(&f.lane, 64), 1);
    end_broken("RESPONSE_FILE before RESPONSE", 2, 0);
}

static void test_after_the_end(void) {
    begin();
    fixture_send(&f, &request_a, RING_EVENT_RESPONSE_BODY, RING_FLAG_END, 0);
    send_file(file_a);
    name_file(&request_a, 0);
    CHECK_UINT(lane_poll(&f.lane, 64), 2);
    end_broken("blocks or a file for an exchange that is over", request_a.generation, request_a.generation);
}

/* --- ends --- */

/* Nobody wants the answer any more: the worker is told that its file is let go of. */
static void test_cancelled(void) {
    begin();
    lane_cancel(&f.lane, 0, RING_CANCEL_GONE);
    lane_forget(&f.lane, 0);
    send_file(file_a);
    name_file(&request_a, 0);
    CHECK_UINT(lane_poll(&f.lane, 64), 1);
    CHECK_UINT(f.message_count, 0);
    CHECK_UINT(f.discarded, 1);
    struct ring_event event = {0};
    CHECK(worker_take(&f.worker, &event));
    CHECK_UINT(event.kind, RING_EVENT_CANCEL);
    check_done(0, RING_FILE_CUT);
    end_well();
}

/* L5: one CREDIT or FILE_DONE at a time. */
static void test_done_waits_for_credit(void) {
    begin();
    uint64_t published = f.lane.in_tail;
    for (int i = 0; i < 64 && f.lane.in_tail == published; i++) {
        fixture_send(&f, &request_a, RING_EVENT_RESPONSE_BODY, 0, RING_UNIT);
        (void)lane_poll(&f.lane, 64);
        CHECK(worker_collect(&f.worker));
    }
    CHECK_UINT(f.lane.in_tail, published + 1); /* a CREDIT */
    f.keep = true;
    send_file(file_a);
    name_file(&request_a, 0);
    CHECK_UINT(lane_poll(&f.lane, 64), 1);
    lane_file_done(&f.loans[0], RING_FILE_SENT);
    (void)lane_poll(&f.lane, 64);
    CHECK_UINT(f.lane.in_tail, published + 1);
    struct ring_event event = {0};
    CHECK(worker_take(&f.worker, &event));
    CHECK_UINT(event.kind, RING_EVENT_CREDIT);
    CHECK(lane_arm(&f.lane, false)); /* there is something to do */
    (void)lane_poll(&f.lane, 64);
    check_done(0, RING_FILE_SENT);
    f.keep = false;
    end_well();
}

/* A slot whose file somebody has is not given to the next request. */
static void test_slot_waits_for_file(void) {
    begin();
    f.keep = true;
    send_file(file_a);
    name_file(&request_a, 0);
    fixture_send(&f, &request_a, RING_EVENT_RESPONSE_BODY, RING_FLAG_END, 0);
    worker_return_event(&f.worker, &request_a);
    CHECK_UINT(lane_poll(&f.lane, 64), 2);
    CHECK_UINT(lane_slot_of(&f.lane, 0)->state, LANE_SLOT_ENDED);
    lane_file_done(&f.loans[0], RING_FILE_SENT);
    (void)lane_poll(&f.lane, 64);
    CHECK_UINT(lane_slot_of(&f.lane, 0)->state, LANE_SLOT_FREE);
    struct ring_event event = {0};
    CHECK(!worker_take(&f.worker, &event)); /* nobody is left to be told */
    fixture_send(&f, &request_b, RING_EVENT_RESPONSE_BODY, RING_FLAG_END, 0);
    worker_return_event(&f.worker, &request_b);
    f.keep = false;
    fixture_check_idle(&f);
    close(file_a);
    close(file_b);
    fixture_close(&f);
}

static void test_stop(void) {
    begin();
    f.keep = true;
    fixture_send(&f, &request_a, RING_EVENT_FILE_STOP, 0, 0); /* too late, or too early */
    CHECK_UINT(lane_poll(&f.lane, 64), 1);
    CHECK_UINT(f.message_count, 0);
    send_file(file_a);
    name_file(&request_a, 0);
    fixture_send(&f, &request_a, RING_EVENT_FILE_STOP, 0, 0);
    CHECK_UINT(lane_poll(&f.lane, 64), 2);
    CHECK_UINT(f.message_count, 2);
    CHECK_UINT(f.messages[1].kind, RING_EVENT_FILE_STOP);
    lane_file_done(&f.loans[0], RING_FILE_CUT);
    check_done(0, RING_FILE_CUT);
    end_well();
}

/* The gateway has no descriptor left: the worker is not to blame. */
static void test_lost_on_its_way(void) {
    struct rlimit before;
    begin();
    send_file(file_a);
    send_file(file_b);
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
    struct rlimit none = {.rlim_cur = 0, .rlim_max = before.rlim_max};
    CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
    CHECK(lane_drain_socket(&f.lane));
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(!f.lane.broken);
    name_file(&request_b, 1);
    name_file(&request_a, 0);
    CHECK_UINT(lane_poll(&f.lane, 64), 2);
    CHECK(f.messages[0].file == -1 && f.messages[1].file == -1);
    check_done(1, RING_FILE_SENT);
    check_done(0, RING_FILE_SENT);
    end_well();
}

/* What was not named is closed, who has a file is written off, and nothing more is taken. */
static void test_worker_is_gone(void) {
    begin();
    f.keep = true;
    send_file(file_a);
    send_file(file_b);
    send_file(file_b);
    name_file(&request_a, 1);
    CHECK_UINT(lane_poll(&f.lane, 64), 1);
    CHECK(lane_drain_socket(&f.lane));
    uint64_t published = f.lane.in_tail;
    lane_files_drop(&f.lane);
    CHECK_UINT(f.discarded, 2);
    CHECK_UINT(open_files(), open_before);
    CHECK(f.loans[0].lane == NULL);
    lane_file_done(&f.loans[0], RING_FILE_SENT);
    send_file(file_a);
    CHECK(lane_drain_socket(&f.lane));
    CHECK_UINT(f.lane.received_count, 0);
    CHECK_UINT(open_files(), open_before);
    CHECK_UINT(f.lane.in_tail, published);
    close(file_a);
    close(file_b);
    fixture_close(&f);
}

int main(void) {
    RUN(test_file);
    RUN(test_numbers);
    RUN(test_flood);
    RUN(test_flood_beside_files);
    RUN(test_many_at_a_time);
    RUN(test_never_sent);
    RUN(test_wrong_number);
    RUN(test_used_twice);
    RUN(test_second_before_done);
    RUN(test_ranges_that_overflow);
    RUN(test_before_response);
    RUN(test_after_the_end);
    RUN(test_cancelled);
    RUN(test_done_waits_for_credit);
    RUN(test_slot_waits_for_file);
    RUN(test_stop);
    RUN(test_lost_on_its_way);
    RUN(test_worker_is_gone);
    return test_report();
}
