#include "gw.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "admission.h"
#include "loop.h"
#include "ring_atomic.h"
#include "settings.h"

#define MAX_WORKERS 200  /* per gateway; below what a dispatch can list */
#define MAX_NOTICES 4096 /* refusals beyond it are counted only */

_Static_assert(H1_REASON_COUNT <= GW_REASONS, "statistics");

struct notice_node {
    struct notice_node *next;
    struct gw_notice notice;
};

/* How many loops are still to report on a worker. */
struct worker {
    uint64_t id;
    uint32_t idle_left;
    uint32_t released_left;
};

struct gw {
    struct loop *loops;
    uint32_t loop_count;
    struct admission admission;

    pthread_mutex_t mutex; /* of all below */
    pthread_cond_t notified;
    struct notice_node *notices;
    struct notice_node **notices_tail;
    uint32_t notice_count;
    bool closed;
    uint32_t loud_loops; /* not quiet yet */
    struct worker workers[MAX_WORKERS];
    uint32_t worker_count;
    struct loop_lane **lanes; /* for statistics */
    uint32_t lane_count;
    uint64_t questions;           /* listings that were asked for */
    struct loop_listing *listing; /* the last answer that nobody has taken */
    pthread_cond_t listed;
};

int gw_new(const struct gw_config *config, struct gw **out) {
    struct gw *gw = calloc(1, sizeof(*gw));
    if (gw == NULL) {
        return -ENOMEM;
    }
    gw->loop_count = config->loops;
    gw->loops = calloc(config->loops, sizeof(*gw->loops));
    gw->lanes = calloc((size_t)config->loops * MAX_WORKERS, sizeof(struct loop_lane *));
    struct settings *settings = settings_new(&config->settings, config->loops);
    uint64_t seed = 0;
    int rc = gw->loops == NULL || gw->lanes == NULL || settings == NULL ? -ENOMEM : 0;
    if (rc == 0 && getrandom(&seed, sizeof(seed), 0) != sizeof(seed)) {
        rc = -errno;
    }
    bool counting = rc == 0 && (rc = admission_init(&gw->admission, seed)) == 0;
    uint32_t ready = 0;
    while (rc == 0 && ready < config->loops) {
        rc = loop_init(&gw->loops[ready], gw, ready, settings, &gw->admission, config);
        ready += rc == 0;
    }
    if (rc != 0) {
        for (uint32_t i = 0; i < config->loops && settings != NULL; i++) {
            if (i < ready) {
                loop_free(&gw->loops[i]);
            } else {
                settings_release(settings);
            }
        }
        if (counting) {
            admission_free(&gw->admission);
        }
        free(gw->loops);
        free(gw->lanes);
        free(gw);
        return rc;
    }
    pthread_mutex_init(&gw->mutex, NULL);
    pthread_cond_init(&gw->notified, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&gw->listed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    gw->notices_tail = &gw->notices;
    gw->loud_loops = config->loops;
    *out = gw;
    return 0;
}

void gw_run_loop(struct gw *gw, uint32_t index) {
    loop_run(&gw->loops[index]);
}

void gw_free(struct gw *gw) {
    for (uint32_t i = 0; i < gw->loop_count; i++) {
        loop_free(&gw->loops[i]);
    }
    while (gw->notices != NULL) {
        struct notice_node *node = gw->notices;
        gw->notices = node->next;
        free(node);
    }
    admission_free(&gw->admission);
    pthread_mutex_destroy(&gw->mutex);
    pthread_cond_destroy(&gw->notified);
    pthread_cond_destroy(&gw->listed);
    free(gw->listing);
    free(gw->loops);
    free(gw->lanes);
    free(gw);
}

/* --- commands --- */

static int post(struct gw *gw, uint32_t loop, struct loop_command command) {
    struct loop_command *copy = malloc(sizeof(*copy));
    if (copy == NULL) {
        return -ENOMEM;
    }
    *copy = command;
    loop_post(&gw->loops[loop], copy);
    return 0;
}

static void post_all(struct gw *gw, struct loop_command command) {
    for (uint32_t i = 0; i < gw->loop_count; i++) {
        /* A few bytes: without them the gateway cannot go on in a defined way. */
        if (post(gw, i, command) != 0) {
            abort();
        }
    }
}

int gw_change(struct gw *gw, const struct gw_settings *to) {
    struct settings *settings = settings_new(to, gw->loop_count);
    if (settings == NULL) {
        return -ENOMEM;
    }
    post_all(gw, (struct loop_command){.kind = LOOP_CHANGE, .settings = settings});
    return 0;
}

int gw_listen(struct gw *gw, uint32_t loop, int fd, bool proxy) {
    return post(gw, loop, (struct loop_command){.kind = LOOP_LISTEN, .fd = fd, .proxy = proxy});
}

int gw_attach(struct gw *gw, const struct gw_attachment *attachment) {
    uint32_t loops = gw->loop_count;
    struct ring_geometry geometry = {.lanes = loops,
                                     .ring_slots = attachment->ring_slots,
                                     .exchange_slots = attachment->exchange_slots,
                                     .arena_units = attachment->arena_units};
    int rc = ring_geometry_init(&geometry);
    if (rc != 0) {
        return rc;
    }
    struct loop_lane **made = calloc(loops, sizeof(struct loop_lane *));
    if (made == NULL) {
        return -ENOMEM;
    }
    uint32_t count = 0;
    for (; rc == 0 && count < loops; count++) {
        made[count] = calloc(1, sizeof(struct loop_lane));
        struct lane_params params = {.worker = attachment->worker,
                                     .index = count,
                                     .geometry = geometry,
                                     .inbound = attachment->inbound,
                                     .outbound = attachment->outbound,
                                     .socket = attachment->sockets[count]};
        rc = made[count] == NULL ? -ENOMEM : lane_open(&made[count]->lane.lane, &params);
    }
    pthread_mutex_lock(&gw->mutex);
    if (rc == 0 && gw->worker_count == MAX_WORKERS) {
        rc = -EUSERS;
    }
    if (rc == 0) {
        gw->workers[gw->worker_count++] = (struct worker){attachment->worker, loops, loops};
        for (uint32_t i = 0; i < loops; i++) {
            gw->lanes[gw->lane_count++] = made[i];
        }
    }
    pthread_mutex_unlock(&gw->mutex);
    for (uint32_t i = 0; i < count; i++) {
        if (rc != 0) {
            if (made[i] != NULL) {
                made[i]->lane.lane.params.socket = -1; /* stays the caller's */
                lane_close(&made[i]->lane.lane);
                free(made[i]);
            }
        } else if (post(gw, i, (struct loop_command){.kind = LOOP_ATTACH, .lane = made[i]}) != 0) {
            abort();
        }
    }
    free(made);
    return rc;
}

int gw_select(struct gw *gw, const uint64_t *workers, uint32_t count, uint32_t all) {
    struct loop_selection **each = calloc(gw->loop_count, sizeof(struct loop_selection *));
    bool complete = each != NULL;
    for (uint32_t i = 0; complete && i < gw->loop_count; i++) {
        each[i] = malloc(sizeof(**each) + all * sizeof(*workers));
        complete = each[i] != NULL;
        if (complete) {
            each[i]->count = count;
            each[i]->all = all;
            if (all != 0) {
                memcpy(each[i]->workers, workers, all * sizeof(*workers));
            }
        }
    }
    for (uint32_t i = 0; each != NULL && i < gw->loop_count; i++) {
        if (!complete) {
            free(each[i]);
        } else if (post(gw, i, (struct loop_command){.kind = LOOP_SELECT, .selection = each[i]}) != 0) {
            abort();
        }
    }
    free(each);
    return complete ? 0 : -ENOMEM;
}

int gw_probe(struct gw *gw, uint64_t worker, const char *path, uint64_t round) {
    for (uint32_t i = 0; i < gw->loop_count; i++) {
        char *copy = strdup(path);
        struct loop_command command = {.kind = LOOP_PROBE, .worker = worker, .path = copy, .round = round};
        if (copy == NULL || post(gw, i, command) != 0) {
            free(copy);
            return -ENOMEM;
        }
    }
    return 0;
}

void gw_drain(struct gw *gw, uint64_t worker) {
    post_all(gw, (struct loop_command){.kind = LOOP_DRAIN, .worker = worker});
}

void gw_end_streams(struct gw *gw, uint64_t worker) {
    post_all(gw, (struct loop_command){.kind = LOOP_END_STREAMS, .worker = worker});
}

void gw_detach(struct gw *gw, uint64_t worker) {
    post_all(gw, (struct loop_command){.kind = LOOP_DETACH, .worker = worker});
}

void gw_announce_stop(struct gw *gw) {
    post_all(gw, (struct loop_command){.kind = LOOP_ANNOUNCE_STOP});
}

void gw_stop_accepting(struct gw *gw, bool keep_idle) {
    post_all(gw, (struct loop_command){.kind = LOOP_STOP_ACCEPTING, .keep_idle = keep_idle});
}

void gw_cut(struct gw *gw) {
    post_all(gw, (struct loop_command){.kind = LOOP_CUT});
}

void gw_close(struct gw *gw) {
    post_all(gw, (struct loop_command){.kind = LOOP_EXIT});
    pthread_mutex_lock(&gw->mutex);
    gw->closed = true;
    pthread_cond_broadcast(&gw->notified);
    pthread_mutex_unlock(&gw->mutex);
}

/* --- notices --- */

void gw_notify(struct gw *gw, const struct gw_notice *notice) {
    pthread_mutex_lock(&gw->mutex);
    bool dropped = notice->kind == GW_NOTICE_REFUSED && gw->notice_count >= MAX_NOTICES;
    struct notice_node *node = dropped ? NULL : malloc(sizeof(*node));
    if (node != NULL) {
        node->next = NULL;
        node->notice = *notice;
        *gw->notices_tail = node;
        gw->notices_tail = &node->next;
        gw->notice_count++;
        pthread_cond_signal(&gw->notified);
    } else if (!dropped && notice->kind != GW_NOTICE_ACCESS) {
        abort(); /* a lost notice would leave a worker or a shutdown hanging */
    }
    pthread_mutex_unlock(&gw->mutex);
}

bool gw_next_notice(struct gw *gw, struct gw_notice *out) {
    pthread_mutex_lock(&gw->mutex);
    while (gw->notices == NULL && !gw->closed) {
        pthread_cond_wait(&gw->notified, &gw->mutex);
    }
    struct notice_node *node = gw->notices;
    if (node != NULL) {
        gw->notices = node->next;
        if (gw->notices == NULL) {
            gw->notices_tail = &gw->notices;
        }
        gw->notice_count--;
        *out = node->notice;
    }
    pthread_mutex_unlock(&gw->mutex);
    free(node);
    return node != NULL;
}

static struct worker *find_worker(struct gw *gw, uint64_t id) {
    for (uint32_t i = 0; i < gw->worker_count; i++) {
        if (gw->workers[i].id == id) {
            return &gw->workers[i];
        }
    }
    return NULL;
}

void gw_lane_idle(struct gw *gw, uint64_t id) {
    pthread_mutex_lock(&gw->mutex);
    struct worker *worker = find_worker(gw, id);
    bool last = worker != NULL && --worker->idle_left == 0;
    pthread_mutex_unlock(&gw->mutex);
    if (last) {
        gw_notify(gw, &(struct gw_notice){.kind = GW_NOTICE_IDLE, .worker = id});
    }
}

void gw_lane_released(struct gw *gw, struct loop_lane *lane) {
    uint64_t id = lane->lane.lane.params.worker;
    pthread_mutex_lock(&gw->mutex);
    for (uint32_t i = 0; i < gw->lane_count; i++) {
        if (gw->lanes[i] == lane) {
            gw->lanes[i] = gw->lanes[--gw->lane_count];
            break;
        }
    }
    struct worker *worker = find_worker(gw, id);
    bool last = worker != NULL && --worker->released_left == 0;
    if (last) {
        *worker = gw->workers[--gw->worker_count];
    }
    pthread_mutex_unlock(&gw->mutex);
    lane_close(&lane->lane.lane);
    free(lane);
    if (last) {
        gw_notify(gw, &(struct gw_notice){.kind = GW_NOTICE_RELEASED, .worker = id});
    }
}

void gw_loop_quiet(struct gw *gw) {
    pthread_mutex_lock(&gw->mutex);
    bool last = --gw->loud_loops == 0;
    pthread_mutex_unlock(&gw->mutex);
    if (last) {
        gw_notify(gw, &(struct gw_notice){.kind = GW_NOTICE_QUIET});
    }
}

uint64_t gw_take_access(struct gw *gw, uint32_t index, uint8_t *out, uint64_t room, int64_t *to_wall_ns) {
    struct access_queue *queue = &gw->loops[index].server.access.queue;
    struct timespec monotonic;
    struct timespec wall;
    clock_gettime(CLOCK_MONOTONIC, &monotonic);
    clock_gettime(CLOCK_REALTIME, &wall);
    *to_wall_ns = ((int64_t)wall.tv_sec - (int64_t)monotonic.tv_sec) * 1000000000 + (wall.tv_nsec - monotonic.tv_nsec);
    return queue->bytes == NULL ? 0 : access_queue_take(queue, out, room);
}

/* --- statistics --- */

_Static_assert(GW_BUCKETS == HISTOGRAM_BOUNDS + 1, "buckets are copied");

static void read_histogram(const struct histogram *histogram, uint64_t counts[GW_BUCKETS], uint64_t *sum_ns) {
    for (unsigned i = 0; i < GW_BUCKETS; i++) {
        counts[i] = counter_get(&histogram->counts[i]);
    }
    *sum_ns = counter_get(&histogram->sum_ns);
}

void gw_read_loop(struct gw *gw, uint32_t index, struct gw_loop_stats *out) {
    struct loop *loop = &gw->loops[index];
    const struct h1_counters *h1 = &loop->server.counters;
    const struct dispatch_counters *d = &loop->dispatch.counters;
    *out = (struct gw_loop_stats){
        .connections_open = counter_get(&h1->connections_open),
        .connections_busy = counter_get(&h1->connections_busy),
        .connections_accepted = counter_get(&h1->connections_accepted),
        .requests = counter_get(&h1->requests),
        .native_answers = counter_get(&h1->native_answers),
        .static_answers = counter_get(&h1->static_answers),
        .static_bytes = counter_get(&h1->static_bytes),
        .files = counter_get(&h1->files),
        .file_bytes = counter_get(&h1->file_bytes),
        .request_timeouts = counter_get(&d->timed_out),
        .idle_timeouts = counter_get(&h1->timed_out[H1_TIMER_IDLE]),
        .upgraded = counter_get(&h1->upgraded),
        .upgraded_ever = counter_get(&h1->upgraded_ever),
        .upgrade_timeouts = counter_get(&h1->timed_out[H1_TIMER_STREAM]),
        .head_timeouts = counter_get(&h1->timed_out[H1_TIMER_HEAD]),
        .body_timeouts = counter_get(&h1->timed_out[H1_TIMER_BODY]),
        .send_timeouts = counter_get(&h1->send_timeouts),
        .bytes_in = counter_get(&h1->bytes_in),
        .bytes_out = counter_get(&h1->bytes_out),
        .cut = counter_get(&h1->cut),
        .evicted = counter_get(&h1->evicted),
        .aside_bytes = counter_get(&h1->aside_bytes),
        .parked = counter_get(&d->parked),
        .parked_high_water = counter_get(&d->parked_high_water),
        .expired = counter_get(&d->expired),
        .park_refused = counter_get(&d->refused),
        .redispatched = counter_get(&d->redispatched),
        .retried = counter_get(&d->retried),
        .taken_back = counter_get(&d->taken_back),
        .lost = counter_get(&d->lost),
        .violations = counter_get(&d->violations),
        .allocations = counter_get(&loop->allocations),
        .iterations = counter_get(&loop->iterations),
        .access_lines = counter_get(&loop->server.access.lines),
        .access_dropped = counter_get(&loop->server.access.queue.dropped),
    };
    for (unsigned i = 0; i < 6; i++) {
        out->answers[i] = counter_get(&h1->answers[i]);
    }
    for (unsigned i = 0; i < H1_REASON_COUNT; i++) {
        out->refused[i] = counter_get(&h1->refused[i]);
    }
    const struct h1_latency *latency = &loop->server.latency;
    read_histogram(&latency->queue, out->latency[GW_SPAN_QUEUE], &out->latency_sum_ns[GW_SPAN_QUEUE]);
    read_histogram(&latency->handler, out->latency[GW_SPAN_HANDLER], &out->latency_sum_ns[GW_SPAN_HANDLER]);
    read_histogram(&latency->total, out->latency[GW_SPAN_TOTAL], &out->latency_sum_ns[GW_SPAN_TOTAL]);
}

uint64_t gw_bucket_bound(uint32_t bucket) {
    return bucket < HISTOGRAM_BOUNDS ? histogram_bounds[bucket] : 0;
}

uint32_t gw_read_lanes(struct gw *gw, struct gw_lane_stats *out, uint32_t capacity) {
    pthread_mutex_lock(&gw->mutex);
    uint32_t count = gw->lane_count;
    for (uint32_t i = 0; i < count && i < capacity; i++) {
        struct lane *lane = &gw->lanes[i]->lane.lane;
        const struct lane_counters *c = &lane->counters;
        uint64_t published = counter_get(&c->published);
        /* Straight from the worker's word, bounded: the loop looks at it only when it has to. */
        uint64_t acknowledged = ring_load_index(&lane->out->in_head);
        if (acknowledged > published) {
            acknowledged = published;
        }
        out[i] = (struct gw_lane_stats){
            .worker = lane->params.worker,
            .loop = lane->params.index,
            .state = (uint32_t)counter_get(&gw->lanes[i]->lane.shown_state),
            .slots = lane->geometry.ring_slots,
            .exchange_slots = lane->geometry.exchange_slots,
            .depth = published - acknowledged,
            .depth_high_water = counter_get(&c->depth_high_water),
            .published = published,
            .acknowledged = acknowledged,
            .completed = counter_get(&c->completed),
            .cancelled = counter_get(&c->cancelled),
            .wakeups_sent = counter_get(&c->wakeups_sent),
            .wakeups_avoided = counter_get(&c->wakeups_avoided),
            .full_stalls = counter_get(&c->full_stalls),
            .in_flight = counter_get(&c->in_flight),
            .arena_size = (uint64_t)lane->geometry.arena_units * RING_UNIT,
            .arena_bytes = counter_get(&c->arena_bytes),
            .arena_high_water = counter_get(&c->arena_high_water),
            .held_bytes = counter_get(&c->held_bytes),
            .held_high_water = counter_get(&c->held_high_water),
        };
        for (unsigned class = 0; class < 6; class ++) {
            out[i].answers[class] = counter_get(&c->answers[class]);
        }
    }
    pthread_mutex_unlock(&gw->mutex);
    return count;
}

void gw_listed(struct gw *gw, struct loop_listing *listing) {
    pthread_mutex_lock(&gw->mutex);
    free(gw->listing); /* somebody stopped waiting for it */
    gw->listing = listing;
    pthread_cond_signal(&gw->listed);
    pthread_mutex_unlock(&gw->mutex);
}

static struct loop_listing *wait_listed(struct gw *gw, uint64_t number, uint64_t wait_ns) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    uint64_t end = (uint64_t)until.tv_nsec + wait_ns;
    until.tv_sec += (time_t)(end / 1000000000u);
    until.tv_nsec = (long)(end % 1000000000u);
    struct loop_listing *found = NULL;
    pthread_mutex_lock(&gw->mutex);
    int rc = 0;
    while (rc == 0 && (gw->listing == NULL || gw->listing->number != number)) {
        rc = pthread_cond_timedwait(&gw->listed, &gw->mutex, &until);
    }
    if (gw->listing != NULL && gw->listing->number == number) {
        found = gw->listing;
        gw->listing = NULL;
    }
    pthread_mutex_unlock(&gw->mutex);
    return found;
}

int gw_list(struct gw *gw, uint32_t loop, struct gw_request *out, uint32_t capacity, uint64_t wait_ns,
            uint32_t *count) {
    struct loop_listing *listing = malloc(sizeof(*listing) + capacity * sizeof(*out));
    if (listing == NULL) {
        return -ENOMEM;
    }
    pthread_mutex_lock(&gw->mutex);
    uint64_t number = ++gw->questions;
    pthread_mutex_unlock(&gw->mutex);
    listing->number = number;
    listing->capacity = capacity;
    int rc = post(gw, loop, (struct loop_command){.kind = LOOP_LIST, .listing = listing});
    if (rc != 0) {
        free(listing);
        return rc;
    }
    listing = wait_listed(gw, number, wait_ns);
    if (listing == NULL) {
        return -ETIME;
    }
    *count = listing->count;
    memcpy(out, listing->requests, (listing->count < capacity ? listing->count : capacity) * sizeof(*out));
    free(listing);
    return 0;
}

uint64_t gw_heap_bytes(void) {
    struct mallinfo2 info = mallinfo2(); /* of all arenas */
    return info.uordblks + info.hblkhd;
}

const char *gw_reason_text(uint32_t reason) {
    return reason < H1_REASON_COUNT ? h1_reason_text((enum h1_reason)reason) : NULL;
}
