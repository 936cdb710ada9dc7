/*
 * Dates (RFC 9110 5.6.7) and preconditions (section 13).
 * Links: static_condition.c static_date.c
 */
#include <time.h>

#include "static_condition.h"
#include "static_date.h"
#include "test.h"

#define MODIFIED 784111777 /* Sun, 06 Nov 1994 08:49:37 GMT */
#define AT "Sun, 06 Nov 1994 08:49:37 GMT"
#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define AFTER "Sun, 06 Nov 1994 08:49:38 GMT"
#define NOW INT64_C(1700000000)
#define TAG "\"5-a-b\""

static void test_dates(void) {
    static const struct {
        const char *text;
        int64_t seconds; /* -1: not a date */
    } cases[] = {
        {AT, MODIFIED},
        {"Sunday, 06-Nov-94 08:49:37 GMT", MODIFIED},
        {"Sun Nov  6 08:49:37 1994", MODIFIED},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Thu Jan  1 00:00:00 1970", 0},
        {"Thu, 29 Feb 2024 23:59:59 GMT", 1709251199},
        {"Tue, 29 Feb 2000 00:00:00 GMT", 951782400},
        {"Sat, 31 Dec 2016 23:59:60 GMT", 1483228800}, /* a leap second */
        {"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799},
        {"Tuesday, 01-Jan-30 00:00:00 GMT", 1893456000}, /* within 50 years */
        {"Saturday, 01-Jan-00 00:00:00 GMT", 946684800},
        {"Sun Nov 16 08:49:37 1994", MODIFIED + 10 * 86400},
        {"", -1},
        {"0", -1},
        {"Sun, 06 Nov 1994 08:49:37", -1},
        {"Sun, 06 Nov 1994 08:49:37 GMT ", -1},
        {"Sun, 06 Nov 1994 08:49:37 +0000", -1},
        {"Sun, 6 Nov 1994 08:49:37 GMT", -1},
        {"sun, 06 nov 1994 08:49:37 gmt", -1},
        {"Sun, 00 Nov 1994 08:49:37 GMT", -1},
        {"Sun, 31 Nov 1994 08:49:37 GMT", -1},
        {"Sun, 29 Feb 2023 08:49:37 GMT", -1},
        {"Thu, 29 Feb 1900 08:49:37 GMT", -1},
        {"Sun, 06 Foo 1994 08:49:37 GMT", -1},
        {"Sun, 06 Nov 1994 24:00:00 GMT", -1},
        {"Sun, 06 Nov 1994 08:60:37 GMT", -1},
        {"Sun, 06 Nov 1994 08:49:61 GMT", -1},
        {"Sun, 06 Nov 0000 08:49:37 GMT", -1},
        {"Sunda, 06-Nov-94 08:49:37 GMT", -1},
        {"Sunday, 06-Nov-1994 08:49:37 GMT", -1},
        {"Sun Nov 06 08:49:37 1994 GMT", -1},
        {AT ", " AT, -1}, /* two lines, joined */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t seconds = -1;
        bool ok = static_date_parse((const uint8_t *)cases[i].text, strlen(cases[i].text), NOW, &seconds);
        if (!CHECK(ok == (cases[i].seconds >= 0)) || !CHECK_INT(seconds, cases[i].seconds)) {
            fprintf(stderr, "    date \"%s\"\n", cases[i].text);
        }
    }
}

/* Year 75 is past in 2023, and year 73 is not: at most 50 years ahead. */
static void test_two_digit_years(void) {
    int64_t seconds = 0;
    CHECK(static_date_parse((const uint8_t *)"Sunday, 01-Jan-73 00:00:00 GMT", 30, NOW, &seconds));
    CHECK_INT(seconds, 3250454400);
    CHECK(static_date_parse((const uint8_t *)"Sunday, 01-Jan-74 00:00:00 GMT", 30, NOW, &seconds));
    CHECK_INT(seconds, 126230400);
}

static void test_formats_like_strftime(void) {
    uint64_t state = test_seed();
    for (int i = 0; i < 20000; i++) {
        time_t t = (time_t)(test_random(&state) % UINT64_C(253402300800));
        struct tm tm;
        char want[64];
        char got[STATIC_DATE_LENGTH + 1];
        int64_t back = -1;
        gmtime_r(&t, &tm);
        strftime(want, sizeof(want), "%a, %d %b %Y %H:%M:%S GMT", &tm);
        static_date_format(t, got);
        CHECK_TEXT(got, strlen(got), want);
        REQUIRE(static_date_parse((const uint8_t *)got, STATIC_DATE_LENGTH, NOW, &back) && back == t);
    }
}

static struct static_text text(const char *value) {
    return (struct static_text){(const uint8_t *)value, value != NULL ? (uint32_t)strlen(value) : 0};
}

static const struct static_validators validators = {
    .etag = TAG, .etag_length = sizeof(TAG) - 1, .modified = MODIFIED, .now = NOW};

static void test_conditions(void) {
    static const struct {
        const char *match, *none_match, *modified, *unmodified;
        int status;
    } cases[] = {
        {NULL, NULL, NULL, NULL, 200},
        {TAG, NULL, NULL, NULL, 200},
        {"*", NULL, NULL, NULL, 200},
        {"\"x\", " TAG, NULL, NULL, NULL, 200},
        {"\"x\"," TAG ",\"y\"", NULL, NULL, NULL, 200},
        {",, " TAG, NULL, NULL, NULL, 200},
        {"\"x\"", NULL, NULL, NULL, 412},
        {"W/" TAG, NULL, NULL, NULL, 412}, /* strong comparison, 13.1.1 */
        {"5-a-b", NULL, NULL, NULL, 412},
        {"\"5-a-b", NULL, NULL, NULL, 412},
        {"*, " TAG, NULL, NULL, NULL, 412},
        {"\"x\" " TAG, NULL, NULL, NULL, 412},
        {TAG, NULL, NULL, BEFORE, 200}, /* If-Unmodified-Since is not looked at, 13.1.4 */
        {"\"x\"", NULL, NULL, AFTER, 412},
        {NULL, NULL, NULL, AT, 200},
        {NULL, NULL, NULL, AFTER, 200},
        {NULL, NULL, NULL, BEFORE, 412},
        {NULL, NULL, NULL, "yesterday", 200},
        {NULL, TAG, NULL, NULL, 304},
        {NULL, "W/" TAG, NULL, NULL, 304}, /* weak comparison, 13.1.2 */
        {NULL, "*", NULL, NULL, 304},
        {NULL, "\"x\" , W/\"y\"\t,W/" TAG, NULL, NULL, 304},
        {NULL, "\"x\"", NULL, NULL, 200},
        {NULL, "\"a,b\", " TAG, NULL, NULL, 304},
        {NULL, "\"x\"", AFTER, NULL, 200}, /* If-Modified-Since is not looked at, 13.1.3 */
        {NULL, TAG, BEFORE, NULL, 304},
        {NULL, NULL, AT, NULL, 304},
        {NULL, NULL, AFTER, NULL, 304},
        {NULL, NULL, BEFORE, NULL, 200},
        {NULL, NULL, "Sunday, 06-Nov-94 08:49:37 GMT", NULL, 304},
        {NULL, NULL, "Sun Nov  6 08:49:37 1994", NULL, 304},
        {NULL, NULL, "0", NULL, 200},
        {TAG, TAG, NULL, NULL, 304},
        {"\"x\"", TAG, NULL, NULL, 412},
        {NULL, NULL, AT, BEFORE, 412},
        {NULL, TAG, NULL, BEFORE, 412},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct static_conditions conditions = {.if_match = text(cases[i].match),
                                               .if_none_match = text(cases[i].none_match),
                                               .if_modified_since = text(cases[i].modified),
                                               .if_unmodified_since = text(cases[i].unmodified)};
        if (!CHECK_INT(static_condition(&conditions, &validators), cases[i].status)) {
            fprintf(stderr, "    case %zu\n", i);
        }
    }
}

static void test_if_range(void) {
    static const struct {
        const char *value;
        bool holds;
    } cases[] = {
        {NULL, true},
        {TAG, true},
        {"\"x\"", false},
        {"W/" TAG, false}, /* 13.1.5: strong only */
        {TAG ", \"x\"", false},
        {"*", false},
        {AT, true},
        {BEFORE, false},
        {AFTER, false}, /* an exact match */
        {"nonsense", false},
        {"Sun Nov  6 08:49:37 1994", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct static_conditions conditions = {.if_range = text(cases[i].value)};
        CHECK(static_condition_range(&conditions, &validators) == cases[i].holds);
    }
    /* In the second of the change a date cannot tell one version from the next. */
    struct static_validators fresh = validators;
    fresh.now = MODIFIED;
    CHECK(!static_condition_range(&(struct static_conditions){.if_range = text(AT)}, &fresh));
}

int main(void) {
    RUN(test_dates);
    RUN(test_two_digit_years);
    RUN(test_formats_like_strftime);
    RUN(test_conditions);
    RUN(test_if_range);
    return test_report();
}
