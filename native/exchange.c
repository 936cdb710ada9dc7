#include "exchange.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dispatch.h"

/* The one place where the state changes; the legal predecessors are asserted. */
static void set_state(struct exchange *ex, enum exchange_state state) {
    static const uint8_t from[] = {
        [EXCHANGE_IDLE] = 1 << EXCHANGE_PARKED | 1 << EXCHANGE_SENT | 1 << EXCHANGE_ANSWERING | 1 << EXCHANGE_ANSWERED,
        [EXCHANGE_PARKED] = 1 << EXCHANGE_IDLE | 1 << EXCHANGE_SENT,
        [EXCHANGE_SENT] = 1 << EXCHANGE_IDLE | 1 << EXCHANGE_PARKED,
        [EXCHANGE_ANSWERING] = 1 << EXCHANGE_SENT,
        [EXCHANGE_ANSWERED] = 1 << EXCHANGE_IDLE | 1 << EXCHANGE_PARKED | 1 << EXCHANGE_SENT | 1 << EXCHANGE_ANSWERING,
    };
    if ((from[state] >> ex->state & 1) == 0) {
        abort();
    }
    ex->state = state;
}

static uint64_t now_ns(const struct exchange *ex) {
    return ex->dispatch->now_ns;
}

static void drop_replay(struct exchange *ex) {
    if (ex->parts != NULL && ex->parts != ex->few_parts) {
        free(ex->parts);
    }
    ex->parts = ex->few_parts;
    ex->part_count = 0;
    ex->part_capacity = sizeof(ex->few_parts) / sizeof(ex->few_parts[0]);
}

static void drop_copies(struct exchange *ex) {
    free(ex->copy);
    ex->copy = NULL;
    free(ex->backlog);
    ex->backlog = NULL;
    ex->backlog_length = 0;
    ex->backlog_done = 0;
    ex->backlog_end = false;
    drop_replay(ex);
}

static void publish(struct exchange *ex, struct lane *lane, uint32_t slot, uint32_t block, uint8_t *memory) {
    set_state(ex, EXCHANGE_SENT);
    ex->lane = lane;
    ex->slot = slot;
    ex->block_memory = memory;
    ex->worker = lane->params.worker;
    bool end = ex->request_ended && ex->backlog == NULL;
    uint8_t flags = (uint8_t)((end ? RING_FLAG_END : 0u) | (ex->attempt != 0 ? RING_FLAG_RETRY : 0u));
    lane_publish_request(lane, slot, ex, block, ex->head_length, ex->first_length, flags, ex->total, now_ns(ex));
    if (ex->half_closed) {
        lane_cancel(lane, slot, RING_CANCEL_HALF_CLOSED);
    }
}

/*
 * A block for the request. First body bytes are worth a large one only where there is plenty: clients that stall in the middle
 * of their bodies would otherwise keep all others out.
 */
static struct lane *place_start(struct exchange *ex, uint32_t *slot, uint32_t *block, uint8_t **memory) {
    const uint32_t small = RING_BASE_WINDOW / 2;
    uint32_t size = ex->head_length + ex->first_length;
    struct lane *lane = NULL;
    if (ex->dispatch->parked_count == 0) {
        lane = dispatch_place(ex->dispatch, size, false, slot, block, memory);
    }
    if (lane == NULL && ex->first_length != 0 && size > small) {
        ex->first_length = ex->head_length < small ? small - ex->head_length : 0;
        ex->request_ended = false;
        if (ex->dispatch->parked_count == 0) {
            lane = dispatch_place(ex->dispatch, ex->head_length + ex->first_length, false, slot, block, memory);
        }
    }
    return lane;
}

uint32_t exchange_start(struct exchange *ex, struct dispatch *dispatch, const struct exchange_calls *calls,
                        const struct exchange_request *request) {
    memset(ex, 0, sizeof(*ex));
    ex->calls = calls;
    ex->dispatch = dispatch;
    const struct ring_request_head *head = &request->view->head;
    ex->safe = head->method == RING_METHOD_GET || head->method == RING_METHOD_HEAD ||
               head->method == RING_METHOD_OPTIONS || head->method == RING_METHOD_TRACE;
    ex->request_ended = request->ended;
    ex->head_length = request_block_size(request->view);
    ex->first_length = request->body_length;
    ex->total = head->body_kind == RING_BODY_CHUNKED ? RING_LENGTH_UNKNOWN : head->content_length;
    drop_replay(ex);

    uint32_t slot = 0;
    uint32_t block = 0;
    uint8_t *memory = NULL;
    ex->pinned = request->only != NULL;
    struct lane *lane = request->only;
    if (!ex->pinned) {
        lane = place_start(ex, &slot, &block, &memory);
    } else if (lane_begin(lane, ex->head_length + ex->first_length, &slot, &block, &memory) != 0) {
        exchange_fail(ex, 503);
        return 0;
    }
    if (lane == NULL) {
        memory = pool_bytes(dispatch->allocations, ex->head_length + ex->first_length);
        ex->copy = memory;
    }
    if (memory != NULL) {
        request_block_write(request->view, memory);
        if (ex->first_length != 0) {
            memcpy(memory + ex->head_length, request->body, ex->first_length);
        }
    }
    if (lane != NULL) {
        publish(ex, lane, slot, block, memory);
        dispatch_wait(dispatch, ex);
    } else if (memory != NULL && dispatch_park(dispatch, ex, false)) {
        set_state(ex, EXCHANGE_PARKED);
        dispatch_wait(dispatch, ex);
    } else {
        exchange_fail(ex, 503);
    }
    return ex->first_length;
}

/* Publishes what a re-dispatched request had of its body already. */
static void pump_backlog(struct exchange *ex) {
    while (ex->backlog_done < ex->backlog_length) {
        uint8_t *memory = NULL;
        uint32_t left = ex->backlog_length - ex->backlog_done;
        uint32_t block = lane_reserve_body(ex->lane, ex->slot, left, &memory);
        if (block == RING_NO_BLOCK) {
            return;
        }
        uint32_t n = block_size(block) < left ? block_size(block) : left;
        memcpy(memory, ex->backlog + ex->backlog_done, n);
        ex->backlog_done += n;
        ex->reserved_block = block;
        bool end = ex->backlog_done == ex->backlog_length && ex->backlog_end;
        exchange_commit_body(ex, n, end);
    }
    if (ex->backlog != NULL) {
        free(ex->backlog);
        ex->backlog = NULL;
    }
}

void exchange_publish_parked(struct exchange *ex, struct lane *lane, uint32_t slot, uint32_t block, uint8_t *memory) {
    memcpy(memory, ex->copy, ex->head_length + ex->first_length);
    struct ring_request_head *head = (struct ring_request_head *)(void *)memory;
    head->attempt = ex->attempt;
    free(ex->copy);
    ex->copy = NULL;
    publish(ex, lane, slot, block, memory);
    pump_backlog(ex);
    if (!ex->request_ended && ex->backlog == NULL) {
        ex->calls->resume(ex);
    }
}

int exchange_recall(struct exchange *ex) {
    uint32_t size = ex->head_length + ex->first_length;
    uint32_t body = 0;
    for (uint32_t i = 0; i < ex->part_count; i++) {
        body += ex->parts[i].length;
    }
    /* What was still in the backlog follows what was published of it. */
    uint32_t rest = ex->backlog_length - ex->backlog_done;
    uint8_t *copy = pool_bytes(ex->dispatch->allocations, size);
    uint8_t *backlog = body + rest != 0 ? pool_bytes(ex->dispatch->allocations, body + rest) : NULL;
    if (copy == NULL || (backlog == NULL && body + rest != 0)) {
        free(copy);
        free(backlog);
        return -ENOMEM;
    }
    memcpy(copy, ex->block_memory, size);
    uint32_t at = 0;
    for (uint32_t i = 0; backlog != NULL && i < ex->part_count; i++) {
        memcpy(backlog + at, ex->parts[i].data, ex->parts[i].length);
        at += ex->parts[i].length;
    }
    if (backlog != NULL && rest != 0) {
        memcpy(backlog + at, ex->backlog + ex->backlog_done, rest);
    }
    bool end = ex->request_ended || ex->backlog_end;
    drop_copies(ex);
    ex->copy = copy;
    ex->backlog = backlog;
    ex->backlog_length = body + rest;
    ex->backlog_end = end;
    ex->request_ended = end;
    ex->lane = NULL;
    ex->block_memory = NULL;
    ex->running = false;
    ex->begun_ns = 0;
    set_state(ex, EXCHANGE_PARKED);
    return 0;
}

static bool takes_body(const struct exchange *ex) {
    return (ex->state == EXCHANGE_SENT || ex->state == EXCHANGE_ANSWERING) && ex->backlog == NULL;
}

uint32_t exchange_reserve_body(struct exchange *ex, uint32_t want, uint8_t **memory) {
    if (!takes_body(ex)) {
        return 0;
    }
    ex->reserved_block = lane_reserve_body(ex->lane, ex->slot, want, memory);
    return ex->reserved_block == RING_NO_BLOCK ? 0 : block_size(ex->reserved_block);
}

/* Remembers where published body bytes lie, as long as the request may have to be replayed. */
static void remember_part(struct exchange *ex, const uint8_t *data, uint32_t length) {
    if (ex->state != EXCHANGE_SENT || !lane_replayable(ex->lane, ex->slot)) {
        return;
    }
    if (ex->part_count == ex->part_capacity) {
        uint32_t capacity = ex->part_capacity * 4;
        struct exchange_part *parts = pool_bytes(ex->dispatch->allocations, capacity * sizeof(*parts));
        if (parts == NULL) {
            lane_forbid_replay(ex->lane, ex->slot);
            return;
        }
        memcpy(parts, ex->parts, ex->part_count * sizeof(*parts));
        if (ex->parts != ex->few_parts) {
            free(ex->parts);
        }
        ex->parts = parts;
        ex->part_capacity = capacity;
    }
    ex->parts[ex->part_count++] = (struct exchange_part){data, length};
}

void exchange_commit_body(struct exchange *ex, uint32_t length, bool end) {
    if (length == 0) {
        lane_drop_reserved(ex->lane, ex->reserved_block);
        return;
    }
    ex->request_ended = end;
    remember_part(ex, lane_block_memory(ex->lane, ex->reserved_block), length);
    lane_publish_body(ex->lane, ex->slot, ex->reserved_block, length, end ? RING_FLAG_END : 0);
}

bool exchange_end_body(struct exchange *ex, struct exchange_list trailers) {
    if (!takes_body(ex)) {
        return false;
    }
    if (trailers.length != 0) {
        /* Trailers are not kept for a replay: the request is then as good as begun. */
        lane_forbid_replay(ex->lane, ex->slot);
        ex->request_ended = lane_publish_trailers(ex->lane, ex->slot, trailers.data, trailers.length);
    } else {
        ex->request_ended = lane_publish_end(ex->lane, ex->slot);
    }
    return ex->request_ended;
}

int exchange_upgrade(struct exchange *ex) {
    if (ex->state != EXCHANGE_ANSWERING || !ex->request_ended || ex->backlog != NULL) {
        return -EPROTO;
    }
    if (lane_has_too_many_streams(ex->lane)) {
        return -EAGAIN;
    }
    ex->request_ended = false;
    return 0;
}

bool exchange_is_open(const struct exchange *ex) {
    return ex->state == EXCHANGE_PARKED || ex->state == EXCHANGE_SENT || ex->state == EXCHANGE_ANSWERING;
}

void exchange_half_close(struct exchange *ex) {
    ex->half_closed = true;
    if (ex->state == EXCHANGE_SENT || ex->state == EXCHANGE_ANSWERING) {
        lane_cancel(ex->lane, ex->slot, RING_CANCEL_HALF_CLOSED);
    }
}

void exchange_hold_credit(struct exchange *ex, bool hold) {
    if (ex->state == EXCHANGE_ANSWERING) {
        lane_hold_credit(ex->lane, ex->slot, hold);
    }
}

void exchange_detach(struct exchange *ex, uint16_t reason) {
    if (ex->state == EXCHANGE_IDLE) {
        return;
    }
    dispatch_unwait(ex->dispatch, ex);
    if (ex->state == EXCHANGE_PARKED) {
        dispatch_unpark(ex->dispatch, ex);
    } else if (ex->state == EXCHANGE_SENT || ex->state == EXCHANGE_ANSWERING) {
        if (ex->state == EXCHANGE_ANSWERING || !lane_retract(ex->lane, ex->slot, reason)) {
            lane_cancel(ex->lane, ex->slot, reason);
        }
        lane_forget(ex->lane, ex->slot);
    }
    drop_copies(ex);
    ex->lane = NULL;
    set_state(ex, EXCHANGE_IDLE);
}

void exchange_release(struct exchange_bytes bytes) {
    if (bytes.block != RING_NO_BLOCK) {
        lane_give_back(bytes.lane, bytes.block);
    }
}

void exchange_keep_file(struct exchange *ex, struct lane_loan *loan) {
    lane_file_keep(ex->lane, ex->slot, loan);
}

void exchange_file_done(struct lane_loan *loan, uint16_t status) {
    lane_file_done(loan, status);
}

void exchange_drop_file(struct exchange *ex, const struct exchange_file *file, uint16_t status) {
    struct lane_loan loan;
    exchange_keep_file(ex, &loan);
    if (file->fd >= 0) {
        ex->lane->params.calls->discard(ex->lane, &file->fd, 1);
    }
    exchange_file_done(&loan, status);
}

/* No lane is bound from here on. */
static void unbind(struct exchange *ex) {
    dispatch_unwait(ex->dispatch, ex);
    if (ex->lane != NULL) {
        lane_forget(ex->lane, ex->slot);
        ex->lane = NULL;
    }
    ex->block_memory = NULL;
    drop_copies(ex);
    set_state(ex, EXCHANGE_ANSWERED);
}

void exchange_fail(struct exchange *ex, uint16_t status) {
    unbind(ex);
    ex->calls->fail(ex, status);
}

/* A head that the callee may read more than once: private bytes. */
static struct exchange_list copy_list(struct exchange *ex, struct lane_bytes head) {
    memcpy(ex->dispatch->scratch, head.data == NULL ? (const uint8_t *)"" : head.data, head.length);
    return (struct exchange_list){ex->dispatch->scratch, head.length};
}

/* The status where the worker tells none. */
static uint16_t given_up(const struct exchange *ex) {
    return ex->half_closed ? EXCHANGE_CLIENT_CLOSED : 502;
}

void exchange_message(struct lane *lane, void *exchange, const struct lane_message *message) {
    struct exchange *ex = exchange;
    struct exchange_list list = copy_list(ex, message->head);
    struct exchange_bytes body = {message->body.data, message->body.length, message->body.block, lane};
    if (message->head.block != RING_NO_BLOCK && message->head.block != message->body.block) {
        lane_give_back(lane, message->head.block);
    }
    if (body.block != RING_NO_BLOCK && body.length == 0) {
        exchange_release(body);
        body.block = RING_NO_BLOCK;
    }
    bool end = (message->flags & RING_FLAG_END) != 0;
    ex->begun_ns = message->time_ns != 0 ? message->time_ns : ex->begun_ns;
    switch (message->kind) {
    case RING_EVENT_RESPONSE: {
        set_state(ex, EXCHANGE_ANSWERING);
        counter_add(&lane->counters.answers[message->status < 600 ? message->status / 100 : 5], 1);
        dispatch_unwait(ex->dispatch, ex);
        if (end) {
            unbind(ex);
        }
        struct exchange_response response = {message->status, end, message->total, list, body};
        ex->calls->response(ex, &response);
        break;
    }
    case RING_EVENT_RESPONSE_BODY: {
        if (end) {
            unbind(ex);
        }
        if ((message->flags & RING_FLAG_TRAILERS) == 0) {
            list.length = 0;
        }
        if ((message->flags & RING_FLAG_SHUT) != 0 && ex->calls->shut != NULL) {
            ex->calls->shut(ex);
        }
        ex->calls->body(ex, body, end, list);
        break;
    }
    case RING_EVENT_INFORM:
        exchange_release(body);
        ex->calls->inform(ex, message->status, list);
        break;
    case RING_EVENT_CONTINUE:
        exchange_release(body);
        ex->calls->proceed(ex);
        break;
    case RING_EVENT_RESPONSE_FILE: {
        struct exchange_file file = {message->file, message->file_offset, message->total};
        ex->calls->file(ex, &file);
        break;
    }
    case RING_EVENT_FILE_STOP:
        exchange_release(body);
        exchange_fail(ex, given_up(ex));
        break;
    default: /* ABORT; lane lets no other kind through */
        exchange_release(body);
        exchange_fail(ex, message->status == 0 ? given_up(ex) : message->status);
        break;
    }
}

void exchange_resume(struct lane *lane, void *exchange) {
    struct exchange *ex = exchange;
    (void)lane;
    pump_backlog(ex);
    if (ex->backlog == NULL) {
        ex->calls->resume(ex);
    }
}
