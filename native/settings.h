/*
 * What can change while the loops run (gw.h: struct gw_settings), in the form that they use. One immutable copy serves all
 * loops, each of which lets go of it when it has taken a newer one.
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#include "dispatch.h"
#include "gw.h"
#include "h1_server.h"

struct settings {
    _Atomic uint32_t users;
    struct h1_config h1;
    struct dispatch_config dispatch;
    char *server_name;
    struct h1_native_path *native_paths;
    uint32_t native_path_count;
    struct static_sites *sites; /* NULL: none */
    struct network *trusted;
};

/* A copy for `users` loops; NULL if memory is out. */
struct settings *settings_new(const struct gw_settings *from, uint32_t users);
/* One user less; the last one frees it. */
void settings_release(struct settings *settings);

#endif
