#include "static_date.h"

#include <stdio.h>
#include <string.h>

#define DAY 86400

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char days[] = "SunMonTueWedThuFriSat";
static const char *const long_days[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

struct cursor {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

static void literal(struct cursor *c, const char *text) {
    size_t length = strlen(text);
    if (c->failed || (size_t)(c->end - c->at) < length || memcmp(c->at, text, length) != 0) {
        c->failed = true;
        return;
    }
    c->at += length;
}

static int digits(struct cursor *c, int count) {
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (c->failed || c->at == c->end || *c->at < '0' || *c->at > '9') {
            c->failed = true;
            return 0;
        }
        value = value * 10 + (*c->at++ - '0');
    }
    return value;
}

/* The index of one of `count` names of three letters. */
static int name(struct cursor *c, const char *names, int count) {
    for (int i = 0; !c->failed && c->end - c->at >= 3 && i < count; i++) {
        if (memcmp(c->at, names + (size_t)i * 3, 3) == 0) {
            c->at += 3;
            return i;
        }
    }
    c->failed = true;
    return 0;
}

struct fields {
    int year, month, day; /* month from 0 */
    int hour, minute, second;
};

static void clock_time(struct cursor *c, struct fields *f) {
    f->hour = digits(c, 2);
    literal(c, ":");
    f->minute = digits(c, 2);
    literal(c, ":");
    f->second = digits(c, 2);
}

/* Days since 1970 of a day of the proleptic Gregorian calendar; the year begins in March, so that leap days are its last. */
static int64_t days_of(int year, int month, int day) {
    int64_t y = month < 2 ? year - 1 : year;
    int64_t m = (month + 10) % 12;
    return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719468;
}

static bool is_leap(int year) {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static bool to_seconds(const struct fields *f, int64_t *seconds) {
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int length = lengths[f->month] + (f->month == 1 && is_leap(f->year));
    if (f->day < 1 || f->day > length || f->hour > 23 || f->minute > 59 || f->second > 60 || f->year < 1) {
        return false;
    }
    *seconds = days_of(f->year, f->month, f->day) * DAY + (f->hour * INT64_C(60) + f->minute) * 60 + f->second;
    return true;
}

static bool is_over(const struct cursor *c) {
    return !c->failed && c->at == c->end;
}

/* Sun, 06 Nov 1994 08:49:37 GMT */
static bool parse_fixdate(struct cursor c, struct fields *f) {
    (void)name(&c, days, 7);
    literal(&c, ", ");
    f->day = digits(&c, 2);
    literal(&c, " ");
    f->month = name(&c, months, 12);
    literal(&c, " ");
    f->year = digits(&c, 4);
    literal(&c, " ");
    clock_time(&c, f);
    literal(&c, " GMT");
    return is_over(&c);
}

/* Sunday, 06-Nov-94 08:49:37 GMT */
static bool parse_rfc850(struct cursor c, int64_t now, struct fields *f) {
    size_t length = 0;
    for (int i = 0; i < 7 && length == 0; i++) {
        size_t n = strlen(long_days[i]);
        length = (size_t)(c.end - c.at) > n && memcmp(c.at, long_days[i], n) == 0 ? n : 0;
    }
    c.failed = length == 0;
    c.at += length;
    literal(&c, ", ");
    f->day = digits(&c, 2);
    literal(&c, "-");
    f->month = name(&c, months, 12);
    literal(&c, "-");
    int year = digits(&c, 2);
    literal(&c, " ");
    clock_time(&c, f);
    literal(&c, " GMT");
    int this_year = 1970 + (int)(now / (DAY * 365 + DAY / 4));
    f->year = this_year - this_year % 100 + 100 + year;
    while (f->year > this_year + 50) {
        f->year -= 100;
    }
    return is_over(&c);
}

/* Sun Nov  6 08:49:37 1994 */
static bool parse_asctime(struct cursor c, struct fields *f) {
    (void)name(&c, days, 7);
    literal(&c, " ");
    f->month = name(&c, months, 12);
    literal(&c, " ");
    if (!c.failed && c.at != c.end && *c.at == ' ') {
        c.at++;
        f->day = digits(&c, 1);
    } else {
        f->day = digits(&c, 2);
    }
    literal(&c, " ");
    clock_time(&c, f);
    literal(&c, " ");
    f->year = digits(&c, 4);
    return is_over(&c);
}

bool static_date_parse(const uint8_t *text, size_t length, int64_t now, int64_t *seconds) {
    struct cursor c = {text, text + length, false};
    struct fields f = {0};
    return (parse_fixdate(c, &f) || parse_rfc850(c, now, &f) || parse_asctime(c, &f)) && to_seconds(&f, seconds);
}

void static_date_format(int64_t seconds, char out[STATIC_DATE_LENGTH + 1]) {
    int64_t day = seconds / DAY;
    int second = (int)(seconds % DAY);
    int64_t z = day + 719468; /* as in days_of, backwards */
    int64_t era = z / 146097;
    int64_t of_era = z - era * 146097;
    int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t m = (5 * of_year + 2) / 153;
    int64_t month = (m + 2) % 12;
    int64_t year = year_of_era + era * 400 + (month < 2);
    char text[96]; /* what the compiler thinks that the numbers may need */
    snprintf(text, sizeof(text), "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", days + (day + 4) % 7 * 3,
             (int)(of_year - (m * 153 + 2) / 5 + 1), months + month * 3, (int)year, second / 3600, second / 60 % 60,
             second % 60);
    memcpy(out, text, STATIC_DATE_LENGTH);
    out[STATIC_DATE_LENGTH] = 0;
}
