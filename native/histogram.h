/* How often a time fell between which bounds. One writer, any number of readers. */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>

#include "counter.h"

#define HISTOGRAM_BOUNDS 43u

/* Upper bounds of the buckets in nanoseconds: 1, 1.5, 2, 3, 5 and 7 of each power of ten from 10 us to 100 s. */
extern const uint64_t histogram_bounds[HISTOGRAM_BOUNDS];

struct histogram {
    counter counts[HISTOGRAM_BOUNDS + 1]; /* the last: beyond all bounds */
    counter sum_ns;
};

void histogram_add(struct histogram *histogram, uint64_t ns);

#endif
