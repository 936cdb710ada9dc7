/*
 * A worker dies, hangs, breaks the rules or lets go of the control socket at any moment: design.md L3, L6, 3.5;
 * what happens to its exchanges.
 *
 * WORKERS workers take over one after the other; the last one stays. Two requests: number 0 is unsafe, number 1 is safe
 * and has a body. Each handler may send its answer whole or in two events, and may give body blocks back; a worker may be
 * killed between any two steps. Its end of file may also come while it still runs (ZOMBIE: it closed its socket). The
 * gateway may take queued requests back from a worker that does not get on. With HOSTILE the first worker may put its
 * claim words back to QUEUED and then break the rules of the ring.
 *
 * The gateway consumes the outbound ring to the tail that it loads once, then classifies: QUEUED (won by compare-and-swap)
 * is given to the next worker; CLAIMED is retried once if safe, nothing sent to the client and no body block returned;
 * the rest is answered 502, or cut if the answer had begun. Nothing of a worker is looked at after it was classified.
 *
 * Shown: each request is answered exactly once; the unsafe one is executed at most once; a safe one is retried at most
 * once and with its whole body; an answer that a worker had finished before it was killed is delivered; no deadlock.
 */
#ifndef WORKERS
#define WORKERS 2
#endif
#define UNSAFE 0
#define SAFE 1

mtype = { QUEUED, CLAIMED, CANCELLED };
mtype = { PIECE, END, GARBAGE };

typedef Segment {
    mtype claim[2];
    bool given[2];     /* the request was published */
    bool body_back[2]; /* a body block was returned */
    bool finished[2];  /* seen by a spectator: the last event was published before the end of file */
    bool dead, eof, broken, dropped
}
Segment segment[WORKERS];
chan outbound[WORKERS] = [5] of { mtype, byte };

byte executed[2], answers[2], retries[2], at[2];
bool begun[2], open[2];

proctype Handler(byte w; byte r) {
    {
        if
        :: segment[w].given[r]
        :: answers[0] + answers[1] == 2 -> goto gone
        fi;
        atomic {
            if
            :: segment[w].claim[r] == QUEUED -> segment[w].claim[r] = CLAIMED
            :: else -> goto gone
            fi
        };
        d_step { executed[r]++; assert(executed[r] <= (r == SAFE -> 2 : 1)) };
        if
        :: r == SAFE -> segment[w].body_back[r] = true
        :: true
        fi;
        if
        :: outbound[w]!PIECE,r
        :: true
        fi;
        atomic { outbound[w]!END,r; segment[w].finished[r] = !segment[w].eof && !segment[w].broken }
    } unless { segment[w].dead };
gone:
    skip
}

/* What becomes of a worker; the last one lives. */
proctype Fate(byte w) {
    if
    :: d_step { segment[w].dead = true; segment[w].eof = true }
#ifdef ZOMBIE
    :: segment[w].eof = true
#endif
#ifdef HOSTILE
    :: w == 0 ->
        d_step { segment[w].claim[0] = QUEUED; segment[w].claim[1] = QUEUED };
        atomic { nfull(outbound[w]) -> outbound[w]!GARBAGE,0; segment[w].broken = true }
#endif
    :: true
    fi
}

inline give(r, w) {
    d_step {
        assert(!begun[r]);
        at[r] = w;
        segment[at[r]].claim[r] = QUEUED;
        segment[at[r]].given[r] = true
    }
}

inline answer(r) {
    d_step { answers[r]++; assert(answers[r] == 1); open[r] = false }
}

inline consume(w) {
    atomic {
        outbound[w]?kind,x;
        if
        :: kind == GARBAGE -> violated = true
        :: else ->
            assert(at[x] == w && open[x]);
            if
            :: kind == PIECE -> begun[x] = true
            :: kind == END -> answer(x)
            fi
        fi;
        x = 0;
        kind = 0
    }
}

#if WORKERS > 2
#define NEXT(w) (w == 0 && segment[1].dropped -> 2 : w + 1)
#else
#define NEXT(w) (w + 1)
#endif
#ifdef RETRY_UNSAFE
#define IS_SAFE(r) true
#else
#define IS_SAFE(r) (r == SAFE)
#endif
#ifdef RETRY_BEGUN
#define IS_BEGUN(r) false
#else
#define IS_BEGUN(r) begun[r]
#endif
#ifdef RETRY_FOR_EVER
#define IS_RETRIED(r) false
#else
#define IS_RETRIED(r) (retries[r] > 0)
#endif
#ifdef RETRY_WITHOUT_BODY
#define IS_BODY_BACK(r, w) false
#else
#define IS_BODY_BACK(r, w) segment[w].body_back[r]
#endif
#define RETRYABLE(r, w) (IS_SAFE(r) && !IS_BEGUN(r) && !IS_RETRIED(r) && !IS_BODY_BACK(r, w))

/* Decide what becomes of request r of a worker that is no more. */
inline classify(r, w) {
    if
    :: open[r] && at[r] == w ->
        assert(!segment[w].finished[r]);
#ifdef REDISPATCH_WITHOUT_SWAP
        won = (segment[w].claim[r] == QUEUED);
#else
        d_step {
#ifdef TRUST_CLAIMS_AFTER_VIOLATION
            won = (segment[w].claim[r] == QUEUED);
#else
            won = (!violated && segment[w].claim[r] == QUEUED);
#endif
            if
            :: won -> segment[w].claim[r] = CANCELLED
            :: else
            fi
        };
#endif
        d_step {
            retry = (!won && RETRYABLE(r, w));
            assert(!retry || !segment[w].body_back[r]);
            retries[r] = retries[r] + retry
        };
        if
        :: won || retry -> give(r, NEXT(w))
        :: else -> answer(r) /* 502, or cut */
        fi;
        d_step { won = false; retry = false }
    :: else
    fi
}

inline drain(w) {
    events = len(outbound[w]); /* the tail, loaded once */
    do
    :: events > 0 && !violated -> consume(w); events--
    :: events == 0 || violated -> events = 0; break
    od
}

inline bury(w) {
#ifdef CLASSIFY_BEFORE_DRAIN
    classify(UNSAFE, w);
    classify(SAFE, w);
    drain(w);
#else
#ifndef NO_DRAIN
    drain(w);
#endif
    classify(UNSAFE, w);
    classify(SAFE, w);
#endif
#ifndef KEEP_CONSUMING
    segment[w].dropped = true
#endif
}

inline take_back(r, w) {
    d_step {
        won = (segment[w].claim[r] == QUEUED);
        if
        :: won -> segment[w].claim[r] = CANCELLED
        :: else
        fi
    };
    if
    :: won -> won = false; give(r, NEXT(w))
    :: else
    fi
}

#if defined(HOSTILE) || defined(NO_TAKE_BACK) /* a worker that lies about its claims can always be given a request twice */
#define TAKES_BACK(w) false
#else
#define TAKES_BACK(w) (w + 1 < WORKERS)
#endif
#define SERVE(w) \
    :: !segment[w].dropped && nempty(outbound[w]) -> \
        consume(w); \
        if \
        :: violated -> segment[w].dead = true; classify(UNSAFE, w); classify(SAFE, w); segment[w].dropped = true; violated = false \
        :: else \
        fi \
    :: segment[w].eof && !segment[w].dropped && !buried[w] -> \
        bury(w); \
        violated = false; \
        buried[w] = true \
    :: TAKES_BACK(w) && open[UNSAFE] && at[UNSAFE] == w && segment[w].claim[UNSAFE] == QUEUED -> take_back(UNSAFE, w) \
    :: TAKES_BACK(w) && open[SAFE] && at[SAFE] == w && segment[w].claim[SAFE] == QUEUED -> take_back(SAFE, w)

active proctype Gateway() {
    byte x, events;
    mtype kind;
    bool won, retry, violated, buried[WORKERS];

    d_step { open[0] = true; open[1] = true };
    give(UNSAFE, 0);
    give(SAFE, 0);
    do
    SERVE(0)
    SERVE(1)
#if WORKERS > 2
    SERVE(2)
#endif
    :: !open[0] && !open[1] -> break
    od;
    assert(answers[0] == 1 && answers[1] == 1)
}

init {
    byte w;
    atomic {
        do
        :: w < WORKERS ->
            run Handler(w, UNSAFE);
            run Handler(w, SAFE);
            if
            :: w + 1 < WORKERS -> run Fate(w)
            :: else
            fi;
            w++
        :: else -> break
        od
    }
}
