/* bcrypt.c - the form of a hash, and the way to crypt_r(3). */
#include "net/bcrypt.h"

#include <crypt.h>
#include <openssl/crypto.h>

#include "base/assert.h"
#include "base/mem.h"

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* bcrypt's own base64. */
static bool
is_code(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '/';
}

struct err
bcrypt_check(struct str hash)
{
    enum { COST_AT = 4, CODE_AT = 7 }; /* $2b$10$... */
    bool framed = hash.n == BCRYPT_HASH_BYTES && str_starts_with(hash, STR("$2")) &&
                  (hash.p[2] == 'a' || hash.p[2] == 'b' || hash.p[2] == 'y') && hash.p[3] == '$' &&
                  is_digit(hash.p[COST_AT]) && is_digit(hash.p[COST_AT + 1]) &&
                  hash.p[CODE_AT - 1] == '$';
    for (size_t i = CODE_AT; framed && i < BCRYPT_HASH_BYTES; i++)
        framed = is_code(hash.p[i]);
    if (!framed)
        return ERR(ERR_INVALID, "not a bcrypt hash ($2a$, $2b$ or $2y$)");
    int cost = (hash.p[COST_AT] - '0') * 10 + hash.p[COST_AT + 1] - '0';
    if (cost < BCRYPT_COST_MIN || cost > BCRYPT_COST_MAX)
        return ERR(ERR_INVALID, "a bcrypt hash of cost %d, want %d to %d", cost, BCRYPT_COST_MIN,
                   BCRYPT_COST_MAX);
    return OK;
}

bool
bcrypt_matches(struct str password, struct str hash)
{
    char key[BCRYPT_PASSWORD_BYTES + 1] = "", setting[BCRYPT_HASH_BYTES + 1] = "";
    ASSERT(hash.n == BCRYPT_HASH_BYTES);
    memcpy(setting, hash.p, hash.n);
    size_t n = size_min(password.n, BCRYPT_PASSWORD_BYTES);
    if (n > 0)
        memcpy(key, password.p, n);
    struct crypt_data *data = mem_alloc_zero(sizeof *data); /* 32 KiB: too much for a stack */
    const char *made = crypt_r(key, setting, data);
    bool same = made && strlen(made) == hash.n && CRYPTO_memcmp(made, hash.p, hash.n) == 0 &&
                strlen(key) == n;
    explicit_bzero(key, sizeof key);
    explicit_bzero(data, sizeof *data);
    mem_free(data);
    return same;
}
