/*
 * Unit tests in C. A test is a function `static void test_x(void)`; main is a row of RUN(test_x) and ends with
 * `return test_report();`. A failed check prints both values and where, and the test goes on; REQUIRE leaves it.
 * Checks may be made from several threads.
 */
#ifndef TEST_H
#define TEST_H

#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static atomic_uint test_faults; /* failed checks of the test that runs */
static unsigned test_passed;
static unsigned test_failed;
static const char *test_name = "";

/* Prints a fault's place; what follows is printed by the caller. */
static inline void test_fault(const char *file, int line) {
    atomic_fetch_add(&test_faults, 1);
    fprintf(stderr, "%s:%d: %s: ", file, line, test_name);
}

/* Prints bytes as a quoted text that a golden file or a C string could hold. */
static inline void test_print_bytes(FILE *out, const void *bytes, size_t length) {
    const uint8_t *byte = bytes;

    fputc('"', out);
    for (size_t i = 0; i < length; i++) {
        if (byte[i] == '\r')
            fputs("\\r", out);
        else if (byte[i] == '\n')
            fputs("\\n", out);
        else if (byte[i] == '\t')
            fputs("\\t", out);
        else if (byte[i] == '"' || byte[i] == '\\')
            fprintf(out, "\\%c", byte[i]);
        else if (byte[i] < 0x20 || byte[i] > 0x7e)
            fprintf(out, "\\x%02x", byte[i]);
        else
            fputc(byte[i], out);
    }
    fputc('"', out);
}

static inline bool test_check(bool ok, const char *text, const char *file, int line) {
    if (!ok) {
        test_fault(file, line);
        fprintf(stderr, "not true: %s\n", text);
    }
    return ok;
}

static inline bool test_check_int(int64_t got, int64_t want, const char *text, const char *file, int line) {
    if (got != want) {
        test_fault(file, line);
        fprintf(stderr, "%s is %" PRId64 ", expected %" PRId64 "\n", text, got, want);
    }
    return got == want;
}

static inline bool test_check_uint(uint64_t got, uint64_t want, const char *text, const char *file, int line) {
    if (got != want) {
        test_fault(file, line);
        fprintf(stderr, "%s is %" PRIu64 " (0x%" PRIx64 "), expected %" PRIu64 " (0x%" PRIx64 ")\n", text, got, got,
                want, want);
    }
    return got == want;
}

static inline bool test_check_bytes(const void *got, size_t got_length, const void *want, size_t want_length,
                                    const char *text, const char *file, int line) {
    bool ok = got_length == want_length && (got_length == 0 || memcmp(got, want, got_length) == 0);

    if (!ok) {
        test_fault(file, line);
        fprintf(stderr, "%s is ", text);
        test_print_bytes(stderr, got, got_length);
        fputs(", expected ", stderr);
        test_print_bytes(stderr, want, want_length);
        fputc('\n', stderr);
    }
    return ok;
}

#define CHECK(condition) test_check((condition), #condition, __FILE__, __LINE__)
#define CHECK_INT(got, want) test_check_int((int64_t)(got), (int64_t)(want), #got, __FILE__, __LINE__)
#define CHECK_UINT(got, want) test_check_uint((uint64_t)(got), (uint64_t)(want), #got, __FILE__, __LINE__)
#define CHECK_BYTES(got, got_length, want, want_length) \
    test_check_bytes((got), (got_length), (want), (want_length), #got, __FILE__, __LINE__)
/* `want` is a string literal, or another zero-ended string. */
#define CHECK_TEXT(got, got_length, want) CHECK_BYTES((got), (got_length), (want), strlen(want))

/* Leaves the test function if the condition does not hold. */
#define REQUIRE(condition)     \
    do {                       \
        if (!CHECK(condition)) \
            return;            \
    } while (0)

#define RUN(test) test_run((test), #test)

static inline void test_run(void (*test)(void), const char *name) {
    unsigned faults;

    test_name = name;
    atomic_store(&test_faults, 0);
    test();
    faults = atomic_load(&test_faults);
    if (faults > 0) {
        test_failed++;
        fprintf(stderr, "FAILED %s: %u checks\n", name, faults);
    } else {
        test_passed++;
    }
}

/* The exit code of main. */
static inline int test_report(void) {
    printf("%u passed, %u failed\n", test_passed, test_failed);
    return test_failed > 0 || test_passed == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* A small generator (SplitMix64) whose numbers are the same everywhere; print the seed. */
static inline uint64_t test_random(uint64_t *state) {
    uint64_t value = *state += UINT64_C(0x9e3779b97f4a7c15);

    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

/* The seed for this run: TEST_SEED from the environment, or 1. */
static inline uint64_t test_seed(void) {
    const char *text = getenv("TEST_SEED");
    uint64_t seed = text != NULL ? strtoull(text, NULL, 0) : 1;

    printf("seed %" PRIu64 " (TEST_SEED)\n", seed);
    return seed;
}

#endif
