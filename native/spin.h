/*
 * Whether a loop that has nothing to do looks again at once instead of going to sleep. It does for a short while, as long as
 * very few exchanges are in workers' hands and answers keep coming within that while: then being woken would cost more
 * than waiting. docs/design.md section 7.
 */
#ifndef SPIN_H
#define SPIN_H

#include <stdbool.h>
#include <stdint.h>

struct spin {
    uint64_t limit_ns; /* 0: never */
    uint64_t until_ns; /* of the current spin; 0 if there is none */
    uint64_t progress;
    uint32_t penalty; /* chances to let go by after a spin in vain */
};

/* `open` exchanges are in workers' hands; `progress` changes with every event that was sent or taken. */
bool spin_again(struct spin *spin, uint32_t open, uint64_t progress, uint64_t now_ns);

#endif
