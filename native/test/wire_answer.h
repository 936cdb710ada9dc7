/* Answers as a strict client reads them, by the letter of RFC 9112 and with nothing of the code that wrote them. */
#ifndef WIRE_ANSWER_H
#define WIRE_ANSWER_H

#include <strings.h>

#include "wire_case.h"

#define WIRE_MAX_BODY (1u << 20)
#define WIRE_MAX_FIELDS 64

struct wire_line {
    const char *name;
    size_t name_length;
    const char *value;
    size_t value_length;
};

struct wire_answer {
    int status;
    const char *phrase;
    size_t phrase_length;
    struct wire_line fields[WIRE_MAX_FIELDS], trailers[WIRE_MAX_FIELDS];
    unsigned field_count, trailer_count;
    const char *framing;
    uint8_t body[WIRE_MAX_BODY];
    size_t body_length;
    const char *fault; /* what breaks HTTP */
};

struct wire_input {
    const char *bytes;
    size_t length;
    size_t at;
    bool ended; /* nothing more will come */
};

enum wire_read {
    WIRE_MALFORMED = -1,
    WIRE_MORE = 0,
    WIRE_DONE = 1
};

static inline enum wire_read wire_fault(struct wire_answer *answer, const char *fault) {
    answer->fault = fault;
    return WIRE_MALFORMED;
}

static inline bool wire_is_token(const char *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) {
        char c = bytes[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL)))
            return false;
    }
    return length != 0;
}

static inline bool wire_is_value(const char *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) {
        uint8_t c = (uint8_t)bytes[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

/* The next line without its CRLF. */
static inline enum wire_read wire_line(struct wire_answer *answer, struct wire_input *in, const char **line,
                                       size_t *length) {
    const char *start = in->bytes + in->at;
    const char *feed = memchr(start, '\n', in->length - in->at);

    if (feed == NULL)
        return WIRE_MORE;
    if (feed == start || feed[-1] != '\r')
        return wire_fault(answer, "a line end without CR");
    *line = start;
    *length = (size_t)(feed - start) - 1;
    in->at += *length + 2;
    return WIRE_DONE;
}

static inline enum wire_read wire_lines(struct wire_answer *answer, struct wire_input *in, struct wire_line *lines,
                                        unsigned *count) {
    for (;;) {
        const char *line = NULL;
        size_t length = 0;
        enum wire_read got = wire_line(answer, in, &line, &length);

        if (got != WIRE_DONE || length == 0)
            return got;

        const char *colon = memchr(line, ':', length);
        if (colon == NULL || !wire_is_token(line, (size_t)(colon - line)) || *count == WIRE_MAX_FIELDS)
            return wire_fault(answer, "a malformed field line");

        const char *value = colon + 1;
        const char *end = line + length;
        while (value < end && (*value == ' ' || *value == '\t'))
            value++;
        while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
            end--;
        if (!wire_is_value(value, (size_t)(end - value)))
            return wire_fault(answer, "a malformed field value");
        lines[(*count)++] = (struct wire_line){line, (size_t)(colon - line), value, (size_t)(end - value)};
    }
}

/* How many fields of a name there are; *found is the last. */
static inline unsigned wire_find(const struct wire_line *lines, unsigned count, const char *name,
                                 const struct wire_line **found) {
    unsigned n = 0;

    for (unsigned i = 0; i < count; i++) {
        if (lines[i].name_length == strlen(name) && strncasecmp(lines[i].name, name, lines[i].name_length) == 0) {
            *found = &lines[i];
            n++;
        }
    }
    return n;
}

static inline bool wire_number(const char *text, size_t length, unsigned base, size_t *number) {
    *number = 0;
    for (size_t i = 0; i < length; i++) {
        const char *digits = "0123456789abcdef";
        const char *digit = text[i] != '\0' ? strchr(digits, text[i]) : NULL;

        if (digit == NULL || (size_t)(digit - digits) >= base || *number > WIRE_MAX_BODY)
            return false;
        *number = *number * base + (size_t)(digit - digits);
    }
    return length != 0;
}

static inline enum wire_read wire_take(struct wire_answer *answer, struct wire_input *in, size_t want) {
    size_t there = in->length - in->at;
    size_t n = want < there ? want : there;

    if (answer->body_length + n > WIRE_MAX_BODY)
        return wire_fault(answer, "a body beyond the test's memory");
    memcpy(answer->body + answer->body_length, in->bytes + in->at, n);
    answer->body_length += n;
    in->at += n;
    return n == want ? WIRE_DONE : WIRE_MORE;
}

static inline enum wire_read wire_chunks(struct wire_answer *answer, struct wire_input *in) {
    for (;;) {
        const char *line = NULL;
        size_t length = 0;
        size_t size = 0;
        enum wire_read got = wire_line(answer, in, &line, &length);

        if (got != WIRE_DONE)
            return got;
        if (!wire_number(line, length, 16, &size))
            return wire_fault(answer, "a malformed chunk size");
        if (size == 0)
            return wire_lines(answer, in, answer->trailers, &answer->trailer_count);
        if ((got = wire_take(answer, in, size)) != WIRE_DONE ||
            (got = wire_line(answer, in, &line, &length)) != WIRE_DONE)
            return got;
        if (length != 0)
            return wire_fault(answer, "a chunk longer than its size");
    }
}

/* RFC 9112 6.3; whatever leaves a doubt is a fault. */
static inline enum wire_read wire_body(struct wire_answer *answer, struct wire_input *in, bool head) {
    const struct wire_line *length = NULL;
    const struct wire_line *coding = NULL;
    const struct wire_line *date = NULL;
    unsigned lengths = wire_find(answer->fields, answer->field_count, "Content-Length", &length);
    unsigned codings = wire_find(answer->fields, answer->field_count, "Transfer-Encoding", &coding);
    unsigned dates = wire_find(answer->fields, answer->field_count, "Date", &date);
    bool interim = answer->status < 200;
    size_t size = 0;

    if (lengths + codings > 1 || ((interim || answer->status == 204) && lengths + codings > 0))
        return wire_fault(answer, "Content-Length or Transfer-Encoding where there is none, or too many");
    if (dates > 1 || (!interim && dates == 0))
        return wire_fault(answer, "no Date, or several");
    if (codings == 1 && (coding->value_length != 7 || memcmp(coding->value, "chunked", 7) != 0))
        return wire_fault(answer, "a Transfer-Encoding that is not chunked");
    if (lengths == 1 && !wire_number(length->value, length->value_length, 10, &size))
        return wire_fault(answer, "a malformed Content-Length");
    if (head || interim || answer->status == 204 || answer->status == 304) {
        answer->framing = "none";
        return WIRE_DONE;
    }
    if (codings == 1) {
        answer->framing = "chunked";
        return wire_chunks(answer, in);
    }
    if (lengths == 1) {
        answer->framing = "length";
        return wire_take(answer, in, size);
    }
    answer->framing = "close";
    (void)wire_take(answer, in, in->length - in->at);
    return in->ended ? WIRE_DONE : WIRE_MORE;
}

/* Reads the next answer. After WIRE_MORE `answer` has what has come of it. */
static inline enum wire_read wire_read_answer(struct wire_answer *answer, struct wire_input *in, bool head) {
    const char *line = NULL;
    size_t length = 0;
    size_t status = 0;
    enum wire_read got;

    answer->status = 0;
    answer->field_count = answer->trailer_count = 0;
    answer->framing = "";
    answer->body_length = 0;
    answer->fault = NULL;
    if ((got = wire_line(answer, in, &line, &length)) != WIRE_DONE)
        return got;
    /* RFC 9112 4: status-line = HTTP-version SP status-code SP [ reason-phrase ] */
    if (length < 13 || memcmp(line, "HTTP/1.1 ", 9) != 0 || !wire_number(line + 9, 3, 10, &status) || status < 100 ||
        line[12] != ' ' || !wire_is_value(line + 13, length - 13))
        return wire_fault(answer, "a malformed status line");
    answer->status = (int)status;
    answer->phrase = line + 13;
    answer->phrase_length = length - 13;
    if ((got = wire_lines(answer, in, answer->fields, &answer->field_count)) != WIRE_DONE)
        return got;
    return wire_body(answer, in, head);
}

static inline bool wire_has(const struct wire_line *lines, unsigned count, const struct wire_field *want) {
    const struct wire_line *found = NULL;

    return wire_find(lines, count, want->name, &found) == 1 &&
           (want->any || (found->value_length == want->value.length &&
                          memcmp(found->value, want->value.bytes, want->value.length) == 0));
}

/* What differs from the expectation, or NULL. */
static inline const char *wire_differs(const struct wire_step *want, const struct wire_answer *got) {
    const struct wire_line *found = NULL;

    if (got->status != want->status)
        return "the status differs";
    if (want->check_phrase &&
        (got->phrase_length != want->phrase.length ||
         (want->phrase.length != 0 && memcmp(got->phrase, want->phrase.bytes, want->phrase.length) != 0)))
        return "the phrase differs";
    for (unsigned i = 0; i < want->has_count; i++) {
        if (!wire_has(got->fields, got->field_count, &want->has[i]))
            return want->has[i].name;
    }
    for (unsigned i = 0; i < want->trailer_count; i++) {
        if (!wire_has(got->trailers, got->trailer_count, &want->trailers[i]))
            return want->trailers[i].name;
    }
    for (unsigned i = 0; i < want->no_count; i++) {
        if (wire_find(got->fields, got->field_count, want->no[i], &found) != 0)
            return want->no[i];
    }
    if (want->framing != NULL && strcmp(want->framing, got->framing) != 0)
        return "the framing differs";
    if (want->check_body &&
        (got->body_length < want->body.length || (!want->starts && got->body_length != want->body.length) ||
         (want->body.length != 0 && memcmp(got->body, want->body.bytes, want->body.length) != 0)))
        return "the body differs";
    return NULL;
}

#endif
