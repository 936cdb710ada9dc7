/*
 * Which bucket a time falls into.
 * Links: histogram.c
 */
#include "histogram.h"
#include "test.h"

static unsigned bucket_of(uint64_t ns) {
    struct histogram histogram = {0};
    histogram_add(&histogram, ns);
    unsigned found = HISTOGRAM_BOUNDS + 1;
    for (unsigned i = 0; i <= HISTOGRAM_BOUNDS; i++) {
        if (counter_get(&histogram.counts[i]) != 0) {
            CHECK_UINT(counter_get(&histogram.counts[i]), 1);
            found = i;
        }
    }
    return found;
}

/* The first bound that is not below the time. */
static unsigned searched(uint64_t ns) {
    unsigned i = 0;
    while (i < HISTOGRAM_BOUNDS && ns > histogram_bounds[i]) {
        i++;
    }
    return i;
}

static void test_bounds_rise(void) {
    for (unsigned i = 1; i < HISTOGRAM_BOUNDS; i++) {
        CHECK(histogram_bounds[i] > histogram_bounds[i - 1]);
    }
    CHECK_UINT(histogram_bounds[0], 10000);
    CHECK_UINT(histogram_bounds[HISTOGRAM_BOUNDS - 1], 100000000000u);
}

static void test_around_each_bound_and_power_of_two(void) {
    for (unsigned i = 0; i < HISTOGRAM_BOUNDS; i++) {
        for (uint64_t ns = histogram_bounds[i] - 1; ns <= histogram_bounds[i] + 1; ns++) {
            CHECK_UINT(bucket_of(ns), searched(ns));
        }
    }
    for (unsigned bit = 1; bit < 64; bit++) {
        for (uint64_t ns = (1ull << bit) - 1; ns <= (1ull << bit) + 1; ns++) {
            CHECK_UINT(bucket_of(ns), searched(ns));
        }
    }
    CHECK_UINT(bucket_of(0), 0);
    CHECK_UINT(bucket_of(UINT64_MAX), HISTOGRAM_BOUNDS);
}

static void test_sum(void) {
    struct histogram histogram = {0};
    histogram_add(&histogram, 7);
    histogram_add(&histogram, 1000000);
    CHECK_UINT(counter_get(&histogram.sum_ns), 1000007);
}

int main(void) {
    RUN(test_bounds_rise);
    RUN(test_around_each_bound_and_power_of_two);
    RUN(test_sum);
    return test_report();
}
