/*
 * A return ring under weak memory: design.md 3.4, L1 and L2; ring_layout.h "return ring".
 *
 * The owner lends its blocks through an event ring, the peer reads each and puts its handle on the return ring, which has
 * as many slots as there are blocks and is written without asking for room. Any number of loans (indices modulo 4).
 *
 * Shown: the return ring never holds more than its slots by the index words alone; a handle that comes off it is one that
 * was lent; the peer reads what the owner wrote for this loan; nothing is lost (invalid end state).
 */
#define BLOCKS 2
#ifdef SMALL_RING
#define R 1
#else
#define R 2
#endif
#define MOD(x) ((x) & 3)

#define EVENT0 0     /* event ring: block */
#define EVENT1 1
#define CONTENT0 2   /* of the blocks: a mark per loan */
#define CONTENT1 3
#define TAIL 4
#define RETURN0 5    /* return ring: handle */
#define RETURN1 6
#define RETURN_TAIL 7
#define RETURN_HEAD 8
#define HEAD 9
#define WORDS 10

#ifdef RELAXED_RETURN_TAIL
#define OVERTAKE_RETURN(sb) :: atomic { sb??RETURN_TAIL,value -> mem[RETURN_TAIL] = value }
#else
#define OVERTAKE_RETURN(sb)
#endif
#ifdef RELAXED_TAIL
#define OVERTAKE_TAIL(sb) :: atomic { sb??TAIL,value -> mem[TAIL] = value }
#else
#define OVERTAKE_TAIL(sb)
#endif
#define FLUSH_OVERTAKING(sb) \
    :: atomic { sb??EVENT0,value -> mem[EVENT0] = value } \
    :: atomic { sb??EVENT1,value -> mem[EVENT1] = value } \
    :: atomic { sb??CONTENT0,value -> mem[CONTENT0] = value } \
    :: atomic { sb??CONTENT1,value -> mem[CONTENT1] = value } \
    :: atomic { sb??RETURN0,value -> mem[RETURN0] = value } \
    :: atomic { sb??RETURN1,value -> mem[RETURN1] = value } \
    OVERTAKE_RETURN(sb) OVERTAKE_TAIL(sb)

#include "memory.pml"

chan owner_stores = [4] of { byte, byte };
chan peer_stores = [4] of { byte, byte };
bool lent[BLOCKS];

active proctype Owner() {
    byte tail, return_head, handle, b;

    run Flush(owner_stores);
    do
    /* lend a free block; its content is the number of the loan */
    :: !lent[0] || !lent[1] ->
        if
        :: !lent[0] -> b = 0
        :: !lent[1] -> b = 1
        fi;
        STORE(owner_stores, CONTENT0 + b, tail);
        lent[b] = true;
        STORE(owner_stores, EVENT0 + (tail & 1), b);
        tail = MOD(tail + 1);
        STORE(owner_stores, TAIL, tail)
    /* collect what came back */
    :: mem[RETURN_TAIL] != return_head ->
        handle = mem[RETURN0 + (return_head & (R - 1))];
        assert(handle < BLOCKS && lent[handle]);
        return_head = MOD(return_head + 1);
#ifdef RELEND_BEFORE_HEAD
        lent[handle] = false;
        if
        :: STORE(owner_stores, RETURN_HEAD, return_head)
        :: mem[RETURN_TAIL] == return_head -> skip /* later, with the next ones */
        fi
#else
        STORE(owner_stores, RETURN_HEAD, return_head);
        lent[handle] = false
#endif
    od
}

active proctype Peer() {
    byte head, return_tail, b;

    run Flush(peer_stores);
end:
    do
    :: mem[TAIL] != head ->
        b = mem[EVENT0 + (head & 1)];
#ifdef RETURN_BEFORE_READ
        assert(MOD(return_tail - mem[RETURN_HEAD]) < R);
        STORE(peer_stores, RETURN0 + (return_tail & (R - 1)), b);
        return_tail = MOD(return_tail + 1);
        STORE(peer_stores, RETURN_TAIL, return_tail);
        assert(mem[CONTENT0 + b] == head);
#else
        assert(mem[CONTENT0 + b] == head);
        assert(MOD(return_tail - mem[RETURN_HEAD]) < R);
        STORE(peer_stores, RETURN0 + (return_tail & (R - 1)), b);
        return_tail = MOD(return_tail + 1);
        STORE(peer_stores, RETURN_TAIL, return_tail);
#endif
        head = MOD(head + 1)
    od
}
