/*
 * Who the client is behind proxies that are trusted: X-Forwarded-For and Forwarded (RFC 7239), read from their right ends,
 * where the proxy next to us writes. Pure; the work is linear in the bytes looked at and bounded in entries.
 */
#ifndef FORWARDED_H
#define FORWARDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "networks.h"

#define FORWARDED_ENTRIES 64u

enum forwarded_form {
    FORWARDED_PLAIN = 0, /* a list of words: X-Forwarded-For, X-Forwarded-Proto */
    FORWARDED_PAIRS,     /* a list of elements name=value;name=value: Forwarded */
};

struct forwarded_walk {
    const struct networks *trusted;
    enum forwarded_form form;
    uint32_t entries;            /* seen; 0 in the beginning */
    struct ring_endpoint client; /* in the beginning the peer, which is trusted; then the last one that was named */
};

/*
 * Goes through the value of one field line; those of several lines from the last to the first. False: that was the end, and
 * walk->client is the nearest one that is not trusted, or the last trusted one before an entry that names nobody ("unknown",
 * obfuscated, malformed) or is beyond FORWARDED_ENTRIES. A port that an entry does not tell is 0.
 */
bool forwarded_walk(struct forwarded_walk *walk, const uint8_t *value, size_t length);

/* Whether the rightmost entry says https: the value of X-Forwarded-Proto, or the proto= of Forwarded. */
bool forwarded_is_https(enum forwarded_form form, const uint8_t *value, size_t length);

#endif
