/*
 * Chooses the worker for an exchange: of the active lanes of this loop the one with the least in flight; parks what no lane can
 * take, expires what waited too long, and classifies what a dead worker left (docs/design.md section 5). One per loop.
 */
#ifndef DISPATCH_H
#define DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "exchange.h"
#include "lane.h"
#include "pool.h"

enum dispatch_lane_state {
    DISPATCH_LANE_STANDBY = 0, /* takes none: its worker is not ready, or its release not the active one */
    DISPATCH_LANE_ACTIVE,      /* takes requests */
    DISPATCH_LANE_DRAINING,    /* finishes what it has */
    DISPATCH_LANE_DEAD,        /* its worker is gone; blocks of it are still being sent */
};

struct dispatch_lane {
    struct lane lane; /* first */
    enum dispatch_lane_state state;
    counter shown_state; /* the same, for other threads */
    bool idle_told;
    bool broken_told;
    bool second;              /* in standby, takes what handlers of another release's workers had when these died */
    bool stuck;               /* events wait, and the worker takes none */
    uint64_t acknowledged;    /* when it was last looked at */
    uint64_t acknowledged_ms; /* when that has last changed, or nothing waited */
    uint64_t nudged_ms;       /* when it was last asked for a sign of life */
    struct dispatch *dispatch;
    void *watcher; /* the loop's */
};

struct dispatch_counters {
    counter parked;
    counter parked_high_water;
    counter expired;
    counter timed_out; /* handlers beyond the request timeout */
    counter refused;   /* park limit */
    counter redispatched;
    counter retried;
    counter lost;       /* answered 502 or cut because their worker died */
    counter taken_back; /* from workers that were stuck */
    counter violations;
};

struct dispatch_calls {
    void (*broken)(struct dispatch_lane *lane);   /* the worker broke the protocol: end it */
    void (*idle)(struct dispatch_lane *lane);     /* draining, and nothing is in flight */
    void (*released)(struct dispatch_lane *lane); /* dead, and nothing refers to it: free it */
    void (*stuck)(struct dispatch_lane *lane);    /* lane->stuck has changed */
    /* Files to be closed, which may take its time. */
    void (*discard)(struct dispatch_lane *lane, const int *files, uint32_t count);
};

struct dispatch_config {
    uint32_t park_limit;
    uint32_t in_flight; /* per lane */
    uint64_t queue_deadline_ms;
    uint64_t request_timeout_ms; /* until the answer begins; 0: without end */
    uint64_t stuck_ms;           /* without an event taken while some wait; 0: never */
};

struct dispatch {
    struct dispatch_config config;
    const struct dispatch_calls *calls;
    struct dispatch_lane *lanes[256];
    uint32_t lane_count;
    struct exchange *parked_head;
    struct exchange **parked_tail;
    uint32_t parked_count;
    struct exchange *oldest;
    struct exchange *newest;
    uint64_t now_ms;
    uint64_t now_ns;
    bool time_is_fresh; /* read since the loop last slept */
    uint8_t *scratch;   /* RING_MAX_BLOCK bytes: heads copied out of segments */
    counter *allocations;
    struct dispatch_counters counters;
};

__attribute__((warn_unused_result)) int dispatch_init(struct dispatch *dispatch, const struct dispatch_config *config,
                                                      const struct dispatch_calls *calls, counter *allocations);
void dispatch_free(struct dispatch *dispatch);
void dispatch_change(struct dispatch *dispatch, const struct dispatch_config *config);

/* --- lanes --- */
__attribute__((warn_unused_result)) int dispatch_add_lane(struct dispatch *dispatch, struct dispatch_lane *lane);
/* Lets requests go to the lane, or no new ones. What drains goes on draining. */
void dispatch_set_active(struct dispatch_lane *lane, bool active);
void dispatch_drain(struct dispatch_lane *lane);
/* The drain limit has passed: cuts the lane's streams, and tells the worker. */
void dispatch_end_streams(struct dispatch_lane *lane);
/* The worker is gone: consumes its ring to the tail, then classifies its exchanges (docs/design.md section 5). */
void dispatch_bury(struct dispatch_lane *lane);

/* --- one turn of the loop --- */
/* Reads the clock, at most once between two sleeps of the loop. Whatever starts exchanges calls it first. */
void dispatch_update_time(struct dispatch *dispatch);
/* Handles outbound events of all lanes. True if some lane has more than its budget. */
bool dispatch_poll(struct dispatch *dispatch);
void dispatch_wake(struct dispatch *dispatch);
/* True if there is something to do after all. */
bool dispatch_arm(struct dispatch *dispatch);
void dispatch_disarm(struct dispatch *dispatch);
/* Expires what waited too long; call it some times a second. True while anything waits. */
bool dispatch_tick(struct dispatch *dispatch);
/* Finds lanes whose worker takes nothing; a part of the tick. */
void dispatch_look_at_progress(struct dispatch *dispatch);
/* Whether some lane has events that its worker has not taken as far as is known. */
bool dispatch_has_untaken(const struct dispatch *dispatch);
bool dispatch_under_pressure(const struct dispatch *dispatch);
/* Whether requests are parked. */
bool dispatch_parks(const struct dispatch *dispatch);
/* How many exchanges are in workers' hands; *progress changes with every event that was sent or taken. */
uint32_t dispatch_open(const struct dispatch *dispatch, uint64_t *progress);
/* No exchange is over whose slot still waits for its blocks. That they came back wakes nobody: look again after a while. */
bool dispatch_is_settled(const struct dispatch *dispatch);

/* --- for exchange --- */
/* A lane with room for a request block of `size` bytes, or NULL. again: a handler had it when its worker died. */
struct lane *dispatch_place(struct dispatch *dispatch, uint32_t size, bool again, uint32_t *slot, uint32_t *block,
                            uint8_t **memory);
/* False: the park limit is reached. */
__attribute__((warn_unused_result)) bool dispatch_park(struct dispatch *dispatch, struct exchange *exchange,
                                                       bool first);
/* A request that was taken back waits for another worker, in front of all that wait already. */
void dispatch_await_another(struct dispatch *dispatch, struct exchange *exchange);
void dispatch_unpark(struct dispatch *dispatch, struct exchange *exchange);
void dispatch_wait(struct dispatch *dispatch, struct exchange *exchange);
void dispatch_unwait(struct dispatch *dispatch, struct exchange *exchange);

#endif
