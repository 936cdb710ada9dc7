/*
 * A starved writer while the inbound ring never runs empty: design.md 3.3.
 *
 * The gateway keeps the ring filled for ever, so the reader never sleeps on the socket. A writer waits for outbound
 * room; the gateway makes room, sees worker_starved and signals; only a reader takes bytes off the socket.
 *
 * Shown under weak fairness: a writer that waits goes on in the end (LTL), because the reader looks at the waiting
 * writers after at most BATCH events and not only when it wakes from a sleep.
 */
#define SLOTS 2
#define BATCH 2

chan inbound = [SLOTS] of { bit };
bool worker_armed, worker_starved, to_worker;
bool room, waiting, notified;

active proctype Gateway() {
    do
    :: atomic {
            inbound!0;
            if
            :: worker_armed -> worker_armed = false; to_worker = true
            :: else
            fi
        };
        if
        :: !room ->
            atomic {
                room = true;
                if
                :: worker_starved -> worker_starved = false; to_worker = true
                :: else
                fi
            }
        :: else
        fi
    od
}

inline look_at_writers() {
    if
    :: waiting && room -> notified = true
    :: else
    fi
}

active proctype Reader() {
    byte count;

    do
    :: inbound?_ ->
#ifndef ONLY_WHEN_WOKEN
        atomic {
            count++;
            if
            :: count == BATCH -> count = 0; look_at_writers()
            :: else
            fi
        }
#endif
    :: empty(inbound) ->
        worker_armed = true;
        if
        :: nempty(inbound)
        :: empty(inbound) -> to_worker; to_worker = false
        fi;
        worker_armed = false;
        atomic { look_at_writers() }
    od
}

active proctype Writer() {
    do
    :: true ->
        waiting = true;
        worker_starved = true;
        if
        :: room
        :: !room -> notified
        fi;
written:
        atomic { notified = false; waiting = false; room = false }
    od
}

ltl live { [] (waiting -> <> (Writer@written)) }
