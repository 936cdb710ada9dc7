/*
 * Names for requests.
 * Links: request_id.c h1_chars.c
 */
#include "request_id.h"
#include "test.h"

static int compare(const void *one, const void *other) {
    return memcmp(one, other, REQUEST_ID_DIGITS);
}

/* Two generators whose states are one step apart would give the same ids if only one half of the seed counted. */
static void test_no_id_comes_twice(void) {
    enum {
        EACH = 100000
    };
    struct request_ids ids[2] = {{1, 2}, {1, 3}};
    uint8_t(*all)[REQUEST_ID_DIGITS] = malloc(sizeof(*all) * EACH * 2);
    REQUIRE(all != NULL);
    for (uint32_t i = 0; i < EACH * 2; i++) {
        request_id_next(&ids[i % 2], all[i]);
        for (uint32_t k = 0; k < REQUEST_ID_DIGITS; k++) {
            CHECK((all[i][k] >= '0' && all[i][k] <= '9') || (all[i][k] >= 'a' && all[i][k] <= 'f'));
        }
    }
    qsort(all, EACH * 2, sizeof(*all), compare);
    for (uint32_t i = 1; i < EACH * 2; i++) {
        CHECK(compare(all[i - 1], all[i]) != 0);
    }
    free(all);
}

/* Every bit of the number is in the digits, in order: splitmix64 of 0 begins with 0xe220a8397b1dcdaf. */
static void test_digits(void) {
    struct request_ids ids = {0, UINT64_C(0) - UINT64_C(0x9e3779b97f4a7c15)};
    uint8_t id[REQUEST_ID_DIGITS];
    request_id_next(&ids, id);
    CHECK_TEXT(id, sizeof(id), "e220a8397b1dcdaf0000000000000000");
}

static void test_sane(void) {
    uint8_t bytes[REQUEST_ID_MAX + 1];
    memset(bytes, 'a', sizeof(bytes));
    CHECK(!request_id_is_sane(bytes, 0));
    CHECK(request_id_is_sane(bytes, 1));
    CHECK(request_id_is_sane(bytes, REQUEST_ID_MAX));
    CHECK(!request_id_is_sane(bytes, REQUEST_ID_MAX + 1));
    for (unsigned byte = 0; byte < 256; byte++) {
        static const char others[] = "!#$%&'*+-.^_`|~/:;=@";
        bool want = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
                    (byte != 0 && strchr(others, (int)byte) != NULL);
        bytes[7] = (uint8_t)byte;
        CHECK_INT(request_id_is_sane(bytes, 20), want);
    }
}

int main(void) {
    RUN(test_no_id_comes_twice);
    RUN(test_digits);
    RUN(test_sane);
    return test_report();
}
