#include "static_accept.h"

#include <string.h>

#define UNSET (-1)

struct wishes {
    int q[STATIC_CODINGS]; /* thousandths */
    int others;
};

static uint8_t lower(uint8_t byte) {
    return byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
}

static bool equals(struct static_text text, const char *word) {
    bool same = strlen(word) == text.length;
    for (uint32_t i = 0; same && i < text.length; i++) {
        same = lower(text.bytes[i]) == (uint8_t)word[i];
    }
    return same;
}

static struct static_text trim(struct static_text text) {
    while (text.length != 0 && (text.bytes[0] == ' ' || text.bytes[0] == '\t')) {
        text.bytes++;
        text.length--;
    }
    while (text.length != 0 && (text.bytes[text.length - 1] == ' ' || text.bytes[text.length - 1] == '\t')) {
        text.length--;
    }
    return text;
}

/* Cuts off what comes before the first `mark`; all of it if there is none. */
static struct static_text cut(struct static_text *rest, char mark) {
    const uint8_t *found = rest->length != 0 ? memchr(rest->bytes, mark, rest->length) : NULL;
    uint32_t length = found != NULL ? (uint32_t)(found - rest->bytes) : rest->length;
    struct static_text piece = {rest->bytes, length};
    uint32_t skip = found != NULL ? length + 1 : length;
    rest->bytes += skip;
    rest->length -= skip;
    return trim(piece);
}

/* qvalue (RFC 9110 12.4.2) in thousandths; -1 if it is none. */
static int qvalue(struct static_text text) {
    if (text.length == 0 || text.length > 5 || (text.bytes[0] != '0' && text.bytes[0] != '1') ||
        (text.length > 1 && text.bytes[1] != '.')) {
        return -1;
    }
    int q = (text.bytes[0] - '0') * 1000;
    int unit = 100;
    for (uint32_t i = 2; i < text.length; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9') {
            return -1;
        }
        q += (text.bytes[i] - '0') * unit;
        unit /= 10;
    }
    return q <= 1000 ? q : -1;
}

/* Notes a member; a malformed one is passed over, and of several for one coding the first counts. */
static void note(struct wishes *wishes, struct static_text member) {
    struct static_text coding = cut(&member, ';');
    int q = 1000;
    if (member.length != 0) {
        struct static_text key = cut(&member, '=');
        q = equals(key, "q") ? qvalue(trim(member)) : -1;
    }
    int *wish = NULL;
    if (equals(coding, "br")) {
        wish = &wishes->q[STATIC_BR];
    } else if (equals(coding, "gzip") || equals(coding, "x-gzip")) { /* RFC 9110 8.4.1.3 */
        wish = &wishes->q[STATIC_GZIP];
    } else if (equals(coding, "identity")) {
        wish = &wishes->q[STATIC_IDENTITY];
    } else if (equals(coding, "*")) {
        wish = &wishes->others;
    }
    if (wish != NULL && q >= 0 && *wish == UNSET) {
        *wish = q;
    }
}

enum static_coding static_accept(struct static_text field, bool present, const bool available[STATIC_CODINGS]) {
    struct wishes wishes = {{UNSET, UNSET, UNSET}, UNSET};
    if (!present) {
        return STATIC_IDENTITY; /* anything would do; this is what every client understands */
    }
    while (field.length != 0) {
        note(&wishes, cut(&field, ','));
    }
    for (int i = 0; i < STATIC_CODINGS; i++) {
        if (wishes.q[i] == UNSET) {
            wishes.q[i] = wishes.others;
        }
    }
    /* Not named, identity is acceptable all the same, and worth less than what was. */
    enum static_coding best = wishes.q[STATIC_IDENTITY] != 0 ? STATIC_IDENTITY : STATIC_NOT_ACCEPTABLE;
    int highest = wishes.q[STATIC_IDENTITY] > 1 ? wishes.q[STATIC_IDENTITY] : 1;
    for (enum static_coding i = STATIC_GZIP; i < STATIC_CODINGS; i++) {
        if (available[i] && wishes.q[i] >= highest) {
            best = i;
            highest = wishes.q[i];
        }
    }
    return best;
}
