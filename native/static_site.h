/*
 * Directories whose files are served, and what is said of them: part of the settings. Shared by loops and by work in the thread
 * pool, which outlives a change of settings: hence counted.
 */
#ifndef STATIC_SITE_H
#define STATIC_SITE_H

#include <stdint.h>

#include "gw.h"

struct static_site {
    char *prefix; /* without a "/" at its end; "" for all paths */
    uint32_t prefix_length;
    int root; /* O_PATH descriptor of the directory */
};

struct static_type {
    const char *extension; /* lower case */
    const char *type;
};

struct static_sites {
    _Atomic uint32_t users;
    struct static_site *sites; /* longest prefix first */
    uint32_t count;
    struct static_type *types; /* by extension */
    uint32_t type_count;
    char *type_text; /* behind types */
    char *index;
    char *cache_control; /* "": not said */
};

/* One user; starts the thread pool. Returns 0 or -errno. */
__attribute__((warn_unused_result)) int static_sites_new(const struct gw_static *from, struct static_sites **out);
struct static_sites *static_sites_hold(struct static_sites *sites);
/* One user less; the last one frees it. NULL is allowed. */
void static_sites_release(struct static_sites *sites);

/* The site of a path: that with the longest prefix. NULL: none. */
const struct static_site *static_site_of(const struct static_sites *sites, const uint8_t *path, uint32_t length);

/* Media type by the extension of a path, application/octet-stream if unknown. */
const char *static_type_of(const struct static_sites *sites, const char *path);

#endif
