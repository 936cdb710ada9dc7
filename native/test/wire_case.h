/*
 * The wire cases of test/wire/cases, whose format test/wire/doc.go describes. What is only for the page made from them (rules,
 * code, exceptions) is passed over here; the Go tests check it.
 */
#ifndef WIRE_CASE_H
#define WIRE_CASE_H

#include "golden.h"

#define WIRE_ROOT "test/wire/cases/"
#define WIRE_STEPS 64
#define WIRE_FIELDS 16

struct wire_text {
    const uint8_t *bytes;
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

typedef void wire_function(const struct wire_case *one);

/* Memory behind the texts of one case. */
static uint8_t wire_memory[4 * GOLDEN_MAX_INPUT];
static size_t wire_used;

static inline struct wire_text wire_decode(const struct wire_case *one, const char *text) {
    uint8_t *out = wire_memory + wire_used;
    size_t length = 0;

    if (wire_used + GOLDEN_MAX_INPUT > sizeof(wire_memory) || !golden_decode(text, strlen(text), out, &length)) {
        golden_die(one->name, text);
    }
    wire_used += length;
    return (struct wire_text){out, length};
}

/* More of a text that was decoded last. */
static inline struct wire_text wire_more(const struct wire_case *one, struct wire_text text, const char *more) {
    struct wire_text next = wire_decode(one, more);

    if (text.bytes != NULL && text.bytes + text.length != next.bytes) {
        golden_die(one->name, "lines of one text have to follow one another");
    }
    return text.bytes == NULL ? next : (struct wire_text){text.bytes, text.length + next.length};
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

/* Runs every case of a file; returns how many. */
static inline unsigned wire_file(const char *path, const char *name, wire_function *run) {
    static struct wire_case one;
    char *text = golden_read_file(path);
    unsigned count = 0;
    int number = 0;
    bool inside = false;

    for (char *line = text, *next; line != NULL; line = next) {
        number++;
        next = strchr(line, '\n');
        if (next != NULL) {
            *next++ = '\0';
        }
        if (*line == '\0' || *line == '#') {
            continue;
        }
        if (!inside && strncmp(line, "=== ", 4) == 0) {
            one = (struct wire_case){.file = name, .line = number, .name = line + 4, .flags = ""};
            wire_used = 0;
            inside = true;
        } else if (inside && wire_case_line(&one, line)) {
            inside = false;
            count++;
            run(&one);
        }
    }
    if (inside) {
        golden_die(path, "the last case has no fate");
    }
    free(text);
    return count;
}

/* Runs every case of every file; returns how many. The tests run from the top of the source tree. */
static inline unsigned wire_all(wire_function *run) {
    struct dirent **entries;
    char path[512];
    unsigned cases = 0;
    int count = scandir(WIRE_ROOT, &entries, NULL, alphasort);

    if (count < 0) {
        golden_die(WIRE_ROOT, strerror(errno));
    }
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;

        if (strlen(name) > 4 && strcmp(name + strlen(name) - 4, ".txt") == 0) {
            snprintf(path, sizeof(path), WIRE_ROOT "%s", name);
            cases += wire_file(path, name, run);
        }
        free(entries[i]);
    }
    free(entries);
    return cases;
}

#endif
