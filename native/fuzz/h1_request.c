/*
 * Request heads. The first two bytes choose limits and cuts, the rest is what a client sends.
 * Links: h1_parser.c h1_fields.c h1_target.c h1_connection.c h1_names.c h1_chars.c
 */
#include "fuzz.h"
#include "h1_parser.h"
#include "ring_names.h"

static void check_span(struct ring_span span, int consumed) {
    HOLDS(span.offset <= (uint32_t)consumed && span.length <= (uint32_t)consumed - span.offset);
}

static int is_hop(uint16_t id) {
    return id == RING_NAME_TE || id == RING_NAME_KEEP_ALIVE || id == RING_NAME_PROXY_CONNECTION ||
           id == RING_NAME_TRANSFER_ENCODING;
}

static void check_fields(const uint8_t *bytes, int consumed, const struct h1_request *request) {
    unsigned lengths = 0;
    unsigned hosts = 0;

    for (uint32_t i = 0; i < request->field_count; i++) {
        const struct ring_field *field = &request->fields[i];
        const uint8_t *name = bytes + field->name_offset;
        const uint8_t *value = bytes + field->value_offset;
        uint32_t length = field->value_length;

        check_span((struct ring_span){field->name_offset, field->name_length}, consumed);
        check_span((struct ring_span){field->value_offset, length}, consumed);
        HOLDS(h1_is_token(name, field->name_length));
        HOLDS(h1_is_field_value(value, length));
        HOLDS(memchr(value, '\r', length) == NULL && memchr(value, '\n', length) == NULL);
        HOLDS(memchr(value, '\0', length) == NULL);
        HOLDS(length == 0 || (value[0] != ' ' && value[0] != '\t'));
        HOLDS(length == 0 || (value[length - 1] != ' ' && value[length - 1] != '\t'));
        HOLDS(field->id == h1_name_id(name, field->name_length));
        HOLDS(!is_hop(field->id));
        HOLDS(request->upgrade || (field->id != RING_NAME_CONNECTION && field->id != RING_NAME_UPGRADE));
        lengths += field->id == RING_NAME_CONTENT_LENGTH;
        hosts += field->id == RING_NAME_HOST;
    }
    HOLDS(lengths <= 1 && hosts <= 1);
    HOLDS(hosts == 1 || request->version == 0x10);
    HOLDS(request->body_kind != RING_BODY_LENGTH || (lengths == 1 && request->content_length > 0));
    HOLDS(request->body_kind != RING_BODY_CHUNKED || (lengths == 0 && request->version == 0x11));
    HOLDS(request->body_kind == RING_BODY_CHUNKED ? request->content_length == RING_LENGTH_UNKNOWN
                                                  : request->content_length <= INT64_MAX);
}

static void check_accepted(const uint8_t *bytes, size_t length, int consumed, const struct h1_request *request,
                           const struct h1_limits *limits) {
    const uint8_t *target = bytes + request->target.offset;
    const uint8_t *path = bytes + request->path.offset;

    HOLDS(consumed > 4 && (size_t)consumed <= length);
    HOLDS(memcmp(bytes + consumed - 4, "\r\n\r\n", 4) == 0);
    HOLDS(request->version == 0x10 || request->version == 0x11);
    HOLDS(request->field_count <= limits->fields && request->field_count <= H1_MAX_FIELDS);
    check_span(request->method_name, consumed);
    check_span(request->target, consumed);
    check_span(request->path, consumed);
    check_span(request->query, consumed);
    check_span(request->authority, consumed);
    HOLDS(h1_is_token(bytes + request->method_name.offset, request->method_name.length));
    HOLDS(request->method != RING_METHOD_CONNECT);
    HOLDS(request->target.length > 0);
    for (uint32_t i = 0; i < request->target.length; i++)
        HOLDS(target[i] > 0x20 && target[i] < 0x7f && target[i] != '#');
    HOLDS(request->path.length > 0 && memchr(path, '?', request->path.length) == NULL);
    HOLDS(path[0] == '/' || (path[0] == '*' && request->path.length == 1 && request->method == RING_METHOD_OPTIONS));
    HOLDS(!request->upgrade || request->version == 0x11);
    HOLDS(!request->expect_continue || (request->version == 0x11 && request->body_kind != RING_BODY_NONE));
    check_fields(bytes, consumed, request);
}

static void check_refused(int result, uint16_t reason) {
    HOLDS(result == -400 || result == -414 || result == -417 || result == -431 || result == -501 || result == -505);
    HOLDS(reason > H1_REASON_NONE && reason < H1_REASON_COUNT);
}

static int same(const struct h1_request *one, const struct h1_request *other) {
    return one->method == other->method && one->version == other->version && one->body_kind == other->body_kind &&
           one->keep_alive == other->keep_alive && one->expect_continue == other->expect_continue &&
           one->upgrade == other->upgrade && one->content_length == other->content_length &&
           memcmp(&one->method_name, &other->method_name, 5 * sizeof(struct ring_span)) == 0 &&
           one->field_count == other->field_count &&
           memcmp(one->fields, other->fields, one->field_count * sizeof(one->fields[0])) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct h1_request whole;
    static struct h1_request parts;
    struct h1_parser parser = {0};
    struct h1_limits limits = {.line_bytes = 8192, .head_bytes = 32768, .fields = 100};
    uint32_t cut;
    size_t most;
    size_t length;
    uint8_t *bytes;
    int result;
    int again;

    if (size < 2)
        return 0;
    if ((data[0] & 1) != 0)
        limits = (struct h1_limits){.line_bytes = 40, .head_bytes = 80, .fields = 4};
    limits.keep_underscores = (data[0] & 2) != 0;
    most = (size_t)1 << (data[0] >> 2 & 7);
    cut = data[1];
    length = size - 2;
    bytes = fuzz_copy(data + 2, length);
    result = h1_parse_request(&parser, bytes, length, &limits, &whole);
    if (result > 0) {
        HOLDS(parser.reason == H1_REASON_NONE);
        check_accepted(bytes, length, result, &whole, &limits);
    } else if (result < 0) {
        check_refused(result, parser.reason);
    }
    free(bytes);

    struct h1_parser split = {0};
    size_t given = 0;
    again = H1_MORE;
    while (given < length && again == H1_MORE) {
        given += fuzz_step(&cut, most);
        if (given > length)
            given = length;
        bytes = fuzz_copy(data + 2, given);
        memset(&parts, 0xa5, sizeof(parts));
        again = h1_parse_request(&split, bytes, given, &limits, &parts);
        free(bytes);
    }
    HOLDS(again == result && split.reason == parser.reason);
    HOLDS(result <= 0 || same(&whole, &parts));
    return 0;
}
