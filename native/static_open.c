#include "static_open.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TRIES 16 /* openat2 gives EAGAIN when something was renamed on its way */
#define SUFFIX 3 /* bytes of ".br", ".gz" */

/*
 * ThreadSanitizer takes a descriptor that came from a system call which it does not know for one that was closed before. It gets one
 * that it has seen opened.
 */
#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define SEEN(fd) seen(fd)
static long seen(long fd) {
    int copy = fd >= 0 ? open("/dev/null", O_RDONLY | O_CLOEXEC) : -1;
    if (copy >= 0) {
        (void)syscall(SYS_dup3, fd, copy, O_CLOEXEC);
        (void)syscall(SYS_close, fd);
        return copy;
    }
    return fd;
}
#endif
#endif
#ifndef SEEN
#define SEEN(fd) (fd)
#endif

static int open_below(int root, const char *name) {
    /* O_NONBLOCK: the open of a FIFO must not wait for a writer. */
    struct open_how how = {.flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    for (int i = 0; i < TRIES; i++) {
        long fd = SEEN(syscall(SYS_openat2, root, name, &how, sizeof(how)));
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) {
            return fd >= 0 ? (int)fd : -errno;
        }
    }
    return -EAGAIN;
}

static int status_of(int error) {
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
    case ELOOP:
    case EXDEV: /* it leads out of the root */
    case ENXIO: /* a socket, or a device without a driver */
    case ENODEV:
    case EINVAL:
    case EILSEQ:
        return 404;
    case EACCES:
    case EPERM:
        return 403;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN:
        return 503;
    default:
        return 500;
    }
}

/* Opens a regular file. Returns 0, 301 for a directory, or another status. */
static int open_regular(int root, const char *name, int *fd, struct stat *st) {
    *fd = open_below(root, name);
    if (*fd < 0) {
        return status_of(-*fd);
    }
    int status = 404;
    if (fstat(*fd, st) != 0) {
        status = 500;
    } else if (S_ISREG(st->st_mode)) {
        return 0;
    } else if (S_ISDIR(st->st_mode)) {
        status = 301;
    }
    close(*fd);
    *fd = -1;
    return status;
}

static bool is_older(const struct stat *a, const struct stat *b) {
    return a->st_mtim.tv_sec != b->st_mtim.tv_sec ? a->st_mtim.tv_sec < b->st_mtim.tv_sec
                                                  : a->st_mtim.tv_nsec < b->st_mtim.tv_nsec;
}

/* Takes the coding that the client wants, and closes the others. */
static void choose(const struct static_target *target, int fd[STATIC_CODINGS], const struct stat st[STATIC_CODINGS],
                   struct static_found *out) {
    bool available[STATIC_CODINGS];
    for (int i = 0; i < STATIC_CODINGS; i++) {
        available[i] = fd[i] >= 0;
    }
    enum static_coding coding = static_accept(target->accept_encoding, target->has_accept_encoding, available);
    for (int i = 0; i < STATIC_CODINGS; i++) {
        if (fd[i] >= 0 && i != (int)coding) {
            close(fd[i]);
        }
    }
    out->varies = available[STATIC_GZIP] || available[STATIC_BR];
    if (coding == STATIC_NOT_ACCEPTABLE) {
        out->status = 406;
        return;
    }
    out->status = 200;
    out->coding = (uint8_t)coding;
    out->fd = fd[coding];
    out->size = (uint64_t)st[coding].st_size;
    out->modified = st[coding].st_mtim.tv_sec;
    out->modified_ns = (uint32_t)st[coding].st_mtim.tv_nsec;
    out->inode = st[coding].st_ino;
}

void static_open(const struct static_target *target, struct static_found *out) {
    static const char *const suffixes[STATIC_CODINGS] = {[STATIC_GZIP] = ".gz", [STATIC_BR] = ".br"};
    const char *index = target->directory ? target->index : "";
    size_t path_length = strlen(target->path);
    size_t index_length = strlen(index);
    size_t length = path_length + index_length;
    char name[PATH_MAX];
    struct stat st[STATIC_CODINGS] = {0};
    int fd[STATIC_CODINGS] = {-1, -1, -1};
    *out = (struct static_found){.status = 404, .fd = -1};
    if (length + SUFFIX >= sizeof(name)) {
        return;
    }
    memcpy(name, target->path, path_length);
    memcpy(name + path_length, index, index_length + 1);
    int status = open_regular(target->root, length != 0 ? name : ".", &fd[STATIC_IDENTITY], &st[STATIC_IDENTITY]);
    if (status != 0) {
        out->status = status == 301 && target->directory ? 404 : status; /* an index file that is a directory */
        return;
    }
    for (int i = STATIC_GZIP; i < STATIC_CODINGS; i++) {
        memcpy(name + length, suffixes[i], SUFFIX + 1);
        if (open_regular(target->root, name, &fd[i], &st[i]) == 0 && is_older(&st[i], &st[STATIC_IDENTITY])) {
            close(fd[i]);
            fd[i] = -1;
        }
    }
    choose(target, fd, st, out);
}
