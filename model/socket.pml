/*
 * The wake-up socket when the receiver does not drain it at every wake-up: design.md 3.3, "EAGAIN means a wake-up is
 * already on its way". The receiver's poller is edge triggered: it is told of a byte that arrives, not of one that is
 * there. A byte that finds the socket full is dropped by the sender.
 *
 * The reader takes the lane's events. A writer beside it arms the starved word and is fed by the reader without any
 * sleep, so that the bytes sent for it are never waited for.
 *
 * Before it parks on the poller the reader may linger: it reads from the socket, blocking, and the poller is told to look
 * away, so that no edge is seen; bytes that came meanwhile make an edge when the poller is told to look again.
 *
 * Shown: with a socket of CAPACITY bytes no wake-up is lost if the receiver drains, and looks again, before it sleeps
 * whenever LIMIT words were armed since the last drain: each arming brings at most one byte, and counting only the sleeps
 * misses those that brought theirs while nobody slept.
 */
#define CAPACITY 4
#define LIMIT (CAPACITY - 1) /* a word that was armed before the drain may still bring its byte */

byte bytes;                    /* in the socket */
bool edge;                     /* the poller has been told of a byte */
bool watching;                 /* it looks at the socket */
bool worker_armed, worker_starved;
byte pending;                  /* events in the ring */
byte armings;                  /* since the last drain */
bool room, done;

inline signal() {
    if
    :: bytes < CAPACITY -> bytes++; edge = edge || watching
    :: else /* EAGAIN */
    fi
}

#ifdef COUNT_SLEEPS_ONLY
#define ARMED
#else
#define ARMED if :: armings < LIMIT -> armings++ :: else fi
#endif

active proctype Gateway() {
    do
    :: pending < 2 ->
        atomic {
            pending++;
            if
            :: worker_armed -> worker_armed = false; signal()
            :: else
            fi
        }
    :: !room ->
        atomic {
            room = true;
            if
            :: worker_starved -> worker_starved = false; signal()
            :: else
            fi
        }
    :: done = true; break
    od
}

/* It uses room as it comes; the reader or its own second look tells it. */
active proctype Writer() {
    do
    :: !done ->
        atomic { worker_starved = true; ARMED };
end_starved:
        atomic { room -> room = false }
    :: done -> break
    od
}

active proctype Reader() {
    do
    :: pending > 0 -> pending--
    :: pending == 0 -> /* linger */
        watching = false;
        atomic { worker_armed = true; ARMED };
        if
        :: pending > 0
        :: pending == 0 ->
            if
            :: atomic { bytes > 0 -> armings = (armings > bytes -> armings - bytes : 0); bytes = 0 }
            :: true /* nothing came in time */
            fi
        fi;
        worker_armed = false
    :: pending == 0 -> /* park */
        edge = false; /* the poller forgets */
        atomic {
            if
            :: !watching -> watching = true; edge = bytes > 0
            :: else
            fi
        };
        atomic { worker_armed = true; ARMED };
        if
        :: pending > 0
        :: pending == 0 ->
#ifdef COUNT_SLEEPS_ONLY
            armings++;
#endif
            if
            :: armings >= LIMIT ->
                atomic { bytes = 0; armings = 0 };
                /* what was taken by the drain is looked for again */
                atomic { worker_armed = true; ARMED };
                if
                :: pending > 0 -> goto awake
                :: pending == 0
                fi
            :: armings < LIMIT
            fi;
            if
            :: edge
            :: done && pending == 0 -> break
            fi
        fi;
awake:
        worker_armed = false
    od
}
