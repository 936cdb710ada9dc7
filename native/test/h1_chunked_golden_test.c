/*
 * Chunked bodies and trailers: the cases of golden/h1_chunked, each fed whole, byte by byte and at random splits, always
 * up to a guard page.
 * Links: h1_chunked.c h1_trailers.c h1_fields.c h1_target.c h1_parser.c h1_connection.c h1_names.c h1_chars.c
 */
#include "golden.h"
#include "guard.h"
#include "h1_chunked.h"
#include "h1_render.h"

#define SPLITS 20u

static struct guard guard;
static struct guard trailer_guard;
static uint64_t seed;

struct outcome {
    int64_t status; /* 0, or -status */
    uint16_t reason;
    uint8_t state;
    size_t consumed;
    size_t data_length;
    uint32_t trailer_length;
    int field_count;
    uint16_t field_reason;
    uint8_t data[4096];
    uint8_t trailers[4096];
    struct ring_field fields[16];
};

/* The trailer buffer has exactly the size that the contract asks for, and ends at a guard page, too. */
static void feed(struct outcome *outcome, const struct golden_case *one, const struct h1_chunked_limits *limits,
                 uint64_t step) {
    struct h1_chunked chunked = {0};
    uint8_t *trailers = trailer_guard.base + trailer_guard.size - limits->trailer_bytes - 2;

    memset(outcome, 0, sizeof(*outcome));
    while (outcome->consumed < one->length && chunked.state != H1_CHUNK_DONE) {
        size_t given = step == 0 ? one->length : step == 1 ? 1 : 1 + test_random(&seed) % step;
        const uint8_t *bytes;
        size_t offset = 0;

        if (given > one->length - outcome->consumed)
            given = one->length - outcome->consumed;
        bytes = guard_place(&guard, one->input + outcome->consumed, given);
        while (offset < given && chunked.state != H1_CHUNK_DONE) {
            const uint8_t *data;
            size_t data_length;
            uint8_t *buffer = chunked.state == H1_CHUNK_TRAILERS ? trailers : NULL;
            int64_t used =
                h1_chunked_decode(&chunked, bytes + offset, given - offset, limits, buffer, &data, &data_length);

            if (used < 0) {
                outcome->status = used;
                outcome->consumed = 0; /* what came before the fault depends on the cut */
                outcome->reason = chunked.reason;
                CHECK_INT(h1_chunked_decode(&chunked, bytes, 1, limits, trailers, &data, &data_length), -400);
                return;
            }
            CHECK((size_t)used <= given - offset);
            CHECK(data >= bytes + offset && data + data_length <= bytes + offset + used);
            CHECK(outcome->data_length + data_length <= sizeof(outcome->data));
            memcpy(outcome->data + outcome->data_length, data, data_length);
            outcome->data_length += data_length;
            offset += (size_t)used;
        }
        outcome->consumed += offset;
    }
    outcome->state = chunked.state;
    outcome->trailer_length = chunked.trailer_length;
    if (chunked.state == H1_CHUNK_DONE) {
        memcpy(outcome->trailers, trailers, chunked.trailer_length);
        outcome->field_count =
            h1_parse_trailers(guard_place(&guard, trailers, chunked.trailer_length), chunked.trailer_length,
                              limits->trailer_fields, outcome->fields, &outcome->field_reason);
    }
}

static const char *seeds; /* the directory to write fuzz seeds to, or NULL */

static void check_case(const struct golden_case *one, FILE *actual) {
    struct h1_chunked_limits limits = {
        .extension_bytes = golden_limit(one->limits, "extension", 64),
        .trailer_bytes = golden_limit(one->limits, "trailer", 256),
        .trailer_fields = golden_limit(one->limits, "fields", 8),
    };
    static struct outcome whole;
    static struct outcome parts;

    if (seeds != NULL)
        golden_seed(one, seeds, one->limits[0] != '\0' ? "\x01\x01" : "\x08\x01", 2);
    feed(&whole, one, &limits, 0);
    fputs("data ", actual);
    test_print_bytes(actual, whole.data, whole.data_length);
    if (whole.status < 0) {
        fprintf(actual, "\nrefused %d %s\n", (int)-whole.status, h1_reason_names[whole.reason]);
    } else if (whole.state != H1_CHUNK_DONE) {
        fputs("\nmore\n", actual);
    } else {
        fputs("\ndone", actual);
        if (whole.consumed < one->length) {
            fputs(", left ", actual);
            test_print_bytes(actual, one->input + whole.consumed, one->length - whole.consumed);
        }
        fputc('\n', actual);
        if (whole.field_count < 0)
            fprintf(actual, "trailers refused %d %s\n", -whole.field_count, h1_reason_names[whole.field_reason]);
        else
            h1_render_fields(actual, whole.trailers, whole.fields, (uint32_t)whole.field_count);
    }
    for (unsigned i = 0; i <= SPLITS; i++) {
        uint64_t before = seed;

        feed(&parts, one, &limits, i == 0 ? 1 : 2 + test_random(&seed) % (one->length + 1));
        if (!CHECK(memcmp(&whole, &parts, sizeof(whole)) == 0))
            fprintf(stderr, "%s: in parts, seed %" PRIu64 ": status %" PRId64 " consumed %zu\n", one->name, before,
                    parts.status, parts.consumed);
    }
}

static bool rewrite;

static void test_golden_bodies(void) {
    golden_directory("h1_chunked", check_case, rewrite);
    printf("%u cases\n", golden_cases);
}

/* Without a buffer the decoder stops in front of the trailer section, whatever it holds. */
static void test_no_buffer_needed_before_trailers(void) {
    static const char text[] = "1\r\nx\r\n0\r\nA: b\r\n\r\n";
    struct h1_chunked chunked = {0};
    struct h1_chunked_limits limits = {.extension_bytes = 0, .trailer_bytes = 64, .trailer_fields = 8};
    const uint8_t *bytes = (const uint8_t *)text;
    const uint8_t *data;
    size_t length;

    CHECK_INT(h1_chunked_decode(&chunked, bytes, sizeof(text) - 1, &limits, NULL, &data, &length), 4);
    CHECK_TEXT(data, length, "x");
    CHECK_INT(h1_chunked_decode(&chunked, bytes + 4, sizeof(text) - 5, &limits, NULL, &data, &length), 5);
    CHECK_UINT(length, 0);
    CHECK_UINT(chunked.state, H1_CHUNK_TRAILERS);
    CHECK_INT(h1_chunked_decode(&chunked, bytes + 9, sizeof(text) - 10, &limits, NULL, &data, &length), 0);
}

/* A declared size is known before its bytes, so that a body limit can be applied to it. */
static void test_declared_size_is_visible(void) {
    struct h1_chunked chunked = {0};
    struct h1_chunked_limits limits = {.extension_bytes = 0, .trailer_bytes = 64, .trailer_fields = 8};
    const uint8_t *data;
    size_t length;

    CHECK_INT(h1_chunked_decode(&chunked, (const uint8_t *)"7fffffffffffffff\r\n", 18, &limits, NULL, &data, &length),
              18);
    CHECK_UINT(chunked.state, H1_CHUNK_DATA);
    CHECK_UINT(chunked.chunk_left, INT64_MAX);
    CHECK_UINT(length, 0);
}

/* h1_parse_trailers is given what the decoder collected; it must not trust that. */
static void test_trailers_that_the_decoder_would_not_give(void) {
    struct ring_field fields[2];
    uint16_t reason;

    CHECK_INT(h1_parse_trailers((const uint8_t *)"A: b", 4, 2, fields, &reason), -400);
    CHECK_INT(h1_parse_trailers((const uint8_t *)"\n", 1, 2, fields, &reason), -400);
    CHECK_INT(h1_parse_trailers((const uint8_t *)"A: b\r\n\r\n", 8, 2, fields, &reason), 1);
    CHECK_INT(h1_parse_trailers((const uint8_t *)"A: b\r\n\r\nC: d\r\n", 14, 2, fields, &reason), -400);
    CHECK_INT(h1_parse_trailers(NULL, 0, 0, fields, &reason), 0);
}

int main(int argc, char **argv) {
    rewrite = argc > 1 && strcmp(argv[1], "--rewrite") == 0;
    seeds = argc > 2 && strcmp(argv[1], "--seeds") == 0 ? argv[2] : NULL;
    seed = test_seed();
    guard = guard_open(GOLDEN_MAX_INPUT);
    trailer_guard = guard_open(65536);
    RUN(test_golden_bodies);
    RUN(test_no_buffer_needed_before_trailers);
    RUN(test_declared_size_is_visible);
    RUN(test_trailers_that_the_decoder_would_not_give);
    return test_report();
}
