/*
 * The header that a proxy puts before the bytes of a connection (HAProxy's "The PROXY protocol", versions 1 and 2). Pure:
 * called again with the same start and more bytes, it allocates nothing and keeps no pointer. What must be wrong is refused
 * at the first byte that shows it.
 */
#ifndef PROXY_HEADER_H
#define PROXY_HEADER_H

#include <stddef.h>
#include <stdint.h>

#include "ring_layout.h"

#define PROXY_HEADER_MORE 0
#define PROXY_HEADER_BAD (-1)
#define PROXY_HEADER_MAX 4096u /* bytes of a whole header, with the values that nobody reads */

enum proxy_header_kind {
    PROXY_HEADER_LOCAL = 0, /* the proxy speaks for itself, such as to see whether we live */
    PROXY_HEADER_UNKNOWN,   /* it passes on bytes of somebody whom it does not name */
    PROXY_HEADER_ADDRESSES, /* it names both ends */
};

struct proxy_header {
    enum proxy_header_kind kind;
    struct ring_endpoint remote; /* with PROXY_HEADER_ADDRESSES only: the client's end */
    struct ring_endpoint local;  /* and the one that the client had connected to */
};

/*
 * > 0: the bytes of the header; those behind it are the client's. PROXY_HEADER_MORE, or PROXY_HEADER_BAD: also if the
 * checksum that it carries does not fit (version 2, PP2_TYPE_CRC32C). Other values of version 2 are passed over.
 * Addresses of unix sockets are PROXY_HEADER_UNKNOWN.
 */
__attribute__((warn_unused_result)) int proxy_header_parse(const uint8_t *bytes, size_t length,
                                                           struct proxy_header *out);

#endif
