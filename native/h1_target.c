/*
 * Request targets (RFC 9112 3.2) and authorities (RFC 3986 3.2).
 */
#include "h1_internal.h"

/* IPv4address (RFC 3986 3.2.2): four decimal octets without leading zeros. */
static bool is_ipv4(const uint8_t *bytes, size_t length) {
    size_t position = 0;

    for (unsigned octet = 0; octet < 4; octet++) {
        size_t first = position;
        unsigned value = 0;

        if (octet > 0) {
            if (position >= length || bytes[position] != '.')
                return false;
            first = ++position;
        }
        while (position < length && position - first < 3 && (h1_char_class[bytes[position]] & H1_DIGIT) != 0)
            value = value * 10 + (unsigned)(bytes[position++] - '0');
        if (position == first || value > 255 || (bytes[first] == '0' && position - first > 1))
            return false;
    }
    return position == length;
}

/* IPv6address (RFC 3986 3.2.2): eight groups, one "::" for one or more of them, the last two also as IPv4. */
static bool is_ipv6(const uint8_t *bytes, size_t length) {
    unsigned groups = 0;
    bool gap = false;
    size_t position = 0;

    if (length >= 2 && bytes[0] == ':' && bytes[1] == ':') {
        gap = true;
        position = 2;
    }
    while (position < length) {
        size_t first = position;

        while (position < length && position - first < 4 && (h1_char_class[bytes[position]] & H1_HEX) != 0)
            position++;
        if (position < length && bytes[position] == '.') {
            if (!is_ipv4(bytes + first, length - first))
                return false;
            groups += 2;
            break;
        }
        if (position == first)
            return false;
        groups++;
        if (position == length)
            break;
        if (bytes[position++] != ':' || position == length)
            return false;
        if (bytes[position] == ':') {
            if (gap)
                return false;
            gap = true;
            position++;
        }
    }
    return gap ? groups <= 7 : groups == 8;
}

/* RFC 3986 3.2.3 allows any digits and none; beyond 65535 there is no TCP port (RFC 9110 4.2.1). */
static bool is_port(const uint8_t *bytes, size_t length) {
    unsigned value = 0;

    for (size_t i = 0; i < length; i++) {
        if ((h1_char_class[bytes[i]] & H1_DIGIT) == 0)
            return false;
        value = value * 10 + (unsigned)(bytes[i] - '0');
        if (value > 65535)
            return false;
    }
    return true;
}

/*
 * An empty host is invalid in http URIs (RFC 9110 4.2.1, 4.2.2); userinfo is taken for an attempt to mislead (4.2.4).
 * IPvFuture has no use yet and zone identifiers have no meaning to a server: neither is taken.
 */
bool h1_is_authority(const uint8_t *bytes, size_t length) {
    size_t position = 0;

    H1_WORK(length);
    if (length > 0 && bytes[0] == '[') {
        const uint8_t *close = memchr(bytes, ']', length);

        if (close == NULL)
            return false;
        position = (size_t)(close - bytes) + 1;
        if (!is_ipv6(bytes + 1, position - 2))
            return false;
    } else {
        while (position < length && bytes[position] != ':') {
            if ((h1_char_class[bytes[position]] & H1_REG_NAME) != 0) {
                position++;
            } else if (bytes[position] == '%' && length - position >= 3 &&
                       (h1_char_class[bytes[position + 1]] & h1_char_class[bytes[position + 2]] & H1_HEX) != 0) {
                position += 3;
            } else {
                return false;
            }
        }
        if (position == 0)
            return false;
    }
    if (position == length)
        return true;
    return bytes[position] == ':' && is_port(bytes + position + 1, length - position - 1);
}

static void split_query(const uint8_t *bytes, uint32_t start, uint32_t end, struct h1_request *out) {
    const uint8_t *mark = memchr(bytes + start, '?', end - start);
    uint32_t path_end = mark != NULL ? (uint32_t)(mark - bytes) : end;

    H1_WORK(end - start);
    out->path = (struct ring_span){start, path_end - start};
    out->query = mark != NULL ? (struct ring_span){path_end + 1, end - path_end - 1} : (struct ring_span){0, 0};
}

/* RFC 9112 3.2.2: http or https, a valid authority, then path and query. */
static int parse_absolute(struct h1_parser *parser, const uint8_t *bytes, uint32_t start, uint32_t end,
                          struct h1_request *out) {
    uint32_t authority;
    uint32_t rest;

    if (end - start > 7 && H1_EQUALS(bytes + start, 7, "http://"))
        authority = start + 7;
    else if (end - start > 8 && H1_EQUALS(bytes + start, 8, "https://"))
        authority = start + 8;
    else
        return h1_refuse(&parser->reason, 400, H1_REASON_BAD_TARGET);

    rest = authority;
    while (rest < end && bytes[rest] != '/' && bytes[rest] != '?')
        rest++;
    H1_WORK(rest - start);
    if (!h1_is_authority(bytes + authority, rest - authority))
        return h1_refuse(&parser->reason, 400, H1_REASON_BAD_TARGET);
    out->authority = (struct ring_span){authority, rest - authority};
    out->https = authority == start + 8;
    parser->flags |= H1_ABSOLUTE_FORM;
    if (rest < end && bytes[rest] == '/') {
        split_query(bytes, rest, end, out);
        return 0;
    }
    /* An empty path means "/" (RFC 9110 4.2.3); the byte before the authority is one, and lies in the input. */
    out->path = (struct ring_span){authority - 1, 1};
    out->query = rest < end ? (struct ring_span){rest + 1, end - rest - 1} : (struct ring_span){0, 0};
    return 0;
}

int h1_parse_target(struct h1_parser *parser, const uint8_t *bytes, uint32_t start, uint32_t end,
                    struct h1_request *out) {
    uint32_t length = end - start;

    H1_WORK(length);
    /*
     * RFC 9112 3.2: no white space in a target, a bad one is 400. RFC 3986 2: a URI is visible ASCII. Its fragment is
     * not part of any form (RFC 9112 3.2.1, 3.2.2).
     */
    if (length == 0 || h1_target_span(bytes + start, length) != length)
        return h1_refuse(&parser->reason, 400, H1_REASON_BAD_TARGET);
    /* RFC 9110 9.3.6: an origin server may do without CONNECT. RFC 9110 9.1: unimplemented methods are answered 501. */
    if (out->method == RING_METHOD_CONNECT)
        return h1_refuse(&parser->reason, 501, H1_REASON_UNSUPPORTED_METHOD);

    out->target = (struct ring_span){start, length};
    out->authority = (struct ring_span){0, 0};
    out->https = false;
    if (bytes[start] == '/') { /* origin-form, RFC 9112 3.2.1 */
        split_query(bytes, start, end, out);
        return 0;
    }
    if (length == 1 && bytes[start] == '*') { /* asterisk-form, RFC 9112 3.2.4: only for a server-wide OPTIONS */
        if (out->method != RING_METHOD_OPTIONS)
            return h1_refuse(&parser->reason, 400, H1_REASON_BAD_TARGET);
        out->path = out->target;
        out->query = (struct ring_span){0, 0};
        return 0;
    }
    return parse_absolute(parser, bytes, start, end, out);
}
