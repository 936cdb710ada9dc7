/*
 * Trusted networks, and who the client behind trusted proxies is.
 * Links: forwarded.c networks.c h1_chars.c
 */
#include <arpa/inet.h>

#include "forwarded.h"
#include "test.h"

static struct ring_endpoint endpoint(const char *text) {
    struct ring_endpoint out = {.family = strchr(text, ':') != NULL ? 6 : 4};
    if (text[0] == 0) {
        out.family = 0;
    } else {
        CHECK_INT(inet_pton(out.family == 6 ? AF_INET6 : AF_INET, text, out.address), 1);
    }
    return out;
}

static struct network network(const char *address, uint8_t bits) {
    struct ring_endpoint at = endpoint(address);
    struct network out = {.family = at.family, .bits = bits};
    memcpy(out.address, at.address, sizeof(out.address));
    return out;
}

static void test_networks(void) {
    static const struct {
        const char *network;
        uint8_t bits;
        const char *in, *out;
    } cases[] = {
        {"10.0.0.0", 8, "10.255.0.1", "11.0.0.0"},
        {"10.0.0.0", 8, "::ffff:10.1.2.3", "::ffff:11.0.0.0"},
        {"192.0.2.128", 25, "192.0.2.128", "192.0.2.127"},
        {"192.0.2.4", 30, "192.0.2.7", "192.0.2.8"},
        {"192.0.2.1", 32, "192.0.2.1", "192.0.2.0"},
        {"192.0.2.0", 31, "192.0.2.1", "192.0.2.2"},
        {"0.0.0.0", 0, "203.0.113.9", "2001:db8::1"},
        {"0.0.0.0", 0, "::ffff:203.0.113.9", "::1"},
        {"::", 0, "2001:db8::1", "203.0.113.9"},
        {"::", 0, "::1", "::ffff:203.0.113.9"},
        {"2001:db8::", 32, "2001:db8:ffff::", "2001:db9::"},
        {"2001:db8::", 33, "2001:db8:7fff::", "2001:db8:8000::"},
        {"2001:db8::1", 128, "2001:db8::1", "2001:db8::"},
        {"::1", 128, "::1", "127.0.0.1"},
        {"10.0.0.0", 8, "10.0.0.1", "a00::"}, /* the same bytes in the other family */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct network two[] = {network("198.18.0.0", 15), network(cases[i].network, cases[i].bits)};
        struct networks all = {.all = two, .count = 2};
        struct ring_endpoint in = endpoint(cases[i].in);
        struct ring_endpoint out = endpoint(cases[i].out);
        struct ring_endpoint none = endpoint("");
        CHECK(networks_contain(&all, &in));
        if (!CHECK(!networks_contain(&all, &out))) {
            fprintf(stderr, "%s/%u has %s\n", cases[i].network, cases[i].bits, cases[i].out);
        }
        CHECK(!networks_contain(&all, &none));
        all.unix_peers = true;
        CHECK(networks_contain(&all, &none));
        CHECK(!networks_contain(&(struct networks){0}, &in));
    }
}

/* 10/8 and 2001:db8::/32 are trusted. Lines are separated by "|". */
static void check_walk(enum forwarded_form form, const char *lines, const char *want, uint16_t port) {
    struct network all[] = {network("10.0.0.0", 8), network("2001:db8::", 32)};
    struct networks trusted = {.all = all, .count = 2};
    struct forwarded_walk walk = {.trusted = &trusted, .form = form, .client = endpoint("10.9.9.9")};
    const char *end = lines + strlen(lines);
    for (bool more = true; more;) {
        const char *start = end;
        while (start > lines && start[-1] != '|') {
            start--;
        }
        size_t length = (size_t)(end - start);
        uint8_t *copy = malloc(length + 1);
        REQUIRE(copy != NULL);
        memcpy(copy, start, length);
        more = forwarded_walk(&walk, copy, length) && start > lines;
        free(copy);
        end = start - 1;
    }
    struct ring_endpoint expected = endpoint(want);
    expected.port = port;
    if (!CHECK_BYTES(&walk.client, sizeof(walk.client), &expected, sizeof(expected))) {
        fprintf(stderr, "of %s\n", lines);
    }
}

static void test_walk(void) {
    static const struct {
        enum forwarded_form form;
        const char *lines, *want;
        uint16_t port;
    } cases[] = {
        {FORWARDED_PLAIN, "", "10.9.9.9", 0},
        {FORWARDED_PLAIN, "192.0.2.1", "192.0.2.1", 0},
        {FORWARDED_PLAIN, " 192.0.2.1\t", "192.0.2.1", 0},
        {FORWARDED_PLAIN, "192.0.2.1:80", "192.0.2.1", 80},
        {FORWARDED_PLAIN, "198.51.100.1, 192.0.2.1", "192.0.2.1", 0}, /* what the client says itself counts nothing */
        {FORWARDED_PLAIN, "192.0.2.1, 10.0.0.1", "192.0.2.1", 0},
        {FORWARDED_PLAIN, "192.0.2.1,10.0.0.1:99,2001:db8::7", "192.0.2.1", 0},
        {FORWARDED_PLAIN, "10.0.0.1, 10.0.0.2", "10.0.0.1", 0}, /* all trusted: the first of them */
        {FORWARDED_PLAIN, "192.0.2.1|10.0.0.1|10.0.0.2", "192.0.2.1", 0},
        {FORWARDED_PLAIN, "192.0.2.1|||10.0.0.2", "192.0.2.1", 0},
        {FORWARDED_PLAIN, "192.0.2.1,, ,10.0.0.2,", "192.0.2.1", 0},
        {FORWARDED_PLAIN, "2001:db9::1", "2001:db9::1", 0},
        {FORWARDED_PLAIN, "[2001:db9::1]", "2001:db9::1", 0},
        {FORWARDED_PLAIN, "[2001:db9::1]:65535", "2001:db9::1", 65535},
        {FORWARDED_PLAIN, "::ffff:192.0.2.1, ::ffff:10.0.0.1", "::ffff:192.0.2.1", 0},
        {FORWARDED_PLAIN, "192.0.2.1, unknown, 10.0.0.1", "10.0.0.1", 0},
        {FORWARDED_PLAIN, "192.0.2.1, unknown", "10.9.9.9", 0},
        {FORWARDED_PLAIN, "192.0.2.1, _hidden, 10.0.0.1", "10.0.0.1", 0},
        {FORWARDED_PLAIN, "192.0.2.1, 192.0.2.1.", "10.9.9.9", 0},
        {FORWARDED_PLAIN, "192.0.2.256", "10.9.9.9", 0},
        {FORWARDED_PLAIN, "192.0.2.1:65536", "10.9.9.9", 0},
        {FORWARDED_PLAIN, "192.0.2.1:", "10.9.9.9", 0},
        {FORWARDED_PLAIN, "192.0.2.1:000080", "10.9.9.9", 0},
        {FORWARDED_PLAIN, "[2001:db9::1", "10.9.9.9", 0},
        {FORWARDED_PLAIN, "[2001:db9::1]x", "10.9.9.9", 0},
        {FORWARDED_PLAIN, "[192.0.2.1]", "10.9.9.9", 0},
        {FORWARDED_PLAIN, "fe80::1%eth0", "10.9.9.9", 0},
        {FORWARDED_PLAIN, "2001:0db9:0000:0000:0000:0000:0000:0000:0000:0000:0000", "10.9.9.9", 0},
        {FORWARDED_PLAIN, "192.0.2.1 10.0.0.1", "10.9.9.9", 0},
        {FORWARDED_PAIRS, "for=192.0.2.1", "192.0.2.1", 0},
        {FORWARDED_PAIRS, "For=\"192.0.2.1:80\";proto=http", "192.0.2.1", 80},
        {FORWARDED_PAIRS, "proto=http;by=10.0.0.1;FOR=192.0.2.1", "192.0.2.1", 0},
        {FORWARDED_PAIRS, "for=\"[2001:db9::1]:4711\"", "2001:db9::1", 4711},
        {FORWARDED_PAIRS, "for=192.0.2.1, for=\"[2001:db8::1]\" ; host=\"a,b;c\"", "192.0.2.1", 0},
        {FORWARDED_PAIRS, "for=192.0.2.1|for=10.0.0.1", "192.0.2.1", 0},
        {FORWARDED_PAIRS, "for=\"x, for=192.0.2.1", "192.0.2.1", 0}, /* a quote of the client's hides nothing */
        {FORWARDED_PAIRS, "for=\"x, for=\"192.0.2.1\"", "192.0.2.1", 0},
        {FORWARDED_PAIRS, "for=\"x, for=10.0.0.1", "10.0.0.1", 0},
        {FORWARDED_PAIRS, "for=192.0.2.1, proto=https", "10.9.9.9", 0},
        {FORWARDED_PAIRS, "for=192.0.2.1;for=192.0.2.2", "10.9.9.9", 0},
        {FORWARDED_PAIRS, "for=unknown, for=10.0.0.1", "10.0.0.1", 0},
        {FORWARDED_PAIRS, "for=\"_gazonk\"", "10.9.9.9", 0},
        {FORWARDED_PAIRS, "for=\"192.0.2.1\\\"\"", "10.9.9.9", 0},
        {FORWARDED_PAIRS, "for=\"\"", "10.9.9.9", 0},
        {FORWARDED_PAIRS, "for=", "10.9.9.9", 0},
        {FORWARDED_PAIRS, "192.0.2.1", "10.9.9.9", 0},
        {FORWARDED_PAIRS, "for=192.0.2.1;proto", "10.9.9.9", 0},
        {FORWARDED_PAIRS, "xfor=192.0.2.1", "10.9.9.9", 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check_walk(cases[i].form, cases[i].lines, cases[i].want, cases[i].port);
    }
}

static void test_walk_is_bounded(void) {
    char many[FORWARDED_ENTRIES * 10 + 64] = "192.0.2.1";
    for (uint32_t i = 0; i + 1 < FORWARDED_ENTRIES; i++) {
        strcat(many, ",10.0.0.1");
    }
    check_walk(FORWARDED_PLAIN, many, "192.0.2.1", 0);
    strcat(many, ",10.0.0.1");
    check_walk(FORWARDED_PLAIN, many, "10.0.0.1", 0);
}

static void test_scheme(void) {
    static const struct {
        enum forwarded_form form;
        const char *value;
        bool want;
    } cases[] = {
        {FORWARDED_PLAIN, "https", true},
        {FORWARDED_PLAIN, " HTTPS ", true},
        {FORWARDED_PLAIN, "http, https", true},
        {FORWARDED_PLAIN, "https, http", false},
        {FORWARDED_PLAIN, "http", false},
        {FORWARDED_PLAIN, "httpss", false},
        {FORWARDED_PLAIN, "", false},
        {FORWARDED_PLAIN, "https,", false},
        {FORWARDED_PAIRS, "proto=https", true},
        {FORWARDED_PAIRS, "for=192.0.2.1;Proto=\"HTTPS\"", true},
        {FORWARDED_PAIRS, "proto=http, for=_x;proto=https", true},
        {FORWARDED_PAIRS, "proto=https, for=_x", false},
        {FORWARDED_PAIRS, "proto=https;proto=https", false},
        {FORWARDED_PAIRS, "proto=https;x", false},
        {FORWARDED_PAIRS, "https", false},
        {FORWARDED_PAIRS, "", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const uint8_t *value = (const uint8_t *)cases[i].value;
        if (!CHECK_INT(forwarded_is_https(cases[i].form, value, strlen(cases[i].value)), cases[i].want)) {
            fprintf(stderr, "of %s\n", cases[i].value);
        }
    }
}

int main(void) {
    RUN(test_networks);
    RUN(test_walk);
    RUN(test_walk_is_bounded);
    RUN(test_scheme);
    return test_report();
}
