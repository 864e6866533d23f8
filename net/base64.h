/* base64.h - the two codes of RFC 4648 that headers and tokens are written in.
 * Threads: any (pure). */
#pragma once
#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

enum base64_code {
    BASE64_PADDED, /* section 4, with its padding */
    BASE64_URL,    /* section 5, without padding, as RFC 7515 has it: one text for each value */
};

/* *ret_bytes stands in the arena. False for what is no such text. */
bool base64_decode(enum base64_code code, struct arena *a, struct str text, struct str *ret_bytes);
