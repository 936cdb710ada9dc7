/*
 * Well-known field names. The number is the `id` of a struct ring_field or ring_list_entry and part of the layout
 * version: numbers are only ever appended. Go mirrors the table in ring/names.go; a test compares both.
 */
#ifndef RING_NAMES_H
#define RING_NAMES_H

/* X(id, identifier, lower-case name, name as written on an HTTP/1.1 wire) */
#define RING_NAMES(X)                                                                       \
    X(1, HOST, "host", "Host")                                                              \
    X(2, CONNECTION, "connection", "Connection")                                            \
    X(3, CONTENT_LENGTH, "content-length", "Content-Length")                                \
    X(4, TRANSFER_ENCODING, "transfer-encoding", "Transfer-Encoding")                       \
    X(5, TE, "te", "Te")                                                                    \
    X(6, TRAILER, "trailer", "Trailer")                                                     \
    X(7, UPGRADE, "upgrade", "Upgrade")                                                     \
    X(8, KEEP_ALIVE, "keep-alive", "Keep-Alive")                                            \
    X(9, PROXY_CONNECTION, "proxy-connection", "Proxy-Connection")                          \
    X(10, EXPECT, "expect", "Expect")                                                       \
    X(11, CONTENT_TYPE, "content-type", "Content-Type")                                     \
    X(12, CONTENT_ENCODING, "content-encoding", "Content-Encoding")                         \
    X(13, CONTENT_RANGE, "content-range", "Content-Range")                                  \
    X(14, CONTENT_LANGUAGE, "content-language", "Content-Language")                         \
    X(15, CONTENT_DISPOSITION, "content-disposition", "Content-Disposition")                \
    X(16, DATE, "date", "Date")                                                             \
    X(17, SERVER, "server", "Server")                                                       \
    X(18, ACCEPT, "accept", "Accept")                                                       \
    X(19, ACCEPT_ENCODING, "accept-encoding", "Accept-Encoding")                            \
    X(20, ACCEPT_LANGUAGE, "accept-language", "Accept-Language")                            \
    X(21, ACCEPT_RANGES, "accept-ranges", "Accept-Ranges")                                  \
    X(22, USER_AGENT, "user-agent", "User-Agent")                                           \
    X(23, REFERER, "referer", "Referer")                                                    \
    X(24, ORIGIN, "origin", "Origin")                                                       \
    X(25, COOKIE, "cookie", "Cookie")                                                       \
    X(26, SET_COOKIE, "set-cookie", "Set-Cookie")                                           \
    X(27, AUTHORIZATION, "authorization", "Authorization")                                  \
    X(28, CACHE_CONTROL, "cache-control", "Cache-Control")                                  \
    X(29, PRAGMA, "pragma", "Pragma")                                                       \
    X(30, ETAG, "etag", "Etag")                                                             \
    X(31, LAST_MODIFIED, "last-modified", "Last-Modified")                                  \
    X(32, IF_MATCH, "if-match", "If-Match")                                                 \
    X(33, IF_NONE_MATCH, "if-none-match", "If-None-Match")                                  \
    X(34, IF_MODIFIED_SINCE, "if-modified-since", "If-Modified-Since")                      \
    X(35, IF_UNMODIFIED_SINCE, "if-unmodified-since", "If-Unmodified-Since")                \
    X(36, IF_RANGE, "if-range", "If-Range")                                                 \
    X(37, RANGE, "range", "Range")                                                          \
    X(38, LOCATION, "location", "Location")                                                 \
    X(39, VARY, "vary", "Vary")                                                             \
    X(40, EXPIRES, "expires", "Expires")                                                    \
    X(41, AGE, "age", "Age")                                                                \
    X(42, ALLOW, "allow", "Allow")                                                          \
    X(43, LINK, "link", "Link")                                                             \
    X(44, RETRY_AFTER, "retry-after", "Retry-After")                                        \
    X(45, WWW_AUTHENTICATE, "www-authenticate", "Www-Authenticate")                         \
    X(46, X_FORWARDED_FOR, "x-forwarded-for", "X-Forwarded-For")                            \
    X(47, X_FORWARDED_PROTO, "x-forwarded-proto", "X-Forwarded-Proto")                      \
    X(48, X_FORWARDED_HOST, "x-forwarded-host", "X-Forwarded-Host")                         \
    X(49, FORWARDED, "forwarded", "Forwarded")                                              \
    X(50, X_REQUEST_ID, "x-request-id", "X-Request-Id")                                     \
    X(51, TRACEPARENT, "traceparent", "Traceparent")                                        \
    X(52, TRACESTATE, "tracestate", "Tracestate")                                           \
    X(53, X_CONTENT_TYPE_OPTIONS, "x-content-type-options", "X-Content-Type-Options")       \
    X(54, SEC_WEBSOCKET_KEY, "sec-websocket-key", "Sec-Websocket-Key")                      \
    X(55, SEC_WEBSOCKET_VERSION, "sec-websocket-version", "Sec-Websocket-Version")          \
    X(56, SEC_WEBSOCKET_PROTOCOL, "sec-websocket-protocol", "Sec-Websocket-Protocol")       \
    X(57, SEC_WEBSOCKET_EXTENSIONS, "sec-websocket-extensions", "Sec-Websocket-Extensions") \
    X(58, SEC_WEBSOCKET_ACCEPT, "sec-websocket-accept", "Sec-Websocket-Accept")

enum ring_name {
    RING_NAME_OTHER = 0,
#define RING_NAME_ENUM(id, identifier, lower, wire) RING_NAME_##identifier = (id),
    RING_NAMES(RING_NAME_ENUM)
#undef RING_NAME_ENUM
    RING_NAME_COUNT
};

/* No field: the phrase of a status line, see RING_REASON_BYTES. */
#define RING_REASON_NAME ":reason"

#endif
