/*
 * The engine as Go sees it: loops, listeners, workers, notices, statistics. All functions may be called from any thread; what
 * concerns a loop is done by that loop. Nothing here calls back into Go.
 */
#ifndef GW_H
#define GW_H

#include <stdbool.h>
#include <stdint.h>

#include "access_record.h"
#include "networks.h"
#include "ring_geometry.h"

#define GW_REASONS 64 /* >= H1_REASON_COUNT */

struct gw;

struct gw_native_path {
    const char *path;
    const char *body;
};

#define GW_STATIC_TYPE_BYTES 200 /* longest media type */

struct gw_static_site {
    const char *prefix; /* without a "/" at its end */
    int root;           /* O_PATH descriptor of the directory; a duplicate is kept */
};

/* Directories whose files are served. */
struct gw_static {
    const struct gw_static_site *sites;
    uint32_t site_count;
    const char *types;         /* lines "extension type", lower case */
    const char *index;         /* of a directory */
    const char *cache_control; /* "" for none */
};

/* What can change while the loops run. Limits and times of 0 are without end, unless stated. */
struct gw_settings {
    const char *server_name; /* "" for none */
    const struct gw_native_path *native_paths;
    uint32_t native_path_count;
    struct gw_static files;
    uint32_t max_connections;
    uint32_t client_connections; /* of one client */
    uint32_t max_requests;       /* per connection */
    uint32_t pipeline;           /* 1 to 256 */
    uint32_t in_flight;          /* per worker */
    uint32_t park_limit;         /* requests per loop; 0: none */
    uint64_t queue_deadline_ms;
    uint64_t stuck_ms;           /* without an event taken while some wait */
    uint64_t request_timeout_ms; /* until the answer begins */
    uint64_t head_timeout_ms;
    uint64_t idle_timeout_ms;
    uint64_t upgrade_idle_ms; /* of a connection that speaks another protocol */
    uint64_t body_timeout_ms;
    uint64_t body_rate; /* bytes a second */
    uint64_t send_timeout_ms;
    uint64_t send_rate; /* bytes a second */
    uint64_t max_body;  /* 0: none */
    uint32_t line_bytes;
    uint32_t head_bytes;
    uint32_t fields;
    bool keep_underscores;
    bool request_ids;              /* every request has one */
    bool trust_unix;               /* peers on unix sockets may speak for others */
    const struct network *trusted; /* so may these */
    uint32_t trusted_count;
};

struct gw_config {
    uint32_t loops;
    uint64_t spin_ns;      /* 0: never */
    uint32_t access_bytes; /* of each loop's queue of access records, a power of two; 0: no access log */
    struct gw_settings settings;
};

enum gw_notice_kind {
    GW_NOTICE_VIOLATION = 1, /* a worker broke the ring protocol */
    GW_NOTICE_IDLE,          /* a draining worker has nothing left */
    GW_NOTICE_RELEASED,      /* nothing refers to a detached worker's segments */
    GW_NOTICE_QUIET,         /* after gw_stop_accepting: no connection is left */
    GW_NOTICE_REFUSED,       /* a request or connection was refused; value: how many more since the last such notice */
    GW_NOTICE_ACCESS,        /* access records should be taken soon: a queue is half full */
    GW_NOTICE_PROBED, /* value: round of the probe; status: of the answer, or 502 to 504 without one; on one loop */
    GW_NOTICE_STUCK,  /* value: 1 if the worker takes no events on a loop although some wait, 0 if it does again */
};

struct gw_notice {
    enum gw_notice_kind kind;
    uint64_t worker;
    const char *text; /* static; NULL if none */
    uint64_t value;
    uint64_t limit;
    uint32_t loop;   /* of PROBED and STUCK */
    uint16_t status; /* 0: closed without an answer */
    struct ring_endpoint client;
    uint8_t id_length;
    char id[128]; /* of the request that was refused, if one was understood */
};

struct gw_attachment {
    uint64_t worker;
    uint8_t *inbound;
    uint8_t *outbound;
    uint32_t ring_slots;
    uint32_t exchange_slots;
    uint32_t arena_units;
    const int *sockets; /* one per loop; taken over on success */
};

/* What of a request takes time. */
enum gw_span {
    GW_SPAN_QUEUE = 0, /* from its head until a handler began */
    GW_SPAN_HANDLER,   /* until the head of the answer was there */
    GW_SPAN_TOTAL,     /* from its head until the last byte of the answer was handed to the kernel */
    GW_SPANS,
};
#define GW_BUCKETS 44

struct gw_loop_stats {
    uint64_t connections_open;
    uint64_t connections_busy;
    uint64_t connections_accepted;
    uint64_t requests;
    uint64_t native_answers;
    uint64_t static_answers;
    uint64_t static_bytes;
    uint64_t files;
    uint64_t file_bytes;
    uint64_t answers[6];
    uint64_t refused[GW_REASONS];
    uint64_t request_timeouts;
    uint64_t idle_timeouts;
    uint64_t upgraded; /* connections that speak another protocol now */
    uint64_t upgraded_ever;
    uint64_t upgrade_timeouts;
    uint64_t head_timeouts;
    uint64_t body_timeouts;
    uint64_t send_timeouts;
    uint64_t bytes_in;
    uint64_t bytes_out;
    uint64_t cut;
    uint64_t evicted;
    uint64_t aside_bytes;
    uint64_t parked;
    uint64_t parked_high_water;
    uint64_t expired;
    uint64_t park_refused;
    uint64_t redispatched;
    uint64_t retried;
    uint64_t taken_back;
    uint64_t lost;
    uint64_t violations;
    uint64_t allocations;
    uint64_t iterations;
    uint64_t latency[GW_SPANS][GW_BUCKETS]; /* requests by how long each span took */
    uint64_t latency_sum_ns[GW_SPANS];
    uint64_t access_lines;   /* access records queued */
    uint64_t access_dropped; /* because the queue was full */
};

struct gw_lane_stats {
    uint64_t worker;
    uint32_t loop;
    uint32_t state; /* enum dispatch_lane_state */
    uint32_t slots;
    uint32_t exchange_slots;
    uint64_t depth;
    uint64_t depth_high_water;
    uint64_t published;
    uint64_t acknowledged;
    uint64_t completed;
    uint64_t answers[6];
    uint64_t cancelled;
    uint64_t wakeups_sent;
    uint64_t wakeups_avoided;
    uint64_t full_stalls;
    uint64_t in_flight;
    uint64_t arena_size;
    uint64_t arena_bytes;
    uint64_t arena_high_water;
    uint64_t held_bytes;
    uint64_t held_high_water;
};

enum gw_request_state {
    GW_REQUEST_PARKED = 0, /* no worker can take it yet */
    GW_REQUEST_QUEUED,     /* a worker has it, no handler of it has begun */
    GW_REQUEST_RUNNING,    /* a handler has it */
    GW_REQUEST_ANSWERING,  /* the answer has begun; more of it will come */
    GW_REQUEST_SENDING,    /* the gateway has all of the answer, or makes it itself */
};

/* A request in flight. Texts are cut off; they are unknown, and empty, while SENDING. */
struct gw_request {
    uint64_t age_ns; /* since its head was complete; 0: it had none */
    uint64_t worker; /* that got it last; 0: none did */
    enum gw_request_state state;
    uint8_t attempt; /* 1: another worker died with it */
    uint16_t method_length;
    uint16_t path_length;
    char method[16];
    char path[256];
    struct ring_endpoint client;
};

/* Returns 0 or -errno. */
__attribute__((warn_unused_result)) int gw_new(const struct gw_config *config, struct gw **out);
/* Runs one loop on the calling thread until gw_close; returns when it has ended. */
void gw_run_loop(struct gw *gw, uint32_t index);
/* Asks all loops to end; gw_free after all gw_run_loop calls have returned. */
void gw_close(struct gw *gw);
void gw_free(struct gw *gw);

/* Puts other settings in force. Returns 0 or -errno; then the old ones stay. */
__attribute__((warn_unused_result)) int gw_change(struct gw *gw, const struct gw_settings *settings);

/* A listening, non-blocking socket for one loop; taken over on success. proxy: connections begin with a PROXY header. */
__attribute__((warn_unused_result)) int gw_listen(struct gw *gw, uint32_t loop, int fd, bool proxy);
__attribute__((warn_unused_result)) int gw_attach(struct gw *gw, const struct gw_attachment *attachment);
/*
 * The first `count` of these workers get requests from now on, and no others; in one step for each loop. Those from there to `all`
 * get what handlers had whose worker died. Returns 0 or -ENOMEM.
 */
__attribute__((warn_unused_result)) int gw_select(struct gw *gw, const uint64_t *workers, uint32_t count, uint32_t all);
/*
 * Sends GET path to each lane of a worker, whether it gets requests or not. One notice for each loop follows, with the number that
 * the caller has given the round; after an error some of them.
 */
__attribute__((warn_unused_result)) int gw_probe(struct gw *gw, uint64_t worker, const char *path, uint64_t round);
void gw_drain(struct gw *gw, uint64_t worker);
/* Cuts the upgraded connections of a worker. */
void gw_end_streams(struct gw *gw, uint64_t worker);
void gw_detach(struct gw *gw, uint64_t worker);
/* Answers say from now on that their connection ends; new connections are taken all the same. */
void gw_announce_stop(struct gw *gw);
/* Closes listeners and, unless they are kept, idle connections; from then on answers close theirs. May follow itself, without
 * keeping them. */
void gw_stop_accepting(struct gw *gw, bool keep_idle);
void gw_cut(struct gw *gw);

/* Waits for the next notice. False: gw_close was called. */
bool gw_next_notice(struct gw *gw, struct gw_notice *out);

/*
 * Moves a loop's access records to `out`, as many as there are and fit into `room` bytes; one caller at a time. *to_wall_ns is what
 * makes times since 1970 of their start times. Returns the bytes, 0 if there are none.
 */
uint64_t gw_take_access(struct gw *gw, uint32_t loop, uint8_t *out, uint64_t room, int64_t *to_wall_ns);

void gw_read_loop(struct gw *gw, uint32_t index, struct gw_loop_stats *out);
/* Fills up to `capacity`; returns how many lanes there are. */
uint32_t gw_read_lanes(struct gw *gw, struct gw_lane_stats *out, uint32_t capacity);
/*
 * Fills up to `capacity` of the requests in flight on one loop, and sets *count to how many there are; one caller at a time. Returns
 * 0, or -ENOMEM, or -ETIME if the loop has not answered within wait_ns.
 */
__attribute__((warn_unused_result)) int gw_list(struct gw *gw, uint32_t loop, struct gw_request *out, uint32_t capacity,
                                                uint64_t wait_ns, uint32_t *count);
/* Bytes that the C half has from malloc and not given back; free lists count as not given back. */
uint64_t gw_heap_bytes(void);
/* The upper bound of a bucket of latencies in nanoseconds; the last one has none, and gives 0. */
uint64_t gw_bucket_bound(uint32_t bucket);
/* The fixed text of a refusal reason, or NULL past the last. */
const char *gw_reason_text(uint32_t reason);

#endif
