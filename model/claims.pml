/*
 * Claims, generations and the reuse of an exchange slot: design.md 3.2, 3.5, 3.7, L4 and L5.
 *
 * One exchange slot is used for GENERATIONS requests in turn. The gateway may give a request up at any moment, tell a
 * half-close, send body and credit. In the worker one reader consumes events into a private queue of one place, and two
 * goroutines start what is queued; either may be held up between taking a request and claiming it.
 *
 * Shown: a request runs at most once; none runs that was answered from the queue (503); a claim is lost only to a
 * cancellation; each request is answered once; events of the worker are always for the slot's generation; CREDIT and
 * CANCEL always find ring space within 3 slots of reserve; the private queue never needs a second place; no deadlock.
 * Memory is sequentially consistent here: the claim word is changed by compare-and-swap only, except where the other
 * side can no longer change it, and it is stored before the tail that publishes the request.
 */
#ifndef GENERATIONS
#define GENERATIONS 2
#endif
#define EXCHANGES 1
#define RESERVE (3 * EXCHANGES)
#define SLOTS (RESERVE + 2)

#define CLAIM_FREE 0
#define CLAIM_QUEUED 1
#define CLAIM_CLAIMED 2
#define CLAIM_CANCELLED 3

mtype = { REQUEST, BODY, CREDIT, HALF_CLOSED, CANCEL, RESPONSE, END };

typedef Claim { byte generation; byte state }
Claim claim;

chan inbound = [SLOTS] of { mtype, byte };
byte in_tail, in_head;
byte credits, cancels;                  /* in the ring */
chan outbound = [SLOTS] of { mtype, byte };
chan queue = [EXCHANGES] of { byte };   /* the worker's private queue */

/* What a spectator sees of each request. */
byte answered[GENERATIONS + 1];
bool rejected[GENERATIONS + 1];         /* answered without being executed */
byte executed[GENERATIONS + 1];
bool finished;

#define PUBLISH(kind) atomic { assert(nfull(inbound)); inbound!kind,generation; in_tail++ }
#define PUBLISH_CANCEL(kind) atomic { cancels++; assert(cancels <= 2 * EXCHANGES); PUBLISH(kind); last_cancel = in_tail }
#define ROOM (len(inbound) < SLOTS - RESERVE)

#ifdef REUSE_BEFORE_CANCEL_CONSUMED
#define CANCELS_CONSUMED true
#else
#define CANCELS_CONSUMED (in_head >= last_cancel)
#endif
#ifdef REUSE_BEFORE_CREDIT_CONSUMED
#define CREDITS_CONSUMED true
#else
#define CREDITS_CONSUMED (in_head >= last_credit)
#endif

#ifdef NO_GENERATION
#define CLAIMABLE(g) (claim.state == CLAIM_QUEUED)
#else
#define CLAIMABLE(g) (claim.generation == g && claim.state == CLAIM_QUEUED)
#endif

active proctype Gateway() {
    byte generation, last_cancel, last_credit;
    byte got, grants;
    mtype kind;
    bool busy, won, lost, half_closed, ended, body;

    do
    /* next request */
    :: !busy && generation < GENERATIONS && ROOM ->
        d_step { generation++; grants = 0; busy = true; won = false; lost = false; half_closed = false; ended = false; body = false };
#ifdef PUBLISH_BEFORE_QUEUED
        PUBLISH(REQUEST);
        d_step { claim.generation = generation; claim.state = CLAIM_QUEUED }
#else
        d_step { claim.generation = generation; claim.state = CLAIM_QUEUED };
        PUBLISH(REQUEST)
#endif
#ifndef LEAN
    :: busy && !won && !ended && !body && ROOM -> body = true; PUBLISH(BODY)
#endif
#ifdef SECOND_CREDIT
    :: busy && !won && !ended && grants < 2 ->
#else
    :: busy && !won && !ended && grants < 2 && in_head >= last_credit ->
#endif
        atomic { grants++; credits++; assert(credits <= EXCHANGES); PUBLISH(CREDIT); last_credit = in_tail }
    :: busy && !won && !lost && !ended && !half_closed -> half_closed = true; PUBLISH_CANCEL(HALF_CLOSED)
    /* give it up */
    :: busy && !won && !lost && !ended ->
#ifdef CANCEL_WITHOUT_SWAP
        if
        :: claim.state == CLAIM_QUEUED -> claim.state = CLAIM_CANCELLED; won = true
        :: else -> lost = true
        fi;
#else
        atomic {
            if
            :: claim.state == CLAIM_QUEUED -> claim.state = CLAIM_CANCELLED; won = true
            :: else -> lost = true
            fi
        };
#endif
        d_step { answered[generation]++; rejected[generation] = won };
        PUBLISH_CANCEL(CANCEL)
    /* one event of the worker */
    :: outbound?kind,got ->
        assert(busy && !ended && got == generation);
#ifndef NO_GENERATION
        assert(!won);
#endif
        if
        :: kind == END ->
            d_step {
                ended = true;
                if
                :: !lost && !won -> answered[generation]++
                :: else
                fi
            }
        :: else
        fi
    /* L5: the slot is free again */
    :: busy && (ended || won) && CANCELS_CONSUMED && CREDITS_CONSUMED ->
        d_step { claim.state = CLAIM_FREE; busy = false; last_cancel = 0; last_credit = 0; assert(answered[generation] == 1) }
    :: !busy && generation == GENERATIONS -> break
    od;
    finished = true
}

/* The reader: consuming an event frees its slot at once, before the event takes effect. */
active proctype Reader() {
    byte g;
    mtype kind;

    do
    :: atomic {
            inbound?kind,g ->
            in_head++;
            if
            :: kind == CREDIT -> credits--
            :: kind == CANCEL || kind == HALF_CLOSED -> cancels--
            :: else
            fi
       };
       if
       :: kind == REQUEST -> atomic { assert(nfull(queue)); queue!g }
#ifndef NO_DROP_ON_CANCEL
       :: kind == CANCEL ->
            atomic {
                if
                :: queue??[eval(g)] -> queue??eval(g)
                :: else
                fi
            }
#endif
       :: else
       fi
    :: finished && empty(inbound) -> break
    od
}

active [2] proctype Starter() {
    byte g;
    bool mine;

    do
    :: queue?g ->
#ifdef START_UNCLAIMED
        mine = true;
#else
#ifdef CLAIM_WITHOUT_SWAP
        mine = CLAIMABLE(g);
        if
        :: mine -> claim.state = CLAIM_CLAIMED
        :: else
        fi;
#else
        atomic {
            mine = CLAIMABLE(g);
            if
            :: mine -> claim.state = CLAIM_CLAIMED
            :: else
            fi
        };
#endif
#endif
        if
        :: mine ->
            atomic { executed[g]++; assert(executed[g] == 1 && !rejected[g]) };
#ifndef LEAN
            if
            :: outbound!RESPONSE,g
            :: true
            fi;
#endif
            assert(!rejected[g]);
            outbound!END,g
        :: else ->
            assert(answered[g] > 0 || claim.state == CLAIM_CANCELLED || claim.generation != g)
        fi;
        mine = false
    :: finished && empty(queue) -> break
    od
}
