/*
 * Lists of proxies. The first byte chooses the form, the rest is one value.
 * Links: forwarded.c networks.c h1_chars.c
 */
#include "forwarded.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct network ten = {.family = 4, .bits = 8, .address = {10}};
    struct networks trusted = {.all = &ten, .count = 1};
    struct ring_endpoint peer = {.family = 4, .address = {10, 9, 9, 9}};

    if (size < 1)
        return 0;
    enum forwarded_form form = (data[0] & 1) != 0 ? FORWARDED_PAIRS : FORWARDED_PLAIN;
    struct forwarded_walk walk = {.trusted = &trusted, .form = form, .client = peer};
    uint8_t *value = fuzz_copy(data + 1, size - 1);
    bool more = forwarded_walk(&walk, value, size - 1);

    HOLDS(walk.client.family == 4 || walk.client.family == 6);
    HOLDS(walk.entries <= FORWARDED_ENTRIES + 1);
    if (more) /* nobody but trusted ones was named */
        HOLDS(networks_contain(&trusted, &walk.client));
    (void)forwarded_is_https(form, value, size - 1);
    free(value);
    return 0;
}
