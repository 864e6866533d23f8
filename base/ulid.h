/* ulid.h - 128-bit names that sort by time: the names of blocks.
 *
 * 48 bits of Unix milliseconds, then 80 random bits, most significant first; as text 26
 * characters of Crockford's base 32 (no I, L, O, U). Source: github.com/ulid/spec.
 * Threads: any (values). */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum { ULID_BYTES = 16, ULID_RANDOM_BYTES = 10, ULID_TEXT_BYTES = 26 };

struct ulid {
    uint8_t bytes[ULID_BYTES];
};

/* The time must be in [0, 2^48). */
struct ulid ulid_of(int64_t time_ms, const uint8_t random[ULID_RANDOM_BYTES]);
int64_t ulid_time_ms(const struct ulid *u);
/* The order of time, and of the texts. Negative, 0 or positive. */
int ulid_cmp(const struct ulid *a, const struct ulid *b);
/* Exactly the upper-case text that ulid_format() writes, so that two names never mean one
 * block; everything else is ERR_INVALID. */
struct err ulid_parse(struct str text, struct ulid *ret_ulid);
/* ulid_parse() takes it. */
bool ulid_is(struct str text);
/* Without a NUL. */
void ulid_format(const struct ulid *u, char to[ULID_TEXT_BYTES]);
