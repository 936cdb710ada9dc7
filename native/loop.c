#include "loop.h"

#include "file_discard.h"
#include "h1_list.h"
#include "probe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TICK_MS 100
#define ACCEPTS_PER_EVENT 64
#define ACCEPTS_AT_STOP 65536 /* all that wait; bounded, because more may come all the time */
#define REFUSALS_PER_TICK 8   /* notices */
#define TURNS_BEFORE_SLEEP 8  /* answers handled without looking at sockets in between */

static struct loop *loop_of(const uv_handle_t *handle) {
    return (struct loop *)handle->loop->data;
}

/* --- listeners --- */

static void accept_waiting(struct loop_listener *listener, int most) {
    struct loop *loop = listener->loop;
    for (int i = 0; i < most; i++) {
        struct sockaddr_storage peer = {0};
        socklen_t length = sizeof(peer);
        int fd = accept4(listener->fd, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            h1_accept(&loop->server, fd, &peer, listener->proxy);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            /* The waiting client stays in the queue; a level-triggered watch would spin. The tick tries again. */
            listener->paused = true;
            (void)uv_poll_stop(&listener->poll);
            return;
        }
        if (errno != EINTR && errno != ECONNABORTED) {
            return; /* EAGAIN: none left */
        }
    }
}

static void on_acceptable(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events;
    accept_waiting((struct loop_listener *)(void *)poll, ACCEPTS_PER_EVENT);
}

static void on_listener_closed(uv_handle_t *handle) {
    free(handle);
}

static void listen_on(struct loop *loop, int fd, bool proxy) {
    struct loop_listener *listener = calloc(1, sizeof(*listener));
    if (listener == NULL || loop->stopping || uv_poll_init(&loop->uv, &listener->poll, fd) != 0) {
        free(listener);
        close(fd);
        return;
    }
    listener->loop = loop;
    listener->fd = fd;
    listener->proxy = proxy;
    listener->next = loop->listeners;
    loop->listeners = listener;
    (void)uv_poll_start(&listener->poll, UV_READABLE, on_acceptable);
}

/* Closing a listener resets what waits in its queue, unless another process has it too, so the queue is emptied first. */
static void stop_accepting(struct loop *loop, bool keep_idle) {
    while (loop->listeners != NULL) {
        struct loop_listener *listener = loop->listeners;
        loop->listeners = listener->next;
        if (!loop->exiting) {
            accept_waiting(listener, ACCEPTS_AT_STOP);
        }
        (void)uv_poll_stop(&listener->poll);
        uv_close((uv_handle_t *)&listener->poll, on_listener_closed);
        close(listener->fd); /* uv_close still names it to the kernel */
    }
    if (!loop->stopping || (loop->server.keeps_idle && !keep_idle)) {
        loop->stopping = true;
        h1_stop(&loop->server, keep_idle);
    }
}

static bool resume_listeners(struct loop *loop) {
    bool paused = false;
    for (struct loop_listener *listener = loop->listeners; listener != NULL; listener = listener->next) {
        if (listener->paused) {
            listener->paused = false;
            (void)uv_poll_start(&listener->poll, UV_READABLE, on_acceptable);
            paused = true;
        }
    }
    return paused;
}

/* --- lanes --- */

static void on_wake(uv_poll_t *poll, int status, int events) {
    struct loop_lane *lane = poll->data;
    (void)events;
    /* A worker that closed its end wakes nobody any more; that it is gone is told by the control socket. */
    if (status != 0 || !lane_drain_socket(&lane->lane.lane)) {
        (void)uv_poll_stop(poll);
    }
}

static void attach(struct loop *loop, struct loop_lane *lane) {
    lane->loop = loop;
    lane->poll.data = lane;
    if (dispatch_add_lane(&loop->dispatch, &lane->lane) != 0) {
        abort(); /* gw_attach bounds the number */
    }
    struct lane *end = &lane->lane.lane;
    int rc = uv_poll_init(&loop->uv, &lane->poll, end->params.socket);
    lane->watched = rc == 0;
    if (rc != 0 || uv_poll_start(&lane->poll, UV_READABLE, on_wake) != 0) {
        lane_break(end, "its wake-up socket cannot be watched", (uint64_t)-rc, 0);
    }
}

static struct dispatch_lane *find_lane(struct loop *loop, uint64_t worker) {
    for (uint32_t i = 0; i < loop->dispatch.lane_count; i++) {
        if (loop->dispatch.lanes[i]->lane.params.worker == worker) {
            return loop->dispatch.lanes[i];
        }
    }
    return NULL;
}

static void on_lane_closed(uv_handle_t *handle) {
    struct loop_lane *lane = handle->data;
    gw_lane_released(lane->loop->gw, lane);
}

static void lane_released(struct dispatch_lane *lane) {
    struct loop_lane *ll = (struct loop_lane *)(void *)lane;
    if (!ll->watched) {
        gw_lane_released(ll->loop->gw, ll);
        return;
    }
    (void)uv_poll_stop(&ll->poll);
    uv_close((uv_handle_t *)&ll->poll, on_lane_closed);
}

static void lane_idle(struct dispatch_lane *lane) {
    struct loop_lane *ll = (struct loop_lane *)(void *)lane;
    gw_lane_idle(ll->loop->gw, lane->lane.params.worker);
}

static void lane_broken(struct dispatch_lane *lane) {
    struct loop_lane *ll = (struct loop_lane *)(void *)lane;
    struct gw_notice notice = {.kind = GW_NOTICE_VIOLATION,
                               .worker = lane->lane.params.worker,
                               .text = lane->lane.broken_reason,
                               .value = lane->lane.broken_value,
                               .limit = lane->lane.broken_limit};
    gw_notify(ll->loop->gw, &notice);
}

static void lane_stuck(struct dispatch_lane *lane) {
    struct loop_lane *ll = (struct loop_lane *)(void *)lane;
    struct gw_notice notice = {
        .kind = GW_NOTICE_STUCK, .worker = lane->lane.params.worker, .value = lane->stuck, .loop = ll->loop->index};
    gw_notify(ll->loop->gw, &notice);
}

static void discard(struct dispatch_lane *lane, const int *files, uint32_t count) {
    file_discard(&((struct loop_lane *)(void *)lane)->loop->uv, files, count);
}

static const struct dispatch_calls dispatch_calls = {
    .broken = lane_broken, .idle = lane_idle, .released = lane_released, .stuck = lane_stuck, .discard = discard};

/* Clients decide how many of these there are: those that nobody could read are only counted. */
static void request_refused(struct h1_conn *conn, struct h1_id id, uint16_t status, enum h1_reason reason) {
    struct loop *loop = conn->server->owner;
    if (loop->refusals_told >= REFUSALS_PER_TICK) {
        loop->refusals_untold++;
        return;
    }
    loop->refusals_told++;
    struct gw_notice notice = {.kind = GW_NOTICE_REFUSED,
                               .text = h1_reason_text(reason),
                               .status = status,
                               .value = loop->refusals_untold,
                               .client = conn->remote,
                               .id_length = (uint8_t)id.length};
    _Static_assert(sizeof(notice.id) == REQUEST_ID_MAX, "an id fits in a notice");
    if (id.length != 0) {
        memcpy(notice.id, id.bytes, id.length);
    }
    loop->refusals_untold = 0;
    gw_notify(loop->gw, &notice);
}

static void access_waits(struct h1_server *server) {
    struct loop *loop = server->owner;
    gw_notify(loop->gw, &(struct gw_notice){.kind = GW_NOTICE_ACCESS});
}

static const struct h1_calls h1_calls = {.refused = request_refused, .access_waits = access_waits};

/* --- turns --- */

static void turn(struct loop *loop);

static bool needs_tick(const struct loop *loop) {
    for (const struct loop_listener *listener = loop->listeners; listener != NULL; listener = listener->next) {
        if (listener->paused) {
            return true; /* nothing else may ever happen: no connection, no event */
        }
    }
    return loop->refusals_told != 0 || loop->dispatch.oldest != NULL || h1_needs_tick(&loop->server) ||
           !dispatch_is_settled(&loop->dispatch) || dispatch_has_untaken(&loop->dispatch);
}

static void on_tick(uv_timer_t *timer) {
    struct loop *loop = loop_of((uv_handle_t *)timer);
    dispatch_update_time(&loop->dispatch);
    bool more = dispatch_tick(&loop->dispatch);
    more |= loop->refusals_told != 0;
    loop->refusals_told = 0;
    more |= h1_tick(&loop->server, uv_now(&loop->uv));
    more |= resume_listeners(loop);
    if (loop->server.blocked_head != NULL) {
        h1_evict(&loop->server, uv_now(&loop->uv));
        more = true;
    }
    if (!more) {
        (void)uv_timer_stop(timer);
    }
    turn(loop);
}

/* Requests of this turn are made known, answers taken, and what they allow is sent. */
static void turn(struct loop *loop) {
    dispatch_update_time(&loop->dispatch);
    dispatch_wake(&loop->dispatch);
    (void)dispatch_poll(&loop->dispatch);
    h1_flush(&loop->server);
    dispatch_wake(&loop->dispatch);
    if (!uv_is_active((uv_handle_t *)&loop->tick) && needs_tick(loop)) {
        (void)uv_timer_start(&loop->tick, on_tick, TICK_MS, TICK_MS);
    }
    if (loop->stopping && !loop->quiet_told && loop->server.all == NULL) {
        loop->quiet_told = true;
        gw_loop_quiet(loop->gw);
    }
}

static void on_idle(uv_idle_t *idle) {
    (void)idle; /* being active is what counts: the poll does not sleep */
}

/* The clock is read each time: it is what bounds a spin. */
static bool spins(struct loop *loop) {
    uint64_t progress = 0;
    if (loop->spin.limit_ns == 0) {
        return false;
    }
    uint32_t open = dispatch_open(&loop->dispatch, &progress);
    loop->dispatch.time_is_fresh = false;
    dispatch_update_time(&loop->dispatch);
    return spin_again(&loop->spin, open, progress, loop->dispatch.now_ns);
}

/* Before the loop sleeps in poll: say so to the workers, and make sure that there is nothing to do after all. */
static void on_prepare(uv_prepare_t *prepare) {
    struct loop *loop = loop_of((uv_handle_t *)prepare);
    if (spins(loop)) {
        (void)uv_idle_start(&loop->idle, on_idle);
        return;
    }
    for (int i = 0; i < TURNS_BEFORE_SLEEP; i++) {
        if (!dispatch_arm(&loop->dispatch)) {
            loop->dispatch.time_is_fresh = false; /* the loop may sleep now */
            (void)uv_idle_stop(&loop->idle);
            return;
        }
        dispatch_disarm(&loop->dispatch);
        turn(loop);
    }
    loop->dispatch.time_is_fresh = false;
    (void)uv_idle_start(&loop->idle, on_idle);
}

static void on_check(uv_check_t *check) {
    struct loop *loop = loop_of((uv_handle_t *)check);
    counter_add(&loop->iterations, 1);
    dispatch_disarm(&loop->dispatch);
    turn(loop);
}

/* --- commands --- */

static void on_walk_close(uv_handle_t *handle, void *unused) {
    (void)unused;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

static void leave(struct loop *loop) {
    loop->exiting = true;
    stop_accepting(loop, false);
    h1_cut_all(&loop->server);
    h1_flush(&loop->server);
    for (uint32_t i = loop->dispatch.lane_count; i > 0; i--) {
        dispatch_bury(loop->dispatch.lanes[i - 1]);
    }
    (void)dispatch_poll(&loop->dispatch);
    uv_walk(&loop->uv, on_walk_close, NULL);
}

static bool is_selected(const struct loop_selection *selection, uint32_t from, uint32_t to, uint64_t worker) {
    for (uint32_t i = from; i < to; i++) {
        if (selection->workers[i] == worker) {
            return true;
        }
    }
    return false;
}

static void select_workers(struct loop *loop, const struct loop_selection *selection) {
    for (uint32_t i = 0; i < loop->dispatch.lane_count; i++) {
        struct dispatch_lane *lane = loop->dispatch.lanes[i];
        uint64_t worker = lane->lane.params.worker;
        lane->second = is_selected(selection, selection->count, selection->all, worker);
        dispatch_set_active(lane, is_selected(selection, 0, selection->count, worker));
    }
}

static void probed(void *owner, uint64_t worker, uint64_t round, uint16_t status) {
    struct loop *loop = owner;
    struct gw_notice notice = {
        .kind = GW_NOTICE_PROBED, .worker = worker, .value = round, .loop = loop->index, .status = status};
    gw_notify(loop->gw, &notice);
}

static void probe(struct loop *loop, struct dispatch_lane *lane, const struct loop_command *command) {
    if (lane == NULL || probe_start(&loop->dispatch, lane, command->path, command->round, probed, loop) != 0) {
        probed(loop, command->worker, command->round, 503);
    }
}

static void change(struct loop *loop, struct settings *settings) {
    h1_change(&loop->server, &settings->h1);
    dispatch_change(&loop->dispatch, &settings->dispatch);
    settings_release(loop->settings);
    loop->settings = settings;
}

static void execute(struct loop *loop, const struct loop_command *command) {
    struct dispatch_lane *lane = find_lane(loop, command->worker);
    switch (command->kind) {
    case LOOP_LISTEN:
        listen_on(loop, command->fd, command->proxy);
        break;
    case LOOP_CHANGE:
        change(loop, command->settings);
        break;
    case LOOP_ATTACH:
        attach(loop, command->lane);
        break;
    case LOOP_SELECT:
        select_workers(loop, command->selection);
        free(command->selection);
        break;
    case LOOP_PROBE:
        probe(loop, lane, command);
        free(command->path);
        break;
    case LOOP_DRAIN:
        if (lane != NULL) {
            dispatch_drain(lane);
        }
        break;
    case LOOP_END_STREAMS:
        if (lane != NULL) {
            dispatch_end_streams(lane);
        }
        break;
    case LOOP_DETACH:
        if (lane != NULL) {
            dispatch_bury(lane);
        }
        break;
    case LOOP_ANNOUNCE_STOP:
        h1_stop(&loop->server, true);
        break;
    case LOOP_STOP_ACCEPTING:
        stop_accepting(loop, command->keep_idle);
        break;
    case LOOP_CUT:
        h1_cut_all(&loop->server);
        break;
    case LOOP_LIST:
        command->listing->count =
            h1_list(&loop->server, command->listing->requests, command->listing->capacity, loop->dispatch.now_ns);
        gw_listed(loop->gw, command->listing);
        break;
    case LOOP_EXIT:
        leave(loop);
        break;
    }
}

static void on_async(uv_async_t *async) {
    struct loop *loop = loop_of((uv_handle_t *)async);
    pthread_mutex_lock(&loop->mutex);
    struct loop_command *command = loop->commands;
    loop->commands = NULL;
    loop->commands_tail = &loop->commands;
    pthread_mutex_unlock(&loop->mutex);
    dispatch_update_time(&loop->dispatch);
    while (command != NULL) {
        struct loop_command *next = command->next;
        execute(loop, command);
        free(command);
        command = next;
    }
}

void loop_post(struct loop *loop, struct loop_command *command) {
    command->next = NULL;
    pthread_mutex_lock(&loop->mutex);
    *loop->commands_tail = command;
    loop->commands_tail = &command->next;
    pthread_mutex_unlock(&loop->mutex);
    (void)uv_async_send(&loop->async);
}

/* --- life --- */

/* What does not depend on libuv; then nothing that fails has handles to be closed. */
static int init_parts(struct loop *loop, const struct settings *settings, struct admission *admission,
                      uint32_t access_bytes) {
    int rc = dispatch_init(&loop->dispatch, &settings->dispatch, &dispatch_calls, &loop->allocations);
    if (rc == 0) {
        rc = h1_server_init(&loop->server, &loop->uv, &loop->dispatch, &settings->h1, admission, &h1_calls, loop,
                            &loop->allocations);
    }
    if (rc == 0 && access_bytes != 0) {
        rc = h1_access_init(&loop->server, access_bytes);
    }
    if (rc == 0) {
        rc = uv_async_init(&loop->uv, &loop->async, on_async);
    }
    if (rc != 0) {
        h1_server_free(&loop->server);
        dispatch_free(&loop->dispatch);
    }
    return rc;
}

int loop_init(struct loop *loop, struct gw *gw, uint32_t index, struct settings *settings, struct admission *admission,
              const struct gw_config *config) {
    memset(loop, 0, sizeof(*loop));
    loop->gw = gw;
    loop->index = index;
    loop->spin.limit_ns = config->spin_ns;
    loop->commands_tail = &loop->commands;
    int rc = uv_loop_init(&loop->uv); /* needs descriptors */
    if (rc != 0) {
        return rc;
    }
    loop->uv.data = loop;
    rc = init_parts(loop, settings, admission, config->access_bytes);
    if (rc != 0) {
        (void)uv_loop_close(&loop->uv);
        return rc;
    }
    loop->settings = settings;
    pthread_mutex_init(&loop->mutex, NULL);
    (void)uv_prepare_init(&loop->uv, &loop->prepare);
    (void)uv_check_init(&loop->uv, &loop->check);
    (void)uv_idle_init(&loop->uv, &loop->idle);
    (void)uv_timer_init(&loop->uv, &loop->tick);
    (void)uv_prepare_start(&loop->prepare, on_prepare);
    (void)uv_check_start(&loop->check, on_check);
    return 0;
}

void loop_run(struct loop *loop) {
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_free(struct loop *loop) {
    /* Of a loop that never ran; otherwise nothing is left to be closed. */
    uv_walk(&loop->uv, on_walk_close, NULL);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    (void)uv_loop_close(&loop->uv);
    dispatch_free(&loop->dispatch);
    h1_server_free(&loop->server);
    settings_release(loop->settings);
    pthread_mutex_destroy(&loop->mutex);
}
