/* func_date.c - parts of the date, UTC, of a value in seconds since 1970.
 *
 * The days of the Gregorian calendar are counted in eras of 400 years that begin on a first of
 * March, so that leap days stand at the end of their year. Source of the method: H. Hinnant,
 * chrono-compatible low-level date algorithms. */
#include <math.h>

#include "querygw/promql/func_map.h"

/* Beyond these seconds, as many as an int64 holds, a value is no date: the result is NaN. */
#define DATE_S_MAX 9.2e18

enum {
    DAY_S = 86400,
    ERA_DAYS = 146097,     /* 400 years */
    DAYS_TO_1970 = 719468, /* from the first of March of year 0 */
    DAYS_IN_MARCH_TO_DEC = 306,
};

struct date {
    int64_t year;
    int month, day, day_of_year; /* from 1 */
    int week_day;                /* from 0, a Sunday */
    int second;                  /* of the day */
};

static bool
is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Rounds down, also below 0. */
static int64_t
floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static struct date
date_of_seconds(double seconds)
{
    int64_t s = (int64_t)seconds; /* towards 0, as Go converts */
    int64_t days = floor_div(s, DAY_S);
    struct date d = {.second = (int)(s - days * DAY_S)};
    d.week_day = (int)((days % 7 + 7 + 4) % 7); /* 1970 began on a Thursday */
    int64_t shifted = days + DAYS_TO_1970, era = floor_div(shifted, ERA_DAYS);
    int64_t in_era = shifted - era * ERA_DAYS;
    int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int in_year = (int)(in_era - (365 * year + year / 4 - year / 100)); /* from March on */
    int month = (5 * in_year + 2) / 153;                                /* 0: March */
    d.day = in_year - (153 * month + 2) / 5 + 1;
    d.month = month < 10 ? month + 3 : month - 9;
    d.year = year + era * 400 + (d.month <= 2);
    d.day_of_year = in_year >= DAYS_IN_MARCH_TO_DEC ? in_year - DAYS_IN_MARCH_TO_DEC + 1
                                                    : in_year + 60 + is_leap(d.year);
    return d;
}

static int
days_in_month(const struct date *d)
{
    if (d->month == 2)
        return 28 + is_leap(d->year);
    return d->month == 4 || d->month == 6 || d->month == 9 || d->month == 11 ? 30 : 31;
}

/* Defines map_<name>(): `result` in terms of the date d. */
#define MAP_DATE(name, result)                                                                     \
    void map_##name(struct column *c, const double *const *args)                                   \
    {                                                                                              \
        (void)args;                                                                                \
        for (size_t i = c->begin; i < c->end; i++) {                                               \
            if (!(fabs(c->values[i]) <= DATE_S_MAX)) {                                             \
                c->values[i] = NAN;                                                                \
                continue;                                                                          \
            }                                                                                      \
            struct date d = date_of_seconds(c->values[i]);                                         \
            c->values[i] = (double)(result);                                                       \
        }                                                                                          \
    }

MAP_DATE(minute, d.second / 60 % 60)
MAP_DATE(hour, d.second / 3600)
MAP_DATE(day_of_week, d.week_day)
MAP_DATE(day_of_month, d.day)
MAP_DATE(day_of_year, d.day_of_year)
MAP_DATE(days_in_month, days_in_month(&d))
MAP_DATE(month, d.month)
MAP_DATE(year, d.year)
