/*
 * Chunked transfer coding of requests (RFC 9112 section 7.1), incremental, without allocation.
 */
#ifndef H1_CHUNKED_H
#define H1_CHUNKED_H

#include "h1_parser.h"

enum h1_chunk_state {
    H1_CHUNK_SIZE = 0,   /* hex digits of a chunk size */
    H1_CHUNK_SIZE_SPACE, /* white space between the size and the ";" of an extension */
    H1_CHUNK_EXTENSION,
    H1_CHUNK_SIZE_LF, /* LF after the size line */
    H1_CHUNK_DATA,
    H1_CHUNK_DATA_CR,
    H1_CHUNK_DATA_LF,
    H1_CHUNK_TRAILERS, /* field lines up to the empty line */
    H1_CHUNK_DONE
};

struct h1_chunked_limits {
    uint32_t extension_bytes; /* over all chunks of one body, from the byte after the size */
    uint32_t trailer_bytes;   /* all trailer lines with their CRLFs */
    uint32_t trailer_fields;  /* for the caller's call of h1_parse_trailers */
};

/* Zero it before the first byte of a body. */
struct h1_chunked {
    uint64_t chunk_left;
    uint32_t extension_bytes;
    uint32_t trailer_length; /* bytes kept in trailers[]; when done, without the final empty line */
    uint8_t state;           /* enum h1_chunk_state */
    uint8_t size_digits;
    uint16_t reason; /* enum h1_reason after a refusal */
};

/*
 * Decodes from bytes[0..length) until data is found, input ends or the body ends. On return *data and *data_length give
 * the next piece of body inside `bytes` (no copy; length 0 if none); it is part of what was consumed. `trailers` is the
 * caller's buffer of limits->trailer_bytes + 2 bytes, where the raw trailer section collects; it is only written in
 * state H1_CHUNK_TRAILERS and may be NULL before (then the call returns with state H1_CHUNK_TRAILERS and consumes
 * nothing more).
 * Returns bytes consumed (0..length), or -status for a malformed body: 400, or 431 for a trailer section beyond its
 * limit. At the end state is H1_CHUNK_DONE, and what follows belongs to the next request. The sum of all chunks is the
 * caller's to limit; chunk_left tells a declared size before its bytes have come.
 */
__attribute__((warn_unused_result)) int64_t h1_chunked_decode(struct h1_chunked *chunked, const uint8_t *bytes,
                                                              size_t length, const struct h1_chunked_limits *limits,
                                                              uint8_t *trailers, const uint8_t **data,
                                                              size_t *data_length);

/*
 * Splits the collected trailer section into fields (offsets from `trailers`), leaving out framing, routing and
 * authentication fields, request modifiers and content format (RFC 9110 6.5.1), and names with an underscore. `out` has
 * room for max_fields. Returns the number of fields kept, or -status (more than max_fields lines: 431).
 */
__attribute__((warn_unused_result)) int h1_parse_trailers(const uint8_t *trailers, size_t length, uint32_t max_fields,
                                                          struct ring_field *out, uint16_t *reason);

#endif
