/*
 * What a request path names below a static site. Pure.
 *
 * One name for each file: an empty segment, an escaped "/" and a backslash name nothing. A segment that begins with "." names
 * nothing either, and with that no dot segment does; ".well-known" (RFC 8615) is let through at the top of the origin.
 */
#ifndef STATIC_PATH_H
#define STATIC_PATH_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Decodes bytes[0..length), the path behind the site's prefix ("" or from its "/" on), once (RFC 3986 2.1) into the zero-ended
 * `out` of at least length + 1 bytes: "", "a/b" or, where the path ends in "/", "a/b/"; then *directory is set, also for "/".
 * top: the site's prefix is "/". Returns 0, -400 (not a path: bad escape or NUL) or -404.
 */
__attribute__((warn_unused_result)) int static_path_decode(const uint8_t *bytes, uint32_t length, bool top, char *out,
                                                           bool *directory);

/* Whether the path is the prefix or lies below it; prefix without a "/" at its end, "" for all. */
bool static_path_has_prefix(const uint8_t *path, uint32_t length, const char *prefix, uint32_t prefix_length);

/* What stands behind the last "." of the last segment; "" if there is none, or nothing before it. */
const char *static_path_extension(const char *path);

#endif
