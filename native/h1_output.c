/* Bytes out: queued items of the streams in order, gathered into as few system calls as possible, straight from the segments. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "h1_server.h"
#include "static_file.h"

#define GATHER 64

#define ASIDE_LIMIT (16u << 20) /* bytes of all connections of a loop that may be held aside */
#define EVICT_AFTER_MS 1000u

struct h1_stream *h1_stream_open(struct h1_conn *conn, uint8_t version, bool keep_alive) {
    struct h1_stream *stream = pool_take(&conn->server->streams);
    if (stream == NULL) {
        return NULL;
    }
    stream->exchange.state = EXCHANGE_IDLE;
    stream->exchange.worker = 0;
    stream->exchange.half_closed = false;
    stream->exchange.begun_ns = 0;
    stream->exchange.attempt = 0;
    stream->access = NULL;
    stream->times = (struct h1_times){0};
    stream->conn = conn;
    stream->next = NULL;
    stream->first = NULL;
    stream->last = NULL;
    stream->file = NULL;
    stream->offer = NULL;
    stream->offer_length = 0;
    stream->id_length = 0;
    stream->upgraded = false;
    stream->shut = false;
    stream->shut_sent = false;
    stream->body_left = 0;
    stream->state = H1_STREAM_WAITING;
    stream->version = version;
    stream->head_request = false;
    stream->keep_alive = keep_alive;
    stream->unframed = false;
    stream->safe = true;
    stream->expects_continue = false;
    stream->cut = false;
    stream->copied = 0;
    if (conn->back != NULL) {
        conn->back->next = stream;
    } else {
        conn->front = stream;
    }
    conn->back = stream;
    if (conn->depth++ == 0) {
        counter_add(&conn->server->counters.connections_busy, 1);
    }
    return stream;
}

/* Takes the front stream away. Precondition: its exchange is detached. */
void h1_stream_close(struct h1_conn *conn) {
    struct h1_stream *stream = conn->front;
    h1_latency_end(stream);
    h1_access_end(stream);
    h1_items_drop(conn->server, stream);
    static_detach(stream);
    if (stream->state == H1_STREAM_UPGRADED) {
        h1_upgrade_over(stream);
    }
    free(stream->offer);
    conn->front = stream->next;
    if (conn->front == NULL) {
        conn->back = NULL;
    }
    if (!stream->safe) {
        conn->unsafe--;
    }
    if (--conn->depth == 0) {
        counter_sub(&conn->server->counters.connections_busy, 1);
    }
    if (conn->body == stream) {
        conn->body = NULL;
    }
    pool_give(&conn->server->streams, stream);
}

static void item_free(struct h1_server *server, struct h1_item *item) {
    if (item->file != NULL) {
        h1_file_end(item->file, RING_FILE_CUT);
    }
    exchange_release(item->held);
    if (item->aside) {
        server->aside_bytes -= item->length;
        counter_set(&server->counters.aside_bytes, server->aside_bytes);
    }
    free(item->heap);
    pool_give(&server->items, item);
}

void h1_items_drop(struct h1_server *server, struct h1_stream *stream) {
    while (stream->first != NULL) {
        struct h1_item *item = stream->first;
        stream->first = item->next;
        item_free(server, item);
    }
    stream->last = NULL;
}

/* An empty item with room for `capacity` bytes at item->data, behind the stream's others. */
struct h1_item *h1_item_add(struct h1_stream *stream, uint32_t capacity) {
    struct h1_server *server = stream->conn->server;
    struct h1_item *item = pool_take(&server->items);
    if (item == NULL) {
        return NULL;
    }
    item->next = NULL;
    item->length = 0;
    item->held = (struct exchange_bytes){.block = RING_NO_BLOCK};
    item->heap = NULL;
    item->aside = false;
    item->file = NULL;
    item->data = item->bytes;
    if (capacity > H1_ITEM_BYTES) {
        item->heap = pool_bytes(server->allocations, capacity);
        if (item->heap == NULL) {
            pool_give(&server->items, item);
            return NULL;
        }
        item->data = item->heap;
    }
    if (stream->last != NULL) {
        stream->last->next = item;
    } else {
        stream->first = item;
    }
    stream->last = item;
    return item;
}

void h1_item_static(struct h1_stream *stream, const char *text, uint32_t length) {
    struct h1_item *item = h1_item_add(stream, 0);
    if (item == NULL) {
        stream->cut = true;
        return;
    }
    item->data = (const uint8_t *)text;
    item->length = length;
}

/* Body bytes: sent from where they lie; the block goes back when they are out. */
void h1_item_body(struct h1_stream *stream, struct exchange_bytes body) {
    if (body.length == 0) {
        exchange_release(body);
        return;
    }
    struct h1_item *item = h1_item_add(stream, 0);
    if (item == NULL) {
        exchange_release(body);
        stream->cut = true;
        return;
    }
    /* Not without end: a copy costs the worker no window, so for a client that does not read the blocks must stay held. */
    if (body.length <= H1_COPY_BODY && stream->copied < H1_COPY_PIECES) {
        stream->copied++;
        memcpy(item->bytes, body.data, body.length);
        item->length = body.length;
        exchange_release(body);
        return;
    }
    item->data = body.data;
    item->length = body.length;
    item->held = body;
}

/* --- blocked connections --- */

void h1_block(struct h1_conn *conn) {
    struct h1_server *server = conn->server;
    if (conn->blocked) {
        return;
    }
    conn->blocked = true;
    conn->since_ms = uv_now(server->loop);
    if (conn->slow_since_ms == 0) {
        conn->slow_since_ms = conn->since_ms;
        conn->slow_bytes = 0;
    }
    conn->list_next = NULL;
    conn->list_prev = server->blocked_tail;
    if (server->blocked_tail != NULL) {
        server->blocked_tail->list_next = conn;
    } else {
        server->blocked_head = conn;
    }
    server->blocked_tail = conn;
}

void h1_unblock(struct h1_conn *conn) {
    struct h1_server *server = conn->server;
    if (!conn->blocked) {
        return;
    }
    conn->blocked = false;
    if (conn->list_prev != NULL) {
        conn->list_prev->list_next = conn->list_next;
    } else {
        server->blocked_head = conn->list_next;
    }
    if (conn->list_next != NULL) {
        conn->list_next->list_prev = conn->list_prev;
    } else {
        server->blocked_tail = conn->list_prev;
    }
}

/* Copies one connection's held bytes aside. False: the bound is reached and the connection was cut. */
static bool evict(struct h1_conn *conn) {
    struct h1_server *server = conn->server;
    bool copied = false;
    for (struct h1_stream *stream = conn->front; stream != NULL; stream = stream->next) {
        exchange_hold_credit(&stream->exchange, true);
        for (struct h1_item *item = stream->first; item != NULL; item = item->next) {
            if (item->held.block == RING_NO_BLOCK) {
                continue;
            }
            uint8_t *heap = server->aside_bytes + item->length <= ASIDE_LIMIT
                                ? pool_bytes(server->allocations, item->length)
                                : NULL;
            if (heap == NULL) {
                counter_add(&server->counters.cut, 1);
                h1_conn_close(conn, RING_CANCEL_REJECTED);
                return false;
            }
            memcpy(heap, item->data, item->length);
            exchange_release(item->held);
            item->held = (struct exchange_bytes){.block = RING_NO_BLOCK};
            item->heap = heap;
            item->data = heap;
            item->aside = true;
            server->aside_bytes += item->length;
            copied = true;
        }
    }
    counter_add(&server->counters.evicted, copied);
    counter_set(&server->counters.aside_bytes, server->aside_bytes);
    return true;
}

void h1_evict(struct h1_server *server, uint64_t now_ms) {
    for (struct h1_conn *conn = server->blocked_head; conn != NULL && dispatch_under_pressure(server->dispatch);) {
        struct h1_conn *next = conn->list_next;
        if (now_ms - conn->since_ms < EVICT_AFTER_MS) {
            return;
        }
        (void)evict(conn);
        conn = next;
    }
}

/* --- sending --- */

/* The front stream's answer is out. False: the connection is closed. */
static bool finish_front(struct h1_conn *conn) {
    struct h1_stream *stream = conn->front;
    bool keep_alive = stream->keep_alive;
    if (stream->cut) {
        h1_conn_close(conn, RING_CANCEL_REJECTED);
        return false;
    }
    if (conn->body == stream) {
        /* The answer came before the request was complete: read a little more of it, or close. */
        keep_alive = keep_alive && !h1_leaves_body(stream, true);
        h1_access_body(conn);
        conn->body = NULL;
        conn->end_pending = false;
    }
    exchange_detach(&stream->exchange, RING_CANCEL_REJECTED);
    h1_stream_close(conn);
    /* That answer said "close": whatever was asked behind it stays unanswered (RFC 9112 9.6). */
    while (!keep_alive && conn->front != NULL) {
        exchange_detach(&conn->front->exchange, RING_CANCEL_GONE);
        h1_stream_close(conn);
    }
    bool rests = conn->front == NULL && conn->body == NULL;
    /* An answer begun before the gateway was told to stop did not say "close"; an idle connection may end without. */
    if (!keep_alive || (rests && (conn->state == H1_CONN_FINISHING ||
                                  (conn->server->stopping && !conn->server->keeps_idle && conn->in_length == 0)))) {
        h1_conn_finish(conn);
        return false;
    }
    if (conn->state == H1_CONN_FINISHING && conn->body == NULL) {
        conn->input = H1_INPUT_DISCARD;
    }
    if (!conn->reading || conn->in_length != 0) {
        conn->stalled = true; /* the next request may be there already */
    }
    return true;
}

static bool finish_complete(struct h1_conn *conn) {
    while (conn->front != NULL && conn->front->state == H1_STREAM_COMPLETE && conn->front->first == NULL) {
        if (!finish_front(conn)) {
            return false;
        }
    }
    return true;
}

void h1_item_remove(struct h1_stream *stream) {
    struct h1_item *item = stream->first;
    stream->first = item->next;
    if (stream->first == NULL) {
        stream->last = NULL;
        stream->copied = 0;
        exchange_hold_credit(&stream->exchange, false);
    }
    item_free(stream->conn->server, item);
}

/* Takes `sent` bytes off the queues. */
static void advance(struct h1_conn *conn, size_t sent) {
    struct h1_server *server = conn->server;
    counter_add(&server->counters.bytes_out, sent);
    h1_latency_sent(server);
    conn->slow_bytes += sent;
    h1_timer_stream(conn);
    for (struct h1_stream *stream = conn->front; stream != NULL && sent != 0; stream = stream->next) {
        size_t before = sent;
        while (stream->first != NULL && sent != 0) {
            struct h1_item *item = stream->first;
            uint32_t n = item->length < sent ? item->length : (uint32_t)sent;
            item->data += n;
            item->length -= n;
            sent -= n;
            if (item->aside) {
                server->aside_bytes -= n;
            }
            if (item->length == 0) {
                h1_item_remove(stream);
            }
        }
        h1_latency_advance(stream);
        h1_access_sent(stream, before - sent);
    }
}

/*
 * Only the front stream's items may be sent, and the next one's behind a complete front. more: a file follows, so that what is
 * gathered need not leave in a packet of its own.
 */
static int gather(const struct h1_conn *conn, struct iovec *iov, size_t *total, bool *more) {
    int count = 0;
    *total = 0;
    *more = false;
    for (const struct h1_stream *stream = conn->front; stream != NULL; stream = stream->next) {
        for (const struct h1_item *item = stream->first; item != NULL; item = item->next) {
            if (count == GATHER || item->file != NULL) {
                *more = item->file != NULL;
                return count;
            }
            iov[count].iov_base = (void *)(uintptr_t)item->data;
            iov[count].iov_len = item->length;
            *total += item->length;
            count++;
        }
        /* Behind an answer that ends the connection nothing may follow: to a client without length it would be more of the body. */
        if (stream->state != H1_STREAM_COMPLETE || stream->cut || !stream->keep_alive) {
            break;
        }
    }
    return count;
}

void h1_write(struct h1_conn *conn) {
    uint32_t pieces = STATIC_PIECES_PER_TURN;
    while (conn->state <= H1_CONN_FINISHING && !conn->blocked) {
        if (!finish_complete(conn)) {
            return;
        }
        if (conn->state == H1_CONN_FINISHING && conn->front == NULL) {
            h1_conn_finish(
                conn); /* given up while the rest of a request body was discarded: its answer is out already */
            return;
        }
        if (conn->front != NULL && !static_feed(conn->front, &pieces)) {
            h1_block(conn); /* it goes on in the next turn, if the socket takes bytes */
            return;
        }
        struct iovec iov[GATHER];
        size_t total = 0;
        bool more = false;
        int count = gather(conn, iov, &total, &more);
        if (count == 0 && more) {
            h1_file_send(conn);
            return;
        }
        if (count == 0) {
            conn->slow_since_ms = 0;
            h1_upgrade_shut(conn);
            return;
        }
        ssize_t n = 0;
        int flags = MSG_DONTWAIT | MSG_NOSIGNAL | (more ? MSG_MORE : 0);
        if (count == 1) {
            n = send(conn->fd, iov[0].iov_base, iov[0].iov_len, flags);
        } else {
            struct msghdr message = {.msg_iov = iov, .msg_iovlen = (size_t)count};
            n = sendmsg(conn->fd, &message, flags);
        }
        if (n < 0) {
            if (errno == EINTR) {
                continue;
            }
            if (errno == EAGAIN || errno == EWOULDBLOCK) {
                h1_block(conn);
            } else {
                /* The peer is gone; or EFAULT: a worker punched a hole that memory cannot fill. */
                h1_conn_close(conn, RING_CANCEL_GONE);
            }
            return;
        }
        advance(conn, (size_t)n);
        if ((size_t)n < total) {
            h1_block(conn);
        }
    }
}
