/* Files of public keys, PEM and JWK sets: some keys, not too many, or a reason. */
#include "base/assert.h"
#include "net/jwt_keys.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(jwt_keys_unref) struct jwt_keys *keys = NULL;
    struct err e = jwt_keys_parse(str_of((const char *)data, size), &keys);
    if (e.code == ERR_NONE)
        ASSERT(jwt_keys_count(keys) > 0 && jwt_keys_count(keys) <= JWT_KEYS_MAX);
    else
        ASSERT(e.code == ERR_INVALID && !keys);
    err_drop(e);
    return 0;
}
