#include "worker_mirror.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ring_atomic.h"

static void must(bool ok, const char *what) {
    if (!ok) {
        perror(what);
        abort();
    }
}

/* --- segments --- */

/* Memory between two pages that may not be touched. */
static uint8_t *guarded(uint64_t size, int file) {
    uint8_t *all = mmap(NULL, size + (uint64_t)2 * RING_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(all != MAP_FAILED, "mmap");
    int flags = MAP_FIXED | (file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED);
    uint8_t *memory = mmap(all + RING_PAGE, size, PROT_READ | PROT_WRITE, flags, file, 0);
    must(memory == all + RING_PAGE, "mmap");
    return memory;
}

void segments_open(struct segments *s, struct ring_geometry geometry, bool file) {
    *s = (struct segments){.geometry = geometry, .outbound_file = -1};
    must(ring_geometry_init(&s->geometry) == 0 && geometry.lanes <= 4, "geometry");
    if (file) {
        s->outbound_file = memfd_create("outbound", MFD_CLOEXEC);
        must(s->outbound_file >= 0, "memfd_create");
        must(fallocate(s->outbound_file, 0, 0, (off_t)s->geometry.outbound_size) == 0, "fallocate");
    }
    s->inbound = guarded(s->geometry.inbound_size, -1);
    s->outbound = guarded(s->geometry.outbound_size, s->outbound_file);
    for (uint32_t i = 0; i < geometry.lanes; i++) {
        int pair[2];
        must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0, "socketpair");
        s->gateway_socket[i] = pair[0];
        s->worker_socket[i] = pair[1];
    }
}

void segments_close(struct segments *s) {
    (void)munmap(s->inbound - RING_PAGE, s->geometry.inbound_size + (uint64_t)2 * RING_PAGE);
    (void)munmap(s->outbound - RING_PAGE, s->geometry.outbound_size + (uint64_t)2 * RING_PAGE);
    if (s->outbound_file >= 0) {
        close(s->outbound_file);
    }
    for (uint32_t i = 0; i < s->geometry.lanes; i++) {
        if (s->worker_socket[i] >= 0) {
            close(s->worker_socket[i]);
        }
    }
}

/* --- the worker's ends --- */

void worker_open(struct worker *w, const struct segments *s, uint32_t lane) {
    const struct ring_geometry *g = &s->geometry;
    uint8_t *in = s->inbound + RING_PAGE + g->in_stride * lane;
    uint8_t *out = s->outbound + RING_PAGE + g->out_stride * lane;
    *w = (struct worker){.geometry = *g, .socket = s->worker_socket[lane]};
    w->in = (struct ring_inbound_words *)(void *)in;
    w->out = (struct ring_outbound_words *)(void *)out;
    w->in_events = (const struct ring_event *)(void *)(in + g->in_events);
    w->out_events = (struct ring_event *)(void *)(out + g->out_events);
    w->in_returns = (const uint32_t *)(void *)(in + g->in_returns);
    w->out_returns = (uint32_t *)(void *)(out + g->out_returns);
    w->claims = out + g->out_claims;
    w->in_arena = in + g->in_arena;
    w->out_arena = out + g->out_arena;
    must(arena_init(&w->arena, g->arena_units) == 0, "arena");
}

void worker_close(struct worker *w) {
    arena_free(&w->arena);
}

/* After an index moved: if the gateway waits for it, a signal is due. */
static void wakes(struct worker *w, struct ring_word *word) {
    /* So that either the gateway, having stored its word, sees the new index, or we see its word. */
    ring_full_fence();
    w->due |= ring_take_armed(word);
}

bool worker_take(struct worker *w, struct ring_event *event) {
    uint64_t tail = ring_load_index(&w->in->in_tail);
    if (tail == w->in_head) {
        return false;
    }
    *event = w->in_events[w->in_head & (w->geometry.ring_slots - 1)];
    w->in_head++;
    ring_store_index(&w->out->in_head, w->in_head);
    wakes(w, &w->out->gateway_starved);
    return true;
}

bool worker_claim(struct worker *w, const struct ring_event *request) {
    uint64_t *claim = (uint64_t *)(void *)(w->claims + (uint64_t)request->exchange * RING_CLAIM_STRIDE);
    return ring_claim_change(claim, request->generation, RING_CLAIM_QUEUED, RING_CLAIM_CLAIMED);
}

void worker_return(struct worker *w, uint32_t block) {
    w->out_returns[w->in_return_tail & (w->geometry.return_slots - 1)] = block;
    w->in_return_tail++;
    ring_store_index(&w->out->in_return_tail, w->in_return_tail);
    wakes(w, &w->out->gateway_starved);
}

void worker_return_event(struct worker *w, const struct ring_event *event) {
    if (event->head_block != RING_NO_BLOCK) {
        worker_return(w, event->head_block);
    }
    if (event->body_block != RING_NO_BLOCK && event->body_block != event->head_block) {
        worker_return(w, event->body_block);
    }
}

bool worker_collect(struct worker *w) {
    uint64_t tail = ring_load_index(&w->in->out_return_tail);
    bool ok = true;
    for (; w->out_return_head != tail; w->out_return_head++) {
        uint32_t slot = 0;
        uint32_t block = w->in_returns[w->out_return_head & (w->geometry.return_slots - 1)];
        ok = arena_take_back(&w->arena, block, &slot) == 0 && ok;
    }
    ring_store_index(&w->out->out_return_head, w->out_return_head);
    return ok;
}

uint32_t worker_block(struct worker *w, uint32_t bytes) {
    if (!worker_collect(w) && !w->lenient) {
        fprintf(stderr, "the gateway returned a block that it did not hold\n");
        abort();
    }
    uint32_t block = arena_take(&w->arena, block_order_for(bytes));
    if (block != RING_NO_BLOCK) {
        arena_lend(&w->arena, block, 0);
    }
    return block;
}

uint8_t *worker_memory(const struct worker *w, uint32_t block) {
    return w->out_arena + block_start(block);
}

bool worker_publish(struct worker *w, const struct ring_event *event) {
    w->out_head = ring_load_index(&w->in->out_head);
    if (w->out_tail - w->out_head >= w->geometry.ring_slots) {
        return false;
    }
    w->out_events[w->out_tail & (w->geometry.ring_slots - 1)] = *event;
    w->out_tail++;
    ring_store_index(&w->out->out_tail, w->out_tail);
    wakes(w, &w->out->gateway_armed);
    return true;
}

struct ring_event worker_event(const struct ring_event *request, uint8_t kind, uint8_t flags) {
    return (struct ring_event){.kind = kind,
                               .flags = flags,
                               .status = kind == RING_EVENT_RESPONSE ? 200 : 0,
                               .exchange = request->exchange,
                               .generation = request->generation,
                               .head_block = RING_NO_BLOCK,
                               .body_block = RING_NO_BLOCK,
                               .total = RING_LENGTH_UNKNOWN};
}

bool worker_put_head(struct worker *w, struct ring_event *event, const void *bytes, uint32_t length) {
    uint32_t block = worker_block(w, length);
    if (block == RING_NO_BLOCK) {
        return false;
    }
    memcpy(worker_memory(w, block), bytes, length);
    event->head_block = block;
    event->head_offset = block_start(block);
    event->head_length = length;
    return true;
}

bool worker_put_body(struct worker *w, struct ring_event *event, const void *bytes, uint32_t length) {
    uint32_t block = worker_block(w, length);
    if (block == RING_NO_BLOCK) {
        return false;
    }
    memcpy(worker_memory(w, block), bytes, length);
    event->body_block = block;
    event->body_offset = block_start(block);
    event->body_length = length;
    return true;
}

bool worker_send_files(struct worker *w, const int *files, uint32_t count) {
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(64 * sizeof(int))] = {0};
    struct iovec iov = {(void *)(uintptr_t) "", 1};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control};
    must(count <= 64, "so many descriptors");
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    struct cmsghdr *part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(part), files, count * sizeof(int));
    return sendmsg(w->socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

struct ring_event worker_file(const struct ring_event *request, uint32_t number, uint64_t offset, uint64_t count) {
    struct ring_event event = worker_event(request, RING_EVENT_RESPONSE_FILE, 0);
    event.credit = number;
    event.file_low = (uint32_t)offset;
    event.file_high = (uint32_t)(offset >> 32);
    event.total = count;
    return event;
}

void worker_signal(struct worker *w) {
    if (w->due) {
        w->due = false;
        w->signals++;
        (void)!send(w->socket, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}

bool worker_arm(struct worker *w, bool starved) {
    ring_arm(&w->out->worker_armed);
    if (starved) {
        ring_arm(&w->out->worker_starved);
    }
    /* So that either the gateway, having published, sees the words, or we see what it published. */
    ring_full_fence();
    bool more = ring_load_index(&w->in->in_tail) != w->in_head;
    if (starved) {
        uint64_t head = ring_load_index(&w->in->out_head);
        more |= ring_load_index(&w->in->out_return_tail) != w->out_return_head || head != w->out_head;
        w->out_head = head;
    }
    return more;
}

void worker_disarm(struct worker *w) {
    ring_disarm(&w->out->worker_armed);
}

bool worker_sleep(struct worker *w, int timeout_ms) {
    struct pollfd watched = {.fd = w->socket, .events = POLLIN};
    if (poll(&watched, 1, timeout_ms) <= 0) {
        return false;
    }
    uint8_t bytes[256];
    return recv(w->socket, bytes, sizeof(bytes), MSG_DONTWAIT) >= 0;
}

const uint8_t *worker_inbound(const struct worker *w, uint32_t offset) {
    return w->in_arena + offset;
}
