/*
 * Files of workers as parts of answers (docs/design.md 3.9): sent with sendfile(2) in libuv's thread pool, because a page that is not in
 * the cache blocks. The thread has a descriptor of the file and the number of the connection's socket, which is therefore not closed
 * while the thread works; it writes its results into the h1_file, and the loop takes them when it is back.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "h1_server.h"
#include "static_pool.h"

#define SEND_AT_ONCE (1u << 20) /* bytes of a file that the thread sends before others may have it */
#define FILES_AT_ONCE 4u        /* that it is given: each way to it and back costs more than a small file */

enum file_state {
    FILE_RESTING = 0,
    FILE_WAITING, /* for its turn in the thread pool */
    FILE_WORKING, /* the thread pool has it */
};

struct h1_file {
    uv_work_t work; /* first */
    struct h1_server *server;
    struct h1_stream *stream; /* NULL: its item is gone, and so is this when the thread pool has done with it */
    struct h1_conn *conn;     /* FILE_WORKING: whose socket it is; NULL: its connection has left it to us */
    struct h1_file *next;     /* FILE_WAITING; FILE_WORKING: the first one of others that the thread pool has */
    struct h1_file *also;     /* FILE_WORKING: the next one that the same thread has */
    uint32_t count;           /* of those that the thread has with this first one */
    struct lane_loan loan;
    uint64_t worker;
    enum file_state state;
    uint16_t status; /* RING_FILE_* for the worker */
    int socket;

    /* the thread's, while it works */
    int fd; /* -1: closed, or it never came */
    uint64_t offset;
    uint64_t left;
    uint64_t sent;
    int error;
    bool checked;
    bool blocked; /* the socket takes no more */
};

void h1_file_init(struct h1_server *server) {
    pool_init(&server->files, sizeof(struct h1_file), server->allocations);
}

/* --- the thread pool's part --- */

/* What a worker sends may be anything that has a descriptor. */
static int check(int fd) {
    struct stat st;
    int flags = fd < 0 ? -1 : fcntl(fd, F_GETFL);
    if (flags < 0 || fstat(fd, &st) != 0) {
        return errno;
    }
    return !S_ISREG(st.st_mode) || (flags & O_ACCMODE) == O_WRONLY || (flags & O_PATH) != 0 ? EINVAL : 0;
}

static void send_part(struct h1_file *file) {
    file->sent = 0;
    file->blocked = false;
    if (!file->checked) {
        file->checked = true;
        file->error = check(file->fd);
    }
    while (file->error == 0 && file->left != 0 && !file->blocked && file->sent < SEND_AT_ONCE) {
        uint64_t room = SEND_AT_ONCE - file->sent;
        off_t offset = (off_t)file->offset;
        ssize_t n = sendfile(file->socket, file->fd, &offset, (size_t)(file->left < room ? file->left : room));
        if (n > 0) {
            file->offset += (uint64_t)n;
            file->left -= (uint64_t)n;
            file->sent += (uint64_t)n;
        } else if (n == 0) {
            file->error = ENODATA; /* it is shorter than it was */
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            file->blocked = true;
        } else if (errno != EINTR) {
            file->error = errno;
        }
    }
    if (file->fd >= 0 && (file->left == 0 || file->error != 0)) {
        close(file->fd);
        file->fd = -1;
    }
}

static void work_send(uv_work_t *work) {
    for (struct h1_file *file = (struct h1_file *)(void *)work; file != NULL; file = file->also) {
        send_part(file);
    }
}

/* --- whose turn it is --- */

static void on_sent(uv_work_t *work, int status);

static void take_off(struct h1_file **list, const struct h1_file *file) {
    while (*list != file) {
        list = &(*list)->next;
    }
    *list = file->next;
}

static void lend_socket(struct h1_file *file) {
    struct h1_conn *conn = file->stream->conn;
    file->state = FILE_WORKING;
    file->conn = conn;
    file->socket = conn->fd;
    conn->file = file;
}

/* Gives the file to a thread, and others of its worker that wait. */
static void begin(struct h1_file *first) {
    struct h1_server *server = first->server;
    struct h1_file *last = first;
    lend_socket(first);
    first->count = 1;
    for (struct h1_file *file = server->files_waiting, *next; file != NULL; file = next) {
        next = file->next;
        if (file->worker == first->worker && first->count < FILES_AT_ONCE) {
            take_off(&server->files_waiting, file);
            lend_socket(file);
            first->count++;
            last->also = file;
            last = file;
        }
    }
    first->next = server->files_working;
    server->files_working = first;
    (void)!static_pool_start(); /* without it there are threads, too, only with signals */
    if (uv_queue_work(server->loop, &first->work, work_send, on_sent) != 0) {
        abort(); /* only without a function */
    }
}

/* A worker's files have one thread at a time for each loop: a file system that hangs under them must not take all threads. */
static bool has_thread(const struct h1_server *server, uint64_t worker) {
    for (const struct h1_file *file = server->files_working; file != NULL; file = file->next) {
        if (file->worker == worker) {
            return true;
        }
    }
    return false;
}

static void begin_next(struct h1_server *server, uint64_t worker) {
    for (struct h1_file *file = server->files_waiting; file != NULL; file = file->next) {
        if (file->worker == worker) {
            take_off(&server->files_waiting, file);
            begin(file);
            return;
        }
    }
}

void h1_file_send(struct h1_conn *conn) {
    struct h1_file *file = conn->front->first->file;
    struct h1_server *server = conn->server;
    if (file->state != FILE_RESTING) {
        return;
    }
    if (!has_thread(server, file->worker)) {
        begin(file);
        return;
    }
    struct h1_file **at = &server->files_waiting;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = file;
    file->next = NULL;
    file->state = FILE_WAITING;
}

/* --- the loop's part --- */

static void forget(struct h1_file *file) {
    exchange_file_done(&file->loan, file->status);
    pool_give(&file->server->files, file);
}

static void work_close(uv_work_t *work) {
    close(((struct h1_file *)(void *)work)->fd);
}

static void on_closed(uv_work_t *work, int status) {
    (void)status; /* nobody cancels it */
    forget((struct h1_file *)(void *)work);
}

/* The worker is told when the file is closed and not before: what hangs there must not pile up. */
static void dispose(struct h1_file *file) {
    if (file->fd < 0) {
        forget(file);
        return;
    }
    (void)!static_pool_start(); /* without it there are threads, too, only with signals */
    if (uv_queue_work(file->server->loop, &file->work, work_close, on_closed) != 0) {
        abort(); /* only without a function */
    }
}

void h1_file_end(struct h1_file *file, uint16_t status) {
    file->status = status;
    file->stream = NULL;
    if (file->state == FILE_WAITING) {
        take_off(&file->server->files_waiting, file);
    }
    if (file->state != FILE_WORKING) {
        dispose(file);
    }
}

bool h1_file_leave(struct h1_conn *conn) {
    if (conn->file == NULL) {
        return true;
    }
    conn->file->conn = NULL;
    conn->file = NULL;
    return false;
}

/* Whether it is the client's fault, or the network's. */
static bool is_peers(int error) {
    switch (error) {
    case EPIPE:
    case ECONNRESET:
    case ECONNABORTED:
    case ENOTCONN:
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
        return true;
    default:
        return false;
    }
}

/* The thread has done with it, and its connection may use its socket again. */
static void take_back(struct h1_file *file) {
    file->state = FILE_RESTING;
    if (file->conn != NULL) {
        file->conn->file = NULL;
        file->conn = NULL;
    } else {
        close(file->socket);
    }
}

static void go_on(struct h1_file *file) {
    struct h1_server *server = file->server;
    struct h1_stream *stream = file->stream;
    counter_add(&server->counters.bytes_out, file->sent);
    counter_add(&server->counters.file_bytes, file->sent);
    if (stream == NULL) {
        dispose(file);
        return;
    }
    struct h1_conn *conn = stream->conn;
    conn->slow_bytes += file->sent;
    h1_access_sent(stream, file->sent);
    if (is_peers(file->error)) {
        h1_conn_close(conn, RING_CANCEL_GONE);
    } else if (file->error != 0) {
        h1_answer_error(stream, 502, ""); /* cuts: a part of the answer is out */
    } else if (file->left == 0) {
        stream->first->file = NULL;
        h1_item_remove(stream);
        h1_file_end(file, RING_FILE_SENT);
        h1_conn_dirty(conn);
    } else if (file->blocked) {
        h1_block(conn);
        h1_conn_watch(conn);
    } else {
        h1_conn_dirty(conn);
    }
}

static void on_sent(uv_work_t *work, int status) {
    struct h1_file *first = (struct h1_file *)(void *)work;
    (void)status; /* nobody cancels it */
    take_off(&first->server->files_working, first);
    for (struct h1_file *file = first; file != NULL; file = file->also) {
        take_back(file);
    }
    begin_next(first->server, first->worker);
    for (struct h1_file *file = first, *also; file != NULL; file = also) {
        also = file->also;
        file->also = NULL;
        go_on(file);
    }
}

void h1_file_cut(struct h1_stream *stream) {
    struct h1_item *last = NULL;
    struct h1_item *item = stream->first;
    while (item != NULL && item->file == NULL) {
        last = item;
        item = item->next;
    }
    if (item == NULL) {
        return;
    }
    struct h1_item *first = last != NULL ? stream->first : NULL;
    stream->first = item;
    h1_items_drop(stream->conn->server, stream);
    stream->first = first;
    stream->last = last;
    if (last != NULL) {
        last->next = NULL;
    }
}

/* --- from the worker --- */

/* NULL: memory is out, and the file dropped. */
static struct h1_file *keep(struct h1_stream *stream, const struct exchange_file *given) {
    struct h1_server *server = stream->conn->server;
    struct h1_file *file = pool_take(&server->files);
    if (file == NULL) {
        exchange_drop_file(&stream->exchange, given, RING_FILE_CUT);
        stream->cut = true;
        return NULL;
    }
    *file = (struct h1_file){.server = server,
                             .stream = stream,
                             .worker = stream->exchange.worker,
                             .fd = given->fd,
                             .offset = given->offset,
                             .left = given->length};
    exchange_keep_file(&stream->exchange, &file->loan);
    return file;
}

/* None of it is to be sent. */
static void drop(struct h1_stream *stream, const struct exchange_file *given, uint16_t status) {
    struct h1_file *file = keep(stream, given);
    if (file != NULL) {
        h1_file_end(file, status);
    }
}

/* False: memory is out, and the file dropped. */
static bool add(struct h1_stream *stream, const struct exchange_file *given) {
    struct h1_server *server = stream->conn->server;
    struct h1_file *file = keep(stream, given);
    struct h1_item *item = file != NULL ? h1_item_add(stream, 0) : NULL;
    if (item == NULL) {
        if (file != NULL) {
            h1_file_end(file, RING_FILE_CUT);
        }
        stream->cut = true;
        return false;
    }
    item->file = file;
    counter_add(&server->counters.files, 1);
    return true;
}

static void add_chunk(struct h1_stream *stream, const struct exchange_file *given) {
    struct h1_item *item = h1_item_add(stream, 0);
    if (item == NULL) {
        exchange_drop_file(&stream->exchange, given, RING_FILE_CUT);
        stream->cut = true;
        return;
    }
    item->length = (uint32_t)snprintf((char *)item->bytes, H1_ITEM_BYTES, "%" PRIx64 "\r\n", given->length);
    if (add(stream, given)) {
        h1_item_static(stream, "\r\n", 2);
    }
}

void h1_file_given(struct exchange *exchange, const struct exchange_file *given) {
    struct h1_stream *stream = (struct h1_stream *)(void *)exchange;
    struct exchange_file file = *given;
    bool fixed = stream->state == H1_STREAM_FIXED;
    bool too_long = fixed && file.length > stream->body_left;
    if (too_long) {
        file.length = stream->body_left;
    }
    stream->body_left -= fixed ? file.length : 0;
    if (stream->state == H1_STREAM_COMPLETE) {
        drop(stream, &file, RING_FILE_CUT); /* the answer was cut where the last one failed */
    } else if (file.length == 0 || stream->state == H1_STREAM_BODILESS) {
        drop(stream, &file, too_long ? RING_FILE_CUT : RING_FILE_SENT);
    } else if (stream->state == H1_STREAM_CHUNKED) {
        add_chunk(stream, &file);
    } else {
        (void)add(stream, &file);
    }
    if (too_long) {
        /* As bytes are: what was announced is sent, then the connection is cut. */
        exchange_detach(exchange, RING_CANCEL_REJECTED);
        stream->cut = true;
        stream->state = H1_STREAM_COMPLETE;
        counter_add(&stream->conn->server->counters.cut, 1);
    }
    h1_conn_dirty(stream->conn);
}
