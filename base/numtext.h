/* numtext.h - floats as text, exactly as Go's strconv reads and writes them.
 *
 * Shortest digits that read back to the same double. Behind it: shortest.h, and
 * std::to_chars and std::from_chars in numtext_shim.cc. Threads: any. */
#pragma once
#include "base/err.h"
#include "base/str.h"

enum { NUMTEXT_BYTES_MAX = 352 }; /* -1.797e308 in plain digits, and room */

/* Each writes at most NUMTEXT_BYTES_MAX bytes at `to`, without a NUL, and returns how many. */

/* FormatFloat(v, 'f', -1, 64): plain digits; NaN, +Inf, -Inf. */
size_t numtext_f(double v, char *to);
/* FormatFloat(v, 'g', -1, 64): exponent form below 1e-4 and from 1e6 on (1e-05, 1e+06). */
size_t numtext_g(double v, char *to);
/* FormatFloat(v, 'e', -1, 64) */
size_t numtext_e(double v, char *to);
/* A sample value in API answers: 'f', but 'e' when 0 < |v| < 1e-6 or |v| >= 1e21. */
size_t numtext_api(double v, char *to);

/* The digits of a whole number, at most NUMTEXT_U64_BYTES_MAX. */
enum { NUMTEXT_U64_BYTES_MAX = 20 };
size_t numtext_u64(uint64_t v, char *to);
/* 0042; below 10000. */
void numtext_four_digits(unsigned v, char to[4]);

/* ParseFloat(s, 64): also +1, inf, Infinity, nan (without sign), 0x1p-2, 1_000. Overflow gives
 * ERR_INVALID, underflow gives 0. The whole text must be the number. */
struct err numtext_parse(struct str s, double *ret_value);
