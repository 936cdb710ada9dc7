/*
 * Character classes. Runs of values and targets are checked eight bytes at a time; what a word does not settle is
 * settled by the table.
 */
#include "h1_internal.h"

#define CTL 0
#define HTAB H1_VALUE
#define SPACE H1_VALUE
#define PUNCT (H1_VALUE | H1_TARGET)                         /* "(),/:;<=>?@[\]{} */
#define TOKEN (H1_VALUE | H1_TARGET | H1_TCHAR)              /* ^`| */
#define REG (H1_VALUE | H1_TARGET | H1_REG_NAME)             /* (),;= */
#define MARK (H1_VALUE | H1_TARGET | H1_TCHAR | H1_REG_NAME) /* !$&'*+-.~ */
#define UNDER (MARK | H1_UNDERSCORE)
#define HASH (H1_VALUE | H1_TCHAR)
#define DIGIT (MARK | H1_HEX | H1_DIGIT)
#define HEXA (MARK | H1_HEX)
#define HIGH H1_VALUE

/* clang-format off */
const uint8_t h1_char_class[256] = {
    CTL, CTL, CTL, CTL, CTL, CTL, CTL, CTL, CTL, HTAB, CTL, CTL, CTL, CTL, CTL, CTL,
    CTL, CTL, CTL, CTL, CTL, CTL, CTL, CTL, CTL, CTL, CTL, CTL, CTL, CTL, CTL, CTL,
    /*         !     "      #     $     %      &     '     (    )    *     +     ,    -     .     /  */
    SPACE, MARK, PUNCT, HASH, MARK, TOKEN, MARK, MARK, REG, REG, MARK, MARK, REG, MARK, MARK, PUNCT,
    DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, PUNCT, REG, PUNCT, REG, PUNCT, PUNCT,
    PUNCT, HEXA, HEXA, HEXA, HEXA, HEXA, HEXA, MARK, MARK, MARK, MARK, MARK, MARK, MARK, MARK, MARK,
    MARK, MARK, MARK, MARK, MARK, MARK, MARK, MARK, MARK, MARK, MARK, PUNCT, PUNCT, PUNCT, TOKEN, UNDER,
    TOKEN, HEXA, HEXA, HEXA, HEXA, HEXA, HEXA, MARK, MARK, MARK, MARK, MARK, MARK, MARK, MARK, MARK,
    MARK, MARK, MARK, MARK, MARK, MARK, MARK, MARK, MARK, MARK, MARK, PUNCT, TOKEN, PUNCT, MARK, CTL,
    HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH,
    HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH,
    HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH,
    HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH,
    HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH,
    HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH,
    HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH,
    HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH,
};
/* clang-format on */

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))
#define TOP EACH(0x80)

/* Non-zero if a byte of `word` is below `limit` (<= 0x80); bytes >= 0x80 never count. */
static inline uint64_t any_below(uint64_t word, uint8_t limit) {
    return (word - EACH(limit)) & ~word & TOP;
}

/* Non-zero if a byte of `word` equals `byte`. */
static inline uint64_t any_equal(uint64_t word, uint8_t byte) {
    uint64_t difference = word ^ EACH(byte);

    return (difference - EACH(1)) & ~difference & TOP;
}

/* Whether all eight bytes surely are allowed in a value; a HTAB among them makes it unsure. */
static inline bool are_plain(const uint8_t *bytes) {
    uint64_t word;

    memcpy(&word, bytes, 8);
    return (any_below(word, 0x20) | any_equal(word, 0x7f)) == 0;
}

size_t h1_value_span(const uint8_t *bytes, size_t length) {
    size_t position = 0;

    if (length >= 8) {
        while (length - position > 8 && are_plain(bytes + position))
            position += 8;
        if (length - position <= 8 && are_plain(bytes + length - 8)) /* the last eight, some of them once more */
            return length;
    }
    while (position < length && (h1_char_class[bytes[position]] & H1_VALUE) != 0)
        position++;
    return position;
}

size_t h1_target_span(const uint8_t *bytes, size_t length) {
    size_t position = 0;

    for (; length - position >= 8; position += 8) {
        uint64_t word;

        memcpy(&word, bytes + position, 8);
        if ((any_below(word, 0x21) | any_equal(word, 0x7f) | any_equal(word, '#') | (word & TOP)) != 0)
            break;
    }
    while (position < length && (h1_char_class[bytes[position]] & H1_TARGET) != 0)
        position++;
    return position;
}

bool h1_is_token(const uint8_t *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if ((h1_char_class[bytes[i]] & H1_TCHAR) == 0)
            return false;
    }
    return length > 0;
}

bool h1_is_field_value(const uint8_t *bytes, size_t length) {
    return h1_value_span(bytes, length) == length;
}

bool h1_equals_lower(const uint8_t *bytes, size_t length, const char *lower, size_t lower_length) {
    if (length != lower_length)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (h1_lower(bytes[i]) != (uint8_t)lower[i])
            return false;
    }
    return true;
}
