/*
 * What a client may take its time for: the timeouts of the reading side. Setting a timer must cost next to nothing, because
 * every request sets one and takes it back: so a connection only notes its timer, and stays in the list of the last one that
 * it was linked for. A list is looked through some times within its timeout; what has no business there leaves it then.
 */
#include "h1_server.h"

#define LOOKS 16 /* within a timeout */
/* How long a new connection may take for its first byte once the gateway stops: the request may be on its way. */
#define FIRST_AT_STOP_MS 1000

static bool has_part_of_a_head(const struct h1_conn *conn) {
    return conn->in_length != 0 || conn->parser.scanned != 0;
}

bool h1_awaits_first(const struct h1_conn *conn) {
    return !conn->greeted && !has_part_of_a_head(conn) && conn->timer == H1_TIMER_HEAD;
}

static enum h1_timer timer_of(const struct h1_conn *conn) {
    if (conn->input == H1_INPUT_STREAM && conn->state <= H1_CONN_FINISHING) {
        return H1_TIMER_STREAM;
    }
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
    case H1_INPUT_PROXY:
        return H1_TIMER_HEAD;
    case H1_INPUT_LENGTH:
    case H1_INPUT_CHUNKED:
        return H1_TIMER_BODY;
    default:
        return H1_TIMER_NONE;
    }
}

void h1_timer_remove(struct h1_conn *conn) {
    conn->timer = H1_TIMER_NONE;
    if (conn->linked == H1_TIMER_NONE) {
        return;
    }
    *(conn->timer_prev != NULL ? &conn->timer_prev->timer_next : &conn->server->timers[conn->linked].head) =
        conn->timer_next;
    if (conn->timer_next != NULL) {
        conn->timer_next->timer_prev = conn->timer_prev;
    }
    conn->linked = H1_TIMER_NONE;
}

static void set(struct h1_conn *conn, enum h1_timer timer) {
    if (timer != H1_TIMER_NONE && conn->linked != timer) {
        struct h1_timer_list *list = &conn->server->timers[timer];
        h1_timer_remove(conn);
        conn->linked = (uint8_t)timer;
        conn->timer_prev = NULL;
        conn->timer_next = list->head;
        if (list->head != NULL) {
            list->head->timer_prev = conn;
        }
        list->head = conn;
    }
    conn->timer = (uint8_t)timer;
    conn->timer_ms = uv_now(conn->server->loop);
}

void h1_timer_update(struct h1_conn *conn) {
    enum h1_timer timer = timer_of(conn);
    if (conn->server->config.timeouts.reading[timer] == 0) {
        timer = H1_TIMER_NONE;
    }
    if (timer == conn->timer) {
        return;
    }
    set(conn, timer);
    if (timer == H1_TIMER_BODY) {
        conn->rate_since_ms = conn->timer_ms;
        conn->rate_bytes = 0;
    }
}

/* What was waited for has come. The same may be waited for again before anybody looks: then from now on. */
void h1_timer_rest(struct h1_conn *conn) {
    conn->timer = H1_TIMER_NONE;
}

static void expire(struct h1_conn *conn) {
    struct h1_server *server = conn->server;
    counter_add(&server->counters.timed_out[conn->timer], 1);
    if (conn->timer == H1_TIMER_IDLE || (conn->timer == H1_TIMER_HEAD && !has_part_of_a_head(conn))) {
        h1_conn_close(conn, RING_CANCEL_GONE); /* nothing was asked */
        return;
    }
    if (conn->timer == H1_TIMER_STREAM) {
        h1_conn_close(conn, RING_CANCEL_DEADLINE);
        return;
    }
    if (conn->input == H1_INPUT_PROXY) {
        h1_note_refusal(conn, NULL, 0, H1_REASON_HEAD_TIMEOUT);
        h1_conn_close(conn, RING_CANCEL_GONE); /* a proxy expects no answer yet */
        return;
    }
    enum h1_reason reason = conn->timer == H1_TIMER_HEAD ? H1_REASON_HEAD_TIMEOUT : H1_REASON_BODY_TIMEOUT;
    h1_timer_remove(conn);
    h1_conn_refuse(conn, 408, reason);
}

void h1_timer_stream(struct h1_conn *conn) {
    if (conn->timer == H1_TIMER_STREAM) {
        conn->timer_ms = uv_now(conn->server->loop);
    }
}

void h1_timer_progress(struct h1_conn *conn, uint32_t bytes) {
    h1_timer_stream(conn);
    if (conn->timer != H1_TIMER_BODY) {
        return;
    }
    const struct h1_timeouts *timeouts = &conn->server->config.timeouts;
    conn->rate_bytes += bytes;
    conn->timer_ms = uv_now(conn->server->loop);
    uint64_t took = conn->timer_ms - conn->rate_since_ms;
    if (took > timeouts->reading[H1_TIMER_BODY] && conn->rate_bytes * 1000 < timeouts->body_rate * took) {
        conn->timer_ms = 0; /* over: the next look ends it */
    }
}

static void expire_due(struct h1_server *server, enum h1_timer timer, uint64_t now_ms) {
    struct h1_timer_list *list = &server->timers[timer];
    uint64_t limit = server->config.timeouts.reading[timer];
    if (now_ms < list->next_look_ms) {
        return;
    }
    list->next_look_ms = now_ms + (server->stopped && limit > FIRST_AT_STOP_MS ? FIRST_AT_STOP_MS : limit) / LOOKS;
    for (struct h1_conn *conn = list->head; conn != NULL;) {
        struct h1_conn *next = conn->timer_next;
        if (conn->timer != timer) {
            h1_timer_remove(conn); /* linked here, so that it has none now */
        } else if (now_ms - conn->timer_ms >= limit) {
            expire(conn);
        } else if (server->stopped && h1_awaits_first(conn) && now_ms - conn->timer_ms >= FIRST_AT_STOP_MS) {
            h1_conn_close(conn, RING_CANCEL_STOPPING);
        }
        conn = next;
    }
}

static void expire_blocked(struct h1_server *server, uint64_t now_ms) {
    uint64_t limit = server->config.timeouts.send;
    for (struct h1_conn *conn = server->blocked_head; limit != 0 && conn != NULL;) {
        struct h1_conn *next = conn->list_next;
        uint64_t took = now_ms - conn->slow_since_ms;
        bool slow = took > limit && conn->input != H1_INPUT_STREAM &&
                    conn->slow_bytes * 1000 < server->config.timeouts.send_rate * took;
        if (now_ms - conn->since_ms >= limit || slow) {
            counter_add(&server->counters.send_timeouts, 1);
            h1_conn_close(conn, RING_CANCEL_GONE);
        }
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
    expire_due(server, H1_TIMER_STREAM, now_ms);
    expire_blocked(server, now_ms);
    return h1_needs_tick(server);
}
