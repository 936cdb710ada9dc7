/*
 * Chunked bodies. The first two bytes choose limits and cuts, the rest is what a client sends.
 * Links: h1_chunked.c h1_trailers.c h1_fields.c h1_target.c h1_parser.c h1_connection.c h1_names.c h1_chars.c
 */
#include "fuzz.h"
#include "h1_chunked.h"
#include "ring_names.h"

#define MAX_TRAILER 256u
#define MAX_FIELDS 8u

struct outcome {
    int64_t status;
    uint16_t reason;
    uint8_t state;
    size_t consumed;
    uint64_t data_hash; /* of all data, FNV-1a */
    size_t data_length;
    uint32_t trailer_length;
    uint8_t trailers[MAX_TRAILER];
};

static void feed(struct outcome *outcome, const uint8_t *input, size_t length, const struct h1_chunked_limits *limits,
                 uint32_t cut, size_t most) {
    struct h1_chunked chunked = {0};
    uint8_t *trailers = fuzz_copy(input, 0);

    trailers = realloc(trailers, limits->trailer_bytes + 2);
    HOLDS(trailers != NULL);
    memset(outcome, 0, sizeof(*outcome));
    outcome->data_hash = UINT64_C(0xcbf29ce484222325);
    while (outcome->consumed < length && chunked.state != H1_CHUNK_DONE) {
        size_t step = most == 0 ? length : fuzz_step(&cut, most);
        size_t given = step < length - outcome->consumed ? step : length - outcome->consumed;
        uint8_t *bytes = fuzz_copy(input + outcome->consumed, given);
        const uint8_t *data;
        size_t data_length;
        int64_t used = h1_chunked_decode(&chunked, bytes, given, limits, trailers, &data, &data_length);

        if (used < 0) {
            free(bytes);
            outcome->status = used;
            outcome->reason = chunked.reason;
            outcome->consumed = 0;
            break;
        }
        HOLDS(used > 0 && (size_t)used <= given);
        HOLDS(data >= bytes && data_length <= (size_t)used && (size_t)(data - bytes) + data_length <= (size_t)used);
        for (size_t i = 0; i < data_length; i++)
            outcome->data_hash = (outcome->data_hash ^ data[i]) * UINT64_C(0x100000001b3);
        outcome->data_length += data_length;
        outcome->consumed += (size_t)used;
        free(bytes);
    }
    HOLDS(chunked.extension_bytes <= limits->extension_bytes);
    HOLDS(chunked.chunk_left <= INT64_MAX);
    outcome->state = chunked.state;
    if (chunked.state == H1_CHUNK_DONE) {
        HOLDS(chunked.trailer_length <= limits->trailer_bytes);
        outcome->trailer_length = chunked.trailer_length;
        memcpy(outcome->trailers, trailers, chunked.trailer_length);
    }
    free(trailers);
}

static void check_trailers(const uint8_t *collected, uint32_t length, uint32_t most) {
    struct ring_field fields[MAX_FIELDS];
    uint8_t *bytes = fuzz_copy(collected, length);
    uint16_t reason;
    int count = h1_parse_trailers(bytes, length, most, fields, &reason);

    HOLDS(count <= (int)most);
    HOLDS(count >= 0 || count == -400 || count == -431);
    HOLDS((count < 0) == (reason != H1_REASON_NONE));
    for (int i = 0; i < count; i++) {
        const struct ring_field *field = &fields[i];

        HOLDS(field->name_offset <= length && field->name_length <= length - field->name_offset);
        HOLDS(field->value_offset <= length && field->value_length <= length - field->value_offset);
        HOLDS(h1_is_token(bytes + field->name_offset, field->name_length));
        HOLDS(h1_is_field_value(bytes + field->value_offset, field->value_length));
        HOLDS(memchr(bytes + field->name_offset, '_', field->name_length) == NULL);
        HOLDS(field->id == h1_name_id(bytes + field->name_offset, field->name_length));
        HOLDS(field->id != RING_NAME_HOST && field->id != RING_NAME_CONTENT_LENGTH);
        HOLDS(field->id != RING_NAME_TRANSFER_ENCODING && field->id != RING_NAME_CONNECTION);
        HOLDS(field->id != RING_NAME_AUTHORIZATION && field->id != RING_NAME_COOKIE);
        HOLDS(field->id != RING_NAME_X_FORWARDED_FOR && field->id != RING_NAME_FORWARDED);
    }
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct outcome whole;
    static struct outcome parts;
    struct h1_chunked_limits limits = {
        .extension_bytes = 64, .trailer_bytes = MAX_TRAILER, .trailer_fields = MAX_FIELDS};

    if (size < 2)
        return 0;
    if ((data[0] & 1) != 0)
        limits = (struct h1_chunked_limits){.extension_bytes = 4, .trailer_bytes = 16, .trailer_fields = 2};
    feed(&whole, data + 2, size - 2, &limits, 0, 0);
    feed(&parts, data + 2, size - 2, &limits, data[1], (size_t)1 << (data[0] >> 2 & 7));
    HOLDS(memcmp(&whole, &parts, sizeof(whole)) == 0);
    HOLDS(whole.status == 0 || whole.status == -400 || whole.status == -431);
    HOLDS((whole.status == 0) == (whole.reason == H1_REASON_NONE));
    if (whole.state == H1_CHUNK_DONE) {
        HOLDS(whole.consumed >= 5);
        check_trailers(whole.trailers, whole.trailer_length, limits.trailer_fields);
    }
    check_trailers(data + 2, size - 2 < 512 ? (uint32_t)(size - 2) : 512, limits.trailer_fields);
    return 0;
}
