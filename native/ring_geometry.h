/*
 * Sizes and offsets that follow from the four numbers of a segment (ring_layout.h). Go computes the same in ring/geometry.go.
 */
#ifndef RING_GEOMETRY_H
#define RING_GEOMETRY_H

#include "ring_layout.h"

struct ring_geometry {
    uint32_t lanes;
    uint32_t ring_slots;
    uint32_t exchange_slots;
    uint32_t arena_units;
    /* derived */
    uint32_t return_slots;
    uint64_t in_events;  /* offsets from the start of an inbound lane part */
    uint64_t in_returns; /* the return ring of outbound blocks, written by the gateway */
    uint64_t in_arena;
    uint64_t in_stride;
    uint64_t out_claims; /* offsets from the start of an outbound lane part */
    uint64_t out_events;
    uint64_t out_returns; /* the return ring of inbound blocks, written by the worker */
    uint64_t out_arena;
    uint64_t out_stride;
    uint64_t inbound_size; /* bytes of the whole segment */
    uint64_t outbound_size;
};

/* Fills the derived fields from the first four. Returns 0, or -EINVAL if a number is outside what ring_layout.h allows. */
__attribute__((warn_unused_result)) int ring_geometry_init(struct ring_geometry *geometry);

#endif
