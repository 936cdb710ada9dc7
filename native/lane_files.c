/* Descriptors of the worker's files: received over the wake-up socket, named by events, let go of. docs/design.md 3.9. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "lane.h"
#include "ring_atomic.h"

#define READS_PER_TURN 16 /* of a socket: the rest makes it readable again */

static void discard(struct lane *lane, int fd) {
    if (fd >= 0) {
        lane->params.calls->discard(lane, &fd, 1);
    }
}

/* The descriptor of a control message, -1 without one. There is room for one: the kernel closes any others. */
static int descriptor_of(struct msghdr *message) {
    int fd = -1;
    struct cmsghdr *part = CMSG_FIRSTHDR(message);
    if (part != NULL && part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS &&
        part->cmsg_len >= CMSG_LEN(sizeof(fd))) {
        memcpy(&fd, CMSG_DATA(part), sizeof(fd));
    }
    return fd;
}

static void took(struct lane *lane, int fd, bool truncated) {
    if (fd < 0 && !truncated) {
        return; /* a wake-up */
    }
    if (fd >= 0 && truncated) {
        lane_break(lane, "more than one descriptor at a time", 2, 1);
    } else if (lane->received_count + lane->filing >= RING_LANE_FILES) {
        lane_break(lane, "more files under way than a lane may have", RING_LANE_FILES + 1, RING_LANE_FILES);
    }
    if (lane->broken) {
        discard(lane, fd);
        return;
    }
    /* None and truncated: the gateway has no descriptor left. The worker is not to blame, and its event will name it. */
    lane->received[lane->received_count++] = (struct lane_file){lane->next_file++, fd};
}

/* One read. Returns the bytes, 0 at the end, -errno. */
static ssize_t receive(struct lane *lane) {
    uint8_t bytes[256];
    struct iovec iov = {bytes, sizeof(bytes)};
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(int))];
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    if (!lane->deaf && !lane->broken) {
        message.msg_control = control;
        message.msg_controllen = CMSG_LEN(sizeof(int));
    }
    ssize_t n = recvmsg(lane->params.socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0) {
        return -errno;
    }
    if (message.msg_control != NULL && n > 0) {
        took(lane, descriptor_of(&message), (message.msg_flags & MSG_CTRUNC) != 0);
    }
    return n;
}

bool lane_drain_socket(struct lane *lane) {
    /* A read ends behind a descriptor. Wake-ups do not carry information, and EAGAIN at the peer is harmless. */
    for (int i = 0; i < READS_PER_TURN; i++) {
        uint32_t before = lane->next_file;
        ssize_t n = receive(lane);
        if (n <= 0) {
            return n == -EAGAIN || n == -EINTR;
        }
        if (lane->next_file == before) {
            break;
        }
    }
    return true;
}

/* Takes the descriptor of that number. False: it was never sent, or it was named before. */
static bool take(struct lane *lane, uint32_t number, int *fd) {
    for (;;) {
        for (uint32_t i = 0; i < lane->received_count; i++) {
            if (lane->received[i].number == number) {
                *fd = lane->received[i].fd;
                lane->received[i] = lane->received[--lane->received_count];
                return true;
            }
        }
        /* An honest worker has sent it before its event, so that it lies in the socket. */
        ssize_t n = 0;
        do {
            n = receive(lane);
        } while (n == -EINTR);
        if (n <= 0 || lane->broken || lane->deaf) {
            return false;
        }
    }
}

void lane_file_receive(struct lane *lane, uint32_t index, const struct ring_event *event) {
    struct lane_slot *slot = &lane->slots[index];
    uint64_t offset = (uint64_t)event->file_high << 32 | event->file_low;
    int fd = -1;
    if (slot->filing) {
        lane_break(lane, "a file before the last one was done", event->credit, 1);
        return;
    }
    if (offset > INT64_MAX || event->total > INT64_MAX - offset) {
        lane_break(lane, "a part of a file ends beyond 2^63", event->total, INT64_MAX);
        return;
    }
    if (!take(lane, event->credit, &fd)) {
        lane_break(lane, "a file that was never sent, or was used before", event->credit, lane->next_file);
        return;
    }
    slot->filing = true;
    lane->filing++;
    if (slot->exchange == NULL) {
        struct lane_loan loan;
        lane_file_keep(lane, index, &loan);
        discard(lane, fd);
        lane_file_done(&loan, RING_FILE_CUT);
        return;
    }
    struct lane_message message = {.kind = event->kind,
                                   .slot = index,
                                   .total = event->total,
                                   .head = {.block = RING_NO_BLOCK},
                                   .body = {.block = RING_NO_BLOCK},
                                   .file = fd,
                                   .file_offset = offset};
    lane->params.calls->message(lane, slot->exchange, &message);
}

void lane_file_keep(struct lane *lane, uint32_t index, struct lane_loan *loan) {
    *loan = (struct lane_loan){lane, index};
    lane->slots[index].loan = loan;
}

void lane_file_done(struct lane_loan *loan, uint16_t status) {
    struct lane *lane = loan->lane;
    if (lane == NULL) {
        return;
    }
    struct lane_slot *slot = &lane->slots[loan->slot];
    loan->lane = NULL;
    slot->loan = NULL;
    slot->filing = false;
    lane->filing--;
    if (slot->state == LANE_SLOT_OPEN) {
        slot->file_status = status;
        lane_file_tell(lane, loan->slot);
    } else {
        lane_try_free(lane, loan->slot);
    }
}

void lane_file_tell(struct lane *lane, uint32_t index) {
    struct lane_slot *slot = &lane->slots[index];
    if (slot->file_status == 0 || slot->state != LANE_SLOT_OPEN || lane->broken || lane->deaf ||
        !lane_may_tell(lane, index)) {
        return;
    }
    uint16_t status = slot->file_status;
    slot->file_status = 0;
    lane_tell(lane, index, RING_EVENT_FILE_DONE, status, 0);
}

void lane_files_drop(struct lane *lane) {
    int files[RING_LANE_FILES];
    uint32_t count = 0;
    lane->deaf = true;
    for (uint32_t i = 0; i < lane->received_count; i++) {
        if (lane->received[i].fd >= 0) {
            files[count++] = lane->received[i].fd;
        }
    }
    lane->received_count = 0;
    if (count != 0) {
        lane->params.calls->discard(lane, files, count);
    }
    for (uint32_t i = 0; lane->filing != 0 && i < lane->geometry.exchange_slots; i++) {
        if (lane->slots[i].loan != NULL) {
            lane_file_done(lane->slots[i].loan, RING_FILE_CUT);
        }
    }
}
