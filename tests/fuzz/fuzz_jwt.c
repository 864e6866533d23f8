/* JSON Web Tokens of strangers: what is read stands in the token, no signature is good but the one
 * of the corpus, and claims that are taken are what a tenant's identity may be. */
#include "base/assert.h"
#include "base/mem.h"
#include "net/jwt_keys.h"
#include "tests/fuzz/fuzz.h"

enum { NOW_S = 1800000000 };

/* RFC 8037, appendix A.2. */
static const char jwks[] = "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
                           "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}";

static void
check_claims(struct str payload)
{
    AUTO(arena_fini) struct arena a = {0};
    struct jwt_demands want = {.claim = STR("tenant")};
    struct jwt_claims c;
    int64_t now_ms = (int64_t)NOW_S * 1000;
    struct err e = jwt_claims_read(&a, payload, &want, now_ms, &c);
    if (e.code == ERR_NONE) {
        ASSERT(c.identity.n > 0 && c.identity.n <= JWT_IDENTITY_BYTES_MAX);
        ASSERT(str_find_byte(c.identity, '\0') == c.identity.n);
        ASSERT(c.from_ms <= now_ms && now_ms <= c.until_ms);
    } else {
        ASSERT(e.code == ERR_UNAUTHORIZED);
        err_drop(e);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_fini) struct arena a = {0};
    AUTO(jwt_keys_unref) struct jwt_keys *keys = NULL;
    struct str token = str_of((const char *)data, size);
    struct jwt t;
    check_claims(token);
    struct err e = jwt_read(&a, token, &t);
    if (e.code == ERR_NONE) {
        ASSERT(t.signed_text.p == token.p && t.signed_text.n < token.n);
        ASSERT(t.algorithm.n > 0 && t.payload.n + t.signature.n < token.n);
        check_claims(t.payload);
        e = jwt_keys_parse(STR(jwks), &keys);
        ASSERT(e.code == ERR_NONE);
        e = jwt_keys_verify(keys, &t);
        /* RFC 8037, appendix A.4: the one token whose key this is. */
        ASSERT(e.code == ERR_UNAUTHORIZED || str_eq(t.payload, STR("Example of Ed25519 signing")));
    }
    err_drop(e);
    return 0;
}
