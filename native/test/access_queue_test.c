/*
 * The queue of the access log: wrapping, full, sizes that cannot be, and two threads. Records here are their length followed by bytes that
 * follow from a number.
 * Links: access_queue.c
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include "../access_queue.h"
#include "test.h"

#define MOST 600u

struct record {
    uint32_t length;
    uint32_t number;
    uint8_t bytes[MOST];
};

static uint8_t pattern(uint32_t number, uint32_t i) {
    return (uint8_t)(number * 31u + i * 7u);
}

static struct record make(uint32_t number, uint32_t length) {
    struct record record = {.length = length, .number = number};
    for (uint32_t i = 0; i + 8 < length; i++) {
        record.bytes[i] = pattern(number, i);
    }
    return record;
}

/* Checks one record and returns the bytes that it takes up. */
static uint64_t check_record(const uint8_t *at, uint32_t *number) {
    struct record record;
    memcpy(&record, at, 8);
    if (!CHECK(record.length >= 8 && record.length <= sizeof(record))) {
        return 0;
    }
    memcpy(&record, at, record.length);
    *number = record.number;
    for (uint32_t i = 0; i + 8 < record.length; i++) {
        if (record.bytes[i] != pattern(record.number, i)) {
            CHECK_UINT(record.bytes[i], pattern(record.number, i));
            return 0;
        }
    }
    return access_aligned(record.length);
}

static uint32_t random_length(uint64_t *state) {
    return 8 + (uint32_t)(test_random(state) % (MOST - 8));
}

static void test_sizes_that_cannot_be(void) {
    static const uint64_t sizes[] = {0, 1, 4, 7, 9, 1000, 4095, 4097, (UINT64_C(1) << 63) + 1};
    struct access_queue queue;
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        CHECK_INT(access_queue_init(&queue, sizes[i]), -EINVAL);
    }
}

static void test_records_that_cannot_be(void) {
    static const uint32_t lengths[] = {0, 1025, 4096, UINT32_MAX - 7, UINT32_MAX};
    struct access_queue queue;
    uint8_t out[1024];
    REQUIRE(access_queue_init(&queue, 1024) == 0);
    for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        CHECK_INT(access_queue_push(&queue, out, lengths[i]), ACCESS_DROPPED);
        CHECK_UINT(counter_get(&queue.dropped), i + 1);
    }
    CHECK_UINT(access_queue_take(&queue, out, sizeof(out)), 0);
    memset(out, 7, sizeof(out));
    memcpy(out, &(uint32_t){1024}, sizeof(uint32_t));
    CHECK_INT(access_queue_push(&queue, out, 1024), ACCESS_HALF_FULL); /* exactly what there is room for */
    CHECK_INT(access_queue_push(&queue, out, 1), ACCESS_DROPPED);
    memset(out, 0, sizeof(out));
    CHECK_UINT(access_queue_take(&queue, out, sizeof(out) - 1), 0); /* no room for it: it stays */
    CHECK_UINT(access_queue_take(&queue, out, sizeof(out)), 1024);
    CHECK_UINT(out[4] + out[1023], 14);
    access_queue_free(&queue);
}

static void test_full(void) {
    struct access_queue queue;
    static uint8_t out[4096];
    REQUIRE(access_queue_init(&queue, sizeof(out)) == 0);
    for (uint32_t round = 0; round < 100; round++) {
        uint32_t pushed = 0;
        uint32_t asked = 0;
        uint64_t before = counter_get(&queue.dropped);
        for (uint32_t i = 0; i < 60; i++) {
            struct record record = make(i, 100); /* 104 with its padding: 39 fit */
            enum access_pushed result = access_queue_push(&queue, &record, record.length);
            pushed += result != ACCESS_DROPPED;
            asked += result == ACCESS_HALF_FULL;
            CHECK(result != ACCESS_HALF_FULL || (pushed * 104 >= 2048 && (pushed - 1) * 104 < 2048));
        }
        CHECK_UINT(pushed, 39);
        CHECK_UINT(asked, 1);
        CHECK_UINT(counter_get(&queue.dropped) - before, 21);
        uint64_t length = access_queue_take(&queue, out, sizeof(out));
        CHECK_UINT(length, 39 * 104);
        uint32_t expected = 0;
        for (uint64_t at = 0; at < length; expected++) {
            uint32_t number = 0;
            uint64_t n = check_record(out + at, &number);
            REQUIRE(n != 0);
            CHECK_UINT(number, expected);
            at += n;
        }
    }
    access_queue_free(&queue);
}

static void test_every_place_of_the_wrap(void) {
    struct access_queue queue;
    static uint8_t out[2048];
    uint64_t state = test_seed();
    REQUIRE(access_queue_init(&queue, sizeof(out)) == 0);
    for (uint32_t number = 0; number < 20000; number++) {
        struct record record = make(number, random_length(&state));
        REQUIRE(access_queue_push(&queue, &record, record.length) != ACCESS_DROPPED);
        uint32_t got = 0;
        CHECK_UINT(access_queue_take(&queue, out, sizeof(out)), access_aligned(record.length));
        REQUIRE(check_record(out, &got) != 0);
        CHECK_UINT(got, number);
    }
    CHECK_UINT(counter_get(&queue.dropped), 0);
    access_queue_free(&queue);
}

/* What is taken in pieces is whole records, in order. */
static void test_pieces(void) {
    struct access_queue queue;
    static uint8_t out[1000];
    uint64_t state = 7;
    REQUIRE(access_queue_init(&queue, 8192) == 0);
    uint32_t pushed = 0;
    uint32_t expected = 0;
    for (int round = 0; round < 500; round++) {
        for (;;) {
            struct record record = make(pushed, random_length(&state));
            if (access_queue_push(&queue, &record, record.length) == ACCESS_DROPPED) {
                break;
            }
            pushed++;
        }
        for (int piece = 0; piece < 4; piece++) {
            uint64_t length = access_queue_take(&queue, out, sizeof(out) - (uint64_t)(round % 8));
            CHECK(length > 0);
            for (uint64_t at = 0; at < length; expected++) {
                uint32_t number = 0;
                uint64_t n = check_record(out + at, &number);
                REQUIRE(n != 0 && n <= length - at);
                CHECK_UINT(number, expected);
                at += n;
            }
        }
    }
    while (access_queue_take(&queue, out, sizeof(out)) != 0) {
    }
    CHECK_UINT(atomic_load(&queue.head), atomic_load(&queue.tail));
    access_queue_free(&queue);
}

/* --- two threads --- */

#define RECORDS 200000u

struct shared {
    struct access_queue queue;
    atomic_bool done;
    atomic_uint asked;
};

static void *produce(void *argument) {
    struct shared *shared = argument;
    uint64_t state = 42;
    for (uint32_t number = 0; number < RECORDS; number++) {
        struct record record = make(number, random_length(&state));
        if (access_queue_push(&shared->queue, &record, record.length) == ACCESS_HALF_FULL) {
            atomic_fetch_add(&shared->asked, 1);
        }
        if (number % 64 == 0) {
            (void)sched_yield();
        }
    }
    atomic_store(&shared->done, true);
    return NULL;
}

static void test_two_threads(void) {
    static struct shared shared;
    static uint8_t out[4096]; /* less than the queue: it is taken in pieces */
    pthread_t thread;
    REQUIRE(access_queue_init(&shared.queue, 16384) == 0);
    REQUIRE(pthread_create(&thread, NULL, produce, &shared) == 0);
    uint64_t received = 0;
    int64_t last = -1;
    for (bool done = false, empty = false; !done || !empty;) {
        done = atomic_load(&shared.done); /* before the last look */
        uint64_t length = access_queue_take(&shared.queue, out, sizeof(out));
        empty = length == 0;
        for (uint64_t at = 0; at < length;) {
            uint32_t number = 0;
            uint64_t n = check_record(out + at, &number);
            if (n == 0 || !CHECK((int64_t)number > last)) {
                atomic_store(&shared.done, true);
                empty = true;
                break;
            }
            last = number;
            received++;
            at += n;
        }
    }
    pthread_join(thread, NULL);
    CHECK_UINT(received + counter_get(&shared.queue.dropped), RECORDS);
    CHECK(received > 0);
    printf("two threads: %" PRIu64 " received, %" PRIu64 " dropped, asked %u times\n", received,
           counter_get(&shared.queue.dropped), atomic_load(&shared.asked));
    access_queue_free(&shared.queue);
}

int main(void) {
    RUN(test_sizes_that_cannot_be);
    RUN(test_records_that_cannot_be);
    RUN(test_full);
    RUN(test_every_place_of_the_wrap);
    RUN(test_pieces);
    RUN(test_two_threads);
    return test_report();
}
