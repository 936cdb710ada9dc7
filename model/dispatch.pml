/*
 * How the worker turns events into running handlers: leader/follower (default), -DINLINE or -DPOOL. design.md 3, 3.7.
 *
 * The gateway sends REQUESTS requests, of the kinds K0, K1, ...; FIRST is a PLAIN one whose answer others need:
 *   PLAIN     answers at once
 *   LATER     the same, but the client sends it only after it has the answer to FIRST
 *   BODY      needs two body events, in order, before it answers
 *   DEPENDS   the same, but the client sends the body only after it has the answer to FIRST
 *   STREAM    answers in two pieces at once
 *   CREDIT    answers in two pieces; the second needs a credit event, which the first provokes
 *   WAITS     blocks outside the library until the last request has been executed
 *
 * With -DEXPOSED a handler may start without a readied follower (bridge/guard.go): then one is readied when it waits inside
 * the library, or by the watch, at any time while it runs.
 *
 * The outbound ring has one slot, so writers starve. Wake-ups follow design.md 3.3 (fences: see wake.pml; memory is
 * sequentially consistent here). The wake-up for an answer may be put off (`dirty`) until a goroutine is about to block
 * in the library, to run the next queued handler, to park or to poll. The gateway's loop is modelled as two processes,
 * which only adds interleavings: its sending half is also woken by clients.
 *
 * Shown, for each list of kinds that the runner names: no deadlock, so that every event is consumed and every request is
 * answered (an invalid end state otherwise); at most one reader at a time, at most one readied follower, never more
 * handlers than allowed, body events in order, each request executed once, the private queue within its bound.
 */
mtype = { PLAIN, LATER, BODY, DEPENDS, STREAM, CREDIT, WAITS };
mtype = { E_REQUEST, E_BODY, E_CREDIT, E_PIECE, E_MORE, E_END };

#ifndef REQUESTS
#define REQUESTS 3
#endif
#ifndef FIRST
#define FIRST 0
#endif
#ifndef K0
#define K0 PLAIN
#define K1 BODY
#define K2 CREDIT
#endif

#ifndef HANDLERS
#define HANDLERS 2
#endif
#if defined(INLINE)
#define READERS 1
#elif defined(NO_SPARE_READER)
#define READERS HANDLERS
#else
#define READERS (HANDLERS + 1) /* one more, so that some reader always consumes */
#endif

mtype kind[REQUESTS];
chan inbound = [4] of { mtype, byte, byte };
chan outbound = [1] of { mtype, byte };
chan queue = [REQUESTS] of { byte }; /* the private queue */
bool to_worker, to_gateway;          /* a byte in the socket */
bit worker_armed, gateway_armed, worker_starved;
bool dirty;                          /* answers are published for which the gateway was not yet woken */

bool role;                           /* somebody reads the lane */
bool readied;                        /* a follower was told to get ready and has not looked yet */
byte tokens;                         /* what parked goroutines wait for */
byte exposed;                        /* 1 + the goroutine whose handler has no follower */
byte readers, running;
bool waiting[READERS], notified[READERS];

byte bodies[REQUESTS], credits[REQUESTS], ran[REQUESTS];
bool answered[REQUESTS], owed[REQUESTS];
byte total;

/* If the word is armed, disarm it and send one byte; one step with what was published before, see wake.pml. */
inline wake(word, socket) {
    if
    :: word -> word = false; socket = true
    :: else
    fi
}

#define BODY_READY(x) (x < next && sent[x] < 2 && nfull(inbound) && \
    (kind[x] == BODY || (kind[x] == DEPENDS && answered[FIRST])))
#define SEND_BODY(x) atomic { BODY_READY(x) -> inbound!E_BODY,x,sent[x]; sent[x]++; wake(worker_armed, to_worker) }
#define SEND_CREDIT(x) atomic { owed[x] && nfull(inbound) -> inbound!E_CREDIT,x,0; owed[x] = false; wake(worker_armed, to_worker) }

/* The sending half of the gateway's loop. */
active proctype Sender() {
    byte next, sent[REQUESTS];

    d_step {
        kind[0] = K0; kind[1] = K1;
#if REQUESTS > 2
        kind[2] = K2;
#endif
#if REQUESTS > 3
        kind[3] = K3;
#endif
        skip
    };
    do
    :: atomic {
            next < REQUESTS && nfull(inbound) && (kind[next] != LATER || answered[FIRST]) ->
            inbound!E_REQUEST,next,0;
            next++;
            wake(worker_armed, to_worker)
        }
    :: SEND_BODY(0)
    :: SEND_BODY(1)
    :: SEND_CREDIT(0)
    :: SEND_CREDIT(1)
#if REQUESTS > 2
    :: SEND_BODY(2)
    :: SEND_CREDIT(2)
#endif
    :: total == REQUESTS -> break
    od
}

/* The receiving half. */
active proctype Receiver() {
    byte x;
    mtype event;

    do
    :: atomic {
            outbound?event,x ->
            assert(!answered[x]);
            if
            :: event == E_PIECE -> owed[x] = true
            :: event == E_MORE
            :: event == E_END -> answered[x] = true; total++
            fi;
            event = 0; x = 0;
            wake(worker_starved, to_worker)
        }
    :: empty(outbound) ->
        gateway_armed = true;
        if
        :: nempty(outbound) -> gateway_armed = false
        :: empty(outbound) ->
end_asleep:
            atomic { to_gateway -> to_gateway = false; gateway_armed = false }
        fi
    od
}

/* Send the wake-up that was put off. */
inline flush() {
    atomic {
        if
        :: dirty -> dirty = false; wake(gateway_armed, to_gateway)
        :: else
        fi
    }
}

/* Somebody must be there to go on reading. */
inline cover() {
    atomic {
        if
        :: exposed != 0 && !role && !readied -> readied = true; tokens++; assert(tokens <= 1)
        :: else
        fi;
        exposed = 0
    }
}

#ifdef EXPOSED
active proctype Watch() {
    do
#ifndef NO_WATCH
    :: atomic { exposed != 0 -> cover() }
#endif
    :: total == REQUESTS -> break
    od
}
#endif

/* Every writer that waits for room or blocks looks again. */
inline notify() {
    atomic {
        i = 0;
        do
        :: i < READERS -> notified[i] = notified[i] || waiting[i]; waiting[i] = false; i++
        :: else -> break
        od;
        i = 0
    }
}

/* The event is consumed: hand it to its exchange. */
inline deliver() {
    if
    :: event == E_BODY -> assert(n == bodies[y]); bodies[y]++
    :: event == E_CREDIT -> credits[y]++
    :: event == E_REQUEST
    fi
}

#ifdef INLINE
/* The only goroutine waits inside a handler: it goes on reading, but starts nothing. */
#ifdef INLINE_NO_STARVED
#define STARVED_WORD(starved) false
#else
#define STARVED_WORD(starved) starved
#endif
#ifdef INLINE_NO_PUMP
#define AWAIT(condition, starved) flush(); (condition)
#else
#define AWAIT(condition, starved) \
    do \
    :: condition -> break \
    :: !(condition) -> \
        if \
        :: atomic { \
            inbound?event,y,n -> \
            deliver(); \
            if \
            :: event == E_REQUEST -> assert(nfull(queue)); queue!y \
            :: else \
            fi; \
            y = 0; n = 0; event = 0 \
          } \
        :: empty(inbound) -> \
            flush(); \
            worker_armed = true; \
            worker_starved = STARVED_WORD(starved); \
            if \
            :: len(inbound) > 0 || (condition) \
            :: !(len(inbound) > 0 || (condition)) -> to_worker; to_worker = false \
            fi; \
            worker_armed = false; \
            worker_starved = false \
        fi \
    od
#endif
#define AWAIT_ROOM AWAIT(len(outbound) == 0, true)
#else
#ifdef EXPOSED
#define COVER cover()
#else
#define COVER skip
#endif
#ifdef BLOCK_WITHOUT_WAKE
#define AWAIT(condition, starved) (condition)
#else
#define AWAIT(condition, starved) flush(); COVER; (condition)
#endif

#ifdef STARVE_WITHOUT_WAKE
#define FLUSH_STARVED skip
#else
#define FLUSH_STARVED flush()
#endif
#ifdef REGISTER_AFTER_ARM
#define REGISTER_FIRST skip
#define REGISTER_LAST waiting[id] = true
#else
#define REGISTER_FIRST waiting[id] = true
#define REGISTER_LAST skip
#endif
#define AWAIT_ROOM \
    do \
    :: nfull(outbound) -> break \
    :: full(outbound) -> \
        FLUSH_STARVED; \
        COVER; \
        REGISTER_FIRST; \
        worker_starved = true; \
        if \
        :: nfull(outbound) \
        :: full(outbound) -> REGISTER_LAST; notified[id] \
        fi; \
        atomic { notified[id] = false; waiting[id] = false } \
    od
#endif

inline publish(what) {
    do
    :: atomic { nfull(outbound) -> outbound!what,x; dirty = true; break }
    :: full(outbound) -> AWAIT_ROOM
    od
}

inline run_handler() {
    atomic { ran[x]++; assert(ran[x] == 1 && running <= HANDLERS) };
    if
    :: kind[x] == PLAIN || kind[x] == LATER
    :: kind[x] == BODY || kind[x] == DEPENDS -> AWAIT(bodies[x] == 2, false)
    :: kind[x] == STREAM -> publish(E_MORE)
    :: kind[x] == CREDIT -> publish(E_PIECE); AWAIT(credits[x] == 1, false)
    :: kind[x] == WAITS -> ran[REQUESTS - 1]
    fi;
    publish(E_END)
}

proctype Goroutine(byte id) {
    byte x, y, n, i;
    mtype event;

#ifdef POOL
    if
    :: id == 0 -> role = true; readers++; goto lead
    :: else -> goto take
    fi;
#endif

#ifndef POOL
park:
end_parked:
    atomic { tokens > 0 -> tokens-- };
#ifdef FOLLOWER_LOOKS_FIRST
    i = role;
    readied = false;
    if
    :: i -> i = 0; goto park
    :: else
    fi;
#else
    readied = false;
#endif
    atomic {
        if
        :: !role -> role = true; readers++; assert(readers == 1)
        :: else -> goto park
        fi
    };
#endif

lead: /* holds the reader role */
#ifdef INLINE
    atomic {
        if
        :: nempty(queue) -> queue?x; running++; goto hand_over
        :: empty(queue)
        fi
    };
#endif
    if
#ifdef RELEASE_BEFORE_DELIVER
    :: atomic {
            inbound?event,y,n ->
            if
            :: event != E_REQUEST ->
                role = false; readers--;
                if
                :: !readied -> readied = true; tokens++
                :: else
                fi
            :: else -> deliver()
            fi
        };
        if
        :: event != E_REQUEST -> deliver(); atomic { y = 0; n = 0; event = 0; goto finished }
        :: else
        fi;
#else
    :: atomic { inbound?event,y,n -> deliver(); n = 0 };
#endif
        if
        :: event == E_REQUEST ->
#ifdef POOL
            assert(nfull(queue));
            queue!y
#ifdef READER_WAITS_FOR_POOL
            ; empty(queue)
#endif
#else
#ifdef CHECK_THEN_QUEUE
            if
            :: atomic { running < HANDLERS -> running++; x = y; y = 0; event = 0 }; goto hand_over
            :: running == HANDLERS -> queue!y
            fi
#else
            atomic {
                if
                :: running < HANDLERS -> running++; x = y; y = 0; event = 0; goto hand_over
                :: else -> assert(nfull(queue)); queue!y
                fi
            }
#endif
#endif
        :: else
        fi;
        atomic { y = 0; event = 0 }
    :: empty(inbound) ->
#ifndef POLL_WITHOUT_WAKE
        flush();
#endif
        worker_armed = true;
        if
        :: nempty(inbound) -> worker_armed = false
        :: empty(inbound) ->
end_polling:
            atomic { to_worker -> to_worker = false; worker_armed = false }
        fi;
#ifndef POLLER_FORGETS_WRITERS
        notify()
#endif
    fi;
    goto lead;

#ifdef POOL
take:
end_idle:
    atomic { queue?x; running++ };
    run_handler();
    atomic { x = 0; running-- };
#ifdef IDLE_WITHOUT_WAKE
    if
    :: empty(queue)
    :: nempty(queue) -> flush()
    fi;
#else
#ifdef RUN_QUEUED_WITHOUT_WAKE
    if
    :: nempty(queue)
    :: empty(queue) -> flush()
    fi;
#else
    flush();
#endif
#endif
    goto take
#else

hand_over: /* give the role away, and only then make sure that somebody is there to take it */
#ifdef INLINE
    skip;
#else
#ifdef KEEP_ROLE
    skip;
#else
#ifdef NO_FOLLOWER
    atomic { role = false; readers-- };
#else
#ifdef READY_BEFORE_RELEASE
    atomic {
        if
        :: !readied -> readied = true; tokens++; assert(tokens <= 1)
        :: else
        fi
    };
    atomic { role = false; readers-- };
#else
    atomic { role = false; readers-- };
#ifdef EXPOSED
    if
    :: exposed = id + 1; goto start
    :: skip
    fi;
#endif
    atomic {
        if
        :: !readied -> readied = true; tokens++; assert(tokens <= 1)
        :: else
        fi
    };
#endif
#endif
#endif
#endif

start:
    run_handler();
#ifdef INLINE
    atomic { x = 0; running--; goto lead }
#else
    atomic {
        x = 0;
        if
        :: nempty(queue) -> queue?x
        :: empty(queue) -> running--; goto finished
        fi
    };
#ifndef RUN_QUEUED_WITHOUT_WAKE
    flush();
#endif
    goto start;

finished:
#ifdef EXPOSED
    atomic {
        if
        :: exposed == id + 1 -> exposed = 0
        :: else
        fi
    };
#endif
#ifdef KEEP_ROLE
    goto lead;
#endif
    atomic {
        if
        :: !role -> role = true; readers++; assert(readers == 1); goto lead
        :: else
        fi
    };
#ifndef IDLE_WITHOUT_WAKE
    flush();
#endif
    goto park
#endif
#endif
}

init {
    atomic {
        readied = true; tokens = 1; /* the first reader */
        byte g = 0;
        do
        :: g < READERS -> run Goroutine(g); g++
        :: else -> break
        od
    }
}
