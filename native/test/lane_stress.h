/* What both threads of lane_stress_test.c share: the setup, and what they know of an exchange by its number. */
#ifndef LANE_STRESS_H
#define LANE_STRESS_H

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>

#include "dispatch_fixture.h"

#define CLIENTS 24u
#define MAX_SLOTS 16u
#define MAX_UNITS 256u
#define MAX_BODY 150000u
#define MAX_HEAD 4096u
#define LOST_MS 30000 /* no sleep lasts so long by itself: its wake-up was lost */

struct setup {
    const char *name;
    uint32_t slots, exchanges, units;
    uint32_t open;    /* exchanges that are open at a time; more than slots: parked */
    uint32_t running; /* handlers that run at a time */
    uint32_t largest; /* body */
    uint32_t share;   /* of exchanges: one in so many is interfered with (cancel, half-close, held credit) */
    bool expire;
};

static const struct setup *setup;
static uint64_t seed;
static uint32_t total;
static uint8_t pattern[MAX_BODY + 4096];
static atomic_bool answered; /* no exchange is left: the worker may end when it has nothing open */
static atomic_bool worker_ended;
static atomic_uchar *runs; /* [total] handlers that were started */

static void lost(const char *who);

/* --- what both sides know of an exchange by its number --- */

struct plan {
    uint32_t request, first; /* body bytes; those in the request block */
    bool request_joined;     /* the end comes with the last body bytes */
    uint32_t request_trailers;
    bool read_first; /* the handler reads the whole body, then answers */
    bool proceeds;
    uint32_t informs;
    uint32_t head, answer;
    bool shared; /* head and first body bytes in one block */
    bool joined; /* the end comes with the last body bytes */
    uint32_t trailers;
    bool aborts; /* after half of the answer */
};

static uint32_t random_size(uint64_t *random, uint32_t most) {
    uint64_t dice = test_random(random);
    switch (dice % 8) {
    case 0:
    case 1:
        return 0;
    case 2:
    case 3:
    case 4:
        return (uint32_t)(dice >> 8) % 1500;
    case 5:
    case 6:
        return (uint32_t)(dice >> 8) % (most / 4 + 1);
    default:
        return (uint32_t)(dice >> 8) % (most + 1);
    }
}

static struct plan plan_of(uint32_t id) {
    uint64_t random = seed ^ (uint64_t)id << 20;
    struct plan p = {.request = random_size(&random, setup->largest), .answer = random_size(&random, setup->largest)};
    uint64_t dice = test_random(&random);
    p.first = p.request < dice % 3000 ? p.request : (uint32_t)(dice % 3000);
    p.request_joined = (dice >> 16) % 2 == 0;
    p.request_trailers = !p.request_joined && (dice >> 17) % 4 == 0 ? 1 + (uint32_t)(dice >> 20) % RING_UNIT : 0;
    p.read_first = (dice >> 32) % 2 == 0;
    p.proceeds = (dice >> 33) % 4 == 0;
    p.informs = (dice >> 36) % 4 == 0 ? (uint32_t)(dice >> 40) % 4 : 0;
    dice = test_random(&random);
    p.head = 1 + (uint32_t)dice % (dice % 2 == 0 ? 200 : MAX_HEAD);
    p.shared = (dice >> 32) % 2 == 0;
    p.trailers = (dice >> 34) % 4 == 0 ? 1 + (uint32_t)(dice >> 40) % 1500 : 0;
    p.aborts = (dice >> 36) % 16 == 0;
    p.joined = !p.aborts && (dice >> 33) % 2 == 0;
    return p;
}

enum part {
    REQUEST_BODY,
    REQUEST_TRAILERS,
    INFORM,
    HEAD,
    ANSWER,
    TRAILERS
};

static const uint8_t *bytes_of(uint32_t id, enum part part, uint32_t at) {
    return pattern + (id * 37 + (uint32_t)part * 701) % 4096 + at;
}

static bool check_bytes(uint32_t id, enum part part, uint32_t at, const uint8_t *got, uint32_t length) {
    return CHECK(at + length <= MAX_BODY && memcmp(got, bytes_of(id, part, at), length) == 0);
}

#endif
