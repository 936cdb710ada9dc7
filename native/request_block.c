#include "request_block.h"

#include <string.h>

uint32_t request_block_size(const struct request_view *view) {
    return (uint32_t)sizeof(struct ring_request_head) + view->head.header_count * (uint32_t)sizeof(struct ring_field) +
           view->bytes_length + view->tail_length;
}

void request_block_write(const struct request_view *view, uint8_t *memory) {
    uint32_t count = view->head.header_count;
    uint32_t base = (uint32_t)sizeof(struct ring_request_head) + count * (uint32_t)sizeof(struct ring_field);

    struct ring_request_head head = view->head;
    head.size = base + view->bytes_length + view->tail_length;
    head.method_name.offset += base;
    head.target.offset += base;
    head.path.offset += base;
    head.query.offset += base;
    head.authority.offset += base;
    memcpy(memory, &head, sizeof(head));

    struct ring_field *fields = (struct ring_field *)(void *)(memory + sizeof(head));
    for (uint32_t i = 0; i < count; i++) {
        struct ring_field field = view->fields[i];
        field.name_offset += base;
        field.value_offset += base;
        fields[i] = field;
    }
    memcpy(memory + base, view->bytes, view->bytes_length);
    if (view->tail_length != 0) {
        memcpy(memory + base + view->bytes_length, view->tail, view->tail_length);
    }
}
