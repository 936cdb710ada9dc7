/* HTTP-date of RFC 9110 5.6.7. Pure. */
#ifndef STATIC_DATE_H
#define STATIC_DATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STATIC_DATE_LENGTH 29u

/*
 * Any of the three formats, as seconds since 1970 (UTC). now: for the two-digit year of RFC 850, which is at most 50 years ahead.
 * False: not a date. The day's name is not compared with the date.
 */
bool static_date_parse(const uint8_t *text, size_t length, int64_t now, int64_t *seconds);

/* IMF-fixdate of a time between the years 1970 and 9999; STATIC_DATE_LENGTH bytes and a zero. */
void static_date_format(int64_t seconds, char out[STATIC_DATE_LENGTH + 1]);

#endif
