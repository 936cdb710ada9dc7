/*
 * Exchanges without workers, for programs that run the HTTP server alone: instead of exchange.c and dispatch.c. Requests are
 * recorded; answers are given by stub_... as lane events would give them. Nothing of an answer may be kept or lost: each
 * block is memory of its own.
 */
#ifndef EXCHANGE_STUB_H
#define EXCHANGE_STUB_H

#include <errno.h>

#include "dispatch.h"
#include "ring_names.h"
#include "verdict_out.h"

#define STUB_MAX 64u

struct stub {
    struct exchange *exchange; /* NULL: not started, or let go of */
    uint8_t minor;
    bool keep;
    bool ended;  /* the whole request has come */
    bool done;   /* its answer is given */
    bool waits;  /* for room for more body */
    bool gone;   /* detached before its answer was complete */
    bool counts; /* CONTINUE was given */
    struct out method, target, authority, fields, body, trailers;
    size_t field_count;
    size_t trailer_count;
};

static struct stub stubs[STUB_MAX];
static uint32_t stub_count;
static uint32_t stub_held;    /* blocks that are not given back */
static uint64_t stub_random;  /* decides how much room there is; 0: always enough */
static uint8_t *stub_reserve; /* memory of the reserved block */
static uint8_t stub_scratch[RING_MAX_BLOCK];
static uint8_t *stub_blocks[4096];

static inline uint64_t stub_next(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state >> 20;
}

static struct stub *stub_of(const struct exchange *exchange) {
    return &stubs[exchange->slot];
}

static void stub_begin(uint64_t seed) {
    for (uint32_t i = 0; i < stub_count; i++) {
        struct stub *stub = &stubs[i];
        struct out *const texts[] = {&stub->method, &stub->target,   &stub->authority,
                                     &stub->fields, &stub->trailers, &stub->body};

        stub->exchange = NULL;
        stub->ended = stub->done = stub->waits = stub->gone = stub->counts = false;
        stub->field_count = stub->trailer_count = 0;
        for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++) {
            texts[k]->length = 0;
        }
    }
    stub_count = 0;
    stub_random = seed;
}

/* --- what the server calls --- */

uint32_t exchange_start(struct exchange *ex, struct dispatch *dispatch, const struct exchange_calls *calls,
                        const struct exchange_request *request) {
    const struct request_view *view = request->view;
    struct stub *stub = &stubs[stub_count];

    memset(ex, 0, sizeof(*ex));
    ex->calls = calls;
    ex->dispatch = dispatch;
    if (stub_count == STUB_MAX) {
        ex->state = EXCHANGE_ANSWERED;
        calls->fail(ex, 503);
        return request->body_length;
    }
    ex->slot = stub_count++;
    ex->state = EXCHANGE_SENT;
    stub->exchange = ex;
    stub->minor = view->head.version & 15;
    stub->keep = (view->head.flags & RING_REQUEST_CLOSE) == 0;
    stub->ended = request->ended;
    out_bytes(&stub->method, view->bytes + view->head.method_name.offset, view->head.method_name.length);
    out_bytes(&stub->target, view->bytes + view->head.target.offset, view->head.target.length);
    out_bytes(&stub->authority, view->bytes + view->head.authority.offset, view->head.authority.length);
    stub->field_count = view->head.header_count;
    for (size_t i = 0; i < stub->field_count; i++) {
        out_text(&stub->fields, view->bytes + view->fields[i].name_offset, view->fields[i].name_length);
        out_text(&stub->fields, view->bytes + view->fields[i].value_offset, view->fields[i].value_length);
    }
    out_bytes(&stub->body, request->body, request->body_length);
    return request->body_length;
}

uint32_t exchange_reserve_body(struct exchange *ex, uint32_t want, uint8_t **memory) {
    uint32_t room = want;

    if (stub_random != 0) {
        uint64_t random = stub_next(&stub_random);

        if ((random & 7) == 0) {
            stub_of(ex)->waits = true;
            return 0;
        }
        room = 1 + (uint32_t)(random >> 3) % want;
    }
    stub_reserve = malloc(room);
    *memory = stub_reserve;
    return stub_reserve == NULL ? 0 : room;
}

void exchange_commit_body(struct exchange *ex, uint32_t length, bool end) {
    out_bytes(&stub_of(ex)->body, stub_reserve, length);
    stub_of(ex)->ended |= end && length != 0;
    free(stub_reserve);
    stub_reserve = NULL;
}

bool exchange_end_body(struct exchange *ex, struct exchange_list trailers) {
    struct stub *stub = stub_of(ex);

    if (stub_random != 0 && (stub_next(&stub_random) & 7) == 0) {
        stub->waits = true;
        return false;
    }
    for (uint32_t at = 0; at < trailers.length; stub->trailer_count++) {
        struct ring_list_entry entry;
        static const char *const names[RING_NAME_COUNT] = {
#define STUB_NAME(id, identifier, lower, wire) [id] = (lower),
            RING_NAMES(STUB_NAME)
#undef STUB_NAME
        };

        memcpy(&entry, trailers.data + at, sizeof(entry));
        at += (uint32_t)sizeof(entry);
        if (entry.id != 0) {
            out_text(&stub->trailers, names[entry.id], strlen(names[entry.id]));
        } else {
            out_text(&stub->trailers, trailers.data + at, entry.name_length);
        }
        at += entry.name_length;
        out_text(&stub->trailers, trailers.data + at, entry.value_length);
        at += entry.value_length;
    }
    stub->ended = true;
    return true;
}

void exchange_half_close(struct exchange *ex) {
    (void)ex;
}

void exchange_detach(struct exchange *ex, uint16_t reason) {
    (void)reason;
    if (ex->state != EXCHANGE_IDLE) {
        struct stub *stub = stub_of(ex);

        stub->gone = !stub->done;
        stub->exchange = NULL;
        ex->state = EXCHANGE_IDLE;
    }
}

void exchange_release(struct exchange_bytes bytes) {
    if (bytes.block != RING_NO_BLOCK) {
        if (stub_blocks[bytes.block] == NULL) {
            fprintf(stderr, "block %u was given back twice\n", bytes.block);
            abort();
        }
        free(stub_blocks[bytes.block]);
        stub_blocks[bytes.block] = NULL;
        stub_held--;
    }
}

void exchange_keep_file(struct exchange *ex, struct lane_loan *loan) {
    (void)ex;
    *loan = (struct lane_loan){0};
}

void exchange_file_done(struct lane_loan *loan, uint16_t status) {
    (void)loan;
    (void)status;
}

void exchange_drop_file(struct exchange *ex, const struct exchange_file *file, uint16_t status) {
    (void)ex;
    (void)file;
    (void)status;
}

int exchange_upgrade(struct exchange *ex) {
    (void)ex;
    return -EPROTO; /* no answer given here is 101 */
}

bool exchange_is_open(const struct exchange *ex) {
    return ex->state == EXCHANGE_SENT || ex->state == EXCHANGE_ANSWERING;
}

void exchange_hold_credit(struct exchange *ex, bool hold) {
    (void)ex;
    (void)hold;
}

bool lane_is_queued(const struct lane *lane, uint32_t slot) {
    (void)lane;
    (void)slot;
    return false;
}

void dispatch_update_time(struct dispatch *dispatch) {
    (void)dispatch;
}

bool dispatch_parks(const struct dispatch *dispatch) {
    (void)dispatch;
    return false;
}

bool dispatch_under_pressure(const struct dispatch *dispatch) {
    (void)dispatch;
    return false;
}

/* --- what a worker does --- */

/* Bytes in a block of their own. */
static struct exchange_bytes stub_block(const uint8_t *bytes, uint32_t length) {
    uint32_t block = 0;

    if (length == 0) {
        return (struct exchange_bytes){.block = RING_NO_BLOCK};
    }
    while (stub_blocks[block] != NULL) {
        block++;
    }
    stub_blocks[block] = malloc(length);
    memcpy(stub_blocks[block], bytes, length);
    stub_held++;
    return (struct exchange_bytes){stub_blocks[block], length, block, NULL};
}

/* As lists are given to the server: private bytes that are gone after the call. */
static struct exchange_list stub_list(const uint8_t *bytes, uint32_t length) {
    uint8_t *copy = malloc(length + 1u);

    memcpy(copy, bytes, length);
    return (struct exchange_list){copy, length};
}

static void stub_inform(struct stub *stub, uint16_t status, const uint8_t *list, uint32_t length) {
    if (stub->exchange != NULL && stub->exchange->state == EXCHANGE_SENT) {
        struct exchange_list fields = stub_list(list, length);

        stub->exchange->calls->inform(stub->exchange, status, fields);
        free((void *)(uintptr_t)fields.data);
    }
}

static void stub_continue(struct stub *stub) {
    if (stub->exchange != NULL && stub->exchange->state == EXCHANGE_SENT && !stub->counts) {
        stub->counts = true;
        stub->exchange->calls->proceed(stub->exchange);
    }
}

static void stub_respond(struct stub *stub, const struct exchange_response *response) {
    if (stub->exchange != NULL && stub->exchange->state == EXCHANGE_SENT) {
        struct exchange_response copy = *response;

        copy.fields = stub_list(response->fields.data, response->fields.length);
        copy.body = stub_block(response->body.data, response->body.length);
        stub->done = copy.end;
        stub->exchange->state = copy.end ? EXCHANGE_ANSWERED : EXCHANGE_ANSWERING;
        stub->exchange->calls->response(stub->exchange, &copy);
        free((void *)(uintptr_t)copy.fields.data);
    }
}

static void stub_body(struct stub *stub, const uint8_t *bytes, uint32_t length, bool end, const uint8_t *list,
                      uint32_t list_length) {
    if (stub->exchange != NULL && stub->exchange->state == EXCHANGE_ANSWERING) {
        struct exchange_list trailers = stub_list(list, end ? list_length : 0);

        if (end) {
            stub->done = true;
            stub->exchange->state = EXCHANGE_ANSWERED;
        }
        stub->exchange->calls->body(stub->exchange, stub_block(bytes, length), end, trailers);
        free((void *)(uintptr_t)trailers.data);
    }
}

static void stub_fail(struct stub *stub, uint16_t status) {
    if (stub->exchange != NULL && exchange_is_open(stub->exchange)) {
        stub->done = true;
        stub->exchange->state = EXCHANGE_ANSWERED;
        stub->exchange->calls->fail(stub->exchange, status == 0 ? 502 : status);
    }
}

/* There is room again. True if somebody has waited for it. */
static bool stub_resume(void) {
    bool waited = false;

    for (uint32_t i = 0; i < stub_count; i++) {
        if (stubs[i].waits) {
            stubs[i].waits = false;
            waited = true;
            if (stubs[i].exchange != NULL && exchange_is_open(stubs[i].exchange)) {
                stubs[i].exchange->calls->resume(stubs[i].exchange);
            }
        }
    }
    return waited;
}

#endif
