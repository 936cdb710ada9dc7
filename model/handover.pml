/*
 * What becomes of a request while its worker is replaced, gets stuck, crashes, or all of that: design.md sections 5, 9 and 9.1.
 *
 * Request 0 is safe to repeat, request 1 is not. Worker 0 has the requests at first; worker 1 takes its place at any time (a
 * replacement, or the next release), or stays beside it. A worker may stop at any point, for a while or for good, and may be killed.
 * A claim word for each request and worker; `events` is whether a worker has events that it has not taken.
 *
 * Shown: each request is answered exactly once; the unsafe one is executed at most once, the safe one at most twice; nobody gets a
 * 502 whose worker was only replaced or stuck; a worker that was replaced is let go.
 */
mtype = { FREE, QUEUED, CLAIMED, CANCELLED };
mtype = { OFF, ON, CLOSING, DEAD }; /* lanes */

#define AT(r, w) (2 * (r) + (w))
#define NOBODY 2
mtype claim[4];
bool out[4];                 /* an answer is in the ring */
byte at[2], answered[2], executed[2];
bool retried[2];
mtype lane[2];
bool events[2], stuck[2], frozen[2], ended[2], killed[2], let_go[2];
bool replaced, froze, may_kill;
bool for_good; /* the one that stops goes on only when it has nothing that no handler has begun: stopped then, it looks busy */

#define WAITS(w) ((at[0] == (w) && claim[AT(0, w)] == QUEUED) || (at[1] == (w) && claim[AT(1, w)] == QUEUED))
#define HAS(w) (at[0] == (w) || at[1] == (w))

inline answer(r) {
    answered[r]++;
    assert(answered[r] == 1);
    at[r] = NOBODY
}

#define DISPATCH(r, w) \
    :: atomic { answered[r] == 0 && at[r] == NOBODY && lane[w] == ON && !stuck[w] && claim[AT(r, w)] == FREE -> \
        claim[AT(r, w)] = QUEUED; \
        at[r] = w; \
        events[w] = true } \
    :: atomic { lane[w] != DEAD && out[AT(r, w)] -> /* also a late one */ \
        out[AT(r, w)] = false; \
        claim[AT(r, w)] = FREE; \
        if \
        :: at[r] == w -> answer(r) \
        :: else \
        fi } \
    :: atomic { stuck[w] && at[r] == w && TAKEABLE(r, w) -> \
        claim[AT(r, w)] = CANCELLED; \
        at[r] = NOBODY } \
    :: atomic { lane[w] == DEAD && at[r] == w -> \
        if \
        :: out[AT(r, w)] -> answer(r) \
        :: !out[AT(r, w)] && claim[AT(r, w)] == QUEUED -> BACK(r) \
        :: !out[AT(r, w)] && claim[AT(r, w)] != QUEUED && MAY_RETRY(r) -> retried[r] = true; at[r] = NOBODY \
        :: else -> assert(killed[w]); answer(r) /* 502 */ \
        fi }

#ifdef TAKE_BACK_WITHOUT_SWAP
#define TAKEABLE(r, w) (claim[AT(r, w)] == QUEUED || claim[AT(r, w)] == CLAIMED)
#else
#define TAKEABLE(r, w) (claim[AT(r, w)] == QUEUED)
#endif
#ifdef RETRY_UNSAFE
#define MAY_RETRY(r) (!retried[r])
#else
#define MAY_RETRY(r) ((r) == 0 && !retried[r])
#endif
#ifdef FORGET_QUEUED
#define BACK(r) answered[r] = answered[r]; at[r] = 3
#else
#define BACK(r) at[r] = NOBODY
#endif
#ifdef NO_NUDGE
#define NUDGED(w) false
#else
#define NUDGED(w) (!events[w] && WAITS(w))
#endif
#ifdef LET_GO_BUSY
#define IDLE(w) true
#else
#define IDLE(w) !HAS(w)
#endif

/* Only one that stays away is seen to be stuck: others take their events in time. */
#define WATCH(w) \
    :: atomic { lane[w] != DEAD && frozen[w] && NUDGED(w) -> events[w] = true } \
    :: atomic { lane[w] != DEAD && frozen[w] && events[w] && !stuck[w] -> stuck[w] = true } \
    :: atomic { lane[w] != DEAD && stuck[w] && !events[w] -> stuck[w] = false } \
    :: atomic { lane[w] == CLOSING && IDLE(w) && !let_go[w] -> let_go[w] = true } \
    :: atomic { lane[w] != DEAD && ended[w] -> lane[w] = DEAD; stuck[w] = false; fresh(w) }

/* Who is beside it, or is started again, takes what is left. */
inline fresh(w) {
    if
    :: lane[1 - (w)] == OFF && !ended[1 - (w)] -> lane[1 - (w)] = ON
    :: else
    fi
}

active proctype Gateway() {
    atomic {
        claim[0] = FREE; claim[1] = FREE; claim[2] = FREE; claim[3] = FREE;
        at[0] = NOBODY; at[1] = NOBODY;
        lane[1] = OFF;
        lane[0] = ON
    };
    do
    DISPATCH(0, 0)
    DISPATCH(0, 1)
    DISPATCH(1, 0)
    DISPATCH(1, 1)
    WATCH(0)
    WATCH(1)
    :: atomic { lane[0] == ON && lane[1] == OFF -> lane[1] = ON } /* beside it */
    :: atomic { lane[0] == ON && lane[1] == ON && !replaced -> replaced = true; lane[0] = CLOSING }
    :: timeout -> break
    od;
    assert(answered[0] == 1 && answered[1] == 1);
    assert(executed[1] <= 1 && executed[0] <= 2);
    assert(lane[0] == DEAD)
}

#define HANDLES(r) \
    :: atomic { !ended[w] && !frozen[w] && claim[AT(r, w)] == QUEUED && !events[w] -> \
        claim[AT(r, w)] = CLAIMED; \
        executed[r]++; \
        assert(executed[1] <= 1 && executed[0] <= 2) } \
    :: atomic { !ended[w] && !frozen[w] && claim[AT(r, w)] == CLAIMED && !out[AT(r, w)] -> out[AT(r, w)] = true } \
    :: atomic { !ended[w] && !frozen[w] && claim[AT(r, w)] == CANCELLED && !events[w] -> DROP(r) }
#ifdef CLAIM_WHAT_WAS_TAKEN_BACK
#define DROP(r) claim[AT(r, w)] = CLAIMED; executed[r]++; assert(executed[1] <= 1 && executed[0] <= 2)
#else
#define DROP(r) claim[AT(r, w)] = FREE
#endif

proctype Worker(byte w) {
end:
    do
    :: atomic { !ended[w] && !frozen[w] && events[w] -> events[w] = false }
    HANDLES(0)
    HANDLES(1)
    :: atomic { !ended[w] && !frozen[w] && let_go[w] -> ended[w] = true }
    :: atomic { !ended[w] && lane[w] != OFF && !froze -> froze = true; frozen[w] = true; if :: for_good = true :: skip fi }
    :: atomic { !ended[w] && frozen[w] && (!for_good || !WAITS(w)) -> frozen[w] = false }
    :: atomic { may_kill && w == 0 && !ended[w] -> killed[w] = true; ended[w] = true; frozen[w] = false }
    od
}

init {
    atomic {
        if
        :: may_kill = true
        :: skip
        fi;
        run Worker(0);
        run Worker(1)
    }
}
