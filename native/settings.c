#include "settings.h"

#include <stdlib.h>
#include <string.h>

static void drop(struct settings *settings) {
    for (uint32_t i = 0; settings->native_paths != NULL && i < settings->native_path_count; i++) {
        free((void *)(uintptr_t)settings->native_paths[i].path);
        free((void *)(uintptr_t)settings->native_paths[i].body);
    }
    free(settings->native_paths);
    static_sites_release(settings->sites);
    free(settings->trusted);
    free(settings->server_name);
    free(settings);
}

static bool copy_native_paths(struct settings *settings, const struct gw_settings *from) {
    settings->native_paths = calloc(from->native_path_count + 1, sizeof(*settings->native_paths));
    if (settings->native_paths == NULL) {
        return false;
    }
    settings->native_path_count = from->native_path_count;
    for (uint32_t i = 0; i < from->native_path_count; i++) {
        struct h1_native_path *to = &settings->native_paths[i];
        to->path = strdup(from->native_paths[i].path);
        to->body = strdup(from->native_paths[i].body);
        if (to->path == NULL || to->body == NULL) {
            return false;
        }
        to->path_length = (uint32_t)strlen(to->path);
        to->body_length = (uint32_t)strlen(to->body);
    }
    return true;
}

static bool copy_trusted(struct settings *settings, const struct gw_settings *from) {
    settings->trusted = calloc(from->trusted_count + 1, sizeof(*settings->trusted));
    if (settings->trusted != NULL && from->trusted_count != 0) {
        memcpy(settings->trusted, from->trusted, from->trusted_count * sizeof(*settings->trusted));
    }
    return settings->trusted != NULL;
}

/* Each loop has an equal share, at least one. */
static uint32_t share(uint32_t limit, uint32_t loops) {
    return limit == 0 ? UINT32_MAX : (limit + loops - 1) / loops;
}

static uint32_t or_unlimited(uint32_t limit) {
    return limit == 0 ? UINT32_MAX : limit;
}

struct settings *settings_new(const struct gw_settings *from, uint32_t users) {
    struct settings *settings = calloc(1, sizeof(*settings));
    if (settings == NULL) {
        return NULL;
    }
    settings->users = users;
    settings->server_name = strdup(from->server_name);
    if (settings->server_name == NULL || !copy_native_paths(settings, from) || !copy_trusted(settings, from) ||
        (from->files.site_count != 0 && static_sites_new(&from->files, &settings->sites) != 0)) {
        drop(settings);
        return NULL;
    }
    settings->dispatch = (struct dispatch_config){.park_limit = from->park_limit,
                                                  .in_flight = share(from->in_flight, users),
                                                  .queue_deadline_ms = from->queue_deadline_ms,
                                                  .request_timeout_ms = from->request_timeout_ms,
                                                  .stuck_ms = from->stuck_ms};
    settings->h1 = (struct h1_config){
        .head = {.line_bytes = from->line_bytes,
                 .head_bytes = from->head_bytes,
                 .fields = from->fields,
                 .keep_underscores = from->keep_underscores},
        .chunked = {.extension_bytes = 16384, .trailer_bytes = 8192, .trailer_fields = 32},
        .max_body = from->max_body,
        .admission = {.connections = or_unlimited(from->max_connections),
                      .of_one_client = or_unlimited(from->client_connections)},
        .max_requests = or_unlimited(from->max_requests),
        .pipeline = from->pipeline,
        .timeouts = {.reading = {[H1_TIMER_IDLE] = from->idle_timeout_ms,
                                 [H1_TIMER_STREAM] = from->upgrade_idle_ms,
                                 [H1_TIMER_HEAD] = from->head_timeout_ms,
                                 [H1_TIMER_BODY] = from->body_timeout_ms},
                     .send = from->send_timeout_ms,
                     .send_rate = from->send_rate,
                     .body_rate = from->body_rate},
        .trusted = {.all = settings->trusted, .count = from->trusted_count, .unix_peers = from->trust_unix},
        .request_ids = from->request_ids,
        .server_name = settings->server_name[0] != 0 ? settings->server_name : NULL,
        .native_paths = settings->native_paths,
        .native_path_count = settings->native_path_count,
        .sites = settings->sites,
    };
    return settings;
}

void settings_release(struct settings *settings) {
    if (--settings->users == 0) {
        drop(settings);
    }
}
