#include "h1_access.h"

#include <string.h>
#include <time.h>

#include "h1_server.h"
#include "ring_names.h"

/* Longer texts are cut off: a line is for reading, and must not need more than an entry has. */
static const uint16_t text_limits[ACCESS_TEXTS] = {
    [ACCESS_METHOD] = 32,    [ACCESS_TARGET] = 4096, [ACCESS_HOST] = 256,
    [ACCESS_REFERER] = 2048, [ACCESS_AGENT] = 1024,  [ACCESS_REQUEST_ID] = 128,
};

#define SMALL_ROOM 640u
#define LARGE_ROOM 7680u
_Static_assert(32 + 4096 + 256 + 2048 + 1024 + 128 <= LARGE_ROOM, "room for all texts");

static size_t entry_size(uint32_t room) {
    return sizeof(struct h1_access) + room + ACCESS_ALIGN; /* what is queued is rounded up */
}

int h1_access_init(struct h1_server *server, uint64_t queue_bytes) {
    struct h1_access_log *log = &server->access;
    pool_init(&log->small, entry_size(SMALL_ROOM), server->allocations);
    pool_init(&log->large, entry_size(LARGE_ROOM), server->allocations);
    return access_queue_init(&log->queue, queue_bytes);
}

void h1_access_free(struct h1_access_log *log) {
    pool_drop(&log->small);
    pool_drop(&log->large);
    access_queue_free(&log->queue);
}

static struct h1_access_log *log_of(const struct h1_stream *stream) {
    return &stream->conn->server->access;
}

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

struct text {
    const uint8_t *bytes;
    uint32_t length;
};

static uint8_t *texts_end(struct h1_access *entry) {
    return (uint8_t *)&entry->record + entry->record.size;
}

static void add_text(struct h1_access *entry, enum access_text which, struct text text) {
    uint32_t length = text.length;
    if (length > text_limits[which]) {
        length = text_limits[which];
        entry->record.shortened = 1;
    }
    memcpy(texts_end(entry), text.bytes, length);
    entry->record.lengths[which] = (uint16_t)length;
    entry->record.size += length;
}

static struct h1_access *open_entry(struct h1_stream *stream, uint32_t room) {
    struct h1_access_log *log = log_of(stream);
    bool large = room > SMALL_ROOM;
    struct h1_access *entry = pool_take(large ? &log->large : &log->small);
    stream->access = entry;
    if (entry == NULL) {
        counter_add(&log->queue.dropped, 1);
        return NULL;
    }
    memset(entry, 0, sizeof(*entry));
    entry->large = large;
    entry->room = large ? LARGE_ROOM : SMALL_ROOM;
    entry->record.size = sizeof(entry->record);
    entry->record.client = stream->conn->remote;
    entry->record.start_ns = stream->times.start_ns != 0 ? stream->times.start_ns : now_ns();
    return entry;
}

static struct text span_text(const uint8_t *bytes, struct ring_span span) {
    return (struct text){bytes + span.offset, span.length};
}

void h1_access_begin(struct h1_stream *stream, const uint8_t *bytes) {
    if (log_of(stream)->queue.bytes == NULL) {
        return;
    }
    const struct h1_request *request = &stream->conn->server->request;
    struct text texts[ACCESS_REQUEST_ID] = {
        [ACCESS_METHOD] = span_text(bytes, request->method_name),
        [ACCESS_TARGET] = span_text(bytes, request->target),
        [ACCESS_HOST] = span_text(bytes, request->authority),
        [ACCESS_REFERER] = {bytes, 0},
        [ACCESS_AGENT] = {bytes, 0},
    };
    for (uint32_t i = 0; i < request->field_count; i++) {
        const struct ring_field *field = &request->fields[i];
        if (field->id == RING_NAME_REFERER || field->id == RING_NAME_USER_AGENT) {
            enum access_text which = field->id == RING_NAME_REFERER ? ACCESS_REFERER : ACCESS_AGENT;
            texts[which] = (struct text){bytes + field->value_offset, field->value_length};
        }
    }
    uint32_t room = text_limits[ACCESS_REQUEST_ID];
    for (unsigned i = 0; i < ACCESS_REQUEST_ID; i++) {
        room += texts[i].length < text_limits[i] ? texts[i].length : text_limits[i];
    }
    struct h1_access *entry = open_entry(stream, room);
    if (entry == NULL) {
        return;
    }
    entry->expected = request->content_length;
    entry->record.version = request->version;
    entry->record.client = h1_client_address(stream->conn, bytes);
    for (unsigned i = 0; i < ACCESS_REQUEST_ID; i++) {
        add_text(entry, (enum access_text)i, texts[i]);
    }
}

void h1_access_request_id(struct h1_stream *stream, const uint8_t *id, uint32_t length) {
    if (stream->access != NULL && length != 0) {
        add_text(stream->access, ACCESS_REQUEST_ID, (struct text){id, length});
    }
}

void h1_access_answered(struct h1_stream *stream, uint16_t status, uint32_t head_bytes) {
    struct h1_access_log *log = log_of(stream);
    if (log->queue.bytes == NULL) {
        return;
    }
    if (stream->access == NULL && log->refused_head != NULL) {
        h1_access_begin(stream, log->refused_head);
        h1_access_request_id(stream, stream->id, stream->id_length);
    } else if (stream->access == NULL) {
        (void)open_entry(stream, 0);
    }
    if (stream->access != NULL) {
        stream->access->record.status = status;
        stream->access->head_bytes += head_bytes;
    }
}

void h1_access_upgraded(struct h1_stream *stream) {
    stream->conn->body_seen = 0;
    if (stream->access != NULL) {
        stream->conn->body_seen = stream->access->record.received;
        stream->access->expected = RING_LENGTH_UNKNOWN;
    }
}

void h1_access_interim(struct h1_stream *stream, uint32_t head_bytes) {
    if (stream->access != NULL) {
        stream->access->head_bytes += head_bytes;
    }
}

void h1_access_origin(struct h1_stream *stream, enum access_origin origin) {
    if (stream->access != NULL) {
        stream->access->record.origin = (uint8_t)origin;
    }
}

void h1_access_sent(struct h1_stream *stream, uint64_t bytes) {
    if (stream->access != NULL) {
        stream->access->record.sent += bytes;
    }
}

void h1_access_body(const struct h1_conn *conn) {
    if (conn->body == NULL || conn->body->access == NULL) {
        return;
    }
    struct h1_access *entry = conn->body->access;
    entry->record.received =
        entry->expected == RING_LENGTH_UNKNOWN ? conn->body_seen : entry->expected - conn->body_left;
}

_Static_assert(ACCESS_UNKNOWN == H1_LATENCY_UNKNOWN, "one word for it");
static void set_times(const struct h1_stream *stream, struct access_record *record) {
    uint64_t end_ns = stream->times.ended_ns != 0 ? stream->times.ended_ns : now_ns();
    struct h1_spans spans = h1_latency_spans(stream, end_ns);
    record->total_ns = end_ns - record->start_ns;
    record->queue_ns = spans.queue_ns;
    record->handler_ns = spans.handler_ns;
}

void h1_access_end(struct h1_stream *stream) {
    struct h1_access *entry = stream->access;
    if (entry == NULL) {
        return;
    }
    struct h1_conn *conn = stream->conn;
    struct h1_access_log *log = log_of(stream);
    struct access_record *record = &entry->record;
    if (conn->body == stream) {
        h1_access_body(conn);
    }
    if (h1_stream_sent(stream)) {
        record->end = ACCESS_COMPLETE;
    } else {
        bool gone = conn->closed_for == RING_CANCEL_GONE || stream->exchange.half_closed;
        record->end = gone ? ACCESS_CLIENT_GONE : ACCESS_CUT;
    }
    record->sent_body = record->sent > entry->head_bytes ? record->sent - entry->head_bytes : 0;
    record->worker = stream->exchange.worker;
    record->retried = stream->exchange.attempt != 0;
    set_times(stream, record);
    memset(texts_end(entry), 0, ACCESS_ALIGN);
    enum access_pushed pushed = access_queue_push(&log->queue, record, record->size);
    counter_add(&log->lines, pushed != ACCESS_DROPPED);
    pool_give(entry->large ? &log->large : &log->small, entry);
    stream->access = NULL;
    if (pushed == ACCESS_HALF_FULL) {
        conn->server->calls->access_waits(conn->server);
    }
}
