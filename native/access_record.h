/* What the access log tells of a request, as a loop hands it to Go: this head, then the texts one behind the other. */
#ifndef ACCESS_RECORD_H
#define ACCESS_RECORD_H

#include <stdint.h>

#include "ring_layout.h"

#define ACCESS_ALIGN 8u /* of records in a queue */
#define ACCESS_UNKNOWN UINT64_MAX

enum access_text {
    ACCESS_METHOD = 0,
    ACCESS_TARGET,
    ACCESS_HOST,
    ACCESS_REFERER,
    ACCESS_AGENT,
    ACCESS_REQUEST_ID, /* last: it may be known later than the others */
    ACCESS_TEXTS,
};

/* Who gave the answer. */
enum access_origin {
    ACCESS_BY_GATEWAY = 0, /* a refusal, or that no worker could answer */
    ACCESS_BY_NATIVE_PATH,
    ACCESS_BY_STATIC_FILE,
    ACCESS_BY_WORKER,
};

enum access_end {
    ACCESS_COMPLETE = 0, /* all of the answer was handed to the kernel */
    ACCESS_CLIENT_GONE,  /* the client closed the connection, or took nothing for too long */
    ACCESS_CUT,          /* the gateway ended it: the answer failed half way, or was not given any more */
};

struct access_record {
    uint32_t size;   /* bytes, texts included */
    uint16_t status; /* 0: no answer was begun */
    uint8_t version; /* major * 16 + minor; 0: no head was understood */
    uint8_t origin;  /* enum access_origin */
    uint8_t end;     /* enum access_end */
    uint8_t retried; /* a second worker got the request after the first had died with it */
    uint8_t shortened;
    uint8_t unused;
    struct ring_endpoint client;
    uint64_t start_ns;   /* CLOCK_MONOTONIC: the head was complete */
    uint64_t queue_ns;   /* from there until the handler started; ACCESS_UNKNOWN if none did or did not say when */
    uint64_t handler_ns; /* from there until the head of the answer was here */
    uint64_t total_ns;   /* from the start until the last byte was handed to the kernel, or the end came */
    uint64_t received;   /* bytes of the request's body */
    uint64_t sent;       /* bytes of the answer */
    uint64_t sent_body;  /* of them, those behind its head: framing of chunks included */
    uint64_t worker;     /* that got the request last; 0: none did */
    uint16_t lengths[ACCESS_TEXTS];
    uint16_t unused2[2];
};
_Static_assert(sizeof(struct access_record) == 112, "no padding: records are copied as bytes");

#endif
