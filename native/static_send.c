#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "static_file.h"

#define LEAST_BUFFER 1024u /* any part's head fits */

/* Bytes that the next read may bring. */
static uint32_t wanted(const struct static_file *file) {
    uint64_t left = file->ranges.range[file->part].length;
    uint32_t room = file->size - file->filled;
    return left < room ? (uint32_t)left : room;
}

static void took(struct static_file *file, uint32_t n) {
    struct static_range *range = &file->ranges.range[file->part];
    file->filled += n;
    range->first += n;
    range->length -= n;
    if (range->length == 0) {
        file->part++;
        file->part_begun = false;
    }
}

/* --- the thread pool's part --- */

static void work_read(uv_work_t *work) {
    struct static_file *file = (struct static_file *)(void *)work;
    do {
        file->got = pread(file->found.fd, file->buffer + file->filled, wanted(file),
                          (off_t)file->ranges.range[file->part].first);
    } while (file->got < 0 && errno == EINTR);
    if (file->got < 0) {
        file->got = -errno;
    }
}

/* The file is shorter than announced, or cannot be read: an early end is the only honest sign. */
static void cut(struct h1_stream *stream) {
    h1_answer_error(stream, 500, "");
}

static void on_read(uv_work_t *work, int status) {
    struct static_file *file = (struct static_file *)(void *)work;
    struct h1_stream *stream = file->stream;
    (void)status; /* cancelled only without a stream */
    file->working = false;
    if (stream == NULL) {
        static_drop(file);
        return;
    }
    if (stream->state != H1_STREAM_FIXED) {
        return; /* given up; what is queued goes out, and then the stream ends */
    }
    if (file->got <= 0) {
        cut(stream);
        return;
    }
    took(file, (uint32_t)file->got);
    h1_conn_dirty(stream->conn);
}

static void read_elsewhere(struct static_file *file) {
    file->working = true;
    if (uv_queue_work(file->stream->conn->server->loop, &file->work, work_read, on_read) != 0) {
        abort(); /* only without a function */
    }
}

/* --- the loop's part --- */

/* The head of the part that begins, or the end of them all. False: there is no room. */
static bool put_part_head(struct static_file *file) {
    char head[STATIC_PART_HEAD];
    uint32_t length = static_part_head(file, file->part, head);
    if (file->size - file->filled < length) {
        return false;
    }
    memcpy(file->buffer + file->filled, head, length);
    file->filled += length;
    file->part_begun = true;
    return true;
}

static bool is_whole(const struct static_file *file) {
    return file->part == file->ranges.count && (!file->multipart || file->part_begun);
}

/* Bytes from the page cache. Returns 1; 0: they are not there now; -1: the file has ended, or cannot be read. */
static int read_here(struct static_file *file) {
    struct iovec iov = {file->buffer + file->filled, wanted(file)};
    off_t offset = (off_t)file->ranges.range[file->part].first;
    ssize_t n = 0;
    do {
        n = preadv2(file->found.fd, &iov, 1, offset, RWF_NOWAIT);
    } while (n < 0 && errno == EINTR);
    if (n > 0) {
        took(file, (uint32_t)n);
        return 1;
    }
    return n < 0 && (errno == EAGAIN || errno == EOPNOTSUPP || errno == ENOSYS) ? 0 : -1;
}

/* Fills the buffer as far as can be without waiting. Returns as read_here. */
static int fill(struct static_file *file) {
    while (!is_whole(file) && file->filled < file->size) {
        if (file->multipart && !file->part_begun) {
            if (!put_part_head(file)) {
                return 1;
            }
            continue;
        }
        int rc = read_here(file);
        if (rc <= 0) {
            return rc;
        }
    }
    return 1;
}

static bool has_buffer(struct static_file *file) {
    if (file->buffer == NULL) {
        uint64_t left = file->stream->body_left;
        file->size = left < STATIC_PIECE ? (uint32_t)left : STATIC_PIECE;
        file->size = file->size < LEAST_BUFFER ? LEAST_BUFFER : file->size;
        file->buffer = pool_bytes(file->stream->conn->server->allocations, file->size);
    }
    return file->buffer != NULL;
}

bool static_feed(struct h1_stream *stream, uint32_t *pieces) {
    struct static_file *file = stream->file;
    if (file == NULL || file->working || stream->state != H1_STREAM_FIXED || stream->cut ||
        (file->queued && stream->first != NULL)) {
        return true;
    }
    if (*pieces == 0) {
        return false;
    }
    --*pieces;
    int rc = has_buffer(file) ? fill(file) : -1;
    if (rc < 0) {
        cut(stream);
        return true;
    }
    if (file->filled == 0) {
        read_elsewhere(file);
        return true;
    }
    struct exchange_bytes bytes = {.data = file->buffer, .length = file->filled, .block = RING_NO_BLOCK};
    counter_add(&stream->conn->server->counters.static_bytes, file->filled);
    file->filled = 0;
    file->queued = true;
    h1_exchange_calls.body(&stream->exchange, bytes, is_whole(file), (struct exchange_list){0});
    if (stream->cut) {
        cut(stream); /* memory is out */
    }
    return true;
}
