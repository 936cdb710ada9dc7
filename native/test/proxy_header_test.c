/*
 * Headers of the PROXY protocol: every cut of good ones, and what is refused.
 * Links: proxy_header.c
 */
#include "proxy_header.h"
#include "test.h"

#define START "\r\n\r\n\0\r\nQUIT\n"
#define BYTES(literal) (const uint8_t *)(literal), sizeof(literal) - 1

/* The endpoint as text, so that one comparison tells all. */
static void render(const struct ring_endpoint *endpoint, char *out, size_t size) {
    int at = snprintf(out, size, "%u:", endpoint->family);
    for (int i = 0; i < 16; i++) {
        at += snprintf(out + at, size - (size_t)at, "%02x", endpoint->address[i]);
    }
    snprintf(out + at, size - (size_t)at, ":%u", endpoint->port);
}

#define IP4 "4:c0000201000000000000000000000000:56324"
#define IP4_LOCAL "4:c6336407000000000000000000000000:443"
#define IP6 "6:20010db8000000000000000000000001:1"
#define IP6_LOCAL "6:20010db8000000000000000000000002:65535"
#define NONE "0:00000000000000000000000000000000:0"
#define V6_1 "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
#define V6_2 "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2"
#define V4 "\xc0\x00\x02\x01\xc6\x33\x64\x07\xdc\x04\x01\xbb"

static const struct {
    const uint8_t *bytes;
    size_t length;
    enum proxy_header_kind kind;
    const char *remote, *local;
} good[] = {
    {BYTES("PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n"), PROXY_HEADER_ADDRESSES, IP4, IP4_LOCAL},
    {BYTES("PROXY TCP6 2001:db8::1 2001:DB8::2 1 65535\r\n"), PROXY_HEADER_ADDRESSES, IP6, IP6_LOCAL},
    {BYTES("PROXY UNKNOWN\r\n"), PROXY_HEADER_UNKNOWN, NONE, NONE},
    {BYTES("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535"
           "\r\n"),
     PROXY_HEADER_UNKNOWN, NONE, NONE}, /* the longest line */
    {BYTES("PROXY TCP4 0.0.0.0 255.255.255.255 0 0\r\n"), PROXY_HEADER_ADDRESSES,
     "4:00000000000000000000000000000000:0", "4:ffffffff000000000000000000000000:0"},
    {BYTES(START "\x21\x11\x00\x0c" V4), PROXY_HEADER_ADDRESSES, IP4, IP4_LOCAL},
    {BYTES(START "\x21\x12\x00\x0c" V4), PROXY_HEADER_ADDRESSES, IP4, IP4_LOCAL},
    {BYTES(START "\x21\x21\x00\x24" V6_1 V6_2 "\x00\x01\xff\xff"), PROXY_HEADER_ADDRESSES, IP6, IP6_LOCAL},
    {BYTES(START "\x21\x11\x00\x13" V4 "\x01\x00\x04http"), PROXY_HEADER_ADDRESSES, IP4, IP4_LOCAL},
    {BYTES(START "\x21\x11\x00\x0f" V4 "\xee\x00\x00"), PROXY_HEADER_ADDRESSES, IP4, IP4_LOCAL},
    {BYTES(START "\x21\x00\x00\x00"), PROXY_HEADER_UNKNOWN, NONE, NONE},
    {BYTES(START "\x21\x00\x00\x03zzz"), PROXY_HEADER_UNKNOWN, NONE, NONE},
    {BYTES(START "\x20\x00\x00\x00"), PROXY_HEADER_LOCAL, NONE, NONE},
    {BYTES(START "\x20\xff\x00\x03zzz"), PROXY_HEADER_LOCAL, NONE, NONE}, /* the family is to be ignored */
    {BYTES(START "\x20\x11\x00\x0c" V4), PROXY_HEADER_LOCAL, NONE, NONE},
};

static void check_good(const uint8_t *bytes, size_t length, enum proxy_header_kind kind, const char *remote,
                       const char *local) {
    struct proxy_header header;
    char text[64];
    for (size_t cut = 0; cut < length; cut++) {
        uint8_t *part = malloc(cut + 1);
        REQUIRE(part != NULL);
        memcpy(part, bytes, cut);
        CHECK_INT(proxy_header_parse(part, cut, &header), PROXY_HEADER_MORE);
        free(part);
    }
    uint8_t *more = malloc(length + 5);
    REQUIRE(more != NULL);
    memcpy(more, bytes, length);
    memcpy(more + length, "\r\nGET", 5);
    for (size_t extra = 0; extra <= 5; extra++) {
        CHECK_INT(proxy_header_parse(more, length + extra, &header), (int64_t)length);
        CHECK_INT(header.kind, kind);
        render(&header.remote, text, sizeof(text));
        CHECK_TEXT(text, strlen(text), remote);
        render(&header.local, text, sizeof(text));
        CHECK_TEXT(text, strlen(text), local);
    }
    free(more);
}

static void test_good_ones_in_every_cut(void) {
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        check_good(good[i].bytes, good[i].length, good[i].kind, good[i].remote, good[i].local);
    }
}

static const struct {
    const uint8_t *bytes;
    size_t length;
    size_t at; /* how many bytes show it */
} bad[] = {
    {BYTES("GET / HTTP/1.1\r\n"), 1},
    {BYTES("PUT /"), 2},
    {BYTES("proxy TCP4"), 1},
    {BYTES("PROXY\r\n"), 6},
    {BYTES("PROXY \r\n"), 8},
    {BYTES("PROXY  TCP4 192.0.2.1 198.51.100.7 56324 443\r\n"), 46},
    {BYTES("PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\n"), 44},
    {BYTES("PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\r\n"), 46},
    {BYTES("PROXY TCP4 192.0.2.1 198.51.100.7 56324 443 \r\n"), 46},
    {BYTES("PROXY TCP4 192.0.2.1 198.51.100.7 56324 443 1\r\n"), 47},
    {BYTES("PROXY TCP4 192.0.2.1 198.51.100.7 56324\r\n"), 41},
    {BYTES("PROXY TCP4 192.0.2.1 198.51.100.7 56324 \r\n"), 42},
    {BYTES("PROXY TCP4 192.0.2.1 198.51.100.7 +5632 443\r\n"), 45},
    {BYTES("PROXY TCP4 192.0.2.1 198.51.100.7 056 443\r\n"), 43},
    {BYTES("PROXY TCP4 192.0.2.1 198.51.100.7 65536 443\r\n"), 45},
    {BYTES("PROXY TCP4 192.0.2.1 198.51.100.7 56324 443000\r\n"), 48},
    {BYTES("PROXY TCP4 192.0.2.01 198.51.100.7 56324 443\r\n"), 46},
    {BYTES("PROXY TCP4 192.0.2 198.51.100.7 56324 443\r\n"), 43},
    {BYTES("PROXY TCP4 192.0.2.1/24 198.51.100.7 56324 443\r\n"), 48},
    {BYTES("PROXY TCP4 2001:db8::1 2001:db8::2 1 65535\r\n"), 44},
    {BYTES("PROXY TCP6 192.0.2.1 198.51.100.7 56324 443\r\n"), 45},
    {BYTES("PROXY TCP6 2001:db8::1%lo 2001:db8::2 1 65535\r\n"), 47},
    {BYTES("PROXY TCP6 [2001:db8::1] 2001:db8::2 1 65535\r\n"), 46},
    {BYTES("PROXY UDP4 192.0.2.1 198.51.100.7 56324 443\r\n"), 45},
    {BYTES("PROXY UNKNOWNS\r\n"), 16},
    {BYTES("PROXY UNKNOWN \0\r\n"), 17},
    {BYTES("PROXY TCP4 192.0.2.1\0 198.51.100.7 56324 443\r\n"), 46},
    {BYTES("\r\n\r\n\0\r\nQUIS"), 11},
    {BYTES("\r\n\r\n\1"), 5},
    {BYTES("\r\nGET / HTTP/1.1\r\n"), 3},
    {BYTES(START "\x11\x11\x00\x0c" V4), 13}, /* version 1 */
    {BYTES(START "\x31\x11\x00\x0c" V4), 13},
    {BYTES(START "\x22\x11\x00\x0c" V4), 13}, /* neither LOCAL nor PROXY */
    {BYTES(START "\x21\x41\x00\x0c" V4), 14},
    {BYTES(START "\x21\x13\x00\x0c" V4), 14},
    {BYTES(START "\x21\x11\x00\x0b" V4), 16}, /* too short for its addresses */
    {BYTES(START "\x21\x21\x00\x23" V6_1 V6_2), 16},
    {BYTES(START "\x21\x31\x00\xd7"), 16},
    {BYTES(START "\x21\x11\x0f\xf1"), 16}, /* 4097 bytes */
    {BYTES(START "\x20\x00\x10\x00"), 15},
    {BYTES(START "\x21\x11\xff\xff"), 15},
    {BYTES(START "\x21\x11\x00\x0d" V4 "\x01"), 29}, /* half a value */
    {BYTES(START "\x21\x11\x00\x0e" V4 "\x01\x00"), 30},
    {BYTES(START "\x21\x11\x00\x0f" V4 "\x01\x00\x01"), 31},
    {BYTES(START "\x21\x11\x00\x10" V4 "\x01\xff\xff\x01"), 32},
    {BYTES(START "\x21\x11\x00\x12" V4 "\x03\x00\x03\x00\x00\x00"), 34}, /* a checksum of three bytes */
};

static void test_bad_ones_are_refused_where_it_shows(void) {
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct proxy_header header;
        size_t at = 0;
        while (at <= bad[i].length && proxy_header_parse(bad[i].bytes, at, &header) == PROXY_HEADER_MORE) {
            at++;
        }
        if (!CHECK_UINT(at, bad[i].at)) {
            test_print_bytes(stderr, bad[i].bytes, bad[i].length);
            fputc('\n', stderr);
        }
        CHECK_INT(proxy_header_parse(bad[i].bytes, bad[i].length, &header), PROXY_HEADER_BAD);
    }
}

static void test_lines_are_bounded(void) {
    uint8_t line[200];
    struct proxy_header header;
    memset(line, 'x', sizeof(line));
    memcpy(line, "PROXY UNKNOWN ", 14);
    memcpy(line + 105, "\r\n", 2);
    CHECK_INT(proxy_header_parse(line, 106, &header), PROXY_HEADER_MORE);
    CHECK_INT(proxy_header_parse(line, 107, &header), 107);
    line[105] = 'x';
    memcpy(line + 106, "\r\n", 2);
    CHECK_INT(proxy_header_parse(line, 106, &header), PROXY_HEADER_MORE);
    CHECK_INT(proxy_header_parse(line, 107, &header), PROXY_HEADER_BAD);
    CHECK_INT(proxy_header_parse(line, 200, &header), PROXY_HEADER_BAD);
}

/* The largest header; and a unix socket's, whose ends have no address that means anything here. */
static void test_sizes(void) {
    static uint8_t bytes[PROXY_HEADER_MAX];
    struct proxy_header header;
    memcpy(bytes, START "\x21\x11\x0f\xf0" V4 "\xee\x0f\xe1", 31);
    CHECK_INT(proxy_header_parse(bytes, PROXY_HEADER_MAX - 1, &header), PROXY_HEADER_MORE);
    CHECK_INT(proxy_header_parse(bytes, PROXY_HEADER_MAX, &header), PROXY_HEADER_MAX);
    memcpy(bytes, START "\x21\x31\x00\xd8", 16);
    memset(bytes + 16, 'p', 216);
    CHECK_INT(proxy_header_parse(bytes, 231, &header), PROXY_HEADER_MORE);
    CHECK_INT(proxy_header_parse(bytes, 232, &header), 232);
    CHECK_INT(header.kind, PROXY_HEADER_UNKNOWN);
}

/* Bit by bit, from the polynomial: what the parser's table must agree with. */
static uint32_t crc32c(const uint8_t *bytes, size_t length) {
    uint32_t sum = UINT32_MAX;
    for (size_t i = 0; i < length * 8; i++) {
        uint32_t bit = (bytes[i / 8] >> i % 8 ^ sum) & 1;
        sum = sum >> 1 ^ (bit != 0 ? 0x82f63b78u : 0);
    }
    return ~sum;
}

static void test_checksums(void) {
    uint8_t bytes[] = START "\x21\x11\x00\x1a" V4 "\x03\x00\x04\0\0\0\0\x01\x00\x04http";
    size_t length = sizeof(bytes) - 1;
    struct proxy_header header;
    CHECK_UINT(crc32c((const uint8_t *)"123456789", 9), 0xe3069283);
    uint32_t sum = crc32c(bytes, length);
    for (int i = 0; i < 4; i++) {
        bytes[31 + i] = (uint8_t)(sum >> (24 - 8 * i));
    }
    CHECK_INT(proxy_header_parse(bytes, length, &header), (int64_t)length);
    for (size_t bit = 16 * 8; bit < 28 * 8; bit++) { /* of the addresses */
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        CHECK_INT(proxy_header_parse(bytes, length, &header), PROXY_HEADER_BAD);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t bit = 31 * 8; bit < 35 * 8; bit++) { /* of the checksum */
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        CHECK_INT(proxy_header_parse(bytes, length, &header), PROXY_HEADER_BAD);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void test_two_checksums_are_refused(void) {
    uint8_t bytes[] = START "\x21\x11\x00\x1a" V4 "\x03\x00\x04\0\0\0\0\x03\x00\x04\0\0\0\0";
    size_t length = sizeof(bytes) - 1;
    struct proxy_header header;
    uint32_t sum = crc32c(bytes, length);
    for (int i = 0; i < 4; i++) {
        bytes[31 + i] = (uint8_t)(sum >> (24 - 8 * i));
    }
    CHECK_INT(proxy_header_parse(bytes, length, &header), PROXY_HEADER_BAD);
}

int main(void) {
    RUN(test_good_ones_in_every_cut);
    RUN(test_bad_ones_are_refused_where_it_shows);
    RUN(test_lines_are_bounded);
    RUN(test_sizes);
    RUN(test_checksums);
    RUN(test_two_checksums_are_refused);
    return test_report();
}
