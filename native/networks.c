#include "networks.h"

#include <string.h>

static bool is_in(const struct network *network, uint8_t family, const uint8_t *address) {
    uint32_t bytes = network->bits / 8u;
    uint32_t rest = network->bits % 8u;
    if (network->family != family || memcmp(network->address, address, bytes) != 0) {
        return false;
    }
    return rest == 0 || (network->address[bytes] ^ address[bytes]) >> (8 - rest) == 0;
}

bool networks_contain(const struct networks *networks, const struct ring_endpoint *endpoint) {
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    uint8_t family = endpoint->family;
    const uint8_t *address = endpoint->address;
    if (family == 0) {
        return networks->unix_peers;
    }
    if (family == 6 && memcmp(address, mapped, sizeof(mapped)) == 0) {
        family = 4;
        address += sizeof(mapped);
    }
    for (uint32_t i = 0; i < networks->count; i++) {
        if (is_in(&networks->all[i], family, address)) {
            return true;
        }
    }
    return false;
}
