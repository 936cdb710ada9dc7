#include "static_site.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "static_path.h"
#include "static_pool.h"

#define MAX_EXTENSION 32

static int by_prefix(const void *a, const void *b) {
    const struct static_site *left = a;
    const struct static_site *right = b;
    return (left->prefix_length < right->prefix_length) - (left->prefix_length > right->prefix_length);
}

static int by_extension(const void *a, const void *b) {
    const struct static_type *left = a;
    const struct static_type *right = b;
    return strcmp(left->extension, right->extension);
}

static int copy_sites(struct static_sites *to, const struct gw_static *from) {
    to->sites = calloc(from->site_count + 1, sizeof(*to->sites));
    if (to->sites == NULL) {
        return -ENOMEM;
    }
    for (; to->count < from->site_count; to->count++) {
        struct static_site *site = &to->sites[to->count];
        site->prefix = strdup(from->sites[to->count].prefix);
        if (site->prefix == NULL) {
            return -ENOMEM;
        }
        site->prefix_length = (uint32_t)strlen(site->prefix);
        site->root = fcntl(from->sites[to->count].root, F_DUPFD_CLOEXEC, 0);
        if (site->root < 0) {
            free(site->prefix);
            return -errno;
        }
    }
    qsort(to->sites, to->count, sizeof(*to->sites), by_prefix);
    return 0;
}

/* Lines "extension type". */
static int copy_types(struct static_sites *to, const char *lines) {
    uint32_t count = 0;
    for (const char *at = lines; (at = strchr(at, '\n')) != NULL; at++) {
        count++;
    }
    to->type_text = strdup(lines);
    to->types = calloc(count + 1, sizeof(*to->types));
    if (to->type_text == NULL || to->types == NULL) {
        return -ENOMEM;
    }
    char *line = to->type_text;
    for (char *end = NULL; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = 0;
        char *space = strchr(line, ' ');
        if (space != NULL) {
            *space = 0;
            to->types[to->type_count++] = (struct static_type){line, space + 1};
        }
    }
    qsort(to->types, to->type_count, sizeof(*to->types), by_extension);
    return 0;
}

static void drop(struct static_sites *sites) {
    for (uint32_t i = 0; i < sites->count; i++) {
        close(sites->sites[i].root);
        free(sites->sites[i].prefix);
    }
    free(sites->sites);
    free(sites->types);
    free(sites->type_text);
    free(sites->index);
    free(sites->cache_control);
    free(sites);
}

int static_sites_new(const struct gw_static *from, struct static_sites **out) {
    struct static_sites *sites = calloc(1, sizeof(*sites));
    if (sites == NULL) {
        return -ENOMEM;
    }
    sites->users = 1;
    int rc = static_pool_start();
    if (rc == 0) {
        rc = copy_sites(sites, from);
    }
    if (rc == 0) {
        rc = copy_types(sites, from->types);
    }
    sites->index = strdup(from->index);
    sites->cache_control = strdup(from->cache_control);
    if (rc == 0 && (sites->index == NULL || sites->cache_control == NULL)) {
        rc = -ENOMEM;
    }
    if (rc != 0) {
        drop(sites);
        return rc;
    }
    *out = sites;
    return 0;
}

struct static_sites *static_sites_hold(struct static_sites *sites) {
    sites->users++;
    return sites;
}

void static_sites_release(struct static_sites *sites) {
    if (sites != NULL && --sites->users == 0) {
        drop(sites);
    }
}

const struct static_site *static_site_of(const struct static_sites *sites, const uint8_t *path, uint32_t length) {
    for (uint32_t i = 0; i < sites->count; i++) {
        if (static_path_has_prefix(path, length, sites->sites[i].prefix, sites->sites[i].prefix_length)) {
            return &sites->sites[i];
        }
    }
    return NULL;
}

const char *static_type_of(const struct static_sites *sites, const char *path) {
    const char *extension = static_path_extension(path);
    char lower[MAX_EXTENSION + 1];
    size_t length = strlen(extension);
    if (length == 0 || length > MAX_EXTENSION) {
        return "application/octet-stream";
    }
    for (size_t i = 0; i <= length; i++) {
        bool is_upper = extension[i] >= 'A' && extension[i] <= 'Z';
        lower[i] = (char)(extension[i] + (is_upper ? 'a' - 'A' : 0));
    }
    struct static_type key = {lower, NULL};
    const struct static_type *found =
        bsearch(&key, sites->types, sites->type_count, sizeof(*sites->types), by_extension);
    return found != NULL ? found->type : "application/octet-stream";
}
