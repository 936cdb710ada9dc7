/*
 * HTTP/1.x request heads: bytes in, offset/length index out (RFC 9112 sections 2-6, strict as docs/design.md says).
 *
 * Contract: the caller owns all memory, the parser allocates nothing and keeps no pointer. h1_parse_request returns
 *   > 0                the bytes of the complete head, its final empty line (and skipped empty lines before) included;
 *   H1_MORE (0)        the head is incomplete: call again with the same start and more bytes;
 *   < 0                -status: the head is refused; answer with that status and close.
 * Work is linear in the bytes received over all calls for one head: struct h1_parser remembers how far it came.
 * `out` means something only after a result > 0; it need not be the same memory in every call for one head, so one per
 * loop is enough. The bytes may move between calls, but those already given must not change.
 */
#ifndef H1_PARSER_H
#define H1_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ring_layout.h"

#define H1_MORE 0
#define H1_MAX_FIELDS 256u

/* Refusals with one status have different causes; the reason tells which, for counters and logs. */
enum h1_reason {
    H1_REASON_NONE = 0,
    H1_REASON_LINE_TOO_LONG,  /* 414 */
    H1_REASON_HEAD_TOO_LARGE, /* 431: bytes, fields, or more than 32 other names in Connection */
    H1_REASON_BAD_LINE_END,   /* bare CR, bare LF */
    H1_REASON_BAD_METHOD,
    H1_REASON_BAD_TARGET,
    H1_REASON_BAD_VERSION, /* 400, or 505 for another major version */
    H1_REASON_BAD_FIELD_NAME,
    H1_REASON_BAD_FIELD_VALUE,
    H1_REASON_OBS_FOLD,
    H1_REASON_BAD_HOST, /* missing, repeated or invalid */
    H1_REASON_BAD_CONTENT_LENGTH,
    H1_REASON_BAD_TRANSFER_ENCODING, /* 400, or 501 for an unknown coding before chunked */
    H1_REASON_LENGTH_AND_ENCODING,
    H1_REASON_UNSUPPORTED_METHOD, /* 501: CONNECT */
    H1_REASON_BAD_EXPECTATION,    /* 417 */
    H1_REASON_BAD_CHUNK,          /* body: chunk size, extension or line end */
    H1_REASON_BAD_TRAILER,        /* 431: bytes or fields */
    /* Those below are not the parser's. */
    H1_REASON_BODY_TOO_LARGE,  /* 413 */
    H1_REASON_INCOMPLETE,      /* the client ended its side within a body */
    H1_REASON_NOT_SECURED,     /* 421: https without TLS, from a peer that nobody vouches for */
    H1_REASON_HEAD_TIMEOUT,    /* 408 */
    H1_REASON_BODY_TIMEOUT,    /* 408 */
    H1_REASON_CONNECTIONS,     /* 503: too many, in total */
    H1_REASON_CLIENT,          /* 503: too many connections of one client */
    H1_REASON_STREAMS,         /* 503: too many upgraded connections of one worker */
    H1_REASON_NO_WORKER,       /* 503: none for too long, or too many wait */
    H1_REASON_HANDLER_TIMEOUT, /* 504 */
    H1_REASON_WORKER_FAILED,   /* 502 */
    H1_REASON_BAD_ANSWER,      /* 502 */
    H1_REASON_PROXY_HEADER,    /* closed: a connection of a proxy does not begin as it should */
    H1_REASON_NOT_TRUSTED,     /* closed: not a proxy that is trusted */
    H1_REASON_COUNT
};

struct h1_limits {
    uint32_t line_bytes;   /* request line, without its CRLF */
    uint32_t head_bytes;   /* all field lines with their CRLFs */
    uint32_t fields;       /* <= H1_MAX_FIELDS */
    bool keep_underscores; /* otherwise field names with an underscore are left out of the index */
};

/* Zero it before the first call for a head. Private to the parser. */
struct h1_parser {
    uint32_t scanned;    /* bytes looked at for a line end */
    uint32_t line_start; /* of the line that is not complete yet */
    uint32_t head_start; /* after skipped empty lines; offsets of the result count from the caller's first byte */
    uint32_t fields_start;
    uint32_t seen_fields; /* also those left out of the index */
    uint8_t state;        /* private */
    uint8_t empty_lines;
    uint16_t reason; /* enum h1_reason after a refusal */
    uint32_t flags;  /* what framing and routing fields were seen */
};

/*
 * What was parsed. Offsets count from the first byte given. fields[] holds end-to-end fields only, in order: hop-by-hop
 * fields (RFC 9110 7.6.1: Connection, those it names, Keep-Alive, Proxy-Connection, TE, Transfer-Encoding, Upgrade) are
 * left out, save that with `upgrade` the Upgrade and Connection fields are kept. Content-Length and Host are always kept.
 */
struct h1_request {
    enum ring_method method;
    uint8_t version;   /* 0x10 or 0x11 */
    uint8_t body_kind; /* RING_BODY_*; NONE also with Content-Length: 0 */
    bool keep_alive;
    bool expect_continue;    /* a body follows, HTTP/1.1, and the client may wait for 100 */
    bool https;              /* the target is an https URI */
    bool upgrade;            /* Connection: upgrade and an Upgrade field, HTTP/1.1 */
    uint64_t content_length; /* 0 without a body; RING_LENGTH_UNKNOWN when chunked */
    struct ring_span method_name;
    struct ring_span target;
    struct ring_span path;      /* starts with "/" (of absolute-form without a path: only that), or is "*" */
    struct ring_span query;     /* without "?" */
    struct ring_span authority; /* of absolute-form, else the Host value (valid, may be empty), else length 0 */
    uint32_t field_count;
    struct ring_field fields[H1_MAX_FIELDS + 1]; /* one to spare, for a field that the gateway adds */
};

__attribute__((warn_unused_result)) int h1_parse_request(struct h1_parser *parser, const uint8_t *bytes, size_t length,
                                                         const struct h1_limits *limits, struct h1_request *out);

/* Whether the method is known to be HEAD, be the rest of the head refused or not there yet. */
bool h1_is_head(const struct h1_parser *parser);

/* The id of a field name, any case; RING_NAME_OTHER if it is not well known. */
uint16_t h1_name_id(const uint8_t *name, size_t length);

/* tchar of RFC 9110 5.6.2 / a byte allowed in a field value (RFC 9110 5.5: VCHAR, obs-text, SP, HTAB). */
bool h1_is_token(const uint8_t *bytes, size_t length);
bool h1_is_field_value(const uint8_t *bytes, size_t length);

/* A short fixed text for an answer body or a log line. */
const char *h1_reason_text(enum h1_reason reason);

#endif
