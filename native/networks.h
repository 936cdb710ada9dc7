/* Networks that are trusted to say on whose behalf they speak. */
#ifndef NETWORKS_H
#define NETWORKS_H

#include <stdbool.h>
#include <stdint.h>

#include "ring_layout.h"

struct network {
    uint8_t family; /* 4 or 6 */
    uint8_t bits;   /* of the address that count: 0 to 32 or 128 */
    uint8_t address[16];
};

struct networks {
    const struct network *all;
    uint32_t count;
    bool unix_peers; /* those without an address are in, too */
};

/* An IPv4-mapped IPv6 address (RFC 4291 2.5.5.2) is its IPv4 address; no IPv6 network has it. */
bool networks_contain(const struct networks *networks, const struct ring_endpoint *endpoint);

#endif
