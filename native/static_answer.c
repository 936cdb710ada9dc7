#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "ring_names.h"
#include "static_date.h"
#include "static_file.h"

/* Fields as a worker would give them (ring_layout.h), so that there is one place which frames answers. */
struct list {
    uint8_t *start;
    uint32_t length;
};

static void add(struct list *list, uint16_t id, const void *value, size_t length) {
    struct ring_list_entry entry = {id, 0, (uint32_t)length};
    if (list->length + sizeof(entry) + length > RING_MAX_BLOCK) {
        return; /* a request target is shorter than that */
    }
    memcpy(list->start + list->length, &entry, sizeof(entry));
    memcpy(list->start + list->length + sizeof(entry), value, length);
    list->length += (uint32_t)(sizeof(entry) + length);
}

static void add_text(struct list *list, uint16_t id, const char *text) {
    add(list, id, text, strlen(text));
}

static struct list list_of(struct h1_stream *stream) {
    return (struct list){stream->conn->server->dispatch->scratch, 0};
}

static void respond(struct h1_stream *stream, uint16_t status, const struct list *list, uint64_t total, bool end,
                    const char *body) {
    struct exchange_response response = {
        .status = status,
        .end = end,
        .total = total,
        .fields = {list->start, list->length},
        .body = {.data = (const uint8_t *)body, .length = (uint32_t)strlen(body), .block = RING_NO_BLOCK},
    };
    h1_exchange_calls.response(&stream->exchange, &response);
    h1_access_origin(stream, ACCESS_BY_STATIC_FILE);
}

static const char *reason_of(uint16_t status) {
    switch (status) {
    case 301:
        return "this is a directory: see Location";
    case 400:
        return "path is malformed";
    case 403:
        return "file cannot be read";
    case 404:
        return "no such file";
    case 405:
        return "only GET and HEAD are served here";
    case 406:
        return "no such content coding";
    case 412:
        return "file has changed";
    case 416:
        return "range lies behind the end";
    case 503:
        return "too many files are open";
    default:
        return "file cannot be read";
    }
}

/* An answer with a line of text. `list` holds what else there is to say. */
static void respond_text(struct h1_stream *stream, uint16_t status, struct list *list) {
    char body[128];
    int length = snprintf(body, sizeof(body), "%u %s\n", status, reason_of(status));
    add_text(list, RING_NAME_CONTENT_TYPE, "text/plain; charset=utf-8");
    add_text(list, RING_NAME_X_CONTENT_TYPE_OPTIONS, "nosniff");
    if (status == 503) {
        add_text(list, RING_NAME_RETRY_AFTER, "1");
    }
    respond(stream, status, list, (uint64_t)length, true, body);
}

void static_refuse(struct h1_stream *stream, uint16_t status) {
    struct list list = list_of(stream);
    if (status == 405) {
        add_text(&list, RING_NAME_ALLOW, "GET, HEAD");
    }
    respond_text(stream, status, &list);
}

/* The path that was asked for, with a "/" at its end. It has no empty first segment, or it would name a host (RFC 3986 4.2). */
static void redirect(struct static_file *file) {
    struct list list = list_of(file->stream);
    struct ring_list_entry entry = {RING_NAME_LOCATION, 0, file->path.length + 1};
    entry.value_length += file->query.length != 0 ? file->query.length + 1 : 0;
    if (sizeof(entry) + entry.value_length + STATIC_PART_HEAD > RING_MAX_BLOCK) {
        static_refuse(file->stream, 404);
        return;
    }
    uint8_t *at = list.start;
    memcpy(at, &entry, sizeof(entry));
    at += sizeof(entry);
    memcpy(at, file->path.bytes, file->path.length);
    at += file->path.length;
    *at++ = '/';
    if (file->query.length != 0) {
        *at++ = '?';
        memcpy(at, file->query.bytes, file->query.length);
        at += file->query.length;
    }
    list.length = (uint32_t)(at - list.start);
    respond_text(file->stream, 301, &list);
}

/* --- parts --- */

uint32_t static_part_head(const struct static_file *file, uint32_t part, char out[STATIC_PART_HEAD]) {
    int length = 0;
    if (part == file->ranges.count) {
        length = snprintf(out, STATIC_PART_HEAD, "\r\n--%s--\r\n", file->boundary);
    } else {
        const struct static_range *range = &file->ranges.range[part];
        length =
            snprintf(out, STATIC_PART_HEAD, "%s--%s\r\nContent-Type: %.*s\r\nContent-Range: bytes %ju-%ju/%ju\r\n\r\n",
                     part == 0 ? "" : "\r\n", file->boundary, GW_STATIC_TYPE_BYTES, file->type, (uintmax_t)range->first,
                     (uintmax_t)(range->first + range->length - 1), (uintmax_t)file->found.size);
    }
    return (uint32_t)length;
}

/* False: no random bytes, which a boundary needs that no file holds on purpose. */
static bool make_boundary(struct static_file *file) {
    uint8_t bytes[STATIC_BOUNDARY / 2];
    if (getrandom(bytes, sizeof(bytes), GRND_NONBLOCK) != (ssize_t)sizeof(bytes)) {
        return false;
    }
    for (uint32_t i = 0; i < sizeof(bytes); i++) {
        snprintf(file->boundary + (size_t)i * 2, 3, "%02x", bytes[i]);
    }
    return true;
}

static uint64_t body_length(const struct static_file *file) {
    char head[STATIC_PART_HEAD];
    uint64_t length = 0;
    for (uint32_t i = 0; i < file->ranges.count; i++) {
        length += file->ranges.range[i].length;
        length += file->multipart ? static_part_head(file, i, head) : 0;
    }
    return length + (file->multipart ? static_part_head(file, file->ranges.count, head) : 0);
}

/* --- files --- */

/* Of what stays the same: the fields of a 304, too (RFC 9110 15.4.5). */
static void add_validators(struct list *list, const struct static_file *file, const struct static_validators *v) {
    add(list, RING_NAME_ETAG, v->etag, v->etag_length);
    if (file->found.varies) {
        add_text(list, RING_NAME_VARY, "Accept-Encoding");
    }
    if (file->sites->cache_control[0] != 0) {
        add_text(list, RING_NAME_CACHE_CONTROL, file->sites->cache_control);
    }
}

static void add_ranges(struct list *list, const struct static_file *file, uint16_t status) {
    char text[128];
    add_text(list, RING_NAME_ACCEPT_RANGES, "bytes");
    if (status == 416) {
        snprintf(text, sizeof(text), "bytes */%ju", (uintmax_t)file->found.size);
        add_text(list, RING_NAME_CONTENT_RANGE, text);
    } else if (status == 206 && !file->multipart) {
        const struct static_range *range = &file->ranges.range[0];
        snprintf(text, sizeof(text), "bytes %ju-%ju/%ju", (uintmax_t)range->first,
                 (uintmax_t)(range->first + range->length - 1), (uintmax_t)file->found.size);
        add_text(list, RING_NAME_CONTENT_RANGE, text);
    }
}

static void send_file(struct static_file *file, uint16_t status, const struct static_validators *v) {
    struct h1_stream *stream = file->stream;
    struct list list = list_of(stream);
    char text[STATIC_DATE_LENGTH + 64];
    add_validators(&list, file, v);
    if (status == 304) {
        respond(stream, 304, &list, 0, true, "");
        return;
    }
    static_date_format(v->modified, text);
    add_text(&list, RING_NAME_LAST_MODIFIED, text);
    add_text(&list, RING_NAME_X_CONTENT_TYPE_OPTIONS, "nosniff");
    add_ranges(&list, file, status);
    if (file->multipart) {
        snprintf(text, sizeof(text), "multipart/byteranges; boundary=%s", file->boundary);
        add_text(&list, RING_NAME_CONTENT_TYPE, text);
    } else {
        add_text(&list, RING_NAME_CONTENT_TYPE, file->type);
    }
    if (file->found.coding != STATIC_IDENTITY) {
        add_text(&list, RING_NAME_CONTENT_ENCODING, file->found.coding == STATIC_BR ? "br" : "gzip");
    }
    uint64_t total = body_length(file);
    respond(stream, status, &list, total, total == 0 || stream->head_request, "");
}

/* Sets what is to be sent: 200, 206 or 416. */
static uint16_t select_ranges(struct static_file *file, const struct static_validators *v) {
    int status = 200;
    /* RFC 9110 14.2: Range means something for GET only. */
    if (!file->stream->head_request && static_condition_range(&file->conditions, v)) {
        status = static_range(file->range, file->found.size, &file->ranges);
    }
    file->multipart = status == 206 && file->ranges.count > 1;
    if (file->multipart && !make_boundary(file)) {
        file->multipart = false;
        status = 200;
    }
    if (status == 200) {
        file->ranges.count = file->found.size != 0;
        file->ranges.range[0] = (struct static_range){0, file->found.size};
    }
    return (uint16_t)status;
}

static void answer_found(struct static_file *file) {
    static const char *const suffixes[STATIC_CODINGS] = {"", "-gz", "-br"};
    const struct static_found *found = &file->found;
    int64_t now = (int64_t)time(NULL);
    char etag[80];
    int length =
        snprintf(etag, sizeof(etag), "\"%jx-%jx%08x-%jx%s\"", (uintmax_t)found->size, (uintmax_t)found->modified,
                 found->modified_ns, (uintmax_t)found->inode, suffixes[found->coding]);
    /* RFC 9110 8.8.2.1: not later than the answer. */
    int64_t modified = found->modified < now ? found->modified : now;
    struct static_validators v = {etag, (uint32_t)length, modified > 0 ? modified : 0, now};
    const char *name = file->target.directory ? file->target.index : file->target.path;
    file->type = static_type_of(file->sites, name);
    uint16_t status = (uint16_t)static_condition(&file->conditions, &v);
    if (status == 200) {
        status = select_ranges(file, &v);
    }
    if (status == 412 || status == 416) {
        struct list list = list_of(file->stream);
        add_validators(&list, file, &v);
        add_ranges(&list, file, status);
        respond_text(file->stream, status, &list);
    } else {
        send_file(file, status, &v);
    }
}

void static_answer(struct static_file *file) {
    struct h1_stream *stream = file->stream;
    if (file->found.status == 200) {
        answer_found(file);
    } else if (file->found.status == 301) {
        redirect(file);
    } else if (file->found.status == 406) {
        struct list list = list_of(stream);
        if (file->found.varies) {
            add_text(&list, RING_NAME_VARY, "Accept-Encoding");
        }
        respond_text(stream, 406, &list);
    } else {
        static_refuse(stream, (uint16_t)file->found.status);
    }
}
