/* Free lists of equal objects for one thread: after warm-up nothing is allocated per request. */
#ifndef POOL_H
#define POOL_H

#include <stddef.h>

#include "counter.h"

struct pool {
    size_t size; /* bytes of an object, at least a pointer */
    void *free;
    counter *allocations; /* counts what came from malloc */
};

void pool_init(struct pool *pool, size_t size, counter *allocations);
/* Frees what lies on the free list. */
void pool_drop(struct pool *pool);
/* An object with undefined content, or NULL when memory is out. */
__attribute__((warn_unused_result)) void *pool_take(struct pool *pool);
void pool_give(struct pool *pool, void *object);

/* malloc, counted. */
__attribute__((warn_unused_result)) void *pool_bytes(counter *allocations, size_t size);

#endif
