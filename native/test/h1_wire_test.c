/*
 * The wire cases (test/wire/cases) against the server of HTTP/1.x over a socket pair, with a worker that is not trusted.
 * Everything is one thread: a step is over when nothing moves any more.
 * Links: *.c test/worker_mirror.c libuv
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <unistd.h>

#include "h1_access.h"
#include "ring_names.h"
#include "settings.h"
#include "wire_answer.h"
#include "wire_worker.h"

#define MOST_BYTEWISE 600u
#define QUIET_TURNS 3u
#define MOST_TURNS 100000u
#define CLIENT_BYTES (1u << 21)
#define ACCESS_BYTES (1u << 16) /* the access log is on, too */

#define RANDOM_RUNS 3u
#define PIPELINE 12u
#define PIPELINES 1000u

static struct wire_worker worker;
static uint64_t seed;
static struct wire_answer answer;

/* All that a case needs; made anew for each. */
static struct stage {
    uv_loop_t loop;
    struct settings *settings;
    struct admission admission;
    struct dispatch dispatch;
    struct segments segments;
    struct dispatch_lane lane;
    struct h1_server server;
    counter allocations;
    bool proxy; /* the connection begins with a PROXY header */
    int client;
    char got[CLIENT_BYTES]; /* by the client */
    size_t got_length;
    bool eof, reset;
    bool sent_all; /* the client has ended its side */
    bool goodbye;  /* an answer said that it is the last */
    unsigned answers;
    size_t at; /* of got: behind the answers that were read */
} stage;

static void on_broken(struct dispatch_lane *lane) {
    fprintf(stderr, "the worker broke the protocol: %s\n", lane->lane.broken_reason);
    CHECK(!lane->lane.broken);
}

static void on_idle(struct dispatch_lane *lane) {
    (void)lane;
}

static void on_released(struct dispatch_lane *lane) {
    lane_close(&lane->lane);
}

static void on_refused(struct h1_conn *conn, struct h1_id id, uint16_t status, enum h1_reason reason) {
    (void)conn;
    (void)id;
    (void)status;
    CHECK(reason != H1_REASON_NONE && h1_reason_text(reason) != NULL);
}

static const struct dispatch_calls dispatch_calls = {.broken = on_broken, .idle = on_idle, .released = on_released};
/* Takes the records of the access log: each is whole, and says nothing that cannot be. */
static void on_access_waits(struct h1_server *server) {
    static _Alignas(ACCESS_ALIGN) uint8_t bytes[ACCESS_BYTES];
    uint64_t length = access_queue_take(&server->access.queue, bytes, sizeof(bytes));
    for (uint64_t at = 0; at < length;) {
        const struct access_record *record = (const struct access_record *)(const void *)(bytes + at);
        uint64_t size = sizeof(*record);
        for (unsigned i = 0; i < ACCESS_TEXTS; i++) {
            size += record->lengths[i];
        }
        if (!CHECK_UINT(record->size, size) || !CHECK(length - at >= access_aligned(size))) {
            return;
        }
        CHECK(record->status == 0 || record->status == 101 || (record->status >= 200 && record->status <= 999));
        CHECK(record->version != 0 || record->lengths[ACCESS_TARGET] == 0);
        CHECK(record->end <= ACCESS_CUT && record->origin <= ACCESS_BY_WORKER);
        CHECK(record->end != ACCESS_COMPLETE || (record->status != 0 && record->sent > record->sent_body));
        CHECK(record->origin != ACCESS_BY_WORKER || record->worker != 0);
        CHECK(record->received < UINT64_C(1) << 40 && record->total_ns < UINT64_C(1) << 50);
        at += access_aligned(size);
    }
}

static const struct h1_calls h1_calls = {.refused = on_refused, .access_waits = on_access_waits};

/* --- flags --- */

/* If text begins with the flag: its value, which ends at a space or with the text. */
static const char *flag(const char *text, const char *name) {
    size_t length = strlen(name);
    return strncmp(text, name, length) == 0 && (text[length] == ' ' || text[length] == '=') ? text + length + 1 : NULL;
}

/* An IPv4 network, A.B.C.D/N. */
static const struct network *trusted_of(const struct wire_case *one, const char *text) {
    static struct network network;
    uint8_t bytes[4];
    uint8_t bits;
    if (sscanf(text, "%hhu.%hhu.%hhu.%hhu/%hhu", &bytes[0], &bytes[1], &bytes[2], &bytes[3], &bits) != 5) {
        golden_die(one->name, text);
    }
    network = (struct network){.family = 4, .bits = bits};
    memcpy(network.address, bytes, sizeof(bytes));
    return &network;
}

/* The gateway's defaults (internal/cli), without times, and what the case sets. */
static struct settings *settings_of(const struct wire_case *one) {
    static char path[128];
    static struct gw_native_path native;
    struct gw_settings s = {.server_name = "ringway",
                            .pipeline = 32,
                            .park_limit = 1024,
                            .queue_deadline_ms = 60000,
                            .max_body = 64u << 20,
                            .line_bytes = 8192,
                            .head_bytes = 32768,
                            .fields = 100};
    const char *value;
    for (const char *at = one->flags; *at != '\0';) {
        if ((value = flag(at, "--line-bytes")) != NULL) {
            s.line_bytes = (uint32_t)strtoul(value, NULL, 10);
        } else if ((value = flag(at, "--head-bytes")) != NULL) {
            s.head_bytes = (uint32_t)strtoul(value, NULL, 10);
        } else if ((value = flag(at, "--fields")) != NULL) {
            s.fields = (uint32_t)strtoul(value, NULL, 10);
        } else if ((value = flag(at, "--max-body")) != NULL) {
            s.max_body = strtoul(value, NULL, 10);
        } else if ((value = flag(at, "--max-requests")) != NULL) {
            s.max_requests = (uint32_t)strtoul(value, NULL, 10);
        } else if ((value = flag(at, "--pipeline-depth")) != NULL) {
            s.pipeline = (uint32_t)strtoul(value, NULL, 10);
        } else if ((value = flag(at, "--server-name")) != NULL) {
            s.server_name = "";
        } else if ((value = flag(at, "--trusted")) != NULL) {
            s.trusted = trusted_of(one, value);
            s.trusted_count = 1;
        } else if ((value = flag(at, "--listen-proxy")) != NULL) {
            stage.proxy = true;
        } else if (strncmp(at, "--request-id=true", 17) == 0) {
            s.request_ids = true;
            value = at;
        } else if (strncmp(at, "--keep-underscores", 18) == 0) {
            s.keep_underscores = true;
            value = at;
        } else if ((value = flag(at, "--native-path")) != NULL) {
            snprintf(path, sizeof(path), "%s", value);
            path[strcspn(path, " ")] = '\0';
            char *text = strchr(path, '=');
            if (text == NULL) {
                golden_die(one->name, at);
            }
            *text = '\0';
            native = (struct gw_native_path){path, text + 1};
            s.native_paths = &native;
            s.native_path_count = 1;
        } else {
            golden_die(one->name, at);
        }
        at = value + strcspn(value, " ");
        at += *at == ' ';
    }
    return settings_new(&s, 1);
}

/* --- turns --- */

static void client_receive(void) {
    while (!stage.eof && !stage.reset && stage.got_length < CLIENT_BYTES) {
        ssize_t n = recv(stage.client, stage.got + stage.got_length, CLIENT_BYTES - stage.got_length, MSG_DONTWAIT);
        if (n > 0) {
            stage.got_length += (size_t)n;
            continue;
        }
        stage.eof = n == 0;
        stage.reset = n < 0 && errno != EAGAIN && errno != EWOULDBLOCK;
        return;
    }
}

/* One turn of the gateway's loop (loop.c), of the worker and of the client. */
static void turn(void) {
    (void)uv_run(&stage.loop, UV_RUN_NOWAIT);
    stage.dispatch.time_is_fresh = false;
    dispatch_update_time(&stage.dispatch);
    dispatch_wake(&stage.dispatch);
    wire_serve(&worker);
    (void)dispatch_poll(&stage.dispatch);
    h1_flush(&stage.server);
    client_receive();
}

/* Changes as long as anything moves. */
static uint64_t progress(void) {
    return worker.end.in_head + worker.end.out_tail + worker.end.in_return_tail + stage.got_length +
           counter_get(&stage.server.counters.bytes_in) + counter_get(&stage.server.counters.bytes_out) +
           counter_get(&stage.server.counters.connections_open) + (uint64_t)stage.eof + (uint64_t)stage.reset;
}

static void settle(void) {
    unsigned quiet = 0;
    for (unsigned i = 0; i < MOST_TURNS && quiet < QUIET_TURNS; i++) {
        uint64_t before = progress();
        turn();
        quiet = progress() == before ? quiet + 1 : 0;
    }
    CHECK_UINT(quiet, QUIET_TURNS);
}

/* Whoever closed before all was sent has a reason; what was answered is looked at. */
static void client_send(const uint8_t *bytes, size_t length) {
    unsigned turns = 0;
    for (size_t done = 0; done < length;) {
        ssize_t n = send(stage.client, bytes + done, length - done, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n > 0) {
            done += (size_t)n;
        } else if (errno != EAGAIN && errno != EWOULDBLOCK) {
            return;
        } else if (++turns > MOST_TURNS) {
            CHECK(done == length);
            return;
        }
        turn();
    }
}

/* --- stage --- */

static void stage_open(const struct wire_case *one) {
    struct ring_geometry geometry = {
        .lanes = 1, .ring_slots = 4 * WIRE_EXCHANGES, .exchange_slots = WIRE_EXCHANGES, .arena_units = 1024};
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(4711), .sin_addr = {htonl(0x7f000001)}};
    struct sockaddr_storage address = {0};
    int pair[2];
    memset(&stage, 0, sizeof(stage));
    memset(&worker, 0, sizeof(worker));
    memcpy(&address, &peer, sizeof(peer));
    segments_open(&stage.segments, geometry, false);
    worker_open(&worker.end, &stage.segments, 0);
    struct lane_params params = {.worker = 1,
                                 .geometry = stage.segments.geometry,
                                 .inbound = stage.segments.inbound,
                                 .outbound = stage.segments.outbound,
                                 .socket = stage.segments.gateway_socket[0]};
    stage.settings = settings_of(one);
    if (stage.settings == NULL || uv_loop_init(&stage.loop) != 0 || admission_init(&stage.admission, 1) != 0 ||
        dispatch_init(&stage.dispatch, &stage.settings->dispatch, &dispatch_calls, &stage.allocations) != 0 ||
        lane_open(&stage.lane.lane, &params) != 0 || dispatch_add_lane(&stage.dispatch, &stage.lane) != 0 ||
        h1_server_init(&stage.server, &stage.loop, &stage.dispatch, &stage.settings->h1, &stage.admission, &h1_calls,
                       &stage, &stage.allocations) != 0 ||
        h1_access_init(&stage.server, ACCESS_BYTES) != 0 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) {
        golden_die(one->name, "the stage cannot be set");
    }
    dispatch_set_active(&stage.lane, true);
    stage.client = pair[0];
    h1_accept(&stage.server, pair[1], &address, stage.proxy);
}

/* Nothing may be left of a case. */
static void stage_close(void) {
    close(stage.client);
    stage.eof = true;
    settle();
    CHECK_UINT(counter_get(&stage.server.counters.connections_open), 0);
    h1_cut_all(&stage.server);
    settle();
    CHECK(worker_collect(&worker.end));
    CHECK_UINT(stage.lane.lane.free_count, WIRE_EXCHANGES);
    CHECK_UINT(stage.lane.lane.held_blocks, 0);
    CHECK_UINT(stage.lane.lane.arena.units_used, 0);
    CHECK_UINT(worker.end.arena.units_used, 0);
    CHECK_UINT(stage.dispatch.parked_count, 0);
    CHECK_UINT(stage.admission.open, 0);
    dispatch_bury(&stage.lane);
    (void)dispatch_poll(&stage.dispatch);
    (void)uv_run(&stage.loop, UV_RUN_NOWAIT);
    CHECK_INT(uv_loop_close(&stage.loop), 0);
    CHECK_UINT(counter_get(&stage.server.access.queue.dropped), 0);
    on_access_waits(&stage.server);
    h1_server_free(&stage.server);
    dispatch_free(&stage.dispatch);
    admission_free(&stage.admission);
    settings_release(stage.settings);
    worker_close(&worker.end);
    segments_close(&stage.segments);
}

/* --- cases --- */

/* What is wrong with what came, for a person. */
static const char *expect(const struct wire_step *want, bool cut) {
    struct wire_input in = {stage.got, stage.got_length, stage.at, stage.eof || stage.reset};
    enum wire_read read = wire_read_answer(&answer, &in, want->head);
    const struct wire_line *connection = NULL;
    if (read == WIRE_MALFORMED) {
        return answer.fault;
    }
    if (cut && (read == WIRE_DONE || !in.ended)) {
        return read == WIRE_DONE ? "the answer is complete, it should have been cut" : "the connection is still open";
    }
    if (!cut && read == WIRE_MORE) {
        return in.ended ? "the connection ended inside the answer" : "there is no complete answer";
    }
    if (stage.goodbye) {
        return "an answer behind one with Connection: close";
    }
    stage.at = in.at;
    stage.answers++;
    stage.goodbye = wire_find(answer.fields, answer.field_count, "Connection", &connection) == 1 &&
                    connection->value_length >= 5 && memcmp(connection->value, "close", 5) == 0;
    return wire_differs(want, &answer);
}

static const char *still_open(void) {
    static const char request[] = "GET /still HTTP/1.1\r\nHost: x\r\n\r\n";
    static const char body[] = "GET /still\nauthority x\n";
    struct wire_step want = {.status = 200, .framing = "length", .check_body = true};
    uint8_t bytes[sizeof(body)];
    if (stage.goodbye) {
        return "an answer said that the connection closes";
    }
    memcpy(bytes, body, sizeof(body));
    want.body = (struct wire_text){bytes, sizeof(body) - 1};
    client_send((const uint8_t *)request, sizeof(request) - 1);
    settle();
    return expect(&want, false);
}

static const char *fate(const struct wire_case *one) {
    const char *fault = NULL;
    if (one->fate == WIRE_OPEN) {
        fault = still_open();
        return fault != NULL || stage.at == stage.got_length ? fault : "bytes behind the last answer";
    }
    if (one->fate == WIRE_CUT) {
        return NULL; /* the last answer has shown it */
    }
    if (stage.at != stage.got_length) {
        return "bytes behind the last answer";
    }
    if (!stage.eof && !(stage.reset && one->fate == WIRE_ENDED)) {
        return stage.reset ? "the connection was reset" : "the connection is still open";
    }
    if (stage.answers != 0 && !stage.sent_all && stage.goodbye != (one->fate == WIRE_CLOSED)) {
        return "whether the last answer told the end (RFC 9112 9.6)";
    }
    return NULL;
}

/* How a case's bytes are cut. */
enum cut {
    CUT_WHOLE,
    CUT_BYTES,
    CUT_RANDOM,
    CUTS
};

static void feed(const struct wire_text *text, enum cut cut) {
    size_t most = cut == CUT_BYTES && text->length <= MOST_BYTEWISE ? 1 : text->length;
    for (size_t done = 0, n; done < text->length; done += n) {
        n = cut == CUT_RANDOM ? 1 + test_random(&seed) % text->length : most;
        n = n < text->length - done ? n : text->length - done;
        client_send(text->bytes + done, n);
        turn();
    }
}

static const char *step(const struct wire_case *one, unsigned i, enum cut cut) {
    const struct wire_step *next = &one->steps[i];
    switch (next->kind) {
    case WIRE_SEND:
        feed(&next->send, cut);
        break;
    case WIRE_HALF_CLOSE:
        stage.sent_all = true;
        (void)shutdown(stage.client, SHUT_WR);
        break;
    case WIRE_PAUSE:
        settle();
        break;
    case WIRE_RAW:
        settle();
        if (stage.got_length - stage.at < next->send.length ||
            memcmp(stage.got + stage.at, next->send.bytes, next->send.length) != 0) {
            return "other bytes behind the 101";
        }
        stage.at += next->send.length;
        break;
    case WIRE_ANSWER:
        settle();
        return expect(next, one->fate == WIRE_CUT && i + 1 == one->step_count);
    }
    return NULL;
}

static void tell(const struct wire_case *one, const char *how, uint64_t before, unsigned i, const char *fault) {
    char place[512];
    snprintf(place, sizeof(place), WIRE_ROOT "%s", one->file);
    test_fault(place, one->line);
    fprintf(stderr, "%s, %s (seed %" PRIu64 "), step %u: %s; got ", one->name, how, before, i, fault);
    test_print_bytes(stderr, stage.got, stage.got_length < 2000 ? stage.got_length : 2000);
    fputs(stage.eof ? ", end\n" : stage.reset ? ", reset\n" : "\n", stderr);
}

static void run(const struct wire_case *one, enum cut cut) {
    static const char *const names[CUTS] = {"whole", "byte by byte", "in random pieces"};
    uint64_t before = seed;
    const char *fault = NULL;
    unsigned i = 0;
    stage_open(one);
    for (; i < one->step_count && fault == NULL; i++) {
        fault = step(one, i, cut);
    }
    settle();
    fault = fault != NULL ? fault : fate(one);
    if (fault != NULL) {
        tell(one, names[cut], before, i, fault);
    }
    stage_close();
}

static struct wire_book book;

static void test_cases(void) {
    unsigned runs = 0;
    for (unsigned i = 0; i < book.count; i++) {
        const struct wire_case *one = &book.cases[i];
        if (one->only_go) {
            continue;
        }
        run(one, CUT_WHOLE);
        for (unsigned k = 0; k <= RANDOM_RUNS && !one->whole; k++) {
            run(one, k == 0 ? CUT_BYTES : CUT_RANDOM);
        }
        runs++;
    }
    printf("%u of %u cases\n", runs, book.count);
    CHECK(runs != 0);
}

/* --- cases behind one another on a connection --- */

static bool mentions(const struct wire_text *text, const char *word) {
    return memmem(text->bytes, text->length, word, strlen(word)) != NULL;
}

/* It can be sent without a look at answers, under the gateway's defaults and among others. */
static bool is_plain(const struct wire_case *one) {
    if (one->only_go || one->flags[0] != '\0' || one->steps[0].kind != WIRE_SEND) {
        return false;
    }
    for (unsigned i = 1; i < one->step_count; i++) {
        if (one->steps[i].kind != WIRE_ANSWER) {
            return false;
        }
    }
    return !mentions(&one->steps[0].send, "alone=") && !mentions(&one->steps[0].send, "Expect:") &&
           one->steps[0].send.length <= 4096;
}

static const struct wire_case *pick(bool open) {
    for (;;) {
        const struct wire_case *one = &book.cases[test_random(&seed) % book.count];
        if (is_plain(one) && (one->fate == WIRE_OPEN) == open) {
            return one;
        }
    }
}

/* What leaves the connection open changes nothing for what comes behind it, however the bytes are cut. */
static void pipeline(void) {
    const struct wire_case *row[PIPELINE];
    uint64_t before = seed;
    unsigned count = 2 + (unsigned)(test_random(&seed) % (PIPELINE - 1));
    struct wire_text all = {NULL, 0};
    for (unsigned i = 0; i < count; i++) {
        row[i] = pick(i + 1 < count);
        const struct wire_text *send = &row[i]->steps[0].send;
        all.bytes = realloc(all.bytes, all.length + send->length);
        if (all.bytes == NULL) {
            golden_die(row[i]->name, "out of memory");
        }
        memcpy(all.bytes + all.length, send->bytes, send->length);
        all.length += send->length;
    }
    stage_open(row[0]);
    feed(&all, test_random(&seed) % 4 == 0 ? CUT_WHOLE : CUT_RANDOM);
    settle();
    const char *fault = NULL;
    for (unsigned i = 0; i < count && fault == NULL; i++) {
        unsigned k = 1;
        for (; k < row[i]->step_count && fault == NULL; k++) {
            fault = expect(&row[i]->steps[k], row[i]->fate == WIRE_CUT && k + 1 == row[i]->step_count);
        }
        if (fault == NULL && i + 1 == count) {
            fault = fate(row[i]);
        }
        if (fault != NULL) {
            tell(row[i], "behind others", before, k, fault);
        }
    }
    stage_close();
    free(all.bytes);
}

static void test_pipelines(void) {
    for (unsigned i = 0; i < PIPELINES; i++) {
        pipeline();
    }
}

int main(void) {
    seed = test_seed();
    wire_read(&book);
    RUN(test_cases);
    RUN(test_pipelines);
    wire_free(&book);
    return test_report();
}
