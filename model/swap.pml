/*
 * Releases take each other's place while workers come, leave, get stuck and end: design.md section 9.
 *
 * The core (internal/gateway) takes one message at a time, in any order that the sources allow: a worker's own conversation is in
 * order, the end of its process, notices of the loops and timers come between. Two loops carry out its commands later, each in
 * order; the first has a request that goes to a worker that the loop was told to select. Release 0 is active at first (FIRST: none
 * is); each release has two workers in turn or together. CREW: the gateway runs the processes, swaps by command, and hears of
 * an end twice. PROBE: each lane of a new worker is asked first. STUCK: a worker of release 1 stops, for a while or for good.
 *
 * That a candidate is taken, or swapped to, is a step of its own here; in the core it is part of the message before it.
 *
 * Shown: transitions are those of the table; never two active releases; a retired or failed one is active again by command only; a
 * loop that has taken what it was told gives requests to workers of the active release alone; a worker is let go when it is idle;
 * each swap has one outcome; a new release that is no good, while there is one to fall back on, loses its place; nothing waits for
 * ever; while nothing was active yet, no release that is ready is left out. SELECT_WHAT_DRAINS: the core selects workers that drain,
 * too. That does no harm, because a loop does not open again what drains; so only both together are a bug. CRASHES, LEAVES and COMMANDS bound what happens.
 */
#ifndef RELEASES
#define RELEASES 2
#endif
#ifndef CRASHES
#define CRASHES 2
#endif
#ifndef LEAVES
#define LEAVES 0
#endif
#ifndef COMMANDS
#define COMMANDS 0
#endif
#define SWAPS 5
#ifdef PROBE
#define REQUESTS 1
#else
#define REQUESTS 2
#endif
#if RELEASES > 2
#define WORKERS RELEASES /* one each */
#define OF(w) (w)
#define ONE(r) (r)
#define TWO(r) (r)
#define PEER(w) (w)
#else
#define WORKERS (2 * RELEASES)
#define OF(w) ((w) / 2)
#define ONE(r) (2 * (r))
#define TWO(r) (2 * (r) + 1)
#define PEER(w) ((w) ^ 1)
#endif
#define NONE RELEASES
#define CRASH_LIMIT 3

mtype = { UNKNOWN, WARMING, ACTIVE, STANDBY, DRAINING, RETIRED, FAILED }; /* releases */
mtype = { ABSENT, STARTING, READY, LEAVING, GONE, RELEASED };               /* workers; LEAVING: drains */
mtype = { OFF, ON, CLOSING, DEAD };                                        /* lanes */
mtype = { SELECT, DRAIN, DETACH, ASK };                                    /* commands to loops */

#ifdef FIRST
#define WAITING 12
#else
#define WAITING 7
#endif
chan command[2] = [WAITING] of { mtype, byte };
mtype release[RELEASES + 1];
bool allowed[RELEASES], trouble[RELEASES], held[RELEASES], crew_ended[RELEASES];
byte crashes[RELEASES];
byte current, previous, selected;

/* The swap under way. */
bool swapping, taken, asked;
byte to, from, swap, outcomes[SWAPS];
bool ready_timer[SWAPS], confirm_timer[SWAPS];

mtype worker[WORKERS];
bool process[WORKERS];                  /* CREW: was started */
bool dead[WORKERS], frozen[WORKERS];    /* what is so, whoever knows */
bool leaving[WORKERS], grace[WORKERS], drained[WORKERS], let_go[WORKERS], excused[WORKERS], end_told[WORKERS];

#define AT(l, w) ((l) * WORKERS + (w))
mtype lane[2 * WORKERS];
bool idle[2 * WORKERS], asking[2 * WORKERS];
byte answer[2 * WORKERS];               /* 1 good, 2 bad */
byte probes[WORKERS];                   /* loops that have not answered, and 4 */
byte stuck_told[2 * WORKERS], stuck_heard[2 * WORKERS]; /* odd: stuck */
byte request[2];                        /* where each loop's request is: worker + 1 */
byte placed; /* requests so far: without an end of them nothing would ever come to rest, and what is left over be seen */
byte crashed_count, left_count, command_count, bad_answers;
bool thawed;

#define ALIVE(w) (worker[w] != ABSENT && !dead[w])
#define IS_STUCK(w) (stuck_heard[AT(0, w)] % 2 == 1 || stuck_heard[AT(1, w)] % 2 == 1)
#ifdef STUCK_IS_READY
#define SERVES(w) (worker[w] == READY && !leaving[w])
#else
#define SERVES(w) (worker[w] == READY && !leaving[w] && !IS_STUCK(w))
#endif
#define SERVED(r) ((r) != NONE && (SERVES(ONE(r)) || SERVES(TWO(r))))
#define RAN(w) (worker[w] == READY && !leaving[w])
#define READY_OF(r) (RAN(ONE(r)) + RAN(TWO(r)))
#ifdef CREW
#define COUNT_ON(r) (SERVED(r) || ((r) != NONE && !held[r]))
#else
#define COUNT_ON(r) SERVED(r)
#endif
#define PATIENT (!asked && !COUNT_ON(from))

#define LEGAL(a, b) (((a) == UNKNOWN && (b) == WARMING) || ((a) == WARMING && ((b) == ACTIVE || (b) == FAILED)) || \
    ((a) == ACTIVE && ((b) == STANDBY || (b) == FAILED)) || ((a) == STANDBY && ((b) == ACTIVE || (b) == DRAINING)) || \
    ((a) == DRAINING && (b) == RETIRED) || (((a) == RETIRED || (a) == FAILED) && (b) == WARMING))

inline set_release(r, next) {
    assert(LEGAL(release[r], next));
    assert(next != ACTIVE || allowed[r]);
    release[r] = next;
    crashes[r] = 0;
    trouble[r] = false;
    if
    :: next == RETIRED || next == FAILED -> allowed[r] = false
    :: else
    fi
}

inline tell(kind, what) {
    assert(nfull(command[0]) && nfull(command[1]));
    command[0]!kind,what;
    command[1]!kind,what
}

inline select_workers() {
    mask = 0;
    for (k : 0 .. WORKERS - 1) {
        if
#ifdef SELECT_WHAT_DRAINS
        :: OF(k) == current && (worker[k] == READY || worker[k] == LEAVING) -> mask = mask | (1 << k)
#else
        :: OF(k) == current && worker[k] == READY -> mask = mask | (1 << k)
#endif
        :: else
        fi
    }
    k = 0;
    if
    :: mask != selected -> selected = mask; tell(SELECT, mask) /* the same again would change nothing */
    :: else
    fi;
    mask = 0
}

inline drain(w) {
    worker[w] = LEAVING;
#ifdef LET_GO_BUSY
    let_go_of(w);
#endif
    tell(DRAIN, w)
}

inline let_go_of(w) {
    assert(dead[w] || (request[0] != (w) + 1 && request[1] != (w) + 1));
    let_go[w] = true;
    excused[w] = true
}

inline dismiss(r) {
    for (i : ONE(r) .. TWO(r)) {
        if
        :: worker[i] == STARTING || worker[i] == READY -> drain(i)
        :: else
        fi
    }
    i = 0;
    held[r] = true
}

inline check_retired(r) {
    if
    :: release[r] == DRAINING && worker[ONE(r)] != LEAVING && worker[ONE(r)] != GONE && worker[TWO(r)] != LEAVING &&
#ifdef CREW
        crew_ended[r] &&
#endif
        worker[TWO(r)] != GONE -> set_release(r, RETIRED)
    :: else
    fi
}

inline outcome() {
    outcomes[swap]++;
    assert(outcomes[swap] == 1);
    ready_timer[swap] = false;
    taken = false;
    asked = false;
    to = NONE;
    from = NONE
}

inline confirm() {
    swapping = false;
    if
    :: from != NONE ->
        previous = from;
        set_release(from, DRAINING);
        dismiss(from);
        check_retired(from)
    :: else
    fi;
    outcome()
}

inline fail_swap() {
    swapping = false;
    set_release(to, FAILED);
    if
    :: taken ->
        current = from;
        if
        :: from != NONE -> set_release(from, ACTIVE)
        :: else
        fi
    :: else
    fi;
#ifndef FAIL_WITHOUT_SELECT
    select_workers();
#endif
#ifdef CREW
    dismiss(to);
#endif
    outcome()
}

/* Warming releases that no swap is to. */
inline drop_candidates() {
    for (k : 0 .. RELEASES - 1) {
        if
        :: release[k] == WARMING && to != k ->
            set_release(k, FAILED);
#ifdef CREW
            dismiss(k)
#endif
        :: else
        fi
    }
    k = 0
}

inline take_candidate(r) {
    if
    :: current != NONE -> set_release(current, STANDBY)
    :: else
    fi;
    set_release(r, ACTIVE);
    mask = current;
    current = r;
    from = r;
    crashes[to] = 0;
    trouble[to] = false;
    drop_candidates();
    if
    :: mask != NONE -> previous = mask; set_release(mask, DRAINING); dismiss(mask); check_retired(mask)
    :: else
    fi;
    mask = 0;
    select_workers()
}

inline activate() {
    taken = true;
    ready_timer[swap] = false; /* finds nothing to do */
    set_release(to, ACTIVE);
#ifndef TWO_ACTIVE
    if
    :: from != NONE -> set_release(from, STANDBY)
    :: else
    fi;
#endif
    current = to;
    drop_candidates();
#ifndef ACTIVATE_WITHOUT_SELECT
    select_workers();
#endif
    if
    :: from == NONE -> confirm()
    :: else -> confirm_timer[swap] = true
    fi
}

inline check_swap() {
    if
    :: swapping && !taken && READY_OF(to) > 0 ->
#ifdef PROBE
        answered = true;
        for (i : ONE(to) .. TWO(to)) {
            if
            :: worker[i] == READY && probes[i] == 0 -> probes[i] = 4 + 3; tell(ASK, i); answered = false
            :: worker[i] == READY && probes[i] > 4 -> answered = false
            :: else
            fi
        }
        i = 0;
        if
        :: answered -> activate()
        :: else
        fi;
        answered = false
#else
        activate()
#endif
    :: else
    fi
}

inline begin_swap(r, by_command) {
    if
    :: swapping && taken -> confirm()
#ifdef NO_CANDIDATES
    :: swapping && !taken -> fail_swap()
#else
#ifndef SUPERSEDE_IN_SILENCE
    :: swapping && !taken && !PATIENT -> fail_swap()
#endif
    :: swapping && !taken && PATIENT -> outcome() /* its release stays a candidate */
#endif
    :: else
    fi;
    swap++;
    swapping = true;
    taken = false;
    asked = by_command;
    to = r;
    from = current;
    for (i : 0 .. WORKERS - 1) { probes[i] = 0 }
    i = 0;
    ready_timer[swap] = true;
    check_swap()
}

/* Ends the swap to a release that is no good. */
inline judge(r) {
    if
    :: swapping && to == r && trouble[r] ->
        if
        :: !taken && crashes[r] > 0 && !PATIENT -> fail_swap()
#ifdef FALL_BACK_ON_NOBODY
        :: taken && from != NONE && (crashes[r] >= CRASH_LIMIT || !SERVED(r)) -> assert(COUNT_ON(from)); fail_swap()
#else
        :: taken && COUNT_ON(from) && (crashes[r] >= CRASH_LIMIT || !SERVED(r)) -> assert(COUNT_ON(from)); fail_swap()
#endif
        :: else
        fi
    :: else
    fi
}

inline crashed(r) {
    if
    :: swapping && to == r -> /* counts for nothing otherwise */
        crashes[r]++;
        trouble[r] = true;
        judge(r)
    :: else
    fi
}

/* Some message on its way will still tell that a worker serves no more. */
#define UNTOLD_STUCK(w) (stuck_told[AT(0, w)] != stuck_heard[AT(0, w)] || stuck_told[AT(1, w)] != stuck_heard[AT(1, w)])
#ifdef CREW
#define UNTOLD(w) (dead[w] && !end_told[w])
#else
#define UNTOLD(w) (dead[w] && worker[w] != ABSENT && worker[w] != GONE && worker[w] != RELEASED)
#endif
#define ORDERED(w) (drained[w] || (leaving[w] && COMMANDED_LEAVE))
#ifdef CREW
#define COMMANDED_LEAVE true
#else
#define COMMANDED_LEAVE false
#endif

#define READY_UNSTUCK(w) (worker[w] == READY && !leaving[w] && !IS_STUCK(w))

/* What holds after each message. */
inline check() {
    assert((release[0] == ACTIVE) + (release[1] == ACTIVE) + (RELEASES > 2 && release[RELEASES - 1] == ACTIVE) <= 1);
    assert(current == NONE || release[current] == ACTIVE);
    assert(!swapping || !taken || !COUNT_ON(from) || !SERVED(from) || (worker[ONE(to)] == ABSENT && worker[TWO(to)] == ABSENT) ||
        READY_UNSTUCK(ONE(to)) || READY_UNSTUCK(TWO(to)) || UNTOLD(ONE(to)) || UNTOLD(TWO(to)) ||
        ORDERED(ONE(to)) || ORDERED(TWO(to)))
}

/* One option of the core for each message about worker w. */
#ifdef CREW
#define MAY_ATTACH(w) (process[w] && !dead[w])
#else
#define MAY_ATTACH(w) true
#endif
#define OTHER_READY(w) (OF(w) != current || (PEER(w) != (w) && RAN(PEER(w))))

#define ABOUT(w) \
    :: atomic { worker[w] == ABSENT && MAY_ATTACH(w) -> \
        worker[w] = STARTING; \
        if \
        :: release[OF(w)] == UNKNOWN -> allowed[OF(w)] = true; set_release(OF(w), WARMING); begin_swap(OF(w), false) \
        :: AGAIN(w) -> begin_swap(OF(w), false) \
        :: else \
        fi; \
        check() } \
    :: atomic { worker[w] == STARTING -> \
        worker[w] = READY; \
        if \
        :: OF(w) == current -> select_workers() \
        :: else \
        fi; \
        check_swap(); \
        if \
        :: swapping -> judge(to) \
        :: else \
        fi; \
        check() } \
    :: atomic { (worker[w] == STARTING || worker[w] == READY) && !leaving[w] && left_count < LEAVES -> \
        left_count++; \
        leaving[w] = true; \
        if \
        :: worker[w] == STARTING || OTHER_READY(w) -> drain(w) \
        :: else -> grace[w] = true \
        fi; \
        JUDGE_LEAVING(w) \
        check() } \
    :: atomic { grace[w] -> \
        grace[w] = false; \
        if \
        :: worker[w] == READY -> drain(w) \
        :: else \
        fi; \
        check() } \
    :: atomic { worker[w] == LEAVING && idle[AT(0, w)] && idle[AT(1, w)] && !let_go[w] -> let_go_of(w); check() } \
    :: atomic { dead[w] && (worker[w] == STARTING || worker[w] == READY || worker[w] == LEAVING) -> \
        worker[w] = GONE; \
        tell(DETACH, w); \
        if \
        :: CRASH_BY_SOCKET && !let_go[w] && !leaving[w] -> crashed(OF(w)) \
        :: else -> judge(OF(w)) \
        fi; \
        check() } \
    :: atomic { worker[w] == GONE && lane[AT(0, w)] == DEAD && lane[AT(1, w)] == DEAD -> \
        worker[w] = RELEASED; \
        idle[AT(0, w)] = false; \
        idle[AT(1, w)] = false; \
        let_go[w] = false; \
        grace[w] = false; \
        check_retired(OF(w)); \
        check() } \
    PROCESS(w) \
    LOOP_SAYS(w, 0) \
    LOOP_SAYS(w, 1)

#ifdef REVIVE_BY_ATTACHING
#define AGAIN(w) (release[OF(w)] == FAILED && !swapping)
#else
#define AGAIN(w) false
#endif
#ifdef LEAVING_IS_NO_TROUBLE
#define JUDGE_LEAVING(w)
#elif defined(CREW)
#define JUDGE_LEAVING(w)
#else
#define JUDGE_LEAVING(w) if :: swapping && to == OF(w) -> trouble[OF(w)] = true; judge(OF(w)) :: else fi;
#endif

#ifdef CREW
#define CRASH_BY_SOCKET false
/* The supervisor starts the second process when the first has ended, unless it is held. */
#ifdef CRASH_BEFORE_SOCKET_ONLY
#define AT_PROCESS_END(w) worker[w] == READY
#else
#define AT_PROCESS_END(w) true
#endif
#define PROCESS(w) \
    :: atomic { process[w] && dead[w] && !end_told[w] -> \
        end_told[w] = true; \
        if \
        :: AT_PROCESS_END(w) && !held[OF(w)] && !excused[w] && !leaving[w] -> crashed(OF(w)) \
        :: else \
        fi; \
        check() } \
    :: atomic { !process[w] && !held[OF(w)] && release[OF(w)] != UNKNOWN && ((w) == ONE(OF(w)) || (process[ONE(OF(w))] && dead[ONE(OF(w))])) -> \
        process[w] = true }
#else
#define CRASH_BY_SOCKET true
#define PROCESS(w)
#endif

#ifdef PROBE
#define ANSWERED(w, l) \
    :: atomic { answer[AT(l, w)] > 0 -> \
        good = answer[AT(l, w)] == 1; \
        answer[AT(l, w)] = 0; \
        if \
        :: !swapping || taken || probes[w] <= 4 || OF(w) != to -> skip \
        :: else -> \
            if \
            :: good -> probes[w] = 4 | ((probes[w] & 3) & ~(1 << (l))); check_swap() \
            :: !good && PATIENT -> probes[w] = 0 \
            :: else -> fail_swap() \
            fi \
        fi; \
        good = false; \
        check() }
#else
#define ANSWERED(w, l)
#endif
#ifdef STUCK
#define STUCK_SAID(w, l) \
    :: atomic { stuck_heard[AT(l, w)] < stuck_told[AT(l, w)] -> \
        stuck_heard[AT(l, w)]++; \
        if \
        :: worker[w] != GONE && worker[w] != RELEASED && stuck_heard[AT(l, w)] % 2 == 1 -> \
            if \
            :: swapping && to == OF(w) -> trouble[OF(w)] = true; judge(OF(w)) \
            :: else \
            fi \
        :: else \
        fi; \
        check() }
#else
#define STUCK_SAID(w, l)
#endif
#define LOOP_SAYS(w, l) ANSWERED(w, l) STUCK_SAID(w, l)

#define TIMERS(n) \
    :: atomic { ready_timer[n] && swapping && swap == n && !taken && !PATIENT -> ready_timer[n] = false; fail_swap(); check() } \
    :: atomic { confirm_timer[n] -> \
        confirm_timer[n] = false; \
        if \
        :: swapping && swap == n -> confirm() \
        :: else \
        fi; \
        check() }

#ifdef PROBE
#define CANDIDATE(r)
#else
#define CANDIDATE(r) \
    :: atomic { release[r] == WARMING && !swapping -> begin_swap(r, false); check() } \
    :: atomic { release[r] == WARMING && swapping && !taken && to != (r) && !COUNT_ON(current) && READY_OF(r) > 0 -> \
        take_candidate(r); \
        check() }
#endif

#define CREW_END(r) \
    :: atomic { held[r] && !crew_ended[r] && (!process[ONE(r)] || dead[ONE(r)]) && (!process[TWO(r)] || dead[TWO(r)]) -> \
        crew_ended[r] = true; \
        check_retired(r); \
        check() }

active proctype Core() {
    byte i, k, mask;
    bool answered, good;

    atomic {
        for (i : 0 .. WORKERS - 1) { worker[i] = ABSENT; lane[AT(0, i)] = OFF; lane[AT(1, i)] = OFF }
        for (i : 0 .. RELEASES) { release[i] = UNKNOWN }
        previous = NONE;
        current = NONE;
#ifdef FIRST
#ifdef CREW
        allowed[0] = true;
        set_release(0, WARMING);
        begin_swap(0, false);
#endif
#else
        allowed[0] = true;
        release[0] = ACTIVE;
        current = 0;
        worker[0] = READY;
        process[0] = true;
        selected = 1;
        lane[AT(0, 0)] = ON;
        lane[AT(1, 0)] = ON;
#endif
        i = 0;
        run Loop(0);
        run Loop(1)
    };
    do
    ABOUT(0)
    ABOUT(1)
    ABOUT(2)
#if RELEASES == 2
    ABOUT(3)
#endif
#ifdef FIRST
    CANDIDATE(0)
    CANDIDATE(1)
#if RELEASES > 2
    CANDIDATE(2)
#endif
#endif
    TIMERS(1)
    TIMERS(2)
#if RELEASES > 2 || COMMANDS > 0 || defined(FIRST)
    TIMERS(3)
    TIMERS(4)
#endif
#ifdef CREW
    :: atomic { release[1] == UNKNOWN && current != NONE -> allowed[1] = true; set_release(1, WARMING); begin_swap(1, true); check() }
#if RELEASES > 2
    :: atomic { release[2] == UNKNOWN && release[1] != UNKNOWN -> allowed[2] = true; set_release(2, WARMING); begin_swap(2, true); check() }
#endif
    CREW_END(0)
    CREW_END(1)
#if RELEASES > 2
    CREW_END(2)
#endif
#endif
#if COMMANDS > 0
#ifndef CREW
    /* rollback */
    :: atomic { command_count < COMMANDS && swapping && taken && from != NONE -> command_count++; fail_swap(); check() }
    :: atomic { command_count < COMMANDS && !(swapping && taken) && previous != NONE && READY_OF(previous) > 0 &&
            (release[previous] == RETIRED || release[previous] == FAILED) ->
        command_count++;
        allowed[previous] = true;
        set_release(previous, WARMING);
        begin_swap(previous, true);
        check() }
#endif
    /* drain */
    :: atomic { command_count < COMMANDS && worker[ONE(1)] == READY -> command_count++; drained[ONE(1)] = true; drain(ONE(1)); check() }
#endif
    :: timeout -> break
    od;
    /* Nothing more can happen. */
    assert(!swapping || PATIENT);
    for (i : 1 .. SWAPS - 1) { assert(i > swap || outcomes[i] == 1 || (i == swap && swapping)) }
    for (i : 0 .. RELEASES - 1) {
        assert(release[i] != DRAINING && release[i] != STANDBY);
        assert(release[i] != WARMING || (swapping && (to == i || PATIENT)))
    }
    assert(current != NONE || (READY_OF(0) == 0 && READY_OF(1) == 0 && READY_OF(RELEASES - 1) == 0)); /* nobody waits in front of ready workers */
    for (i : 0 .. WORKERS - 1) {
        assert(worker[i] != LEAVING && worker[i] != GONE);
        assert(worker[i] != READY || OF(i) != current || (lane[AT(0, i)] == ON && lane[AT(1, i)] == ON))
    }
}
#define ON_LANE(w) \
    :: atomic { l == 0 && request[l] == 0 && placed < REQUESTS && lane[AT(l, w)] == ON && stuck_told[AT(l, w)] % 2 == 0 -> \
        assert(len(command[l]) > 0 || (release[OF(w)] == ACTIVE && worker[w] != LEAVING)); \
        assert(!let_go[w]); \
        placed++; \
        request[l] = (w) + 1 } \
    :: atomic { lane[AT(l, w)] == CLOSING && request[l] != (w) + 1 && !asking[AT(l, w)] && !idle[AT(l, w)] -> idle[AT(l, w)] = true } \
    PROBED(w) \
    WATCHED(w)
#ifdef PROBE
#define PROBED(w) \
    :: atomic { asking[AT(l, w)] && !dead[w] -> asking[AT(l, w)] = false; answer[AT(l, w)] = 1 } \
    :: atomic { asking[AT(l, w)] && !dead[w] && bad_answers == 0 -> bad_answers = 1; asking[AT(l, w)] = false; answer[AT(l, w)] = 2 }
#else
#define PROBED(w)
#endif
#ifdef STUCK
/* Its requests are taken back; handover.pml looks into that. */
#define WATCHED(w) \
    :: atomic { frozen[w] && !dead[w] && request[l] == (w) + 1 && stuck_told[AT(l, w)] == 0 -> stuck_told[AT(l, w)] = 1; request[l] = 0 } \
    :: atomic { !frozen[w] && stuck_told[AT(l, w)] == 1 && lane[AT(l, w)] != DEAD -> stuck_told[AT(l, w)] = 2 }
#else
#define WATCHED(w)
#endif

proctype Loop(byte l) {
    byte what, j;
    mtype kind;

end:
    do
    :: atomic { command[l]?kind,what ->
        if
        :: kind == SELECT ->
            for (j : 0 .. WORKERS - 1) {
                if
#ifndef DRAIN_IS_UNDONE
                :: lane[AT(l, j)] == CLOSING
#endif
                :: lane[AT(l, j)] == DEAD
                :: else -> lane[AT(l, j)] = ((what >> j) & 1 -> ON : OFF)
                fi
            }
        :: kind == DRAIN && lane[AT(l, what)] != DEAD -> lane[AT(l, what)] = CLOSING
        :: kind == DETACH ->
            lane[AT(l, what)] = DEAD;
            idle[AT(l, what)] = false;
            if
            :: request[l] == what + 1 -> request[l] = 0 /* given to another, or answered 502: death.pml */
            :: else
            fi;
            if
            :: asking[AT(l, what)] -> asking[AT(l, what)] = false; answer[AT(l, what)] = 2
            :: else
            fi
        :: kind == ASK ->
            if
            :: lane[AT(l, what)] == OFF || lane[AT(l, what)] == ON -> asking[AT(l, what)] = true
            :: else -> answer[AT(l, what)] = 2
            fi
        :: else
        fi;
        what = 0;
        j = 0;
        kind = 0 }
    :: atomic { request[l] > 0 && !dead[request[l] - 1] && !frozen[request[l] - 1] -> request[l] = 0 } /* answered */
    ON_LANE(0)
    ON_LANE(1)
    ON_LANE(2)
#if RELEASES == 2
    ON_LANE(3)
#endif
    od
}

/* What befalls the workers. One that was told to end does so; one that is stuck is ended at some time. */
#ifdef CREW
#define RUNS(w) (process[w] && !dead[w])
#define MUST_END(w) (let_go[w] || (held[OF(w)] && (worker[w] == ABSENT || worker[w] == STARTING || worker[w] == READY)))
#else
#define RUNS(w) ALIVE(w)
#define MUST_END(w) let_go[w]
#endif
#define BEFALLS(w) \
    :: atomic { RUNS(w) && crashed_count < CRASHES -> crashed_count++; dead[w] = true; frozen[w] = false } \
    :: atomic { RUNS(w) && MUST_END(w) -> dead[w] = true; frozen[w] = false } \
    FREEZES(w)
#ifdef STUCK
#define FREEZES(w) \
    :: atomic { OF(w) == 1 && worker[w] == READY && !dead[w] && !frozen[w] && !thawed -> frozen[w] = true; thawed = true } \
    :: atomic { frozen[w] && stuck_told[AT(0, w)] != 1 && stuck_told[AT(1, w)] != 1 && worker[w] != LEAVING -> frozen[w] = false } \
    :: atomic { frozen[w] && !dead[w] && (stuck_told[AT(0, w)] == 1 || stuck_told[AT(1, w)] == 1) -> frozen[w] = false } \
    :: atomic { frozen[w] && !dead[w] -> frozen[w] = false; dead[w] = true }
#else
#define FREEZES(w)
#endif

active proctype World() {
end:
    do
    BEFALLS(0)
    BEFALLS(1)
    BEFALLS(2)
#if RELEASES == 2
    BEFALLS(3)
#endif
    od
}
