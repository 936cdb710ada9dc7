/*
 * The HTTP server of one connection for the differential test, with exchanges that the test answers. An input is options
 * (one byte), a seed, the request bytes, then steps: what the worker does, one after the other. Written are the requests as
 * verdicts, what was wrong, how the connection has ended (0 not, 1 closed, 2 reset) and the bytes that the client got.
 * Links: h1_*.c static_*.c access_*.c request_*.c file_discard.c histogram.c admission.c forwarded.c networks.c
 * Links: proxy_header.c pool.c libuv
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exchange_stub.h"
#include "h1_server.h"

#define SMALL_BUFFERS 1u /* the socket takes little at a time */
#define NAMED 2u         /* the gateway has a Server field */
#define AUTOMATIC 4u     /* every whole request is answered at once, the steps are not needed */
#define WATCHED 8u       /* tells whether the connection was reset */

static uv_loop_t loop;
static struct dispatch dispatch = {.scratch = stub_scratch};
static struct h1_server server;
static struct admission admission;
static counter allocations;

static struct out received; /* by the client */
static bool ended;
static bool reset;
static int client;
static int watched; /* the server's socket once more, as long as the server has it open; or -1 */

static void on_refused(struct h1_conn *conn, struct h1_id id, uint16_t status, enum h1_reason reason) {
    (void)conn;
    (void)id;
    (void)status;
    (void)reason;
}

static const struct h1_calls calls = {.refused = on_refused};
static const struct h1_config config = {
    .head = {.line_bytes = 8192, .head_bytes = 32768, .fields = 100},
    .chunked = {.extension_bytes = 4096, .trailer_bytes = 8192, .trailer_fields = 100},
    .max_body = UINT64_MAX,
    .admission = {UINT32_MAX, UINT32_MAX},
    .max_requests = UINT32_MAX,
    .trusted = {.unix_peers = true}, /* no field is dropped */
    .pipeline = 16,
};

/* What the client can read now. */
static bool receive(void) {
    static uint8_t buffer[65536];
    bool any = false;

    while (!ended) {
        ssize_t n = recv(client, buffer, sizeof(buffer), MSG_DONTWAIT);

        if (n > 0) {
            out_bytes(&received, buffer, (size_t)n);
            any = true;
        } else if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) {
            ended = true;
            any = true;
        } else {
            break;
        }
    }
    return any;
}

static bool answer_automatically(void) {
    bool any = false;

    for (uint32_t i = 0; i < stub_count; i++) {
        if (stubs[i].ended && !stubs[i].done && stubs[i].exchange != NULL) {
            stub_respond(&stubs[i],
                         &(struct exchange_response){
                             .status = 200, .end = true, .fields.data = stub_scratch, .body = {.data = stub_scratch}});
            any = true;
        }
    }
    return any;
}

/* Changes whenever the server has done something that the client can see, or has taken bytes. */
static uint64_t activity(void) {
    return counter_get(&server.counters.bytes_in) + counter_get(&server.counters.bytes_out) + (server.all == NULL) +
           2u * (server.lingering != NULL);
}

/* A unix socket has no reset, but the option for it. */
static void look_for_reset(void) {
    struct linger linger = {0};
    socklen_t length = sizeof(linger);

    if (watched >= 0 && server.all == NULL) {
        if (getsockopt(watched, SOL_SOCKET, SO_LINGER, &linger, &length) != 0) {
            perror("getsockopt");
            exit(EXIT_FAILURE);
        }
        reset = linger.l_onoff != 0 && linger.l_linger == 0;
        close(watched);
        watched = -1;
    }
}

/* Turns of the loop until nothing changes. */
static void settle(uint8_t options) {
    bool more = true;

    for (unsigned turns = 0; more; turns++) {
        uint64_t before = activity();

        if (turns > 1000000) {
            fprintf(stderr, "the server does not come to rest\n");
            abort();
        }
        uv_run(&loop, UV_RUN_NOWAIT);
        more = (options & AUTOMATIC) != 0 && answer_automatically();
        more |= stub_resume();
        h1_flush(&server);
        more |= before != activity();
        look_for_reset();
        more |= receive();
    }
}

/* The client sends; pieces of random length if there is a seed. */
static void transmit(const uint8_t *bytes, size_t length, uint64_t seed, uint8_t options) {
    size_t most = seed == 0 ? length : (const size_t[]){1, 7, 40, 40, 300, 300, 2000, length}[stub_next(&seed) & 7];
    size_t sent = 0;

    while (sent < length && !ended) {
        size_t piece = seed == 0 ? length : 1 + stub_next(&seed) % most;
        ssize_t n;

        piece = piece < length - sent ? piece : length - sent;
        n = send(client, bytes + sent, piece, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
            break; /* the server has closed */
        }
        sent += n > 0 ? (size_t)n : 0;
        settle(options);
    }
}

/* --- steps --- */

struct cursor {
    const uint8_t *at;
    size_t left;
};

static const uint8_t *take(struct cursor *cursor, size_t length) {
    const uint8_t *taken = cursor->at;

    if (length > cursor->left) {
        fprintf(stderr, "an input ends too early: %zu bytes left, %zu needed\n", cursor->left, length);
        exit(EXIT_FAILURE);
    }
    cursor->at += length;
    cursor->left -= length;
    return taken;
}

static uint64_t take_number(struct cursor *cursor, size_t bytes) {
    const uint8_t *taken = take(cursor, bytes);
    uint64_t number = 0;

    for (size_t i = bytes; i > 0; i--) {
        number = number << 8 | taken[i - 1];
    }
    return number;
}

static const uint8_t *take_text(struct cursor *cursor, uint32_t *length) {
    *length = (uint32_t)take_number(cursor, 4);
    return take(cursor, *length);
}

static void step(struct cursor *cursor, uint8_t options) {
    uint8_t kind = *take(cursor, 1);
    struct stub *stub = &stubs[*take(cursor, 1) % STUB_MAX];
    bool flush = *take(cursor, 1) != 0;
    uint16_t status = (uint16_t)take_number(cursor, 2);
    bool end = *take(cursor, 1) != 0;
    uint64_t total = take_number(cursor, 8);
    uint32_t list_length;
    uint32_t body_length;
    const uint8_t *list = take_text(cursor, &list_length);
    const uint8_t *body = take_text(cursor, &body_length);

    switch (kind) {
    case 'I':
        stub_inform(stub, status, list, list_length);
        break;
    case 'C':
        stub_continue(stub);
        break;
    case 'R':
        stub_respond(stub, &(struct exchange_response){.status = status,
                                                       .end = end,
                                                       .total = total,
                                                       .fields = {list, list_length},
                                                       .body = {.data = body, .length = body_length}});
        break;
    case 'B':
        stub_body(stub, body, body_length, end, list, list_length);
        break;
    case 'F':
        stub_fail(stub, status);
        break;
    default: /* 'W': the client sends more */
        transmit(body, body_length, 0, options);
        break;
    }
    if (flush) {
        h1_flush(&server);
    }
}

static void serve(const uint8_t *input, size_t length) {
    struct cursor cursor = {input, length};
    uint8_t options = *take(&cursor, 1);
    uint64_t seed = take_number(&cursor, 4);
    struct sockaddr_storage peer = {0};
    uint32_t request_length;
    const uint8_t *request;
    int pair[2];

    stub_begin(seed);
    received.length = 0;
    ended = reset = false;
    server.config.server_name = (options & NAMED) != 0 ? "ringway" : NULL;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) {
        perror("socketpair");
        exit(EXIT_FAILURE);
    }
    if ((options & SMALL_BUFFERS) != 0) {
        (void)setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &(int){1}, sizeof(int));
    }
    client = pair[1];
    watched = (options & WATCHED) != 0 ? dup(pair[0]) : -1;
    h1_accept(&server, pair[0], &peer, false);
    request = take_text(&cursor, &request_length);
    transmit(request, request_length, seed, options);
    while (cursor.left > 0) {
        step(&cursor, options);
    }
    settle(options);
}

/* Ends what is left of the connection. Nothing may remain of it. */
static const char *clean_up(void) {
    close(client);
    if (watched >= 0) {
        close(watched);
    }
    h1_cut_all(&server);
    h1_flush(&server);
    uv_run(&loop, UV_RUN_NOWAIT);
    if (stub_held != 0) {
        return "blocks were not given back";
    }
    for (uint32_t i = 0; i < stub_count; i++) {
        if (stubs[i].exchange != NULL) {
            return "an exchange is left";
        }
    }
    return counter_get(&server.counters.connections_open) != 0 ? "a connection is left" : "";
}

static void put_request(struct out *out, const struct stub *stub) {
    out_byte(out, 'a');
    out_byte(out, stub->ended ? 'a' : 'm');
    out_byte(out, stub->keep);
    out_byte(out, 0);
    out_byte(out, 1);
    out_byte(out, stub->minor);
    out_number(out, 0);
    out_number(out, 0);
    out_text(out, "", 0);
    out_text(out, stub->method.bytes, stub->method.length);
    out_text(out, stub->target.bytes, stub->target.length);
    out_text(out, stub->authority.bytes, stub->authority.length);
    out_text(out, stub->body.bytes, stub->body.length);
    out_number(out, stub->field_count);
    out_bytes(out, stub->fields.bytes, stub->fields.length);
    out_number(out, stub->trailer_count);
    out_bytes(out, stub->trailers.bytes, stub->trailers.length);
}

int main(void) {
    static uint8_t input[VERDICT_MAX_INPUT];
    static struct out out;
    size_t length;

    if (uv_loop_init(&loop) != 0 || admission_init(&admission, 1) != 0 ||
        h1_server_init(&server, &loop, &dispatch, &config, &admission, &calls, NULL, &allocations) != 0) {
        fprintf(stderr, "no server\n");
        return EXIT_FAILURE;
    }
    while ((length = next_input(input)) != 0) {
        unsigned how;
        const char *complaint;

        serve(input, length);
        how = reset ? 2 : ended;
        complaint = clean_up();
        out.length = 0;
        out_number(&out, 0);
        out_number(&out, stub_count);
        for (uint32_t i = 0; i < stub_count; i++) {
            put_request(&out, &stubs[i]);
        }
        out_text(&out, complaint, strlen(complaint));
        out_byte(&out, how);
        out_text(&out, received.bytes, received.length);
        out_patch(&out, 0, out.length - 4);
        fwrite(out.bytes, 1, out.length, stdout);
    }
    return EXIT_SUCCESS;
}
