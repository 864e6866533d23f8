/* Web files: what is taken keeps its promises, what is refused says so without a crash. */
#include "base/assert.h"
#include "base/mem.h"
#include "conf/web_config.h"
#include "net/bcrypt.h"
#include "net/tls_names.h"
#include "tests/fuzz/fuzz.h"

static void
check_names(const struct web_tls *t)
{
    char list[TLS_LIST_BYTES_MAX];
    enum tls_client_auth auth;
    int version;
    err_drop(tls_client_auth_of(t->client_auth_type, &auth));
    err_drop(tls_version_of(t->min_version, &version));
    err_drop(tls_cipher_list((struct tls_names){t->cipher_suites.v, t->cipher_suites.n}, list));
    err_drop(
        tls_group_list((struct tls_names){t->curve_preferences.v, t->curve_preferences.n}, list));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_fini) struct arena a = {0};
    struct web_config c;
    struct err e = web_config_parse(&a, str_of((const char *)data, size), STR("dir"), &c);
    if (!e.code) {
        const struct web_tls *t = &c.tls;
        ASSERT(!web_config_has_tls(&c) ||
               (t->cert.n + t->cert_file.n > 0 && t->key.n + t->key_file.n > 0));
        ASSERT(t->min_version.n > 0 && t->max_version.n > 0);
        check_names(t);
        for (size_t i = 0; i < c.user_count; i++)
            err_drop(bcrypt_check(c.users[i].hash));
        for (size_t i = 0; i < c.token_count; i++)
            ASSERT(c.tokens[i].name.n > 0);
    }
    err_drop(e);
    return 0;
}
