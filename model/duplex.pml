/*
 * One lane, both directions and both reasons over one socket pair: design.md 3.3.
 *
 * The gateway loop sends requests and takes answers; the worker takes requests and answers each. A request needs the one
 * inbound block, an answer the one outbound block, so both sides starve all the time and are woken by a return. Each side
 * has one socket end for both reasons: whoever wakes looks at everything. The gateway handles one outbound event per
 * iteration and then goes round, as the bound on events per iteration demands.
 *
 * Shown for any number of requests, two in hand at a time: every request is answered and nobody sleeps for ever (an
 * invalid end state otherwise), no index overtakes its peer (assertions). With SILENT the events need no answer (as body
 * events do), so that nothing but the return can wake a starved gateway.
 * The rings and return rings are counted, not filled: what they carry is in wake.pml and returns.pml.
 */
#define BLOCKS 1  /* of each arena */
#define INHAND 2  /* requests that the gateway has at a time */
#define MOD(x) ((x) & 3)

#define IN_TAIL 0
#define OUT_HEAD 1
#define OUT_RETURN_TAIL 2
#define IN_HEAD 3
#define OUT_TAIL 4
#define IN_RETURN_TAIL 5
#define WORKER_ARMED 6
#define GATEWAY_ARMED 7
#define WORKER_STARVED 8
#define GATEWAY_STARVED 9
#define WORDS 10

#define FLUSH_OVERTAKING(sb) \
    :: atomic { sb??WORKER_ARMED,value -> mem[WORKER_ARMED] = value } \
    :: atomic { sb??GATEWAY_ARMED,value -> mem[GATEWAY_ARMED] = value } \
    :: atomic { sb??WORKER_STARVED,value -> mem[WORKER_STARVED] = value } \
    :: atomic { sb??GATEWAY_STARVED,value -> mem[GATEWAY_STARVED] = value }

#include "memory.pml"

chan gateway_stores = [3] of { byte, byte };
chan worker_stores = [3] of { byte, byte };
bit to_gateway, to_worker;
bool done;
byte in_hand; /* requests not yet answered */

/* If the word is armed and this exchange disarms it, send one byte. */
inline wake(sb, word, sock) {
    old = mem[word];
    if
    :: old == 1 ->
        XCHG0(sb, word, old);
        if
        :: old == 1 -> SIGNAL(sock)
        :: else
        fi
    :: else
    fi
}

active proctype Gateway() {
    byte out_tail, in_tail, out_head, in_returns, out_returns, old, queued;
    byte blocks = BLOCKS;
    bool starved;

    run Flush(gateway_stores);
    do
    :: true ->
        /* requests arrive */
        if
        :: !done && in_hand < INHAND -> atomic { in_hand++; queued++ }
        :: done = true
        :: true
        fi;
        /* publish what there is a block for */
        starved = false;
        do
        :: queued == 0 -> break
        :: queued > 0 && blocks > 0 ->
            assert(MOD(in_tail - mem[IN_HEAD]) <= BLOCKS);
            atomic { queued--; blocks--; in_tail = MOD(in_tail + 1) };
            STORE(gateway_stores, IN_TAIL, in_tail);
#ifndef NO_FENCE_GATEWAY_PUBLISH
            FENCE(gateway_stores);
#endif
            wake(gateway_stores, WORKER_ARMED, to_worker)
        :: queued > 0 && blocks == 0 ->
            if
            :: mem[IN_RETURN_TAIL] != in_returns -> atomic { in_returns = MOD(in_returns + 1); blocks++ }
            :: else -> starved = true; break
            fi
        od;
        /* one answer */
        if
        :: mem[OUT_TAIL] != out_head ->
            out_head = MOD(out_head + 1);
            STORE(gateway_stores, OUT_HEAD, out_head);
            out_returns = MOD(out_returns + 1);
            STORE(gateway_stores, OUT_RETURN_TAIL, out_returns);
            assert(in_hand > 0);
            in_hand--;
#ifndef NO_FENCE_GATEWAY_RELEASE
            FENCE(gateway_stores);
#endif
            wake(gateway_stores, WORKER_STARVED, to_worker)
#ifdef SLEEP_ON_BUDGET
            ; goto sleep
#endif
        :: else
        fi;
        /* before the loop polls: arm, look again */
        STORE(gateway_stores, GATEWAY_ARMED, 1);
        if
        :: starved -> STORE(gateway_stores, GATEWAY_STARVED, 1)
        :: else
        fi;
#ifdef NO_FENCE_GATEWAY_SLEEP
        if
        :: starved -> FENCE(gateway_stores)
        :: else
        fi;
#else
#ifdef NO_FENCE_GATEWAY_STARVED
        if
        :: !starved -> FENCE(gateway_stores)
        :: else
        fi;
#else
        FENCE(gateway_stores);
#endif
#endif
        if
        :: !done && in_hand < INHAND
        :: mem[OUT_TAIL] != out_head
#ifndef NO_RECHECK_GATEWAY_STARVED
        :: starved && mem[IN_RETURN_TAIL] != in_returns
#endif
        :: else ->
sleep:
            if
            :: to_gateway == 1 -> DRAIN(to_gateway)
            :: !done && in_hand < INHAND /* a connection wakes the loop */
            :: done && in_hand == 0 -> break
            fi
        fi;
        STORE(gateway_stores, GATEWAY_ARMED, 0);
        STORE(gateway_stores, GATEWAY_STARVED, 0)
    od
}

active proctype Worker() {
    byte in_tail, in_head, out_tail, in_returns, out_returns, old;
    byte blocks = BLOCKS;

    run Flush(worker_stores);
    do
    :: mem[IN_TAIL] != in_head ->
        in_head = MOD(in_head + 1);
        STORE(worker_stores, IN_HEAD, in_head);
        in_returns = MOD(in_returns + 1);
        STORE(worker_stores, IN_RETURN_TAIL, in_returns);
#ifndef NO_FENCE_WORKER_RELEASE
        FENCE(worker_stores);
#endif
        wake(worker_stores, GATEWAY_STARVED, to_gateway);
#ifdef SILENT
        in_hand--;
#else
        /* an outbound block for the answer */
        do
        :: blocks > 0 -> break
        :: blocks == 0 ->
            if
            :: mem[OUT_RETURN_TAIL] != out_returns -> atomic { out_returns = MOD(out_returns + 1); blocks++ }
            :: else ->
                STORE(worker_stores, WORKER_STARVED, 1);
#ifndef NO_FENCE_WORKER_STARVED
                FENCE(worker_stores);
#endif
                if
#ifndef NO_RECHECK_WORKER_STARVED
                :: mem[OUT_RETURN_TAIL] != out_returns
#endif
                :: else ->
                    to_worker == 1;
                    DRAIN(to_worker)
                fi;
                STORE(worker_stores, WORKER_STARVED, 0)
            fi
        od;
        atomic { blocks--; out_tail = MOD(out_tail + 1) };
        STORE(worker_stores, OUT_TAIL, out_tail);
#ifndef NO_FENCE_WORKER_PUBLISH
        FENCE(worker_stores);
#endif
        wake(worker_stores, GATEWAY_ARMED, to_gateway)
#endif
    :: else ->
        STORE(worker_stores, WORKER_ARMED, 1);
#ifndef NO_FENCE_WORKER_SLEEP
        FENCE(worker_stores);
#endif
        if
        :: mem[IN_TAIL] != in_head
        :: else ->
end:
            to_worker == 1;
            DRAIN(to_worker)
        fi;
        STORE(worker_stores, WORKER_ARMED, 0)
    od
}
