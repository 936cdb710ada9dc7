/*
 * A request of the gateway's own to one lane, also in standby: whether its worker can answer before it gets clients'
 * requests. A protocol like another, without a connection.
 */
#ifndef PROBE_H
#define PROBE_H

#include "dispatch.h"

struct probe;

/* Told once: the status of the answer, or the gateway's own if there was none (502, 503, 504). */
typedef void probe_done(void *owner, uint64_t worker, uint64_t round, uint16_t status);

/* GET `path` (origin-form, checked by the caller). `round` is the caller's. Returns 0, or -errno; then `done` is not called. */
__attribute__((warn_unused_result)) int probe_start(struct dispatch *dispatch, struct dispatch_lane *lane,
                                                    const char *path, uint64_t round, probe_done *done, void *owner);

#endif
