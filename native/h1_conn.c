/* The life of a connection: accepted, watched, finished, lingering, closed. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "h1_server.h"

#define REFUSED_OPEN 256u /* of a loop: connections that are not admitted, while they are told so */

int h1_server_init(struct h1_server *server, uv_loop_t *loop, struct dispatch *dispatch, const struct h1_config *config,
                   struct admission *admission, const struct h1_calls *calls, void *owner, counter *allocations) {
    memset(server, 0, sizeof(*server));
    server->loop = loop;
    server->dispatch = dispatch;
    server->config = *config;
    server->calls = calls;
    server->owner = owner;
    server->admission = admission;
    server->allocations = allocations;
    memcpy(server->id_field, H1_ID_NAME, sizeof(H1_ID_NAME) - 1);
    pool_init(&server->conns, sizeof(struct h1_conn), allocations);
    pool_init(&server->streams, sizeof(struct h1_stream), allocations);
    pool_init(&server->items, sizeof(struct h1_item), allocations);
    h1_file_init(server);
    if (getrandom(&server->ids, sizeof(server->ids), 0) != sizeof(server->ids)) {
        return -errno;
    }
    return config->pipeline == 0 || config->pipeline > H1_MAX_PIPELINE ? -EINVAL : 0;
}

void h1_change(struct h1_server *server, const struct h1_config *config) {
    server->config = *config;
    for (struct h1_conn *conn = server->all; conn != NULL; conn = conn->next) {
        h1_trust_update(conn);
        h1_timer_update(conn); /* some may have a time now, or none any more */
    }
    for (int timer = 0; timer < H1_TIMER_COUNT; timer++) {
        server->timers[timer].next_look_ms = 0;
    }
}

void h1_server_free(struct h1_server *server) {
    pool_drop(&server->conns);
    pool_drop(&server->streams);
    pool_drop(&server->items);
    pool_drop(&server->files);
    h1_access_free(&server->access);
}

static void list_remove(struct h1_conn **head, struct h1_conn *conn) {
    if (conn->prev != NULL) {
        conn->prev->next = conn->next;
    } else {
        *head = conn->next;
    }
    if (conn->next != NULL) {
        conn->next->prev = conn->prev;
    }
}

static void linger_remove(struct h1_conn *conn) {
    struct h1_server *server = conn->server;
    if (conn->list_prev != NULL) {
        conn->list_prev->list_next = conn->list_next;
    } else {
        server->lingering = conn->list_next;
    }
    if (conn->list_next != NULL) {
        conn->list_next->list_prev = conn->list_prev;
    }
}

/* What the descriptor is watched for follows from the connection's state alone. */
void h1_conn_watch(struct h1_conn *conn) {
    int events = 0;
    if (conn->state == H1_CONN_CLOSED) {
        return;
    }
    h1_timer_update(conn);
    if (conn->reading && !conn->eof) {
        events |= UV_READABLE;
    }
    if (conn->blocked) {
        events |= UV_WRITABLE;
    }
    /* Paused by backpressure: the peer's end must still be seen. After its half-close only a reset (always reported) matters. */
    if (!conn->reading && !conn->eof && !conn->fin_seen) {
        events |= UV_DISCONNECT;
    }
    if (events == 0 && h1_upgrade_is_silent(conn)) {
        conn->watching = 0;
        (void)uv_poll_stop(&conn->poll); /* a hang-up, which is reported always, says nothing new */
        return;
    }
    if (events == 0) {
        events = UV_PRIORITIZED;
    }
    if (events != conn->watching) {
        conn->watching = (uint8_t)events;
        if (uv_poll_start(&conn->poll, events, h1_conn_event) != 0) {
            h1_conn_close(conn, RING_CANCEL_GONE);
        }
    }
}

static struct ring_endpoint endpoint_of(const struct sockaddr_storage *address) {
    struct ring_endpoint endpoint = {0};
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;
        endpoint.family = 4;
        endpoint.port = ntohs(in->sin_port);
        memcpy(endpoint.address, &in->sin_addr, 4);
    } else if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)address;
        endpoint.family = 6;
        endpoint.port = ntohs(in6->sin6_port);
        memcpy(endpoint.address, &in6->sin6_addr, 16);
    }
    return endpoint;
}

static const struct ring_endpoint nobody = {0};

/* The connection is answered and closed, or closed at once if there are many such. */
static void turn_away(struct h1_conn *conn, enum admission_answer answer) {
    struct h1_server *server = conn->server;
    conn->admitted = H1_ADMITTED_NOT;
    conn->input = H1_INPUT_HEAD; /* nothing is looked at any more */
    server->refused_open++;
    enum h1_reason reason = answer == ADMISSION_FULL ? H1_REASON_CONNECTIONS : H1_REASON_CLIENT;
    if (server->refused_open > REFUSED_OPEN) {
        h1_note_refusal(conn, NULL, 503, reason);
        h1_conn_close(conn, RING_CANCEL_GONE);
    } else {
        h1_conn_refuse(conn, 503, reason);
    }
}

/* Whether the connection may be used. */
static void admit(struct h1_conn *conn) {
    struct h1_server *server = conn->server;
    bool known = conn->input != H1_INPUT_PROXY;
    enum admission_answer answer =
        admission_enter(server->admission, &server->config.admission, known ? &conn->remote : &nobody);
    conn->admitted = known ? H1_ADMITTED_FULLY : H1_ADMITTED_IN_TOTAL;
    if (answer != ADMISSION_GRANTED) {
        turn_away(conn, answer);
    } else if (!known && !h1_trusts_proxy(conn)) {
        h1_note_refusal(conn, NULL, 0, H1_REASON_NOT_TRUSTED);
        h1_conn_close(conn, RING_CANCEL_GONE);
    }
}

bool h1_admit_client(struct h1_conn *conn) {
    struct h1_server *server = conn->server;
    enum admission_answer answer = admission_name(server->admission, &server->config.admission, &conn->remote);
    if (answer == ADMISSION_GRANTED) {
        conn->admitted = H1_ADMITTED_FULLY;
        return true;
    }
    admission_leave(server->admission, &nobody);
    turn_away(conn, answer);
    return false;
}

static void dismiss(struct h1_conn *conn) {
    if (conn->admitted == H1_ADMITTED_NOT) {
        conn->server->refused_open--;
    } else {
        admission_leave(conn->server->admission, conn->admitted == H1_ADMITTED_FULLY ? &conn->remote : &nobody);
    }
}

void h1_accept(struct h1_server *server, int fd, const struct sockaddr_storage *peer, bool proxy) {
    struct h1_conn *conn = pool_take(&server->conns);
    if (conn == NULL) {
        close(fd);
        return;
    }
    memset(conn, 0, sizeof(*conn));
    conn->server = server;
    conn->fd = fd;
    conn->reading = true;
    conn->input = proxy ? H1_INPUT_PROXY : H1_INPUT_HEAD;
    conn->remote = endpoint_of(peer);
    h1_trust_update(conn);
    struct sockaddr_storage local = {0};
    socklen_t length = sizeof(local);
    if (getsockname(fd, (struct sockaddr *)&local, &length) == 0) {
        conn->local = endpoint_of(&local);
    }
    if (local.ss_family != AF_UNIX) {
        int one = 1;
        /* Failure only costs latency. */
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    }
    if (uv_poll_init(server->loop, &conn->poll, fd) != 0) {
        close(fd);
        pool_give(&server->conns, conn);
        return;
    }
    conn->next = server->all;
    if (server->all != NULL) {
        server->all->prev = conn;
    }
    server->all = conn;
    counter_add(&server->counters.connections_open, 1);
    counter_add(&server->counters.connections_accepted, 1);
    admit(conn);
    h1_conn_watch(conn);
}

static void on_closed(uv_handle_t *handle) {
    struct h1_conn *conn = (struct h1_conn *)(void *)handle;
    pool_give(&conn->server->conns, conn);
}

/* Half an answer that ends with the connection would look whole: a reset is the error that tells (RFC 9112 8). */
static void spoil(const struct h1_conn *conn) {
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    /* Failure leaves the client with what it got. */
    (void)setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

/* uv_close names the descriptor to the kernel once more: closed before, it could be another thread's by then. */
static void release(struct h1_conn *conn) {
    uv_close((uv_handle_t *)&conn->poll, on_closed);
    if (h1_file_leave(conn)) {
        close(conn->fd);
    }
}

void h1_conn_close(struct h1_conn *conn, uint16_t reason) {
    struct h1_server *server = conn->server;
    if (conn->state == H1_CONN_CLOSED) {
        return;
    }
    if (conn->state == H1_CONN_LINGERING) {
        linger_remove(conn);
    }
    h1_unblock(conn);
    h1_timer_remove(conn);
    dismiss(conn);
    if (conn->front != NULL && conn->front->unframed) {
        spoil(conn);
    }
    conn->state = H1_CONN_CLOSED;
    conn->closed_for = reason;
    while (conn->front != NULL) {
        exchange_detach(&conn->front->exchange, reason);
        h1_stream_close(conn);
    }
    free(conn->in);
    free(conn->trailers);
    conn->in = NULL;
    conn->trailers = NULL;
    list_remove(&server->all, conn);
    counter_sub(&server->counters.connections_open, 1);
    (void)uv_poll_stop(&conn->poll);
    /* A dirty connection is still on the flush list: its memory goes when that is through. */
    if (!conn->is_dirty) {
        release(conn);
    }
}

void h1_conn_dirty(struct h1_conn *conn) {
    if (!conn->is_dirty && conn->state != H1_CONN_CLOSED) {
        conn->is_dirty = true;
        conn->dirty_next = conn->server->dirty;
        conn->server->dirty = conn;
    }
}

void h1_flush(struct h1_server *server) {
    while (server->dirty != NULL) {
        struct h1_conn *conn = server->dirty;
        server->dirty = conn->dirty_next;
        if (conn->state == H1_CONN_CLOSED) {
            release(conn);
            continue;
        }
        conn->is_dirty = false;
        h1_write(conn);
        if (conn->state <= H1_CONN_FINISHING && conn->stalled) {
            h1_input_continue(conn);
        }
        h1_conn_watch(conn);
    }
}

/* All answers are sent and nothing more will be understood: say so, and read on so that no reset destroys the answer (RFC 9112 9.6). */
void h1_conn_finish(struct h1_conn *conn) {
    if (conn->state == H1_CONN_CLOSED || conn->state == H1_CONN_LINGERING) {
        return;
    }
    if (conn->eof || shutdown(conn->fd, SHUT_WR) != 0) {
        h1_conn_close(conn, RING_CANCEL_GONE);
        return;
    }
    struct h1_server *server = conn->server;
    conn->state = H1_CONN_LINGERING;
    conn->input = H1_INPUT_DISCARD;
    conn->reading = true;
    conn->discarded = 0;
    conn->since_ms = uv_now(server->loop);
    conn->list_prev = NULL;
    conn->list_next = server->lingering;
    if (server->lingering != NULL) {
        server->lingering->list_prev = conn;
    }
    server->lingering = conn;
    h1_conn_watch(conn);
}

static void half_close_streams(struct h1_conn *conn) {
    for (struct h1_stream *stream = conn->front; stream != NULL; stream = stream->next) {
        if (stream->state != H1_STREAM_UPGRADED) { /* there it is the end of the client's bytes, in order */
            exchange_half_close(&stream->exchange);
        }
    }
}

/* The peer has closed its sending side: what it asked for is still answered. */
static void on_half_close(struct h1_conn *conn) {
    conn->eof = true;
    if (conn->input == H1_INPUT_STREAM) {
        h1_upgrade_end(conn);
        h1_conn_watch(conn);
        return;
    }
    if (conn->input == H1_INPUT_PROXY && conn->in_length != 0) {
        h1_note_refusal(conn, NULL, 0, H1_REASON_PROXY_HEADER);
    }
    if (conn->state == H1_CONN_LINGERING || conn->front == NULL) {
        h1_conn_close(conn, RING_CANCEL_GONE);
        return;
    }
    if (!conn->fin_seen) {
        half_close_streams(conn);
    }
    if (conn->body != NULL) {
        /* That request can never be complete (RFC 9112 8); those before it can. */
        h1_conn_refuse(conn, 400, H1_REASON_INCOMPLETE);
    }
    conn->state = H1_CONN_FINISHING;
    conn->input = H1_INPUT_DISCARD;
    h1_conn_watch(conn);
}

static void read_bytes(struct h1_conn *conn) {
    h1_read(conn);
    if (conn->eof && conn->state != H1_CONN_CLOSED) {
        on_half_close(conn);
    }
}

void h1_conn_event(uv_poll_t *poll, int status, int events) {
    struct h1_conn *conn = (struct h1_conn *)(void *)poll;
    dispatch_update_time(conn->server->dispatch);
    if (status != 0) {
        h1_conn_close(conn, RING_CANCEL_GONE);
        return;
    }
    if ((events & UV_WRITABLE) != 0) {
        h1_unblock(conn);
        h1_conn_dirty(conn);
    }
    if ((events & UV_READABLE) != 0) {
        read_bytes(conn);
    } else if ((events & UV_DISCONNECT) != 0) {
        /* Reading is paused and the peer has closed: what it sent before may still be unread, but its end is known now. */
        int error = 0;
        socklen_t length = sizeof(error);
        if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0 || error != 0) {
            h1_conn_close(conn, RING_CANCEL_GONE);
            return;
        }
        conn->fin_seen = true;
        conn->reading |= conn->state == H1_CONN_LINGERING; /* what is left has an end, and closing over it is a reset */
        half_close_streams(conn);
    } else if (events == UV_PRIORITIZED) {
        h1_conn_close(conn, RING_CANCEL_GONE); /* hung up in both directions */
    }
    if (conn->state != H1_CONN_CLOSED) {
        h1_conn_watch(conn);
    }
}

static bool is_before_body(const struct h1_conn *conn) {
    return conn->input == H1_INPUT_HEAD || conn->input == H1_INPUT_PROXY;
}

static bool is_idle(const struct h1_conn *conn) {
    return conn->state == H1_CONN_OPEN && conn->front == NULL && is_before_body(conn) && conn->in_length == 0 &&
           conn->parser.scanned == 0;
}

void h1_stop(struct h1_server *server, bool keep_idle) {
    server->stopping = true;
    server->keeps_idle = keep_idle;
    if (keep_idle) {
        return;
    }
    server->stopped = true;
    server->timers[H1_TIMER_HEAD].next_look_ms = 0;
    for (struct h1_conn *conn = server->all; conn != NULL;) {
        struct h1_conn *next = conn->next;
        if (is_idle(conn)) {
            read_bytes(conn); /* a request that has come before is answered; and closing over unread bytes is a reset */
        }
        if (is_idle(conn) && !h1_awaits_first(conn)) {
            h1_conn_close(conn, RING_CANCEL_STOPPING);
        } else if (conn->state == H1_CONN_OPEN && conn->front == NULL && !is_before_body(conn)) {
            h1_conn_finish(conn); /* what comes of the body that is being discarded must not reset the answer */
        } else {
            h1_conn_watch(conn);
        }
        conn = next;
    }
}

void h1_cut_all(struct h1_server *server) {
    while (server->all != NULL) {
        h1_conn_close(server->all, RING_CANCEL_STOPPING);
    }
}
