/*
 * The shared memory between the gateway and one worker: the one declaration of its layout.
 *
 * A worker has two segments (memfd files). `inbound` is written by the gateway and is read-only for the worker;
 * `outbound` is written by both. Each starts with a struct ring_segment_header, followed by one lane part per loop:
 *
 *   inbound segment                                      outbound segment
 *   +----------------------------+ 0                     +----------------------------+ 0
 *   | ring_segment_header  4096  |                       | ring_segment_header  4096  |
 *   +----------------------------+ 4096                  +----------------------------+ 4096
 *   | lane 0                     |                       | lane 0                     |
 *   |  +0     ring_inbound_words |                       |  +0     ring_outbound_words|
 *   |  +1024  events   S * 64    |                       |  +1024  claims   E * 64    |
 *   |         returns  R * 4     |                       |         events   S * 64    |
 *   |         (pad to 4096)      |                       |         returns  R * 4     |
 *   |         arena    U * 1024  |                       |         (pad to 4096)      |
 *   +----------------------------+ +inbound_stride       |         arena    U * 1024  |
 *   | lane 1 ...                 |                       +----------------------------+ +outbound_stride
 *
 *   S = ring_slots (power of two, >= 4 * E)    E = exchange_slots (power of two)
 *   U = arena_units (multiple of 64)           R = smallest power of two >= U
 *
 * Every index word counts from zero and never wraps (64 bits); the slot of index i is i & (slots - 1).
 * Inequalities that hold between honest peers (the gateway checks them, and ends a worker that breaks one):
 *
 *   in_head         <= in_tail          <= in_head         + S      in_tail: gateway,         in_head: worker
 *   out_head        <= out_tail         <= out_head        + S      out_tail: worker,         out_head: gateway
 *   in_return_head  <= in_return_tail   <= in_return_head  + R      in_return_tail: worker,   in_return_head: gateway
 *   out_return_head <= out_return_tail  <= out_return_head + R      out_return_tail: gateway, out_return_head: worker
 *
 * All integers are little-endian. Go mirrors this file in ring/layout.go; a test compares both by debug information.
 */
#ifndef RING_LAYOUT_H
#define RING_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#define RING_MAGIC UINT64_C(0x31594157474e4952) /* the bytes "RINGWAY1" */
#define RING_LAYOUT_VERSION 2u
#define RING_FEATURES UINT64_C(0) /* bits a peer must know; none are defined yet */

#define RING_KIND_INBOUND 1u
#define RING_KIND_OUTBOUND 2u

#define RING_PAGE 4096u
#define RING_UNIT 1024u      /* bytes; the smallest block */
#define RING_CHUNK_UNITS 64u /* units in a chunk; a block never crosses a chunk */
#define RING_MAX_ORDER 6u    /* the largest block is RING_UNIT << 6 = 64 KiB */
#define RING_MAX_BLOCK (RING_UNIT << RING_MAX_ORDER)
#define RING_NO_BLOCK UINT32_MAX
#define RING_WORDS_SIZE 1024u /* bytes before the first array of a lane part */
#define RING_CLAIM_STRIDE 64u
#define RING_LENGTH_UNKNOWN UINT64_MAX

#define RING_MAX_LANES 64u
#define RING_MAX_EXCHANGES 16384u
#define RING_MAX_ARENA_UNITS 262144u /* 256 MiB per lane and direction */

#define RING_LANE_FILES 128u /* descriptors of a lane that the worker may have under way: sent, and no FILE_DONE yet */

/* Every exchange always owns this much of the response window, so that no exchange can be starved by others. */
#define RING_BASE_WINDOW 4096u

/* Written by the gateway before the descriptors are passed on; magic last. */
struct ring_segment_header {
    uint64_t magic;
    uint32_t layout_version;
    uint32_t kind; /* RING_KIND_* */
    uint64_t segment_size;
    uint64_t features;
    uint32_t lane_count;
    uint32_t ring_slots;
    uint32_t exchange_slots;
    uint32_t arena_units;
    uint64_t worker_id; /* the gateway's number for this attachment, never reused */
    uint64_t reserved[9];
};
_Static_assert(offsetof(struct ring_segment_header, magic) == 0, "layout");
_Static_assert(offsetof(struct ring_segment_header, layout_version) == 8, "layout");
_Static_assert(offsetof(struct ring_segment_header, kind) == 12, "layout");
_Static_assert(offsetof(struct ring_segment_header, segment_size) == 16, "layout");
_Static_assert(offsetof(struct ring_segment_header, features) == 24, "layout");
_Static_assert(offsetof(struct ring_segment_header, lane_count) == 32, "layout");
_Static_assert(offsetof(struct ring_segment_header, ring_slots) == 36, "layout");
_Static_assert(offsetof(struct ring_segment_header, exchange_slots) == 40, "layout");
_Static_assert(offsetof(struct ring_segment_header, arena_units) == 44, "layout");
_Static_assert(offsetof(struct ring_segment_header, worker_id) == 48, "layout");
_Static_assert(offsetof(struct ring_segment_header, reserved) == 56, "layout");
_Static_assert(sizeof(struct ring_segment_header) == 128, "layout");

/* A word alone on its 128 bytes: the adjacent-line prefetcher pulls pairs of 64. */
struct ring_word {
    uint64_t value;
    uint64_t pad[15];
};
_Static_assert(sizeof(struct ring_word) == 128, "layout");

/* Start of an inbound lane part. Writer: gateway. Reader: worker. */
struct ring_inbound_words {
    struct ring_word in_tail;         /* inbound events published */
    struct ring_word out_head;        /* outbound events consumed */
    struct ring_word out_return_tail; /* outbound blocks given back */
    struct ring_word in_return_head;  /* inbound block returns consumed */
};
_Static_assert(offsetof(struct ring_inbound_words, in_tail) == 0, "layout");
_Static_assert(offsetof(struct ring_inbound_words, out_head) == 128, "layout");
_Static_assert(offsetof(struct ring_inbound_words, out_return_tail) == 256, "layout");
_Static_assert(offsetof(struct ring_inbound_words, in_return_head) == 384, "layout");
_Static_assert(sizeof(struct ring_inbound_words) == 512, "layout");

/* Start of an outbound lane part. Writer: worker, except where both are named. Reader: gateway. */
struct ring_outbound_words {
    struct ring_word in_head;         /* inbound events consumed (acknowledged) */
    struct ring_word out_tail;        /* outbound events published */
    struct ring_word in_return_tail;  /* inbound blocks given back */
    struct ring_word out_return_head; /* outbound block returns consumed */
    struct ring_word worker_armed;    /* worker stores 1 before it sleeps on events; gateway exchanges with 0 */
    struct ring_word gateway_armed;   /* gateway stores 1 before it sleeps on events; worker exchanges with 0 */
    struct ring_word worker_starved;  /* worker waits for ring space or block returns; gateway exchanges with 0 */
    struct ring_word gateway_starved; /* gateway waits for ring space or block returns; worker exchanges with 0 */
};
_Static_assert(offsetof(struct ring_outbound_words, in_head) == 0, "layout");
_Static_assert(offsetof(struct ring_outbound_words, out_tail) == 128, "layout");
_Static_assert(offsetof(struct ring_outbound_words, in_return_tail) == 256, "layout");
_Static_assert(offsetof(struct ring_outbound_words, out_return_head) == 384, "layout");
_Static_assert(offsetof(struct ring_outbound_words, worker_armed) == 512, "layout");
_Static_assert(offsetof(struct ring_outbound_words, gateway_armed) == 640, "layout");
_Static_assert(offsetof(struct ring_outbound_words, worker_starved) == 768, "layout");
_Static_assert(offsetof(struct ring_outbound_words, gateway_starved) == 896, "layout");
_Static_assert(sizeof(struct ring_outbound_words) == RING_WORDS_SIZE, "layout");

/*
 * Claim word of an exchange slot: generation << 32 | state, alone on RING_CLAIM_STRIDE bytes.
 * gateway: FREE -> QUEUED (store, next generation); QUEUED -> CANCELLED (compare-and-swap); any -> FREE (store).
 * worker:  QUEUED -> CLAIMED (compare-and-swap) when it starts the handler.
 */
#define RING_CLAIM_FREE 0u
#define RING_CLAIM_QUEUED 1u
#define RING_CLAIM_CLAIMED 2u
#define RING_CLAIM_CANCELLED 3u

/* Inbound event kinds (gateway to worker). */
#define RING_EVENT_REQUEST 1u /* head = request block, body = first body bytes, credit = response window */
#define RING_EVENT_BODY 2u    /* body = more request bytes; with RING_FLAG_TRAILERS head = field list */
#define RING_EVENT_CREDIT \
    3u /* credit = bytes added to the response window; 0: no more for a WANT, or just a sign of life */
#define RING_EVENT_CANCEL 4u    /* status = RING_CANCEL_* */
#define RING_EVENT_FILE_DONE 5u /* the gateway has let go of the exchange's file; status = RING_FILE_* */

/* Outbound event kinds (worker to gateway). */
#define RING_EVENT_RESPONSE 16u      /* status 101 or 200..999, head = field list, body = first bytes, total = length */
#define RING_EVENT_RESPONSE_BODY 17u /* body = more response bytes; with RING_FLAG_TRAILERS head = field list */
#define RING_EVENT_INFORM 18u        /* status 102..199, head = field list: an interim response */
#define RING_EVENT_CONTINUE 19u      /* the handler wants the body: send 100 Continue if the client waits for it */
#define RING_EVENT_WANT 20u          /* credit = window bytes that the next block needs */
#define RING_EVENT_ABORT 21u         /* the exchange failed; status = answer to give if none was begun */
#define RING_EVENT_RESPONSE_FILE 22u /* more response bytes: `total` of file number `credit`, from file_high:low on */
#define RING_EVENT_FILE_STOP 23u     /* the worker gives its file up before FILE_DONE: the answer cannot be completed */

#define RING_FLAG_END 1u      /* no more body in this direction; outbound: the exchange's last event */
#define RING_FLAG_TRAILERS 2u /* the head of this event is a field list of trailers */
#define RING_FLAG_RETRY 4u    /* REQUEST: this exchange was given to another worker before */
#define RING_FLAG_SHUT 16u    /* RESPONSE_BODY behind 101: no more bytes for the client, whose own are still wanted */

#define RING_CANCEL_GONE 1u        /* the client has reset or closed the connection */
#define RING_CANCEL_HALF_CLOSED 2u /* the client has closed its sending side; the answer is still sent */
#define RING_CANCEL_DEADLINE 3u    /* the gateway gave up waiting */
#define RING_CANCEL_STOPPING 4u    /* the drain limit has passed */
#define RING_CANCEL_REJECTED 5u    /* the gateway refused the answer or the rest of the request */

#define RING_FILE_SENT 1u /* all of its bytes went where the body goes */
#define RING_FILE_CUT 2u  /* not all: the answer is cut */

/*
 * A descriptor of a file goes over the lane's wake-up socket (SCM_RIGHTS with one byte, one descriptor at a time) before the event
 * that names it. Descriptors are numbered from 0 on in the order in which they were sent on that socket, modulo 2^32.
 *
 * A block is named by a handle: first unit | order << 24; it has RING_UNIT << order bytes, is aligned to its size and
 * lies inside one chunk. A reference is {block, offset, length}: offset in bytes from the start of the arena,
 * offset..offset+length inside the block. block == RING_NO_BLOCK means no reference (offset and length are 0).
 * Head and body of one event may share one block; it is then given back once.
 */
struct ring_event {
    uint8_t kind;
    uint8_t flags;
    uint16_t status;
    uint32_t exchange;   /* slot, < exchange_slots */
    uint32_t generation; /* of the slot's claim word when the REQUEST was published */
    uint32_t credit;     /* bytes, multiple of RING_UNIT; RESPONSE_FILE: number of the descriptor */
    uint32_t head_block;
    uint32_t head_offset;
    uint32_t head_length;
    uint32_t file_low; /* RESPONSE_FILE: offset of the first byte in the file, bits 0 to 31 */
    uint32_t body_block;
    uint32_t body_offset;
    uint32_t body_length;
    uint32_t file_high; /* bits 32 to 63 */
    uint64_t total;   /* body length if known beforehand, else RING_LENGTH_UNKNOWN; RESPONSE_FILE: bytes of the file */
    uint64_t time_ns; /* CLOCK_MONOTONIC: REQUEST: when published; outbound: when the handler started; 0 if not taken */
};
_Static_assert(offsetof(struct ring_event, kind) == 0, "layout");
_Static_assert(offsetof(struct ring_event, flags) == 1, "layout");
_Static_assert(offsetof(struct ring_event, status) == 2, "layout");
_Static_assert(offsetof(struct ring_event, exchange) == 4, "layout");
_Static_assert(offsetof(struct ring_event, generation) == 8, "layout");
_Static_assert(offsetof(struct ring_event, credit) == 12, "layout");
_Static_assert(offsetof(struct ring_event, head_block) == 16, "layout");
_Static_assert(offsetof(struct ring_event, head_offset) == 20, "layout");
_Static_assert(offsetof(struct ring_event, head_length) == 24, "layout");
_Static_assert(offsetof(struct ring_event, file_low) == 28, "layout");
_Static_assert(offsetof(struct ring_event, body_block) == 32, "layout");
_Static_assert(offsetof(struct ring_event, body_offset) == 36, "layout");
_Static_assert(offsetof(struct ring_event, body_length) == 40, "layout");
_Static_assert(offsetof(struct ring_event, file_high) == 44, "layout");
_Static_assert(offsetof(struct ring_event, total) == 48, "layout");
_Static_assert(offsetof(struct ring_event, time_ns) == 56, "layout");
_Static_assert(sizeof(struct ring_event) == 64, "layout");

/* A piece of a request block: bytes from the block's first byte. */
struct ring_span {
    uint32_t offset;
    uint32_t length;
};
_Static_assert(sizeof(struct ring_span) == 8, "layout");

/* An IP endpoint; family 0 (none, e.g. a unix socket), 4 or 6. Address bytes in network order, port in host order. */
struct ring_endpoint {
    uint8_t family;
    uint8_t reserved;
    uint16_t port;
    uint8_t address[16];
};
_Static_assert(offsetof(struct ring_endpoint, port) == 2, "layout");
_Static_assert(offsetof(struct ring_endpoint, address) == 4, "layout");
_Static_assert(sizeof(struct ring_endpoint) == 20, "layout");

/* Well-known methods; 0 = any other, see the span. */
enum ring_method {
    RING_METHOD_OTHER = 0,
    RING_METHOD_GET = 1,
    RING_METHOD_HEAD = 2,
    RING_METHOD_POST = 3,
    RING_METHOD_PUT = 4,
    RING_METHOD_DELETE = 5,
    RING_METHOD_OPTIONS = 6,
    RING_METHOD_PATCH = 7,
    RING_METHOD_TRACE = 8,
    RING_METHOD_CONNECT = 9
};

#define RING_BODY_NONE 0u
#define RING_BODY_LENGTH 1u  /* content_length bytes follow */
#define RING_BODY_CHUNKED 2u /* the end is told by RING_FLAG_END; content_length is RING_LENGTH_UNKNOWN */

#define RING_REQUEST_EXPECT_CONTINUE 1u
#define RING_REQUEST_CLOSE 2u   /* the connection ends after this exchange */
#define RING_REQUEST_UPGRADE 4u /* the client offers other protocols (RFC 9110 7.8): RESPONSE may have status 101 */

/* A request block: this head, then header_count struct ring_field, then bytes that the spans point to. */
struct ring_request_head {
    uint32_t size; /* bytes of the whole request block, this head included */
    uint16_t header_count;
    uint8_t method;  /* enum ring_method */
    uint8_t version; /* major * 16 + minor: 0x11 = HTTP/1.1 */
    uint8_t scheme;  /* 0 http, 1 https */
    uint8_t body_kind;
    uint8_t flags;   /* RING_REQUEST_* */
    uint8_t attempt; /* 0, or 1 after a re-dispatch */
    uint32_t reserved;
    uint64_t content_length;
    struct ring_span method_name;
    struct ring_span target;    /* as received */
    struct ring_span path;      /* starts with "/", or is "*"; still percent-encoded */
    struct ring_span query;     /* without "?"; length 0 if none */
    struct ring_span authority; /* of an absolute-form target, else the Host value */
    struct ring_endpoint remote;
    struct ring_endpoint local;
};
_Static_assert(offsetof(struct ring_request_head, header_count) == 4, "layout");
_Static_assert(offsetof(struct ring_request_head, method) == 6, "layout");
_Static_assert(offsetof(struct ring_request_head, version) == 7, "layout");
_Static_assert(offsetof(struct ring_request_head, scheme) == 8, "layout");
_Static_assert(offsetof(struct ring_request_head, body_kind) == 9, "layout");
_Static_assert(offsetof(struct ring_request_head, flags) == 10, "layout");
_Static_assert(offsetof(struct ring_request_head, attempt) == 11, "layout");
_Static_assert(offsetof(struct ring_request_head, reserved) == 12, "layout");
_Static_assert(offsetof(struct ring_request_head, content_length) == 16, "layout");
_Static_assert(offsetof(struct ring_request_head, method_name) == 24, "layout");
_Static_assert(offsetof(struct ring_request_head, target) == 32, "layout");
_Static_assert(offsetof(struct ring_request_head, path) == 40, "layout");
_Static_assert(offsetof(struct ring_request_head, query) == 48, "layout");
_Static_assert(offsetof(struct ring_request_head, authority) == 56, "layout");
_Static_assert(offsetof(struct ring_request_head, remote) == 64, "layout");
_Static_assert(offsetof(struct ring_request_head, local) == 84, "layout");
_Static_assert(sizeof(struct ring_request_head) == 104, "layout");

/* One header of a request block, in order of arrival; id = well-known name (ring_names.h) or 0. */
struct ring_field {
    uint32_t name_offset;
    uint16_t name_length;
    uint16_t id;
    uint32_t value_offset;
    uint32_t value_length;
};
_Static_assert(offsetof(struct ring_field, name_length) == 4, "layout");
_Static_assert(offsetof(struct ring_field, id) == 6, "layout");
_Static_assert(offsetof(struct ring_field, value_offset) == 8, "layout");
_Static_assert(offsetof(struct ring_field, value_length) == 12, "layout");
_Static_assert(sizeof(struct ring_field) == 16, "layout");

/*
 * A field list (response headers, trailers of both directions): records without padding until head_length is used up.
 * Each is this head, then name_length bytes, then value_length bytes; with id != 0 name_length is 0.
 */
struct ring_list_entry {
    uint16_t id;
    uint16_t name_length;
    uint32_t value_length;
};
_Static_assert(offsetof(struct ring_list_entry, name_length) == 2, "layout");
_Static_assert(offsetof(struct ring_list_entry, value_length) == 4, "layout");
_Static_assert(sizeof(struct ring_list_entry) == 8, "layout");

/*
 * The list of a RESPONSE may begin with an entry named RING_REASON_NAME, to a gateway whose `attach` says `reason`: the phrase of
 * the status line, of so many bytes at most. Anywhere else that is no field name.
 */
#define RING_REASON_BYTES 128u

#endif
