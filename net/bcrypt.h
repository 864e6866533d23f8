/* bcrypt.h - is this the password that a bcrypt hash was made of? Through libxcrypt.
 * Threads: any; bcrypt_matches() takes 2^cost rounds, a cost of 10 some 50 ms. */
#pragma once
#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

enum {
    BCRYPT_HASH_BYTES = 60,
    BCRYPT_PASSWORD_BYTES = 72, /* the algorithm sees no more */
    BCRYPT_COST_MIN = 4,
    BCRYPT_COST_MAX = 18, /* ours: some 15 s, which whoever knows a user's name can ask for */
};

/* ERR_INVALID, without the hash: not of the form $2a$, $2b$ or $2y$, or a cost out of bounds. */
struct err bcrypt_check(struct str hash);
/* `hash` has passed bcrypt_check(). A password with a NUL matches nothing, and takes as long. */
bool bcrypt_matches(struct str password, struct str hash);
