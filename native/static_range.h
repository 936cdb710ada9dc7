/* The Range field (RFC 9110 section 14). Pure. */
#ifndef STATIC_RANGE_H
#define STATIC_RANGE_H

#include <stdint.h>

#include "static_condition.h"

#define STATIC_RANGES 16u      /* of an answer; more are answered with the whole file */
#define STATIC_RANGE_GAP 128u  /* bytes between two ranges that cost less than another part */
#define STATIC_RANGE_SPECS 64u /* of a request, before they are joined */

struct static_range {
    uint64_t first;
    uint64_t length; /* > 0 */
};

struct static_ranges {
    uint32_t count;
    struct static_range range[STATIC_RANGES];
};

/*
 * What of a representation of `size` bytes to send. Returns 206 with the ranges in the order asked for, those that overlap or
 * nearly touch joined; 416 if there is none; 200 for the whole: no Range field, another unit, a malformed field (14.2), an empty
 * representation, or ranges that are too many or would cost more than the whole.
 */
int static_range(struct static_text field, uint64_t size, struct static_ranges *out);

#endif
