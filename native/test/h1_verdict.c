/*
 * The parser's verdicts for the differential test: reads streams of requests from stdin and writes what it makes of each
 * message (verdict_out.h). Each stream is read twice, in one piece and in random pieces, which must make no difference.
 * Links: h1_chunked.c h1_trailers.c h1_parser.c h1_fields.c h1_target.c h1_connection.c h1_names.c h1_chars.c
 */
#include "h1_chunked.h"
#include "h1_render.h"
#include "verdict_out.h"

#define TRAILER_BYTES 8192u

static const struct h1_limits limits = {.line_bytes = 8192, .head_bytes = 32768, .fields = 100};
static const struct h1_chunked_limits chunk_limits = {
    .extension_bytes = 4096, .trailer_bytes = TRAILER_BYTES, .trailer_fields = 100};

/* One reading of a stream. */
struct reading {
    struct out out;
    size_t count;  /* verdicts written */
    size_t start;  /* of the message that is being read */
    size_t used;   /* bytes of the stream that are understood */
    size_t filled; /* of data */
    bool in_body;
    bool ended; /* nothing more is understood */
    struct h1_parser parser;
    struct h1_request request;
    struct h1_chunked chunked;
    uint8_t data[VERDICT_MAX_INPUT];
    uint8_t trailers[TRAILER_BYTES + 2];
};

static void put_fields(struct out *out, const uint8_t *bytes, const struct ring_field *fields, size_t count) {
    out_number(out, count);
    for (size_t i = 0; i < count; i++) {
        out_text(out, bytes + fields[i].name_offset, fields[i].name_length);
        out_text(out, bytes + fields[i].value_offset, fields[i].value_length);
    }
}

/* head and body: 'a'ccepted, 'r'ejected, 'm'ore is needed. */
static void put_verdict(struct reading *r, const uint8_t *bytes, char head, char body, int64_t status, uint16_t reason,
                        const struct ring_field *trailers, size_t trailer_count) {
    const struct h1_request *request = &r->request;
    const uint8_t *message = bytes + r->start;
    struct out *out = &r->out;
    char why[64];
    bool known = head == 'a';
    int length = reason == 0 ? 0 : snprintf(why, sizeof(why), "%d %s", (int)-status, h1_reason_names[reason]);

    out_byte(out, (unsigned)head);
    out_byte(out, (unsigned)body);
    out_byte(out, known && request->keep_alive);
    out_byte(out, 0);
    out_byte(out, known ? request->version >> 4 : 0);
    out_byte(out, known ? request->version & 15 : 0);
    out_number(out, 0);
    out_number(out, body == 'a' ? r->used - r->start : 0);
    out_text(out, why, (size_t)length);
    out_text(out, message + request->method_name.offset, known ? request->method_name.length : 0);
    out_text(out, message + request->target.offset, known ? request->target.length : 0);
    out_text(out, message + request->authority.offset, known ? request->authority.length : 0);
    out_text(out, r->data, body == 'a' ? r->filled : 0);
    put_fields(out, message, request->fields, known ? request->field_count : 0);
    put_fields(out, r->trailers, trailers, trailer_count);
    r->count++;
    r->ended = body != 'a' || !request->keep_alive;
}

/* The message that ends here is complete. */
static void complete(struct reading *r, const uint8_t *bytes) {
    struct ring_field trailers[100];
    uint16_t reason = 0;
    int count = 0;

    if (r->request.body_kind == RING_BODY_CHUNKED) {
        count =
            h1_parse_trailers(r->trailers, r->chunked.trailer_length, chunk_limits.trailer_fields, trailers, &reason);
    }
    if (count < 0) {
        put_verdict(r, bytes, 'a', 'r', count, reason, trailers, 0);
        return;
    }
    put_verdict(r, bytes, 'a', 'a', 0, 0, trailers, (size_t)count);
    r->start = r->used;
    r->in_body = false;
    memset(&r->parser, 0, sizeof(r->parser));
}

/* False: incomplete. */
static bool read_head(struct reading *r, const uint8_t *bytes, size_t length) {
    int result = h1_parse_request(&r->parser, bytes + r->start, length - r->start, &limits, &r->request);

    if (result < 0) {
        put_verdict(r, bytes, 'r', ' ', result, r->parser.reason, NULL, 0);
    } else if (result > 0) {
        r->used = r->start + (size_t)result;
        r->filled = 0;
        r->in_body = true;
        memset(&r->chunked, 0, sizeof(r->chunked));
        if (r->request.body_kind != RING_BODY_CHUNKED && r->request.content_length == 0) {
            complete(r, bytes);
        }
    }
    return result != H1_MORE;
}

static void read_length(struct reading *r, const uint8_t *bytes, size_t length) {
    uint64_t left = r->request.content_length - r->filled;
    size_t count = left < length - r->used ? (size_t)left : length - r->used;

    memcpy(r->data + r->filled, bytes + r->used, count);
    r->filled += count;
    r->used += count;
    if (r->filled == r->request.content_length) {
        complete(r, bytes);
    }
}

static void read_chunked(struct reading *r, const uint8_t *bytes, size_t length) {
    const uint8_t *piece;
    size_t piece_length;
    int64_t result = h1_chunked_decode(&r->chunked, bytes + r->used, length - r->used, &chunk_limits, r->trailers,
                                       &piece, &piece_length);

    if (result < 0) {
        put_verdict(r, bytes, 'a', 'r', result, r->chunked.reason, NULL, 0);
        return;
    }
    memcpy(r->data + r->filled, piece, piece_length);
    r->filled += piece_length;
    r->used += (size_t)result;
    if (r->chunked.state == H1_CHUNK_DONE) {
        complete(r, bytes);
    }
}

/* Goes on with a stream of which bytes[0..length) have come. */
static void read_on(struct reading *r, const uint8_t *bytes, size_t length) {
    while (!r->ended) {
        if (!r->in_body) {
            if (r->start == length || !read_head(r, bytes, length)) {
                return;
            }
        } else if (r->used == length) {
            return;
        } else if (r->request.body_kind == RING_BODY_CHUNKED) {
            read_chunked(r, bytes, length);
        } else {
            read_length(r, bytes, length);
        }
    }
}

static void begin(struct reading *r) {
    r->out.length = 0;
    out_number(&r->out, 0);
    out_number(&r->out, 0);
    r->count = r->start = r->used = r->filled = 0;
    r->in_body = r->ended = false;
    memset(&r->parser, 0, sizeof(r->parser));
}

/* No more will come. */
static void end(struct reading *r, const uint8_t *bytes, size_t length) {
    if (!r->ended && r->in_body) {
        put_verdict(r, bytes, 'a', 'm', 0, 0, NULL, 0);
    } else if (!r->ended && r->start != length) {
        put_verdict(r, bytes, 'm', ' ', 0, 0, NULL, 0);
    }
    out_patch(&r->out, 4, r->count);
}

static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Pieces of which the sizes follow from the bytes: single bytes, two pieces, or many. */
static void read_in_pieces(struct reading *r, const uint8_t *bytes, size_t length) {
    uint64_t state = 0xcbf29ce484222325u;
    size_t most;

    for (size_t i = 0; i < length; i++) {
        state = (state ^ bytes[i]) * 0x100000001b3u;
    }
    state |= 1;
    most = (const size_t[]){1, 4, 16, 64, length, length, 2, 32}[next_random(&state) >> 32 & 7];
    begin(r);
    for (size_t given = 0; given < length && !r->ended;) {
        given += 1 + (next_random(&state) >> 32) % most;
        given = given < length ? given : length;
        read_on(r, bytes, given);
    }
    end(r, bytes, length);
}

int main(void) {
    static uint8_t input[VERDICT_MAX_INPUT];
    static struct reading whole, pieces;
    size_t length;

    while ((length = next_input(input)) != 0) {
        begin(&whole);
        read_on(&whole, input, length);
        end(&whole, input, length);
        read_in_pieces(&pieces, input, length);
        if (whole.out.length == pieces.out.length && memcmp(whole.out.bytes, pieces.out.bytes, whole.out.length) == 0) {
            out_text(&whole.out, "", 0);
        } else {
            out_text(&whole.out, "in pieces it is something else", 30);
        }
        out_patch(&whole.out, 0, whole.out.length - 4);
        fwrite(whole.out.bytes, 1, whole.out.length, stdout);
    }
    return EXIT_SUCCESS;
}
