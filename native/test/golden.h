/*
 * Golden files: readable cases, checked or rewritten. A file holds
 *
 *     # a comment, usually the clause that the cases below are about
 *     === name of the case
 *     limits line=64 fields=3            (optional; words that the test understands)
 *     > GET / HTTP/1.1\r\n               (input; the lines are joined, their own line ends do not count)
 *     > \r\n
 *     accepted ...                       (expectation, up to an empty line, a comment or the next case)
 *
 * Escapes in input: \r \n \t \\ \xHH, and \{300:ab} for 300 times "ab" (whose text may have escapes, but no "}").
 * With --rewrite the expectations become what the code does; the diff is then to be read.
 */
#ifndef GOLDEN_H
#define GOLDEN_H

#include <dirent.h>
#include <errno.h>

#include "test.h"

#define GOLDEN_ROOT "native/test/golden/"
#define GOLDEN_MAX_INPUT (1u << 20)

struct golden_case {
    const char *name;
    const char *limits; /* the words after "limits", or "" */
    const uint8_t *input;
    size_t length;
};

/* Runs one case and writes what happened, one fact per line, to `actual`. */
typedef void golden_function(const struct golden_case *one, FILE *actual);

static unsigned golden_cases;

static inline _Noreturn void golden_die(const char *path, const char *what) {
    fprintf(stderr, "%s: %s\n", path, what);
    exit(EXIT_FAILURE);
}

/* Appends the text with its escapes resolved; false if an escape is malformed or the input too long. */
static inline bool golden_decode(const char *text, size_t length, uint8_t *out, size_t *used) {
    for (size_t i = 0; i < length; i++) {
        char hex[3] = {0};

        if (*used == GOLDEN_MAX_INPUT)
            return false;
        if (text[i] != '\\') {
            out[(*used)++] = (uint8_t)text[i];
            continue;
        }
        if (++i == length)
            return false;
        switch (text[i]) {
        case 'r':
            out[(*used)++] = '\r';
            break;
        case 'n':
            out[(*used)++] = '\n';
            break;
        case 't':
            out[(*used)++] = '\t';
            break;
        case '\\':
            out[(*used)++] = '\\';
            break;
        case 'x':
            if (length - i < 3)
                return false;
            memcpy(hex, text + i + 1, 2);
            out[(*used)++] = (uint8_t)strtoul(hex, NULL, 16);
            i += 2;
            break;
        case '{': {
            char *colon;
            const char *close = memchr(text + i, '}', length - i);
            unsigned long times = strtoul(text + i + 1, &colon, 10);

            if (close == NULL || *colon != ':')
                return false;
            for (unsigned long k = 0; k < times; k++) {
                if (!golden_decode(colon + 1, (size_t)(close - colon - 1), out, used))
                    return false;
            }
            i = (size_t)(close - text);
            break;
        }
        default:
            return false;
        }
    }
    return true;
}

static inline char *golden_read_file(const char *path) {
    FILE *in = fopen(path, "rb");
    char *text = NULL;
    size_t capacity = 0;

    if (in == NULL)
        golden_die(path, strerror(errno));
    if (getdelim(&text, &capacity, '\0', in) < 0)
        golden_die(path, "is empty");
    fclose(in);
    return text;
}

/* One case, whose lines begin at *line; leaves *line behind it and writes the case to `rewritten`. */
static inline void golden_one(const char *path, char **line, golden_function *run, FILE *rewritten) {
    static uint8_t input[GOLDEN_MAX_INPUT];
    struct golden_case one = {.limits = "", .input = input};
    char *expected = NULL;
    char *actual = NULL;
    size_t expected_size = 0;
    size_t actual_size = 0;
    FILE *want = open_memstream(&expected, &expected_size);
    FILE *got = open_memstream(&actual, &actual_size);
    bool first = true;

    if (want == NULL || got == NULL)
        golden_die(path, "out of memory");
    for (char *next; *line != NULL; *line = next, first = false) {
        next = strchr(*line, '\n');
        if (next != NULL)
            *next = '\0';
        if (!first && (**line == '\0' || **line == '#' || strncmp(*line, "===", 3) == 0)) {
            if (next != NULL)
                *next = '\n'; /* it is the caller's */
            break;
        }
        if (next != NULL)
            next++;
        if (first) {
            one.name = *line + 4;
            fprintf(rewritten, "%s\n", *line);
        } else if (strncmp(*line, "limits ", 7) == 0) {
            one.limits = *line + 7;
            fprintf(rewritten, "%s\n", *line);
        } else if (**line == '>') {
            const char *text = *line + (strlen(*line) > 1 ? 2 : 1);

            fprintf(rewritten, "%s\n", *line);
            if (!golden_decode(text, strlen(text), input, &one.length))
                golden_die(path, *line);
        } else {
            fprintf(want, "%s\n", *line);
        }
    }
    run(&one, got);
    fclose(want);
    fclose(got);
    fwrite(actual, 1, actual_size, rewritten);
    golden_cases++;
    if (expected_size != actual_size || memcmp(expected, actual, actual_size) != 0) {
        test_fault(path, 0);
        fprintf(stderr, "%s\n--- expected\n%s--- got\n%s", one.name, expected, actual);
    }
    free(expected);
    free(actual);
}

static inline void golden_file(const char *path, golden_function *run, bool rewrite) {
    char *text = golden_read_file(path);
    char *line = text;
    char *rewritten = NULL;
    size_t rewritten_size = 0;
    FILE *out = open_memstream(&rewritten, &rewritten_size);

    if (out == NULL)
        golden_die(path, "out of memory");
    while (line != NULL && *line != '\0') {
        char *next;

        if (strncmp(line, "=== ", 4) == 0) {
            golden_one(path, &line, run, out);
            continue;
        }
        if (*line != '#' && *line != '\n')
            golden_die(path, "a line outside of any case is neither empty nor a comment");
        next = strchr(line, '\n');
        fwrite(line, 1, next != NULL ? (size_t)(next - line) + 1 : strlen(line), out);
        line = next != NULL ? next + 1 : NULL;
    }
    fclose(out);
    if (rewrite) {
        FILE *file = fopen(path, "wb");

        if (file == NULL || fwrite(rewritten, 1, rewritten_size, file) != rewritten_size || fclose(file) != 0)
            golden_die(path, strerror(errno));
        printf("%s: rewritten\n", path);
    }
    free(rewritten);
    free(text);
}

/* Runs every case of every .txt file in GOLDEN_ROOT/directory. The tests run from the top of the source tree. */
static inline void golden_directory(const char *directory, golden_function *run, bool rewrite) {
    char path[512];
    struct dirent **entries;
    int count;

    snprintf(path, sizeof(path), GOLDEN_ROOT "%s", directory);
    count = scandir(path, &entries, NULL, alphasort);
    if (count < 0)
        golden_die(path, strerror(errno));
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;

        if (strlen(name) > 4 && strcmp(name + strlen(name) - 4, ".txt") == 0) {
            snprintf(path, sizeof(path), GOLDEN_ROOT "%s/%s", directory, name);
            golden_file(path, run, rewrite);
        }
        free(entries[i]);
    }
    free(entries);
}

/* Writes a case as a seed of a fuzz target, under a name made from its bytes; long ones would only slow it down. */
static inline void golden_seed(const struct golden_case *one, const char *directory, const char *prefix,
                               size_t length) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    char path[512];
    FILE *out;

    if (one->length > 1024)
        return;
    for (size_t i = 0; i < length + one->length; i++)
        hash = (hash ^ (i < length ? (uint8_t)prefix[i] : one->input[i - length])) * UINT64_C(0x100000001b3);
    snprintf(path, sizeof(path), "%s/%016" PRIx64, directory, hash);
    out = fopen(path, "wb");
    if (out == NULL || fwrite(prefix, 1, length, out) != length ||
        fwrite(one->input, 1, one->length, out) != one->length || fclose(out) != 0)
        golden_die(path, strerror(errno));
}

/* The value of "name=" among the words of `limits`, or `otherwise`. */
static inline uint32_t golden_limit(const char *limits, const char *name, uint32_t otherwise) {
    size_t length = strlen(name);

    for (const char *at = limits; at != NULL && *at != '\0'; at = strchr(at, ' ')) {
        at += *at == ' ';
        if (strncmp(at, name, length) == 0 && at[length] == '=')
            return (uint32_t)strtoul(at + length + 1, NULL, 10);
    }
    return otherwise;
}

#endif
