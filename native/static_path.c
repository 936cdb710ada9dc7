#include "static_path.h"

#include <string.h>

#define WELL_KNOWN ".well-known"

bool static_path_has_prefix(const uint8_t *path, uint32_t length, const char *prefix, uint32_t prefix_length) {
    return length >= prefix_length && memcmp(path, prefix, prefix_length) == 0 &&
           (length == prefix_length || path[prefix_length] == '/');
}

static int hex(uint8_t byte) {
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* The byte at *at, which is moved behind it. Returns -400 for a bad escape, -404 for an escaped "/". */
static int decode_byte(const uint8_t *bytes, uint32_t length, uint32_t *at) {
    uint8_t byte = bytes[(*at)++];
    if (byte != '%') {
        return byte;
    }
    if (length - *at < 2) {
        return -400;
    }
    int high = hex(bytes[*at]);
    int low = hex(bytes[*at + 1]);
    if (high < 0 || low < 0) {
        return -400;
    }
    *at += 2;
    int value = high << 4 | low;
    return value == '/' ? -404 : value;
}

static bool is_served(const char *segment, uint32_t length, bool first, bool top) {
    if (length == 0) {
        return false;
    }
    bool well_known = first && top && length == sizeof(WELL_KNOWN) - 1 && memcmp(segment, WELL_KNOWN, length) == 0;
    return segment[0] != '.' || well_known;
}

int static_path_decode(const uint8_t *bytes, uint32_t length, bool top, char *out, bool *directory) {
    uint32_t filled = 0;
    uint32_t at = 0;
    int found = 0; /* the status, once it is known; a bad escape behind it still makes it 400 */
    *directory = length != 0 && bytes[length - 1] == '/';
    while (at < length) {
        at++; /* the "/" before the segment */
        if (at == length) {
            break;
        }
        uint32_t start = filled;
        while (at < length && bytes[at] != '/') {
            int byte = decode_byte(bytes, length, &at);
            if (byte == -400 || byte == 0) {
                return -400;
            }
            if (byte < 0x20 || byte == 0x7f || byte == '\\') {
                found = -404;
                byte = '?';
            }
            out[filled++] = (char)byte;
        }
        if (!is_served(out + start, filled - start, start == 0, top)) {
            found = -404;
        }
        if (at < length) {
            out[filled++] = '/';
        }
    }
    out[filled] = 0;
    return found;
}

const char *static_path_extension(const char *path) {
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    return dot == NULL || dot == name ? "" : dot + 1;
}
