/*
 * The parsers' work is linear in the bytes received, however they arrive: counted in bytes looked at, not in time.
 */
#define H1_COUNT_WORK 1

#include "../h1_chars.c"
#include "../h1_chunked.c"
#include "../h1_connection.c"
#include "../h1_fields.c"
#include "../h1_names.c"
#include "../h1_parser.c"
#include "../h1_target.c"
#include "../h1_trailers.c"
#include "test.h"

uint64_t h1_work;

/*
 * A pass looks at a byte at most five times: for the line end, as part of its line, and as part of what is split further
 * (target, authority, list members). Twice that, because the lines of earlier calls are parsed once more at the end.
 */
#define MOST_PER_BYTE 10u

static const struct h1_limits limits = {.line_bytes = 8192, .head_bytes = 32768, .fields = 100};
static uint8_t input[1 << 17];
static size_t input_length;

static void append(const char *text) {
    size_t length = strlen(text);

    if (length > sizeof(input) - input_length)
        abort();
    memcpy(input + input_length, text, length);
    input_length += length;
}

static void append_times(const char *text, unsigned times) {
    for (unsigned i = 0; i < times; i++)
        append(text);
}

static uint64_t work_of(size_t step, int want) {
    static struct h1_request request;
    struct h1_parser parser = {0};
    int result = H1_MORE;

    h1_work = 0;
    for (size_t given = 0; given < input_length && result == H1_MORE;) {
        given = given + step < input_length ? given + step : input_length;
        result = h1_parse_request(&parser, input, given, &limits, &request);
    }
    CHECK_INT(result, want);
    return h1_work;
}

static void check_linear(int want) {
    const size_t steps[] = {1, 2, 3, 7, 64, 1000, sizeof(input)};

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        uint64_t work = work_of(steps[i], want);

        if (!CHECK(work <= MOST_PER_BYTE * input_length))
            fprintf(stderr, "%" PRIu64 " for %zu bytes in steps of %zu\n", work, input_length, steps[i]);
    }
}

static void test_long_value(void) {
    input_length = 0;
    append("GET / HTTP/1.1\r\nHost: a\r\nX: ");
    append_times("y", 30000);
    append("\r\n\r\n");
    check_linear((int)input_length);
}

static void test_many_fields(void) {
    input_length = 0;
    append("GET / HTTP/1.1\r\nHost: a\r\n");
    append_times("X-Name: some value that is a little longer\r\n", 99);
    append("\r\n");
    check_linear((int)input_length);
}

static void test_long_target(void) {
    input_length = 0;
    append("GET http://");
    append_times("h", 4000);
    append("/");
    append_times("p", 4000);
    append(" HTTP/1.1\r\nHost: a\r\n\r\n");
    check_linear((int)input_length);
}

static void test_long_host_and_codings(void) {
    input_length = 0;
    append("GET / HTTP/1.1\r\nHost: ");
    append_times("h", 15000);
    append("\r\nTransfer-Encoding: ");
    append_times("x, ", 5000);
    append("chunked\r\n\r\n");
    check_linear(-501);
}

static void test_line_without_end(void) {
    input_length = 0;
    append_times("G", 20000);
    check_linear(-414);
}

static void test_head_without_end(void) {
    input_length = 0;
    append("GET / HTTP/1.1\r\nHost: a\r\nX: ");
    append_times("y", 60000);
    check_linear(-431);
}

/* Options are compared with field names; their number is bounded, so names of one length cost at most that factor. */
static void test_connection_options(void) {
    input_length = 0;
    append("GET / HTTP/1.1\r\nHost: a\r\n");
    for (unsigned i = 0; i < 97; i++) {
        append_times("x", 150);
        append("1: y\r\n");
    }
    append("Connection: close");
    for (unsigned i = 0; i < 32; i++) {
        append(",");
        append_times("x", 150);
        append("0");
    }
    append("\r\n\r\n");
    CHECK(work_of(sizeof(input), (int)input_length) <= (MAX_NOMINATED + MOST_PER_BYTE) * input_length);
    CHECK(work_of(1, (int)input_length) <= (MAX_NOMINATED + MOST_PER_BYTE) * input_length);
}

static void test_ten_thousand_options(void) {
    input_length = 0;
    append("GET / HTTP/1.1\r\nHost: a\r\nConnection: ");
    append_times("x,", 10000);
    append("\r\n\r\n");
    check_linear(-431);
    input_length = 0;
    append("GET / HTTP/1.1\r\nHost: a\r\nConnection: ");
    append_times("close,", 5000);
    append("\r\n\r\n");
    check_linear((int)input_length);
}

/* Every byte of a body's framing is looked at once, data not at all. */
static void test_chunked(void) {
    static uint8_t trailers[32768 + 2];
    const struct h1_chunked_limits chunked_limits = {.extension_bytes = 65536, .trailer_bytes = 32768};
    const size_t steps[] = {1, 3, 64, sizeof(input)};

    input_length = 0;
    append_times("1;extension=value\r\nx\r\n", 2000);
    append("fff\r\n");
    append_times("y", 0xfff);
    append("\r\n0\r\n");
    append_times("X-Trailer: y\r\n", 2000);
    append("\r\n");
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct h1_chunked chunked = {0};
        size_t position = 0;

        h1_work = 0;
        while (position < input_length) {
            size_t given = input_length - position < steps[i] ? input_length - position : steps[i];
            const uint8_t *data;
            size_t data_length;
            int64_t used =
                h1_chunked_decode(&chunked, input + position, given, &chunked_limits, trailers, &data, &data_length);

            REQUIRE(used > 0);
            position += (size_t)used;
        }
        CHECK_UINT(chunked.state, H1_CHUNK_DONE);
        CHECK(h1_work <= input_length);
    }
}

int main(void) {
    RUN(test_long_value);
    RUN(test_many_fields);
    RUN(test_long_target);
    RUN(test_long_host_and_codings);
    RUN(test_line_without_end);
    RUN(test_head_without_end);
    RUN(test_connection_options);
    RUN(test_ten_thousand_options);
    RUN(test_chunked);
    return test_report();
}
