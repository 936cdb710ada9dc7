/* Statistics words: one writer thread, any number of readers, no ordering with anything else. */
#ifndef COUNTER_H
#define COUNTER_H

#include <stdatomic.h>
#include <stdint.h>

typedef _Atomic uint64_t counter;

static inline uint64_t counter_get(const counter *c) {
    return atomic_load_explicit((counter *)(uintptr_t)c, memory_order_relaxed);
}

static inline void counter_set(counter *c, uint64_t value) {
    atomic_store_explicit(c, value, memory_order_relaxed);
}

/* The only writer may load and store: no locked instruction is needed. */
static inline void counter_add(counter *c, uint64_t n) {
    counter_set(c, counter_get(c) + n);
}

static inline void counter_sub(counter *c, uint64_t n) {
    counter_set(c, counter_get(c) - n);
}

static inline void counter_raise(counter *c, uint64_t value) {
    if (counter_get(c) < value) {
        counter_set(c, value);
    }
}

#endif
