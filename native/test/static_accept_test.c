/*
 * Accept-Encoding (RFC 9110 12.5.3).
 * Links: static_accept.c
 */
#include "static_accept.h"
#include "test.h"

static const bool nothing[STATIC_CODINGS] = {[STATIC_IDENTITY] = true};
static const bool gzip[STATIC_CODINGS] = {[STATIC_IDENTITY] = true, [STATIC_GZIP] = true};
static const bool both[STATIC_CODINGS] = {[STATIC_IDENTITY] = true, [STATIC_GZIP] = true, [STATIC_BR] = true};

static void test_choices(void) {
    static const struct {
        const char *field; /* NULL: none */
        const bool *available;
        enum static_coding want;
    } cases[] = {
        {NULL, both, STATIC_IDENTITY},
        {"", both, STATIC_IDENTITY},
        {"gzip", both, STATIC_GZIP},
        {"gzip", nothing, STATIC_IDENTITY},
        {"br", gzip, STATIC_IDENTITY},
        {"gzip, br", both, STATIC_BR},
        {"gzip, deflate, br, zstd", gzip, STATIC_GZIP},
        {"GZIP", both, STATIC_GZIP},
        {"x-gzip", both, STATIC_GZIP},
        {"br;q=0.5, gzip", both, STATIC_GZIP},
        {"br;q=0.5, gzip;q=0.5", both, STATIC_BR},
        {"br ; q=0.001", both, STATIC_BR},
        {"br;q=0, gzip;q=0.000", both, STATIC_IDENTITY},
        {"gzip;q=0.5, identity", both, STATIC_IDENTITY},
        {"gzip;q=0.5, identity;q=0.5", both, STATIC_GZIP},
        {"*", both, STATIC_BR},
        {"*", nothing, STATIC_IDENTITY},
        {"*, br;q=0", both, STATIC_GZIP},
        {"*;q=0", both, STATIC_NOT_ACCEPTABLE},
        {"*;q=0, gzip", both, STATIC_GZIP},
        {"*;q=0, gzip", nothing, STATIC_NOT_ACCEPTABLE},
        {"*;q=0, identity", both, STATIC_IDENTITY},
        {"identity;q=0", nothing, STATIC_NOT_ACCEPTABLE},
        {"identity;q=0", both, STATIC_NOT_ACCEPTABLE},
        {"identity;q=0, gzip;q=0.1", both, STATIC_GZIP},
        {"gzip;q=0, gzip", both, STATIC_IDENTITY}, /* the first counts */
        {"gzip;q=2", both, STATIC_IDENTITY},       /* malformed members are passed over */
        {"gzip;q=1.001", both, STATIC_IDENTITY},
        {"gzip;q=0.1234", both, STATIC_IDENTITY},
        {"gzip;q=-1", both, STATIC_IDENTITY},
        {"gzip;q=", both, STATIC_IDENTITY},
        {"gzip;level=9", both, STATIC_IDENTITY},
        {"gzip;q=1.", both, STATIC_GZIP},
        {"gzip;Q=1.000", both, STATIC_GZIP},
        {",, gzip,,", both, STATIC_GZIP},
        {"gzip br", both, STATIC_IDENTITY},
        {";q=1", both, STATIC_IDENTITY},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *field = cases[i].field != NULL ? cases[i].field : "";
        struct static_text text = {(const uint8_t *)field, (uint32_t)strlen(field)};
        if (!CHECK_INT(static_accept(text, cases[i].field != NULL, cases[i].available), cases[i].want)) {
            fprintf(stderr, "    Accept-Encoding: %s\n", field);
        }
    }
}

int main(void) {
    RUN(test_choices);
    return test_report();
}
