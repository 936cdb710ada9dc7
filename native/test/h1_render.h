/*
 * What the parsers have made of their input, as text for golden files and for comparison with other parsers.
 */
#ifndef H1_RENDER_H
#define H1_RENDER_H

#include "h1_parser.h"
#include "ring_names.h"
#include "test.h"

static const char *const h1_reason_names[H1_REASON_COUNT] = {
    "NONE",
    "LINE_TOO_LONG",
    "HEAD_TOO_LARGE",
    "BAD_LINE_END",
    "BAD_METHOD",
    "BAD_TARGET",
    "BAD_VERSION",
    "BAD_FIELD_NAME",
    "BAD_FIELD_VALUE",
    "OBS_FOLD",
    "BAD_HOST",
    "BAD_CONTENT_LENGTH",
    "BAD_TRANSFER_ENCODING",
    "LENGTH_AND_ENCODING",
    "UNSUPPORTED_METHOD",
    "BAD_EXPECTATION",
    "BAD_CHUNK",
    "BAD_TRAILER",
};

static const char *const h1_id_names[RING_NAME_COUNT] = {[RING_NAME_OTHER] = "other",
#define H1_ID_NAME(id, identifier, lower, wire) [id] = (lower),
                                                         RING_NAMES(H1_ID_NAME)
#undef H1_ID_NAME
};

static inline void h1_render_span(FILE *out, const char *name, const uint8_t *bytes, struct ring_span span) {
    fprintf(out, " %s ", name);
    test_print_bytes(out, bytes + span.offset, span.length);
}

static inline void h1_render_fields(FILE *out, const uint8_t *bytes, const struct ring_field *fields, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        fprintf(out, "field %s ", h1_id_names[fields[i].id]);
        test_print_bytes(out, bytes + fields[i].name_offset, fields[i].name_length);
        fputs(": ", out);
        test_print_bytes(out, bytes + fields[i].value_offset, fields[i].value_length);
        fputc('\n', out);
    }
}

static inline void h1_render(FILE *out, const uint8_t *bytes, size_t length, int result, const struct h1_parser *parser,
                             const struct h1_request *request) {
    if (result == H1_MORE) {
        fputs("more\n", out);
        return;
    }
    if (result < 0) {
        fprintf(out, "refused %d %s\n", -result, h1_reason_names[parser->reason]);
        return;
    }
    fputs("accepted", out);
    if ((size_t)result < length) {
        fputs(", left ", out);
        test_print_bytes(out, bytes + result, length - (size_t)result);
    }
    fprintf(out, "\nmethod %d", (int)request->method);
    h1_render_span(out, "name", bytes, request->method_name);
    h1_render_span(out, "target", bytes, request->target);
    fprintf(out, " version %d.%d\n", request->version >> 4, request->version & 15);
    fputs("to", out);
    h1_render_span(out, "path", bytes, request->path);
    h1_render_span(out, "query", bytes, request->query);
    h1_render_span(out, "authority", bytes, request->authority);
    fputc('\n', out);
    if (request->body_kind == RING_BODY_NONE)
        fprintf(out, "body none%s", request->content_length != 0 ? " BUT A LENGTH" : "");
    else if (request->body_kind == RING_BODY_LENGTH)
        fprintf(out, "body of %" PRIu64, request->content_length);
    else
        fprintf(out, "body chunked%s", request->content_length != RING_LENGTH_UNKNOWN ? " BUT A LENGTH" : "");
    fputs(request->keep_alive ? ", keep-alive" : ", close", out);
    fputs(request->expect_continue ? ", continue" : "", out);
    fputs(request->upgrade ? ", upgrade\n" : "\n", out);
    h1_render_fields(out, bytes, request->fields, request->field_count);
}

#endif
