/*
 * Trailer fields: split like header fields, but never framing, routing, authentication or the like (RFC 9110 6.5.1).
 */
#include "h1_chunked.h"
#include "h1_internal.h"

static bool is_allowed(const uint8_t *name, size_t length, uint16_t id) {
    if (h1_is_claim(name, length, id)) /* what only a trusted peer may say, and only at the head */
        return false;
    switch (id) {
    case RING_NAME_HOST: /* framing, routing, this hop */
    case RING_NAME_CONNECTION:
    case RING_NAME_CONTENT_LENGTH:
    case RING_NAME_TRANSFER_ENCODING:
    case RING_NAME_TE:
    case RING_NAME_TRAILER:
    case RING_NAME_UPGRADE:
    case RING_NAME_KEEP_ALIVE:
    case RING_NAME_PROXY_CONNECTION:
    case RING_NAME_EXPECT: /* request modifiers */
    case RING_NAME_RANGE:
    case RING_NAME_IF_MATCH:
    case RING_NAME_IF_NONE_MATCH:
    case RING_NAME_IF_MODIFIED_SINCE:
    case RING_NAME_IF_UNMODIFIED_SINCE:
    case RING_NAME_IF_RANGE:
    case RING_NAME_CACHE_CONTROL:
    case RING_NAME_PRAGMA:
    case RING_NAME_AUTHORIZATION: /* authentication */
    case RING_NAME_WWW_AUTHENTICATE:
    case RING_NAME_COOKIE:
    case RING_NAME_SET_COOKIE:
    case RING_NAME_CONTENT_TYPE: /* content format */
    case RING_NAME_CONTENT_ENCODING:
    case RING_NAME_CONTENT_RANGE:
        return false;
    case RING_NAME_OTHER:
        return !H1_EQUALS(name, length, "proxy-authorization") && !H1_EQUALS(name, length, "proxy-authenticate") &&
               !H1_EQUALS(name, length, "max-forwards");
    default:
        return true;
    }
}

int h1_parse_trailers(const uint8_t *trailers, size_t length, uint32_t max_fields, struct ring_field *out,
                      uint16_t *reason) {
    uint32_t position = 0;
    uint32_t seen = 0;
    uint32_t kept = 0;

    *reason = H1_REASON_NONE;
    if (length > INT32_MAX || max_fields > INT32_MAX)
        return h1_refuse(reason, 431, H1_REASON_BAD_TRAILER);
    while (position < length) {
        const uint8_t *feed = memchr(trailers + position, '\n', length - position);
        uint32_t end;
        uint8_t classes = 0;
        int result;

        if (feed == NULL || feed == trailers + position || feed[-1] != '\r')
            return h1_refuse(reason, 400, H1_REASON_BAD_LINE_END);
        end = (uint32_t)(feed - trailers) - 1;
        if (end == position) /* the empty line, if the caller gave it too, is the end */
            return end + 2 == length ? (int)kept : h1_refuse(reason, 400, H1_REASON_BAD_TRAILER);
        if (++seen > max_fields)
            return h1_refuse(reason, 431, H1_REASON_BAD_TRAILER);
        result = h1_split_field(trailers, position, end, &out[kept], &classes, reason); /* refuses obs-fold, too */
        if (result < 0)
            return result;
        if ((classes & H1_UNDERSCORE) == 0 &&
            is_allowed(trailers + out[kept].name_offset, out[kept].name_length, out[kept].id))
            kept++;
        position = end + 2;
    }
    return (int)kept;
}
