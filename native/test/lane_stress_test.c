/*
 * Both ends of a lane in two threads that sleep for real: exchanges of random sizes with random cancels, small rings, tight arenas.
 * Every byte is checked on both sides, every request runs once at most, and a sleep that nobody ends is a failure.
 * STRESS_EXCHANGES sets how many exchanges each case has.
 * Links: exchange.c dispatch.c pool.c request_block.c lane.c lane_send.c lane_receive.c lane_window.c arena.c
 * Links: ring_geometry.c test/worker_mirror.c
 */
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

/* --- the gateway's thread: clients that upload, read slowly, and go away --- */

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

/* --- the worker's thread: handlers --- */

enum job_state {
    NONE,
    QUEUED,
    RUNNING,
    OVER
};

struct job {
    enum job_state state;
    struct ring_event request;
    uint32_t id;
    struct plan plan;
    uint32_t window;
    bool wanting, answered, cancelled; /* a WANT was published; a CREDIT came since */
    uint32_t read;                     /* request body */
    bool read_all;
    uint32_t informs;
    bool proceeded, begun;
    uint32_t sent;
    struct ring_event ready; /* could not be published yet: the ring was full */
    bool has_ready;
    uint32_t held[MAX_UNITS]; /* inbound blocks */
    uint32_t held_count;
};

static struct {
    struct worker *worker;
    struct job jobs[MAX_SLOTS];
    uint32_t running;
    uint64_t random, sleeps, wants, starvations;
    bool starved, busy; /* in this turn */
} worker;

static void job_take_body(struct job *job, const struct ring_event *event) {
    CHECK(!job->read_all);
    if (event->body_length != 0) {
        (void)check_bytes(job->id, REQUEST_BODY, job->read, worker_inbound(worker.worker, event->body_offset),
                          event->body_length);
        job->read += event->body_length;
    }
    if ((event->flags & RING_FLAG_TRAILERS) != 0) {
        CHECK_UINT(event->head_length, job->plan.request_trailers);
        (void)check_bytes(job->id, REQUEST_TRAILERS, 0, worker_inbound(worker.worker, event->head_offset),
                          event->head_length);
    }
    if ((event->flags & RING_FLAG_END) != 0) {
        job->read_all = true;
        CHECK_UINT(job->read, job->plan.request);
    }
}

static void job_return_held(struct job *job, uint32_t left) {
    while (job->held_count > left) {
        uint32_t i = (uint32_t)test_random(&worker.random) % job->held_count;
        worker_return(worker.worker, job->held[i]);
        job->held[i] = job->held[--job->held_count];
    }
}

static void job_forget(struct job *job, enum job_state state) {
    job_return_held(job, 0);
    worker_return_event(worker.worker, &job->request);
    if (job->state == RUNNING) {
        worker.running--;
        worker.busy = true; /* another may start */
    }
    job->state = state;
}

static void on_event(const struct ring_event *event) {
    struct job *job = &worker.jobs[event->exchange];
    bool mine = event->generation == job->request.generation && (job->state == QUEUED || job->state == RUNNING);
    switch (event->kind) {
    case RING_EVENT_REQUEST: {
        CHECK(job->state == NONE || job->state == OVER); /* L5 */
        CHECK_UINT(event->generation, job->request.generation + 1);
        memset(job, 0, offsetof(struct job, held));
        job->held_count = 0;
        job->state = QUEUED;
        job->request = *event;
        job->window = event->credit;
        const uint8_t *head = worker_inbound(worker.worker, event->head_offset);
        memcpy(&job->id, head + sizeof(struct ring_request_head), sizeof(job->id));
        if (!CHECK(job->id < total)) {
            abort();
        }
        job->plan = plan_of(job->id);
        job_take_body(job, event);
        break;
    }
    case RING_EVENT_BODY:
        if (!mine) {
            worker_return_event(worker.worker, event);
            break;
        }
        job_take_body(job, event);
        if (event->head_block != RING_NO_BLOCK) {
            job->held[job->held_count++] = event->head_block;
        }
        if (event->body_block != RING_NO_BLOCK) {
            job->held[job->held_count++] = event->body_block;
        }
        break;
    case RING_EVENT_CREDIT:
        if (mine) {
            job->window += event->credit;
            job->wanting = false;
            job->answered = true;
        }
        break;
    default:
        CHECK_UINT(event->kind, RING_EVENT_CANCEL);
        if (mine && event->status != RING_CANCEL_HALF_CLOSED) {
            job->cancelled = true;
            if (job->state == QUEUED) {
                CHECK(!worker_claim(worker.worker, &job->request));
                job_forget(job, NONE);
            }
        }
        break;
    }
}

/* Publishes, or keeps the event until the ring has room. */
static bool job_publish(struct job *job, const struct ring_event *event) {
    job->has_ready = !worker_publish(worker.worker, event);
    job->ready = *event;
    if (job->has_ready) {
        worker.starved = true;
        worker.starvations++;
    }
    if (!job->has_ready && chance(&worker.random, 4)) {
        worker_signal(worker.worker);
    }
    return !job->has_ready;
}

static uint32_t job_want(struct job *job, uint32_t order) {
    if (!job->wanting) {
        struct ring_event want = worker_event(&job->request, RING_EVENT_WANT, 0);
        want.credit = RING_UNIT << order;
        job->wanting = true;
        worker.wants++;
        (void)job_publish(job, &want);
    }
    return RING_NO_BLOCK;
}

/*
 * A block for `bytes`, of `least` at least, within window and arena. RING_NO_BLOCK: what is missing was asked for. Some ask for all
 * of it first, and take less only when the answer was no.
 */
static uint32_t job_block(struct job *job, uint32_t bytes, uint32_t least) {
    uint32_t order = block_order_for(bytes);
    uint32_t lowest = block_order_for(least);
    if (RING_UNIT << order > job->window && !job->answered && (job->wanting || chance(&worker.random, 2))) {
        return job_want(job, order);
    }
    while (order > lowest && RING_UNIT << order > job->window) {
        order--;
    }
    if (RING_UNIT << order > job->window) {
        return job_want(job, order);
    }
    job->answered = false;
    for (;; order--) {
        uint32_t block = worker_block(worker.worker, RING_UNIT << order);
        if (block != RING_NO_BLOCK) {
            job->window -= block_size(block);
            return block;
        }
        CHECK(order != 0); /* 3.6: the arena has what the windows promise */
        if (order == lowest || chance(&worker.random, 2)) {
            worker.starved = true;
            worker.starvations++;
            return RING_NO_BLOCK;
        }
    }
}

/* Puts as many bytes of the part into the block as fit behind `offset`. */
static uint32_t fill(uint32_t block, uint32_t offset, uint32_t id, enum part part, uint32_t at, uint32_t length) {
    uint32_t space = block_size(block) - offset;
    uint32_t n = length < space ? length : space;
    memcpy(worker_memory(worker.worker, block) + offset, bytes_of(id, part, at), n);
    return n;
}

static void set_head(struct ring_event *event, uint32_t block, uint32_t length) {
    event->head_block = block;
    event->head_offset = block_start(block);
    event->head_length = length;
}

static void set_body(struct ring_event *event, uint32_t block, uint32_t offset, uint32_t length) {
    event->body_block = block;
    event->body_offset = block_start(block) + offset;
    event->body_length = length;
}

static bool job_begin(struct job *job) {
    struct ring_event event = worker_event(&job->request, RING_EVENT_RESPONSE, 0);
    event.total = job->plan.answer;
    uint32_t more = job->plan.shared ? job->plan.answer : 0;
    uint32_t block = job_block(job, job->plan.head + more < 30000 ? job->plan.head + more : 30000, job->plan.head);
    if (block == RING_NO_BLOCK) {
        return false;
    }
    set_head(&event, block, fill(block, 0, job->id, HEAD, 0, job->plan.head));
    if (more != 0) {
        uint32_t n = fill(block, job->plan.head, job->id, ANSWER, 0, more);
        set_body(&event, block, job->plan.head, n);
        job->sent = n;
    }
    job->begun = true;
    if (job->plan.joined && job->plan.trailers == 0 && job->sent == job->plan.answer && !job->plan.aborts) {
        event.flags = RING_FLAG_END;
    }
    return job_publish(job, &event);
}

/* More of the answer, or its end. */
static bool job_continue(struct job *job) {
    struct ring_event event = worker_event(&job->request, RING_EVENT_RESPONSE_BODY, 0);
    if (job->sent < job->plan.answer) {
        uint32_t left = job->plan.answer - job->sent;
        uint32_t most = left < RING_MAX_BLOCK ? left : RING_MAX_BLOCK;
        uint32_t block = job_block(job, 1 + (uint32_t)test_random(&worker.random) % most, 1);
        if (block == RING_NO_BLOCK) {
            return false;
        }
        uint32_t n = fill(block, 0, job->id, ANSWER, job->sent, left);
        set_body(&event, block, 0, n);
        job->sent += n;
        event.flags = job->sent == job->plan.answer && job->plan.joined && job->plan.trailers == 0 ? RING_FLAG_END : 0;
    } else {
        event.flags = RING_FLAG_END;
        if (job->plan.trailers != 0) {
            uint32_t block = job_block(job, job->plan.trailers, job->plan.trailers);
            if (block == RING_NO_BLOCK) {
                return false;
            }
            set_head(&event, block, fill(block, 0, job->id, TRAILERS, 0, job->plan.trailers));
            event.flags = RING_FLAG_END | RING_FLAG_TRAILERS;
        }
    }
    return job_publish(job, &event);
}

/* One step of a handler; false: it waits, or is over. */
static bool job_step(struct job *job) {
    if (job->has_ready) {
        struct ring_event ready = job->ready;
        if (!job_publish(job, &ready)) {
            return false;
        }
    }
    if (job->ready.kind == RING_EVENT_ABORT || (job->ready.flags & RING_FLAG_END) != 0) {
        job_forget(job, OVER); /* its last event was published: L3, L4 */
        return false;
    }
    if (chance(&worker.random, 64)) {
        worker.busy = true; /* computes */
        return false;
    }
    bool aborts = job->plan.aborts && job->sent >= job->plan.answer / 2;
    if (aborts || (job->cancelled && chance(&worker.random, 4))) {
        struct ring_event event = worker_event(&job->request, RING_EVENT_ABORT, 0);
        event.status = 500;
        return job_publish(job, &event);
    }
    if (job->plan.proceeds && !job->proceeded) {
        struct ring_event event = worker_event(&job->request, RING_EVENT_CONTINUE, 0);
        job->proceeded = true;
        return job_publish(job, &event);
    }
    if (job->plan.read_first && !job->read_all && !job->cancelled) {
        return false;
    }
    if (job->informs < job->plan.informs) {
        struct ring_event event = worker_event(&job->request, RING_EVENT_INFORM, 0);
        uint32_t block = job_block(job, 100, 100);
        if (block == RING_NO_BLOCK) {
            return false;
        }
        event.status = 103;
        set_head(&event, block, fill(block, 0, job->id, INFORM, job->informs, 100));
        job->informs++;
        return job_publish(job, &event);
    }
    return job->begun ? job_continue(job) : job_begin(job);
}

static void job_run(struct job *job) {
    if (job->state == QUEUED && worker.running < setup->running) {
        if (chance(&worker.random, 4)) {
            worker.busy = true; /* no thread is free at the moment */
        } else if (worker_claim(worker.worker, &job->request)) {
            CHECK_UINT(atomic_fetch_add(&runs[job->id], 1), 0);
            job->state = RUNNING;
            worker.running++;
        } else {
            job_forget(job, NONE); /* its CANCEL is under way */
        }
    }
    if (job->state == RUNNING) {
        job_return_held(job, chance(&worker.random, 4) ? job->held_count / 2 : 0);
        worker.busy |= job->held_count != 0;
        while (job_step(job)) {
        }
    }
}

static bool worker_turn(void) {
    struct ring_event event;
    uint32_t budget = 1 + (uint32_t)test_random(&worker.random) % 32;
    bool open = false;
    worker.busy = false;
    worker.starved = false;
    while (budget-- != 0 && worker_take(worker.worker, &event)) {
        on_event(&event);
    }
    uint32_t first = (uint32_t)test_random(&worker.random);
    for (uint32_t i = 0; i < setup->exchanges; i++) {
        struct job *job = &worker.jobs[(first + i) % setup->exchanges];
        job_run(job);
        open |= job->state == QUEUED || job->state == RUNNING;
    }
    worker_signal(worker.worker);
    return open;
}

static void *run_worker(void *unused) {
    (void)unused;
    while (test_faults == 0) {
        bool last = atomic_load(&answered); /* before the look at what is open */
        bool open = worker_turn();
        if (worker.busy) {
            (void)sched_yield();
            continue;
        }
        if (worker_arm(worker.worker, worker.starved)) {
            worker_disarm(worker.worker);
            continue;
        }
        if (last && !open) {
            break;
        }
        worker.sleeps++;
        if (!worker_sleep(worker.worker, LOST_MS)) {
            lost("worker");
        }
        worker_disarm(worker.worker);
    }
    atomic_store(&worker_ended, true);
    return NULL;
}

/* --- both --- */

/* Both sleep, or the other one is about to say the same. */
static void lost(const char *who) {
    const struct lane *lane = &rig.lanes[0].lane;
    fprintf(stderr, "%s: the %s slept %d ms with work to do: a wake-up was lost\n", setup->name, who, LOST_MS);
    fprintf(stderr, "lane: open %u free %u ended %u starved %u uncredited %u wanting %u parked %u held %u\n",
            lane->open_count, lane->free_count, lane->ended_count, lane->starved_count, lane->uncredited_count,
            lane->wanting_count, rig.dispatch.parked_count, lane->held_blocks);
    for (uint32_t i = 0; i < setup->exchanges; i++) {
        const struct lane_slot *slot = &lane->slots[i];
        const struct job *job = &worker.jobs[i];
        fprintf(stderr, "%u: gateway: state %u share %u window %u spent %u pending %u wanted %u lent %u\n", i,
                slot->state, slot->share, slot->window, slot->spent, slot->pending, slot->wanted, slot->lent);
        fprintf(stderr, "%u: worker: state %u id %u window %u wanting %u read %u of %u%s sent %u of %u ready %u\n", i,
                (unsigned)job->state, job->id, job->window, job->wanting, job->read, job->plan.request,
                job->read_all ? " (all)" : "", job->sent, job->plan.answer, job->has_ready);
    }
    _Exit(EXIT_FAILURE);
}

static void check_runs(void) {
    for (uint32_t id = 0; id < total; id++) {
        unsigned n = atomic_load(&runs[id]);
        switch (gateway.results[id]) {
        case COMPLETE:
        case ABORTED:
            CHECK_UINT(n, 1);
            break;
        case EXPIRED:
            CHECK_UINT(n, 0);
            break;
        default:
            CHECK_UINT(gateway.results[id], CANCELLED);
            CHECK(n <= 1);
            break;
        }
    }
}

static void stress(const struct setup *s) {
    pthread_t thread;
    setup = s;
    memset(&gateway, 0, sizeof(gateway));
    memset(&worker, 0, sizeof(worker));
    gateway.random = seed ^ 1;
    worker.random = seed ^ 2;
    gateway.results = calloc(total, 1);
    runs = calloc(total, sizeof(*runs));
    atomic_store(&answered, false);
    atomic_store(&worker_ended, false);
    rig_open(0, 2 * CLIENTS);
    rig_add_lane(s->slots, s->exchanges, s->units);
    worker.worker = &rig.workers[0];
    if (gateway.results == NULL || runs == NULL || pthread_create(&thread, NULL, run_worker, NULL) != 0) {
        abort();
    }
    run_gateway();
    (void)pthread_join(thread, NULL);
    if (test_faults == 0) {
        clients_flush(true);
        rig_swallow(0); /* CREDIT that crossed the last event, and is owed a look before its slot is free */
        rig_close();
        check_runs();
    }
    const struct lane_counters *n = &rig.lanes[0].lane.counters;
    printf("%s: %u complete, %u aborted, %u cancelled, %u expired; slept %" PRIu64 " and %" PRIu64 ", signals %" PRIu64
           " and %" PRIu64 ", wants %" PRIu64 ", starved %" PRIu64 ", stalls %" PRIu64 ", parked up to %" PRIu64 "\n",
           s->name, gateway.outcomes[COMPLETE], gateway.outcomes[ABORTED], gateway.outcomes[CANCELLED],
           gateway.outcomes[EXPIRED], gateway.sleeps, worker.sleeps, counter_get(&n->wakeups_sent),
           rig.workers[0].signals, worker.wants, worker.starvations, counter_get(&n->full_stalls),
           counter_get(&rig.dispatch.counters.parked_high_water));
    CHECK(gateway.sleeps + worker.sleeps != 0);
    free(gateway.results);
    free(runs);
}

#define STRESS(title, ...)                                           \
    static void test_##title(void) {                                 \
        static const struct setup s = {.name = #title, __VA_ARGS__}; \
        stress(&s);                                                  \
    }

/* One at a time: no later event hides that a wake-up was lost. */
STRESS(alone, .slots = 16, .exchanges = 4, .units = 64, .open = 1, .running = 1, .largest = 60000, .share = 64)
STRESS(one_slot, .slots = 4, .exchanges = 1, .units = 64, .open = 3, .running = 1, .largest = 60000, .share = 64)
STRESS(tight, .slots = 16, .exchanges = 4, .units = 64, .open = 6, .running = 4, .largest = MAX_BODY, .share = 256)
STRESS(few_handlers, .slots = 32, .exchanges = 8, .units = 64, .open = 12, .running = 2, .largest = 40000, .share = 128)
STRESS(many, .slots = 64, .exchanges = 16, .units = 256, .open = 20, .running = 16, .largest = 40000, .share = 128)
STRESS(cancels, .slots = 16, .exchanges = 4, .units = 64, .open = 8, .running = 2, .largest = 20000, .share = 8)
STRESS(deadlines, .slots = 16, .exchanges = 4, .units = 64, .open = 8, .running = 2, .largest = 20000, .share = 64,
       .expire = true)

int main(void) {
    const char *text = getenv("STRESS_EXCHANGES");
    total = text != NULL ? (uint32_t)strtoul(text, NULL, 0) : 5000;
    seed = test_seed();
    for (uint32_t i = 0; i < sizeof(pattern); i++) {
        pattern[i] = (uint8_t)(i * 7 + i / 251);
    }
    RUN(test_alone);
    RUN(test_one_slot);
    RUN(test_tight);
    RUN(test_few_handlers);
    RUN(test_many);
    RUN(test_cancels);
    RUN(test_deadlines);
    return test_report();
}
