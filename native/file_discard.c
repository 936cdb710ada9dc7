#include "file_discard.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "static_pool.h"

struct discarded {
    uv_work_t work; /* first */
    uint32_t count;
    int files[];
};

static void close_all(const int *files, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        close(files[i]);
    }
}

static void work_close(uv_work_t *work) {
    struct discarded *discarded = (struct discarded *)(void *)work;
    close_all(discarded->files, discarded->count);
}

static void on_closed(uv_work_t *work, int status) {
    (void)status; /* nobody cancels it */
    free(work);
}

void file_discard(uv_loop_t *loop, const int *files, uint32_t count) {
    struct discarded *discarded = malloc(sizeof(*discarded) + count * sizeof(files[0]));
    if (discarded == NULL) {
        close_all(files, count);
        return;
    }
    discarded->count = count;
    memcpy(discarded->files, files, count * sizeof(files[0]));
    (void)!static_pool_start(); /* without it there are threads, too, only with signals */
    if (uv_queue_work(loop, &discarded->work, work_close, on_closed) != 0) {
        abort(); /* only without a function */
    }
}
