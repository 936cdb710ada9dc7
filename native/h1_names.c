/*
 * Well-known field names: length and first letter leave one or two candidates, which are then compared.
 */
#include "h1_internal.h"

static const char *const lower_names[RING_NAME_COUNT] = {
#define LOWER_NAME(id, identifier, lower, wire) [id] = (lower),
    RING_NAMES(LOWER_NAME)
#undef LOWER_NAME
};

/* Eight bytes with the ASCII capitals among them made small; no other byte changes. */
static inline uint64_t lower_word(const uint8_t *bytes) {
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t word;
    uint64_t low;

    memcpy(&word, bytes, 8);
    low = word & (ones * 0x7f);
    /* The top bit of a byte: at least 'A', and not above 'Z', and not set before. */
    return word | ((low + ones * (0x80 - 'A')) & ~(low + ones * (0x7f - 'Z')) & ~word & (ones * 0x80)) >> 2;
}

static inline uint16_t match(const uint8_t *name, size_t length, enum ring_name id) {
    const uint8_t *lower = (const uint8_t *)lower_names[id];
    uint64_t difference = 0;
    uint64_t word;

    if (length < 8) {
        for (size_t i = 1; i < length; i++) /* the first letter has chosen the candidate */
            difference |= (uint64_t)(h1_lower(name[i]) ^ lower[i]);
        return difference == 0 ? (uint16_t)id : RING_NAME_OTHER;
    }
    for (size_t i = 0; i + 8 < length; i += 8) {
        memcpy(&word, lower + i, 8);
        difference |= lower_word(name + i) ^ word;
    }
    memcpy(&word, lower + length - 8, 8); /* the last eight, some of them once more */
    difference |= lower_word(name + length - 8) ^ word;
    return difference == 0 ? (uint16_t)id : RING_NAME_OTHER;
}

static inline uint16_t match2(const uint8_t *name, size_t length, enum ring_name one, enum ring_name other) {
    uint16_t id = match(name, length, one);

    return id != RING_NAME_OTHER ? id : match(name, length, other);
}

#define KEY(length, letter) ((uint32_t)(length) << 8 | (uint32_t)(letter))
#define ONE(length, letter, identifier) \
    case KEY(length, letter):           \
        return match(name, length, RING_NAME_##identifier);
#define TWO(length, letter, identifier, other) \
    case KEY(length, letter):                  \
        return match2(name, length, RING_NAME_##identifier, RING_NAME_##other);

/* Every name of ring_names.h has its place here; h1_names_test.c finds one that was forgotten. */
uint16_t h1_name_id(const uint8_t *name, size_t length) {
    if (length < 2 || length > 24)
        return RING_NAME_OTHER;
    switch (KEY(length, h1_lower(name[0]))) {
        ONE(2, 't', TE)
        ONE(3, 'a', AGE)
        ONE(4, 'd', DATE)
        ONE(4, 'e', ETAG)
        ONE(4, 'h', HOST)
        ONE(4, 'l', LINK)
        ONE(4, 'v', VARY)
        ONE(5, 'a', ALLOW)
        ONE(5, 'r', RANGE)
        ONE(6, 'a', ACCEPT)
        ONE(6, 'c', COOKIE)
        ONE(6, 'e', EXPECT)
        ONE(6, 'o', ORIGIN)
        ONE(6, 'p', PRAGMA)
        ONE(6, 's', SERVER)
        ONE(7, 'e', EXPIRES)
        ONE(7, 'r', REFERER)
        ONE(7, 't', TRAILER)
        ONE(7, 'u', UPGRADE)
        TWO(8, 'i', IF_MATCH, IF_RANGE)
        ONE(8, 'l', LOCATION)
        ONE(9, 'f', FORWARDED)
        ONE(10, 'c', CONNECTION)
        ONE(10, 'k', KEEP_ALIVE)
        ONE(10, 's', SET_COOKIE)
        ONE(10, 't', TRACESTATE)
        ONE(10, 'u', USER_AGENT)
        ONE(11, 'r', RETRY_AFTER)
        ONE(11, 't', TRACEPARENT)
        ONE(12, 'c', CONTENT_TYPE)
        ONE(12, 'x', X_REQUEST_ID)
        TWO(13, 'a', AUTHORIZATION, ACCEPT_RANGES)
        TWO(13, 'c', CACHE_CONTROL, CONTENT_RANGE)
        ONE(13, 'i', IF_NONE_MATCH)
        ONE(13, 'l', LAST_MODIFIED)
        ONE(14, 'c', CONTENT_LENGTH)
        TWO(15, 'a', ACCEPT_ENCODING, ACCEPT_LANGUAGE)
        ONE(15, 'x', X_FORWARDED_FOR)
        TWO(16, 'c', CONTENT_ENCODING, CONTENT_LANGUAGE)
        ONE(16, 'p', PROXY_CONNECTION)
        ONE(16, 'w', WWW_AUTHENTICATE)
        ONE(16, 'x', X_FORWARDED_HOST)
        ONE(17, 'i', IF_MODIFIED_SINCE)
        ONE(17, 's', SEC_WEBSOCKET_KEY)
        ONE(17, 't', TRANSFER_ENCODING)
        ONE(17, 'x', X_FORWARDED_PROTO)
        ONE(19, 'c', CONTENT_DISPOSITION)
        ONE(19, 'i', IF_UNMODIFIED_SINCE)
        ONE(20, 's', SEC_WEBSOCKET_ACCEPT)
        ONE(21, 's', SEC_WEBSOCKET_VERSION)
        ONE(22, 's', SEC_WEBSOCKET_PROTOCOL)
        ONE(22, 'x', X_CONTENT_TYPE_OPTIONS)
        ONE(24, 's', SEC_WEBSOCKET_EXTENSIONS)
    default:
        return RING_NAME_OTHER;
    }
}

/* Of a name that begins with x. */
static bool is_other_claim(const uint8_t *name, size_t length) {
    static const char prefix[] = "x-forwarded-";
    uint8_t lower[12];

    if (length < 9)
        return false;
    for (size_t i = 0; i < sizeof(lower) && i < length; i++)
        lower[i] = name[i] == '_' ? '-' : h1_lower(name[i]);
    if (length == 9)
        return memcmp(lower, "x-real-ip", 9) == 0;
    return length >= 12 && (memcmp(lower, prefix, 12) == 0 || (length == 12 && memcmp(lower, "x-request-id", 12) == 0));
}

bool h1_is_claim(const uint8_t *name, size_t length, uint16_t id) {
    switch (id) {
    case RING_NAME_X_FORWARDED_FOR:
    case RING_NAME_X_FORWARDED_PROTO:
    case RING_NAME_X_FORWARDED_HOST:
    case RING_NAME_FORWARDED:
    case RING_NAME_X_REQUEST_ID:
        return true;
    case RING_NAME_OTHER:
        return h1_lower(name[0]) == 'x' && is_other_claim(name, length);
    default:
        return false;
    }
}
