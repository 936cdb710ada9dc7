/* Names for requests: unique, not secret. */
#ifndef REQUEST_ID_H
#define REQUEST_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REQUEST_ID_DIGITS 32u
#define REQUEST_ID_MAX 128u

/* Seeded with random bytes, one for each loop. Its ids never repeat; those of two generators differ but for a chance of 2^-64. */
struct request_ids {
    uint64_t high;
    uint64_t low;
};

/* The next id: 32 lower-case hexadecimal digits. */
void request_id_next(struct request_ids *ids, uint8_t out[REQUEST_ID_DIGITS]);
/* Whether a proxy's id may be used: 1 to 128 bytes, tchar (RFC 9110 5.6.2) or one of "/:;=@". */
bool request_id_is_sane(const uint8_t *bytes, size_t length);

#endif
