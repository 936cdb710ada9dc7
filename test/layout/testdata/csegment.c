/*
 * The gateway's side of the golden segments: plays a fixed script with the real lane ends and writes the segments to files.
 *
 *   csegment DIRECTORY requests   publishes requests into fresh segments
 *   csegment DIRECTORY answers    does the same, takes DIRECTORY/outbound as the worker left it, prints what it receives
 *
 * Both end by writing DIRECTORY/inbound and DIRECTORY/outbound.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "h1_parser.h"
#include "lane.h"
#include "request_block.h"
#include "ring_names.h"

#define LANES 2u
#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition);                                                    \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

static struct lane lanes[LANES];
static struct ring_geometry geometry = {.lanes = LANES, .ring_slots = 64, .exchange_slots = 4, .arena_units = 64};
static uint8_t *inbound;
static uint8_t *outbound;
static char names[8][8]; /* what an exchange points to */

static void write_header(uint8_t *memory, uint32_t kind, uint64_t size) {
    struct ring_segment_header header = {
        .magic = RING_MAGIC,
        .layout_version = RING_LAYOUT_VERSION,
        .kind = kind,
        .segment_size = size,
        .features = RING_FEATURES,
        .lane_count = geometry.lanes,
        .ring_slots = geometry.ring_slots,
        .exchange_slots = geometry.exchange_slots,
        .arena_units = geometry.arena_units,
        .worker_id = 7,
    };
    memcpy(memory, &header, sizeof(header));
}

static struct ring_endpoint endpoint4(uint8_t last, uint16_t port) {
    return (struct ring_endpoint){.family = 4, .port = port, .address = {192, 0, 2, last}};
}

/* Publishes a request as a protocol would: parsed text, then as much of the body as is given. */
static uint32_t publish(struct lane *lane, char *name, const char *text, uint32_t first, uint8_t flags, uint8_t attempt,
                        struct ring_endpoint remote, uint64_t time_ns) {
    static struct h1_request request;
    struct h1_parser parser = {0};
    struct h1_limits limits = {.line_bytes = 1024, .head_bytes = 4096, .fields = 16};
    int head = h1_parse_request(&parser, (const uint8_t *)text, strlen(text), &limits, &request);
    CHECK(head > 0 && (size_t)head == strlen(text));
    struct request_view view = {
        .bytes = (const uint8_t *)text,
        .bytes_length = (uint32_t)head,
        .fields = request.fields,
        .head =
            {
                .header_count = (uint16_t)request.field_count,
                .method = (uint8_t)request.method,
                .version = request.version,
                .body_kind = request.body_kind,
                .flags = (uint8_t)((request.expect_continue ? RING_REQUEST_EXPECT_CONTINUE : 0u) |
                                   (request.keep_alive ? 0u : RING_REQUEST_CLOSE)),
                .attempt = attempt,
                .content_length = request.content_length,
                .method_name = request.method_name,
                .target = request.target,
                .path = request.path,
                .query = request.query,
                .authority = request.authority,
                .remote = remote,
                .local = endpoint4(1, 8080),
            },
    };
    uint32_t size = request_block_size(&view);
    uint32_t slot = 0;
    uint32_t block = 0;
    uint8_t *memory = NULL;
    CHECK(lane_begin(lane, size + first, &slot, &block, &memory) == 0);
    request_block_write(&view, memory);
    for (uint32_t i = 0; i < first; i++) {
        memory[size + i] = (uint8_t)('a' + i % 26);
    }
    lane_publish_request(lane, slot, name, block, size, first, flags, request.content_length, time_ns);
    return slot;
}

static void publish_body(struct lane *lane, uint32_t slot, uint32_t length, uint8_t flags) {
    uint8_t *memory = NULL;
    uint32_t block = lane_reserve_body(lane, slot, length, &memory);
    CHECK(block != RING_NO_BLOCK && block_size(block) >= length);
    for (uint32_t i = 0; i < length; i++) {
        memory[i] = (uint8_t)('A' + i % 26);
    }
    lane_publish_body(lane, slot, block, length, flags);
}

static void play_requests(void) {
    struct lane *lane = &lanes[0];
    publish(lane, names[0], "GET /hello?name=w%20x HTTP/1.1\r\nHost: example.test\r\nUser-Agent: golden/1\r\nX-Own: yes\r\n\r\n", 0,
            RING_FLAG_END, 0, endpoint4(7, 4711), 1000001);

    uint32_t slot = publish(lane, names[1], "POST /upload HTTP/1.1\r\nhost: [::1]:80\r\nContent-Length: 3000\r\nExpect: 100-continue\r\n\r\n", 5,
                            0, 0, endpoint4(8, 65535), 1000002);
    publish_body(lane, slot, 2000, 0);
    publish_body(lane, slot, 995, RING_FLAG_END);

    slot = publish(lane, names[2], "PUT /t HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n", 0, 0, 0,
                   (struct ring_endpoint){0}, 0);
    publish_body(lane, slot, 10, 0);
    uint8_t list[sizeof(struct ring_list_entry) + 6];
    struct ring_list_entry entry = {.id = RING_NAME_OTHER, .name_length = 5, .value_length = 1};
    memcpy(list, &entry, sizeof(entry));
    memcpy(list + sizeof(entry), "X-Sum1", 6);
    CHECK(lane_publish_trailers(lane, slot, list, sizeof(list)));
    lane_cancel(lane, slot, RING_CANCEL_HALF_CLOSED);

    slot = publish(lane, names[3], "OPTIONS * HTTP/1.0\r\nHost: t\r\n\r\n", 0, RING_FLAG_END, 0, endpoint4(9, 1), 1000003);
    CHECK(lane_retract(lane, slot, RING_CANCEL_DEADLINE));
    lane_forget(lane, slot);

    struct ring_endpoint six = {.family = 6, .port = 50000, .address = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}};
    publish(&lanes[1], names[4], "BREW http://pot.test:8081/tea?x HTTP/1.1\r\nHost: pot.test:8081\r\nCookie: a=1\r\nCookie: b=2\r\n\r\n", 0,
            RING_FLAG_END | RING_FLAG_RETRY, 1, six, UINT64_C(0x123456789abcdef0));
    CHECK(!lane_arm(&lanes[1], true));
}

static void print_list(const struct lane_bytes *list) {
    uint32_t at = 0;
    while (at < list->length) {
        struct ring_list_entry entry;
        CHECK(list->length - at >= sizeof(entry));
        memcpy(&entry, list->data + at, sizeof(entry));
        at += (uint32_t)sizeof(entry);
        CHECK(list->length - at >= entry.name_length + entry.value_length);
        printf("  field id %u \"%.*s\": \"%.*s\"\n", entry.id, (int)entry.name_length, (const char *)list->data + at,
               (int)entry.value_length, (const char *)list->data + at + entry.name_length);
        at += entry.name_length + entry.value_length;
    }
}

static void on_message(struct lane *lane, void *exchange, const struct lane_message *message) {
    printf("lane %u exchange %s: kind %u flags %u status %u slot %u total %lld\n", lane->params.index, (const char *)exchange,
           message->kind, message->flags, message->status, message->slot, (long long)message->total);
    print_list(&message->head);
    if (message->body.block != RING_NO_BLOCK) {
        uint32_t sum = 2166136261u; /* FNV-1a */
        for (uint32_t i = 0; i < message->body.length; i++) {
            sum = (sum ^ message->body.data[i]) * 16777619u;
        }
        printf("  body of %u bytes, FNV-1a %08x, starts \"%.*s\"\n", message->body.length, sum, message->body.length < 16 ? (int)message->body.length : 16,
               (const char *)message->body.data);
    }
    if (message->head.block != RING_NO_BLOCK && message->head.block != message->body.block) {
        lane_give_back(lane, message->head.block);
    }
    if (message->body.block != RING_NO_BLOCK) {
        lane_give_back(lane, message->body.block);
    }
}

static void on_resume(struct lane *lane, void *exchange) {
    printf("lane %u exchange %s: resume\n", lane->params.index, (const char *)exchange);
}

static void play_answers(void) {
    for (uint32_t i = 0; i < LANES; i++) {
        struct lane *lane = &lanes[i];
        uint32_t handled = lane_poll(lane, 64);
        if (lane->broken) {
            printf("broken: %s, %llu, limit %llu\n", lane->broken_reason, (unsigned long long)lane->broken_value,
                   (unsigned long long)lane->broken_limit);
        }
        for (uint32_t slot = 0; slot < geometry.exchange_slots; slot++) {
            if (lane->slots[slot].state == LANE_SLOT_ENDED) {
                lane_forget(lane, slot);
            }
        }
        lane_poll(lane, 64);
        printf("lane %u: %u events handled, %u slots free, %u units lent, %u blocks held, %llu acknowledged\n", i, handled,
               lane->free_count, lane->arena.units_used, lane->held_blocks, (unsigned long long)lane->in_head);
        lane_wake(lane);
    }
}

static FILE *open_file(const char *directory, const char *name, const char *mode) {
    char path[4096];
    CHECK(snprintf(path, sizeof(path), "%s/%s", directory, name) < (int)sizeof(path));
    FILE *file = fopen(path, mode);
    CHECK(file != NULL);
    return file;
}

static void save(const char *directory, const char *name, const uint8_t *memory, uint64_t size) {
    FILE *file = open_file(directory, name, "wb");
    CHECK(fwrite(memory, 1, size, file) == size);
    CHECK(fclose(file) == 0);
}

int main(int argc, char **argv) {
    static const struct lane_calls calls = {.message = on_message, .resume = on_resume};
    CHECK(argc == 3);
    CHECK(ring_geometry_init(&geometry) == 0);
    inbound = aligned_alloc(RING_PAGE, geometry.inbound_size);
    outbound = aligned_alloc(RING_PAGE, geometry.outbound_size);
    CHECK(inbound != NULL && outbound != NULL);
    memset(inbound, 0, geometry.inbound_size);
    memset(outbound, 0, geometry.outbound_size);
    write_header(inbound, RING_KIND_INBOUND, geometry.inbound_size);
    write_header(outbound, RING_KIND_OUTBOUND, geometry.outbound_size);
    for (uint32_t i = 0; i < 8; i++) {
        snprintf(names[i], sizeof(names[i]), "%c", (char)('A' + (char)i));
    }
    for (uint32_t i = 0; i < LANES; i++) {
        struct lane_params params = {
            .worker = 7, .index = i, .geometry = geometry, .inbound = inbound, .outbound = outbound, .socket = -1, .calls = &calls};
        CHECK(lane_open(&lanes[i], &params) == 0);
    }
    play_requests();
    if (strcmp(argv[2], "answers") == 0) {
        FILE *file = open_file(argv[1], "outbound", "rb");
        CHECK(fread(outbound, 1, geometry.outbound_size, file) == geometry.outbound_size);
        CHECK(fclose(file) == 0);
        play_answers();
    }
    save(argv[1], "inbound", inbound, geometry.inbound_size);
    save(argv[1], "outbound", outbound, geometry.outbound_size);
    for (uint32_t i = 0; i < LANES; i++) {
        lane_close(&lanes[i]);
    }
    free(inbound);
    free(outbound);
    return 0;
}
