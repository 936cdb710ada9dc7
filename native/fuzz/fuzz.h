/*
 * Properties of fuzz targets: a broken one ends the program, which libFuzzer takes for a crash.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOLDS(condition)                                                            \
    do {                                                                            \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                \
        }                                                                           \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy that ends where its allocation ends, so that AddressSanitizer sees a read beyond it. */
static inline uint8_t *fuzz_copy(const uint8_t *bytes, size_t length) {
    uint8_t *copy = malloc(length > 0 ? length : 1);

    HOLDS(copy != NULL);
    if (length > 0)
        memcpy(copy, bytes, length);
    return copy;
}

/* The next step, 1..most, of a cut that `state` determines. */
static inline size_t fuzz_step(uint32_t *state, size_t most) {
    *state = *state * 1664525u + 1013904223u;
    return 1 + (*state >> 8) % most;
}

#endif
