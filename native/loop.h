/* One event loop: its handles, its connections, its lanes. docs/design.md section 6. */
#ifndef LOOP_H
#define LOOP_H

#include <pthread.h>
#include <uv.h>

#include "dispatch.h"
#include "gw.h"
#include "h1_server.h"
#include "settings.h"
#include "spin.h"

enum loop_command_kind {
    LOOP_LISTEN = 1,
    LOOP_CHANGE,
    LOOP_ATTACH,
    LOOP_SELECT,
    LOOP_PROBE,
    LOOP_DRAIN,
    LOOP_END_STREAMS,
    LOOP_DETACH,
    LOOP_ANNOUNCE_STOP,
    LOOP_STOP_ACCEPTING,
    LOOP_CUT,
    LOOP_LIST,
    LOOP_EXIT,
};

/* The workers that get requests, then those that get what was dropped. */
struct loop_selection {
    uint32_t count;
    uint32_t all;
    uint64_t workers[];
};

/* Requests in flight; whoever asked gives the memory, and the loop hands it on with what it found. */
struct loop_listing {
    uint64_t number; /* of the question */
    uint32_t count;  /* how many there are */
    uint32_t capacity;
    struct gw_request requests[];
};

/* Something another thread wants done by the loop. What it points to is the loop's. */
struct loop_command {
    struct loop_command *next;
    enum loop_command_kind kind;
    int fd;
    bool proxy;
    bool keep_idle;
    uint64_t worker;
    struct loop_lane *lane;
    struct settings *settings;
    struct loop_selection *selection;
    char *path;
    uint64_t round; /* of the probe */
    struct loop_listing *listing;
};

/* A lane with the watcher of its wake-up socket. */
struct loop_lane {
    struct dispatch_lane lane; /* first */
    uv_poll_t poll;
    struct loop *loop;
    bool watched; /* poll is initialised */
};

struct loop_listener {
    uv_poll_t poll;
    struct loop *loop;
    struct loop_listener *next;
    int fd;
    bool proxy;  /* every connection begins with a PROXY header */
    bool paused; /* out of descriptors */
};

struct loop {
    uv_loop_t uv;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle;
    uv_async_t async;
    uv_timer_t tick;
    struct spin spin;
    struct settings *settings;
    uint32_t refusals_told; /* in this tick */
    uint64_t refusals_untold;
    struct gw *gw;
    uint32_t index;
    struct loop_listener *listeners;
    bool stopping;
    bool quiet_told;
    bool exiting;
    pthread_mutex_t mutex; /* of commands */
    struct loop_command *commands;
    struct loop_command **commands_tail;
    counter allocations;
    counter iterations;
    struct dispatch dispatch;
    struct h1_server server;
};

__attribute__((warn_unused_result)) int loop_init(struct loop *loop, struct gw *gw, uint32_t index,
                                                  struct settings *settings, struct admission *admission,
                                                  const struct gw_config *config);
void loop_run(struct loop *loop);
void loop_free(struct loop *loop);
/* Hands a command over; the loop frees it. */
void loop_post(struct loop *loop, struct loop_command *command);

/* --- gw.c, called by loops --- */
void gw_notify(struct gw *gw, const struct gw_notice *notice);
void gw_lane_idle(struct gw *gw, uint64_t worker);
/* Takes the lane out of the statistics and frees it. */
void gw_lane_released(struct gw *gw, struct loop_lane *lane);
void gw_loop_quiet(struct gw *gw);
/* Takes the listing over. */
void gw_listed(struct gw *gw, struct loop_listing *listing);

#endif
