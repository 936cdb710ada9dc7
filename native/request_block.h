/* Writes the request block of ring_layout.h. */
#ifndef REQUEST_BLOCK_H
#define REQUEST_BLOCK_H

#include <stdint.h>

#include "ring_layout.h"

/* A parsed request of any protocol; spans count from `bytes`. */
struct request_view {
    const uint8_t *bytes;
    uint32_t bytes_length;
    const uint8_t *tail; /* more bytes: they follow those, and spans count on */
    uint32_t tail_length;
    struct ring_request_head head; /* all but size; spans count from `bytes` */
    const struct ring_field *fields;
};

/* Bytes of the block for a view (without body). Precondition: bytes_length and field count within the parser's limits. */
uint32_t request_block_size(const struct request_view *view);
/* Fills memory[0 .. request_block_size). */
void request_block_write(const struct request_view *view, uint8_t *memory);

#endif
