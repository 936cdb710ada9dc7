#include "access_queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int access_queue_init(struct access_queue *queue, uint64_t size) {
    memset(queue, 0, sizeof(*queue));
    if (size < ACCESS_ALIGN || (size & (size - 1)) != 0 || size > SIZE_MAX) {
        return -EINVAL;
    }
    queue->bytes = malloc((size_t)size);
    queue->size = size;
    return queue->bytes == NULL ? -ENOMEM : 0;
}

void access_queue_free(struct access_queue *queue) {
    free(queue->bytes);
    queue->bytes = NULL;
}

/* The bytes that wait, as far as it matters: the consumer's word is loaded only when the last copy of it says `limit` or more. */
static uint64_t waiting(struct access_queue *queue, uint64_t tail, uint64_t limit) {
    if (tail - queue->seen_head >= limit) {
        queue->seen_head = atomic_load_explicit(&queue->head, memory_order_acquire);
    }
    return tail - queue->seen_head;
}

enum access_pushed access_queue_push(struct access_queue *queue, const void *record, uint32_t length) {
    uint64_t need = access_aligned(length);
    uint64_t tail = atomic_load_explicit(&queue->tail, memory_order_relaxed);
    if (need == 0 || need > queue->size || waiting(queue, tail, queue->size - need + 1) > queue->size - need) {
        counter_add(&queue->dropped, 1);
        return ACCESS_DROPPED;
    }
    uint64_t at = tail & (queue->size - 1);
    uint64_t first = queue->size - at < need ? queue->size - at : need;
    memcpy(queue->bytes + at, record, (size_t)first);
    if (first != need) {
        memcpy(queue->bytes, (const uint8_t *)record + first, (size_t)(need - first));
    }
    tail += need;
    atomic_store_explicit(&queue->tail, tail, memory_order_release);
    if (waiting(queue, tail, queue->size / 2) < queue->size / 2) {
        queue->asked = false;
        return ACCESS_PUSHED;
    }
    enum access_pushed pushed = queue->asked ? ACCESS_PUSHED : ACCESS_HALF_FULL;
    queue->asked = true;
    return pushed;
}

/* The bytes of the whole records at the beginning of `bytes`. */
static uint64_t whole_records(const uint8_t *bytes, uint64_t length) {
    uint64_t at = 0;
    while (at < length) {
        uint32_t size;
        memcpy(&size, bytes + at, sizeof(size));
        if (access_aligned(size) > length - at) {
            break;
        }
        at += access_aligned(size);
    }
    return at;
}

uint64_t access_queue_take(struct access_queue *queue, uint8_t *out, uint64_t room) {
    uint64_t head = atomic_load_explicit(&queue->head, memory_order_relaxed);
    uint64_t waits = atomic_load_explicit(&queue->tail, memory_order_acquire) - head;
    uint64_t length = (waits < room ? waits : room) & ~(uint64_t)(ACCESS_ALIGN - 1);
    uint64_t at = head & (queue->size - 1);
    uint64_t first = queue->size - at < length ? queue->size - at : length;
    memcpy(out, queue->bytes + at, (size_t)first);
    memcpy(out + first, queue->bytes, (size_t)(length - first));
    length = length == waits ? length : whole_records(out, length);
    atomic_store_explicit(&queue->head, head + length, memory_order_release);
    return length;
}
