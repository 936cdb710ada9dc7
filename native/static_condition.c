#include "static_condition.h"

#include <string.h>

#include "static_date.h"

static bool is_space(uint8_t byte) {
    return byte == ' ' || byte == '\t';
}

/* The entity-tag at *at (RFC 9110 8.8.3), which is moved behind it. Returns its length with quotes; 0: none is there. */
static uint32_t take_tag(struct static_text text, uint32_t *at, bool *weak, const uint8_t **tag) {
    uint32_t i = *at;
    *weak = text.length - i >= 2 && text.bytes[i] == 'W' && text.bytes[i + 1] == '/';
    i += *weak ? 2u : 0u;
    uint32_t start = i;
    if (i == text.length || text.bytes[i] != '"') {
        return 0;
    }
    i++;
    while (i < text.length && text.bytes[i] > 0x20 && text.bytes[i] != '"' && text.bytes[i] != 0x7f) {
        i++;
    }
    if (i == text.length || text.bytes[i] != '"') {
        return 0;
    }
    *tag = text.bytes + start;
    *at = i + 1;
    return *at - start;
}

static bool same_tag(const struct static_validators *v, const uint8_t *tag, uint32_t length) {
    return length == v->etag_length && memcmp(tag, v->etag, length) == 0;
}

/* Whether "*" or a list (RFC 9110 13.1.1, 13.1.2) holds the tag; what stands behind something malformed is not seen. */
static bool holds_tag(struct static_text text, const struct static_validators *v, bool weak_counts) {
    if (text.length == 1 && text.bytes[0] == '*') {
        return true;
    }
    for (uint32_t at = 0; at < text.length;) {
        if (is_space(text.bytes[at]) || text.bytes[at] == ',') {
            at++;
            continue;
        }
        bool weak = false;
        const uint8_t *tag = NULL;
        uint32_t length = take_tag(text, &at, &weak, &tag);
        while (at < text.length && is_space(text.bytes[at])) {
            at++;
        }
        if (length == 0 || (at < text.length && text.bytes[at] != ',')) {
            return false;
        }
        if (same_tag(v, tag, length) && (weak_counts || !weak)) {
            return true;
        }
    }
    return false;
}

static bool date_of(struct static_text text, const struct static_validators *v, int64_t *seconds) {
    return text.length != 0 && static_date_parse(text.bytes, text.length, v->now, seconds);
}

int static_condition(const struct static_conditions *c, const struct static_validators *v) {
    int64_t date = 0;
    if (c->if_match.length != 0) {
        if (!holds_tag(c->if_match, v, false)) {
            return 412;
        }
    } else if (date_of(c->if_unmodified_since, v, &date) && v->modified > date) {
        return 412;
    }
    if (c->if_none_match.length != 0) {
        return holds_tag(c->if_none_match, v, true) ? 304 : 200;
    }
    return date_of(c->if_modified_since, v, &date) && v->modified <= date ? 304 : 200;
}

bool static_condition_range(const struct static_conditions *c, const struct static_validators *v) {
    struct static_text text = c->if_range;
    if (text.length == 0) {
        return true;
    }
    int64_t date = 0;
    if (date_of(text, v, &date)) {
        /* A date is a strong validator only when the second that it names is over (RFC 9110 8.8.2.2). */
        return date == v->modified && v->now > v->modified;
    }
    uint32_t at = 0;
    bool weak = false;
    const uint8_t *tag = NULL;
    uint32_t length = take_tag(text, &at, &weak, &tag);
    return length != 0 && at == text.length && !weak && same_tag(v, tag, length);
}
