/*
 * Range (RFC 9110 section 14).
 * Links: static_range.c
 */
#include "static_range.h"
#include "test.h"

struct range_case {
    const char *field;
    uint64_t size;
    int status;
    uint32_t count;
    struct static_range range[4];
};

static void check_range(const struct range_case *c) {
    struct static_text field = {(const uint8_t *)c->field, (uint32_t)strlen(c->field)};
    struct static_ranges ranges;
    int status = static_range(field, c->size, &ranges);
    bool ok = CHECK_INT(status, c->status);

    if (status == 206 && CHECK_UINT(ranges.count, c->count)) {
        for (uint32_t i = 0; i < c->count; i++) {
            ok &= CHECK_UINT(ranges.range[i].first, c->range[i].first);
            ok &= CHECK_UINT(ranges.range[i].length, c->range[i].length);
        }
    }
    if (!ok) {
        fprintf(stderr, "    of %" PRIu64 ": \"%s\"\n", c->size, c->field);
    }
}

static void test_single(void) {
    static const struct range_case cases[] = {
        {"bytes=0-0", 10, 206, 1, {{0, 1}}},
        {"bytes=0-9", 10, 206, 1, {{0, 10}}},
        {"bytes=0-", 10, 206, 1, {{0, 10}}},
        {"bytes=9-", 10, 206, 1, {{9, 1}}},
        {"bytes=3-5", 10, 206, 1, {{3, 3}}},
        {"bytes=3-99999", 10, 206, 1, {{3, 7}}},
        {"bytes=3-99999999999999999999999", 10, 206, 1, {{3, 7}}},
        {"bytes=-1", 10, 206, 1, {{9, 1}}},
        {"bytes=-10", 10, 206, 1, {{0, 10}}},
        {"bytes=-11", 10, 206, 1, {{0, 10}}},
        {"bytes=-99999999999999999999999", 10, 206, 1, {{0, 10}}},
        {"Bytes=0-0", 10, 206, 1, {{0, 1}}},
        {"bytes= 0-0 ", 10, 206, 1, {{0, 1}}},
        {"bytes=,0-0,,", 10, 206, 1, {{0, 1}}},
        {"bytes=00000000000000000000000000003-5", 10, 206, 1, {{3, 3}}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check_range(&cases[i]);
    }
}

static void test_unsatisfiable(void) {
    static const struct range_case cases[] = {
        {"bytes=10-", 10, 416, 0, {{0, 0}}},       {"bytes=10-20", 10, 416, 0, {{0, 0}}},
        {"bytes=-0", 10, 416, 0, {{0, 0}}},        {"bytes=99999999999999999999999-", 10, 416, 0, {{0, 0}}},
        {"bytes=10-,-0", 10, 416, 0, {{0, 0}}},    {"bytes=10-,5-6", 10, 206, 1, {{5, 2}}},
        {"bytes=5-6,20-30", 10, 206, 1, {{5, 2}}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check_range(&cases[i]);
    }
}

static void test_ignored(void) {
    static const char *const fields[] = {
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=5-4",
        "bytes=a-b",
        "bytes=1-b",
        "bytes=1",
        "bytes=1 -2",
        "bytes=1- 2",
        "bytes=0-1;2-3",
        "bytes=0-1 2-3",
        "bytes=--1",
        "bytes=+1-2",
        "bytes=0x1-2",
        "chars=0-1",
        "bytes =0-1",
        " bytes=0-1",
        "bytes=0-1,x",
        "bytes=0-1,5-4",
        "bytes=0-1,bytes=3-4",
        "bytes=,",
        "bytes:0-1",
        "bytes=1-2-3",
        "none",
        "bytes=0-,-",
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        check_range(&(struct range_case){fields[i], 10, 200, 0, {{0, 0}}});
    }
    check_range(&(struct range_case){"bytes=0-", 0, 200, 0, {{0, 0}}});
    check_range(&(struct range_case){"bytes=-5", 0, 200, 0, {{0, 0}}});
}

static void test_several(void) {
    static const struct range_case cases[] = {
        {"bytes=0-9,1000-1009", 10000, 206, 2, {{0, 10}, {1000, 10}}},
        {"bytes=1000-1009,0-9", 10000, 206, 2, {{1000, 10}, {0, 10}}}, /* in the order asked for, RFC 9110 15.3.7.2 */
        {"bytes=0-9 , 1000-1009\t,-10", 10000, 206, 3, {{0, 10}, {1000, 10}, {9990, 10}}},
        {"bytes=0-9,5-14", 10000, 206, 1, {{0, 15}}},
        {"bytes=5-14,0-9", 10000, 206, 1, {{0, 15}}},
        {"bytes=0-9,10-19", 10000, 206, 1, {{0, 20}}},
        {"bytes=0-9,100-109", 10000, 206, 1, {{0, 110}}}, /* nearer than another part costs */
        {"bytes=0-9,138-139", 10000, 206, 1, {{0, 140}}},
        {"bytes=0-9,139-140", 10000, 206, 2, {{0, 10}, {139, 2}}},
        {"bytes=0-9,2000-2009,1000-1009,5-1500", 10000, 206, 2, {{0, 1501}, {2000, 10}}},
        {"bytes=2000-2009,0-9,1000-1009,5-1500", 10000, 206, 2, {{2000, 10}, {0, 1501}}},
        {"bytes=0-9,0-9,0-9", 10000, 206, 1, {{0, 10}}},
        {"bytes=0-4000,5000-9999", 10000, 206, 2, {{0, 4001}, {5000, 5000}}},
        {"bytes=0-4900,5030-9999", 10000, 200, 0, {{0, 0}}}, /* costs more than the whole */
        {"bytes=0-,0-", 10000, 206, 1, {{0, 10000}}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check_range(&cases[i]);
    }
}

static void test_too_many(void) {
    char field[8192];
    for (uint32_t count = 15; count <= 18; count++) {
        size_t length = (size_t)sprintf(field, "bytes=");
        for (uint32_t i = 0; i < count; i++) {
            length += (size_t)sprintf(field + length, "%u-%u,", i * 1000, i * 1000 + 1);
        }
        struct static_ranges ranges;
        int status = static_range((struct static_text){(uint8_t *)field, (uint32_t)length}, 1000000, &ranges);
        CHECK_INT(status, count <= STATIC_RANGES ? 206 : 200);
        CHECK(count > STATIC_RANGES || ranges.count == count);
    }
    /* As many that join into one, up to a bound on the work. */
    for (uint32_t count = 64; count <= 65; count++) {
        size_t length = (size_t)sprintf(field, "bytes=");
        for (uint32_t i = 0; i < count; i++) {
            length += (size_t)sprintf(field + length, "%u-%u,", i, i);
        }
        struct static_ranges ranges;
        int status = static_range((struct static_text){(uint8_t *)field, (uint32_t)length}, 1000000, &ranges);
        CHECK_INT(status, count <= STATIC_RANGE_SPECS ? 206 : 200);
    }
}

/* At the end of 64 bits nothing overflows. */
static void test_huge(void) {
    const uint64_t size = INT64_MAX;
    check_range(&(struct range_case){"bytes=9223372036854775806-", size, 206, 1, {{size - 1, 1}}});
    check_range(&(struct range_case){"bytes=0-0,9223372036854775806-", size, 206, 2, {{0, 1}, {size - 1, 1}}});
    check_range(&(struct range_case){"bytes=0-18446744073709551615", size, 206, 1, {{0, size}}});
    check_range(&(struct range_case){"bytes=-18446744073709551616", size, 206, 1, {{0, size}}});
    check_range(&(struct range_case){"bytes=18446744073709551616-18446744073709551617", size, 416, 0, {{0, 0}}});
}

int main(void) {
    RUN(test_single);
    RUN(test_unsatisfiable);
    RUN(test_ignored);
    RUN(test_several);
    RUN(test_too_many);
    RUN(test_huge);
    return test_report();
}
