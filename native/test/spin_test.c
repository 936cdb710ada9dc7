/*
 * When a loop spins.
 * Links: spin.c
 */
#include "spin.h"
#include "test.h"

static void test_off(void) {
    struct spin spin = {0};
    CHECK(!spin_again(&spin, 1, 1, 0));
    CHECK(!spin_again(&spin, 1, 2, 0));
}

static void test_until_the_limit(void) {
    struct spin spin = {.limit_ns = 100};
    CHECK(spin_again(&spin, 1, 1, 1000));
    CHECK(spin_again(&spin, 1, 1, 1099));
    CHECK(spin_again(&spin, 1, 2, 1099)); /* something came: the next wait begins */
    CHECK(spin_again(&spin, 1, 2, 1198));
    CHECK(!spin_again(&spin, 1, 2, 1199));
}

static void test_not_for_nothing_nor_for_many(void) {
    struct spin spin = {.limit_ns = 100};
    CHECK(!spin_again(&spin, 0, 1, 1000));
    CHECK(!spin_again(&spin, 3, 2, 1000));
    CHECK(spin_again(&spin, 2, 3, 1000));
}

/* A spin in vain is not repeated while nothing happens, nor for a while after that. */
static void test_penalty(void) {
    struct spin spin = {.limit_ns = 100};
    CHECK(spin_again(&spin, 1, 1, 1000));
    CHECK(!spin_again(&spin, 1, 1, 1100));
    CHECK(!spin_again(&spin, 1, 1, 1101));
    uint64_t progress = 2;
    for (; progress < 33; progress++) {
        CHECK(!spin_again(&spin, 1, progress, 2000));
        CHECK(!spin_again(&spin, 1, progress, 2001));
    }
    CHECK(spin_again(&spin, 1, progress, 3000));
}

int main(void) {
    RUN(test_off);
    RUN(test_until_the_limit);
    RUN(test_not_for_nothing_nor_for_many);
    RUN(test_penalty);
    return test_report();
}
