/*
 * Input that ends where memory ends: one byte read beyond it is a segmentation fault.
 */
#ifndef GUARD_H
#define GUARD_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct guard {
    uint8_t *base;
    size_t size; /* writable bytes, before the guard page */
};

static inline struct guard guard_open(size_t capacity) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct guard guard = {.size = (capacity + page - 1) / page * page};
    void *memory = mmap(NULL, guard.size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED || mprotect((uint8_t *)memory + guard.size, page, PROT_NONE) != 0) {
        perror("guard page");
        exit(EXIT_FAILURE);
    }
    guard.base = memory;
    return guard;
}

/* Copies the bytes so that they end at the guard page. */
static inline const uint8_t *guard_place(const struct guard *guard, const void *bytes, size_t length) {
    uint8_t *start = guard->base + guard->size - length;

    if (length > guard->size) {
        fprintf(stderr, "%zu bytes do not fit before the guard page\n", length);
        exit(EXIT_FAILURE);
    }
    memmove(start, bytes, length);
    return start;
}

#endif
