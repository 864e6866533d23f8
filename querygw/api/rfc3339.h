/* rfc3339.h - instants as text, in the forms that Go's time package reads and writes.
 * Pure functions. */
#pragma once
#include "base/err.h"
#include "base/str.h"

/* An instant: seconds since 1970 and 0 <= nanos < 10^9. */
struct instant {
    int64_t unix_s;
    int32_t nanos;
};

/* time.Parse(time.RFC3339Nano): 2023-11-14T22:13:20.5+02:00; also a one-digit hour, a comma
 * before the fraction, offsets of up to 24:60. ERR_INVALID without a message. */
struct err rfc3339_parse(struct str text, struct instant *ret_instant);
/* 2023-11-14T22:13:20Z, in UTC, without a fraction; years 0 to 9999. */
void rfc3339_format(int64_t unix_s, struct buf *to);
