/*
 * What the programs of the differential test (test/differential) write: verdicts in the form that wire.go reads. Numbers
 * are little-endian; a text is its length in 32 bits and its bytes.
 */
#ifndef VERDICT_OUT_H
#define VERDICT_OUT_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VERDICT_MAX_INPUT 262144u

struct out {
    uint8_t *bytes;
    size_t length;
    size_t capacity;
};

static inline void out_bytes(struct out *out, const void *bytes, size_t length) {
    if (out->length + length > out->capacity) {
        out->capacity = (out->length + length) * 2;
        out->bytes = realloc(out->bytes, out->capacity);
        if (out->bytes == NULL) {
            fprintf(stderr, "no memory for %zu bytes of verdicts\n", out->capacity);
            exit(EXIT_FAILURE);
        }
    }
    if (length != 0) {
        memcpy(out->bytes + out->length, bytes, length);
    }
    out->length += length;
}

static inline void out_byte(struct out *out, unsigned value) {
    uint8_t byte = (uint8_t)value;

    out_bytes(out, &byte, 1);
}

static inline void out_number(struct out *out, size_t value) {
    const uint8_t bytes[] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16), (uint8_t)(value >> 24)};

    out_bytes(out, bytes, sizeof(bytes));
}

static inline void out_text(struct out *out, const void *bytes, size_t length) {
    out_number(out, length);
    out_bytes(out, bytes, length);
}

/* Overwrites a number written before. */
static inline void out_patch(struct out *out, size_t at, size_t value) {
    for (unsigned i = 0; i < 4; i++) {
        out->bytes[at + i] = (uint8_t)(value >> 8 * i);
    }
}

/*
 * The next input: its length (32 bits) and its bytes. An empty one ends a batch: then what was written is flushed.
 * Returns the length, or 0 at the end.
 */
static inline size_t next_input(uint8_t *input) {
    uint8_t prefix[4];

    while (fread(prefix, 1, sizeof(prefix), stdin) == sizeof(prefix)) {
        uint32_t length =
            (uint32_t)prefix[0] | (uint32_t)prefix[1] << 8 | (uint32_t)prefix[2] << 16 | (uint32_t)prefix[3] << 24;

        if (length == 0) {
            fflush(stdout);
            continue;
        }
        if (length > VERDICT_MAX_INPUT || fread(input, 1, length, stdin) != length) {
            fprintf(stderr, "an input of %" PRIu32 " bytes, expected 1 to %u, all of them\n", length,
                    VERDICT_MAX_INPUT);
            exit(EXIT_FAILURE);
        }
        return length;
    }
    return 0;
}

#endif
