/* The worker's thread of lane_stress_test.c: handlers. */
#ifndef LANE_STRESS_WORKER_H
#define LANE_STRESS_WORKER_H

#include "lane_stress.h"

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

#endif
