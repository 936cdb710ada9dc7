#include "h1_list.h"

#include <string.h>

#include "h1_server.h"

/* A worker that returns the block before it may lets another request's bytes take its place, so that nothing in it can be relied on. */
static uint16_t copy_text(char *to, size_t room, const uint8_t *block, uint32_t size, struct ring_span span) {
    if (span.offset > size || span.length > size - span.offset) {
        return 0;
    }
    uint16_t length = (uint16_t)(span.length < room ? span.length : room);
    memcpy(to, block + span.offset, length);
    return length;
}

/* The request block is the gateway's own memory, which workers can only read. */
static const uint8_t *block_of(const struct exchange *exchange) {
    switch (exchange->state) {
    case EXCHANGE_PARKED:
        return exchange->copy;
    case EXCHANGE_SENT:
    case EXCHANGE_ANSWERING:
        return exchange->block_memory;
    case EXCHANGE_IDLE:
    case EXCHANGE_ANSWERED:
        break;
    }
    return NULL;
}

static enum gw_request_state state_of(const struct h1_stream *stream) {
    const struct exchange *exchange = &stream->exchange;
    switch (exchange->state) {
    case EXCHANGE_PARKED:
        return GW_REQUEST_PARKED;
    case EXCHANGE_SENT:
        return lane_is_queued(exchange->lane, exchange->slot) ? GW_REQUEST_QUEUED : GW_REQUEST_RUNNING;
    case EXCHANGE_ANSWERING:
        return GW_REQUEST_ANSWERING;
    case EXCHANGE_IDLE:
    case EXCHANGE_ANSWERED:
        break;
    }
    return GW_REQUEST_SENDING;
}

uint32_t h1_list(const struct h1_server *server, struct gw_request *out, uint32_t capacity, uint64_t now_ns) {
    uint32_t count = 0;
    for (const struct h1_conn *conn = server->all; conn != NULL; conn = conn->next) {
        for (const struct h1_stream *stream = conn->front; stream != NULL; stream = stream->next) {
            if (count++ >= capacity) {
                continue;
            }
            struct gw_request *request = &out[count - 1];
            uint64_t start_ns = stream->times.start_ns;
            *request = (struct gw_request){
                .age_ns = start_ns != 0 && start_ns < now_ns ? now_ns - start_ns : 0,
                .worker = stream->exchange.worker,
                .state = state_of(stream),
                .attempt = stream->exchange.attempt,
                .client = conn->remote,
            };
            const uint8_t *block = block_of(&stream->exchange);
            if (block != NULL) {
                struct ring_request_head head;
                memcpy(&head, block, sizeof(head));
                uint32_t size = stream->exchange.head_length;
                request->method_length =
                    copy_text(request->method, sizeof(request->method), block, size, head.method_name);
                request->path_length = copy_text(request->path, sizeof(request->path), block, size, head.path);
                request->client = head.remote;
            }
        }
    }
    return count;
}
