/*
 * Character classes against the grammar, written out a second time, and field names against ring_names.h.
 * Links: h1_chars.c h1_names.c
 */
#include "test.h"

#include <ctype.h>
#include <strings.h>

#include "h1_internal.h"

static bool is_one_of(int byte, const char *set) {
    return byte != 0 && strchr(set, byte) != NULL;
}

static bool is_alnum(int byte) {
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static void test_classes(void) {
    for (int byte = 0; byte < 256; byte++) {
        uint8_t class = h1_char_class[byte];
        bool visible = byte > 0x20 && byte < 0x7f;

        /* RFC 9110 5.6.2 */
        CHECK_INT((class & H1_TCHAR) != 0, is_alnum(byte) || is_one_of(byte, "!#$%&'*+-.^_`|~"));
        /* RFC 9110 5.5 */
        CHECK_INT((class & H1_VALUE) != 0, visible || byte == ' ' || byte == '\t' || byte >= 0x80);
        CHECK_INT((class & H1_TARGET) != 0, visible && byte != '#');
        /* RFC 3986 2.2, 2.3 */
        CHECK_INT((class & H1_REG_NAME) != 0, is_alnum(byte) || is_one_of(byte, "-._~!$&'()*+,;="));
        CHECK_INT((class & H1_HEX) != 0, is_alnum(byte) && isxdigit(byte));
        CHECK_INT((class & H1_DIGIT) != 0, byte >= '0' && byte <= '9');
        CHECK_INT((class & H1_UNDERSCORE) != 0, byte == '_');
    }
}

/* Eight bytes at a time must find the same as one at a time: each byte at each place, among each neighbour of interest. */
static void test_spans(void) {
    const uint8_t around[] = {'a', 0x20, '\t', 0x7e, 0x80, 0xff, '!', 0x21};
    uint8_t text[27];

    for (size_t fill = 0; fill < sizeof(around); fill++) {
        for (size_t place = 0; place < sizeof(text); place++) {
            for (unsigned byte = 0; byte < 256; byte++) {
                size_t value = 0;
                size_t target = 0;

                memset(text, around[fill], sizeof(text));
                text[place] = (uint8_t)byte;
                while (value < sizeof(text) && (h1_char_class[text[value]] & H1_VALUE) != 0)
                    value++;
                while (target < sizeof(text) && (h1_char_class[text[target]] & H1_TARGET) != 0)
                    target++;
                CHECK_UINT(h1_value_span(text, sizeof(text)), value);
                CHECK_UINT(h1_target_span(text, sizeof(text)), target);
                CHECK_INT(h1_is_field_value(text, sizeof(text)), value == sizeof(text));
            }
        }
    }
    CHECK(h1_is_field_value(text, 0));
    CHECK(!h1_is_token(text, 0));
}

static void test_random_spans(void) {
    uint64_t seed = test_seed();
    uint8_t text[64];

    for (unsigned round = 0; round < 200000; round++) {
        size_t length = test_random(&seed) % sizeof(text);
        unsigned kind = (unsigned)(test_random(&seed) % 3);
        size_t value = 0;
        size_t target = 0;

        for (size_t i = 0; i < length; i++) {
            uint64_t word = test_random(&seed);

            text[i] = (uint8_t)(kind == 0 ? word : kind == 1 ? 0x1e + word % 5 : 0x7d + word % 5);
        }
        while (value < length && (h1_char_class[text[value]] & H1_VALUE) != 0)
            value++;
        while (target < length && (h1_char_class[text[target]] & H1_TARGET) != 0)
            target++;
        CHECK_UINT(h1_value_span(text, length), value);
        CHECK_UINT(h1_target_span(text, length), target);
    }
}

static const struct {
    uint16_t id;
    const char *lower;
    const char *wire;
} names[] = {
#define NAME_ROW(id, identifier, lower, wire) {(id), (lower), (wire)},
    RING_NAMES(NAME_ROW)
#undef NAME_ROW
};

static uint16_t id_of(const char *name) {
    return h1_name_id((const uint8_t *)name, strlen(name));
}

static void test_every_name_is_found_in_any_case(void) {
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char upper[64];
        size_t length = strlen(names[i].lower);

        REQUIRE(length < sizeof(upper));
        for (size_t k = 0; k <= length; k++)
            upper[k] = (char)toupper((unsigned char)names[i].lower[k]);
        CHECK_UINT(id_of(names[i].lower), names[i].id);
        CHECK_UINT(id_of(names[i].wire), names[i].id);
        CHECK_UINT(id_of(upper), names[i].id);
        CHECK_INT(strcasecmp(names[i].lower, names[i].wire), 0);
    }
    CHECK_UINT(sizeof(names) / sizeof(names[0]), RING_NAME_COUNT - 1);
}

/* One byte more, less or other is another name: in particular "-" against CR and "_", which differ in one bit or so. */
static void test_near_names_are_other(void) {
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char near[64];
        size_t length = strlen(names[i].lower);

        for (size_t place = 0; place < length; place++) {
            for (unsigned byte = 0; byte < 256; byte++) {
                uint16_t want = RING_NAME_OTHER;

                memcpy(near, names[i].lower, length + 1);
                near[place] = (char)byte;
                for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
                    if (strlen(names[k].lower) == length && strncasecmp(near, names[k].lower, length) == 0)
                        want = names[k].id;
                }
                CHECK_UINT(h1_name_id((const uint8_t *)near, length), want);
            }
        }
        CHECK_UINT(h1_name_id((const uint8_t *)names[i].lower, length - 1), RING_NAME_OTHER);
        memcpy(near, names[i].lower, length);
        memcpy(near + length, "s", 2);
        CHECK_UINT(id_of(near), RING_NAME_OTHER);
    }
    CHECK_UINT(id_of(""), RING_NAME_OTHER);
    CHECK_UINT(id_of("x"), RING_NAME_OTHER);
    CHECK_UINT(id_of("a-name-longer-than-every-well-known-one"), RING_NAME_OTHER);
}

static void test_claims(void) {
    static const struct {
        const char *name;
        bool want;
    } cases[] = {
        {"x-forwarded-for", true},
        {"X-FORWARDED-Proto", true},
        {"X-Forwarded-Host", true},
        {"Forwarded", true},
        {"x-request-id", true},
        {"x-forwarded-port", true},
        {"X-Forwarded-Prefix", true},
        {"X-Real-IP", true},
        {"x_forwarded_for", true},
        {"X_Forwarded-For", true},
        {"x-forwarded_port", true},
        {"X_Real_Ip", true},
        {"x_request_id", true},
        {"x-forwarded-", true},
        {"x-forwarded-x", true},
        {"x", false},
        {"x-", false},
        {"x-forwarded", false},
        {"x-forwarder-for", false},
        {"x-forwardedfor", false},
        {"x-real-ips", false},
        {"x-real-i", false},
        {"x-request-ids", false},
        {"x-request-i", false},
        {"y-forwarded-for", false},
        {"traceparent", false},
        {"tracestate", false},
        {"xaforwarded-for", false},
        {"x-forwardedafor", false},
        {"host", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const uint8_t *name = (const uint8_t *)cases[i].name;
        size_t length = strlen(cases[i].name);
        uint8_t *copy = malloc(length);
        REQUIRE(copy != NULL);
        memcpy(copy, name, length);
        if (!CHECK_INT(h1_is_claim(copy, length, h1_name_id(copy, length)), cases[i].want))
            fprintf(stderr, "of %s\n", cases[i].name);
        free(copy);
    }
}

int main(void) {
    RUN(test_classes);
    RUN(test_spans);
    RUN(test_random_spans);
    RUN(test_every_name_is_found_in_any_case);
    RUN(test_near_names_are_other);
    RUN(test_claims);
    return test_report();
}
