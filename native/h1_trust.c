/* Whom a connection may speak for: PROXY headers, fields that only trusted peers may send, request ids. docs/design.md section 6. */
#include "forwarded.h"
#include "h1_internal.h"
#include "h1_server.h"
#include "proxy_header.h"

void h1_trust_update(struct h1_conn *conn) {
    conn->trusted = !conn->nameless && networks_contain(&conn->server->config.trusted, &conn->remote);
}

bool h1_trusts_proxy(const struct h1_conn *conn) {
    const struct networks *trusted = &conn->server->config.trusted;
    bool any = trusted->count != 0 || trusted->unix_peers;
    return !any || conn->trusted;
}

uint32_t h1_take_proxy_header(struct h1_conn *conn, const uint8_t *bytes, uint32_t length) {
    struct proxy_header header;
    int n = proxy_header_parse(bytes, length, &header);
    if (n == PROXY_HEADER_MORE) {
        return 0;
    }
    if (n < 0) {
        h1_note_refusal(conn, NULL, 0, H1_REASON_PROXY_HEADER);
        h1_conn_close(conn, RING_CANCEL_GONE);
        return length;
    }
    conn->input = H1_INPUT_HEAD;
    if (header.kind == PROXY_HEADER_ADDRESSES) {
        conn->remote = header.remote;
        conn->local = header.local;
    }
    conn->nameless = header.kind == PROXY_HEADER_UNKNOWN;
    h1_trust_update(conn);
    return h1_admit_client(conn) ? (uint32_t)n : length;
}

/* --- requests --- */

static void drop_claims(struct h1_request *request, const uint8_t *bytes) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < request->field_count; i++) {
        const struct ring_field *field = &request->fields[i];
        if (h1_is_claim(bytes + field->name_offset, field->name_length, field->id)) {
            continue;
        }
        if (kept != i) {
            request->fields[kept] = *field;
        }
        kept++;
    }
    request->field_count = kept;
}

static const struct ring_field *last_field(const struct h1_request *request, enum ring_name id) {
    for (uint32_t i = request->field_count; i > 0; i--) {
        if (request->fields[i - 1].id == id) {
            return &request->fields[i - 1];
        }
    }
    return NULL;
}

static bool says_https(const struct h1_request *request, const uint8_t *bytes) {
    const struct ring_field *plain = last_field(request, RING_NAME_X_FORWARDED_PROTO);
    const struct ring_field *pairs = last_field(request, RING_NAME_FORWARDED);
    return (plain != NULL && forwarded_is_https(FORWARDED_PLAIN, bytes + plain->value_offset, plain->value_length)) ||
           (pairs != NULL && forwarded_is_https(FORWARDED_PAIRS, bytes + pairs->value_offset, pairs->value_length));
}

/* The id that a trusted peer gives, if it gives one; if it cannot be used, its fields go. */
static struct h1_id given_id(struct h1_request *request, const uint8_t *bytes) {
    struct h1_id id = {0};
    uint32_t kept = 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < request->field_count; i++) {
        const struct ring_field *field = &request->fields[i];
        if (field->id == RING_NAME_X_REQUEST_ID) {
            id = (struct h1_id){bytes + field->value_offset, field->value_length};
            count++;
        }
    }
    if (count == 1 && request_id_is_sane(id.bytes, id.length)) {
        return id;
    }
    if (count == 0) {
        return id;
    }
    for (uint32_t i = 0; i < request->field_count; i++) {
        if (request->fields[i].id != RING_NAME_X_REQUEST_ID) {
            request->fields[kept++] = request->fields[i];
        }
    }
    request->field_count = kept;
    return (struct h1_id){0};
}

struct h1_id h1_vouch(struct h1_conn *conn, const uint8_t *bytes, uint32_t length, struct request_view *view) {
    struct h1_server *server = conn->server;
    struct h1_request *request = &server->request;
    struct h1_id id = {0};
    if (!conn->trusted) {
        drop_claims(request, bytes);
    } else {
        view->head.scheme = request->https || says_https(request, bytes) ? 1 : 0;
    }
    if (!server->config.request_ids) {
        return id;
    }
    if (conn->trusted) {
        id = given_id(request, bytes);
    }
    if (id.length != 0) {
        return id;
    }
    const uint32_t name_length = sizeof(H1_ID_NAME) - 1;
    request_id_next(&server->ids, server->id_field + name_length);
    view->tail = server->id_field;
    view->tail_length = sizeof(server->id_field);
    request->fields[request->field_count++] = (struct ring_field){.name_offset = length,
                                                                  .name_length = (uint16_t)name_length,
                                                                  .id = RING_NAME_X_REQUEST_ID,
                                                                  .value_offset = length + name_length,
                                                                  .value_length = REQUEST_ID_DIGITS};
    return (struct h1_id){server->id_field + name_length, REQUEST_ID_DIGITS};
}

struct ring_endpoint h1_client_address(const struct h1_conn *conn, const uint8_t *bytes) {
    const struct h1_request *request = &conn->server->request;
    if (!conn->trusted) {
        return conn->remote;
    }
    bool plain = last_field(request, RING_NAME_X_FORWARDED_FOR) != NULL;
    uint16_t name = plain ? RING_NAME_X_FORWARDED_FOR : RING_NAME_FORWARDED;
    struct forwarded_walk walk = {.trusted = &conn->server->config.trusted,
                                  .form = plain ? FORWARDED_PLAIN : FORWARDED_PAIRS,
                                  .client = conn->remote};
    for (uint32_t i = request->field_count; i > 0; i--) {
        const struct ring_field *field = &request->fields[i - 1];
        if (field->id == name && !forwarded_walk(&walk, bytes + field->value_offset, field->value_length)) {
            break;
        }
    }
    return walk.client;
}
