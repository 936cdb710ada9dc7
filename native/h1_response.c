/*
 * Answers framed for HTTP/1.x (RFC 9112 section 6). The worker's fields are not trusted: what would break the framing is refused,
 * what only the gateway may say is left out.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "h1_server.h"
#include "h1_status.h"
#include "ring_names.h"

/* Names as they are written. */
struct wire_name {
    const char *text;
    uint8_t length;
};
#define WIRE_NAME(id, identifier, lower, wire) [id] = {wire ": ", sizeof(wire) + 1},
static const struct wire_name wire_names[RING_NAME_COUNT] = {RING_NAMES(WIRE_NAME)};

/* --- text --- */

struct text {
    uint8_t *at;
};

static inline void put(struct text *text, const void *bytes, size_t length) {
    memcpy(text->at, bytes, length);
    text->at += length;
}

#define PUT(text, literal) put((text), (literal), sizeof(literal) - 1)

static void put_number(struct text *text, uint64_t n, unsigned base) {
    char digits[20];
    unsigned i = sizeof(digits);
    do {
        digits[--i] = "0123456789abcdef"[n % base];
        n /= base;
    } while (n != 0);
    put(text, digits + i, sizeof(digits) - i);
}

static void put_status_line(struct text *text, uint16_t status, struct h1_phrase own) {
    if (status == 200 && own.length == 0) {
        PUT(text, "HTTP/1.1 200 OK\r\n");
        return;
    }
    PUT(text, "HTTP/1.1 ");
    put_number(text, status, 10);
    PUT(text, " ");
    if (own.length != 0) {
        put(text, own.bytes, own.length);
    } else {
        const char *phrase = h1_phrase_of(status);
        put(text, phrase, strlen(phrase));
    }
    PUT(text, "\r\n");
}

static void put_date(struct text *text, struct h1_server *server) {
    uint64_t second = (uint64_t)time(NULL);
    if (second != server->date_second) {
        struct tm tm;
        time_t t = (time_t)second;
        gmtime_r(&t, &tm);
        server->date_length = (uint32_t)strftime(server->date, sizeof(server->date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
        server->date_second = second;
    }
    PUT(text, "Date: ");
    put(text, server->date, server->date_length);
    PUT(text, "\r\n");
}

/* --- the worker's field list --- */

/* Fields that only the gateway may write, or that end at a connection (RFC 9110 7.6.1); Upgrade where the status is about it. */
static bool is_ours(uint16_t id, uint16_t status) {
    switch (id) {
    case RING_NAME_UPGRADE:
        return status != 101 && status != 426;
    case RING_NAME_CONNECTION:
    case RING_NAME_KEEP_ALIVE:
    case RING_NAME_PROXY_CONNECTION:
    case RING_NAME_TE:
    case RING_NAME_TRANSFER_ENCODING:
    case RING_NAME_CONTENT_LENGTH:
        return true;
    default:
        return false;
    }
}

struct field {
    uint16_t id;
    const uint8_t *name;
    uint32_t name_length;
    const uint8_t *value;
    uint32_t value_length;
};

/* The next field of a list. Returns 1, 0 at the end, -1 if the list or the field is malformed. */
static int next_field(struct exchange_list *list, struct field *out) {
    struct ring_list_entry entry;
    if (list->length == 0) {
        return 0;
    }
    if (list->length < sizeof(entry)) {
        return -1;
    }
    memcpy(&entry, list->data, sizeof(entry));
    uint64_t size = sizeof(entry) + (uint64_t)entry.name_length + entry.value_length;
    if (size > list->length || entry.id >= RING_NAME_COUNT || (entry.id != 0 && entry.name_length != 0)) {
        return -1;
    }
    out->name = list->data + sizeof(entry);
    out->name_length = entry.name_length;
    out->value = out->name + entry.name_length;
    out->value_length = entry.value_length;
    out->id = entry.id != 0 ? entry.id : h1_name_id(out->name, out->name_length);
    if ((entry.id == 0 && !h1_is_token(out->name, out->name_length)) ||
        !h1_is_field_value(out->value, out->value_length)) {
        return -1;
    }
    list->data += size;
    list->length -= (uint32_t)size;
    return 1;
}

/* What the head of a list needs to know beforehand. */
struct survey {
    uint32_t bytes; /* of its lines */
    bool date, server, upgrade;
    struct h1_phrase phrase; /* the worker's own, taken off the list */
};

/* Returns false if the list is malformed. */
static bool survey(struct exchange_list list, uint16_t status, struct survey *out) {
    struct field field;
    *out = (struct survey){0};
    int rc;
    while ((rc = next_field(&list, &field)) > 0) {
        if (is_ours(field.id, status)) {
            continue;
        }
        out->bytes += field.id != 0 ? wire_names[field.id].length : field.name_length + 2;
        out->bytes += field.value_length + 2;
        out->date |= field.id == RING_NAME_DATE;
        out->server |= field.id == RING_NAME_SERVER;
        out->upgrade |= field.id == RING_NAME_UPGRADE;
    }
    return rc == 0;
}

/* survey of the fields of an answer, which may begin with its phrase. */
static bool survey_answer(struct exchange_list *list, uint16_t status, struct survey *out) {
    struct h1_phrase phrase;
    if (!h1_take_phrase(list, &phrase) || !survey(*list, status, out)) {
        return false;
    }
    out->phrase = phrase;
    out->bytes += phrase.length;
    return true;
}

static void put_fields(struct text *text, struct exchange_list list, uint16_t status) {
    struct field field;
    while (next_field(&list, &field) > 0) {
        if (is_ours(field.id, status)) {
            continue;
        }
        if (field.id != 0) {
            put(text, wire_names[field.id].text, wire_names[field.id].length);
        } else {
            put(text, field.name, field.name_length);
            PUT(text, ": ");
        }
        put(text, field.value, field.value_length);
        PUT(text, "\r\n");
    }
}

/* --- answers --- */

static void count_answer(struct h1_stream *stream, uint16_t status) {
    counter_add(&stream->conn->server->counters.answers[status < 600 ? status / 100 : 5], 1);
}

static bool has_no_body(const struct h1_stream *stream, uint16_t status) {
    return stream->head_request || status == 204 || status == 304;
}

#define FRAMING_BYTES 256u /* status line, date, connection, length; more than they can ever need */

bool h1_leaves_body(const struct h1_stream *stream, bool whole) {
    const struct h1_conn *conn = stream->conn;
    return conn->body == stream && (stream->expects_continue ||
                                    (whole && conn->input == H1_INPUT_LENGTH && conn->body_left > H1_DISCARD_LIMIT));
}

/* upgrade: the head has an Upgrade field, which is about this connection (RFC 9110 7.8). */
static void put_connection(struct text *text, const struct h1_stream *stream, bool upgrade) {
    bool old = stream->version < 0x11;
    if (stream->keep_alive && !old && !upgrade) {
        return;
    }
    PUT(text, "Connection: ");
    if (!stream->keep_alive) {
        PUT(text, "close");
    } else if (old) {
        PUT(text, "keep-alive");
    }
    if (upgrade) {
        const char *list = ", upgrade";
        bool first = stream->keep_alive && !old;
        put(text, first ? list + 2 : list, strlen(first ? list + 2 : list));
    }
    PUT(text, "\r\n");
}

/* Writes a head and sets how the body is framed. Returns the item, or NULL if memory is out. */
static struct h1_item *put_head(struct h1_stream *stream, uint16_t status, struct exchange_list fields,
                                const struct survey *seen, uint64_t total, uint32_t room) {
    struct h1_server *server = stream->conn->server;
    h1_upgrade_decline(stream);
    size_t server_length = server->config.server_name == NULL || seen->server ? 0 : strlen(server->config.server_name);
    struct h1_item *item = h1_item_add(stream, FRAMING_BYTES + (uint32_t)server_length + seen->bytes + room);
    if (item == NULL) {
        return NULL;
    }
    if (server->stopping || stream->conn->state != H1_CONN_OPEN) {
        /* Whichever answer is the last on this connection says so; the earlier ones of a pipeline need not know. */
        stream->keep_alive = stream->keep_alive && stream->next != NULL;
    }
    bool bodiless = has_no_body(stream, status);
    bool until_close = !bodiless && total == RING_LENGTH_UNKNOWN && stream->version < 0x11;
    if (until_close) {
        stream->keep_alive = false;
        stream->unframed = true;
    }
    struct text text = {(uint8_t *)(uintptr_t)item->data};
    put_status_line(&text, status, seen->phrase);
    if (!seen->date) {
        put_date(&text, server);
    }
    if (server_length != 0) {
        PUT(&text, "Server: ");
        put(&text, server->config.server_name, server_length);
        PUT(&text, "\r\n");
    }
    put_fields(&text, fields, status);
    /* 204 has no length (RFC 9110 8.6); a 304 only that of the selected representation, which a zero is not. */
    if (total != RING_LENGTH_UNKNOWN && status != 204 && (status != 304 || total != 0)) {
        PUT(&text, "Content-Length: ");
        put_number(&text, total, 10);
        PUT(&text, "\r\n");
    } else if (!bodiless && !until_close) {
        PUT(&text, "Transfer-Encoding: chunked\r\n");
    }
    put_connection(&text, stream, seen->upgrade);
    PUT(&text, "\r\n");
    item->length = (uint32_t)(text.at - item->data);
    if (bodiless) {
        stream->state = H1_STREAM_BODILESS;
    } else if (until_close) {
        stream->state = H1_STREAM_UNTIL_CLOSE;
    } else if (total == RING_LENGTH_UNKNOWN) {
        stream->state = H1_STREAM_CHUNKED;
    } else {
        stream->state = H1_STREAM_FIXED;
        stream->body_left = total;
    }
    count_answer(stream, status);
    h1_latency_answered(stream);
    h1_access_answered(stream, status, item->length);
    return item;
}

/* An answer of the gateway's own. */
void h1_answer(struct h1_stream *stream, uint16_t status, const char *type, const char *body, uint32_t length,
               bool close) {
    struct ring_list_entry entry = {RING_NAME_CONTENT_TYPE, 0, (uint32_t)strlen(type)};
    struct ring_list_entry retry = {RING_NAME_RETRY_AFTER, 0, 1};
    uint8_t list[128];
    memcpy(list, &entry, sizeof(entry));
    memcpy(list + sizeof(entry), type, entry.value_length);
    struct exchange_list fields = {list, (uint32_t)sizeof(entry) + entry.value_length};
    uint32_t field_bytes = entry.value_length + 32;
    if (status == 503) {
        memcpy(list + fields.length, &retry, sizeof(retry));
        list[fields.length + sizeof(retry)] = '1'; /* second: a worker is usually back by then */
        fields.length += (uint32_t)sizeof(retry) + 1;
        field_bytes += 32;
    }
    if (close || h1_leaves_body(stream, true)) {
        stream->keep_alive = false;
    }
    const struct survey seen = {.bytes = field_bytes};
    struct h1_item *item = put_head(stream, status, fields, &seen, length, length);
    if (item == NULL) {
        stream->cut = true;
    } else if (stream->state != H1_STREAM_BODILESS) {
        memcpy((uint8_t *)(uintptr_t)item->data + item->length, body, length);
        item->length += length;
    }
    stream->state = H1_STREAM_COMPLETE;
    h1_conn_dirty(stream->conn);
}

void h1_answer_error(struct h1_stream *stream, uint16_t status, const char *text) {
    if (stream->state == H1_STREAM_UPGRADED) {
        h1_upgrade_over(stream);
    }
    if (stream->state != H1_STREAM_WAITING) {
        /* A part of another answer is on its way: only cutting the connection tells the client. */
        h1_file_cut(stream);
        stream->cut = true;
        stream->state = H1_STREAM_COMPLETE;
        counter_add(&stream->conn->server->counters.cut, !stream->exchange.half_closed);
        h1_conn_dirty(stream->conn);
        return;
    }
    char body[128];
    int length = snprintf(body, sizeof(body), "%u %s\n", status, text);
    bool close = status == 400 || status == 408 || status == 413 || status == 414 || status == 417 || status == 431 ||
                 status == 501 || status == 505;
    h1_answer(stream, status, "text/plain; charset=utf-8", body, (uint32_t)length, close);
}

/* --- exchange callbacks --- */

static struct h1_stream *stream_of(struct exchange *exchange) {
    return (struct h1_stream *)(void *)exchange;
}

/* The worker's answer cannot be sent: the exchange is given up. */
static void reject(struct h1_stream *stream) {
    exchange_detach(&stream->exchange, RING_CANCEL_REJECTED);
    h1_note_refusal(stream->conn, stream, 502, H1_REASON_BAD_ANSWER);
    h1_answer_error(stream, 502, h1_reason_text(H1_REASON_BAD_ANSWER));
}

static void put_body(struct h1_stream *stream, struct exchange_bytes body) {
    uint32_t length = body.length;
    struct h1_item *item = NULL;
    switch (stream->state) {
    case H1_STREAM_FIXED:
        stream->body_left -= length;
        h1_item_body(stream, body);
        return;
    case H1_STREAM_UNTIL_CLOSE:
    case H1_STREAM_UPGRADED:
        h1_item_body(stream, body);
        return;
    case H1_STREAM_CHUNKED:
        item = length != 0 ? h1_item_add(stream, 24) : NULL;
        if (item != NULL) {
            struct text text = {(uint8_t *)(uintptr_t)item->data};
            put_number(&text, length, 16);
            PUT(&text, "\r\n");
            item->length = (uint32_t)(text.at - item->data);
            h1_item_body(stream, body);
            h1_item_static(stream, "\r\n", 2);
            return;
        }
        stream->cut |= length != 0;
        break;
    default: /* bodiless: bytes are not sent */
        break;
    }
    exchange_release(body);
}

/* All of the body is queued. */
static void end_body(struct h1_stream *stream, struct exchange_list trailers) {
    struct h1_conn *conn = stream->conn;
    if (stream->state == H1_STREAM_FIXED && stream->body_left != 0) {
        counter_add(&conn->server->counters.cut, 1); /* shorter than announced: an early end is the only honest sign */
        stream->cut = true;
    } else if (stream->state == H1_STREAM_CHUNKED) {
        struct survey seen;
        struct h1_item *item = NULL;
        if (!survey(trailers, 0, &seen) || (item = h1_item_add(stream, seen.bytes + 8)) == NULL) {
            stream->cut = true;
        } else {
            struct text text = {(uint8_t *)(uintptr_t)item->data};
            PUT(&text, "0\r\n");
            put_fields(&text, trailers, 0);
            PUT(&text, "\r\n");
            item->length = (uint32_t)(text.at - item->data);
        }
    } else if (stream->state == H1_STREAM_UPGRADED) {
        h1_upgrade_over(stream);
    }
    stream->state = H1_STREAM_COMPLETE;
}

static bool body_too_long(struct h1_stream *stream, uint32_t length) {
    return stream->state == H1_STREAM_FIXED && length > stream->body_left;
}

/* Whether the worker's Upgrade fields name protocols, all of which the client has offered (RFC 9110 7.8). */
static bool was_offered(const struct h1_stream *stream, struct exchange_list fields) {
    struct field field;
    while (next_field(&fields, &field) > 0) {
        if (field.id == RING_NAME_UPGRADE && !h1_upgrade_offers(stream, field.value, field.value_length)) {
            return false;
        }
    }
    return true;
}

/* 101: the worker takes up an offer of the client, whose request is complete. */
static void switch_protocols(struct h1_stream *stream, const struct exchange_response *response) {
    struct survey seen;
    struct exchange_list fields = response->fields;
    bool sound = stream->offer != NULL && !response->end && response->total == RING_LENGTH_UNKNOWN &&
                 survey_answer(&fields, response->status, &seen) && seen.upgrade && was_offered(stream, fields);
    int rc = sound && stream->conn->body != stream ? exchange_upgrade(&stream->exchange) : -EPROTO;
    if (rc == -EAGAIN) {
        exchange_release(response->body);
        exchange_detach(&stream->exchange, RING_CANCEL_REJECTED);
        h1_note_refusal(stream->conn, stream, 503, H1_REASON_STREAMS);
        h1_answer_error(stream, 503, h1_reason_text(H1_REASON_STREAMS));
        return;
    }
    struct h1_item *item = rc == 0 ? h1_item_add(stream, FRAMING_BYTES + seen.bytes) : NULL;
    if (item == NULL) {
        exchange_release(response->body);
        reject(stream);
        return;
    }
    struct text text = {(uint8_t *)(uintptr_t)item->data};
    put_status_line(&text, response->status, seen.phrase);
    put_fields(&text, fields, response->status);
    PUT(&text, "Connection: Upgrade\r\n\r\n");
    item->length = (uint32_t)(text.at - item->data);
    stream->exchange.began = true;
    count_answer(stream, response->status);
    h1_latency_answered(stream);
    h1_access_answered(stream, response->status, item->length);
    h1_access_origin(stream, ACCESS_BY_WORKER);
    h1_upgrade_begin(stream);
    put_body(stream, response->body);
    h1_conn_dirty(stream->conn);
}

static void on_response(struct exchange *exchange, const struct exchange_response *response) {
    struct h1_stream *stream = stream_of(exchange);
    struct survey seen;
    struct exchange_list fields = response->fields;
    if (response->status == 101) {
        switch_protocols(stream, response);
        return;
    }
    /* A length that not every client can count (RFC 9110 8.6) would be read as another one. */
    bool countable = response->total <= INT64_MAX || response->total == RING_LENGTH_UNKNOWN;
    if (response->status < 200 || response->status > 999 || !countable ||
        !survey_answer(&fields, response->status, &seen)) {
        exchange_release(response->body);
        reject(stream);
        return;
    }
    exchange->began = true;
    uint64_t total = response->total;
    if (response->end && total == RING_LENGTH_UNKNOWN && !stream->head_request) {
        total = response->body.length;
    }
    if (h1_leaves_body(stream, response->end)) {
        stream->keep_alive = false;
    }
    bool small = response->body.length <= H1_COPY_BODY;
    struct h1_item *item = put_head(stream, response->status, fields, &seen, total, small ? response->body.length : 0);
    h1_access_origin(stream, ACCESS_BY_WORKER);
    if (item == NULL || body_too_long(stream, response->body.length)) {
        exchange_release(response->body);
        exchange_detach(exchange, RING_CANCEL_REJECTED);
        stream->cut = true;
        stream->state = H1_STREAM_COMPLETE;
        h1_conn_dirty(stream->conn);
        return;
    }
    if (small && stream->state == H1_STREAM_FIXED) {
        if (response->body.length != 0) {
            memcpy((uint8_t *)(uintptr_t)item->data + item->length, response->body.data, response->body.length);
            item->length += response->body.length;
            stream->body_left -= response->body.length;
            exchange_release(response->body);
        }
    } else {
        put_body(stream, response->body);
    }
    if (response->end) {
        end_body(stream, (struct exchange_list){0});
    }
    h1_conn_dirty(stream->conn);
}

static void on_body(struct exchange *exchange, struct exchange_bytes body, bool end, struct exchange_list trailers) {
    struct h1_stream *stream = stream_of(exchange);
    if (body_too_long(stream, body.length)) {
        /* More than announced: what was announced is sent, then the connection is cut. */
        body.length = (uint32_t)stream->body_left;
        put_body(stream, body);
        exchange_detach(exchange, RING_CANCEL_REJECTED);
        stream->cut = true;
        stream->state = H1_STREAM_COMPLETE;
        counter_add(&stream->conn->server->counters.cut, 1);
        h1_conn_dirty(stream->conn);
        return;
    }
    put_body(stream, body);
    if (end) {
        end_body(stream, trailers);
    }
    h1_conn_dirty(stream->conn);
}

/* Interim responses (RFC 9110 15.2); HTTP/1.0 clients do not know them. */
static void put_interim(struct h1_stream *stream, uint16_t status, struct exchange_list fields) {
    struct survey seen;
    if (stream->version < 0x11 || stream->state != H1_STREAM_WAITING) {
        return;
    }
    if (status < 100 || status == 101 || status > 199 || !survey(fields, status, &seen)) {
        reject(stream);
        return;
    }
    struct h1_item *item = h1_item_add(stream, FRAMING_BYTES + seen.bytes);
    if (item == NULL) {
        return; /* an interim answer may be left out */
    }
    struct text text = {(uint8_t *)(uintptr_t)item->data};
    put_status_line(&text, status, (struct h1_phrase){0});
    put_fields(&text, fields, status);
    PUT(&text, "\r\n");
    item->length = (uint32_t)(text.at - item->data);
    h1_access_interim(stream, item->length);
    stream->exchange.began = true;
    h1_conn_dirty(stream->conn);
}

static void on_inform(struct exchange *exchange, uint16_t status, struct exchange_list fields) {
    struct h1_stream *stream = stream_of(exchange);
    if (stream->copied < H1_COPY_PIECES) { /* more than that a slow client need not be told: they may be left out */
        stream->copied++;
        put_interim(stream, status, fields);
    }
}

static void on_proceed(struct exchange *exchange) {
    struct h1_stream *stream = stream_of(exchange);
    if (stream->expects_continue) {
        stream->expects_continue = false;
        put_interim(stream, 100, (struct exchange_list){0});
    }
}

static void on_shut(struct exchange *exchange) {
    struct h1_stream *stream = stream_of(exchange);
    stream->shut = true;
    h1_conn_dirty(stream->conn);
}

static void on_fail(struct exchange *exchange, uint16_t status) {
    struct h1_stream *stream = stream_of(exchange);
    enum h1_reason reason = H1_REASON_WORKER_FAILED;
    if (status == EXCHANGE_CLIENT_CLOSED) {
        h1_answer_error(stream, status, "the client closed its side");
        return;
    }
    if (status == 503) {
        reason = H1_REASON_NO_WORKER;
    } else if (status == 504) {
        reason = H1_REASON_HANDLER_TIMEOUT;
    }
    status = status >= 400 && status <= 599 ? status : 502;
    if (stream->state != H1_STREAM_UPGRADED) { /* there nothing is refused */
        h1_note_refusal(stream->conn, stream, status, reason);
    }
    h1_answer_error(stream, status, h1_reason_text(reason));
}

static void on_resume(struct exchange *exchange) {
    struct h1_conn *conn = stream_of(exchange)->conn;
    if (conn->body == stream_of(exchange)) {
        conn->reading = true;
        conn->stalled |= conn->in_length != 0 || conn->end_pending;
        h1_conn_dirty(conn);
    }
}

const struct exchange_calls h1_exchange_calls = {
    .inform = on_inform,
    .proceed = on_proceed,
    .response = on_response,
    .body = on_body,
    .file = h1_file_given,
    .shut = on_shut,
    .fail = on_fail,
    .resume = on_resume,
};
