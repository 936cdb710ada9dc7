#include "probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "h1_parser.h"

#define HEAD_BYTES 2048

struct probe {
    struct exchange exchange; /* first */
    probe_done *done;
    void *owner;
    uint64_t worker;
    uint64_t round;
    uint16_t status;
};

static struct probe *probe_of(struct exchange *exchange) {
    return (struct probe *)(void *)exchange;
}

static void finish(struct probe *probe) {
    exchange_detach(&probe->exchange, RING_CANCEL_GONE);
    probe->done(probe->owner, probe->worker, probe->round, probe->status);
    free(probe);
}

static void on_inform(struct exchange *exchange, uint16_t status, struct exchange_list fields) {
    (void)exchange;
    (void)status;
    (void)fields;
}

static void on_nothing(struct exchange *exchange) {
    (void)exchange;
}

static void on_response(struct exchange *exchange, const struct exchange_response *response) {
    struct probe *probe = probe_of(exchange);
    exchange_release(response->body);
    probe->status = response->status;
    if (response->end) {
        finish(probe);
    }
}

static void on_body(struct exchange *exchange, struct exchange_bytes body, bool end, struct exchange_list trailers) {
    (void)trailers;
    exchange_release(body);
    if (end) {
        finish(probe_of(exchange));
    }
}

static void on_file(struct exchange *exchange, const struct exchange_file *file) {
    exchange_drop_file(exchange, file, RING_FILE_SENT); /* of the answer only the status counts */
}

static void on_fail(struct exchange *exchange, uint16_t status) {
    struct probe *probe = probe_of(exchange);
    probe->status = status;
    finish(probe);
}

static const struct exchange_calls calls = {.inform = on_inform,
                                            .proceed = on_nothing,
                                            .response = on_response,
                                            .body = on_body,
                                            .file = on_file,
                                            .fail = on_fail,
                                            .resume = on_nothing};

int probe_start(struct dispatch *dispatch, struct dispatch_lane *lane, const char *path, uint64_t round,
                probe_done *done, void *owner) {
    static const struct h1_limits limits = {.line_bytes = HEAD_BYTES, .head_bytes = HEAD_BYTES, .fields = 8};
    char text[HEAD_BYTES];
    int length =
        snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: ringway\r\nUser-Agent: ringway-probe\r\n\r\n", path);
    struct h1_parser parser = {0};
    struct h1_request *request = malloc(sizeof(*request));
    struct probe *probe = calloc(1, sizeof(*probe));
    int rc = request == NULL || probe == NULL ? -ENOMEM : 0;
    if (rc == 0 && (length >= (int)sizeof(text) ||
                    h1_parse_request(&parser, (const uint8_t *)text, (size_t)length, &limits, request) != length)) {
        rc = -EINVAL;
    }
    if (rc == 0 && (lane->state > DISPATCH_LANE_ACTIVE || lane->lane.broken)) {
        rc = -ENOTCONN;
    }
    if (rc != 0) {
        free(request);
        free(probe);
        return rc;
    }
    *probe = (struct probe){.done = done, .owner = owner, .worker = lane->lane.params.worker, .round = round};
    struct request_view view = {
        .bytes = (const uint8_t *)text,
        .bytes_length = (uint32_t)length,
        .fields = request->fields,
        .head = {.header_count = (uint16_t)request->field_count,
                 .method = (uint8_t)request->method,
                 .version = request->version,
                 .body_kind = RING_BODY_NONE,
                 .method_name = request->method_name,
                 .target = request->target,
                 .path = request->path,
                 .query = request->query,
                 .authority = request->authority},
    };
    struct exchange_request start = {.view = &view, .ended = true, .only = &lane->lane};
    exchange_start(&probe->exchange, dispatch, &calls, &start);
    free(request);
    return 0;
}
