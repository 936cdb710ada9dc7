/*
 * Connections that change their protocol (RFC 9110 7.8, 15.2.2): from 101 on the client's bytes are BODY events and the worker's go
 * out as they are, each direction with its window and its own end. docs/design.md section 6.5.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "h1_internal.h"
#include "h1_server.h"

void h1_upgrade_offer(struct h1_stream *stream, const uint8_t *bytes) {
    struct h1_server *server = stream->conn->server;
    const struct h1_request *request = &server->request;
    /* A client that says close asks for one answer and no more. */
    if (!request->upgrade || !request->keep_alive || server->stopping) {
        return;
    }
    uint32_t length = 0;
    for (uint32_t i = 0; i < request->field_count; i++) {
        length += request->fields[i].id == RING_NAME_UPGRADE ? request->fields[i].value_length + 1 : 0;
    }
    stream->offer = pool_bytes(server->allocations, length);
    if (stream->offer == NULL) {
        return; /* as if it had not been asked for */
    }
    for (uint32_t i = 0; i < request->field_count; i++) {
        const struct ring_field *field = &request->fields[i];
        if (field->id == RING_NAME_UPGRADE) {
            memcpy(stream->offer + stream->offer_length, bytes + field->value_offset, field->value_length);
            stream->offer_length += field->value_length;
            stream->offer[stream->offer_length++] = ',';
        }
    }
}

struct member {
    const uint8_t *bytes;
    uint32_t length;
};

/* Takes the next member off a list (RFC 9110 5.6.1). False: there is none. */
static bool next_member(struct member *list, struct member *out) {
    while (list->length != 0) {
        const uint8_t *comma = memchr(list->bytes, ',', list->length);
        uint32_t length = comma != NULL ? (uint32_t)(comma - list->bytes) : list->length;
        uint32_t used = comma != NULL ? length + 1 : length;
        *out = (struct member){list->bytes, length};
        list->bytes += used;
        list->length -= used;
        while (out->length != 0 && h1_is_ows(out->bytes[0])) {
            out->bytes++;
            out->length--;
        }
        while (out->length != 0 && h1_is_ows(out->bytes[out->length - 1])) {
            out->length--;
        }
        if (out->length != 0) {
            return true;
        }
    }
    return false;
}

static bool is_same(struct member a, struct member b) {
    if (a.length != b.length) {
        return false;
    }
    for (uint32_t i = 0; i < a.length; i++) {
        if (h1_lower(a.bytes[i]) != h1_lower(b.bytes[i])) {
            return false;
        }
    }
    return true;
}

bool h1_upgrade_offers(const struct h1_stream *stream, const uint8_t *value, uint32_t length) {
    struct member chosen = {value, length};
    struct member one;
    bool any = false;
    /* Both are bounded by what a head may have, and only the first few of an honest worker's are looked at. */
    for (unsigned i = 0; next_member(&chosen, &one); i++) {
        struct member offered = {stream->offer, stream->offer_length};
        struct member other;
        bool found = false;
        while (!found && next_member(&offered, &other)) {
            found = is_same(one, other);
        }
        if (!found || i == 8) {
            return false;
        }
        any = true;
    }
    return any;
}

static void forget_offer(struct h1_stream *stream) {
    free(stream->offer);
    stream->offer = NULL;
    stream->offer_length = 0;
}

void h1_upgrade_decline(struct h1_stream *stream) {
    struct h1_conn *conn = stream->conn;
    if (stream->offer == NULL) {
        return;
    }
    forget_offer(stream);
    if (!stream->keep_alive && conn->state == H1_CONN_OPEN) {
        /* It was the connection's last, which was not sure before. */
        conn->state = H1_CONN_FINISHING;
        if (conn->body == NULL) {
            conn->input = H1_INPUT_DISCARD;
        }
    }
}

void h1_upgrade_begin(struct h1_stream *stream) {
    struct h1_conn *conn = stream->conn;
    forget_offer(stream);
    h1_access_upgraded(stream);
    counter_add(&conn->server->counters.upgraded, 1);
    counter_add(&conn->server->counters.upgraded_ever, 1);
    stream->state = H1_STREAM_UPGRADED;
    stream->upgraded = true;
    stream->keep_alive = false;
    stream->unframed = true; /* only its end is told by that of the connection: a failure must be a reset */
    conn->body = stream;
    conn->input = H1_INPUT_STREAM;
    conn->end_pending = conn->eof;
    conn->stalled = true; /* what came behind the request is taken first */
}

void h1_upgrade_over(struct h1_stream *stream) {
    struct h1_conn *conn = stream->conn;
    counter_sub(&conn->server->counters.upgraded, 1);
    if (conn->body == stream) {
        h1_access_body(conn);
        conn->body = NULL;
        conn->end_pending = false;
        conn->input = H1_INPUT_DISCARD;
        conn->discarded = 0;
        conn->reading = true;
    }
}

bool h1_upgrade_read(struct h1_conn *conn) {
    struct exchange *exchange = &conn->body->exchange;
    uint8_t *memory = NULL;
    uint32_t space = exchange_reserve_body(exchange, RING_MAX_BLOCK, &memory);
    if (space == 0) {
        conn->reading = false;
        return false;
    }
    uint32_t n = 0;
    bool more = h1_receive(conn, memory, space, &n);
    conn->body_seen += n;
    exchange_commit_body(exchange, n, false);
    return more && n == space;
}

uint32_t h1_upgrade_take(struct h1_conn *conn, const uint8_t *bytes, uint32_t length) {
    struct exchange *exchange = &conn->body->exchange;
    uint32_t done = 0;
    while (done < length) {
        uint8_t *memory = NULL;
        uint32_t space = exchange_reserve_body(exchange, length - done, &memory);
        if (space == 0) {
            conn->stalled = true;
            conn->reading = false;
            break;
        }
        uint32_t piece = space < length - done ? space : length - done;
        memcpy(memory, bytes + done, piece);
        done += piece;
        conn->body_seen += piece;
        exchange_commit_body(exchange, piece, false);
    }
    return done;
}

void h1_upgrade_end(struct h1_conn *conn) {
    conn->end_pending = !exchange_end_body(&conn->body->exchange, (struct exchange_list){0});
}

void h1_upgrade_shut(struct h1_conn *conn) {
    struct h1_stream *stream = conn->front;
    if (stream == NULL || stream->state != H1_STREAM_UPGRADED || !stream->shut || stream->shut_sent) {
        return;
    }
    stream->shut_sent = true;
    if (shutdown(conn->fd, SHUT_WR) != 0) {
        h1_conn_close(conn, RING_CANCEL_GONE);
    }
}

bool h1_upgrade_is_silent(const struct h1_conn *conn) {
    return (conn->eof || conn->fin_seen) && conn->front != NULL && conn->front->shut_sent;
}
