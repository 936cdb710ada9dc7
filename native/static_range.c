#include "static_range.h"

#include <string.h>

static bool is_digit(uint8_t byte) {
    return byte >= '0' && byte <= '9';
}

/* 1*DIGIT at *at; numbers beyond 64 bits are as good as the largest. False: no digit. */
static bool take_number(struct static_text text, uint32_t *at, uint64_t *value) {
    uint32_t start = *at;
    *value = 0;
    for (; *at < text.length && is_digit(text.bytes[*at]); (*at)++) {
        uint64_t digit = (uint64_t)(text.bytes[*at] - '0');
        *value = *value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : *value * 10 + digit;
    }
    return *at != start;
}

/* A range-spec at *at (RFC 9110 14.1.1, 14.1.2). Returns 1, 0 if it is unsatisfiable, -1 if malformed. */
static int take_spec(struct static_text text, uint32_t *at, uint64_t size, struct static_range *out) {
    uint64_t first = 0;
    uint64_t last = UINT64_MAX;
    bool has_first = take_number(text, at, &first);
    if (*at == text.length || text.bytes[*at] != '-') {
        return -1;
    }
    (*at)++;
    bool has_last = take_number(text, at, &last);
    if (!has_first) {
        if (!has_last) {
            return -1;
        }
        out->length = last < size ? last : size;
        out->first = size - out->length;
        return out->length != 0;
    }
    if (!has_last) {
        last = UINT64_MAX;
    } else if (last < first) {
        return -1;
    }
    if (first >= size) {
        return 0;
    }
    out->first = first;
    out->length = (last < size - 1 ? last : size - 1) - first + 1;
    return 1;
}

static bool touch(const struct static_range *a, const struct static_range *b) {
    return a->first <= b->first + b->length + STATIC_RANGE_GAP && b->first <= a->first + a->length + STATIC_RANGE_GAP;
}

/* Adds a range, joined with those that it touches, in the place of the first of them. False: too many. */
static bool add(struct static_ranges *ranges, struct static_range new) {
    uint32_t place = ranges->count;
    for (bool joined = true; joined;) {
        joined = false;
        for (uint32_t i = 0; i < ranges->count && !joined; i++) {
            struct static_range *old = &ranges->range[i];
            if (!touch(old, &new)) {
                continue;
            }
            uint64_t end =
                old->first + old->length > new.first + new.length ? old->first + old->length : new.first + new.length;
            new.first = old->first < new.first ? old->first : new.first;
            new.length = end - new.first;
            memmove(old, old + 1, (--ranges->count - i) * sizeof(*old));
            place = i < place ? i : place;
            joined = true; /* it may touch others now */
        }
    }
    if (ranges->count == STATIC_RANGES) {
        return false;
    }
    memmove(&ranges->range[place + 1], &ranges->range[place], (ranges->count - place) * sizeof(new));
    ranges->range[place] = new;
    ranges->count++;
    return true;
}

static bool costs_less(const struct static_ranges *ranges, uint64_t size) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < ranges->count; i++) {
        sum += ranges->range[i].length + STATIC_RANGE_GAP;
    }
    return ranges->count == 1 || sum < size;
}

static bool has_unit(struct static_text field) {
    static const char unit[] = "bytes="; /* case-insensitive, RFC 9110 14.1 */
    bool same = field.length > sizeof(unit) - 1;
    for (uint32_t i = 0; same && i < sizeof(unit) - 1; i++) {
        uint8_t byte = field.bytes[i];
        same = (byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte) == unit[i];
    }
    return same;
}

static uint32_t skip_space(struct static_text field, uint32_t at) {
    while (at < field.length && (field.bytes[at] == ' ' || field.bytes[at] == '\t')) {
        at++;
    }
    return at;
}

int static_range(struct static_text field, uint64_t size, struct static_ranges *out) {
    out->count = 0;
    if (size == 0 || !has_unit(field)) {
        return 200;
    }
    uint32_t specs = 0;
    bool fits = true;
    for (uint32_t at = sizeof("bytes=") - 1; at < field.length;) {
        at = skip_space(field, at);
        if (at == field.length) {
            break;
        }
        if (field.bytes[at] == ',') { /* an empty member, RFC 9110 5.6.1.2 */
            at++;
            continue;
        }
        struct static_range range = {0};
        int rc = take_spec(field, &at, size, &range);
        at = skip_space(field, at);
        if (rc < 0 || (at < field.length && field.bytes[at] != ',') || ++specs > STATIC_RANGE_SPECS) {
            return 200;
        }
        fits = fits && (rc == 0 || add(out, range));
    }
    if (specs == 0 || !fits) {
        return 200;
    }
    if (out->count == 0) {
        return 416;
    }
    return costs_less(out, size) ? 206 : 200;
}
