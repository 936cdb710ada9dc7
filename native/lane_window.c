/*
 * Response windows (docs/design.md 3.6). Every open slot owns RING_BASE_WINDOW; beyond it windows grow while there is plenty
 * and shrink when there is little. Invariant: window + spent + pending == share for an open slot, and the shares beyond the base,
 * plus what ended slots still hold beyond it, add up to lane->extra <= lane->extra_max.
 */
#include "lane.h"
#include "ring_atomic.h"

static uint32_t whole_units(uint64_t bytes) {
    return (uint32_t)(bytes / RING_UNIT * RING_UNIT);
}

static uint64_t extra_left(const struct lane *lane) {
    return lane->extra_max - lane->extra;
}

void lane_window_open(struct lane *lane, struct lane_slot *slot) {
    uint64_t grant = extra_left(lane) / 8;
    if (grant > LANE_FIRST_WINDOW - RING_BASE_WINDOW) {
        grant = LANE_FIRST_WINDOW - RING_BASE_WINDOW;
    }
    slot->share = RING_BASE_WINDOW + whole_units(grant);
    slot->window = slot->share;
    lane->extra += slot->share - RING_BASE_WINDOW;
}

bool lane_window_spend(struct lane *lane, struct lane_slot *slot, uint32_t bytes) {
    if (bytes > slot->window) {
        lane_break(lane, "more response window used than was granted", bytes, slot->window);
        return false;
    }
    slot->window -= bytes;
    slot->spent += bytes;
    slot->refused = false;
    return true;
}

static void change_share(struct lane *lane, struct lane_slot *slot, uint32_t share) {
    lane->freed |= share < slot->share;
    lane->extra = lane->extra - (slot->share - RING_BASE_WINDOW) + (share - RING_BASE_WINDOW);
    slot->share = share;
}

/* Grows or shrinks a share at the moment when `pending` bytes are to be credited again. */
static void adapt_share(struct lane *lane, struct lane_slot *slot) {
    uint64_t left = extra_left(lane);
    if (left > lane->extra_max / 2 && slot->share < LANE_RESPONSE_WINDOW && slot->pending * 2 >= slot->share) {
        uint64_t grow = left / 8 < slot->share ? left / 8 : slot->share;
        if (grow > LANE_RESPONSE_WINDOW - slot->share) {
            grow = LANE_RESPONSE_WINDOW - slot->share;
        }
        slot->pending += whole_units(grow);
        change_share(lane, slot, slot->share + whole_units(grow));
    } else if (left < lane->extra_max / 8 && slot->share > RING_BASE_WINDOW) {
        uint32_t target = whole_units(slot->share / 2);
        if (target < RING_BASE_WINDOW) {
            target = RING_BASE_WINDOW;
        }
        uint32_t shrink = slot->share - target;
        if (shrink > slot->pending) {
            shrink = slot->pending;
        }
        slot->pending -= shrink;
        change_share(lane, slot, slot->share - shrink);
    }
}

/* A WANT that sent blocks cannot satisfy is met from the common rest, as far as it goes. */
static void meet_want(struct lane *lane, struct lane_slot *slot) {
    uint32_t have = slot->window + slot->pending;
    if (slot->wanted > have && slot->spent == 0 && slot->wanted - have <= extra_left(lane)) {
        uint32_t more = slot->wanted - have;
        slot->pending += more;
        change_share(lane, slot, slot->share + more);
    }
}

void lane_tell(struct lane *lane, uint32_t index, uint8_t kind, uint16_t status, uint32_t credit) {
    struct lane_slot *slot = &lane->slots[index];
    struct ring_event event = {.kind = kind,
                               .status = status,
                               .exchange = index,
                               .generation = slot->generation,
                               .credit = credit,
                               .head_block = RING_NO_BLOCK,
                               .body_block = RING_NO_BLOCK,
                               .total = RING_LENGTH_UNKNOWN};
    lane_publish(lane, &event);
    slot->credit_position = lane->in_tail;
    if (slot->control_position < lane->in_tail) {
        slot->control_position = lane->in_tail;
    }
}

bool lane_may_tell(struct lane *lane, uint32_t index) {
    struct lane_slot *slot = &lane->slots[index];
    if (slot->credit_position <= lane->in_head) {
        return true;
    }
    lane_refresh_in_head(lane);
    if (slot->credit_position > lane->in_head && !slot->uncredited) {
        slot->uncredited = true;
        lane->uncredited[lane->uncredited_count++] = index;
    }
    return slot->credit_position <= lane->in_head;
}

static void try_credit(struct lane *lane, uint32_t index) {
    struct lane_slot *slot = &lane->slots[index];
    if (slot->state != LANE_SLOT_OPEN || slot->holding || lane->broken) {
        return;
    }
    if (slot->wanted != 0) {
        meet_want(lane, slot);
    }
    /* Half a window at a time, so that a stream of small blocks does not cost a CREDIT each; sooner if the worker asks. */
    bool due = slot->pending != 0 && (slot->pending * 2 >= slot->share ||
                                      (slot->wanted != 0 && slot->window + slot->pending >= slot->wanted));
    /* Nothing more comes back by itself: the worker is told, if only by a CREDIT of nothing, so that it makes do with less. */
    bool refuse = !due && slot->wanted != 0 && slot->spent == 0 && !slot->refused;
    if (!due && !refuse) {
        return;
    }
    if (!lane_may_tell(lane, index)) {
        return;
    }
    if (slot->wanted == 0) {
        adapt_share(lane, slot);
    }
    if (slot->pending == 0 && !refuse) {
        return;
    }
    uint32_t credit = slot->pending;
    slot->window += slot->pending;
    slot->pending = 0;
    slot->refused = refuse;
    slot->wanted = 0; /* answered; who still lacks something asks again */
    lane_tell(lane, index, RING_EVENT_CREDIT, 0, credit);
}

bool lane_nudge(struct lane *lane, uint32_t index) {
    struct lane_slot *slot = &lane->slots[index];
    if (slot->state != LANE_SLOT_OPEN || slot->wanted != 0 || slot->credit_position > lane->in_head) {
        return false;
    }
    lane_tell(lane, index, RING_EVENT_CREDIT, 0, 0);
    return true;
}

/* The length of a response is known as it begins: a long one gets room for more of it without asking. */
void lane_window_expect(struct lane *lane, uint32_t index, uint64_t total) {
    struct lane_slot *slot = &lane->slots[index];
    uint64_t share = total < LANE_RESPONSE_WINDOW ? total : LANE_RESPONSE_WINDOW;
    if (share <= slot->share) {
        return;
    }
    uint64_t grow = extra_left(lane) / 8;
    if (grow > share - slot->share) {
        grow = share - slot->share;
    }
    slot->pending += whole_units(grow);
    change_share(lane, slot, slot->share + whole_units(grow));
    try_credit(lane, index);
}

void lane_window_want(struct lane *lane, uint32_t index, uint32_t bytes) {
    struct lane_slot *slot = &lane->slots[index];
    if (bytes > RING_MAX_BLOCK) {
        lane_break(lane, "WANT asks for more than the largest block", bytes, RING_MAX_BLOCK);
        return;
    }
    if (slot->window >= bytes) {
        return; /* credit was under way already */
    }
    slot->wanted = bytes;
    try_credit(lane, index);
    if (slot->wanted != 0 && !slot->wanting) {
        slot->wanting = true;
        lane->wanting[lane->wanting_count++] = index;
    }
}

void lane_window_return(struct lane *lane, uint32_t index, uint32_t bytes) {
    struct lane_slot *slot = &lane->slots[index];
    slot->spent -= bytes;
    if (slot->state == LANE_SLOT_OPEN) {
        slot->pending += bytes;
        try_credit(lane, index);
        return;
    }
    /* An ended slot gives up its share as its blocks come home. */
    uint32_t share = slot->spent > RING_BASE_WINDOW ? slot->spent : RING_BASE_WINDOW;
    if (share < slot->share) {
        change_share(lane, slot, share);
    }
    lane_try_free(lane, index);
}

void lane_window_close(struct lane *lane, struct lane_slot *slot) {
    slot->window = 0;
    slot->pending = 0;
    slot->wanted = 0;
    change_share(lane, slot, slot->spent > RING_BASE_WINDOW ? slot->spent : RING_BASE_WINDOW);
}

void lane_window_settle(struct lane *lane) {
    uint32_t count = lane->uncredited_count;
    for (uint32_t i = 0; i < count;) {
        uint32_t index = lane->uncredited[i];
        if (lane->slots[index].credit_position > lane->in_head) {
            i++;
            continue;
        }
        lane->slots[index].uncredited = false;
        lane->uncredited[i] = lane->uncredited[--lane->uncredited_count];
        count--;
        lane_file_tell(lane, index);
        try_credit(lane, index);
    }
    for (uint32_t i = 0; i < lane->wanting_count;) {
        struct lane_slot *slot = &lane->slots[lane->wanting[i]];
        if (slot->wanted != 0) {
            try_credit(lane, lane->wanting[i]);
        }
        if (slot->wanted != 0) {
            i++;
            continue;
        }
        slot->wanting = false;
        lane->wanting[i] = lane->wanting[--lane->wanting_count];
    }
}

void lane_hold_credit(struct lane *lane, uint32_t index, bool hold) {
    lane->slots[index].holding = hold;
    if (!hold) {
        try_credit(lane, index);
    }
}

bool lane_under_pressure(const struct lane *lane) {
    return lane->free_count == 0 || lane->wanting_count != 0 || extra_left(lane) < lane->extra_max / 16;
}
