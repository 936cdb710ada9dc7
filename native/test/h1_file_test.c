/*
 * Files of workers as parts of answers: server, dispatch and lane as in the gateway, with clients over socket pairs. Whatever
 * ends an answer, the worker is told that its file was let go of, and no descriptor stays open.
 * Links: *.c test/worker_mirror.c libuv
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dispatch.h"
#include "h1_list.h"
#include "h1_server.h"
#include "ring_names.h"
#include "settings.h"
#include "test.h"
#include "worker_mirror.h"

#define EXCHANGES 64u
#define CLIENTS 48u
#define MOST_TURNS 20000u
#define LARGE (8u << 20) /* more than a socket holds */
#define UNKNOWN RING_LENGTH_UNKNOWN

struct client {
    int fd;
    uint8_t *got;
    size_t length;
    size_t capacity;
    bool ended;
    bool reads;
    struct ring_event request;
    uint16_t done; /* RING_FILE_* of the last FILE_DONE */
    bool cancelled;
};

static struct stage {
    uv_loop_t loop;
    uv_timer_t tick; /* so that a turn ends */
    struct settings *settings;
    struct admission admission;
    struct dispatch dispatch;
    struct segments segments;
    struct dispatch_lane lane;
    struct h1_server server;
    struct worker worker;
    counter allocations;
    struct client clients[CLIENTS];
    uint32_t client_count;
    uint32_t released;
    uint32_t next_file;
    uint32_t open_before;
} s;

static uint8_t pattern[LARGE];

static uint32_t open_files(void) {
    uint32_t count = 0;
    DIR *directory = opendir("/proc/self/fd");
    while (readdir(directory) != NULL) {
        count++;
    }
    closedir(directory);
    return count;
}

/* --- the gateway around it --- */

static void on_broken(struct dispatch_lane *lane) {
    fprintf(stderr, "broken: %s\n", lane->lane.broken_reason);
    CHECK(!lane->lane.broken);
}
static void on_lane(struct dispatch_lane *lane) {
    (void)lane;
}
static void on_released(struct dispatch_lane *lane) {
    s.released++;
    lane_close(&lane->lane);
}
static void on_discard(struct dispatch_lane *lane, const int *files, uint32_t count) {
    (void)lane;
    for (uint32_t i = 0; i < count; i++) {
        close(files[i]);
    }
}
static const struct dispatch_calls dispatch_calls = {
    .broken = on_broken, .idle = on_lane, .released = on_released, .stuck = on_lane, .discard = on_discard};

static void on_refused(struct h1_conn *conn, struct h1_id id, uint16_t status, enum h1_reason reason) {
    (void)conn;
    (void)id;
    (void)status;
    (void)reason;
}
static const struct h1_calls h1_calls = {.refused = on_refused};

static void on_tick(uv_timer_t *timer) {
    (void)timer;
}

static void stage_open(void) {
    struct gw_settings settings = {.server_name = "",
                                   .pipeline = 8,
                                   .park_limit = 64,
                                   .queue_deadline_ms = 60000,
                                   .max_body = 1u << 20,
                                   .line_bytes = 8192,
                                   .head_bytes = 32768,
                                   .fields = 100};
    memset(&s, 0, sizeof(s));
    s.settings = settings_new(&settings, 1);
    segments_open(
        &s.segments,
        (struct ring_geometry){.lanes = 1, .ring_slots = 256, .exchange_slots = EXCHANGES, .arena_units = 1024}, false);
    worker_open(&s.worker, &s.segments, 0);
    struct lane_params params = {.worker = 1,
                                 .geometry = s.segments.geometry,
                                 .inbound = s.segments.inbound,
                                 .outbound = s.segments.outbound,
                                 .socket = s.segments.gateway_socket[0]};
    if (s.settings == NULL || uv_loop_init(&s.loop) != 0 || uv_timer_init(&s.loop, &s.tick) != 0 ||
        admission_init(&s.admission, 1) != 0 ||
        dispatch_init(&s.dispatch, &s.settings->dispatch, &dispatch_calls, &s.allocations) != 0 ||
        lane_open(&s.lane.lane, &params) != 0 || dispatch_add_lane(&s.dispatch, &s.lane) != 0 ||
        h1_server_init(&s.server, &s.loop, &s.dispatch, &s.settings->h1, &s.admission, &h1_calls, NULL,
                       &s.allocations) != 0) {
        abort();
    }
    (void)uv_timer_start(&s.tick, on_tick, 1, 1);
    dispatch_set_active(&s.lane, true);
    (void)uv_run(&s.loop, UV_RUN_NOWAIT);
    s.open_before = open_files();
}

static struct client *connect_client(bool reads) {
    struct client *client = &s.clients[s.client_count++];
    struct sockaddr_storage peer = {0};
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) {
        abort();
    }
    *client = (struct client){.fd = pair[0], .reads = reads};
    h1_accept(&s.server, pair[1], &peer, false);
    return client;
}

static void receive(struct client *client) {
    while (client->fd >= 0 && client->reads && !client->ended) {
        if (client->capacity - client->length < 65536) {
            client->capacity = client->capacity * 2 + 131072;
            client->got = realloc(client->got, client->capacity);
        }
        ssize_t n = recv(client->fd, client->got + client->length, client->capacity - client->length, MSG_DONTWAIT);
        if (n > 0) {
            client->length += (size_t)n;
        } else {
            client->ended = n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
            return;
        }
    }
}

static struct client *client_of(const struct ring_event *event) {
    for (uint32_t i = 0; i < s.client_count; i++) {
        struct client *client = &s.clients[i];
        if (client->request.generation == event->generation && client->request.exchange == event->exchange) {
            return client;
        }
    }
    return NULL;
}

static void serve(void) {
    struct ring_event event = {0};
    while (worker_take(&s.worker, &event)) {
        struct client *client = client_of(&event);
        if (event.kind == RING_EVENT_REQUEST) {
            CHECK(worker_claim(&s.worker, &event));
            for (uint32_t i = 0; i < s.client_count && client == NULL; i++) {
                client = s.clients[i].request.generation == 0 ? &s.clients[i] : NULL;
            }
            client->request = event;
        } else if (event.kind == RING_EVENT_FILE_DONE && CHECK(client != NULL)) {
            CHECK_UINT(client->done, 0);
            client->done = event.status;
        } else if (event.kind == RING_EVENT_CANCEL && client != NULL) {
            client->cancelled = true;
        }
    }
    CHECK(worker_collect(&s.worker));
}

static void turn(void) {
    (void)uv_run(&s.loop, UV_RUN_ONCE);
    s.dispatch.time_is_fresh = false;
    dispatch_update_time(&s.dispatch);
    (void)dispatch_poll(&s.dispatch);
    h1_flush(&s.server);
    serve();
    for (uint32_t i = 0; i < s.client_count; i++) {
        receive(&s.clients[i]);
    }
}

#define UNTIL(condition)                                               \
    do {                                                               \
        for (unsigned i_ = 0; i_ < MOST_TURNS && !(condition); i_++) { \
            turn();                                                    \
        }                                                              \
        CHECK(condition);                                              \
    } while (0)

static struct client *ask(const char *request, bool reads) {
    struct client *client = connect_client(reads);
    CHECK(send(client->fd, request, strlen(request), MSG_NOSIGNAL) == (ssize_t)strlen(request));
    UNTIL(client->request.generation != 0);
    return client;
}

/* Nothing is left of anything. */
static void stage_close(void) {
    for (uint32_t i = 0; i < s.client_count; i++) {
        struct client *client = &s.clients[i];
        if (client->fd >= 0) {
            close(client->fd);
            client->fd = -1;
        }
        if (client->request.generation != 0 && s.released == 0) {
            struct ring_event end = worker_event(&client->request, RING_EVENT_ABORT, 0);
            CHECK(worker_publish(&s.worker, &end));
            worker_return_event(&s.worker, &client->request);
        }
    }
    UNTIL(counter_get(&s.server.counters.connections_open) == 0 && s.server.files_working == NULL &&
          (s.released != 0 || s.lane.lane.free_count == EXCHANGES));
    CHECK(s.server.files_waiting == NULL);
    CHECK_UINT(s.lane.lane.filing, 0);
    for (unsigned i = 0; i < MOST_TURNS && open_files() != s.open_before && s.released == 0; i++) {
        turn(); /* discarded files are closed elsewhere */
    }
    if (s.released == 0) {
        CHECK_UINT(open_files(), s.open_before);
        dispatch_bury(&s.lane);
        (void)dispatch_poll(&s.dispatch);
    }
    CHECK_UINT(s.released, 1);
    uv_close((uv_handle_t *)&s.tick, NULL);
    (void)uv_run(&s.loop, UV_RUN_DEFAULT);
    CHECK_INT(uv_loop_close(&s.loop), 0);
    for (uint32_t i = 0; i < s.client_count; i++) {
        free(s.clients[i].got);
    }
    h1_server_free(&s.server);
    dispatch_free(&s.dispatch);
    admission_free(&s.admission);
    settings_release(s.settings);
    worker_close(&s.worker);
    segments_close(&s.segments);
}

/* --- the worker's part --- */

static void publish(const struct client *client, uint8_t kind, uint8_t flags, uint64_t total, const char *body) {
    struct ring_event event = worker_event(&client->request, kind, flags);
    event.total = total;
    event.status = kind == RING_EVENT_RESPONSE ? 200 : 0;
    if (body[0] != 0) {
        CHECK(worker_put_body(&s.worker, &event, body, (uint32_t)strlen(body)));
    }
    CHECK(worker_publish(&s.worker, &event));
}

static void hand_over(struct client *client, int fd, uint64_t offset, uint64_t count) {
    CHECK(worker_send_files(&s.worker, &fd, 1));
    struct ring_event event = worker_file(&client->request, s.next_file++, offset, count);
    CHECK(worker_publish(&s.worker, &event));
    client->done = 0;
}

static int file_of(size_t length) {
    int fd = memfd_create("file", MFD_CLOEXEC);
    CHECK(write(fd, pattern, length) == (ssize_t)length);
    return fd;
}

static const uint8_t *body_of(const struct client *client, size_t *length) {
    const uint8_t *head_end =
        client->length == 0 ? NULL : (const uint8_t *)memmem(client->got, client->length, "\r\n\r\n", 4);
    if (!CHECK(head_end != NULL)) {
        *length = 0;
        return client->got;
    }
    *length = client->length - (size_t)(head_end + 4 - client->got);
    return head_end + 4;
}

static bool has_body(const struct client *client, size_t wanted) {
    const uint8_t *head_end = (const uint8_t *)memmem(client->got, client->length, "\r\n\r\n", 4);
    return head_end != NULL && client->length - (size_t)(head_end + 4 - client->got) >= wanted;
}

static const char get[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
static const char get_10[] = "GET / HTTP/1.0\r\n\r\n";
static const char head[] = "HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/* --- what is sent --- */

static void test_fixed(void) {
    stage_open();
    struct client *client = ask(get, true);
    int fd = file_of(LARGE);
    publish(client, RING_EVENT_RESPONSE, 0, LARGE - 3 + 13, "before");
    hand_over(client, fd, 3, LARGE - 3);
    UNTIL(client->done != 0);
    CHECK_UINT(client->done, RING_FILE_SENT);
    publish(client, RING_EVENT_RESPONSE_BODY, 0, UNKNOWN, "between");
    CHECK_INT(lseek(fd, 0, SEEK_CUR), LARGE); /* where the writing has left it */
    hand_over(client, fd, 0, 0);
    UNTIL(client->done != 0);
    CHECK_UINT(client->done, RING_FILE_SENT);
    size_t length = 0;
    UNTIL(has_body(client, LARGE - 3 + 13));
    const uint8_t *body = body_of(client, &length);
    CHECK_UINT(length, LARGE - 3 + 13);
    CHECK(memcmp(body, "before", 6) == 0 && memcmp(body + 6, pattern + 3, LARGE - 3) == 0);
    CHECK(memcmp(body + 6 + LARGE - 3, "between", 7) == 0);
    CHECK_UINT(counter_get(&s.server.counters.file_bytes), LARGE - 3);
    close(fd);
    stage_close();
}

static void test_chunked(void) {
    stage_open();
    struct client *client = ask(get, true);
    int fd = file_of(5000);
    publish(client, RING_EVENT_RESPONSE, 0, UNKNOWN, "");
    hand_over(client, fd, 1000, 2);
    UNTIL(client->done != 0);
    hand_over(client, fd, 0, 4096);
    UNTIL(client->done != 0);
    publish(client, RING_EVENT_RESPONSE_BODY, RING_FLAG_END, UNKNOWN, "x");
    worker_return_event(&s.worker, &client->request);
    client->request = (struct ring_event){.generation = 0};
    size_t length = 0;
    UNTIL(has_body(client, 3 + 2 + 2 + 6 + 4096 + 2 + 3 + 1 + 2 + 5));
    const uint8_t *body = body_of(client, &length);
    CHECK_UINT(length, 3 + 2 + 2 + 6 + 4096 + 2 + 3 + 1 + 2 + 5);
    CHECK(memcmp(body, "2\r\n", 3) == 0 && memcmp(body + 3, pattern + 1000, 2) == 0);
    CHECK(memcmp(body + 5, "\r\n1000\r\n", 8) == 0 && memcmp(body + 13, pattern, 4096) == 0);
    CHECK(memcmp(body + 13 + 4096, "\r\n1\r\nx\r\n0\r\n\r\n", 13) == 0);
    close(fd);
    stage_close();
}

static void test_until_close(void) {
    stage_open();
    struct client *client = ask(get_10, true);
    int fd = file_of(100000);
    publish(client, RING_EVENT_RESPONSE, 0, UNKNOWN, "");
    hand_over(client, fd, 0, 100000);
    UNTIL(client->done != 0);
    publish(client, RING_EVENT_RESPONSE_BODY, RING_FLAG_END, UNKNOWN, "");
    worker_return_event(&s.worker, &client->request);
    client->request = (struct ring_event){.generation = 0};
    UNTIL(client->ended);
    size_t length = 0;
    const uint8_t *body = body_of(client, &length);
    CHECK_UINT(length, 100000);
    CHECK(memcmp(body, pattern, length) == 0);
    close(fd);
    stage_close();
}

/* Nothing of a file is sent for HEAD, and the worker is told at once. */
static void test_head(void) {
    stage_open();
    struct client *client = ask(head, true);
    int fd = file_of(1000);
    publish(client, RING_EVENT_RESPONSE, 0, 1000, "");
    hand_over(client, fd, 0, 1000);
    UNTIL(client->done != 0);
    CHECK_UINT(client->done, RING_FILE_SENT);
    publish(client, RING_EVENT_RESPONSE_BODY, RING_FLAG_END, UNKNOWN, "");
    worker_return_event(&s.worker, &client->request);
    client->request = (struct ring_event){.generation = 0};
    UNTIL(client->ended);
    size_t length = 1;
    (void)body_of(client, &length);
    CHECK_UINT(length, 0);
    close(fd);
    stage_close();
}

/* More than was announced: that much is sent, then the connection is cut. */
static void test_too_long(void) {
    stage_open();
    struct client *client = ask(get, true);
    int fd = file_of(1000);
    publish(client, RING_EVENT_RESPONSE, 0, 600, "");
    hand_over(client, fd, 0, 1000);
    UNTIL(client->ended && client->done != 0);
    size_t length = 0;
    const uint8_t *body = body_of(client, &length);
    CHECK_UINT(length, 600);
    CHECK(memcmp(body, pattern, length) == 0);
    CHECK(client->cancelled);
    close(fd);
    stage_close();
}

/* One thread at a time has files of a worker; all others wait for their turn. */
static void test_many(void) {
    stage_open();
    int fd = file_of(LARGE);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        (void)ask(get, true);
    }
    for (uint32_t i = 0; i < CLIENTS; i++) {
        publish(&s.clients[i], RING_EVENT_RESPONSE, 0, 100000 + i, "");
        hand_over(&s.clients[i], fd, i * 7, 100000 + i);
    }
    for (uint32_t i = 0; i < CLIENTS; i++) {
        struct client *client = &s.clients[i];
        UNTIL(client->done != 0);
        CHECK_UINT(client->done, RING_FILE_SENT);
    }
    for (uint32_t i = 0; i < CLIENTS; i++) {
        struct client *client = &s.clients[i];
        size_t length = 0;
        UNTIL(has_body(client, 100000 + i));
        const uint8_t *body = body_of(client, &length);
        CHECK_UINT(length, 100000 + i);
        CHECK(memcmp(body, pattern + i * 7, length) == 0);
    }
    close(fd);
    stage_close();
}

/* --- what cannot be sent --- */

static int pipe_end(void) {
    int ends[2];
    CHECK(pipe2(ends, O_CLOEXEC) == 0 && write(ends[1], pattern, 4096) == 4096);
    close(ends[1]);
    return ends[0];
}
static int socket_end(void) {
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0 && write(ends[1], pattern, 4096) == 4096);
    close(ends[1]);
    return ends[0];
}
static int written_only(void) {
    char path[64];
    int fd = file_of(4096);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int only = open(path, O_WRONLY | O_CLOEXEC);
    close(fd);
    return only;
}
static int path_only(void) {
    return open("/proc/self/exe", O_PATH | O_CLOEXEC);
}
static int directory(void) {
    return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}
static int device(void) {
    return open("/dev/zero", O_RDONLY | O_CLOEXEC);
}
static int event_descriptor(void) {
    return eventfd(1, EFD_CLOEXEC);
}
static int sizeless(void) {
    return open("/proc/self/status", O_RDONLY | O_CLOEXEC);
}
static int shorter(void) {
    return file_of(1000);
}

/* Each is refused, or ends before its bytes do: the answer is cut, and nobody is blamed but the handler. */
static void test_not_files(void) {
    static int (*const kinds[])(void) = {pipe_end, socket_end, written_only,     path_only, directory,
                                         device,   shorter,    event_descriptor, sizeless};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        stage_open();
        struct client *client = ask(get, true);
        int fd = kinds[i]();
        CHECK(fd >= 0);
        publish(client, RING_EVENT_RESPONSE, 0, 1u << 20, "some");
        hand_over(client, fd, 0, (1u << 20) - 4);
        close(fd);
        UNTIL(client->ended && client->done != 0);
        CHECK_UINT(client->done, RING_FILE_CUT);
        CHECK(client->length < 1u << 20);
        CHECK(client->cancelled);
        stage_close();
    }
}

/* An answer whose file waits for a client that does not read. */
static struct client *begin_blocked(int *fd, const char *request) {
    stage_open();
    struct client *client = ask(request, false);
    *fd = file_of(LARGE);
    publish(client, RING_EVENT_RESPONSE, 0, request == get_10 ? UNKNOWN : LARGE, "");
    hand_over(client, *fd, 0, LARGE);
    UNTIL(s.server.blocked_head != NULL);
    return client;
}

static void test_truncated(void) {
    int fd = -1;
    struct client *client = begin_blocked(&fd, get);
    CHECK(ftruncate(fd, 0) == 0);
    client->reads = true;
    UNTIL(client->ended && client->done != 0);
    CHECK_UINT(client->done, RING_FILE_CUT);
    CHECK(client->length < LARGE);
    CHECK(!s.lane.lane.broken);
    close(fd);
    stage_close();
}

static void test_client_vanishes(void) {
    int fd = -1;
    struct client *client = begin_blocked(&fd, get);
    close(client->fd);
    client->fd = -1;
    UNTIL(client->cancelled && client->done != 0);
    CHECK_UINT(client->done, RING_FILE_CUT);
    close(fd);
    stage_close();
}

/* The worker gives its file up, the second time because the client has ended its side, which is no failure. */
static void test_stopped(void) {
    for (int half_closed = 0; half_closed < 2; half_closed++) {
        int fd = -1;
        struct client *client = begin_blocked(&fd, get);
        if (half_closed) {
            shutdown(client->fd, SHUT_WR);
            UNTIL(client->cancelled);
        }
        publish(client, RING_EVENT_FILE_STOP, 0, 0, "");
        UNTIL(client->done != 0);
        CHECK_UINT(client->done, RING_FILE_CUT);
        client->reads = true;
        UNTIL(client->ended);
        CHECK(client->length < LARGE);
        CHECK_UINT(counter_get(&s.server.counters.cut), !half_closed);
        CHECK_UINT(counter_get(&s.server.counters.refused[H1_REASON_WORKER_FAILED]), !half_closed);
        close(fd);
        stage_close();
    }
}

/* The worker dies: the answer is cut although the gateway could go on. Without a length the cut must not look like an end. */
static void test_worker_dies(void) {
    for (int i = 0; i < 2; i++) {
        int fd = -1;
        struct client *client = begin_blocked(&fd, i == 0 ? get : get_10);
        dispatch_bury(&s.lane);
        client->reads = true;
        UNTIL(client->ended && s.released == 1);
        CHECK(client->length < LARGE);
        close(fd);
        stage_close();
    }
}

/* The thread has the socket's number when the connection is closed: it must not come to mean another one. */
static void test_closed_while_working(void) {
    stage_open();
    struct client *client = ask(get, false);
    int fd = file_of(LARGE);
    publish(client, RING_EVENT_RESPONSE, 0, LARGE, "");
    hand_over(client, fd, 0, LARGE);
    for (unsigned i = 0; i < MOST_TURNS && s.server.files_working == NULL; i++) {
        (void)dispatch_poll(&s.dispatch);
        h1_flush(&s.server);
    }
    REQUIRE(s.server.files_working != NULL);
    h1_cut_all(&s.server);
    struct client *next = connect_client(true);
    UNTIL(s.server.files_working == NULL && client->done != 0);
    CHECK_UINT(client->done, RING_FILE_CUT);
    CHECK_UINT(next->length, 0);
    CHECK(!next->ended);
    close(fd);
    stage_close();
}

/* Behind a file that was too short the answer is cut, and nothing of another one comes in its place. */
static void test_another_behind_a_cut(void) {
    stage_open();
    struct client *client = ask(get, true);
    int fd = file_of(1000);
    publish(client, RING_EVENT_RESPONSE, 0, 3000, "");
    hand_over(client, fd, 0, 1500);
    (void)dispatch_poll(&s.dispatch);
    h1_flush(&s.server);
    while (s.server.files_working != NULL) {
        (void)uv_run(&s.loop, UV_RUN_ONCE);
    }
    serve();
    CHECK_UINT(client->done, RING_FILE_CUT);
    hand_over(client, fd, 0, 500); /* before the connection is cut */
    UNTIL(client->ended && client->done != 0);
    size_t length = 0;
    (void)body_of(client, &length);
    CHECK_UINT(length, 1000);
    close(fd);
    stage_close();
}

static uv_sem_t held;

static void hold(uv_work_t *work) {
    (void)work;
    uv_sem_wait(&held);
}

static void on_held(uv_work_t *work, int status) {
    (void)status;
    work->data = NULL;
}

/* While the threads hang no file is closed, so the worker is not told that it was: or it would send others without end. */
static void test_hanging_threads(void) {
    int fd = -1;
    struct client *client = begin_blocked(&fd, get);
    uv_work_t works[4]; /* as many as libuv has threads */
    CHECK_INT(uv_sem_init(&held, 0), 0);
    for (int i = 0; i < 4; i++) {
        works[i].data = works;
        CHECK_INT(uv_queue_work(&s.loop, &works[i], hold, on_held), 0);
    }
    close(client->fd);
    client->fd = -1;
    UNTIL(client->cancelled && counter_get(&s.server.counters.connections_open) == 0);
    for (int i = 0; i < 10; i++) {
        turn();
    }
    CHECK_UINT(client->done, 0);
    for (int i = 0; i < 4; i++) {
        uv_sem_post(&held);
    }
    UNTIL(client->done != 0 && works[0].data == NULL && works[1].data == NULL && works[2].data == NULL &&
          works[3].data == NULL);
    CHECK_UINT(client->done, RING_FILE_CUT);
    uv_sem_destroy(&held);
    close(fd);
    stage_close();
}

/* Not of files, but of the same stage: what is listed of a request whose block the worker has returned, so that a body lies there. */
static void test_list_behind_a_returned_block(void) {
    stage_open();
    struct client *other = ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", true);
    struct client *client = ask(get, true);
    const uint8_t *at = s.worker.in_arena + client->request.head_offset;
    worker_return_event(&s.worker, &client->request);
    (void)dispatch_poll(&s.dispatch);
    uint8_t body[1000];
    memset(body, 0xff, sizeof(body));
    CHECK(send(other->fd, body, sizeof(body), MSG_NOSIGNAL) == sizeof(body));
    UNTIL(at[0] == 0xff);
    struct gw_request listed[4];
    CHECK_UINT(h1_list(&s.server, listed, 4, 1), 2);
    for (uint32_t i = 0; i < 2; i++) {
        CHECK(listed[i].path_length == 0 || (listed[i].path_length == 1 && listed[i].path[0] == '/'));
    }
    struct ring_event end = worker_event(&client->request, RING_EVENT_ABORT, 0);
    CHECK(worker_publish(&s.worker, &end));
    client->request.generation = 0;
    dispatch_bury(&s.lane); /* what is left of that worker is not looked at */
    stage_close();
}

int main(void) {
    (void)signal(SIGPIPE, SIG_IGN);
    for (uint32_t i = 0; i < LARGE; i++) {
        pattern[i] = (uint8_t)(i * 2654435761u >> 24);
    }
    RUN(test_fixed);
    RUN(test_chunked);
    RUN(test_until_close);
    RUN(test_head);
    RUN(test_too_long);
    RUN(test_many);
    RUN(test_not_files);
    RUN(test_truncated);
    RUN(test_client_vanishes);
    RUN(test_stopped);
    RUN(test_worker_dies);
    RUN(test_closed_while_working);
    RUN(test_another_behind_a_cut);
    RUN(test_hanging_threads);
    RUN(test_list_behind_a_returned_block);
    return test_report();
}
