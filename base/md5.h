/* md5.h - MD5 (RFC 1321), where other programs must get the same number: relabelling, hashrings.
 * Not for secrets. Threads: any (pure). */
#pragma once
#include <stdint.h>

#include "base/str.h"

enum { MD5_BYTES = 16 };

struct md5 {
    uint8_t bytes[MD5_BYTES];
};
struct md5 md5_of(struct str s);
