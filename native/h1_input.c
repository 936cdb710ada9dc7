/* Bytes in: request heads become exchanges, request bodies go to them, under their windows. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "h1_server.h"
#include "ring_names.h"
#include "static_file.h"

#define READS_PER_EVENT 4 /* so that one connection cannot hold the loop */

static bool is_safe(enum ring_method method) {
    return method == RING_METHOD_GET || method == RING_METHOD_HEAD || method == RING_METHOD_OPTIONS ||
           method == RING_METHOD_TRACE;
}

static void name_stream(struct h1_stream *stream, struct h1_id id) {
    stream->id_length = (uint8_t)id.length;
    if (id.length != 0) {
        memcpy(stream->id, id.bytes, id.length);
    }
}

/* Answers a request that cannot be taken, unless it was answered before its body ended; nothing after it is understood. */
static void give_up(struct h1_conn *conn, uint16_t status, const char *text) {
    struct h1_stream *stream = conn->body;
    bool answered = stream != NULL ? stream->state == H1_STREAM_COMPLETE : conn->input != H1_INPUT_HEAD;
    conn->input = H1_INPUT_DISCARD;
    h1_access_body(conn);
    conn->body = NULL;
    if (answered) {
        conn->state = H1_CONN_FINISHING;
        h1_conn_dirty(conn);
        return;
    }
    if (stream == NULL) {
        stream = h1_stream_open(conn, 0x11, false);
        if (stream == NULL) {
            h1_conn_close(conn, RING_CANCEL_GONE);
            return;
        }
        stream->head_request = h1_is_head(&conn->parser); /* RFC 9110 9.3.2: no body then */
        name_stream(stream, conn->server->refused_id);
    } else {
        exchange_detach(&stream->exchange, RING_CANCEL_REJECTED);
    }
    conn->state = H1_CONN_FINISHING;
    h1_answer_error(stream, status, text);
}

void h1_note_refusal(struct h1_conn *conn, const struct h1_stream *stream, uint16_t status, enum h1_reason reason) {
    counter_add(&conn->server->counters.refused[reason], 1);
    struct h1_id id = stream != NULL ? (struct h1_id){stream->id, stream->id_length} : conn->server->refused_id;
    conn->server->calls->refused(conn, id, status, reason);
}

void h1_conn_refuse(struct h1_conn *conn, uint16_t status, enum h1_reason reason) {
    h1_note_refusal(conn, conn->body, status, reason);
    give_up(conn, status, h1_reason_text(reason));
}

/* The request is complete: the next head may follow, unless this was the last. */
static void request_complete(struct h1_conn *conn) {
    h1_access_body(conn);
    conn->body = NULL;
    conn->input = conn->state == H1_CONN_OPEN ? H1_INPUT_HEAD : H1_INPUT_DISCARD;
}

static const struct h1_native_path *native_path(const struct h1_server *server, const struct h1_request *request,
                                                const uint8_t *bytes) {
    if (request->method != RING_METHOD_GET && request->method != RING_METHOD_HEAD) {
        return NULL;
    }
    for (uint32_t i = 0; i < server->config.native_path_count; i++) {
        const struct h1_native_path *native = &server->config.native_paths[i];
        if (native->path_length == request->path.length &&
            memcmp(native->path, bytes + request->path.offset, native->path_length) == 0) {
            return native;
        }
    }
    return NULL;
}

/* Starts the request whose head is in server->request. Returns body bytes taken along. */
static uint32_t start_request(struct h1_conn *conn, const uint8_t *bytes, uint32_t head_length, uint32_t available) {
    struct h1_server *server = conn->server;
    const struct h1_request *request = &server->request;
    struct h1_stream *stream = h1_stream_open(conn, request->version, request->keep_alive && !server->stopping);
    if (stream == NULL) {
        h1_conn_close(conn, RING_CANCEL_GONE);
        return 0;
    }
    h1_latency_begin(stream);
    h1_access_begin(stream, bytes);
    counter_add(&server->counters.requests, 1);
    conn->greeted = true;
    h1_timer_rest(conn);
    stream->head_request = request->method == RING_METHOD_HEAD;
    stream->expects_continue = request->expect_continue && request->body_kind != RING_BODY_NONE;
    stream->safe = is_safe(request->method);
    if (!stream->safe) {
        conn->unsafe++;
    }
    if (++conn->requests >= server->config.max_requests) {
        stream->keep_alive = false;
    }
    h1_upgrade_offer(stream, bytes);
    if (!stream->keep_alive && stream->offer == NULL) {
        conn->state = H1_CONN_FINISHING;
    }
    conn->body_left = request->content_length;
    conn->body_seen = 0;
    conn->discarded = 0;
    bool has_body = request->body_kind == RING_BODY_CHUNKED || request->content_length != 0;
    if (has_body) {
        conn->input = request->body_kind == RING_BODY_CHUNKED ? H1_INPUT_CHUNKED : H1_INPUT_LENGTH;
        conn->body = stream;
        memset(&conn->chunked, 0, sizeof(conn->chunked));
    } else {
        request_complete(conn);
    }

    struct request_view view = {.bytes = bytes, .bytes_length = head_length};
    struct h1_id id = h1_vouch(conn, bytes, head_length, &view);
    name_stream(stream, id);
    h1_access_request_id(stream, id.bytes, id.length);
    const struct h1_native_path *native = native_path(server, request, bytes);
    if (native != NULL && !has_body) {
        counter_add(&server->counters.native_answers, 1);
        h1_answer(stream, 200, "text/plain", native->body, native->body_length, false);
        h1_access_origin(stream, ACCESS_BY_NATIVE_PATH);
        return 0;
    }

    if (static_begin(stream, request, bytes)) {
        return 0;
    }
    view.fields = request->fields;
    view.head = (struct ring_request_head){
        .header_count = (uint16_t)request->field_count,
        .method = (uint8_t)request->method,
        .version = request->version,
        .scheme = view.head.scheme,
        .body_kind = request->body_kind,
        .flags = (uint8_t)((request->expect_continue ? RING_REQUEST_EXPECT_CONTINUE : 0u) |
                           (stream->offer != NULL ? RING_REQUEST_UPGRADE : 0u) |
                           (request->keep_alive ? 0u : RING_REQUEST_CLOSE)),
        .content_length = request->content_length,
        .method_name = request->method_name,
        .target = request->target,
        .path = request->path,
        .query = request->query,
        .authority = request->authority,
        .remote = conn->remote,
        .local = conn->local,
    };
    uint32_t first = 0;
    if (request->body_kind == RING_BODY_LENGTH) {
        first = RING_MAX_BLOCK - request_block_size(&view);
        first = available < first ? available : first;
        first = conn->body_left < first ? (uint32_t)conn->body_left : first;
    }
    if (first != 0) {
        stream->expects_continue = false; /* the client has not waited */
    }
    bool ended = !has_body || (request->body_kind == RING_BODY_LENGTH && conn->body_left == first);
    struct exchange_request start = {.view = &view, .body = bytes + head_length, .body_length = first, .ended = ended};
    first = exchange_start(&stream->exchange, server->dispatch, &h1_exchange_calls, &start);
    if (conn->fin_seen) {
        exchange_half_close(&stream->exchange);
    }
    if (request->body_kind == RING_BODY_LENGTH) {
        conn->body_left -= first;
        if (conn->body_left == 0) {
            request_complete(conn);
        }
    }
    return first;
}

/* A request may enter while others are in flight only if all of them are safe (docs/design.md section 6). */
static bool may_start(const struct h1_conn *conn, enum ring_method method) {
    return conn->depth == 0 || (conn->unsafe == 0 && is_safe(method));
}

static void stall(struct h1_conn *conn) {
    conn->stalled = true;
    conn->reading = false;
}

/* Whether the next request waits for an answer first: what is behind an offer to change protocols may not be HTTP. While requests are parked none is put behind another of the same
 * connection: it can wait in the socket, and the places are for those that cannot. */
static bool must_wait(const struct h1_conn *conn) {
    return conn->depth >= conn->server->config.pipeline || conn->unsafe != 0 ||
           (conn->back != NULL && conn->back->offer != NULL) ||
           (conn->depth != 0 && dispatch_parks(conn->server->dispatch));
}

/* Refuses a head of `head` bytes that was parsed. Returns all of `length`: nothing behind it is understood. */
static uint32_t refuse_head(struct h1_conn *conn, const uint8_t *bytes, uint32_t head, uint32_t length, uint16_t status,
                            enum h1_reason reason) {
    struct request_view view = {0};
    conn->server->refused_id = h1_vouch(conn, bytes, head, &view);
    conn->server->access.refused_head = bytes;
    h1_conn_refuse(conn, status, reason);
    conn->server->access.refused_head = NULL;
    conn->server->refused_id = (struct h1_id){0};
    return length;
}

static uint32_t take_head(struct h1_conn *conn, const uint8_t *bytes, uint32_t length) {
    struct h1_server *server = conn->server;
    if (must_wait(conn)) {
        stall(conn);
        return 0;
    }
    int n = h1_parse_request(&conn->parser, bytes, length, &server->config.head, &server->request);
    if (n == H1_MORE) {
        return 0;
    }
    if (n < 0) {
        h1_conn_refuse(conn, (uint16_t)-n, (enum h1_reason)conn->parser.reason);
        return length;
    }
    if (server->request.body_kind == RING_BODY_LENGTH && server->request.content_length > server->config.max_body) {
        return refuse_head(conn, bytes, (uint32_t)n, length, 413, H1_REASON_BODY_TOO_LARGE);
    }
    if (server->request.https && !conn->trusted) { /* RFC 9110 7.4: nobody says that this connection is secured */
        return refuse_head(conn, bytes, (uint32_t)n, length, 421, H1_REASON_NOT_SECURED);
    }
    memset(&conn->parser, 0, sizeof(conn->parser));
    if (!may_start(conn, server->request.method)) {
        stall(conn); /* parsed again when it may go on: rare */
        return 0;
    }
    uint32_t head = (uint32_t)n;
    return head + start_request(conn, bytes, head, length - head);
}

/* Body bytes of a request that has been answered already, or that cannot be. Beyond a bound it is cheaper to close. */
static void count_discarded(struct h1_conn *conn, uint64_t bytes) {
    conn->discarded += bytes;
    if (conn->discarded > H1_DISCARD_LIMIT && conn->state == H1_CONN_OPEN) {
        conn->state = H1_CONN_FINISHING;
        conn->input = H1_INPUT_DISCARD;
        h1_conn_dirty(conn);
    }
}

static bool body_wanted(const struct h1_conn *conn) {
    return conn->body != NULL && exchange_is_open(&conn->body->exchange);
}

static uint32_t take_length(struct h1_conn *conn, const uint8_t *bytes, uint32_t length) {
    uint32_t n = conn->body_left < length ? (uint32_t)conn->body_left : length;
    uint32_t done = 0;
    if (!body_wanted(conn)) {
        conn->body_left -= n;
        count_discarded(conn, n);
        done = n;
    }
    while (done < n) {
        uint8_t *memory = NULL;
        uint32_t space = exchange_reserve_body(&conn->body->exchange, n - done, &memory);
        if (space == 0) {
            stall(conn);
            break;
        }
        uint32_t piece = space < n - done ? space : n - done;
        memcpy(memory, bytes + done, piece);
        done += piece;
        conn->body_left -= piece;
        conn->body->expects_continue = false;
        exchange_commit_body(&conn->body->exchange, piece, conn->body_left == 0);
    }
    if (conn->body_left == 0 && conn->input == H1_INPUT_LENGTH) {
        request_complete(conn);
    }
    return done;
}

/* Trailer fields as the field list that the worker reads; the result lies in the server's buffer of the dispatch. */
static int trailer_list(struct h1_conn *conn, struct exchange_list *out) {
    struct ring_field fields[H1_MAX_FIELDS];
    uint16_t reason = 0;
    uint32_t max = conn->server->config.chunked.trailer_fields;
    *out = (struct exchange_list){0};
    if (conn->trailers == NULL) {
        return 0;
    }
    int count = h1_parse_trailers(conn->trailers, conn->chunked.trailer_length,
                                  max < H1_MAX_FIELDS ? max : H1_MAX_FIELDS, fields, &reason);
    if (count < 0) {
        conn->chunked.reason = reason;
        return count;
    }
    uint8_t *list = conn->server->dispatch->scratch;
    uint32_t at = 0;
    for (int i = 0; i < count; i++) {
        const struct ring_field *field = &fields[i];
        bool known = field->id != RING_NAME_OTHER;
        struct ring_list_entry entry = {field->id, known ? (uint16_t)0 : field->name_length, field->value_length};
        if (at + sizeof(entry) + entry.name_length + entry.value_length > RING_MAX_BLOCK) {
            break;
        }
        memcpy(list + at, &entry, sizeof(entry));
        at += (uint32_t)sizeof(entry);
        memcpy(list + at, conn->trailers + field->name_offset, entry.name_length);
        at += entry.name_length;
        memcpy(list + at, conn->trailers + field->value_offset, entry.value_length);
        at += entry.value_length;
    }
    out->data = list;
    out->length = at;
    return 0;
}

static void end_chunked(struct h1_conn *conn) {
    if (body_wanted(conn)) {
        struct exchange_list trailers = {0};
        int rc = trailer_list(conn, &trailers);
        if (rc < 0) {
            h1_conn_refuse(conn, (uint16_t)-rc, (enum h1_reason)conn->chunked.reason);
            return;
        }
        if (!exchange_end_body(&conn->body->exchange, trailers)) {
            conn->end_pending = true;
            stall(conn);
            return;
        }
    }
    conn->end_pending = false;
    free(conn->trailers);
    conn->trailers = NULL;
    request_complete(conn);
}

/* Decodes into one block: small chunks are gathered. */
static uint32_t take_chunked(struct h1_conn *conn, const uint8_t *bytes, uint32_t length) {
    struct h1_server *server = conn->server;
    bool wanted = body_wanted(conn);
    uint8_t *memory = NULL;
    uint32_t space = length;
    if (wanted && conn->chunked.state != H1_CHUNK_TRAILERS) {
        space = exchange_reserve_body(&conn->body->exchange, length, &memory);
        if (space == 0) {
            stall(conn);
            return 0;
        }
    }
    uint32_t limit = length < space ? length : space;
    uint32_t at = 0;
    uint32_t filled = 0;
    int64_t n = 0;
    while (at < limit && conn->chunked.state != H1_CHUNK_DONE) {
        const uint8_t *data = NULL;
        size_t data_length = 0;
        if (conn->chunked.state == H1_CHUNK_TRAILERS && conn->trailers == NULL) {
            conn->trailers = pool_bytes(server->allocations, server->config.chunked.trailer_bytes + 2);
            if (conn->trailers == NULL) {
                n = -500;
                break;
            }
        }
        n = h1_chunked_decode(&conn->chunked, bytes + at, limit - at, &server->config.chunked, conn->trailers, &data,
                              &data_length);
        if (n < 0) {
            break;
        }
        if (wanted && memory != NULL && data_length != 0) {
            memcpy(memory + filled, data, data_length);
        }
        filled += (uint32_t)data_length;
        at += (uint32_t)n;
    }
    conn->body_seen += filled;
    if (memory != NULL) {
        if (filled != 0) {
            conn->body->expects_continue = false;
        }
        exchange_commit_body(&conn->body->exchange, filled, false);
    } else {
        count_discarded(conn, filled);
    }
    if (n < 0) {
        h1_conn_refuse(conn, (uint16_t)-n, (enum h1_reason)conn->chunked.reason);
        return length;
    }
    if (conn->body_seen > server->config.max_body) {
        h1_conn_refuse(conn, 413, H1_REASON_BODY_TOO_LARGE);
        return length;
    }
    if (conn->chunked.state == H1_CHUNK_DONE) {
        end_chunked(conn);
    }
    return at;
}

/* Understands as much of the bytes as can be; returns how many were used up. */
static uint32_t take(struct h1_conn *conn, const uint8_t *bytes, uint32_t length) {
    uint32_t at = 0;
    while (at < length && !conn->stalled && conn->state != H1_CONN_CLOSED) {
        uint32_t n = 0;
        uint8_t input = conn->input;
        switch (input) {
        case H1_INPUT_PROXY:
            n = h1_take_proxy_header(conn, bytes + at, length - at);
            break;
        case H1_INPUT_HEAD:
            n = take_head(conn, bytes + at, length - at);
            break;
        case H1_INPUT_LENGTH:
            n = take_length(conn, bytes + at, length - at);
            break;
        case H1_INPUT_CHUNKED:
            n = take_chunked(conn, bytes + at, length - at);
            break;
        case H1_INPUT_STREAM:
            n = h1_upgrade_take(conn, bytes + at, length - at);
            break;
        default:
            return length;
        }
        if (n == 0 && conn->input == input) {
            break;
        }
        at += n;
    }
    return at;
}

/* Keeps what was not understood at the front of conn->in. */
static bool keep(struct h1_conn *conn, const uint8_t *bytes, uint32_t length) {
    if (length > conn->in_capacity) {
        uint32_t capacity = conn->in_capacity == 0 ? 1024 : conn->in_capacity;
        while (capacity < length) {
            capacity *= 2;
        }
        uint8_t *in = pool_bytes(conn->server->allocations, capacity);
        if (in == NULL) {
            return false;
        }
        memcpy(in, bytes, length);
        free(conn->in);
        conn->in = in;
        conn->in_capacity = capacity;
    } else {
        memmove(conn->in, bytes, length);
    }
    conn->in_start = 0;
    conn->in_length = length;
    return true;
}

static void drop_input(struct h1_conn *conn) {
    free(conn->in);
    conn->in = NULL;
    conn->in_start = 0;
    conn->in_length = 0;
    conn->in_capacity = 0;
}

/* Goes on with bytes that were received before. */
void h1_input_continue(struct h1_conn *conn) {
    conn->stalled = false;
    conn->reading = true;
    if (conn->end_pending && conn->input != H1_INPUT_STREAM) {
        end_chunked(conn);
    }
    if (conn->in_length != 0 && !conn->stalled) {
        uint32_t n = take(conn, conn->in + conn->in_start, conn->in_length);
        if (conn->state == H1_CONN_CLOSED) {
            return;
        }
        conn->in_start += n;
        conn->in_length -= n;
        if (conn->in_length == 0) {
            drop_input(conn);
        }
    }
    if (conn->end_pending && conn->input == H1_INPUT_STREAM && conn->in_length == 0) {
        h1_upgrade_end(conn);
    }
}

bool h1_receive(struct h1_conn *conn, uint8_t *memory, uint32_t size, uint32_t *length) {
    for (;;) {
        ssize_t n = recv(conn->fd, memory, size, MSG_DONTWAIT);
        if (n > 0) {
            *length = (uint32_t)n;
            counter_add(&conn->server->counters.bytes_in, (uint64_t)n);
            h1_latency_received(conn->server);
            h1_timer_progress(conn, *length);
            return true;
        }
        *length = 0;
        if (n == 0) {
            conn->eof = true;
            return false;
        }
        if (errno == EINTR) {
            continue;
        }
        conn->failed = errno != EAGAIN && errno != EWOULDBLOCK;
        return false;
    }
}

static bool read_discard(struct h1_conn *conn) {
    uint32_t n = 0;
    if (!h1_receive(conn, conn->server->buffer, H1_READ_BUFFER, &n)) {
        if (conn->state == H1_CONN_LINGERING && conn->eof) {
            h1_conn_close(conn, RING_CANCEL_GONE);
        }
        return false;
    }
    conn->discarded += n;
    if (conn->discarded > H1_LINGER_BYTES && !conn->fin_seen) {
        conn->reading = false; /* until the answers are out; then a client that sends on has to look at them first */
        return false;
    }
    return n == H1_READ_BUFFER;
}

/* Body bytes go from the socket straight into the block that the worker reads. */
static bool read_body(struct h1_conn *conn) {
    uint8_t *memory = NULL;
    uint32_t want = conn->body_left < RING_MAX_BLOCK ? (uint32_t)conn->body_left : RING_MAX_BLOCK;
    struct exchange *exchange = &conn->body->exchange;
    uint32_t space = exchange_reserve_body(exchange, want, &memory);
    if (space == 0) {
        conn->reading = false;
        return false;
    }
    want = space < want ? space : want;
    uint32_t n = 0;
    bool more = h1_receive(conn, memory, want, &n);
    conn->body_left -= n;
    if (n != 0) {
        conn->body->expects_continue = false;
    }
    exchange_commit_body(exchange, n, n != 0 && conn->body_left == 0);
    if (n != 0 && conn->body_left == 0) {
        request_complete(conn);
    }
    return more && n == want;
}

static bool read_bytes(struct h1_conn *conn) {
    struct h1_server *server = conn->server;
    uint32_t n = 0;
    if (conn->in_length == 0) {
        /* What is behind a head may have to be kept, for each connection that pipelines. */
        uint32_t size = conn->input == H1_INPUT_HEAD ? H1_READ_HEADS : H1_READ_BUFFER;
        if (!h1_receive(conn, server->buffer, size, &n)) {
            return false;
        }
        uint32_t used = take(conn, server->buffer, n);
        if (conn->state != H1_CONN_CLOSED && used < n && !keep(conn, server->buffer + used, n - used)) {
            h1_conn_close(conn, RING_CANCEL_GONE);
        }
        return n == size;
    }
    /* Part of a head is there: bounded by the parser's limits. */
    if (conn->in_start != 0 || conn->in_capacity - conn->in_length < 1024) {
        uint32_t room = conn->in_length + 4096;
        uint8_t *in = pool_bytes(server->allocations, room);
        if (in == NULL) {
            h1_conn_close(conn, RING_CANCEL_GONE);
            return false;
        }
        memcpy(in, conn->in + conn->in_start, conn->in_length);
        free(conn->in);
        conn->in = in;
        conn->in_start = 0;
        conn->in_capacity = room;
    }
    uint32_t room = conn->in_capacity - conn->in_length;
    if (!h1_receive(conn, conn->in + conn->in_length, room, &n)) {
        return false;
    }
    conn->in_length += n;
    h1_input_continue(conn);
    return n == room;
}

void h1_read(struct h1_conn *conn) {
    for (int i = 0; i < READS_PER_EVENT && conn->state != H1_CONN_CLOSED && conn->reading && !conn->eof; i++) {
        bool more = false;
        if (conn->input == H1_INPUT_DISCARD) {
            more = read_discard(conn);
        } else if (conn->input == H1_INPUT_STREAM && conn->in_length == 0) {
            more = h1_upgrade_read(conn);
        } else if (conn->input == H1_INPUT_LENGTH && conn->in_length == 0 && body_wanted(conn)) {
            more = read_body(conn);
        } else {
            more = read_bytes(conn);
        }
        if (!more) {
            break;
        }
    }
    if (conn->failed) {
        h1_conn_close(conn, RING_CANCEL_GONE);
    }
}
