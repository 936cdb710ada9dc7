/* Workers that are attached and do nothing: stopped, or deadlocked. docs/design.md section 5. */
#include "dispatch.h"

/* No handler has begun them: others may have them. */
static void take_back(struct dispatch *d, struct lane *lane) {
    for (uint32_t i = 0; i < lane->geometry.exchange_slots; i++) {
        struct lane_slot *slot = lane_slot_of(lane, i);
        struct exchange *ex = slot->exchange;
        if (slot->state != LANE_SLOT_OPEN || ex == NULL || ex->pinned || ex->state != EXCHANGE_SENT ||
            !lane_replayable(lane, i) || !lane_retract(lane, i, RING_CANCEL_DEADLINE)) {
            continue;
        }
        if (exchange_recall(ex) != 0) {
            exchange_fail(ex, 503);
            continue;
        }
        lane_forget(lane, i);
        counter_add(&d->counters.taken_back, 1);
        dispatch_await_another(d, ex);
    }
}

/*
 * A worker can be stopped when it has taken all events, and keep requests that no handler has begun: nothing new would come to it
 * while others have less to do, and so nothing tell. If one waits for long, it gets an event that says nothing.
 */
static void ask_for_life(struct dispatch *d, struct dispatch_lane *dl) {
    struct lane *lane = &dl->lane;
    uint64_t patience = d->config.stuck_ms / 2;
    if (d->config.stuck_ms == 0 || lane->open_count == 0 || d->now_ms - dl->nudged_ms < patience) {
        return;
    }
    for (uint32_t i = 0; i < lane->geometry.exchange_slots; i++) {
        const struct lane_slot *slot = lane_slot_of(lane, i);
        const struct exchange *ex = slot->exchange;
        if (slot->state == LANE_SLOT_OPEN && ex != NULL && d->now_ms - ex->since_ms >= patience &&
            lane_is_queued(lane, i) && lane_nudge(lane, i)) {
            return;
        }
    }
}

/* A stopped or deadlocked worker takes no event although some wait. It gets nothing new until it does. */
static void look_at_progress(struct dispatch *d, struct dispatch_lane *dl) {
    lane_refresh_in_head(&dl->lane);
    if (dl->lane.broken) {
        return;
    }
    uint64_t acknowledged = dl->lane.in_head;
    if (acknowledged != dl->acknowledged || acknowledged == dl->lane.in_tail || dl->acknowledged_ms == 0) {
        dl->acknowledged = acknowledged;
        dl->acknowledged_ms = d->now_ms;
        if (dl->stuck) {
            dl->stuck = false;
            d->calls->stuck(dl);
        }
        if (acknowledged == dl->lane.in_tail) {
            ask_for_life(d, dl);
        }
    } else if (!dl->stuck && d->config.stuck_ms != 0 && d->now_ms - dl->acknowledged_ms >= d->config.stuck_ms) {
        dl->stuck = true;
        d->calls->stuck(dl);
    }
    if (dl->stuck) {
        take_back(d, &dl->lane);
    }
}

void dispatch_look_at_progress(struct dispatch *d) {
    for (uint32_t i = 0; i < d->lane_count; i++) {
        if (d->lanes[i]->state != DISPATCH_LANE_DEAD && !d->lanes[i]->lane.broken) {
            look_at_progress(d, d->lanes[i]);
        }
    }
}

bool dispatch_has_untaken(const struct dispatch *d) {
    for (uint32_t i = 0; i < d->lane_count; i++) {
        const struct dispatch_lane *dl = d->lanes[i];
        if (dl->state != DISPATCH_LANE_DEAD && !dl->lane.broken && dl->lane.in_head != dl->lane.in_tail) {
            return true;
        }
    }
    return false;
}
