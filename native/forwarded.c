#include "forwarded.h"

#include <arpa/inet.h>
#include <string.h>

#include "h1_internal.h"

struct text {
    const uint8_t *bytes;
    size_t length;
};

static struct text trim(struct text text) {
    while (text.length != 0 && h1_is_ows(text.bytes[0])) {
        text.bytes++;
        text.length--;
    }
    while (text.length != 0 && h1_is_ows(text.bytes[text.length - 1])) {
        text.length--;
    }
    return text;
}

/*
 * Takes the last entry off a list. A comma inside quotes is none; quotes are matched from the right, because what is on the
 * left may be anybody's. An entry whose quotes do not match reaches to the beginning.
 */
static struct text cut_last(struct text *list) {
    size_t at = list->length;
    bool quoted = false;
    while (at > 0 && (quoted || list->bytes[at - 1] != ',')) {
        at--;
        quoted ^= list->bytes[at] == '"';
    }
    struct text entry = {list->bytes + at, list->length - at};
    list->length = at == 0 ? 0 : at - 1;
    return trim(entry);
}

/* 1 to 5 digits, at most 65535. */
static bool parse_port(struct text text, uint16_t *port) {
    uint32_t sum = 0;
    for (size_t i = 0; i < text.length && i < 6; i++) {
        if ((h1_char_class[text.bytes[i]] & H1_DIGIT) == 0) {
            return false;
        }
        sum = sum * 10 + (uint32_t)(text.bytes[i] - '0');
    }
    *port = (uint16_t)sum;
    return text.length >= 1 && text.length <= 5 && sum <= UINT16_MAX;
}

static bool parse_address(struct text text, uint8_t family, struct ring_endpoint *out) {
    char copy[INET6_ADDRSTRLEN];
    if (text.length == 0 || text.length >= sizeof(copy)) {
        return false;
    }
    memcpy(copy, text.bytes, text.length); /* a NUL in it ends it early: such bytes are in no field value */
    copy[text.length] = 0;
    out->family = family;
    return inet_pton(family == 4 ? AF_INET : AF_INET6, copy, out->address) == 1;
}

/* RFC 7239 6, and what X-Forwarded-For commonly holds: 192.0.2.1, 192.0.2.1:80, 2001:db8::1, [2001:db8::1], [2001:db8::1]:80. */
static bool parse_node(struct text text, struct ring_endpoint *out) {
    *out = (struct ring_endpoint){0};
    if (text.length == 0) {
        return false;
    }
    const uint8_t *end = text.bytes + text.length;
    if (text.bytes[0] == '[') {
        const uint8_t *close = memchr(text.bytes, ']', text.length);
        if (close == NULL || !parse_address((struct text){text.bytes + 1, (size_t)(close - text.bytes) - 1}, 6, out)) {
            return false;
        }
        return close + 1 == end ||
               (close[1] == ':' && parse_port((struct text){close + 2, (size_t)(end - close) - 2}, &out->port));
    }
    const uint8_t *colon = memchr(text.bytes, ':', text.length);
    if (colon == NULL) {
        return parse_address(text, 4, out);
    }
    struct text rest = {colon + 1, (size_t)(end - colon) - 1};
    if (memchr(rest.bytes, ':', rest.length) != NULL) {
        return parse_address(text, 6, out);
    }
    return parse_address((struct text){text.bytes, (size_t)(colon - text.bytes)}, 4, out) &&
           parse_port(rest, &out->port);
}

/* A value without its quotes; escapes in it are nothing that we look for. */
static bool unquote(struct text *value) {
    if (value->length == 0 || value->bytes[0] != '"') {
        return value->length != 0 && memchr(value->bytes, '"', value->length) == NULL;
    }
    if (value->length < 2 || value->bytes[value->length - 1] != '"') {
        return false;
    }
    *value = (struct text){value->bytes + 1, value->length - 2};
    return memchr(value->bytes, '"', value->length) == NULL && memchr(value->bytes, '\\', value->length) == NULL;
}

/* Takes one name=value off an element. */
static bool cut_pair(struct text *element, struct text *name, struct text *value) {
    size_t at = 0;
    bool quoted = false;
    while (at < element->length && (quoted || element->bytes[at] != ';')) {
        quoted ^= element->bytes[at] == '"';
        at++;
    }
    struct text pair = {element->bytes, at};
    size_t used = at < element->length ? at + 1 : at;
    *element = (struct text){element->bytes + used, element->length - used};
    const uint8_t *equals = quoted ? NULL : memchr(pair.bytes, '=', pair.length);
    if (equals == NULL) {
        return false;
    }
    *name = trim((struct text){pair.bytes, (size_t)(equals - pair.bytes)});
    *value = trim((struct text){equals + 1, (size_t)(pair.bytes + pair.length - equals) - 1});
    return unquote(value);
}

/* The value of a name in an element; false if the element is malformed or has it twice or never. */
static bool find(struct text element, const char *wanted, struct text *found) {
    size_t count = 0;
    while (element.length != 0) {
        struct text name;
        struct text value;
        if (!cut_pair(&element, &name, &value)) {
            return false;
        }
        if (h1_equals_lower(name.bytes, name.length, wanted, strlen(wanted))) {
            *found = value;
            count++;
        }
    }
    return count == 1;
}

bool forwarded_walk(struct forwarded_walk *walk, const uint8_t *value, size_t length) {
    struct text list = {value, length};
    while (list.length != 0) {
        struct text entry = cut_last(&list);
        struct ring_endpoint named;
        if (walk->entries++ >= FORWARDED_ENTRIES) {
            return false;
        }
        if (entry.length == 0) {
            continue; /* RFC 9110 5.6.1.2: empty members are passed over */
        }
        if (walk->form == FORWARDED_PAIRS && !find(entry, "for", &entry)) {
            return false;
        }
        if (!parse_node(entry, &named)) {
            return false;
        }
        walk->client = named;
        if (!networks_contain(walk->trusted, &named)) {
            return false;
        }
    }
    return true;
}

bool forwarded_is_https(enum forwarded_form form, const uint8_t *value, size_t length) {
    struct text list = {value, length};
    struct text entry = cut_last(&list);
    if (form == FORWARDED_PAIRS && !find(entry, "proto", &entry)) {
        return false;
    }
    return H1_EQUALS(entry.bytes, entry.length, "https");
}
