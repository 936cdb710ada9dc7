/*
 * The wire cases of test/wire/cases, whose format test/wire/doc.go describes. What is only for the page made from them (rules,
 * code, exceptions) is passed over here; the Go tests check it.
 */
#ifndef WIRE_CASE_H
#define WIRE_CASE_H

#include "golden.h"

#define WIRE_ROOT "test/wire/cases/"
#define WIRE_STEPS 16
#define WIRE_FIELDS 8
#define WIRE_FILES 64

struct wire_text {
    uint8_t *bytes;
    size_t length;
};

struct wire_field {
    const char *name;
    struct wire_text value;
    bool any; /* value */
};

enum wire_step_kind {
    WIRE_SEND,
    WIRE_ANSWER,
    WIRE_RAW, /* bytes that come behind a 101 */
    WIRE_HALF_CLOSE,
    WIRE_PAUSE
};

struct wire_step {
    enum wire_step_kind kind;
    struct wire_text send;
    int status;
    bool head; /* the answer is one to HEAD */
    struct wire_field has[WIRE_FIELDS], trailers[WIRE_FIELDS];
    const char *no[WIRE_FIELDS];
    unsigned has_count, trailer_count, no_count;
    const char *framing; /* NULL: any */
    struct wire_text phrase;
    bool check_phrase;
    struct wire_text body;
    bool check_body, starts;
};

enum wire_fate {
    WIRE_OPEN,
    WIRE_CLOSED,
    WIRE_ENDED,
    WIRE_CUT
};

struct wire_case {
    const char *file;
    int line;
    const char *name;
    const char *flags;
    bool only_go;
    bool whole;
    struct wire_step steps[WIRE_STEPS];
    unsigned step_count;
    enum wire_fate fate;
};

struct wire_book {
    struct wire_case *cases;
    unsigned count, capacity;
    char *files[WIRE_FILES]; /* names and texts, which the cases point into */
    unsigned file_count;
};

/* The text with more at its end, decoded. */
static inline struct wire_text wire_more(const struct wire_case *one, struct wire_text text, const char *more) {
    static uint8_t decoded[GOLDEN_MAX_INPUT];
    size_t length = 0;
    uint8_t *bytes = text.bytes;

    if (!golden_decode(more, strlen(more), decoded, &length) ||
        (bytes = realloc(bytes, text.length + length + 1)) == NULL)
        golden_die(one->name, more);
    memcpy(bytes + text.length, decoded, length);
    return (struct wire_text){bytes, text.length + length};
}

static inline struct wire_text wire_decode(const struct wire_case *one, const char *text) {
    return wire_more(one, (struct wire_text){NULL, 0}, text);
}

/* If the line begins with the word: what follows it and a space, else NULL. */
static inline const char *wire_after(const char *line, const char *word) {
    size_t length = strlen(word);

    if (strncmp(line, word, length) != 0 || (line[length] != ' ' && line[length] != '\0')) {
        return NULL;
    }
    return line + length + (line[length] == ' ');
}

static inline void wire_add_field(const struct wire_case *one, struct wire_field *fields, unsigned *count, char *rest) {
    char *colon = strstr(rest, ": ");

    if (*count == WIRE_FIELDS) {
        golden_die(one->name, "too many fields");
    }
    fields[*count] = (struct wire_field){.name = rest, .any = colon == NULL};
    if (colon != NULL) {
        *colon = '\0';
        fields[*count].value = wire_decode(one, colon + 2);
    }
    ++*count;
}

/* A line behind an answer. False: it is none. */
static inline bool wire_answer_line(const struct wire_case *one, struct wire_step *step, char *line) {
    const char *rest;

    if ((rest = wire_after(line, "has")) != NULL) {
        wire_add_field(one, step->has, &step->has_count, line + (rest - line));
    } else if ((rest = wire_after(line, "trailer")) != NULL) {
        wire_add_field(one, step->trailers, &step->trailer_count, line + (rest - line));
    } else if ((rest = wire_after(line, "phrase")) != NULL) {
        step->phrase = wire_decode(one, rest);
        step->check_phrase = true;
    } else if ((rest = wire_after(line, "no")) != NULL && step->no_count < WIRE_FIELDS) {
        step->no[step->no_count++] = rest;
    } else if ((rest = wire_after(line, "framing")) != NULL) {
        step->framing = rest;
    } else if ((rest = wire_after(line, "|")) != NULL || (rest = wire_after(line, "starts")) != NULL) {
        step->body = wire_more(one, step->body, rest);
        step->check_body = true;
        step->starts = *line == 's';
    } else {
        return false;
    }
    return true;
}

static inline struct wire_step *wire_add_step(struct wire_case *one, enum wire_step_kind kind) {
    if (one->step_count == WIRE_STEPS) {
        golden_die(one->name, "too many steps");
    }
    one->steps[one->step_count] = (struct wire_step){.kind = kind};
    return &one->steps[one->step_count++];
}

/* A line of a case. True after its last one. */
static inline bool wire_case_line(struct wire_case *one, char *line) {
    static const char *const fates[] = {"open", "closed", "ended", "cut"};
    struct wire_step *last = one->step_count != 0 ? &one->steps[one->step_count - 1] : NULL;
    const char *rest;

    for (unsigned i = 0; i < 4; i++) {
        if (strcmp(line, fates[i]) == 0 && last != NULL) {
            one->fate = (enum wire_fate)i;
            return true;
        }
    }
    if ((rest = wire_after(line, "flags")) != NULL) {
        one->flags = rest;
    } else if ((rest = wire_after(line, "only")) != NULL) {
        one->only_go = *rest == 'g';
    } else if (wire_after(line, "whole:") != NULL) {
        one->whole = true;
    } else if ((rest = wire_after(line, ">")) != NULL) {
        last = last != NULL && last->kind == WIRE_SEND ? last : wire_add_step(one, WIRE_SEND);
        last->send = wire_more(one, last->send, rest);
    } else if ((rest = wire_after(line, "=")) != NULL) {
        last = wire_add_step(one, WIRE_RAW);
        last->send = wire_more(one, last->send, rest);
    } else if (strcmp(line, "half-close") == 0) {
        wire_add_step(one, WIRE_HALF_CLOSE);
    } else if (strcmp(line, "pause") == 0) {
        wire_add_step(one, WIRE_PAUSE);
    } else if ((rest = wire_after(line, "<")) != NULL) {
        last = wire_add_step(one, WIRE_ANSWER);
        last->status = (int)strtol(rest, NULL, 10);
        last->head = strlen(rest) > 3 && strcmp(rest + 3, " to HEAD") == 0;
    } else if (last == NULL || last->kind != WIRE_ANSWER || !wire_answer_line(one, last, line)) {
        golden_die(one->name, line);
    }
    return false;
}

static inline struct wire_case *wire_add_case(struct wire_book *book) {
    if (book->count == book->capacity) {
        book->capacity = book->capacity * 2 + 64;
        book->cases = realloc(book->cases, book->capacity * sizeof(*book->cases));
        if (book->cases == NULL)
            golden_die(WIRE_ROOT, "out of memory");
    }
    return &book->cases[book->count++];
}

static inline void wire_read_file(struct wire_book *book, const char *path, const char *name) {
    char *text = golden_read_file(path);
    struct wire_case *one = NULL;
    int number = 0;

    book->files[book->file_count++] = text;
    for (char *line = text, *next; line != NULL; line = next) {
        number++;
        next = strchr(line, '\n');
        if (next != NULL)
            *next++ = '\0';
        if (*line == '\0' || *line == '#')
            continue;
        if (one == NULL && strncmp(line, "=== ", 4) == 0) {
            one = wire_add_case(book);
            *one = (struct wire_case){.file = name, .line = number, .name = line + 4, .flags = ""};
        } else if (one != NULL && wire_case_line(one, line)) {
            one = NULL;
        }
    }
    if (one != NULL)
        golden_die(path, "the last case has no fate");
}

/* Reads every case of every file. The tests run from the top of the source tree. */
static inline void wire_read(struct wire_book *book) {
    struct dirent **entries;
    char path[512];
    int count = scandir(WIRE_ROOT, &entries, NULL, alphasort);

    if (count < 0)
        golden_die(WIRE_ROOT, strerror(errno));
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;

        if (strlen(name) > 4 && strcmp(name + strlen(name) - 4, ".txt") == 0) {
            if (book->file_count + 2 > WIRE_FILES)
                golden_die(WIRE_ROOT, "too many files");
            book->files[book->file_count++] = strdup(name);
            snprintf(path, sizeof(path), WIRE_ROOT "%s", name);
            wire_read_file(book, path, book->files[book->file_count - 1]);
        }
        free(entries[i]);
    }
    free(entries);
}

static inline void wire_free(struct wire_book *book) {
    for (unsigned i = 0; i < book->count; i++) {
        for (unsigned k = 0; k < book->cases[i].step_count; k++) {
            struct wire_step *step = &book->cases[i].steps[k];

            for (unsigned f = 0; f < WIRE_FIELDS; f++) {
                free(step->has[f].value.bytes);
                free(step->trailers[f].value.bytes);
            }
            free(step->send.bytes);
            free(step->body.bytes);
            free(step->phrase.bytes);
        }
    }
    for (unsigned i = 0; i < book->file_count; i++)
        free(book->files[i]);
    free(book->cases);
}

#endif
