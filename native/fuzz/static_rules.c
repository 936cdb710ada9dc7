/*
 * What clients say of static files: the first byte chooses the rule, the rest is a path or a field value.
 * Links: static_path.c static_date.c static_condition.c static_range.c static_accept.c
 */
#include "fuzz.h"
#include "static_accept.h"
#include "static_date.h"
#include "static_path.h"
#include "static_range.h"

#define TAG "\"5-a\""
#define NOW INT64_C(1700000000)

/* No name leads elsewhere: no empty or dot segment, nothing hidden, no control character. */
static void path(const uint8_t *bytes, uint32_t length, bool top) {
    char *out = malloc((size_t)length + 1);
    bool directory = false;
    HOLDS(out != NULL);
    if (length != 0 && bytes[0] != '/') {
        free(out); /* a prefix ends before a "/" */
        return;
    }
    int rc = static_path_decode(bytes, length, top, out, &directory);
    HOLDS(rc == 0 || rc == -400 || rc == -404);
    if (rc != 0) {
        free(out);
        return;
    }
    size_t filled = strlen(out);
    HOLDS(filled <= length);
    for (size_t i = 0; i < filled; i++) {
        bool first = i == 0 || out[i - 1] == '/';
        HOLDS((uint8_t)out[i] >= 0x20 && out[i] != 0x7f && out[i] != '\\');
        HOLDS(!first || out[i] != '/');
        HOLDS(!first || out[i] != '.' || (i == 0 && top && strncmp(out, ".well-known", 11) == 0));
    }
    HOLDS(filled == 0 || (out[filled - 1] == '/') == directory);
    (void)static_path_extension(out);
    free(out);
}

/* Ranges lie inside, do not touch, and cost less than the whole. */
static void range(struct static_text text, uint64_t size) {
    struct static_ranges ranges;
    int status = static_range(text, size, &ranges);
    HOLDS(status == 200 || status == 206 || status == 416);
    HOLDS(status != 206 || (ranges.count >= 1 && ranges.count <= STATIC_RANGES));
    uint64_t sum = 0;
    for (uint32_t i = 0; status == 206 && i < ranges.count; i++) {
        const struct static_range *a = &ranges.range[i];
        HOLDS(a->length != 0 && a->length <= size && a->first <= size - a->length);
        for (uint32_t k = 0; k < i; k++) {
            const struct static_range *b = &ranges.range[k];
            HOLDS(a->first > b->first + b->length + STATIC_RANGE_GAP ||
                  b->first > a->first + a->length + STATIC_RANGE_GAP);
        }
        sum += a->length;
    }
    HOLDS(status != 206 || sum <= size);
}

static void condition(struct static_text text) {
    const struct static_validators validators = {TAG, sizeof(TAG) - 1, 784111777, NOW};
    int status = static_condition(&(struct static_conditions){.if_match = text}, &validators);
    HOLDS(status == 200 || status == 412);
    status = static_condition(&(struct static_conditions){.if_none_match = text}, &validators);
    HOLDS(status == 200 || status == 304);
    (void)static_condition(&(struct static_conditions){.if_modified_since = text}, &validators);
    (void)static_condition(&(struct static_conditions){.if_unmodified_since = text}, &validators);
    (void)static_condition_range(&(struct static_conditions){.if_range = text}, &validators);
}

/* What is a date is one, too, when written anew. */
static void date(struct static_text text) {
    int64_t seconds = 0;
    int64_t again = 0;
    char out[STATIC_DATE_LENGTH + 1];
    if (!static_date_parse(text.bytes, text.length, NOW, &seconds) || seconds < 0 || seconds > INT64_C(253402300799)) {
        return;
    }
    static_date_format(seconds, out);
    HOLDS(static_date_parse((const uint8_t *)out, STATIC_DATE_LENGTH, NOW, &again) && again == seconds);
}

static void coding(struct static_text text, uint8_t have) {
    const bool available[STATIC_CODINGS] = {true, (have & 1) != 0, (have & 2) != 0};
    enum static_coding chosen = static_accept(text, true, available);
    HOLDS(chosen == STATIC_NOT_ACCEPTABLE || available[chosen]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint64_t sizes[] = {0, 1, 1000, 1 << 20, INT64_MAX};
    if (size == 0) {
        return 0;
    }
    uint8_t *copy = fuzz_copy(data + 1, size - 1);
    struct static_text text = {copy, (uint32_t)(size - 1)};
    switch (data[0] % 5) {
    case 0:
        path(copy, text.length, (data[0] & 0x80) != 0);
        break;
    case 1:
        range(text, sizes[data[0] / 5 % 5]);
        break;
    case 2:
        condition(text);
        break;
    case 3:
        date(text);
        break;
    default:
        coding(text, data[0] / 5);
        break;
    }
    free(copy);
    return 0;
}
