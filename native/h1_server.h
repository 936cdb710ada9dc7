/*
 * HTTP/1.0 and 1.1 connections of one loop. h1_server is what all connections of a loop share; h1_conn is a connection; h1_stream
 * is one request and its answer on it. Files: h1_conn.c (life of a connection), h1_input.c (bytes in), h1_response.c (answers
 * framed), h1_output.c (bytes out), h1_upgrade.c (other protocols). Knows exchanges; knows no lanes or rings.
 */
#ifndef H1_SERVER_H
#define H1_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <uv.h>

#include "admission.h"
#include "counter.h"
#include "dispatch.h"
#include "exchange.h"
#include "h1_access.h"
#include "h1_chunked.h"
#include "h1_latency.h"
#include "h1_parser.h"
#include "networks.h"
#include "pool.h"
#include "request_block.h"
#include "request_id.h"
#include "static_site.h"

#define H1_READ_BUFFER 65536u
#define H1_READ_HEADS 16384u /* bytes of a read that may hold several requests */
#define H1_ITEM_BYTES 432u   /* head text that fits in an item */
#define H1_COPY_BODY 256u /* smaller bodies are copied behind their head: cheaper than another iovec and a held block */
#define H1_COPY_PIECES 64u /* copied pieces of one answer that may be unsent */
#define H1_MAX_PIPELINE 256u
#define H1_DISCARD_LIMIT 262144u /* request bytes read after the answer, to keep a connection */
#define H1_ID_NAME "X-Request-Id"
#define H1_LINGER_MS 2000u
#define H1_LINGER_BYTES 1048576u

/* A path that is answered here, without a worker. */
struct h1_native_path {
    const char *path;
    uint32_t path_length;
    const char *body;
    uint32_t body_length;
};

/* What a connection is waited for; at most one thing at a time on the reading side. docs/design.md section 6. */
enum h1_timer {
    H1_TIMER_NONE = 0,
    H1_TIMER_IDLE,   /* the next request, between two */
    H1_TIMER_HEAD,   /* a whole head, from its first byte; the first one from the connection's beginning */
    H1_TIMER_BODY,   /* the next bytes of a body, while the gateway is reading */
    H1_TIMER_STREAM, /* bytes of another protocol, either way */
    H1_TIMER_COUNT,
};

/* Milliseconds; 0: without end. */
struct h1_timeouts {
    uint64_t reading[H1_TIMER_COUNT]; /* by enum h1_timer */
    uint64_t send;                    /* the peer takes no bytes */
    uint64_t send_rate;               /* bytes a second that it must take on average, after one send timeout */
    uint64_t body_rate;               /* bytes a second that a body must have on average, after one body timeout */
};

/* Connections that have the same timer, or had it last. */
struct h1_timer_list {
    struct h1_conn *head;
    uint64_t next_look_ms;
};

struct h1_config {
    struct h1_limits head;
    struct h1_chunked_limits chunked;
    uint64_t max_body;
    struct admission_limits admission;
    uint32_t max_requests; /* per connection; UINT32_MAX: no limit */
    uint32_t pipeline;
    struct h1_timeouts timeouts;
    struct networks trusted; /* proxies */
    bool request_ids;        /* every request has one */
    const char *server_name; /* NULL: no Server field */
    const struct h1_native_path *native_paths;
    uint32_t native_path_count;
    struct static_sites *sites; /* NULL: none */
};

struct h1_counters {
    counter connections_open;
    counter connections_busy; /* of them: with a request whose answer is not sent whole */
    counter connections_accepted;
    counter requests;
    counter native_answers;
    counter static_answers;
    counter static_bytes; /* of files, queued */
    counter files;        /* of workers, given over to be sent */
    counter file_bytes;   /* of them, sent */
    counter answers[6];   /* by hundreds: [2] = 2xx */
    counter refused[H1_REASON_COUNT];
    counter bytes_in;
    counter bytes_out;
    counter timed_out[H1_TIMER_COUNT]; /* by enum h1_timer */
    counter send_timeouts;
    counter upgraded;      /* connections that speak another protocol now */
    counter upgraded_ever; /* and how many have begun to */
    counter cut;           /* connections cut because an answer failed half way */
    counter evicted;       /* answers held aside for a slow client */
    counter aside_bytes;
};

struct h1_conn;
struct h1_file;
struct h1_stream;

/* A request's id, of whoever made it; length 0 without one. */
struct h1_id {
    const uint8_t *bytes;
    uint32_t length; /* up to REQUEST_ID_MAX */
};

struct h1_calls {
    /* A request, or the connection, was refused. The id is the request's, if one was understood. */
    void (*refused)(struct h1_conn *conn, struct h1_id id, uint16_t status, enum h1_reason reason);
    /* Records of the access log should be fetched soon. */
    void (*access_waits)(struct h1_server *server);
};

struct h1_server {
    uv_loop_t *loop;
    struct dispatch *dispatch;
    struct h1_config config;
    const struct h1_calls *calls;
    void *owner;
    struct admission *admission;
    uint32_t refused_open; /* connections that were not admitted */
    struct request_ids ids;
    struct h1_id refused_id; /* of the request that is being refused and has no stream yet */
    uint8_t id_field[sizeof(H1_ID_NAME) - 1 + REQUEST_ID_DIGITS]; /* the field of the id that was made last */
    struct pool conns;
    struct pool streams;
    struct pool items;
    struct pool files;
    struct h1_file *files_working; /* the thread pool has them */
    struct h1_file *files_waiting; /* for their turn there, oldest first */
    struct h1_access_log access;
    struct h1_conn *all; /* open connections */
    struct h1_timer_list timers[H1_TIMER_COUNT];
    struct h1_conn *dirty; /* have something to send or to go on with */
    struct h1_conn *lingering;
    struct h1_conn *blocked_head; /* the peer does not take bytes; oldest first */
    struct h1_conn *blocked_tail;
    uint64_t aside_bytes;
    bool stopping;   /* answers close their connection */
    bool keeps_idle; /* and connections may wait for the request that is answered so */
    bool stopped;    /* no others are taken any more */
    char date[32];   /* IMF-fixdate, RFC 9110 5.6.7 */
    uint32_t date_length;
    uint64_t date_second;
    counter *allocations;
    struct h1_counters counters;
    struct h1_latency latency;
    struct h1_request request; /* scratch of the parser */
    uint8_t buffer[H1_READ_BUFFER];
};

/* Something to send. */
struct h1_item {
    struct h1_item *next;
    const uint8_t *data;
    uint32_t length;
    struct exchange_bytes held; /* block behind data, RING_NO_BLOCK if none */
    uint8_t *heap;              /* memory behind data, if not `bytes` */
    bool aside;                 /* heap counts as held aside */
    struct h1_file *file;       /* instead of data: a part of a file */
    uint8_t bytes[H1_ITEM_BYTES];
};

enum h1_stream_state {
    H1_STREAM_WAITING = 0, /* no answer yet */
    H1_STREAM_FIXED,       /* body of known length is being sent */
    H1_STREAM_CHUNKED,
    H1_STREAM_UNTIL_CLOSE, /* HTTP/1.0, length unknown */
    H1_STREAM_BODILESS,    /* HEAD, 204, 304: body bytes are dropped */
    H1_STREAM_UPGRADED,    /* 101: bytes go both ways as they are */
    H1_STREAM_COMPLETE,    /* everything is queued */
};

struct h1_stream {
    struct exchange exchange; /* first: exchange callbacks get its address */
    struct h1_conn *conn;
    struct h1_stream *next; /* in order of arrival */
    struct h1_item *first;
    struct h1_item *last;
    struct h1_access *access; /* NULL: no line is written about it */
    struct h1_times times;
    struct static_file *file; /* that is the answer; NULL: none */
    uint8_t *offer;           /* protocols that the client offers instead, until it is answered; NULL: none */
    uint32_t offer_length;
    uint64_t body_left; /* H1_STREAM_FIXED: bytes still to come */
    enum h1_stream_state state;
    uint8_t version;
    uint8_t copied;    /* pieces in the queue that hold no block */
    bool head_request; /* HEAD */
    bool keep_alive;
    bool unframed; /* its answer ends with the connection */
    bool safe;
    bool expects_continue; /* and has not been told to */
    bool upgraded;         /* it was answered 101 */
    bool shut;             /* H1_STREAM_UPGRADED: no more bytes come for the client */
    bool shut_sent;        /* and it has been told */
    bool cut;              /* the connection is cut when what is queued was sent */
    uint8_t id_length;
    uint8_t id[REQUEST_ID_MAX]; /* of the request, for logs */
};

/* All of its answer was handed to the kernel. */
static inline bool h1_stream_sent(const struct h1_stream *stream) {
    return stream->state == H1_STREAM_COMPLETE && stream->first == NULL && !stream->cut;
}

enum h1_input {
    H1_INPUT_HEAD = 0,
    H1_INPUT_LENGTH, /* body_left bytes of body */
    H1_INPUT_CHUNKED,
    H1_INPUT_PROXY,   /* a PROXY header comes first */
    H1_INPUT_STREAM,  /* another protocol: all of it is for conn->body's worker */
    H1_INPUT_DISCARD, /* nothing more is understood; what comes is thrown away */
};

/* How a connection counts. */
enum h1_admitted {
    H1_ADMITTED_NOT = 0,  /* among those that are told so */
    H1_ADMITTED_IN_TOTAL, /* it is not known yet whose it is */
    H1_ADMITTED_FULLY,
};

enum h1_conn_state {
    H1_CONN_OPEN = 0,
    H1_CONN_FINISHING, /* no new request; what is under way is answered, then it closes */
    H1_CONN_LINGERING, /* our side is shut down; reading until the peer closes (RFC 9112 9.6) */
    H1_CONN_CLOSED,
};

struct h1_conn {
    uv_poll_t poll; /* first */
    struct h1_server *server;
    int fd;
    struct h1_file *file; /* that the thread pool sends on fd now; NULL: none */
    uint8_t state;        /* enum h1_conn_state */
    uint8_t input;        /* enum h1_input */
    uint8_t watching;     /* UV_READABLE ... as registered */
    bool reading;         /* want bytes */
    bool blocked;         /* want to be told when the peer takes bytes again */
    bool eof;             /* the peer has closed its sending side, and all it sent was read */
    bool failed;          /* the socket gave an error: to be closed */
    bool fin_seen;        /* it has closed, but reading is paused */
    bool end_pending;     /* the end of a body waits for ring space */
    bool is_dirty;
    bool stalled;        /* leftover input waits for an exchange, not for bytes */
    uint16_t depth;      /* streams */
    uint16_t unsafe;     /* streams with an unsafe method */
    uint8_t admitted;    /* enum h1_admitted */
    bool nameless;       /* its bytes come from somebody whom the proxy does not name */
    bool trusted;        /* may speak for others */
    uint16_t closed_for; /* RING_CANCEL_* that it was closed for */
    uint32_t requests;
    struct h1_parser parser;
    struct h1_chunked chunked;
    uint8_t *trailers;
    uint64_t body_left;
    uint64_t body_seen;     /* chunked: bytes so far, for the limit */
    struct h1_stream *body; /* whose body is being read; NULL: discarded */
    uint64_t discarded;
    struct h1_stream *front;
    struct h1_stream *back;
    uint8_t *in; /* bytes received and not understood yet */
    uint32_t in_start;
    uint32_t in_length;
    uint32_t in_capacity;
    uint8_t timer;          /* enum h1_timer */
    uint8_t linked;         /* enum h1_timer: the list that it is in */
    bool greeted;           /* a request has begun on it */
    uint64_t timer_ms;      /* when its timer was set */
    uint64_t rate_since_ms; /* of the body being read */
    uint64_t rate_bytes;
    struct h1_conn *timer_prev, *timer_next;
    uint64_t since_ms;           /* lingering, blocked */
    uint64_t slow_since_ms;      /* when the peer first did not take all there was; 0: it has since */
    uint64_t slow_bytes;         /* that it has taken from then on */
    struct h1_conn *prev, *next; /* all */
    struct h1_conn *dirty_next;
    struct h1_conn *list_prev, *list_next; /* blocked or lingering */
    struct ring_endpoint remote;
    struct ring_endpoint local;
};

__attribute__((warn_unused_result)) int h1_server_init(struct h1_server *server, uv_loop_t *loop,
                                                       struct dispatch *dispatch, const struct h1_config *config,
                                                       struct admission *admission, const struct h1_calls *calls,
                                                       void *owner, counter *allocations);
/* Puts another configuration in force. */
void h1_change(struct h1_server *server, const struct h1_config *config);
void h1_server_free(struct h1_server *server);
/* Takes an accepted, non-blocking socket over; closes it on failure. */
/* proxy: the connection begins with a PROXY header. */
void h1_accept(struct h1_server *server, int fd, const struct sockaddr_storage *peer, bool proxy);
/* Sends what is queued on all dirty connections and lets them go on. */
void h1_flush(struct h1_server *server);
/* Lingering connections and timers; some times a second. True while there are any. */
bool h1_tick(struct h1_server *server, uint64_t now_ms);
bool h1_needs_tick(const struct h1_server *server);
/* Closes idle connections; the others close after their answer. */
void h1_stop(struct h1_server *server, bool keep_idle);
/* Cuts all connections. */
void h1_cut_all(struct h1_server *server);
/* Copies what the slowest clients hold of the segments aside, so that the blocks go back. */
void h1_evict(struct h1_server *server, uint64_t now_ms);

/* --- between the h1_*.c files of the server --- */
extern const struct exchange_calls h1_exchange_calls;
void h1_conn_close(struct h1_conn *conn, uint16_t reason);
void h1_conn_dirty(struct h1_conn *conn);
void h1_conn_finish(struct h1_conn *conn);
void h1_conn_watch(struct h1_conn *conn);
void h1_conn_event(uv_poll_t *poll, int status, int events);
struct h1_stream *h1_stream_open(struct h1_conn *conn, uint8_t version, bool keep_alive);
void h1_stream_close(struct h1_conn *conn);
void h1_read(struct h1_conn *conn);
void h1_input_continue(struct h1_conn *conn);
void h1_write(struct h1_conn *conn);
void h1_items_drop(struct h1_server *server, struct h1_stream *stream);
struct h1_item *h1_item_add(struct h1_stream *stream, uint32_t capacity);
void h1_item_static(struct h1_stream *stream, const char *text, uint32_t length);
void h1_item_body(struct h1_stream *stream, struct exchange_bytes body);
/* The peer takes no more bytes for now. */
void h1_block(struct h1_conn *conn);
/* The first item is sent, or dropped. */
void h1_item_remove(struct h1_stream *stream);
/* Whether the connection must end because of what the client has not sent yet of the request; whole: the answer is all there. */
bool h1_leaves_body(const struct h1_stream *stream, bool whole);
void h1_answer(struct h1_stream *stream, uint16_t status, const char *type, const char *body, uint32_t length,
               bool close);
void h1_answer_error(struct h1_stream *stream, uint16_t status, const char *text);
/* Gives the connection the timer that follows from its state. */
void h1_timer_update(struct h1_conn *conn);
/* Whether nothing has come of a connection yet, and it is waited for. */
bool h1_awaits_first(const struct h1_conn *conn);
/* Body bytes came: the timer begins again, unless they come too slowly. */
void h1_timer_progress(struct h1_conn *conn, uint32_t bytes);
/* Bytes went either way: the timer of a stream begins again. */
void h1_timer_stream(struct h1_conn *conn);
void h1_timer_remove(struct h1_conn *conn);
void h1_timer_rest(struct h1_conn *conn);
/*
 * Counts and tells a refusal, and answers what has come of a request, or the connection itself; nothing after it is
 * understood.
 */
void h1_conn_refuse(struct h1_conn *conn, uint16_t status, enum h1_reason reason);
/* Counts and tells only. stream: of the request; NULL if it has none, or none was understood. */
void h1_note_refusal(struct h1_conn *conn, const struct h1_stream *stream, uint16_t status, enum h1_reason reason);
void h1_unblock(struct h1_conn *conn);
/* The client is known now: false if the connection is not admitted because of it. */
bool h1_admit_client(struct h1_conn *conn);

/* --- h1_file.c --- */
void h1_file_init(struct h1_server *server);
/* The worker gave a part of a file as the next part of the body (struct exchange_calls). */
void h1_file_given(struct exchange *exchange, const struct exchange_file *file);
/* Sends more of the file that is the connection's next item, in the thread pool. */
void h1_file_send(struct h1_conn *conn);
/* Its item is gone. */
void h1_file_end(struct h1_file *file, uint16_t status);
/* Drops the stream's first file that is not sent, and what follows it. */
void h1_file_cut(struct h1_stream *stream);
/* The connection's memory and descriptor go. False: the descriptor is still in use, and closed later. */
bool h1_file_leave(struct h1_conn *conn);
/* --- h1_input.c --- */
/* recv into `memory`; false: nothing more to do with this connection now. */
bool h1_receive(struct h1_conn *conn, uint8_t *memory, uint32_t size, uint32_t *length);

/* --- h1_upgrade.c --- */
/* Notes what the request in server->request, whose head is `bytes`, offers (RFC 9110 7.8), if it may be taken up. */
void h1_upgrade_offer(struct h1_stream *stream, const uint8_t *bytes);
/* Whether a value of the worker's Upgrade names protocols, all of which were offered. */
bool h1_upgrade_offers(const struct h1_stream *stream, const uint8_t *value, uint32_t length);
/* The answer is another one than 101: the connection goes on with HTTP. */
void h1_upgrade_decline(struct h1_stream *stream);
/* The head of the 101 is queued: behind it bytes go both ways. */
void h1_upgrade_begin(struct h1_stream *stream);
/* The stream is over, except for what is queued: what the client still sends means nothing. */
void h1_upgrade_over(struct h1_stream *stream);
bool h1_upgrade_read(struct h1_conn *conn);
uint32_t h1_upgrade_take(struct h1_conn *conn, const uint8_t *bytes, uint32_t length);
/* The client has ended its side, and all it sent was taken. */
void h1_upgrade_end(struct h1_conn *conn);
/* Everything queued was sent: ends our side if the worker has. */
void h1_upgrade_shut(struct h1_conn *conn);
/* Both sides of the socket have ended: nothing more is to be told of it while the worker's word, or room for what has come, is outstanding. */
bool h1_upgrade_is_silent(const struct h1_conn *conn);

/* --- h1_trust.c --- */
/* Whether the connection may speak for others, by what is known of it and by the configuration. */
void h1_trust_update(struct h1_conn *conn);
/* Whether its peer may be the proxy of a listener for proxies. */
bool h1_trusts_proxy(const struct h1_conn *conn);
/* Takes a PROXY header off; 0: it is not complete. */
uint32_t h1_take_proxy_header(struct h1_conn *conn, const uint8_t *bytes, uint32_t length);

/*
 * Takes what only trusted peers may say out of server->request, whose head is bytes[0 .. length), and gives it its id. The
 * id's bytes are part of the head, or the server's until the next request. view: its tail and scheme are filled in.
 */
struct h1_id h1_vouch(struct h1_conn *conn, const uint8_t *bytes, uint32_t length, struct request_view *view);
/*
 * For logs: who asked server->request, whose head is `bytes`. That is the connection's remote end, or whom trusted proxies
 * name (forwarded.h) in X-Forwarded-For or, without that, in Forwarded.
 */
struct ring_endpoint h1_client_address(const struct h1_conn *conn, const uint8_t *bytes);

#endif
