/*
 * The chunked coding (RFC 9112 7.1), one byte at a time except for data and trailers, which are taken in runs.
 */
#include "h1_chunked.h"

#include "h1_internal.h"

#define MAX_SIZE_DIGITS 16u

static uint8_t hex_value(uint8_t byte) {
    return (uint8_t)(byte <= '9' ? byte - '0' : (byte | 0x20) - 'a' + 10);
}

static int refuse_chunk(struct h1_chunked *chunked) {
    return h1_refuse(&chunked->reason, 400, H1_REASON_BAD_CHUNK);
}

/* RFC 9112 7.1.1: the length of all extensions of a message has to be limited. */
static int count_extension(struct h1_chunked *chunked, const struct h1_chunked_limits *limits) {
    if (chunked->extension_bytes >= limits->extension_bytes)
        return refuse_chunk(chunked);
    chunked->extension_bytes++;
    return 0;
}

/* A byte of a chunk's first line. Returns 0 or -400. */
static int size_line_byte(struct h1_chunked *chunked, uint8_t byte, const struct h1_chunked_limits *limits) {
    switch ((enum h1_chunk_state)chunked->state) {
    case H1_CHUNK_SIZE:
        if ((h1_char_class[byte] & H1_HEX) != 0) {
            /* RFC 9112 7.1: recipients must foresee large sizes and prevent overflow. */
            if (chunked->size_digits == MAX_SIZE_DIGITS || chunked->chunk_left > (uint64_t)INT64_MAX >> 4)
                return refuse_chunk(chunked);
            chunked->size_digits++;
            chunked->chunk_left = chunked->chunk_left << 4 | hex_value(byte);
            return 0;
        }
        if (chunked->size_digits == 0) /* RFC 9112 7.1: chunk-size = 1*HEXDIG */
            return refuse_chunk(chunked);
        break;
    case H1_CHUNK_SIZE_SPACE:
    case H1_CHUNK_EXTENSION:
        break;
    default: /* H1_CHUNK_SIZE_LF: a CR alone ends no line (RFC 9112 2.2) */
        if (byte != '\n')
            return refuse_chunk(chunked);
        chunked->state = chunked->chunk_left > 0 ? H1_CHUNK_DATA : H1_CHUNK_TRAILERS;
        chunked->size_digits = 0;
        return 0;
    }

    if (chunked->state == H1_CHUNK_EXTENSION) {
        if (byte == '\r') {
            chunked->state = H1_CHUNK_SIZE_LF;
            return 0;
        }
        /* RFC 9112 7.1.1: unknown extensions are ignored, which does not make controls or a bare LF part of them. */
        if ((h1_char_class[byte] & H1_VALUE) == 0)
            return refuse_chunk(chunked);
        return count_extension(chunked, limits);
    }
    if (byte == '\r' && chunked->state == H1_CHUNK_SIZE) {
        chunked->state = H1_CHUNK_SIZE_LF;
        return 0;
    }
    if (byte == ';')
        chunked->state = H1_CHUNK_EXTENSION;
    else if (h1_is_ows(byte)) /* RFC 9112 7.1.1: bad white space is only foreseen before the ";" of an extension */
        chunked->state = H1_CHUNK_SIZE_SPACE;
    else
        return refuse_chunk(chunked);
    return count_extension(chunked, limits);
}

/*
 * Takes one run up to a LF into the caller's buffer. The section ends with an empty line, which is not counted in
 * trailer_length. Returns the bytes consumed or -status.
 */
static int64_t take_trailers(struct h1_chunked *chunked, const uint8_t *bytes, size_t length,
                             const struct h1_chunked_limits *limits, uint8_t *trailers) {
    const uint8_t *feed = memchr(bytes, '\n', length);
    size_t run = feed != NULL ? (size_t)(feed - bytes) + 1 : length;
    uint64_t sum = (uint64_t)chunked->trailer_length + run;
    uint32_t kept;

    H1_WORK(run);
    if (sum > (uint64_t)limits->trailer_bytes + 2 || sum > UINT32_MAX) /* RFC 9110 5.4: too large fields are 4xx */
        return h1_refuse(&chunked->reason, 431, H1_REASON_BAD_TRAILER);
    memcpy(trailers + chunked->trailer_length, bytes, run);
    kept = chunked->trailer_length = (uint32_t)sum;
    if (feed == NULL)
        return (int64_t)run;
    if (kept < 2 || trailers[kept - 2] != '\r')
        return h1_refuse(&chunked->reason, 400, H1_REASON_BAD_LINE_END);
    if (kept == 2 || trailers[kept - 3] == '\n') {
        chunked->trailer_length = kept - 2;
        chunked->state = H1_CHUNK_DONE;
    } else if (kept > limits->trailer_bytes) {
        return h1_refuse(&chunked->reason, 431, H1_REASON_BAD_TRAILER);
    }
    return (int64_t)run;
}

int64_t h1_chunked_decode(struct h1_chunked *chunked, const uint8_t *bytes, size_t length,
                          const struct h1_chunked_limits *limits, uint8_t *trailers, const uint8_t **data,
                          size_t *data_length) {
    size_t position = 0;

    *data = bytes;
    *data_length = 0;
    if (chunked->reason != H1_REASON_NONE)
        return -400;
    while (position < length) {
        int result = 0;

        switch ((enum h1_chunk_state)chunked->state) {
        case H1_CHUNK_SIZE:
        case H1_CHUNK_SIZE_SPACE:
        case H1_CHUNK_EXTENSION:
        case H1_CHUNK_SIZE_LF:
            H1_WORK(1);
            result = size_line_byte(chunked, bytes[position++], limits);
            break;
        case H1_CHUNK_DATA: {
            size_t run = length - position;

            if (run > chunked->chunk_left)
                run = (size_t)chunked->chunk_left;
            *data = bytes + position;
            *data_length = run;
            chunked->chunk_left -= run;
            if (chunked->chunk_left == 0)
                chunked->state = H1_CHUNK_DATA_CR;
            return (int64_t)(position + run);
        }
        case H1_CHUNK_DATA_CR: /* RFC 9112 7.1: chunk-data is followed by CRLF */
            result = bytes[position++] == '\r' ? 0 : refuse_chunk(chunked);
            chunked->state = H1_CHUNK_DATA_LF;
            break;
        case H1_CHUNK_DATA_LF:
            result = bytes[position++] == '\n' ? 0 : refuse_chunk(chunked);
            chunked->state = H1_CHUNK_SIZE;
            break;
        case H1_CHUNK_TRAILERS: {
            int64_t run;

            if (trailers == NULL)
                return (int64_t)position;
            run = take_trailers(chunked, bytes + position, length - position, limits, trailers);
            if (run < 0)
                return run;
            position += (size_t)run;
            break;
        }
        case H1_CHUNK_DONE:
            return (int64_t)position;
        }
        if (result < 0)
            return result;
    }
    return (int64_t)position;
}
