/*
 * One ring, its producer and its consumer, both sleeping words: design.md 3.1 and 3.3.
 *
 * Shown for any number of events (indices count modulo 4) on a ring of 2 slots: no side sleeps for ever while the other
 * has done its part (an invalid end state otherwise), each event arrives whole, once and in order (assertions), and with
 * LIVE every published event is taken in the end (LTL under weak fairness).
 */
#define S 2
#define MOD(x) ((x) & 3)

#define SLOT0 0
#define SLOT1 1
#define TAIL 2
#define HEAD 3
#define ARMED 4
#define STARVED 5
#define WORDS 6

#ifdef RELAXED_TAIL
#define OVERTAKE_TAIL(sb) :: atomic { sb??TAIL,value -> mem[TAIL] = value }
#else
#define OVERTAKE_TAIL(sb)
#endif
#define FLUSH_OVERTAKING(sb) \
    :: atomic { sb??SLOT0,value -> mem[SLOT0] = value } \
    :: atomic { sb??SLOT1,value -> mem[SLOT1] = value } \
    :: atomic { sb??ARMED,value -> mem[ARMED] = value } \
    :: atomic { sb??STARVED,value -> mem[STARVED] = value } \
    OVERTAKE_TAIL(sb)

#include "memory.pml"

chan producer_stores = [4] of { byte, byte };
chan consumer_stores = [4] of { byte, byte };
bit to_consumer, to_producer; /* bytes in the socket */
bool done;                    /* the producer has stopped for good */
#ifdef LIVE
byte seen;                    /* what the consumer has taken */
#endif

/* Published events, then one wake-up for all of them. */
inline wake_consumer() {
#ifndef NO_FENCE_PRODUCER
    FENCE(producer_stores);
#endif
#ifdef PLAIN_DISARM
    old = mem[ARMED];
    if
    :: old == 1 -> STORE(producer_stores, ARMED, 0); SIGNAL(to_consumer)
    :: else
    fi;
#else
    old = mem[ARMED];
    if
    :: old == 1 ->
        XCHG0(producer_stores, ARMED, old);
        if
        :: old == 1 -> SIGNAL(to_consumer)
        :: else
        fi
    :: else
    fi;
#endif
    unwoken = false
}

active proctype Producer() {
    byte tail, head, old;
    bool unwoken;

    run Flush(producer_stores);
    do
    :: !unwoken ->
#ifdef LIVE
        skip /* runs on for ever */
#else
        if
        :: true
        :: done = true; break
        fi
#endif
    :: unwoken -> wake_consumer()
    :: true ->
        if
        :: MOD(tail - head) == S -> head = mem[HEAD]
        :: else
        fi;
        if
        :: MOD(tail - head) < S ->
            STORE(producer_stores, tail & 1, tail);
            tail = MOD(tail + 1);
            STORE(producer_stores, TAIL, tail);
            unwoken = true
        :: else -> /* starved of ring slots */
#ifndef SLEEP_BEFORE_WAKE
            if
            :: unwoken -> wake_consumer()
            :: else
            fi;
#endif
            STORE(producer_stores, STARVED, 1);
#ifndef NO_FENCE_STARVED
            FENCE(producer_stores);
#endif
#ifndef NO_RECHECK_STARVED
            head = mem[HEAD];
#endif
            if
            :: MOD(tail - head) < S
            :: else ->
                to_producer == 1;
                DRAIN(to_producer)
            fi;
            STORE(producer_stores, STARVED, 0)
        fi
    od
}

inline wake_producer() {
#ifndef NO_FENCE_RELEASER
    FENCE(consumer_stores);
#endif
    old = mem[STARVED];
    if
    :: old == 1 ->
        XCHG0(consumer_stores, STARVED, old);
        if
        :: old == 1 -> SIGNAL(to_producer)
        :: else
        fi
    :: else
    fi;
    unreleased = false
}

active proctype Consumer() {
    byte tail, head, old, event;
    bool unreleased;

    run Flush(consumer_stores);
    do
    :: tail == head -> tail = mem[TAIL];
        if
        :: tail != head
        :: else ->
#ifndef SLEEP_BEFORE_RELEASE
            if
            :: unreleased -> wake_producer()
            :: else
            fi;
#endif
#ifdef LOOK_BEFORE_ARM
            tail = mem[TAIL];
            STORE(consumer_stores, ARMED, 1);
            FENCE(consumer_stores);
#else
            STORE(consumer_stores, ARMED, 1);
#ifndef NO_FENCE_CONSUMER
            FENCE(consumer_stores);
#endif
#ifndef NO_RECHECK
            tail = mem[TAIL];
#endif
#endif
#ifdef DRAIN_AFTER_LOOK
            DRAIN(to_consumer);
#endif
            if
            :: tail != head ->
                if
                :: STORE(consumer_stores, ARMED, 0)
                :: skip /* left armed: one wake-up too many at most */
                fi
            :: else
                if
                :: to_consumer == 1 -> DRAIN(to_consumer)
                :: done && head == mem[TAIL] && empty(producer_stores) -> break /* nothing more can come: not a sleep */
                fi;
                STORE(consumer_stores, ARMED, 0)
            fi
        fi
    :: tail != head ->
#ifdef HEAD_BEFORE_COPY
        STORE(consumer_stores, HEAD, MOD(head + 1));
        event = mem[head & 1];
#else
        event = mem[head & 1];
        STORE(consumer_stores, HEAD, MOD(head + 1));
#endif
        assert(event == head);
        head = MOD(head + 1);
#ifdef LIVE
taken:
        seen = head;
#endif
        unreleased = true;
        if
        :: wake_producer()
        :: skip /* look at the starved word once for several events */
        fi
    od
}

#ifdef LIVE
ltl live { [] ((mem[TAIL] != seen) -> <> (Consumer@taken)) }
#endif
