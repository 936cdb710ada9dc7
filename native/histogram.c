#include "histogram.h"

#define POWER(unit) (unit), (unit)*3 / 2, (unit)*2, (unit)*3, (unit)*5, (unit)*7

const uint64_t histogram_bounds[HISTOGRAM_BOUNDS] = {
    POWER(10000ull),     POWER(100000ull),     POWER(1000000ull),     POWER(10000000ull),
    POWER(100000000ull), POWER(1000000000ull), POWER(10000000000ull), 100000000000ull,
};

/* By the highest bit of a time: the first bound that is not below every time with that bit. */
static const uint8_t first[] = {
    [14] = 2,  [15] = 4,  [16] = 5,  [17] = 7,  [18] = 9,  [19] = 11, [20] = 13, [21] = 15,
    [22] = 16, [23] = 18, [24] = 20, [25] = 22, [26] = 23, [27] = 25, [28] = 27, [29] = 29,
    [30] = 31, [31] = 33, [32] = 34, [33] = 36, [34] = 38, [35] = 40, [36] = 41,
};

void histogram_add(struct histogram *histogram, uint64_t ns) {
    unsigned bits = 63u - (unsigned)__builtin_clzll(ns | 1);
    unsigned at = bits < sizeof(first) ? first[bits] : HISTOGRAM_BOUNDS;
    while (at < HISTOGRAM_BOUNDS && ns > histogram_bounds[at]) {
        at++;
    }
    counter_add(&histogram->counts[at], 1);
    counter_add(&histogram->sum_ns, ns);
}
