/*
 * The worker of the wire cases: test/wire/worker/main.go, whose comment describes its scripts, in C. It sends what the script
 * says as it is, also what the library for workers would refuse.
 */
#ifndef WIRE_WORKER_H
#define WIRE_WORKER_H

#include <strings.h>

#include "h1_parser.h"
#include "test.h"
#include "worker_mirror.h"

#define WIRE_EXCHANGES 64u
#define WIRE_TEXT 65536u

struct wire_buffer {
    uint8_t bytes[WIRE_TEXT];
    uint32_t length;
};

struct wire_exchange {
    bool active;
    bool claimed; /* it asked for the body */
    bool ended;   /* the whole request is there */
    bool gone;    /* cancelled */
    bool echoes;  /* it was answered 101 */
    struct ring_event request;
    struct wire_buffer block, body, trailers;
};

struct wire_worker {
    struct worker end;
    struct wire_exchange exchanges[WIRE_EXCHANGES];
};

/* --- texts --- */

static inline void wire_put(struct wire_buffer *out, const void *bytes, size_t length) {
    if (length > WIRE_TEXT - out->length) {
        fprintf(stderr, "the wire worker has no room for %zu bytes\n", length);
        abort();
    }
    memcpy(out->bytes + out->length, bytes, length);
    out->length += (uint32_t)length;
}

static inline void wire_put_text(struct wire_buffer *out, const char *text) {
    wire_put(out, text, strlen(text));
}

static inline void wire_put_lower(struct wire_buffer *out, const uint8_t *name, size_t length) {
    for (size_t i = 0; i < length; i++) {
        uint8_t c = name[i] >= 'A' && name[i] <= 'Z' ? (uint8_t)(name[i] | 0x20) : name[i];
        wire_put(out, &c, 1);
    }
}

static inline struct ring_request_head wire_head(const struct wire_exchange *ex) {
    struct ring_request_head head;
    memcpy(&head, ex->block.bytes, sizeof(head));
    return head;
}

static inline struct ring_field wire_request_field(const struct wire_exchange *ex, unsigned i) {
    struct ring_field field;
    memcpy(&field, ex->block.bytes + sizeof(struct ring_request_head) + i * sizeof(field), sizeof(field));
    return field;
}

static inline int wire_compare(const struct wire_exchange *ex, struct ring_field a, struct ring_field b) {
    uint32_t shorter = a.name_length < b.name_length ? a.name_length : b.name_length;
    const char *bytes = (const char *)ex->block.bytes;
    int order = strncasecmp(bytes + a.name_offset, bytes + b.name_offset, shorter);
    return order != 0 ? order : (int)a.name_length - (int)b.name_length;
}

/* The fields that a handler sees, sorted by name, those of one name in their order. */
static inline unsigned wire_sorted(const struct wire_exchange *ex, struct ring_field *fields) {
    struct ring_request_head head = wire_head(ex);
    unsigned count = 0;
    for (unsigned i = 0; i < head.header_count; i++) {
        struct ring_field field = wire_request_field(ex, i);
        unsigned at = count;
        if (field.id == RING_NAME_HOST || field.id == RING_NAME_TRAILER) {
            continue;
        }
        for (; at > 0 && wire_compare(ex, fields[at - 1], field) > 0; at--) {
            fields[at] = fields[at - 1];
        }
        fields[at] = field;
        count++;
    }
    return count;
}

/* What a target without a script is answered with. */
static inline void wire_seen(const struct wire_exchange *ex, struct wire_buffer *out) {
    static struct ring_field fields[H1_MAX_FIELDS];
    struct ring_request_head head = wire_head(ex);
    const uint8_t *bytes = ex->block.bytes;
    unsigned count = wire_sorted(ex, fields);
    wire_put(out, bytes + head.method_name.offset, head.method_name.length);
    wire_put_text(out, " ");
    wire_put(out, bytes + head.target.offset, head.target.length);
    if (head.authority.length != 0) {
        wire_put_text(out, "\nauthority ");
        wire_put(out, bytes + head.authority.offset, head.authority.length);
    }
    wire_put_text(out, "\n");
    for (unsigned i = 0; i < count; i++) {
        wire_put_lower(out, bytes + fields[i].name_offset, fields[i].name_length);
        wire_put_text(out, ": ");
        wire_put(out, bytes + fields[i].value_offset, fields[i].value_length);
        wire_put_text(out, "\n");
    }
    if (ex->body.length != 0) {
        wire_put_text(out, "body ");
        wire_put(out, ex->body.bytes, ex->body.length);
        wire_put_text(out, "\n");
    }
    for (uint32_t at = 0; at < ex->trailers.length;) {
        struct ring_list_entry entry;
        memcpy(&entry, ex->trailers.bytes + at, sizeof(entry));
        at += (uint32_t)sizeof(entry);
        wire_put_text(out, "trailer ");
        wire_put_lower(out, ex->trailers.bytes + at, entry.name_length);
        wire_put_text(out, ": ");
        at += entry.name_length;
        wire_put(out, ex->trailers.bytes + at, entry.value_length);
        wire_put_text(out, "\n");
        at += entry.value_length;
    }
}

/* --- scripts --- */

/* The next word of that key from *at on, percent-decoded and zero-ended. False: there is none. */
static inline bool wire_word(const struct wire_exchange *ex, const char *key, uint32_t *at, struct wire_buffer *value) {
    struct ring_request_head head = wire_head(ex);
    const char *query = (const char *)ex->block.bytes + head.query.offset;
    size_t key_length = strlen(key);
    while (*at < head.query.length) {
        const char *word = query + *at;
        const char *end = memchr(word, '&', head.query.length - *at);
        size_t length = end != NULL ? (size_t)(end - word) : head.query.length - *at;
        *at += (uint32_t)length + 1;
        if (length <= key_length || memcmp(word, key, key_length) != 0 || word[key_length] != '=') {
            continue;
        }
        value->length = 0;
        for (size_t i = key_length + 1; i < length; i++) {
            char c = word[i] == '+' ? ' ' : word[i];
            if (c == '%' && i + 2 < length) {
                char hex[3] = {word[i + 1], word[i + 2], '\0'};
                c = (char)strtoul(hex, NULL, 16);
                i += 2;
            }
            wire_put(value, &c, 1);
        }
        wire_put(value, "", 1);
        value->length--;
        return true;
    }
    return false;
}

/* The first word of that key as a number, or `otherwise`. */
static inline uint64_t wire_word_number(const struct wire_exchange *ex, const char *key, uint64_t otherwise) {
    static struct wire_buffer value;
    uint32_t at = 0;
    return wire_word(ex, key, &at, &value) ? strtoull((const char *)value.bytes, NULL, 10) : otherwise;
}

static inline bool wire_is_script(const struct wire_exchange *ex) {
    struct ring_request_head head = wire_head(ex);
    return head.path.length == 7 && memcmp(ex->block.bytes + head.path.offset, "/answer", 7) == 0;
}

static inline bool wire_waits(const struct wire_exchange *ex) {
    return wire_is_script(ex) && wire_word_number(ex, "wait", 0) != 0;
}

static inline bool wire_reads(const struct wire_exchange *ex) {
    static struct wire_buffer value;
    uint32_t at = 0;
    return !wire_is_script(ex) || wire_word(ex, "read", &at, &value);
}

/* No body is sent: it is a HEAD, and the script does not want it anyway. */
static inline bool wire_is_bare(const struct wire_exchange *ex) {
    return wire_head(ex).method == RING_METHOD_HEAD && wire_word_number(ex, "anyway", 0) == 0;
}

/* All words of a key, each NAME:VALUE, as a field list. */
static inline void wire_list(const struct wire_exchange *ex, const char *key, struct wire_buffer *out) {
    static struct wire_buffer value;
    uint32_t at = 0;
    while (wire_word(ex, key, &at, &value)) {
        const uint8_t *colon = memchr(value.bytes, ':', value.length);
        uint16_t name = (uint16_t)(colon != NULL ? colon - value.bytes : 0);
        uint16_t id = h1_name_id(value.bytes, name);
        struct ring_list_entry entry = {id, id == RING_NAME_OTHER ? name : (uint16_t)0, value.length - name - 1u};
        wire_put(out, &entry, sizeof(entry));
        wire_put(out, value.bytes, entry.name_length);
        wire_put(out, value.bytes + name + 1, entry.value_length);
    }
}

/* Publishes an event with copies of the texts, NULL for none. */
static inline void wire_publish(struct wire_worker *w, struct ring_event event, const struct wire_buffer *head,
                                const struct wire_buffer *body) {
    CHECK(head == NULL || head->length == 0 || worker_put_head(&w->end, &event, head->bytes, head->length));
    CHECK(body == NULL || body->length == 0 || worker_put_body(&w->end, &event, body->bytes, body->length));
    CHECK(worker_publish(&w->end, &event));
}

static inline void wire_inform(struct wire_worker *w, const struct wire_exchange *ex) {
    static struct wire_buffer status;
    static struct wire_buffer list;
    uint32_t at = 0;
    list.length = 0;
    wire_list(ex, "hint", &list);
    while (wire_word(ex, "inform", &at, &status)) {
        struct ring_event event = worker_event(&ex->request, RING_EVENT_INFORM, 0);
        event.status = (uint16_t)strtoul((const char *)status.bytes, NULL, 10);
        wire_publish(w, event, &list, NULL);
    }
}

/* The pieces of the body one by one, then the trailers. */
static inline void wire_stream(struct wire_worker *w, const struct wire_exchange *ex, const struct ring_event *response,
                               const struct wire_buffer *list) {
    static struct wire_buffer piece;
    uint32_t at = 0;
    bool head = wire_is_bare(ex);
    wire_publish(w, *response, list, NULL);
    while (!head && wire_word(ex, "body", &at, &piece)) {
        wire_publish(w, worker_event(&ex->request, RING_EVENT_RESPONSE_BODY, 0), NULL, &piece);
    }
    piece.length = 0;
    wire_list(ex, "trailer", &piece);
    uint8_t flags = (uint8_t)(RING_FLAG_END | (piece.length != 0 ? RING_FLAG_TRAILERS : 0u));
    if (wire_word_number(ex, "abort", 0) != 0) {
        wire_publish(w, worker_event(&ex->request, RING_EVENT_ABORT, 0), NULL, NULL);
    } else {
        wire_publish(w, worker_event(&ex->request, RING_EVENT_RESPONSE_BODY, flags), &piece, NULL);
    }
}

static inline bool wire_others(const struct wire_worker *w, const struct wire_exchange *ex) {
    for (uint32_t i = 0; i < WIRE_EXCHANGES; i++) {
        if (w->exchanges[i].active && &w->exchanges[i] != ex) {
            return true;
        }
    }
    return false;
}

static inline void wire_run_script(struct wire_worker *w, const struct wire_exchange *ex) {
    static struct wire_buffer list, body, piece;
    struct ring_event response = worker_event(&ex->request, RING_EVENT_RESPONSE, 0);
    uint32_t at = 0;
    wire_inform(w, ex);
    list.length = body.length = 0;
    wire_list(ex, "field", &list);
    while (wire_word(ex, "raw", &at, &piece)) {
        wire_put(&list, piece.bytes, piece.length);
    }
    at = 0;
    response.status = (uint16_t)wire_word_number(ex, "status", 200);
    response.total = wire_word_number(ex, "length", RING_LENGTH_UNKNOWN);
    if (ex->echoes) {
        wire_publish(w, response, &list, NULL);
        while (wire_word(ex, "body", &at, &piece)) {
            wire_publish(w, worker_event(&ex->request, RING_EVENT_RESPONSE_BODY, 0), NULL, &piece);
        }
        return;
    }
    if (wire_word_number(ex, "flush", 0) != 0) {
        wire_stream(w, ex, &response, &list);
        return;
    }
    if (wire_word_number(ex, "abort", 0) != 0) {
        wire_publish(w, worker_event(&ex->request, RING_EVENT_ABORT, 0), NULL, NULL);
        return;
    }
    while (wire_word(ex, "body", &at, &piece)) {
        wire_put(&body, piece.bytes, piece.length);
    }
    if (wire_word_number(ex, "alone", 0) != 0) {
        wire_put_text(&body, wire_others(w, ex) ? "not alone" : "alone");
    }
    if (wire_is_bare(ex)) {
        response.total = response.total == RING_LENGTH_UNKNOWN ? body.length : response.total;
        body.length = 0;
    }
    response.flags = RING_FLAG_END;
    wire_publish(w, response, &list, &body);
}

static inline void wire_answer_seen(struct wire_worker *w, const struct wire_exchange *ex) {
    static const char plain[] = "text/plain";
    static struct wire_buffer list, body;
    struct ring_event response = worker_event(&ex->request, RING_EVENT_RESPONSE, RING_FLAG_END);
    struct ring_list_entry entry = {RING_NAME_CONTENT_TYPE, 0, sizeof(plain) - 1};
    list.length = body.length = 0;
    wire_put(&list, &entry, sizeof(entry));
    wire_put_text(&list, plain);
    wire_seen(ex, &body);
    if (wire_head(ex).method == RING_METHOD_HEAD) {
        response.total = body.length;
        body.length = 0;
    }
    wire_publish(w, response, &list, &body);
}

/* --- events --- */

static inline void wire_request(struct wire_worker *w, const struct ring_event *event) {
    struct wire_exchange *ex = &w->exchanges[event->exchange % WIRE_EXCHANGES];
    CHECK(!ex->active);
    if (!worker_claim(&w->end, event)) {
        worker_return_event(&w->end, event); /* taken back */
        return;
    }
    ex->active = true;
    ex->claimed = ex->gone = ex->echoes = false;
    ex->request = *event;
    ex->ended = (event->flags & RING_FLAG_END) != 0;
    ex->block.length = ex->body.length = ex->trailers.length = 0;
    wire_put(&ex->block, worker_inbound(&w->end, event->head_offset), event->head_length);
    if (event->body_length != 0) {
        wire_put(&ex->body, worker_inbound(&w->end, event->body_offset), event->body_length);
    }
}

static inline void wire_body_event(struct wire_worker *w, const struct ring_event *event) {
    struct wire_exchange *ex = &w->exchanges[event->exchange % WIRE_EXCHANGES];
    if (ex->active && ex->request.generation == event->generation && ex->echoes) {
        static struct wire_buffer piece;
        uint8_t flags = (event->flags & RING_FLAG_END) != 0 ? RING_FLAG_END : 0;
        piece.length = 0;
        wire_put(&piece, worker_inbound(&w->end, event->body_offset), event->body_length);
        wire_publish(w, worker_event(&ex->request, RING_EVENT_RESPONSE_BODY, flags), NULL, &piece);
        if (flags != 0) {
            ex->active = false;
            worker_return_event(&w->end, &ex->request);
        }
    } else if (ex->active && ex->request.generation == event->generation) {
        if (event->body_length != 0 && wire_reads(ex)) {
            wire_put(&ex->body, worker_inbound(&w->end, event->body_offset), event->body_length);
        }
        if ((event->flags & RING_FLAG_TRAILERS) != 0) {
            wire_put(&ex->trailers, worker_inbound(&w->end, event->head_offset), event->head_length);
        }
        ex->ended |= (event->flags & RING_FLAG_END) != 0;
    }
    worker_return_event(&w->end, event);
}

static inline void wire_take_events(struct wire_worker *w) {
    struct ring_event event;
    while (worker_take(&w->end, &event)) {
        struct wire_exchange *ex = &w->exchanges[event.exchange % WIRE_EXCHANGES];
        switch (event.kind) {
        case RING_EVENT_REQUEST:
            wire_request(w, &event);
            break;
        case RING_EVENT_BODY:
            wire_body_event(w, &event);
            break;
        case RING_EVENT_CANCEL:
            ex->gone |=
                ex->active && ex->request.generation == event.generation && event.status != RING_CANCEL_HALF_CLOSED;
            break;
        default: /* credit: no script needs more than what every exchange owns */
            break;
        }
    }
}

/* Takes what has come and answers what can be answered; requests that wait only if nothing else is to be done. */
static inline void wire_serve(struct wire_worker *w) {
    bool busy = false;
    wire_take_events(w);
    for (unsigned pass = 0; pass < 2 && !busy; pass++) {
        for (uint32_t i = 0; i < WIRE_EXCHANGES; i++) {
            struct wire_exchange *ex = &w->exchanges[i];
            if (!ex->active || (ex->echoes && !ex->gone) || (pass == 0 && wire_waits(ex) && !ex->gone)) {
                continue;
            }
            if (!ex->gone && !ex->ended && wire_reads(ex)) {
                if (!ex->claimed) {
                    ex->claimed = busy = true;
                    wire_publish(w, worker_event(&ex->request, RING_EVENT_CONTINUE, 0), NULL, NULL);
                }
                continue;
            }
            if (ex->gone) {
                wire_publish(w, worker_event(&ex->request, RING_EVENT_ABORT, 0), NULL, NULL);
            } else if (wire_is_script(ex)) {
                ex->echoes = wire_word_number(ex, "echo", 0) != 0;
                wire_run_script(w, ex);
                if (ex->echoes) {
                    busy = true;
                    continue;
                }
            } else {
                wire_answer_seen(w, ex);
            }
            ex->active = false;
            busy = true;
            worker_return_event(&w->end, &ex->request);
        }
    }
    worker_signal(&w->end);
}

#endif
