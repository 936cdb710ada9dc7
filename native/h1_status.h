/*
 * Phrases of status lines (RFC 9112 section 4).
 */
#ifndef H1_STATUS_H
#define H1_STATUS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "exchange.h"
#include "ring_layout.h"

struct h1_phrase {
    const uint8_t *bytes;
    uint32_t length; /* 0: none */
};

/* The phrase of a status (RFC 9110 section 15), "" for one that has none. */
const char *h1_phrase_of(uint16_t status);

/*
 * Takes the worker's own phrase off the front of an answer's field list (RING_REASON_NAME), if there is one. False: it is longer
 * than RING_REASON_BYTES, not all there, or has bytes other than HTAB, SP, VCHAR and obs-text (RFC 9112 section 4).
 */
bool h1_take_phrase(struct exchange_list *list, struct h1_phrase *out);

#endif
