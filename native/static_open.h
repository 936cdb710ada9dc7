/*
 * Finding and opening a file below a root. May block: for the thread pool. openat2 keeps every step below the root, whatever links
 * there are and whoever moves them meanwhile.
 */
#ifndef STATIC_OPEN_H
#define STATIC_OPEN_H

#include <stdbool.h>
#include <stdint.h>

#include "static_accept.h"

struct static_target {
    int root;
    const char *path;  /* as static_path_decode gives it */
    const char *index; /* of a directory */
    bool directory;
    struct static_text accept_encoding;
    bool has_accept_encoding;
};

struct static_found {
    int status;           /* 200; 301: a directory; 403, 404, 406, 500, 503 */
    int fd;               /* with 200: a regular file; else -1 */
    bool varies;          /* there is a precompressed sibling */
    uint8_t coding;       /* enum static_coding */
    uint64_t size;        /* bytes */
    int64_t modified;     /* seconds since 1970 */
    uint32_t modified_ns; /* within the second */
    uint64_t inode;
};

/*
 * A sibling FILE.br or FILE.gz counts if it is a regular file and not older than FILE, which must exist. Every status but 200
 * leaves nothing open.
 */
void static_open(const struct static_target *target, struct static_found *out);

#endif
