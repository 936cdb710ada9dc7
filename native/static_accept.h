/* Which content coding a client wants (RFC 9110 12.5.3). Pure. */
#ifndef STATIC_ACCEPT_H
#define STATIC_ACCEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "static_condition.h"

enum static_coding {
    STATIC_IDENTITY = 0,
    STATIC_GZIP,
    STATIC_BR,
    STATIC_CODINGS,
    STATIC_NOT_ACCEPTABLE = STATIC_CODINGS,
};

/* The best of the available codings; br before gzip before identity where the client makes no difference. */
enum static_coding static_accept(struct static_text field, bool present, const bool available[STATIC_CODINGS]);

#endif
