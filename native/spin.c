#include "spin.h"

#define FEW_EXCHANGES 2
#define PENALTY 32

bool spin_again(struct spin *spin, uint32_t open, uint64_t progress, uint64_t now_ns) {
    if (spin->limit_ns == 0) {
        return false;
    }
    if (progress != spin->progress) {
        spin->progress = progress;
        spin->until_ns = 0;
        if (spin->penalty != 0) {
            spin->penalty--;
        }
    }
    if (open == 0 || open > FEW_EXCHANGES || spin->penalty != 0) {
        return false;
    }
    if (spin->until_ns == 0) {
        spin->until_ns = now_ns + spin->limit_ns;
    }
    if (now_ns < spin->until_ns) {
        return true;
    }
    spin->penalty = PENALTY;
    return false;
}
