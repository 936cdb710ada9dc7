/*
 * Headers of the PROXY protocol: the same answer however the bytes come, and no byte read beyond them.
 * Links: proxy_header.c
 */
#include "proxy_header.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct proxy_header whole;
    struct proxy_header part;
    uint8_t *bytes = fuzz_copy(data, size);
    int result = proxy_header_parse(bytes, size, &whole);

    free(bytes);
    HOLDS(result >= PROXY_HEADER_BAD && result <= (int)PROXY_HEADER_MAX);
    HOLDS(result <= 0 || (size_t)result <= size);
    HOLDS(result != PROXY_HEADER_MORE || size < PROXY_HEADER_MAX);
    for (size_t length = 0; length < size && length <= 300; length++) {
        uint8_t *copy = fuzz_copy(data, length);
        int early = proxy_header_parse(copy, length, &part);

        free(copy);
        if (result > 0 && length >= (size_t)result)
            HOLDS(early == result && memcmp(&part, &whole, sizeof(whole)) == 0);
        else
            HOLDS(early == PROXY_HEADER_MORE || (early == PROXY_HEADER_BAD && result == PROXY_HEADER_BAD));
    }
    if (result > 0 && whole.kind == PROXY_HEADER_ADDRESSES)
        HOLDS((whole.remote.family == 4 || whole.remote.family == 6) && whole.local.family == whole.remote.family);
    else if (result > 0)
        HOLDS(whole.remote.family == 0 && whole.local.family == 0);
    return 0;
}
