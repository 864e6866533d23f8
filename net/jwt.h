/* jwt.h - JSON Web Tokens as strangers send them: header, signed text, claims.
 *
 *   jwt_read() -> jwt_keys_verify() -> jwt_claims_read(payload)
 *
 * Only the compact form with a signature (RFC 7515); what a token claims is looked at once its
 * signature is good, never before. Errors are ERR_UNAUTHORIZED with a reason that says nothing of
 * the token's own words: it goes into answers and logs. Sources: RFC 7515, 7518, 7519, 8725.
 * Threads: any (pure). */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum {
    JWT_BYTES_MAX = 16 << 10,
    JWT_JSON_DEPTH_MAX = 16,
    JWT_LEEWAY_MS = 60 * 1000, /* clocks may differ so much */
    JWT_IDENTITY_BYTES_MAX = 255,
};

struct jwt {
    struct str algorithm; /* as the header names it */
    struct str key_id;    /* empty: none */
    struct str signed_text;
    struct str payload, signature; /* decoded */
};
/* Views of `token`, or in the arena. */
struct err jwt_read(struct arena *a, struct str token, struct jwt *ret_token);

/* What a token has to say. */
struct jwt_demands {
    struct str claim;            /* whose text is the identity */
    struct str issuer, audience; /* empty: any; an audience that is named must be ours */
};
struct jwt_claims {
    struct str identity;       /* in the arena: 1 to JWT_IDENTITY_BYTES_MAX bytes, none of them 0 */
    int64_t from_ms, until_ms; /* when the token counts, leeway included; both ends count */
};
/* `payload` is one whose signature is good; `now_ms` is wall time. */
struct err jwt_claims_read(struct arena *a, struct str payload, const struct jwt_demands *want,
                           int64_t now_ms, struct jwt_claims *ret_claims);
