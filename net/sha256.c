/* sha256.c - OpenSSL's. */
#include "net/sha256.h"

#include <openssl/evp.h>

#include "base/assert.h"

struct sha256
sha256_of(struct str s)
{
    struct sha256 sum;
    unsigned n = 0;
    int ok = EVP_Digest(s.n ? s.p : "", s.n, sum.bytes, &n, EVP_sha256(), NULL);
    ASSERT(ok == 1 && n == SHA256_BYTES);
    return sum;
}
