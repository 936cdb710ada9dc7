/*
 * Request heads, line by line. A line is looked at when its LF has come. If the whole head arrives in one call (nearly
 * always), one pass makes the index. If not, the lines of earlier calls have been checked, but nothing of the index was
 * kept; when the end has come the lines are parsed once more. So no index memory is tied up while a slow client sends.
 */
#include "h1_internal.h"

#define MAX_EMPTY_LINES 3u

enum head_state {
    STATE_REQUEST_LINE = 0, /* empty lines may still be skipped */
    STATE_FIELDS,           /* up to the empty line */
    STATE_REFUSED           /* final */
};

static enum ring_method method_of(const uint8_t *name, uint32_t length) {
    switch (length) {
    case 3:
        if (memcmp(name, "GET", 3) == 0)
            return RING_METHOD_GET;
        return memcmp(name, "PUT", 3) == 0 ? RING_METHOD_PUT : RING_METHOD_OTHER;
    case 4:
        if (memcmp(name, "POST", 4) == 0)
            return RING_METHOD_POST;
        return memcmp(name, "HEAD", 4) == 0 ? RING_METHOD_HEAD : RING_METHOD_OTHER;
    case 5:
        if (memcmp(name, "PATCH", 5) == 0)
            return RING_METHOD_PATCH;
        return memcmp(name, "TRACE", 5) == 0 ? RING_METHOD_TRACE : RING_METHOD_OTHER;
    case 6:
        return memcmp(name, "DELETE", 6) == 0 ? RING_METHOD_DELETE : RING_METHOD_OTHER;
    case 7:
        if (memcmp(name, "OPTIONS", 7) == 0)
            return RING_METHOD_OPTIONS;
        return memcmp(name, "CONNECT", 7) == 0 ? RING_METHOD_CONNECT : RING_METHOD_OTHER;
    default:
        return RING_METHOD_OTHER;
    }
}

static bool is_digit(uint8_t byte) {
    return (h1_char_class[byte] & H1_DIGIT) != 0;
}

/* RFC 9112 2.3: "HTTP/" DIGIT "." DIGIT in upper case, after one space. `end` is the end of the line. */
static int parse_version(struct h1_parser *parser, const uint8_t *bytes, uint32_t start, uint32_t end,
                         struct h1_request *out) {
    const uint8_t *version;

    if (end - start < 9)
        return h1_refuse(&parser->reason, 400, H1_REASON_BAD_VERSION);
    version = bytes + end - 8;
    if (version[-1] != ' ' || memcmp(version, "HTTP/", 5) != 0 || !is_digit(version[5]) || version[6] != '.' ||
        !is_digit(version[7]))
        return h1_refuse(&parser->reason, 400, H1_REASON_BAD_VERSION);
    if (version[5] != '1') /* RFC 9110 15.6.6; 0.9 had no version, so major 0 is not served either */
        return h1_refuse(&parser->reason, 505, H1_REASON_BAD_VERSION);
    /* RFC 9110 2.5: a higher minor version is handled as the highest one known. */
    out->version = version[7] == '0' ? 0x10 : 0x11;
    if (out->version == 0x10)
        parser->flags |= H1_VERSION_10;
    return 0;
}

/* RFC 9112 3: method SP request-target SP HTTP-version, one space each; bytes[end] is the CR. */
static int parse_request_line(struct h1_parser *parser, const uint8_t *bytes, uint32_t start, uint32_t end,
                              struct h1_request *out) {
    uint32_t position = start;
    int result;

    while ((h1_char_class[bytes[position]] & H1_TCHAR) != 0)
        position++;
    H1_WORK(end - start);
    if (position == start || bytes[position] != ' ') /* RFC 9110 9.1: a method is a token */
        return h1_refuse(&parser->reason, 400,
                         bytes[position] == '\r' && position < end ? H1_REASON_BAD_LINE_END : H1_REASON_BAD_METHOD);
    out->method_name = (struct ring_span){start, position - start};
    out->method = method_of(bytes + start, position - start);
    if (out->method == RING_METHOD_HEAD)
        parser->flags |= H1_METHOD_HEAD;
    result = parse_version(parser, bytes, position + 1, end, out);
    if (result < 0)
        return result;
    return h1_parse_target(parser, bytes, position + 1, end - 9, out);
}

static int parse_field_line(struct h1_parser *parser, const uint8_t *bytes, uint32_t start, uint32_t end,
                            const struct h1_limits *limits, struct h1_request *out) {
    uint32_t most = limits->fields < H1_MAX_FIELDS ? limits->fields : H1_MAX_FIELDS;
    struct ring_field *field = &out->fields[out->field_count];
    uint8_t classes;
    int result;

    if (parser->seen_fields >= most)
        return h1_refuse(&parser->reason, 431, H1_REASON_HEAD_TOO_LARGE);
    if (h1_is_ows(bytes[start])) /* RFC 9112 5.2: obs-fold is 400; 2.2: so is white space before the first field */
        return h1_refuse(&parser->reason, 400, parser->seen_fields > 0 ? H1_REASON_OBS_FOLD : H1_REASON_BAD_FIELD_NAME);
    parser->seen_fields++;
    result = h1_split_field(bytes, start, end, field, &classes, &parser->reason);
    if (result < 0)
        return result;
    if ((classes & H1_UNDERSCORE) == 0 || limits->keep_underscores)
        out->field_count++; /* otherwise X_Forwarded_For would pass for X-Forwarded-For in a CGI-like environment */
    return field->id != RING_NAME_OTHER ? h1_note_field(parser, bytes, field, out) : 0;
}

/* The empty line has come: what only the whole head can tell. */
static int finish(struct h1_parser *parser, const uint8_t *bytes, struct h1_request *out) {
    uint32_t flags = parser->flags;

    if ((flags & (H1_SAW_HOST | H1_VERSION_10)) == 0) /* RFC 9112 3.2: 1.1 needs a Host */
        return h1_refuse(&parser->reason, 400, H1_REASON_BAD_HOST);
    if ((flags & H1_FOREIGN_CODING) != 0) /* RFC 9112 6.1: a coding that is not understood is 501 */
        return h1_refuse(&parser->reason, 501, H1_REASON_BAD_TRANSFER_ENCODING);

    out->body_kind = RING_BODY_NONE; /* RFC 9112 6.3 item 7: a request without both fields has no body */
    if ((flags & H1_SAW_ENCODING) != 0) {
        out->body_kind = RING_BODY_CHUNKED;
        out->content_length = RING_LENGTH_UNKNOWN;
    } else if ((flags & H1_SAW_LENGTH) != 0 && out->content_length > 0) {
        out->body_kind = RING_BODY_LENGTH;
    }
    /* RFC 9110 10.1.1: not in 1.0, and nothing to wait for without a body. */
    out->expect_continue = (flags & H1_SAW_CONTINUE) != 0 && out->version == 0x11 && out->body_kind != RING_BODY_NONE;
    if ((flags & (H1_SAW_CONNECTION | H1_SAW_HOP)) != 0)
        return h1_apply_connection(parser, bytes, out);
    out->keep_alive = out->version == 0x11; /* RFC 9112 9.3 */
    out->upgrade = false;
    return 0;
}

/* The line has no LF yet. What is certain to be refused is refused now, with the status the whole line would get. */
static int check_partial(struct h1_parser *parser, const uint8_t *bytes, uint32_t length,
                         const struct h1_limits *limits) {
    uint64_t pending = length - parser->line_start;

    if (parser->state == STATE_REQUEST_LINE) {
        if (pending > (uint64_t)limits->line_bytes + 1) /* the last byte may be the CR */
            return h1_refuse(&parser->reason, 414, H1_REASON_LINE_TOO_LONG);
    } else if (pending > 1 || (pending == 1 && bytes[parser->line_start] != '\r')) {
        if ((uint64_t)length - parser->fields_start + 1 > limits->head_bytes)
            return h1_refuse(&parser->reason, 431, H1_REASON_HEAD_TOO_LARGE);
    }
    if (length == INT32_MAX) /* offsets and the result have 31 bits */
        return h1_refuse(&parser->reason, 431, H1_REASON_HEAD_TOO_LARGE);
    return H1_MORE;
}

/* The line bytes[parser->line_start..feed], feed being its LF. Returns 1 after the empty line that ends the head. */
static int parse_line(struct h1_parser *parser, const uint8_t *bytes, uint32_t feed, const struct h1_limits *limits,
                      struct h1_request *out) {
    uint32_t start = parser->line_start;
    bool has_cr = feed > start && bytes[feed - 1] == '\r';
    uint32_t end = has_cr ? feed - 1 : feed;
    int result;

    parser->line_start = feed + 1;
    if (parser->state == STATE_REQUEST_LINE) {
        if (end - start > limits->line_bytes) /* RFC 9112 3: 414 for a longer target than one wants to parse */
            return h1_refuse(&parser->reason, 414, H1_REASON_LINE_TOO_LONG);
        if (!has_cr) /* RFC 9112 2.2: the line end is CRLF; taking a bare LF is optional and not done here */
            return h1_refuse(&parser->reason, 400, H1_REASON_BAD_LINE_END);
        if (end == start) { /* RFC 9112 2.2: at least one empty line before the request line should be ignored */
            if (++parser->empty_lines > MAX_EMPTY_LINES)
                return h1_refuse(&parser->reason, 400, H1_REASON_BAD_METHOD);
            parser->head_start = parser->line_start;
            return 0;
        }
        result = parse_request_line(parser, bytes, start, end, out);
        parser->fields_start = parser->line_start;
        parser->state = STATE_FIELDS;
        return result;
    }
    if (has_cr && end == start)
        return 1;
    if (parser->line_start - parser->fields_start > limits->head_bytes)
        return h1_refuse(&parser->reason, 431, H1_REASON_HEAD_TOO_LARGE); /* RFC 6585 5 */
    if (!has_cr)
        return h1_refuse(&parser->reason, 400, H1_REASON_BAD_LINE_END);
    return parse_field_line(parser, bytes, start, end, limits, out);
}

static int parse_lines(struct h1_parser *parser, const uint8_t *bytes, uint32_t length, const struct h1_limits *limits,
                       struct h1_request *out) {
    out->field_count = 0;
    out->content_length = 0;
    for (;;) {
        const uint8_t *feed;
        int result;

        if (parser->state == STATE_REQUEST_LINE && parser->line_start < length) {
            uint8_t first = bytes[parser->line_start];

            /* No line need be waited for if it cannot be one: a TLS handshake on a plain port, say. */
            if ((h1_char_class[first] & H1_TCHAR) == 0 && first != '\r' && first != '\n')
                return h1_refuse(&parser->reason, 400, H1_REASON_BAD_METHOD);
        }
        feed = memchr(bytes + parser->scanned, '\n', length - parser->scanned);
        if (feed == NULL) {
            H1_WORK(length - parser->scanned);
            parser->scanned = length;
            return check_partial(parser, bytes, length, limits);
        }
        H1_WORK((uint32_t)(feed - bytes) + 1 - parser->scanned);
        parser->scanned = (uint32_t)(feed - bytes) + 1;
        result = parse_line(parser, bytes, (uint32_t)(feed - bytes), limits, out);
        if (result < 0)
            return result;
        if (result > 0)
            return (int)parser->line_start;
    }
}

int h1_parse_request(struct h1_parser *parser, const uint8_t *bytes, size_t length, const struct h1_limits *limits,
                     struct h1_request *out) {
    bool resumed = parser->line_start > 0;
    uint32_t usable = length < INT32_MAX ? (uint32_t)length : (uint32_t)INT32_MAX;
    int result;

    if (parser->state == STATE_REFUSED || usable < parser->scanned)
        return -400;
    if (usable == parser->scanned) /* nothing new; `bytes` may be NULL */
        return H1_MORE;
    result = parse_lines(parser, bytes, usable, limits, out);
    if (result > 0 && resumed) { /* the index of earlier calls was not kept */
        *parser = (struct h1_parser){0};
        result = parse_lines(parser, bytes, (uint32_t)result, limits, out);
    }
    if (result > 0) {
        int fault = finish(parser, bytes, out);

        if (fault < 0)
            result = fault;
    }
    if (result < 0)
        parser->state = STATE_REFUSED;
    return result;
}

bool h1_is_head(const struct h1_parser *parser) {
    return (parser->flags & H1_METHOD_HEAD) != 0;
}

const char *h1_reason_text(enum h1_reason reason) {
    static const char *const texts[H1_REASON_COUNT] = {
        [H1_REASON_NONE] = "no fault",
        [H1_REASON_LINE_TOO_LONG] = "request line too long",
        [H1_REASON_HEAD_TOO_LARGE] = "header section too large",
        [H1_REASON_BAD_LINE_END] = "bare CR or LF",
        [H1_REASON_BAD_METHOD] = "invalid method",
        [H1_REASON_BAD_TARGET] = "invalid request target",
        [H1_REASON_BAD_VERSION] = "invalid or unsupported HTTP version",
        [H1_REASON_BAD_FIELD_NAME] = "invalid field name",
        [H1_REASON_BAD_FIELD_VALUE] = "invalid field value",
        [H1_REASON_OBS_FOLD] = "folded field line",
        [H1_REASON_BAD_HOST] = "missing, repeated or invalid Host",
        [H1_REASON_BAD_CONTENT_LENGTH] = "invalid Content-Length",
        [H1_REASON_BAD_TRANSFER_ENCODING] = "invalid or unsupported Transfer-Encoding",
        [H1_REASON_LENGTH_AND_ENCODING] = "Content-Length with Transfer-Encoding",
        [H1_REASON_UNSUPPORTED_METHOD] = "method not supported",
        [H1_REASON_BAD_EXPECTATION] = "expectation cannot be met",
        [H1_REASON_BAD_CHUNK] = "invalid chunk",
        [H1_REASON_BAD_TRAILER] = "invalid or too large trailer section",
        [H1_REASON_BODY_TOO_LARGE] = "request body too large",
        [H1_REASON_INCOMPLETE] = "request body incomplete",
        [H1_REASON_NOT_SECURED] = "https without TLS",
        [H1_REASON_HEAD_TIMEOUT] = "request header took too long",
        [H1_REASON_BODY_TIMEOUT] = "request body took too long",
        [H1_REASON_CONNECTIONS] = "too many connections",
        [H1_REASON_CLIENT] = "too many connections of one client",
        [H1_REASON_STREAMS] = "too many upgraded connections",
        [H1_REASON_NO_WORKER] = "no worker can take the request now",
        [H1_REASON_HANDLER_TIMEOUT] = "the application did not answer in time",
        [H1_REASON_WORKER_FAILED] = "the application failed",
        [H1_REASON_PROXY_HEADER] = "missing or malformed PROXY header",
        [H1_REASON_NOT_TRUSTED] = "not a trusted proxy",
        [H1_REASON_BAD_ANSWER] = "the application's answer is malformed",
    };

    return (unsigned)reason < H1_REASON_COUNT ? texts[reason] : "unknown fault";
}
