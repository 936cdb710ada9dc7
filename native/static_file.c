#include "static_file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ring_names.h"
#include "static_path.h"

/* Fields that matter here, as bits by their ids. */
static uint64_t bit(uint16_t id) {
    return id < 64 ? UINT64_C(1) << id : 0;
}

static const uint16_t wanted[] = {
    RING_NAME_ACCEPT_ENCODING,     RING_NAME_IF_MATCH, RING_NAME_IF_NONE_MATCH, RING_NAME_IF_MODIFIED_SINCE,
    RING_NAME_IF_UNMODIFIED_SINCE, RING_NAME_IF_RANGE, RING_NAME_RANGE};
#define WANTED (sizeof(wanted) / sizeof(wanted[0]))

/* What of the request is needed while the thread pool works: the head is overwritten by the next one. */
struct copier {
    const struct h1_request *request;
    const uint8_t *bytes;
    char *at;
};

static struct static_text copy(struct copier *c, struct ring_span span) {
    struct static_text text = {(const uint8_t *)c->at, span.length};
    memcpy(c->at, c->bytes + span.offset, span.length);
    c->at += span.length;
    return text;
}

/* All lines of a field, joined (RFC 9110 5.3). One that must not be repeated becomes malformed by that, as it should. */
static struct static_text copy_field(struct copier *c, uint16_t id, bool *present) {
    struct static_text text = {(const uint8_t *)c->at, 0};
    *present = false;
    for (uint32_t i = 0; i < c->request->field_count; i++) {
        const struct ring_field *field = &c->request->fields[i];
        if (field->id != id) {
            continue;
        }
        if (*present) {
            *c->at++ = ',';
        }
        *present = true;
        memcpy(c->at, c->bytes + field->value_offset, field->value_length);
        c->at += field->value_length;
    }
    text.length = (uint32_t)(c->at - (const char *)text.bytes);
    return text;
}

static size_t text_size(const struct h1_request *request, uint64_t *present) {
    uint64_t mask = 0;
    size_t size = 2 * (size_t)request->path.length + request->query.length + 1;
    for (size_t i = 0; i < WANTED; i++) {
        mask |= bit(wanted[i]);
    }
    *present = 0;
    for (uint32_t i = 0; i < request->field_count; i++) {
        uint64_t field = bit(request->fields[i].id) & mask;
        *present |= field;
        size += field != 0 ? request->fields[i].value_length + 1 : 0;
    }
    return size;
}

static void copy_fields(struct static_file *file, struct copier *c, uint64_t present) {
    struct static_text *const to[WANTED] = {
        &file->target.accept_encoding,
        &file->conditions.if_match,
        &file->conditions.if_none_match,
        &file->conditions.if_modified_since,
        &file->conditions.if_unmodified_since,
        &file->conditions.if_range,
        &file->range,
    };
    for (size_t i = 0; i < WANTED; i++) {
        bool has = false;
        if ((present & bit(wanted[i])) != 0) {
            *to[i] = copy_field(c, wanted[i], &has);
        }
        if (i == 0) {
            file->target.has_accept_encoding = has;
        }
    }
}

void static_drop(struct static_file *file) {
    if (file->stream != NULL) {
        file->stream->file = NULL;
    }
    if (file->found.fd >= 0) {
        close(file->found.fd);
    }
    static_sites_release(file->sites);
    free(file->buffer);
    free(file);
}

void static_detach(struct h1_stream *stream) {
    struct static_file *file = stream->file;
    if (file == NULL) {
        return;
    }
    if (!file->working) {
        static_drop(file);
        return;
    }
    stream->file = NULL;
    file->stream = NULL;
    (void)uv_cancel((uv_req_t *)&file->work); /* if it has not begun */
}

static void work_open(uv_work_t *work) {
    struct static_file *file = (struct static_file *)(void *)work;
    static_open(&file->target, &file->found);
}

static void on_opened(uv_work_t *work, int status) {
    struct static_file *file = (struct static_file *)(void *)work;
    struct h1_stream *stream = file->stream;
    (void)status; /* cancelled only without a stream */
    file->working = false;
    /* It may have been answered meanwhile: its body was malformed, or came too slowly. */
    if (stream == NULL || stream->state != H1_STREAM_WAITING) {
        static_drop(file);
        return;
    }
    static_answer(file);
    if (stream->state == H1_STREAM_COMPLETE) {
        static_drop(file);
    }
}

bool static_begin(struct h1_stream *stream, const struct h1_request *request, const uint8_t *bytes) {
    struct h1_server *server = stream->conn->server;
    struct static_sites *sites = server->config.sites;
    struct ring_span path = request->path;
    const struct static_site *site = sites != NULL ? static_site_of(sites, bytes + path.offset, path.length) : NULL;
    if (site == NULL) {
        return false;
    }
    counter_add(&server->counters.static_answers, 1);
    if (request->method != RING_METHOD_GET && request->method != RING_METHOD_HEAD) {
        static_refuse(stream, 405);
        return true;
    }
    uint64_t present = 0;
    struct static_file *file = pool_bytes(server->allocations, sizeof(*file) + text_size(request, &present));
    if (file == NULL) {
        static_refuse(stream, 503);
        return true;
    }
    memset(file, 0, sizeof(*file));
    file->found.fd = -1;
    struct copier c = {request, bytes, file->text};
    file->path = copy(&c, path);
    file->query = copy(&c, request->query);
    copy_fields(file, &c, present);
    file->target.path = c.at;
    file->target.root = site->root;
    file->target.index = sites->index;
    int rc = static_path_decode(file->path.bytes + site->prefix_length, path.length - site->prefix_length,
                                site->prefix_length == 0, c.at, &file->target.directory);
    if (rc != 0) {
        free(file);
        static_refuse(stream, (uint16_t)-rc);
        return true;
    }
    file->sites = static_sites_hold(sites);
    file->stream = stream;
    stream->file = file;
    file->working = true;
    if (uv_queue_work(server->loop, &file->work, work_open, on_opened) != 0) {
        abort(); /* only without a function */
    }
    return true;
}
