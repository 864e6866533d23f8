/* rfc3339.c - dates of the proleptic Gregorian calendar.
 * Days from civil dates as in H. Hinnant, "chrono-compatible low-level date algorithms". */
#include "querygw/api/rfc3339.h"

#include "base/assert.h"

enum { SECONDS_A_DAY = 86400 };

/* Days since 1970-01-01. Years begin in March here, so that a leap day is the last one. */
static int64_t
days_of_date(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    unsigned year_of_era = (unsigned)(year - era * 400);
    unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + (int64_t)day_of_era - 719468;
}

static unsigned
days_in_month(int64_t year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month - 1];
}

/* A cursor that fails once and for all. */
struct text {
    struct str rest;
    bool bad;
};

static bool
next_is_digit(const struct text *t)
{
    return t->rest.n && t->rest.p[0] >= '0' && t->rest.p[0] <= '9';
}

/* Between min_digits and max_digits decimal digits. */
static unsigned
take_number(struct text *t, size_t min_digits, size_t max_digits)
{
    unsigned value = 0;
    size_t n = 0;
    for (; n < max_digits && next_is_digit(t); n++) {
        value = value * 10 + (unsigned)(t->rest.p[0] - '0');
        t->rest = str_skip(t->rest, 1);
    }
    t->bad |= n < min_digits;
    return value;
}

static void
take_char(struct text *t, char c)
{
    if (t->rest.n == 0 || t->rest.p[0] != c)
        t->bad = true;
    else
        t->rest = str_skip(t->rest, 1);
}

/* .123 or ,123; digits behind the ninth are read and ignored. */
static int32_t
take_fraction(struct text *t)
{
    if (t->rest.n < 2 || (t->rest.p[0] != '.' && t->rest.p[0] != ','))
        return 0;
    struct text digits = {str_skip(t->rest, 1), false};
    if (!next_is_digit(&digits))
        return 0;
    int32_t nanos = 0;
    for (size_t n = 0; n < 9 || next_is_digit(&digits); n++) {
        unsigned digit = next_is_digit(&digits) ? take_number(&digits, 1, 1) : 0;
        if (n < 9)
            nanos = nanos * 10 + (int32_t)digit;
    }
    t->rest = digits.rest;
    return nanos;
}

/* Z, +02:00 or -02:00 as seconds east of Greenwich. */
static int64_t
take_offset(struct text *t)
{
    if (t->rest.n && t->rest.p[0] == 'Z') {
        take_char(t, 'Z');
        return 0;
    }
    bool west = t->rest.n && t->rest.p[0] == '-';
    take_char(t, west ? '-' : '+');
    unsigned hours = take_number(t, 2, 2);
    take_char(t, ':');
    unsigned minutes = take_number(t, 2, 2);
    t->bad |= hours > 24 || minutes > 60;
    int64_t seconds = ((int64_t)hours * 60 + minutes) * 60;
    return west ? -seconds : seconds;
}

struct err
rfc3339_parse(struct str s, struct instant *ret_instant)
{
    struct text t = {s, false};
    unsigned year = take_number(&t, 4, 4);
    take_char(&t, '-');
    unsigned month = take_number(&t, 2, 2);
    take_char(&t, '-');
    unsigned day = take_number(&t, 2, 2);
    take_char(&t, 'T');
    unsigned hour = take_number(&t, 1, 2);
    take_char(&t, ':');
    unsigned minute = take_number(&t, 2, 2);
    take_char(&t, ':');
    unsigned second = take_number(&t, 2, 2);
    int32_t nanos = take_fraction(&t);
    int64_t east_s = take_offset(&t);
    if (t.bad || t.rest.n || month < 1 || month > 12 || day < 1 ||
        day > days_in_month(year, month) || hour > 23 || minute > 59 || second > 59)
        return ERR_CODE(ERR_INVALID);
    int64_t of_day = ((int64_t)hour * 60 + minute) * 60 + second;
    ret_instant->unix_s = days_of_date(year, month, day) * SECONDS_A_DAY + of_day - east_s;
    ret_instant->nanos = nanos;
    return OK;
}

void
rfc3339_format(int64_t unix_s, struct buf *to)
{
    int64_t of_day = unix_s % SECONDS_A_DAY;
    of_day += of_day < 0 ? SECONDS_A_DAY : 0;
    int64_t days = (unix_s - of_day) / SECONDS_A_DAY + 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153; /* 0 is March */
    int64_t day = day_of_year - (153 * shifted + 2) / 5 + 1;
    int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
    int64_t year = year_of_era + era * 400 + (month <= 2);
    ASSERT(year >= 0 && year <= 9999);
    buf_printf(to, "%04jd-%02jd-%02jdT%02jd:%02jd:%02jdZ", (intmax_t)year, (intmax_t)month,
               (intmax_t)day, (intmax_t)(of_day / 3600), (intmax_t)(of_day / 60 % 60),
               (intmax_t)(of_day % 60));
}
