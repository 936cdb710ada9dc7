/*
 * Request heads: the cases of golden/h1, each fed whole, byte by byte, and at random splits, always up to a guard page.
 * Links: h1_parser.c h1_fields.c h1_target.c h1_connection.c h1_names.c h1_chars.c
 */
#include "golden.h"
#include "guard.h"
#include "h1_parser.h"
#include "h1_render.h"

#define SPLITS 20u /* random ways to cut each case */

static struct guard guard;
static uint64_t seed;

struct outcome {
    int result;
    struct h1_parser parser;
    struct h1_request request;
};

static struct h1_limits limits_of(const char *words) {
    return (struct h1_limits){
        .line_bytes = golden_limit(words, "line", 8192),
        .head_bytes = golden_limit(words, "head", 32768),
        .fields = golden_limit(words, "fields", 100),
        .keep_underscores = golden_limit(words, "underscores", 0) != 0,
    };
}

/* One call with `length` bytes; the output memory is another, and dirty, in every call. */
static int call(struct outcome *outcome, const uint8_t *input, size_t length, const struct h1_limits *limits) {
    memset(&outcome->request, 0xa5, sizeof(outcome->request));
    outcome->result =
        h1_parse_request(&outcome->parser, guard_place(&guard, input, length), length, limits, &outcome->request);
    return outcome->result;
}

/* Gives the input in steps of step() bytes until the parser has decided. */
static void feed(struct outcome *outcome, const struct golden_case *one, const struct h1_limits *limits,
                 uint64_t step) {
    size_t given = 0;

    memset(outcome, 0, sizeof(*outcome));
    while (given < one->length) {
        given += step == 0 ? one->length : step == 1 ? 1 : 1 + test_random(&seed) % step;
        if (given > one->length)
            given = one->length;
        if (call(outcome, one->input, given, limits) != H1_MORE)
            return;
    }
}

static bool same(const struct outcome *one, const struct outcome *other) {
    const struct h1_request *left = &one->request;
    const struct h1_request *right = &other->request;

    if (one->result != other->result || one->parser.reason != other->parser.reason)
        return false;
    if (one->result <= 0)
        return true;
    return left->method == right->method && left->version == right->version && left->body_kind == right->body_kind &&
           left->keep_alive == right->keep_alive && left->expect_continue == right->expect_continue &&
           left->upgrade == right->upgrade && left->content_length == right->content_length &&
           memcmp(&left->method_name, &right->method_name, 5 * sizeof(struct ring_span)) == 0 &&
           left->field_count == right->field_count &&
           memcmp(left->fields, right->fields, left->field_count * sizeof(left->fields[0])) == 0;
}

static const char *seeds; /* the directory to write fuzz seeds to, or NULL */

static void check_case(const struct golden_case *one, FILE *actual) {
    static struct outcome whole;
    static struct outcome parts;
    struct h1_limits limits = limits_of(one->limits);

    if (seeds != NULL)
        golden_seed(one, seeds,
                    one->limits[0] == 'l' || one->limits[0] == 'h' || one->limits[0] == 'f' ? "\x01\x01" : "\x08\x01",
                    2);
    feed(&whole, one, &limits, 0);
    h1_render(actual, one->input, one->length, whole.result, &whole.parser, &whole.request);
    if (one->length <= 4096) {
        feed(&parts, one, &limits, 1);
        if (!CHECK(same(&whole, &parts)))
            fprintf(stderr, "%s: byte by byte: %d %s\n", one->name, parts.result, h1_reason_text(parts.parser.reason));
    }
    for (unsigned i = 0; i < SPLITS; i++) {
        uint64_t before = seed;

        feed(&parts, one, &limits, 2 + test_random(&seed) % (one->length + 1));
        if (!CHECK(same(&whole, &parts)))
            fprintf(stderr, "%s: split with seed %" PRIu64 ": %d %s\n", one->name, before, parts.result,
                    h1_reason_text(parts.parser.reason));
    }
}

static bool rewrite;

static void test_golden_heads(void) {
    golden_directory("h1", check_case, rewrite);
    printf("%u cases\n", golden_cases);
}

/* Once refused, a head stays refused. */
static void test_refusal_is_final(void) {
    static const char text[] = "GET / HTTP/1.1\nHost: a\r\n\r\n";
    struct h1_limits limits = limits_of("");
    static struct outcome outcome;

    memset(&outcome, 0, sizeof(outcome));
    CHECK_INT(call(&outcome, (const uint8_t *)text, 20, &limits), -400);
    CHECK_UINT(outcome.parser.reason, H1_REASON_BAD_LINE_END);
    CHECK_INT(call(&outcome, (const uint8_t *)text, sizeof(text) - 1, &limits), -400);
    CHECK_UINT(outcome.parser.reason, H1_REASON_BAD_LINE_END);
}

/* A call that brings nothing new changes nothing. */
static void test_nothing_new(void) {
    static const char text[] = "GET / HTTP/1.0\r\nX: y\r\n\r\n";
    struct h1_limits limits = limits_of("");
    static struct outcome outcome;

    memset(&outcome, 0, sizeof(outcome));
    CHECK_INT(h1_parse_request(&outcome.parser, NULL, 0, &limits, &outcome.request), H1_MORE);
    CHECK_INT(call(&outcome, (const uint8_t *)text, 20, &limits), H1_MORE);
    CHECK_INT(call(&outcome, (const uint8_t *)text, 20, &limits), H1_MORE);
    CHECK_INT(call(&outcome, (const uint8_t *)text, 20, &limits), H1_MORE);
    CHECK_INT(call(&outcome, (const uint8_t *)text, sizeof(text) - 1, &limits), (int)sizeof(text) - 1);
    CHECK_UINT(outcome.request.field_count, 1);
}

static void test_every_reason_has_a_text(void) {
    for (int reason = H1_REASON_NONE; reason <= H1_REASON_COUNT; reason++)
        CHECK(h1_reason_text((enum h1_reason)reason) != NULL);
}

/* A valid request with any one byte replaced by any other: all ways to feed it agree. */
static void test_every_single_byte_change(void) {
    static const char text[] =
        "POST /p?q HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 3\r\nConnection: close, x\r\n\r\n";
    uint8_t input[sizeof(text)];
    struct golden_case one = {.input = input, .length = sizeof(text) - 1};
    struct h1_limits limits = limits_of("");
    static struct outcome whole;
    static struct outcome parts;

    for (size_t place = 0; place < one.length; place++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            memcpy(input, text, sizeof(text));
            input[place] = (uint8_t)byte;
            feed(&whole, &one, &limits, 0);
            feed(&parts, &one, &limits, 1 + test_random(&seed) % 40);
            if (!CHECK(same(&whole, &parts)))
                fprintf(stderr, "byte 0x%02x at %zu: %d, in parts %d\n", byte, place, whole.result, parts.result);
        }
    }
}

int main(int argc, char **argv) {
    rewrite = argc > 1 && strcmp(argv[1], "--rewrite") == 0;
    seeds = argc > 2 && strcmp(argv[1], "--seeds") == 0 ? argv[2] : NULL;
    seed = test_seed();
    guard = guard_open(GOLDEN_MAX_INPUT);
    RUN(test_golden_heads);
    RUN(test_refusal_is_final);
    RUN(test_nothing_new);
    RUN(test_every_reason_has_a_text);
    RUN(test_every_single_byte_change);
    return test_report();
}
