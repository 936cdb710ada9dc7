/* The gateway's thread of lane_stress_test.c: clients that upload, read slowly, and go away. */
#ifndef LANE_STRESS_GATEWAY_H
#define LANE_STRESS_GATEWAY_H

#include "lane_stress.h"

enum outcome {
    OPEN,
    COMPLETE,
    ABORTED,
    CANCELLED,
    EXPIRED
};

struct client {
    struct exchange exchange; /* first */
    bool used, idle_upload, responded, half_closed, held;
    enum outcome outcome;
    uint32_t id;
    struct plan plan;
    uint32_t uploaded;
    bool upload_ended;
    uint32_t informs, proceeds, received;
    struct exchange_bytes kept[MAX_UNITS];
    uint32_t kept_count;
};

static struct {
    struct client clients[CLIENTS];
    uint32_t started, open;
    uint32_t outcomes[EXPIRED + 1];
    uint64_t random, sleeps;
    uint8_t *results; /* [total] enum outcome */
} gateway;

static bool chance(uint64_t *random, uint32_t of) {
    return test_random(random) % of == 0;
}

static struct client *client_of(struct exchange *exchange) {
    return (struct client *)(void *)exchange;
}

static void client_detach(struct client *c, enum outcome outcome) {
    if (c->outcome == OPEN) {
        c->outcome = outcome;
        gateway.results[c->id] = (uint8_t)outcome;
        gateway.outcomes[outcome]++;
        gateway.open--;
    }
    exchange_detach(&c->exchange, RING_CANCEL_GONE);
    c->held = false;
}

static void client_upload(struct client *c) {
    c->idle_upload = false;
    while (c->uploaded < c->plan.request) {
        if (chance(&gateway.random, 16)) {
            c->idle_upload = true; /* nothing has come from the client */
            return;
        }
        uint8_t *memory = NULL;
        uint32_t left = c->plan.request - c->uploaded;
        uint32_t space =
            exchange_reserve_body(&c->exchange, 1 + (uint32_t)test_random(&gateway.random) % left, &memory);
        if (space == 0) {
            return;
        }
        uint32_t n = 1 + (uint32_t)test_random(&gateway.random) % space;
        n = chance(&gateway.random, 16) ? 0 : n < left ? n : left;
        memcpy(memory, bytes_of(c->id, REQUEST_BODY, c->uploaded), n);
        c->uploaded += n;
        bool end = c->uploaded == c->plan.request && c->plan.request_joined;
        c->upload_ended |= end;
        exchange_commit_body(&c->exchange, n, end);
    }
    if (!c->upload_ended) {
        struct exchange_list trailers = {bytes_of(c->id, REQUEST_TRAILERS, 0), c->plan.request_trailers};
        c->upload_ended = exchange_end_body(&c->exchange, trailers);
    }
}

static void client_keep(struct client *c, struct exchange_bytes body) {
    if (body.length != 0) {
        (void)check_bytes(c->id, ANSWER, c->received, body.data, body.length);
        c->received += body.length;
    }
    if (body.block != RING_NO_BLOCK) {
        if (c->exchange.state == EXCHANGE_IDLE || !chance(&gateway.random, 2)) {
            exchange_release(body);
        } else {
            c->kept[c->kept_count++] = body;
        }
    }
}

static void client_end(struct client *c) {
    CHECK_UINT(c->received, c->plan.answer);
    CHECK_UINT(c->informs, c->plan.informs);
    CHECK_UINT(c->proceeds, c->plan.proceeds);
    CHECK(!c->plan.aborts);
    client_detach(c, COMPLETE);
}

static void on_inform(struct exchange *exchange, uint16_t status, struct exchange_list fields) {
    struct client *c = client_of(exchange);
    CHECK_UINT(status, 103);
    (void)check_bytes(c->id, INFORM, c->informs, fields.data, fields.length);
    c->informs++;
}

static void on_proceed(struct exchange *exchange) {
    client_of(exchange)->proceeds++;
}

static void on_response(struct exchange *exchange, const struct exchange_response *response) {
    struct client *c = client_of(exchange);
    CHECK(c->used && c->outcome == OPEN && !c->responded);
    c->responded = true;
    CHECK_UINT(response->status, 200);
    CHECK_UINT(response->total, c->plan.answer);
    CHECK_UINT(response->fields.length, c->plan.head);
    (void)check_bytes(c->id, HEAD, 0, response->fields.data, response->fields.length);
    if (!response->end && chance(&gateway.random, setup->share * 2)) {
        client_detach(c, CANCELLED); /* from inside the callback */
    }
    client_keep(c, response->body);
    if (response->end) {
        client_end(c);
    }
}

static void on_body(struct exchange *exchange, struct exchange_bytes body, bool end, struct exchange_list trailers) {
    struct client *c = client_of(exchange);
    CHECK(c->used && c->outcome == OPEN && c->responded);
    client_keep(c, body);
    if (end) {
        CHECK_UINT(trailers.length, c->plan.trailers);
        (void)check_bytes(c->id, TRAILERS, 0, trailers.data, trailers.length);
        client_end(c);
    } else if (chance(&gateway.random, setup->share * 8)) {
        client_detach(c, CANCELLED);
    }
}

static void on_fail(struct exchange *exchange, uint16_t status) {
    struct client *c = client_of(exchange);
    CHECK(c->used && c->outcome == OPEN);
    if (status == 503) {
        CHECK(setup->expire && !c->responded);
        client_detach(c, EXPIRED);
    } else {
        CHECK_UINT(status, 500);
        CHECK(c->plan.aborts);
        client_detach(c, ABORTED);
    }
}

static void on_resume(struct exchange *exchange) {
    client_upload(client_of(exchange));
}

static const struct exchange_calls client_calls = {.inform = on_inform,
                                                   .proceed = on_proceed,
                                                   .response = on_response,
                                                   .body = on_body,
                                                   .fail = on_fail,
                                                   .resume = on_resume};

static void client_start(struct client *c) {
    memset(c, 0, offsetof(struct client, kept));
    c->kept_count = 0;
    c->used = true;
    c->id = gateway.started++;
    c->plan = plan_of(c->id);
    c->uploaded = c->plan.first;
    c->upload_ended = c->plan.first == c->plan.request && c->plan.request_joined;
    gateway.open++;
    struct request_view view = {.bytes = (const uint8_t *)&c->id, .bytes_length = sizeof(c->id)};
    view.head.method = RING_METHOD_POST;
    view.head.body_kind = RING_BODY_CHUNKED;
    struct exchange_request request = {.view = &view,
                                       .body = bytes_of(c->id, REQUEST_BODY, 0),
                                       .body_length = c->plan.first,
                                       .ended = c->upload_ended};
    uint32_t taken = exchange_start(&c->exchange, &rig.dispatch, &client_calls, &request);
    if (c->outcome == OPEN && taken < c->plan.first) {
        c->uploaded = taken;
        c->upload_ended = false;
    }
    if (c->outcome == OPEN) {
        client_upload(c);
    }
}

/* What clients do by themselves: a socket would report it. */
static void clients_act(void) {
    for (uint32_t i = 0; i < CLIENTS; i++) {
        struct client *c = &gateway.clients[i];
        if (c->used && c->outcome == OPEN) {
            if (c->idle_upload) {
                client_upload(c);
            }
            if (c->held) {
                c->held = false;
                exchange_hold_credit(&c->exchange, false);
            } else if (chance(&gateway.random, setup->share)) {
                switch (test_random(&gateway.random) % 3) {
                case 0:
                    client_detach(c, CANCELLED);
                    break;
                case 1:
                    if (!c->half_closed) {
                        c->half_closed = true;
                        exchange_half_close(&c->exchange);
                    }
                    break;
                default:
                    c->held = c->exchange.state == EXCHANGE_ANSWERING;
                    exchange_hold_credit(&c->exchange, true);
                    break;
                }
            }
        }
        if (!c->used && gateway.started < total && gateway.open < setup->open) {
            client_start(c);
        }
    }
}

/* Clients read what they were sent: the counterpart of h1_flush. */
static void clients_flush(bool all) {
    for (uint32_t i = 0; i < CLIENTS; i++) {
        struct client *c = &gateway.clients[i];
        uint32_t left = !all && chance(&gateway.random, 4) ? c->kept_count / 2 : 0;
        while (c->kept_count > left) {
            uint32_t k = (uint32_t)test_random(&gateway.random) % c->kept_count;
            struct exchange_bytes bytes = c->kept[k];
            c->kept[k] = c->kept[--c->kept_count];
            exchange_release(bytes);
        }
        if (c->used && c->outcome != OPEN && c->kept_count == 0) {
            c->used = false;
        }
    }
}

/* Whether clients will do something without being woken. */
static bool clients_busy(void) {
    bool room = false;
    if (gateway.started == total && gateway.open == 0) {
        return true;
    }
    for (uint32_t i = 0; i < CLIENTS; i++) {
        const struct client *c = &gateway.clients[i];
        if (c->used && (c->idle_upload || c->held || c->kept_count != 0)) {
            return true;
        }
        room |= !c->used;
    }
    return room && gateway.started < total && gateway.open < setup->open;
}

static void gateway_turn(void) {
    dispatch_wake(&rig.dispatch);
    (void)dispatch_poll(&rig.dispatch);
    clients_flush(false);
    dispatch_wake(&rig.dispatch);
    CHECK_UINT(rig.broken, 0);
    const struct lane *lane = &rig.lanes[0].lane;
    CHECK(lane->in_tail - ring_load_index(&lane->out->in_head) <= setup->slots); /* 3.2 */
}

/* The end of a turn as in loop.c: armed, looked again, asleep unless there is something to do. */
static void gateway_sleep(bool forever) {
    struct pollfd watched = {.fd = rig.lanes[0].lane.params.socket, .events = POLLIN};
    bool may = false;
    for (int i = 0; i < 8 && !may; i++) {
        may = !dispatch_arm(&rig.dispatch);
        if (!may) {
            dispatch_disarm(&rig.dispatch);
            gateway_turn();
        }
    }
    bool sleeps = may && forever && !clients_busy();
    gateway.sleeps += sleeps;
    if (poll(&watched, 1, sleeps ? LOST_MS : 0) == 0 && sleeps) {
        lost("gateway");
    }
    dispatch_disarm(&rig.dispatch);
    if (watched.revents != 0) {
        CHECK(lane_drain_socket(&rig.lanes[0].lane));
    }
}

static void run_gateway(void) {
    while ((gateway.started < total || gateway.open != 0) && test_faults == 0) {
        clients_act();
        gateway_turn();
        if (setup->expire) {
            rig.dispatch.now_ms += chance(&gateway.random, 64) ? 1000 : 1;
            (void)dispatch_tick(&rig.dispatch);
        }
        if (gateway.started < total || gateway.open != 0) {
            gateway_sleep(true);
        }
    }
    /* The worker still owes the last events of what was cancelled. */
    atomic_store(&answered, true);
    (void)!send(rig.lanes[0].lane.params.socket, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (!atomic_load(&worker_ended)) {
        gateway_turn();
        gateway_sleep(false);
        (void)sched_yield();
    }
    gateway_turn();
}

#endif
