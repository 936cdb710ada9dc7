/*
 * Field lines (RFC 9112 5) and what the framing and routing fields among them say.
 */
#include "h1_internal.h"

int h1_split_field(const uint8_t *bytes, uint32_t start, uint32_t end, struct ring_field *field, uint8_t *classes,
                   uint16_t *reason) {
    uint32_t position = start;
    uint8_t class;
    uint8_t seen = 0;
    uint32_t name_length;

    while (((class = h1_char_class[bytes[position]]) & H1_TCHAR) != 0) { /* the CR at `end` is no tchar */
        seen |= class;
        position++;
    }
    name_length = position - start;
    /*
     * RFC 9112 5.1: no white space between name and colon, such a request is 400. RFC 9110 5.1: a name is a token, so
     * it is not empty. RFC 9112 2.2: a CR without LF is not a line end.
     */
    if (bytes[position] != ':' || name_length == 0)
        return h1_refuse(reason, 400,
                         bytes[position] == '\r' && position < end ? H1_REASON_BAD_LINE_END : H1_REASON_BAD_FIELD_NAME);
    if (name_length > UINT16_MAX)
        return h1_refuse(reason, 431, H1_REASON_HEAD_TOO_LARGE);
    field->name_offset = start;
    field->name_length = (uint16_t)name_length;
    field->id = h1_name_id(bytes + start, name_length);

    position++;
    while (h1_is_ows(bytes[position])) /* RFC 9112 5.1: white space around the value is not part of it */
        position++;
    while (end > position && h1_is_ows(bytes[end - 1]))
        end--;
    field->value_offset = position;
    field->value_length = end - position;
    H1_WORK(end - start);

    /* RFC 9110 5.5: CR, LF, NUL and other controls make a value invalid. */
    uint32_t valid = (uint32_t)h1_value_span(bytes + position, end - position);
    if (valid != end - position)
        return h1_refuse(reason, 400,
                         bytes[position + valid] == '\r' ? H1_REASON_BAD_LINE_END : H1_REASON_BAD_FIELD_VALUE);
    *classes = seen;
    return 0;
}

/*
 * RFC 9110 8.6: 1*DIGIT. Repeated fields and lists are refused even if all values agree (RFC 9112 6.3 item 5 leaves that
 * choice), because other recipients may pick another one.
 */
static int note_length(struct h1_parser *parser, const uint8_t *value, uint32_t length, struct h1_request *out) {
    uint64_t sum = 0;

    if ((parser->flags & H1_SAW_LENGTH) != 0 || length == 0)
        return h1_refuse(&parser->reason, 400, H1_REASON_BAD_CONTENT_LENGTH);
    for (uint32_t i = 0; i < length; i++) {
        uint64_t digit = (uint64_t)value[i] - '0';

        if ((h1_char_class[value[i]] & H1_DIGIT) == 0 || sum > ((uint64_t)INT64_MAX - digit) / 10)
            return h1_refuse(&parser->reason, 400, H1_REASON_BAD_CONTENT_LENGTH);
        sum = sum * 10 + digit;
    }
    parser->flags |= H1_SAW_LENGTH;
    out->content_length = sum;
    /* RFC 9112 6.1, 6.3 item 3: both together "ought to be handled as an error", as they smuggle requests. */
    if ((parser->flags & H1_SAW_ENCODING) != 0)
        return h1_refuse(&parser->reason, 400, H1_REASON_LENGTH_AND_ENCODING);
    return 0;
}

/* One "; name=value" of a transfer-coding (RFC 9112 7); *position is at the ";". */
static bool skip_parameter(const uint8_t *value, uint32_t length, uint32_t *position) {
    uint32_t at = *position + 1;
    uint32_t first;

    while (at < length && h1_is_ows(value[at]))
        at++;
    for (first = at; at < length && (h1_char_class[value[at]] & H1_TCHAR) != 0;)
        at++;
    if (at == first)
        return false;
    while (at < length && h1_is_ows(value[at]))
        at++;
    if (at == length || value[at++] != '=')
        return false;
    while (at < length && h1_is_ows(value[at]))
        at++;
    if (at < length && value[at] == '"') {
        for (at++; at < length && value[at] != '"'; at++) {
            if (value[at] == '\\')
                at++;
        }
        if (at >= length)
            return false;
        *position = at + 1;
        return true;
    }
    for (first = at; at < length && (h1_char_class[value[at]] & H1_TCHAR) != 0;)
        at++;
    *position = at;
    return at > first;
}

/*
 * RFC 9112 6.1, 6.3 item 4, 7: a list of codings that ends in chunked, which stands there once and without parameters.
 * Empty list members, which RFC 9110 5.6.1.2 would let pass, are refused: recipients differ in how they read them.
 */
static int note_encoding(struct h1_parser *parser, const uint8_t *value, uint32_t length) {
    uint32_t position = 0;
    bool chunked = false;

    if ((parser->flags & H1_SAW_LENGTH) != 0)
        return h1_refuse(&parser->reason, 400, H1_REASON_LENGTH_AND_ENCODING);
    /* RFC 9112 6.1: in HTTP/1.0 the framing is faulty even if the coding is known. */
    if ((parser->flags & (H1_SAW_ENCODING | H1_VERSION_10)) != 0)
        return h1_refuse(&parser->reason, 400, H1_REASON_BAD_TRANSFER_ENCODING);
    parser->flags |= H1_SAW_ENCODING | H1_SAW_HOP;
    H1_WORK(length);
    for (;;) {
        uint32_t first = position;

        while (position < length && (h1_char_class[value[position]] & H1_TCHAR) != 0)
            position++;
        if (position == first || chunked) /* an empty member, or something after chunked */
            return h1_refuse(&parser->reason, 400, H1_REASON_BAD_TRANSFER_ENCODING);
        chunked = H1_EQUALS(value + first, position - first, "chunked");
        if (!chunked)
            parser->flags |= H1_FOREIGN_CODING;
        for (;;) {
            while (position < length && h1_is_ows(value[position]))
                position++;
            if (position == length || value[position] != ';')
                break;
            if (chunked || !skip_parameter(value, length, &position))
                return h1_refuse(&parser->reason, 400, H1_REASON_BAD_TRANSFER_ENCODING);
        }
        if (position == length)
            break;
        if (value[position++] != ',')
            return h1_refuse(&parser->reason, 400, H1_REASON_BAD_TRANSFER_ENCODING);
        while (position < length && h1_is_ows(value[position]))
            position++;
    }
    if (!chunked)
        return h1_refuse(&parser->reason, 400, H1_REASON_BAD_TRANSFER_ENCODING);
    return 0;
}

/*
 * RFC 9112 3.2: several Host lines or an invalid value are 400. An empty value is valid: it is what a client sends whose
 * target has no authority.
 */
static int note_host(struct h1_parser *parser, const uint8_t *bytes, const struct ring_field *field,
                     struct h1_request *out) {
    if ((parser->flags & H1_SAW_HOST) != 0 ||
        (field->value_length > 0 && !h1_is_authority(bytes + field->value_offset, field->value_length)))
        return h1_refuse(&parser->reason, 400, H1_REASON_BAD_HOST);
    parser->flags |= H1_SAW_HOST;
    if ((parser->flags & H1_ABSOLUTE_FORM) == 0) /* RFC 9112 3.2.2: absolute-form wins */
        out->authority = (struct ring_span){field->value_offset, field->value_length};
    return 0;
}

int h1_note_field(struct h1_parser *parser, const uint8_t *bytes, const struct ring_field *field,
                  struct h1_request *out) {
    const uint8_t *value = bytes + field->value_offset;

    switch (field->id) {
    case RING_NAME_HOST:
        return note_host(parser, bytes, field, out);
    case RING_NAME_CONTENT_LENGTH:
        return note_length(parser, value, field->value_length, out);
    case RING_NAME_TRANSFER_ENCODING:
        return note_encoding(parser, value, field->value_length);
    case RING_NAME_EXPECT: /* RFC 9110 10.1.1: the only expectation there is; any other may be answered 417 */
        if (!H1_EQUALS(value, field->value_length, "100-continue"))
            return h1_refuse(&parser->reason, 417, H1_REASON_BAD_EXPECTATION);
        parser->flags |= H1_SAW_CONTINUE;
        return 0;
    case RING_NAME_CONNECTION:
        parser->flags |= H1_SAW_CONNECTION;
        return 0;
    case RING_NAME_UPGRADE:
        parser->flags |= H1_SAW_HOP;
        if (field->value_length > 0)
            parser->flags |= H1_SAW_UPGRADE;
        return 0;
    case RING_NAME_TE:
    case RING_NAME_KEEP_ALIVE:
    case RING_NAME_PROXY_CONNECTION:
        parser->flags |= H1_SAW_HOP;
        return 0;
    default:
        return 0;
    }
}
