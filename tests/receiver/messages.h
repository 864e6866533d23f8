/* messages.h - write requests for tests, as plain protobuf. The time is 1700000000000. */
#pragma once
#include "base/str.h"

/* clang-format off */
#define SERIES_A_B /* {a="b"} 1 */ \
    "\x0a\x1a\x0a\x06\x0a\x01" "a" "\x12\x01" "b" \
    "\x12\x10\x09\x00\x00\x00\x00\x00\x00\xf0\x3f\x10\x80\xd0\x95\xff\xbc\x31"
#define SERIES_HISTOGRAM /* {a="h"} and a histogram of nothing */ \
    "\x0a\x0a\x0a\x06\x0a\x01" "a" "\x12\x01" "h" "\x22\x00"
#define SERIES_EXEMPLAR /* {a="e"} and an empty exemplar */ \
    "\x0a\x0a\x0a\x06\x0a\x01" "a" "\x12\x01" "e" "\x1a\x00"
#define METADATA "\x1a\x02\x08\x01"
/* clang-format on */
