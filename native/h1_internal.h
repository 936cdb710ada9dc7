/*
 * Shared by the h1_*.c files only.
 */
#ifndef H1_INTERNAL_H
#define H1_INTERNAL_H

#include <string.h>

#include "h1_parser.h"
#include "ring_names.h"

/* Bits of h1_char_class[]. */
#define H1_TCHAR 1u      /* RFC 9110 5.6.2 */
#define H1_UNDERSCORE 2u /* a tchar that CGI-like environments confuse with "-" */
#define H1_VALUE 4u      /* RFC 9110 5.5: VCHAR, obs-text, SP, HTAB */
#define H1_TARGET 8u     /* visible ASCII without "#" */
#define H1_REG_NAME 16u  /* RFC 3986 3.2.2: unreserved, sub-delims (percent-encoding apart) */
#define H1_HEX 32u
#define H1_DIGIT 64u

extern const uint8_t h1_char_class[256];

/* Bits of struct h1_parser.flags. */
#define H1_SAW_HOST (1u << 0)
#define H1_SAW_LENGTH (1u << 1)
#define H1_SAW_ENCODING (1u << 2)
#define H1_FOREIGN_CODING (1u << 3) /* another transfer coding before a final chunked */
#define H1_SAW_CONNECTION (1u << 4)
#define H1_SAW_HOP (1u << 5) /* a field that never reaches the worker */
#define H1_SAW_UPGRADE (1u << 6)
#define H1_SAW_CONTINUE (1u << 7)
#define H1_VERSION_10 (1u << 8)
#define H1_ABSOLUTE_FORM (1u << 9)
#define H1_METHOD_HEAD (1u << 10)

/* The linear-time test counts the bytes looked at; nothing is counted otherwise. */
#ifdef H1_COUNT_WORK
extern uint64_t h1_work;
#define H1_WORK(count) (h1_work += (uint64_t)(count))
#else
#define H1_WORK(count) ((void)0)
#endif

/* Sets the reason and gives -status, so that every refusal is one return statement. */
static inline int h1_refuse(uint16_t *reason, int status, enum h1_reason cause) {
    *reason = (uint16_t)cause;
    return -status;
}

static inline uint8_t h1_lower(uint8_t byte) {
    return (uint8_t)(byte - 'A') < 26 ? (uint8_t)(byte | 0x20) : byte;
}

static inline bool h1_is_ows(uint8_t byte) {
    return byte == ' ' || byte == '\t';
}

/* Equality with a lower-case text, ignoring the case of ASCII letters in `bytes`. */
bool h1_equals_lower(const uint8_t *bytes, size_t length, const char *lower, size_t lower_length);
#define H1_EQUALS(bytes, length, literal) h1_equals_lower((bytes), (length), (literal), sizeof(literal) - 1)

/* The first byte that is not allowed in a field value; `length` if there is none. */
size_t h1_value_span(const uint8_t *bytes, size_t length);

/* The first byte that is not allowed in a request target; `length` if there is none. */
size_t h1_target_span(const uint8_t *bytes, size_t length);

/*
 * Whether only a proxy that is trusted may say it: X-Forwarded-*, X-Real-Ip, Forwarded, X-Request-Id, in any case and with
 * underscores for hyphens. id: that of the name.
 */
bool h1_is_claim(const uint8_t *name, size_t length, uint16_t id);

/* host [":" port] of RFC 3986 3.2 without userinfo, host not empty. */
bool h1_is_authority(const uint8_t *bytes, size_t length);

/*
 * Splits the target bytes[start..end) by its form (RFC 9112 3.2) into path, query and, in absolute-form, authority.
 * Returns 0 or -status.
 */
__attribute__((warn_unused_result)) int h1_parse_target(struct h1_parser *parser, const uint8_t *bytes, uint32_t start,
                                                        uint32_t end, struct h1_request *out);

/*
 * Splits the field line bytes[start..end) at its colon; bytes[end] is its CR, so that a scan stops there. *classes
 * collects H1_UNDERSCORE if the name has one. Returns 0 or -400.
 */
__attribute__((warn_unused_result)) int h1_split_field(const uint8_t *bytes, uint32_t start, uint32_t end,
                                                       struct ring_field *field, uint8_t *classes, uint16_t *reason);

/* Notes what a framing, routing or connection field says. Returns 0 or -status. */
__attribute__((warn_unused_result)) int h1_note_field(struct h1_parser *parser, const uint8_t *bytes,
                                                      const struct ring_field *field, struct h1_request *out);

/* Reads the Connection fields, sets keep_alive and upgrade, and takes hop-by-hop fields out of the index. */
__attribute__((warn_unused_result)) int h1_apply_connection(struct h1_parser *parser, const uint8_t *bytes,
                                                            struct h1_request *out);

#endif
