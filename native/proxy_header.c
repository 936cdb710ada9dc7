#include "proxy_header.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

/* --- version 1: a line of text --- */

#define LINE_MAX_BYTES 107u /* with its CRLF */

/* Takes the text before the next `end` off the line; NULL without one. */
static const char *cut(char **rest, char end) {
    char *text = *rest;
    char *at = strchr(text, end);
    if (at == NULL) {
        return NULL;
    }
    *at = 0;
    *rest = at + 1;
    return text;
}

/* 0 to 65535, without leading zeros. */
static bool parse_port(const char *text, uint16_t *port) {
    uint32_t sum = 0;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 5 || text[digits] != 0 || (text[0] == '0' && digits > 1)) {
        return false;
    }
    for (size_t i = 0; i < digits; i++) {
        sum = sum * 10 + (uint32_t)(text[i] - '0');
    }
    *port = (uint16_t)sum;
    return sum <= UINT16_MAX;
}

/* "TCP4 source target port port" behind "PROXY "; the line ends in a NUL. */
static int parse_words(char *rest, struct proxy_header *out) {
    const char *protocol = cut(&rest, ' ');
    const char *source = protocol == NULL ? NULL : cut(&rest, ' ');
    const char *target = source == NULL ? NULL : cut(&rest, ' ');
    const char *source_port = target == NULL ? NULL : cut(&rest, ' ');
    if (source_port == NULL) {
        return PROXY_HEADER_BAD;
    }
    bool is4 = strcmp(protocol, "TCP4") == 0;
    if (!is4 && strcmp(protocol, "TCP6") != 0) {
        return PROXY_HEADER_BAD;
    }
    int family = is4 ? AF_INET : AF_INET6;
    out->kind = PROXY_HEADER_ADDRESSES;
    out->remote.family = out->local.family = is4 ? 4 : 6;
    bool good = inet_pton(family, source, out->remote.address) == 1 &&
                inet_pton(family, target, out->local.address) == 1 && parse_port(source_port, &out->remote.port) &&
                parse_port(rest, &out->local.port);
    return good ? 1 : PROXY_HEADER_BAD;
}

static int parse_text(const uint8_t *bytes, size_t length, struct proxy_header *out) {
    static const char start[] = "PROXY ";
    static const char unknown[] = "UNKNOWN";
    char line[LINE_MAX_BYTES];
    size_t known = length < sizeof(start) - 1 ? length : sizeof(start) - 1;
    if (memcmp(bytes, start, known) != 0) {
        return PROXY_HEADER_BAD;
    }
    size_t seen = length < LINE_MAX_BYTES ? length : LINE_MAX_BYTES;
    const uint8_t *feed = memchr(bytes, '\n', seen);
    if (feed == NULL) {
        return length < LINE_MAX_BYTES ? PROXY_HEADER_MORE : PROXY_HEADER_BAD;
    }
    size_t size = (size_t)(feed - bytes) + 1;
    if (size < sizeof(start) + 1 || feed[-1] != '\r' || memchr(bytes, 0, size) != NULL ||
        memchr(bytes, '\r', size - 2) != NULL) {
        return PROXY_HEADER_BAD;
    }
    size_t text = size - 2 - (sizeof(start) - 1);
    memcpy(line, bytes + sizeof(start) - 1, text);
    line[text] = 0;
    if (strncmp(line, unknown, sizeof(unknown) - 1) == 0) {
        char next = line[sizeof(unknown) - 1]; /* what else is in the line is to be ignored */
        out->kind = PROXY_HEADER_UNKNOWN;
        return next == 0 || next == ' ' ? (int)size : PROXY_HEADER_BAD;
    }
    return parse_words(line, out) < 0 ? PROXY_HEADER_BAD : (int)size;
}

/* --- version 2: binary, numbers in network order --- */

#define START_BYTES 12u
#define FIXED_BYTES 16u
#define TYPE_CRC32C 0x03u

static const uint8_t binary_start[START_BYTES] = "\r\n\r\n\0\r\nQUIT\n";

static uint16_t number16(const uint8_t *bytes) {
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

/* CRC-32C of RFC 9260 appendix A, over `bytes` with the four at `hole` taken as zero; half a byte at a time. */
static uint32_t checksum(const uint8_t *bytes, size_t length, size_t hole) {
    static const uint32_t table[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
        0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };
    uint32_t sum = UINT32_MAX;
    for (size_t i = 0; i < length; i++) {
        sum ^= i - hole < 4 ? 0 : bytes[i];
        sum = sum >> 4 ^ table[sum & 15];
        sum = sum >> 4 ^ table[sum & 15];
    }
    return ~sum;
}

/* The values behind the addresses: each must lie inside the header, and the checksum must fit. */
static bool check_values(const uint8_t *bytes, size_t position, size_t size) {
    bool summed = false;
    while (position < size) {
        if (size - position < 3) {
            return false;
        }
        uint8_t type = bytes[position];
        size_t length = number16(bytes + position + 1);
        position += 3;
        if (length > size - position) {
            return false;
        }
        if (type == TYPE_CRC32C) {
            if (summed || length != 4) { /* once: the work stays linear */
                return false;
            }
            summed = true;
            const uint8_t *value = bytes + position;
            uint32_t told = (uint32_t)number16(value) << 16 | number16(value + 2);
            if (told != checksum(bytes, size, position)) {
                return false;
            }
        }
        position += length;
    }
    return true;
}

static void take_addresses(const uint8_t *bytes, uint8_t family, size_t size, struct proxy_header *out) {
    out->kind = PROXY_HEADER_ADDRESSES;
    out->remote.family = out->local.family = family;
    memcpy(out->remote.address, bytes, size);
    memcpy(out->local.address, bytes + size, size);
    out->remote.port = number16(bytes + 2 * size);
    out->local.port = number16(bytes + 2 * size + 2);
}

static int parse_binary(const uint8_t *bytes, size_t length, struct proxy_header *out) {
    /* By address family: none, IPv4, IPv6, unix. */
    static const uint8_t address_bytes[4] = {0, 12, 36, 216};
    if (memcmp(bytes, binary_start, length < START_BYTES ? length : START_BYTES) != 0) {
        return PROXY_HEADER_BAD;
    }
    uint8_t command = length > 12 ? bytes[12] : 0x20;
    uint8_t family = length > 13 ? bytes[13] >> 4 : 0;
    uint8_t transport = length > 13 ? bytes[13] & 15 : 0;
    bool is_local = command == 0x20;
    if (!is_local && command != 0x21) { /* version 2; LOCAL or PROXY */
        return PROXY_HEADER_BAD;
    }
    if (!is_local && (family > 3 || transport > 2)) {
        return PROXY_HEADER_BAD;
    }
    if (length > 14 && bytes[14] > (PROXY_HEADER_MAX - FIXED_BYTES) >> 8) {
        return PROXY_HEADER_BAD;
    }
    if (length < FIXED_BYTES) {
        return PROXY_HEADER_MORE;
    }
    size_t size = FIXED_BYTES + number16(bytes + 14);
    size_t values = FIXED_BYTES + address_bytes[family & 3];
    if (size > PROXY_HEADER_MAX || (!is_local && size < values)) {
        return PROXY_HEADER_BAD;
    }
    if (length < size) {
        return PROXY_HEADER_MORE;
    }
    if (is_local) { /* all that follows is to be ignored */
        out->kind = PROXY_HEADER_LOCAL;
        return (int)size;
    }
    out->kind = PROXY_HEADER_UNKNOWN;
    if (family == 0 || transport == 0) { /* what follows has no meaning that we know */
        return (int)size;
    }
    if (!check_values(bytes, values, size)) {
        return PROXY_HEADER_BAD;
    }
    if (family == 1) {
        take_addresses(bytes + FIXED_BYTES, 4, 4, out);
    } else if (family == 2) {
        take_addresses(bytes + FIXED_BYTES, 6, 16, out);
    }
    return (int)size;
}

int proxy_header_parse(const uint8_t *bytes, size_t length, struct proxy_header *out) {
    *out = (struct proxy_header){0};
    if (length == 0) {
        return PROXY_HEADER_MORE;
    }
    return bytes[0] == binary_start[0] ? parse_binary(bytes, length, out) : parse_text(bytes, length, out);
}
