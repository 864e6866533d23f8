/* sha256.h - SHA-256 of bytes, where others must get the same. Threads: any (pure). */
#pragma once
#include "base/str.h"

enum { SHA256_BYTES = 32 };
struct sha256 {
    unsigned char bytes[SHA256_BYTES];
};
struct sha256 sha256_of(struct str s);
