/*
 * The memory-ordering vocabulary of the rings; nothing else in native/ touches a shared word. docs/design.md section 3.
 *
 * Shared words live in mapped memory, so they are plain uint64_t there; the GCC/Clang atomic built-ins give them C11 atomic
 * semantics in place. Every load from memory that a peer can write returns a private copy: bound it, then use it.
 */
#ifndef RING_ATOMIC_H
#define RING_ATOMIC_H

#include <stdbool.h>
#include <stdint.h>

#include "ring_layout.h"

/* Index of the peer's progress: acquire, so that what the peer wrote before moving it is seen. */
static inline uint64_t ring_load_index(const struct ring_word *word) {
    return __atomic_load_n(&word->value, __ATOMIC_ACQUIRE);
}

/* Own progress: release, so that slots are written (or copied out) before the peer sees the index move. */
static inline void ring_store_index(struct ring_word *word, uint64_t value) {
    __atomic_store_n(&word->value, value, __ATOMIC_RELEASE);
}

/*
 * Between "index stored" and "armed looked at" (producer), and between "armed stored" and "index looked at" (consumer):
 * a store must not be overtaken by the later load, so that at least one of the two sees the other.
 */
static inline void ring_full_fence(void) {
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Sleeper's side of an armed or starved word. */
static inline void ring_arm(struct ring_word *word) {
    __atomic_store_n(&word->value, 1, __ATOMIC_SEQ_CST);
}

static inline void ring_disarm(struct ring_word *word) {
    __atomic_store_n(&word->value, 0, __ATOMIC_RELAXED);
}

/* Waker's side, after a full fence: true if a sleeper waits and this call is the one that must signal it. */
static inline bool ring_take_armed(struct ring_word *word) {
    /* A plain load first, so that the common unarmed case does not take the line exclusively. */
    if (__atomic_load_n(&word->value, __ATOMIC_SEQ_CST) == 0) {
        return false;
    }
    return __atomic_exchange_n(&word->value, 0, __ATOMIC_SEQ_CST) != 0;
}

/* Claim words: one winner (docs/design.md 3.5). */
static inline void ring_claim_store(uint64_t *claim, uint32_t generation, uint32_t state) {
    __atomic_store_n(claim, (uint64_t)generation << 32 | state, __ATOMIC_RELEASE);
}

static inline bool ring_claim_is(const uint64_t *claim, uint32_t generation, uint32_t state) {
    return __atomic_load_n(claim, __ATOMIC_RELAXED) == ((uint64_t)generation << 32 | state);
}

static inline bool ring_claim_change(uint64_t *claim, uint32_t generation, uint32_t from, uint32_t to) {
    uint64_t expected = (uint64_t)generation << 32 | from;
    uint64_t wanted = (uint64_t)generation << 32 | to;
    return __atomic_compare_exchange_n(claim, &expected, wanted, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

/* Copies an event out of memory that the peer may change at any moment: each word is loaded exactly once. */
static inline void ring_copy_event(struct ring_event *to, const struct ring_event *from) {
    const uint64_t *source = (const uint64_t *)(const void *)from;
    uint64_t words[sizeof(struct ring_event) / sizeof(uint64_t)];
    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        words[i] = __atomic_load_n(&source[i], __ATOMIC_RELAXED);
    }
    __builtin_memcpy(to, words, sizeof(words));
}

static inline uint32_t ring_load_handle(const uint32_t *slot) {
    return __atomic_load_n(slot, __ATOMIC_RELAXED);
}

#endif
