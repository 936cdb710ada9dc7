/* What a server's connections are busy with, for people. */
#ifndef H1_LIST_H
#define H1_LIST_H

#include <stdint.h>

#include "gw.h"

struct h1_server;

/* Fills up to `capacity`; returns how many requests there are. now_ns: CLOCK_MONOTONIC. */
uint32_t h1_list(const struct h1_server *server, struct gw_request *out, uint32_t capacity, uint64_t now_ns);

#endif
