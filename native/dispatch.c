#include "dispatch.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

/* Outbound events of one lane per turn, so that one worker cannot hold a loop. */
#define POLL_BUDGET 512u

static void discard(struct lane *lane, const int *files, uint32_t count) {
    struct dispatch_lane *dl = (struct dispatch_lane *)(void *)lane;
    dl->dispatch->calls->discard(dl, files, count);
}

static const struct lane_calls lane_calls = {
    .message = exchange_message, .resume = exchange_resume, .discard = discard};

int dispatch_init(struct dispatch *d, const struct dispatch_config *config, const struct dispatch_calls *calls,
                  counter *allocations) {
    *d = (struct dispatch){.config = *config, .calls = calls, .allocations = allocations};
    d->parked_tail = &d->parked_head;
    d->scratch = malloc(RING_MAX_BLOCK);
    return d->scratch == NULL ? -ENOMEM : 0;
}

void dispatch_free(struct dispatch *d) {
    free(d->scratch);
    d->scratch = NULL;
}

void dispatch_change(struct dispatch *d, const struct dispatch_config *config) {
    d->config = *config;
}

void dispatch_update_time(struct dispatch *d) {
    if (!d->time_is_fresh) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        d->now_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
        d->now_ms = d->now_ns / 1000000u;
        d->time_is_fresh = true;
    }
}

/* --- parked and waiting exchanges --- */

bool dispatch_park(struct dispatch *d, struct exchange *ex, bool first) {
    if (!first && d->parked_count >= d->config.park_limit) {
        counter_add(&d->counters.refused, 1);
        return false;
    }
    if (first) {
        ex->parked_next = d->parked_head;
        d->parked_head = ex;
        if (ex->parked_next == NULL) {
            d->parked_tail = &ex->parked_next;
        }
    } else {
        ex->parked_next = NULL;
        *d->parked_tail = ex;
        d->parked_tail = &ex->parked_next;
    }
    d->parked_count++;
    counter_set(&d->counters.parked, d->parked_count);
    counter_raise(&d->counters.parked_high_water, d->parked_count);
    return true;
}

void dispatch_unpark(struct dispatch *d, struct exchange *ex) {
    for (struct exchange **at = &d->parked_head; *at != NULL; at = &(*at)->parked_next) {
        if (*at == ex) {
            *at = ex->parked_next;
            if (ex->parked_next == NULL) {
                d->parked_tail = at;
            }
            d->parked_count--;
            counter_set(&d->counters.parked, d->parked_count);
            return;
        }
    }
}

void dispatch_wait(struct dispatch *d, struct exchange *ex) {
    ex->since_ms = d->now_ms;
    ex->waiting = true;
    ex->running = false;
    ex->newer = NULL;
    ex->older = d->newest;
    *(d->newest != NULL ? &d->newest->newer : &d->oldest) = ex;
    d->newest = ex;
}

void dispatch_unwait(struct dispatch *d, struct exchange *ex) {
    if (!ex->waiting) {
        return;
    }
    *(ex->older != NULL ? &ex->older->newer : &d->oldest) = ex->newer;
    *(ex->newer != NULL ? &ex->newer->older : &d->newest) = ex->older;
    ex->waiting = false;
}

/* Answers what no handler has begun. False: one has. */
static bool expire_waiting(struct dispatch *d, struct exchange *ex) {
    if (ex->state == EXCHANGE_PARKED) {
        dispatch_unpark(d, ex);
    } else if (ex->running || !lane_retract(ex->lane, ex->slot, RING_CANCEL_DEADLINE)) {
        return false;
    }
    counter_add(&d->counters.expired, 1);
    exchange_fail(ex, 503);
    return true;
}

bool dispatch_tick(struct dispatch *d) {
    uint64_t limit = d->config.request_timeout_ms != 0 ? d->config.request_timeout_ms : UINT64_MAX;
    uint64_t soonest = d->config.queue_deadline_ms < limit ? d->config.queue_deadline_ms : limit;
    for (struct exchange *ex = d->oldest; ex != NULL && d->now_ms - ex->since_ms >= soonest;) {
        struct exchange *newer = ex->newer;
        uint64_t age = d->now_ms - ex->since_ms;
        if (!expire_waiting(d, ex)) {
            ex->running = true; /* a handler has it: only the request's own limit applies */
            if (age >= limit) {
                counter_add(&d->counters.timed_out, 1);
                lane_cancel(ex->lane, ex->slot, RING_CANCEL_DEADLINE);
                exchange_fail(ex, 504);
            } else if (limit == UINT64_MAX) {
                dispatch_unwait(d, ex);
            }
        }
        ex = newer;
    }
    dispatch_look_at_progress(d);
    return d->oldest != NULL || dispatch_has_untaken(d);
}

/* --- placing --- */

static bool may_take(const struct dispatch *d, const struct dispatch_lane *dl, bool second) {
    bool chosen = second ? dl->state == DISPATCH_LANE_STANDBY && dl->second : dl->state == DISPATCH_LANE_ACTIVE;
    return chosen && !dl->lane.broken && !dl->stuck &&
           dl->lane.open_count - dl->lane.upgraded_count < d->config.in_flight;
}

static struct dispatch_lane *least_loaded(struct dispatch *d, bool second) {
    struct dispatch_lane *best = NULL;
    for (uint32_t i = 0; i < d->lane_count; i++) {
        struct dispatch_lane *candidate = d->lanes[i];
        if (may_take(d, candidate, second) && candidate->lane.free_count != 0 &&
            (best == NULL || candidate->lane.open_count < best->lane.open_count)) {
            best = candidate;
        }
    }
    return best;
}

static struct lane *place(struct dispatch *d, uint32_t size, bool second, uint32_t *slot, uint32_t *block,
                          uint8_t **memory) {
    struct dispatch_lane *best = least_loaded(d, second);
    if (best == NULL) {
        return NULL;
    }
    if (lane_begin(&best->lane, size, slot, block, memory) == 0) {
        return &best->lane;
    }
    /* The least loaded has no room for this size: any other may. */
    for (uint32_t i = 0; i < d->lane_count; i++) {
        struct dispatch_lane *other = d->lanes[i];
        if (other != best && may_take(d, other, second) && lane_begin(&other->lane, size, slot, block, memory) == 0) {
            return &other->lane;
        }
    }
    return NULL;
}

struct lane *dispatch_place(struct dispatch *d, uint32_t size, bool again, uint32_t *slot, uint32_t *block,
                            uint8_t **memory) {
    struct lane *lane = again ? place(d, size, true, slot, block, memory) : NULL;
    return lane != NULL ? lane : place(d, size, false, slot, block, memory);
}

static void place_parked(struct dispatch *d) {
    while (d->parked_head != NULL) {
        struct exchange *ex = d->parked_head;
        if (d->now_ms - ex->since_ms >= d->config.queue_deadline_ms) {
            (void)expire_waiting(d, ex); /* nobody waits for it any more */
            continue;
        }
        uint32_t slot = 0;
        uint32_t block = 0;
        uint8_t *memory = NULL;
        struct lane *lane =
            dispatch_place(d, ex->head_length + ex->first_length, ex->attempt != 0, &slot, &block, &memory);
        if (lane == NULL) {
            return;
        }
        dispatch_unpark(d, ex);
        exchange_publish_parked(ex, lane, slot, block, memory);
    }
}

/* --- lanes --- */

int dispatch_add_lane(struct dispatch *d, struct dispatch_lane *dl) {
    if (d->lane_count == sizeof(d->lanes) / sizeof(d->lanes[0])) {
        return -EAGAIN;
    }
    dl->dispatch = d;
    dl->lane.params.calls = &lane_calls;
    d->lanes[d->lane_count++] = dl;
    return 0;
}

static void remove_lane(struct dispatch_lane *dl) {
    struct dispatch *d = dl->dispatch;
    for (uint32_t i = 0; i < d->lane_count; i++) {
        if (d->lanes[i] == dl) {
            d->lanes[i] = d->lanes[--d->lane_count];
            break;
        }
    }
    d->calls->released(dl);
}

/* The one place where a lane's state changes: between standby and active as often as it takes, else only forward. False: not so. */
static bool set_lane_state(struct dispatch_lane *dl, enum dispatch_lane_state state) {
    static const uint8_t from[] = {
        [DISPATCH_LANE_STANDBY] = 1 << DISPATCH_LANE_ACTIVE,
        [DISPATCH_LANE_ACTIVE] = 1 << DISPATCH_LANE_STANDBY,
        [DISPATCH_LANE_DRAINING] = 1 << DISPATCH_LANE_STANDBY | 1 << DISPATCH_LANE_ACTIVE,
        [DISPATCH_LANE_DEAD] = 1 << DISPATCH_LANE_STANDBY | 1 << DISPATCH_LANE_ACTIVE | 1 << DISPATCH_LANE_DRAINING,
    };
    if ((from[state] >> dl->state & 1) == 0) {
        return false;
    }
    dl->state = state;
    counter_set(&dl->shown_state, state);
    return true;
}

void dispatch_set_active(struct dispatch_lane *dl, bool active) {
    (void)set_lane_state(dl, active ? DISPATCH_LANE_ACTIVE : DISPATCH_LANE_STANDBY);
}

void dispatch_drain(struct dispatch_lane *dl) {
    (void)set_lane_state(dl, DISPATCH_LANE_DRAINING);
}

void dispatch_end_streams(struct dispatch_lane *dl) {
    struct lane *lane = &dl->lane;
    for (uint32_t i = 0; i < lane->geometry.exchange_slots && lane->upgraded_count != 0; i++) {
        struct lane_slot *slot = lane_slot_of(lane, i);
        struct exchange *ex = slot->exchange;
        if (slot->state == LANE_SLOT_OPEN && slot->upgraded && ex != NULL) {
            lane_cancel(lane, i, RING_CANCEL_STOPPING);
            exchange_fail(ex, 503);
        }
    }
}

void dispatch_await_another(struct dispatch *d, struct exchange *ex) {
    if (!ex->waiting) {
        dispatch_wait(d, ex);
    }
    (void)!dispatch_park(d, ex, true);
}

/* What becomes of an exchange whose worker died; docs/design.md section 5. */
static void classify(struct dispatch *d, struct lane *lane, struct exchange *ex) {
    bool unclaimed = lane_take_request_back(lane, ex->slot);
    bool again = ex->state == EXCHANGE_SENT && !ex->pinned && lane_replayable(lane, ex->slot) &&
                 (unclaimed || (ex->safe && !ex->began && ex->attempt == 0));
    uint32_t slot = ex->slot;
    if (again && exchange_recall(ex) == 0) {
        lane_end_slot(lane, slot);
        lane_forget(lane, slot);
        if (!unclaimed) {
            ex->attempt++;
            counter_add(&d->counters.retried, 1);
        }
        counter_add(&d->counters.redispatched, 1);
        dispatch_await_another(d, ex);
        return;
    }
    counter_add(&d->counters.lost, 1);
    lane_end_slot(lane, slot);
    exchange_fail(ex, 502);
}

void dispatch_bury(struct dispatch_lane *dl) {
    struct dispatch *d = dl->dispatch;
    struct lane *lane = &dl->lane;
    if (!set_lane_state(dl, DISPATCH_LANE_DEAD)) {
        return;
    }
    /* A finished answer is still an answer. Nothing is published any more; the bound is for a ring that someone else writes. */
    for (uint32_t left = lane->geometry.ring_slots; left != 0;) {
        uint32_t n = lane_poll(lane, left);
        if (n == 0) {
            break;
        }
        left -= n;
    }
    /* Slot numbers say nothing of age: no order is promised between re-dispatched requests. */
    for (uint32_t i = 0; i < lane->geometry.exchange_slots; i++) {
        struct lane_slot *slot = lane_slot_of(lane, i);
        if (slot->state == LANE_SLOT_OPEN && slot->exchange != NULL) {
            classify(d, lane, slot->exchange);
        }
    }
    lane_files_drop(lane);
}

/* --- a turn of the loop --- */

bool dispatch_poll(struct dispatch *d) {
    bool more = false;
    for (uint32_t i = 0; i < d->lane_count; i++) {
        struct dispatch_lane *dl = d->lanes[i];
        if (dl->state != DISPATCH_LANE_DEAD) {
            more |= lane_poll(&dl->lane, POLL_BUDGET) == POLL_BUDGET;
            if (dl->lane.broken && !dl->broken_told) {
                dl->broken_told = true;
                counter_add(&d->counters.violations, 1);
                d->calls->broken(dl);
            }
        }
    }
    if (d->parked_head != NULL) {
        place_parked(d);
    }
    for (uint32_t i = 0; i < d->lane_count;) {
        struct dispatch_lane *dl = d->lanes[i];
        if (dl->state == DISPATCH_LANE_DEAD && lane_is_empty(&dl->lane)) {
            remove_lane(dl);
            continue;
        }
        if (dl->state == DISPATCH_LANE_DRAINING && dl->lane.open_count == 0 && !dl->idle_told) {
            dl->idle_told = true;
            d->calls->idle(dl);
        }
        i++;
    }
    return more;
}

void dispatch_wake(struct dispatch *d) {
    for (uint32_t i = 0; i < d->lane_count; i++) {
        if (d->lanes[i]->state != DISPATCH_LANE_DEAD) {
            lane_wake(&d->lanes[i]->lane);
        }
    }
}

bool dispatch_arm(struct dispatch *d) {
    bool more = false;
    for (uint32_t i = 0; i < d->lane_count; i++) {
        if (d->lanes[i]->state != DISPATCH_LANE_DEAD) {
            more |= lane_arm(&d->lanes[i]->lane, d->parked_count != 0);
            /* Found after the lane was looked at, say by giving a block back: to be told. */
            more |= d->lanes[i]->lane.broken && !d->lanes[i]->broken_told;
        } else {
            more |= lane_is_empty(&d->lanes[i]->lane); /* its last bytes were sent: to be released */
        }
    }
    return more;
}

void dispatch_disarm(struct dispatch *d) {
    for (uint32_t i = 0; i < d->lane_count; i++) {
        if (d->lanes[i]->state != DISPATCH_LANE_DEAD) {
            lane_disarm(&d->lanes[i]->lane);
        }
    }
}

uint32_t dispatch_open(const struct dispatch *d, uint64_t *progress) {
    uint32_t open = 0;
    *progress = 0;
    for (uint32_t i = 0; i < d->lane_count; i++) {
        const struct lane *lane = &d->lanes[i]->lane;
        open += lane->open_count;
        *progress += lane->in_tail + lane->out_head;
    }
    return open;
}

bool dispatch_parks(const struct dispatch *d) {
    return d->parked_head != NULL;
}

bool dispatch_under_pressure(const struct dispatch *d) {
    for (uint32_t i = 0; i < d->lane_count; i++) {
        if (d->lanes[i]->state != DISPATCH_LANE_DEAD && lane_under_pressure(&d->lanes[i]->lane)) {
            return true;
        }
    }
    return false;
}

bool dispatch_is_settled(const struct dispatch *d) {
    for (uint32_t i = 0; i < d->lane_count; i++) {
        const struct lane *lane = &d->lanes[i]->lane;
        if (d->lanes[i]->state != DISPATCH_LANE_DEAD && !lane->broken &&
            lane->free_count + lane->open_count != lane->geometry.exchange_slots) {
            return false;
        }
    }
    return true;
}
