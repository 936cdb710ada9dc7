/*
 * Loans of blocks in both directions through claims, cancels and reuse of the slot: design.md L1-L5 and 3.7.
 *
 * One exchange slot carries GENERATIONS requests in turn, each with a request block, at most one body block, and at most
 * two response blocks. The gateway may give up at any moment, also while it is sending a response block to the client.
 * In the worker a reader and a starter share the exchange under its lock (atomic steps); the reader may get a body event
 * at any time in the life of the exchange. Each block carries a mark of who wrote it last.
 *
 * Shown: no block is written while it is lent; each loan is returned exactly once and all are back in the end (a process
 * waits for ever otherwise); a return ring never holds more than all blocks of its arena; no body block is back before
 * the request was claimed or the claim was lost; nothing is published for a generation after its end.
 */
#define GENERATIONS 2
#define BLOCKS 2      /* of each arena */
#define NONE 255

mtype = { REQUEST, BODY, CANCEL, RESPONSE, END };
mtype = { GONE, QUEUED, RUNNING }; /* the worker's exchange */
mtype = { CLAIM_QUEUED, CLAIM_CLAIMED, CLAIM_CANCELLED };

byte claim_generation;
mtype claim_state;

chan inbound = [3] of { mtype, byte, byte };   /* kind, generation, block */
chan outbound = [3] of { mtype, byte, byte };
chan in_returns = [BLOCKS] of { byte };
chan out_returns = [BLOCKS] of { byte };
byte in_tail, in_head;
chan queue = [GENERATIONS] of { byte };     /* the worker's private queue */

byte in_mark[BLOCKS], out_mark[BLOCKS];     /* whose bytes a block holds */
bool in_lent[BLOCKS], out_lent[BLOCKS];
bool settled[GENERATIONS + 1];              /* claimed, or the claim was lost */
bool finished;

/* The worker's exchanges: one object each, because one of them may outlive its place in the slot. */
typedef Exchange { mtype state; byte request; byte body }
#ifdef ONE_OBJECT_PER_SLOT
#define OBJECT(g) 0
#else
#define OBJECT(g) g
#endif
Exchange exchange[GENERATIONS + 1];

#define RETURN_IN(b) atomic { assert(in_lent[b]); assert(nfull(in_returns)); in_returns!b }
#define RETURN_OUT(b) atomic { assert(out_lent[b]); assert(nfull(out_returns)); out_returns!b }

/* Lend block b: from here on the owner does not touch it. */
#define LEND_IN(b, mark) in_lent[b] = true; in_mark[b] = mark
#define LEND_OUT(b, mark) out_lent[b] = true; out_mark[b] = mark

inline take_in(b) {
    if
    :: !in_lent[0] -> b = 0
    :: in_lent[0] && !in_lent[1] -> b = 1
    fi
}

/* The owner takes a handle off the ring: the peer must have had it. At home a block may be written at any time. */
#define COLLECT_IN atomic { in_returns?b -> assert(in_lent[b]); in_lent[b] = false; in_mark[b] = 0; b = NONE }
#define COLLECT_OUT atomic { out_returns?b -> assert(out_lent[b]); out_lent[b] = false; out_mark[b] = 0; b = NONE }

active proctype Gateway() {
    byte generation, last_cancel, got, b = NONE, sending = NONE;
    mtype kind;
    bool busy, won, lost, over, body;

    atomic {
        exchange[0].state = GONE; exchange[0].request = NONE; exchange[0].body = NONE;
        exchange[1].state = GONE; exchange[1].request = NONE; exchange[1].body = NONE;
        exchange[2].state = GONE; exchange[2].request = NONE; exchange[2].body = NONE
    };
    do
    :: !busy && generation < GENERATIONS && nfull(inbound) && !(in_lent[0] && in_lent[1]) ->
        atomic {
            generation++; busy = true; won = false; lost = false; over = false; body = false; last_cancel = 0;
            claim_generation = generation; claim_state = CLAIM_QUEUED;
            take_in(b); LEND_IN(b, generation);
            inbound!REQUEST,generation,b; in_tail++; b = NONE
        }
    :: busy && !won && !lost && !over && !body && nfull(inbound) && !(in_lent[0] && in_lent[1]) ->
        atomic {
            body = true;
            take_in(b); LEND_IN(b, generation);
            inbound!BODY,generation,b; in_tail++; b = NONE
        }
    :: busy && !won && !lost && !over && nfull(inbound) ->
        atomic {
            if
            :: claim_state == CLAIM_QUEUED -> claim_state = CLAIM_CANCELLED; won = true
            :: else -> lost = true
            fi
        };
#ifdef FREE_ON_CANCEL
        atomic { in_lent[0] = false; in_lent[1] = false };
#endif
#ifdef RETURN_ON_CANCEL_WHILE_SENDING
        if
        :: sending != NONE -> RETURN_OUT(sending)
        :: else
        fi;
#endif
        atomic { inbound!CANCEL,generation,NONE; in_tail++; last_cancel = in_tail }
    :: COLLECT_IN
    /* one event; a response block is sent before the next is looked at, unless nobody wants it any more */
    :: atomic { sending == NONE && nempty(outbound) -> outbound?kind,got,b };
        assert(busy && !won && !over && got == generation);
        over = (kind == END);
        if
        :: b != NONE ->
            if
#ifdef NO_RETURN_OF_LATE_ANSWER
            :: lost
#else
            :: lost -> RETURN_OUT(b)
#endif
#ifdef RETURN_BEFORE_SENT
            :: !lost -> sending = b; RETURN_OUT(b)
#else
            :: !lost -> sending = b
#endif
            fi
        :: else
        fi;
        b = NONE
    /* the send is complete */
    :: sending != NONE ->
        assert(out_mark[sending] == generation);
#ifndef RETURN_BEFORE_SENT
        RETURN_OUT(sending);
#endif
#ifdef RETURN_HEAD_AND_BODY /* they share the block */
        RETURN_OUT(sending);
#endif
        sending = NONE
    :: busy && (won || over) && in_head >= last_cancel && sending == NONE -> busy = false
    :: !busy && generation == GENERATIONS && !in_lent[0] && !in_lent[1] -> break
    od;
    finished = true
}

#define RETURN_BODY(g, b) atomic { assert(settled[g]); RETURN_IN(b) }
#define LIVE(g) (exchange[OBJECT(g)].state != GONE)

/* Under the exchange's lock: give back what it holds and forget it. */
inline let_go(g) {
    if
    :: exchange[OBJECT(g)].request != NONE -> RETURN_IN(exchange[OBJECT(g)].request)
    :: else
    fi;
    if
    :: exchange[OBJECT(g)].body != NONE -> RETURN_BODY(g, exchange[OBJECT(g)].body)
    :: else
    fi;
#ifndef RETURN_TWICE
    exchange[OBJECT(g)].request = NONE;
    exchange[OBJECT(g)].body = NONE;
#endif
    exchange[OBJECT(g)].state = GONE
}

active proctype Reader() {
    byte g, b = NONE;
    mtype kind;

    do
    :: atomic { inbound?kind,g,b -> in_head++ };
        if
        :: kind == REQUEST ->
            assert(in_mark[b] == g);
            atomic {
                exchange[OBJECT(g)].request = b;
                exchange[OBJECT(g)].body = NONE;
                exchange[OBJECT(g)].state = QUEUED;
                queue!g
            }
        :: kind == BODY ->
            assert(in_mark[b] == g);
            atomic {
                if
#ifdef BODY_BACK_WHILE_QUEUED
                :: LIVE(g) -> RETURN_BODY(g, b)
#else
                :: LIVE(g) -> exchange[OBJECT(g)].body = b
#endif
                :: else ->
#ifdef BODY_AFTER_END
                    exchange[OBJECT(g)].body = b
#else
#ifndef NO_RETURN_OF_GONE
                    RETURN_BODY(g, b)
#endif
#endif
                fi
            }
        :: kind == CANCEL ->
            atomic {
                if
                :: queue??[eval(g)] ->
                    queue??eval(g);
                    settled[g] = (claim_generation == g && claim_state == CLAIM_CANCELLED);
                    let_go(g)
#ifdef RETURN_TWICE /* the starter has taken it and will find its claim lost */
                :: !queue??[eval(g)] && exchange[OBJECT(g)].state == QUEUED ->
                    settled[g] = true;
                    let_go(g)
#endif
                :: else
                fi
            }
        fi;
        b = NONE
    :: finished && empty(inbound) -> break
    od
}

active proctype Starter() {
    byte g, b = NONE;
    bool mine;

    do
    :: queue?g ->
        atomic {
            mine = (claim_generation == g && claim_state == CLAIM_QUEUED);
            if
            :: mine -> claim_state = CLAIM_CLAIMED; exchange[OBJECT(g)].state = RUNNING
            :: else
            fi;
            settled[g] = true
        };
        if
        :: mine ->
            assert(in_mark[exchange[OBJECT(g)].request] == g);
            do
            :: exchange[OBJECT(g)].body != NONE -> /* read the body and give it back */
                atomic { b = exchange[OBJECT(g)].body; exchange[OBJECT(g)].body = NONE };
#ifdef READ_AFTER_RETURN
                RETURN_BODY(g, b);
                assert(in_mark[b] == g);
#else
                assert(in_mark[b] == g);
                RETURN_BODY(g, b);
#endif
                b = NONE
            :: !(out_lent[0] && out_lent[1]) && nfull(outbound) ->
                atomic {
                    if
                    :: !out_lent[0] -> b = 0
                    :: else -> b = 1
                    fi;
                    LEND_OUT(b, g)
                };
                if
                :: atomic { nfull(outbound) -> outbound!RESPONSE,g,b; b = NONE }
                :: break /* it goes with the last event */
                fi
            :: COLLECT_OUT
            :: break
            od;
#ifdef PUBLISH_AFTER_END
            atomic { nfull(outbound) -> outbound!END,g,NONE };
            if
            :: b != NONE -> outbound!RESPONSE,g,b
            :: else
            fi;
#else
            atomic { nfull(outbound) -> outbound!END,g,b };
#endif
            b = NONE;
            atomic { let_go(g) }
        :: else ->
#ifdef NO_RETURN_OF_LOST_CLAIM
            exchange[OBJECT(g)].state = GONE
#else
            atomic { let_go(g) }
#endif
        fi
    :: COLLECT_OUT
    :: finished && empty(queue) && empty(inbound) && !out_lent[0] && !out_lent[1] -> break
    od
}
