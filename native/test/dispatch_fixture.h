/* A dispatch with lanes and a protocol that only records what it is told. For exchange_test.c and dispatch_test.c. */
#ifndef DISPATCH_FIXTURE_H
#define DISPATCH_FIXTURE_H

#include <unistd.h>

#include "dispatch.h"
#include "ring_atomic.h"
#include "test.h"
#include "worker_mirror.h"

#define FAKE_LANES 3u

struct rig {
    struct dispatch dispatch;
    struct segments segments[FAKE_LANES];
    struct dispatch_lane lanes[FAKE_LANES];
    struct worker workers[FAKE_LANES];
    uint32_t lane_count;
    counter allocations;
    uint32_t broken, idle, released;
    int stuck;
};

/* One request of the recording protocol. */
struct fake {
    struct exchange exchange; /* first */
    uint32_t files, informs, proceeds, responses, fails, resumes;
    uint16_t status;
    bool ended;
    bool keep; /* blocks stay held */
    struct exchange_bytes kept[16];
    uint32_t kept_count;
    uint32_t length; /* of the answer's body */
    uint8_t last;    /* its last byte */
    uint8_t fields[64];
    uint32_t field_length;
    bool detach_on_response;
    const uint8_t *body; /* request body still to be sent on resume */
    uint32_t body_left;
    bool end_left;
};

static inline struct fake *fake_of(struct exchange *exchange) {
    return (struct fake *)(void *)exchange;
}

static inline void fake_bytes(struct fake *fake, struct exchange_bytes bytes) {
    if (bytes.length != 0) {
        fake->length += bytes.length;
        fake->last = bytes.data[bytes.length - 1];
    }
    if (bytes.block != RING_NO_BLOCK && fake->keep && fake->kept_count < 16) {
        fake->kept[fake->kept_count++] = bytes;
    } else {
        exchange_release(bytes);
    }
}

static inline void fake_release(struct fake *fake) {
    while (fake->kept_count != 0) {
        exchange_release(fake->kept[--fake->kept_count]);
    }
}

/* Sends what is left of the body; what cannot be sent waits for resume. */
static inline void fake_feed(struct fake *fake) {
    while (fake->body_left != 0) {
        uint8_t *memory = NULL;
        uint32_t space = exchange_reserve_body(&fake->exchange, fake->body_left, &memory);
        if (space == 0) {
            return;
        }
        uint32_t n = space < fake->body_left ? space : fake->body_left;
        memcpy(memory, fake->body, n);
        fake->body += n;
        fake->body_left -= n;
        exchange_commit_body(&fake->exchange, n, false);
    }
    if (fake->end_left) {
        fake->end_left = !exchange_end_body(&fake->exchange, (struct exchange_list){0});
    }
}

static void fake_inform(struct exchange *exchange, uint16_t status, struct exchange_list fields) {
    (void)fields;
    fake_of(exchange)->informs++;
    fake_of(exchange)->status = status;
    exchange->began = true;
}

static void fake_proceed(struct exchange *exchange) {
    fake_of(exchange)->proceeds++;
}

static void fake_response(struct exchange *exchange, const struct exchange_response *response) {
    struct fake *fake = fake_of(exchange);
    fake->responses++;
    fake->status = response->status;
    fake->ended = response->end;
    exchange->began = true;
    fake->field_length = response->fields.length < 64 ? response->fields.length : 64;
    memcpy(fake->fields, response->fields.data, fake->field_length);
    fake_bytes(fake, response->body);
    if (fake->detach_on_response) {
        exchange_detach(exchange, RING_CANCEL_REJECTED);
    }
}

static void fake_body(struct exchange *exchange, struct exchange_bytes body, bool end, struct exchange_list trailers) {
    (void)trailers;
    fake_bytes(fake_of(exchange), body);
    fake_of(exchange)->ended = end;
}

static void fake_file(struct exchange *exchange, const struct exchange_file *file) {
    fake_of(exchange)->files++;
    exchange_drop_file(exchange, file, RING_FILE_SENT);
}

static void fake_fail(struct exchange *exchange, uint16_t status) {
    fake_of(exchange)->fails++;
    fake_of(exchange)->status = status;
}

static void fake_resume(struct exchange *exchange) {
    fake_of(exchange)->resumes++;
    fake_feed(fake_of(exchange));
}

static const struct exchange_calls fake_calls = {.inform = fake_inform,
                                                 .proceed = fake_proceed,
                                                 .response = fake_response,
                                                 .body = fake_body,
                                                 .file = fake_file,
                                                 .fail = fake_fail,
                                                 .resume = fake_resume};

static struct rig rig;

static void rig_broken(struct dispatch_lane *lane) {
    (void)lane;
    rig.broken++;
}
static void rig_idle(struct dispatch_lane *lane) {
    (void)lane;
    rig.idle++;
}
static void rig_released(struct dispatch_lane *lane) {
    rig.released++;
    lane_close(&lane->lane);
}
static void rig_stuck(struct dispatch_lane *lane) {
    rig.stuck += lane->stuck ? 1 : -1;
}
static void rig_discard(struct dispatch_lane *lane, const int *files, uint32_t count) {
    (void)lane;
    for (uint32_t i = 0; i < count; i++) {
        close(files[i]);
    }
}
static const struct dispatch_calls rig_calls = {
    .broken = rig_broken, .idle = rig_idle, .released = rig_released, .stuck = rig_stuck, .discard = rig_discard};

static inline void rig_add_lane(uint32_t slots, uint32_t exchanges, uint32_t units) {
    uint32_t i = rig.lane_count++;
    struct ring_geometry geometry = {
        .lanes = 1, .ring_slots = slots, .exchange_slots = exchanges, .arena_units = units};
    segments_open(&rig.segments[i], geometry, false);
    struct lane_params params = {.worker = i + 1,
                                 .geometry = rig.segments[i].geometry,
                                 .inbound = rig.segments[i].inbound,
                                 .outbound = rig.segments[i].outbound,
                                 .socket = rig.segments[i].gateway_socket[0]};
    if (lane_open(&rig.lanes[i].lane, &params) != 0 || dispatch_add_lane(&rig.dispatch, &rig.lanes[i]) != 0) {
        abort();
    }
    dispatch_set_active(&rig.lanes[i], true);
    worker_open(&rig.workers[i], &rig.segments[i], 0);
}

static inline void rig_open(uint32_t lanes, uint32_t park_limit) {
    memset(&rig, 0, sizeof(rig));
    struct dispatch_config config = {.park_limit = park_limit, .in_flight = UINT32_MAX, .queue_deadline_ms = 1000};
    if (dispatch_init(&rig.dispatch, &config, &rig_calls, &rig.allocations) != 0) {
        abort();
    }
    rig.dispatch.now_ms = 5000;
    for (uint32_t i = 0; i < lanes; i++) {
        rig_add_lane(64, 4, 192);
    }
}

/* Every lane that lives is idle, and every lane that is dead could be released: nothing leaked. */
static inline void rig_close(void) {
    (void)dispatch_poll(&rig.dispatch);
    CHECK_UINT(rig.dispatch.parked_count, 0);
    CHECK(rig.dispatch.parked_head == NULL);
    CHECK(rig.dispatch.oldest == NULL && rig.dispatch.newest == NULL);
    for (uint32_t i = 0; i < rig.lane_count; i++) {
        struct dispatch_lane *dl = &rig.lanes[i];
        if (dl->state != DISPATCH_LANE_DEAD && !dl->lane.broken) {
            CHECK(worker_collect(&rig.workers[i]));
            CHECK_UINT(dl->lane.free_count, dl->lane.geometry.exchange_slots);
            CHECK_UINT(dl->lane.held_blocks, 0);
            CHECK_UINT(dl->lane.arena.units_used, 0);
            CHECK_UINT(rig.workers[i].arena.units_used, 0);
            CHECK_UINT(dl->lane.extra, 0);
        }
    }
    uint32_t released = rig.released;
    for (uint32_t i = 0; i < rig.lane_count; i++) {
        released += rig.lanes[i].state != DISPATCH_LANE_DEAD;
        dispatch_bury(&rig.lanes[i]);
    }
    (void)dispatch_poll(&rig.dispatch);
    CHECK_UINT(rig.released, released);
    CHECK_UINT(rig.released, rig.lane_count);
    CHECK_UINT(rig.dispatch.lane_count, 0);
    for (uint32_t i = 0; i < rig.lane_count; i++) {
        worker_close(&rig.workers[i]);
        segments_close(&rig.segments[i]);
    }
    dispatch_free(&rig.dispatch);
}

/* Starts a request with a path-like text, `first` bytes of body and, if !ended, more to come. */
static inline void fake_start(struct fake *fake, enum ring_method method, const void *body, uint32_t first,
                              bool ended) {
    static const uint8_t text[] = "GET / HTTP/1.1";
    memset(fake, 0, sizeof(*fake));
    struct request_view view = {.bytes = text, .bytes_length = sizeof(text) - 1};
    view.head.method = (uint8_t)method;
    view.head.body_kind = first != 0 || !ended ? RING_BODY_LENGTH : RING_BODY_NONE;
    view.head.content_length = first;
    struct exchange_request request = {.view = &view, .body = body, .body_length = first, .ended = ended};
    exchange_start(&fake->exchange, &rig.dispatch, &fake_calls, &request);
}

/* The worker takes a REQUEST and claims it. */
static inline struct ring_event rig_claim(uint32_t lane) {
    struct ring_event event = {0};
    CHECK(worker_take(&rig.workers[lane], &event));
    CHECK_UINT(event.kind, RING_EVENT_REQUEST);
    CHECK(worker_claim(&rig.workers[lane], &event));
    return event;
}

static inline void rig_send(uint32_t lane, const struct ring_event *request, uint8_t kind, uint8_t flags,
                            const char *body) {
    struct ring_event event = worker_event(request, kind, flags);
    if (body != NULL) {
        CHECK(worker_put_body(&rig.workers[lane], &event, body, (uint32_t)strlen(body)));
    }
    CHECK(worker_publish(&rig.workers[lane], &event));
}

static inline void rig_answer(uint32_t lane, const struct ring_event *request, const char *body) {
    rig_send(lane, request, RING_EVENT_RESPONSE, RING_FLAG_END, body);
    worker_return_event(&rig.workers[lane], request);
}

/* The worker consumes all there is, returns all blocks, and answers nothing. */
static inline void rig_swallow(uint32_t lane) {
    struct ring_event event;
    while (worker_take(&rig.workers[lane], &event)) {
        worker_return_event(&rig.workers[lane], &event);
    }
}

#endif
