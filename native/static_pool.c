#include "static_pool.h"

#include <pthread.h>
#include <signal.h>
#include <uv.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int result;

static void nothing(uv_work_t *work) {
    (void)work;
}

/* The first work starts the threads, and they inherit the mask. */
static void start(void) {
    uv_loop_t loop;
    uv_work_t work;
    sigset_t all;
    sigset_t before;
    result = uv_loop_init(&loop);
    if (result != 0) {
        return;
    }
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    result = uv_queue_work(&loop, &work, nothing, NULL);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&loop);
}

int static_pool_start(void) {
    (void)pthread_once(&once, start);
    return result;
}
