/* Preconditions of a GET or HEAD for a representation that exists (RFC 9110 section 13). Pure. */
#ifndef STATIC_CONDITION_H
#define STATIC_CONDITION_H

#include <stdbool.h>
#include <stdint.h>

/* A field's value; length 0 if the request has none. Several lines of one field are joined by commas (RFC 9110 5.3). */
struct static_text {
    const uint8_t *bytes;
    uint32_t length;
};

struct static_conditions {
    struct static_text if_match;
    struct static_text if_none_match;
    struct static_text if_modified_since;
    struct static_text if_unmodified_since;
    struct static_text if_range;
};

struct static_validators {
    const char *etag; /* strong, with its quotes */
    uint32_t etag_length;
    int64_t modified; /* seconds since 1970, as in Last-Modified */
    int64_t now;
};

/* In the order of RFC 9110 13.2.2. Returns 200 (go on), 304 or 412. */
int static_condition(const struct static_conditions *conditions, const struct static_validators *validators);

/* Whether a Range field counts: there is no If-Range, or it names this representation (RFC 9110 13.1.5). */
bool static_condition_range(const struct static_conditions *conditions, const struct static_validators *validators);

#endif
