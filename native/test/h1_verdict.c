/*
 * The parser's verdicts for the differential test: reads requests from stdin, each as its length (32 bits,
 * little-endian) and its bytes, and prints one line of JSON for each. Byte strings are hexadecimal.
 * Links: h1_chunked.c h1_trailers.c h1_parser.c h1_fields.c h1_target.c h1_connection.c h1_names.c h1_chars.c
 */
#include "h1_chunked.h"
#include "h1_render.h"

#define MAX_INPUT 65536u

static const struct h1_limits limits = {.line_bytes = 8192, .head_bytes = 32768, .fields = 100};
static const struct h1_chunked_limits chunk_limits = {
    .extension_bytes = 4096, .trailer_bytes = 8192, .trailer_fields = 100};

static void print_hex(const uint8_t *bytes, size_t length) {
    static const char digits[] = "0123456789abcdef";

    putchar('"');
    for (size_t i = 0; i < length; i++) {
        putchar(digits[bytes[i] >> 4]);
        putchar(digits[bytes[i] & 15]);
    }
    putchar('"');
}

static void print_span(const char *name, const uint8_t *bytes, struct ring_span span) {
    printf(",\"%s\":", name);
    print_hex(bytes + span.offset, span.length);
}

static void print_fields(const char *name, const uint8_t *bytes, const struct ring_field *fields, uint32_t count) {
    printf(",\"%s\":[", name);
    for (uint32_t i = 0; i < count; i++) {
        printf(i > 0 ? ",[" : "[");
        print_hex(bytes + fields[i].name_offset, fields[i].name_length);
        putchar(',');
        print_hex(bytes + fields[i].value_offset, fields[i].value_length);
        putchar(']');
    }
    putchar(']');
}

static void print_refusal(const char *part, int64_t status, uint16_t reason) {
    printf(",\"%s\":\"reject\",\"why\":\"%d %s\"", part, (int)-status, h1_reason_names[reason]);
}

/* Decodes a chunked body; data[] has room for the whole input. */
static void print_chunked(const uint8_t *bytes, size_t length, size_t head) {
    static uint8_t data[MAX_INPUT];
    static uint8_t trailers[8192 + 2];
    struct ring_field fields[100];
    struct h1_chunked chunked = {0};
    size_t sum = 0;
    size_t used = head;
    uint16_t reason;
    int count;

    while (used < length && chunked.state != H1_CHUNK_DONE) {
        const uint8_t *piece;
        size_t piece_length;
        int64_t result =
            h1_chunked_decode(&chunked, bytes + used, length - used, &chunk_limits, trailers, &piece, &piece_length);

        if (result < 0) {
            print_refusal("body", result, chunked.reason);
            return;
        }
        memcpy(data + sum, piece, piece_length);
        sum += piece_length;
        used += (size_t)result;
    }
    if (chunked.state != H1_CHUNK_DONE) {
        printf(",\"body\":\"more\"");
        return;
    }
    count = h1_parse_trailers(trailers, chunked.trailer_length, chunk_limits.trailer_fields, fields, &reason);
    if (count < 0) {
        print_refusal("body", count, reason);
        return;
    }
    printf(",\"body\":\"accept\",\"used\":%zu,\"data\":", used);
    print_hex(data, sum);
    print_fields("trailers", trailers, fields, (uint32_t)count);
}

static void print_body(const uint8_t *bytes, size_t length, size_t head, const struct h1_request *request) {
    if (request->body_kind == RING_BODY_CHUNKED) {
        print_chunked(bytes, length, head);
    } else if (request->content_length > length - head) {
        printf(",\"body\":\"more\"");
    } else {
        printf(",\"body\":\"accept\",\"used\":%zu,\"data\":", head + (size_t)request->content_length);
        print_hex(bytes + head, (size_t)request->content_length);
    }
}

static void print_verdict(const uint8_t *bytes, size_t length) {
    static struct h1_request request;
    static const char *const framings[] = {
        [RING_BODY_NONE] = "none", [RING_BODY_LENGTH] = "length", [RING_BODY_CHUNKED] = "chunked"};
    struct h1_parser parser = {0};
    int result = h1_parse_request(&parser, bytes, length, &limits, &request);

    printf("{\"parser\":\"ringway\"");
    if (result == H1_MORE) {
        printf(",\"head\":\"more\"");
    } else if (result < 0) {
        print_refusal("head", result, parser.reason);
    } else {
        printf(",\"head\":\"accept\",\"major\":%d,\"minor\":%d,\"keep\":%s,\"framing\":\"%s\"", request.version >> 4,
               request.version & 15, request.keep_alive ? "true" : "false", framings[request.body_kind]);
        print_span("method", bytes, request.method_name);
        print_span("target", bytes, request.target);
        print_span("authority", bytes, request.authority);
        print_fields("fields", bytes, request.fields, request.field_count);
        print_body(bytes, length, (size_t)result, &request);
    }
    printf("}\n");
}

int main(void) {
    static uint8_t input[MAX_INPUT];
    uint8_t prefix[4];

    while (fread(prefix, 1, sizeof(prefix), stdin) == sizeof(prefix)) {
        uint32_t length =
            (uint32_t)prefix[0] | (uint32_t)prefix[1] << 8 | (uint32_t)prefix[2] << 16 | (uint32_t)prefix[3] << 24;

        if (length == 0) { /* the end of a batch */
            fflush(stdout);
            continue;
        }
        if (length > sizeof(input) || fread(input, 1, length, stdin) != length) {
            fprintf(stderr, "h1_verdict: an input of %" PRIu32 " bytes, expected 1 to %u, all of them\n", length,
                    MAX_INPUT);
            return EXIT_FAILURE;
        }
        print_verdict(input, length);
    }
    return EXIT_SUCCESS;
}
