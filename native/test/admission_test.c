/*
 * Connections in total and per client.
 * Links: admission.c
 */
#include "admission.h"
#include "test.h"

static struct admission admission;

static struct ring_endpoint v4(uint32_t address) {
    struct ring_endpoint endpoint = {.family = 4};
    memcpy(endpoint.address, &address, sizeof(address));
    return endpoint;
}

static struct ring_endpoint v6(const char *bytes) {
    struct ring_endpoint endpoint = {.family = 6};
    memcpy(endpoint.address, bytes, 16);
    return endpoint;
}

static void start(void) {
    REQUIRE(admission_init(&admission, 0x1234567) == 0);
}

/* Nothing is counted any more. */
static void finish(void) {
    CHECK_UINT(admission.open, 0);
    CHECK_UINT(admission.client_count, 0);
    for (uint32_t i = 0; i < admission.capacity; i++) {
        CHECK_UINT(admission.clients[i].key, 0);
    }
    admission_free(&admission);
}

static void test_total(void) {
    start();
    struct admission_limits limits = {.connections = 2, .of_one_client = UINT32_MAX};
    struct ring_endpoint one = v4(1), two = v4(2), local = {0};
    CHECK_UINT(admission_enter(&admission, &limits, &one), ADMISSION_GRANTED);
    CHECK_UINT(admission_enter(&admission, &limits, &local), ADMISSION_GRANTED);
    CHECK_UINT(admission_enter(&admission, &limits, &two), ADMISSION_FULL);
    admission_leave(&admission, &local);
    CHECK_UINT(admission_enter(&admission, &limits, &two), ADMISSION_GRANTED);
    admission_leave(&admission, &one);
    admission_leave(&admission, &two);
    finish();
}

/* A connection whose client comes to be known later. */
static void test_naming(void) {
    start();
    struct admission_limits limits = {.connections = 3, .of_one_client = 1};
    struct ring_endpoint one = v4(1), none = {0};
    CHECK_UINT(admission_enter(&admission, &limits, &none), ADMISSION_GRANTED);
    CHECK_UINT(admission_enter(&admission, &limits, &none), ADMISSION_GRANTED);
    CHECK_UINT(admission_name(&admission, &limits, &one), ADMISSION_GRANTED);
    CHECK_UINT(admission_name(&admission, &limits, &one), ADMISSION_CLIENT_FULL);
    CHECK_UINT(admission.open, 2);
    CHECK_UINT(admission_name(&admission, &limits, &none), ADMISSION_GRANTED);
    CHECK_UINT(admission_enter(&admission, &limits, &one), ADMISSION_CLIENT_FULL);
    admission_leave(&admission, &none);
    admission_leave(&admission, &one);
    CHECK_UINT(admission_enter(&admission, &limits, &one), ADMISSION_GRANTED);
    admission_leave(&admission, &one);
    finish();
}

static void test_one_client(void) {
    start();
    struct admission_limits limits = {.connections = 100, .of_one_client = 2};
    struct ring_endpoint same[] = {
        v6("\x20\x01\x0d\xb8\0\0\0\x01\0\0\0\0\0\0\0\x01"),
        v6("\x20\x01\x0d\xb8\0\0\0\x01\xff\xff\xff\xff\xff\xff\xff\xff"),
        v6("\x20\x01\x0d\xb8\0\0\0\x01\0\0\0\x01\0\0\0\x02"),
    };
    struct ring_endpoint other = v6("\x20\x01\x0d\xb8\0\0\0\x02\0\0\0\0\0\0\0\x01");
    CHECK_UINT(admission_enter(&admission, &limits, &same[0]), ADMISSION_GRANTED);
    CHECK_UINT(admission_enter(&admission, &limits, &same[1]), ADMISSION_GRANTED);
    CHECK_UINT(admission_enter(&admission, &limits, &same[2]), ADMISSION_CLIENT_FULL);
    CHECK_UINT(admission_enter(&admission, &limits, &other), ADMISSION_GRANTED);
    admission_leave(&admission, &same[0]);
    CHECK_UINT(admission_enter(&admission, &limits, &same[2]), ADMISSION_GRANTED);
    admission_leave(&admission, &same[1]);
    admission_leave(&admission, &same[2]);
    admission_leave(&admission, &other);

    /* ::ffff:1.2.3.4 is 1.2.3.4; ::1 is a client, too. */
    struct ring_endpoint plain = {.family = 4, .address = {1, 2, 3, 4}};
    struct ring_endpoint mapped = v6("\0\0\0\0\0\0\0\0\0\0\xff\xff\x01\x02\x03\x04");
    struct ring_endpoint loopback = v6("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01");
    limits.of_one_client = 1;
    CHECK_UINT(admission_enter(&admission, &limits, &plain), ADMISSION_GRANTED);
    CHECK_UINT(admission_enter(&admission, &limits, &mapped), ADMISSION_CLIENT_FULL);
    CHECK_UINT(admission_enter(&admission, &limits, &loopback), ADMISSION_GRANTED);
    CHECK_UINT(admission_enter(&admission, &limits, &loopback), ADMISSION_CLIENT_FULL);
    admission_leave(&admission, &plain);
    admission_leave(&admission, &loopback);
    finish();
}

/* Against a plain table: the entries of clients that come and go are found again. */
static void test_many_clients(void) {
    enum {
        CLIENTS = 3000
    };
    static uint32_t open[CLIENTS];
    struct admission_limits limits = {.connections = UINT32_MAX, .of_one_client = 3};
    uint32_t random = 1;
    start();
    for (int step = 0; step < 400000; step++) {
        random = random * 1664525u + 1013904223u;
        uint32_t client = (random >> 8) % CLIENTS;
        struct ring_endpoint endpoint = v4(client * 2654435761u);
        bool enter = (random >> 30) != 0 || open[client] == 0;
        if (enter) {
            enum admission_answer want = open[client] < 3 ? ADMISSION_GRANTED : ADMISSION_CLIENT_FULL;
            if (admission_enter(&admission, &limits, &endpoint) != want) {
                CHECK_UINT(open[client], want);
            }
            open[client] += want == ADMISSION_GRANTED;
        } else {
            admission_leave(&admission, &endpoint);
            open[client]--;
        }
    }
    for (uint32_t client = 0; client < CLIENTS; client++) {
        struct ring_endpoint endpoint = v4(client * 2654435761u);
        while (open[client] != 0) {
            admission_leave(&admission, &endpoint);
            open[client]--;
        }
    }
    finish();
}

int main(void) {
    RUN(test_total);
    RUN(test_naming);
    RUN(test_one_client);
    RUN(test_many_clients);
    return test_report();
}
