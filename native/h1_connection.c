/*
 * The Connection field (RFC 9110 7.6.1): persistence, upgrade, and which fields end at this hop.
 */
#include "h1_internal.h"

/* Options beyond close, keep-alive and upgrade in one request. The bound keeps their comparison with all fields linear. */
#define MAX_NOMINATED 32u

struct options {
    bool close;
    bool keep_alive;
    bool upgrade;
    uint32_t count;
    struct ring_field nominated[MAX_NOMINATED]; /* only the name is used */
};

static bool add_option(struct options *options, const uint8_t *bytes, uint32_t start, uint32_t length) {
    const uint8_t *name = bytes + start;

    H1_WORK(length);
    if (H1_EQUALS(name, length, "close")) {
        options->close = true;
        return true;
    }
    if (H1_EQUALS(name, length, "keep-alive")) {
        options->keep_alive = true;
        return true;
    }
    if (H1_EQUALS(name, length, "upgrade")) {
        options->upgrade = true;
        return true;
    }
    if (length > UINT16_MAX || !h1_is_token(name, length)) /* it names no field */
        return true;
    if (options->count == MAX_NOMINATED)
        return false;
    options->nominated[options->count++] =
        (struct ring_field){.name_offset = start, .name_length = (uint16_t)length, .id = h1_name_id(name, length)};
    return true;
}

static bool read_options(struct options *options, const uint8_t *bytes, const struct ring_field *field) {
    uint32_t position = field->value_offset;
    uint32_t end = position + field->value_length;

    H1_WORK(field->value_length);
    while (position < end) {
        const uint8_t *comma = memchr(bytes + position, ',', end - position);
        uint32_t next = comma != NULL ? (uint32_t)(comma - bytes) : end;
        uint32_t last = next;

        while (position < last && h1_is_ows(bytes[position]))
            position++;
        while (last > position && h1_is_ows(bytes[last - 1]))
            last--;
        /* RFC 9110 5.6.1.2: empty members are passed over. */
        if (last > position && !add_option(options, bytes, position, last - position))
            return false;
        position = next + 1;
    }
    return true;
}

static bool same_name(const uint8_t *bytes, const struct ring_field *one, const struct ring_field *other) {
    const uint8_t *left = bytes + one->name_offset;
    const uint8_t *right = bytes + other->name_offset;

    if (one->name_length != other->name_length || one->id != other->id)
        return false;
    if (one->id != RING_NAME_OTHER)
        return true;
    for (uint32_t i = 0; i < one->name_length; i++) {
        H1_WORK(1);
        if (h1_lower(left[i]) != h1_lower(right[i]))
            return false;
    }
    return true;
}

static bool is_kept(const struct options *options, const uint8_t *bytes, const struct ring_field *field, bool upgrade) {
    switch (field->id) {
    case RING_NAME_HOST:
    case RING_NAME_CONTENT_LENGTH:
        return true; /* naming them in Connection must not change routing or framing */
    case RING_NAME_CONNECTION:
    case RING_NAME_UPGRADE:
        return upgrade;
    case RING_NAME_TE:
    case RING_NAME_KEEP_ALIVE:
    case RING_NAME_PROXY_CONNECTION:
    case RING_NAME_TRANSFER_ENCODING:
        return false;
    default:
        for (uint32_t i = 0; i < options->count; i++) {
            if (same_name(bytes, &options->nominated[i], field))
                return false;
        }
        return true;
    }
}

int h1_apply_connection(struct h1_parser *parser, const uint8_t *bytes, struct h1_request *out) {
    bool version_11 = out->version == 0x11;
    struct options options;
    uint32_t kept = 0;

    options.close = options.keep_alive = options.upgrade = false;
    options.count = 0;
    for (uint32_t i = 0; i < out->field_count; i++) {
        if (out->fields[i].id == RING_NAME_CONNECTION && !read_options(&options, bytes, &out->fields[i]))
            return h1_refuse(&parser->reason, 431, H1_REASON_HEAD_TOO_LARGE);
    }
    /* RFC 9112 9.3: close ends the connection; otherwise 1.1 persists, and 1.0 if keep-alive was asked for. */
    out->keep_alive = !options.close && (version_11 || options.keep_alive);
    /* RFC 9110 7.8: Upgrade needs its connection option and is ignored in HTTP/1.0. */
    out->upgrade = version_11 && options.upgrade && (parser->flags & H1_SAW_UPGRADE) != 0;
    for (uint32_t i = 0; i < out->field_count; i++) {
        if (is_kept(&options, bytes, &out->fields[i], out->upgrade))
            out->fields[kept++] = out->fields[i];
    }
    out->field_count = kept;
    return 0;
}
