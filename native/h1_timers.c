/*
 * What a client may take its time for: the timeouts of the reading side. All connections with the same timer are in one list,
 * oldest first, so that setting one, taking it back and looking for the next to expire cost the same for any number.
 */
#include "h1_server.h"

static bool has_part_of_a_head(const struct h1_conn *conn) {
    return conn->in_length != 0 || conn->parser.scanned != 0;
}

static enum h1_timer timer_of(const struct h1_conn *conn) {
    if (conn->state > H1_CONN_FINISHING || !conn->reading || conn->eof || conn->stalled) {
        return H1_TIMER_NONE;
    }
    switch (conn->input) {
    case H1_INPUT_HEAD:
        if (has_part_of_a_head(conn)) {
            return H1_TIMER_HEAD;
        }
        if (conn->front != NULL) {
            return H1_TIMER_NONE; /* it waits for us */
        }
        return conn->greeted ? H1_TIMER_IDLE : H1_TIMER_HEAD;
    case H1_INPUT_LENGTH:
    case H1_INPUT_CHUNKED:
        return H1_TIMER_BODY;
    default:
        return H1_TIMER_NONE;
    }
}

void h1_timer_remove(struct h1_conn *conn) {
    if (conn->timer == H1_TIMER_NONE) {
        return;
    }
    struct h1_timer_list *list = &conn->server->timers[conn->timer];
    *(conn->timer_prev != NULL ? &conn->timer_prev->timer_next : &list->head) = conn->timer_next;
    *(conn->timer_next != NULL ? &conn->timer_next->timer_prev : &list->tail) = conn->timer_prev;
    conn->timer = H1_TIMER_NONE;
}

static void set(struct h1_conn *conn, enum h1_timer timer) {
    h1_timer_remove(conn);
    if (timer == H1_TIMER_NONE || conn->server->config.timeouts.reading[timer] == 0) {
        return;
    }
    struct h1_timer_list *list = &conn->server->timers[timer];
    conn->timer = (uint8_t)timer;
    conn->timer_ms = uv_now(conn->server->loop);
    conn->timer_next = NULL;
    conn->timer_prev = list->tail;
    *(list->tail != NULL ? &list->tail->timer_next : &list->head) = conn;
    list->tail = conn;
}

void h1_timer_update(struct h1_conn *conn) {
    enum h1_timer timer = timer_of(conn);
    if (timer == conn->timer) {
        return;
    }
    set(conn, timer);
    if (timer == H1_TIMER_BODY) {
        conn->rate_since_ms = conn->timer_ms;
        conn->rate_bytes = 0;
    }
}

static void expire(struct h1_conn *conn) {
    struct h1_server *server = conn->server;
    counter_add(&server->counters.timed_out[conn->timer], 1);
    if (conn->timer == H1_TIMER_IDLE || (conn->timer == H1_TIMER_HEAD && !has_part_of_a_head(conn))) {
        h1_conn_close(conn, RING_CANCEL_GONE); /* nothing was asked */
        return;
    }
    h1_timer_remove(conn);
    h1_input_timeout(conn);
}

void h1_timer_progress(struct h1_conn *conn, uint32_t bytes) {
    if (conn->timer != H1_TIMER_BODY) {
        return;
    }
    const struct h1_timeouts *timeouts = &conn->server->config.timeouts;
    uint64_t since = conn->rate_since_ms;
    uint64_t total = conn->rate_bytes + bytes;
    set(conn, H1_TIMER_BODY);
    conn->rate_since_ms = since;
    conn->rate_bytes = total;
    uint64_t took = conn->timer_ms - since;
    if (took > timeouts->reading[H1_TIMER_BODY] && total * 1000 < timeouts->body_rate * took) {
        conn->timer_ms = 0; /* over: the next tick ends it */
    }
}

/* Lists are in order of time, except that a body that comes too slowly is over at once, wherever it stands. */
static void expire_due(struct h1_server *server, enum h1_timer timer, uint64_t now_ms) {
    uint64_t limit = server->config.timeouts.reading[timer];
    for (struct h1_conn *conn = server->timers[timer].head; conn != NULL;) {
        struct h1_conn *next = conn->timer_next;
        bool due = now_ms - conn->timer_ms >= limit;
        if (!due && timer != H1_TIMER_BODY) {
            break;
        }
        if (due) {
            expire(conn);
        }
        conn = next;
    }
}

static void expire_blocked(struct h1_server *server, uint64_t now_ms) {
    uint64_t limit = server->config.timeouts.send;
    for (struct h1_conn *conn = server->blocked_head; limit != 0 && conn != NULL;) {
        struct h1_conn *next = conn->list_next;
        if (now_ms - conn->since_ms < limit) {
            break;
        }
        counter_add(&server->counters.send_timeouts, 1);
        h1_conn_close(conn, RING_CANCEL_GONE);
        conn = next;
    }
}

bool h1_needs_tick(const struct h1_server *server) {
    if (server->lingering != NULL || server->blocked_head != NULL) {
        return true;
    }
    for (int timer = 0; timer < H1_TIMER_COUNT; timer++) {
        if (server->timers[timer].head != NULL) {
            return true;
        }
    }
    return false;
}

bool h1_tick(struct h1_server *server, uint64_t now_ms) {
    for (struct h1_conn *conn = server->lingering; conn != NULL;) {
        struct h1_conn *next = conn->list_next;
        if (now_ms - conn->since_ms >= H1_LINGER_MS) {
            h1_conn_close(conn, RING_CANCEL_GONE);
        }
        conn = next;
    }
    expire_due(server, H1_TIMER_IDLE, now_ms);
    expire_due(server, H1_TIMER_HEAD, now_ms);
    expire_due(server, H1_TIMER_BODY, now_ms);
    expire_blocked(server, now_ms);
    return h1_needs_tick(server);
}
