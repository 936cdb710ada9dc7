#include "request_id.h"

#include <string.h>

#include "h1_internal.h"

/* The 8 hexadecimal digits of 32 bits, the first one in the lowest byte. */
static uint64_t digits_of(uint32_t bits) {
    uint64_t each = UINT64_C(0x0101010101010101);
    uint64_t spread = __builtin_bswap32(bits);
    spread = (spread | spread << 16) & UINT64_C(0x0000ffff0000ffff);
    spread = (spread | spread << 8) & UINT64_C(0x00ff00ff00ff00ff);
    spread = (spread >> 4 & each * 0x0f) | (spread & UINT64_C(0x000f000f000f000f)) << 8; /* first digit first */
    uint64_t letters = (spread + each * 6) >> 4 & each;                                  /* 10 and more */
    return spread + each * '0' + letters * ('a' - '0' - 10);
}

/* splitmix64: a step and a mixing that loses nothing. */
static uint64_t next(uint64_t *state) {
    uint64_t value = *state += UINT64_C(0x9e3779b97f4a7c15);
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

void request_id_next(struct request_ids *ids, uint8_t out[REQUEST_ID_DIGITS]) {
    uint64_t high = next(&ids->high);
    uint64_t low = next(&ids->low);
    uint64_t digits[4] = {digits_of((uint32_t)(high >> 32)), digits_of((uint32_t)high),
                          digits_of((uint32_t)(low >> 32)), digits_of((uint32_t)low)};
    memcpy(out, digits, REQUEST_ID_DIGITS);
}

bool request_id_is_sane(const uint8_t *bytes, size_t length) {
    if (length == 0 || length > REQUEST_ID_MAX) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if ((h1_char_class[bytes[i]] & H1_TCHAR) == 0 && (bytes[i] == 0 || strchr("/:;=@", bytes[i]) == NULL)) {
            return false;
        }
    }
    return true;
}
