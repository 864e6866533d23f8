/* messages.h - write requests for tests, as plain protobuf. The time is 1700000000000. */
#pragma once
#include "base/str.h"

#define PROTOBUF2                                                                                  \
    "Content-Type: application/x-protobuf;proto=io.prometheus.write.v2.Request\r\n"                \
    "Content-Encoding: snappy\r\n"

/* clang-format off */
#define SERIES_A_B /* {a="b"} 1 */ \
    "\x0a\x1a\x0a\x06\x0a\x01" "a" "\x12\x01" "b" \
    "\x12\x10\x09\x00\x00\x00\x00\x00\x00\xf0\x3f\x10\x80\xd0\x95\xff\xbc\x31"
#define SERIES_HISTOGRAM /* {a="h"} and a histogram of nothing */ \
    "\x0a\x0a\x0a\x06\x0a\x01" "a" "\x12\x01" "h" "\x22\x00"
#define SERIES_EXEMPLAR /* {a="e"} and an empty exemplar */ \
    "\x0a\x0a\x0a\x06\x0a\x01" "a" "\x12\x01" "e" "\x1a\x00"
#define METADATA "\x1a\x02\x08\x01"

/* Of remote write 2.0. Symbols: 1 __name__, 2 up, 3 a, 4 b. */
#define SYMBOLS2 \
    "\x22\x00" "\x22\x08" "__name__" "\x22\x02" "up" "\x22\x01" "a" "\x22\x01" "b"
#define UP2       "\x0a\x02\x01\x02" /* {__name__="up"} */
#define SERIES2_UP /* up 1 */ \
    "\x2a\x16" UP2 "\x12\x10\x09\x00\x00\x00\x00\x00\x00\xf0\x3f\x10\x80\xd0\x95\xff\xbc\x31"
#define SERIES2_STARTED /* up 0, with a start timestamp */ \
    "\x2a\x14" UP2 "\x12\x0e\x10\x80\xd0\x95\xff\xbc\x31\x18\x80\xd0\x95\xff\xbc\x31"
#define SERIES2_UNNAMED /* {a="b"} 0 */ "\x2a\x06\x0a\x02\x03\x04\x12\x00"
#define SERIES2_EMPTY /* up, and an exemplar */ "\x2a\x06" UP2 "\x22\x00"
/* clang-format on */
