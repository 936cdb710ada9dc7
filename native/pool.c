#include "pool.h"

#include <stdlib.h>

void pool_init(struct pool *pool, size_t size, counter *allocations) {
    *pool = (struct pool){.size = size, .allocations = allocations};
}

void pool_drop(struct pool *pool) {
    while (pool->free != NULL) {
        void *object = pool->free;
        pool->free = *(void **)object;
        free(object);
    }
}

void *pool_take(struct pool *pool) {
    void *object = pool->free;
    if (object == NULL) {
        return pool_bytes(pool->allocations, pool->size);
    }
    pool->free = *(void **)object;
    return object;
}

void pool_give(struct pool *pool, void *object) {
    *(void **)object = pool->free;
    pool->free = object;
}

void *pool_bytes(counter *allocations, size_t size) {
    counter_add(allocations, 1);
    return malloc(size);
}
