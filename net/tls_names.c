/* tls_names.c - tables of names. */
#include "net/tls_names.h"

#include <openssl/ssl.h>
#include <stdio.h>

#include "base/mem.h"

struct err
tls_client_auth_of(struct str name, enum tls_client_auth *ret_auth)
{
    static const struct {
        const char *name;
        enum tls_client_auth auth;
    } policies[] = {
        {"", TLS_CLIENT_NONE},
        {"NoClientCert", TLS_CLIENT_NONE},
        {"RequestClientCert", TLS_CLIENT_REQUEST},
        {"RequireAnyClientCert", TLS_CLIENT_REQUIRE_ANY},
        {"RequireClientCert", TLS_CLIENT_REQUIRE_ANY}, /* the exporter toolkit's old name */
        {"VerifyClientCertIfGiven", TLS_CLIENT_VERIFY_IF_GIVEN},
        {"RequireAndVerifyClientCert", TLS_CLIENT_REQUIRE_AND_VERIFY},
    };
    for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
        if (str_eq(name, str_of_cstr(policies[i].name))) {
            *ret_auth = policies[i].auth;
            return OK;
        }
    }
    return ERR(ERR_INVALID, "tls: unknown client_auth_type \"%.*s\"", STR_FMT(name));
}

struct err
tls_version_of(struct str name, int *ret_version)
{
    static const struct {
        const char *flag, *go;
        int version;
    } versions[] = {{"1.0", "TLS10", TLS1_VERSION},
                    {"1.1", "TLS11", TLS1_1_VERSION},
                    {"1.2", "TLS12", TLS1_2_VERSION},
                    {"1.3", "TLS13", TLS1_3_VERSION}};
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        if (str_eq(name, str_of_cstr(versions[i].flag)) ||
            str_eq(name, str_of_cstr(versions[i].go))) {
            *ret_version = versions[i].version;
            return OK;
        }
    }
    return ERR(ERR_INVALID, "tls: unknown TLS version \"%.*s\", want 1.0 to 1.3 or TLS10 to TLS13",
               STR_FMT(name));
}

struct tls_name {
    const char *go, *openssl; /* openssl "": nothing to say */
};

/* In the order in which Go prefers them. */
static const struct tls_name ciphers[] = {
    {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"},
    {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"},
    {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"},
    {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"},
    {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA-AES128-SHA"},
    {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES128-SHA"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA-AES256-SHA"},
    {"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA-AES256-SHA"},
    {"TLS_AES_128_GCM_SHA256", ""},
    {"TLS_AES_256_GCM_SHA384", ""},
    {"TLS_CHACHA20_POLY1305_SHA256", ""},
};
static const struct tls_name curves[] = {
    {"CurveP256", "P-256"},
    {"CurveP384", "P-384"},
    {"CurveP521", "P-521"},
    {"X25519", "X25519"},
    {"X25519MLKEM768", "X25519MLKEM768"}, /* from OpenSSL 3.5 on */
};

static const struct tls_name *
find_name(struct str go, const struct tls_name *table, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(go, str_of_cstr(table[i].go)))
            return &table[i];
    }
    return NULL;
}

/* Appends ":name"; a list that is too long repeats names. */
static struct err
put_name(char list[TLS_LIST_BYTES_MAX], const char *name)
{
    size_t n = strlen(list);
    if (name[0] == '\0')
        return OK;
    int more = snprintf(list + n, TLS_LIST_BYTES_MAX - n, "%s%s", n > 0 ? ":" : "", name);
    return (size_t)more < TLS_LIST_BYTES_MAX - n
               ? OK
               : ERR(ERR_INVALID, "tls: the list of names is longer than %d bytes",
                     TLS_LIST_BYTES_MAX);
}

struct err
tls_cipher_list(struct tls_names names, char ret_list[TLS_LIST_BYTES_MAX])
{
    ret_list[0] = '\0';
    for (size_t i = 0; names.n == 0 && i < ARRAY_LEN(ciphers); i++)
        TRY(put_name(ret_list, ciphers[i].openssl));
    for (size_t i = 0; i < names.n; i++) {
        const struct tls_name *c = find_name(names.v[i], ciphers, ARRAY_LEN(ciphers));
        if (!c)
            return ERR(ERR_INVALID, "tls: unknown cipher suite \"%.*s\"", STR_FMT(names.v[i]));
        TRY(put_name(ret_list, c->openssl));
    }
    return OK;
}

struct err
tls_group_list(struct tls_names names, char ret_list[TLS_LIST_BYTES_MAX])
{
    ret_list[0] = '\0';
    for (size_t i = 0; i < names.n; i++) {
        const struct tls_name *c = find_name(names.v[i], curves, ARRAY_LEN(curves));
        if (!c)
            return ERR(ERR_INVALID, "tls: unknown curve \"%.*s\"", STR_FMT(names.v[i]));
        TRY(put_name(ret_list, c->openssl));
    }
    return OK;
}
