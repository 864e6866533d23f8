/* jwt_keys.c - reading keys, and verifying with them. */
#include "net/jwt_keys.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdatomic.h>

#include "base/assert.h"
#include "net/base64.h"
#include "net/jwt_json.h"

DEFINE_AUTO(EVP_PKEY *, EVP_PKEY_free)
DEFINE_AUTO(EVP_PKEY_CTX *, EVP_PKEY_CTX_free)
DEFINE_AUTO(EVP_MD_CTX *, EVP_MD_CTX_free)
DEFINE_AUTO(OSSL_PARAM_BLD *, OSSL_PARAM_BLD_free)
DEFINE_AUTO(OSSL_PARAM *, OSSL_PARAM_free)
DEFINE_AUTO(BIGNUM *, BN_free)
DEFINE_AUTO(ECDSA_SIG *, ECDSA_SIG_free)
DEFINE_AUTO(BIO *, BIO_free_all)

enum key_kind { KEY_UNKNOWN, KEY_RSA, KEY_P256, KEY_P384, KEY_P521, KEY_ED25519 };

struct key {
    EVP_PKEY *pkey; /* owned */
    enum key_kind kind;
    struct str id;        /* empty: none */
    struct str algorithm; /* the only one it is for; empty: any of its kind */
};

struct jwt_keys {
    _Atomic(unsigned) refs; /* relaxed up, acq_rel down: the last one frees */
    struct arena arena;     /* texts of the keys */
    size_t count;
    struct key keys[JWT_KEYS_MAX];
};

enum scheme { SCHEME_PKCS1, SCHEME_PSS, SCHEME_ECDSA, SCHEME_EDDSA };

static const struct algorithm {
    const char *name;
    enum key_kind kind;
    enum scheme scheme;
    const char *digest; /* NULL: the scheme's own */
} algorithms[] = {
    {"RS256", KEY_RSA, SCHEME_PKCS1, "SHA256"},  {"RS384", KEY_RSA, SCHEME_PKCS1, "SHA384"},
    {"RS512", KEY_RSA, SCHEME_PKCS1, "SHA512"},  {"PS256", KEY_RSA, SCHEME_PSS, "SHA256"},
    {"PS384", KEY_RSA, SCHEME_PSS, "SHA384"},    {"PS512", KEY_RSA, SCHEME_PSS, "SHA512"},
    {"ES256", KEY_P256, SCHEME_ECDSA, "SHA256"}, {"ES384", KEY_P384, SCHEME_ECDSA, "SHA384"},
    {"ES512", KEY_P521, SCHEME_ECDSA, "SHA512"}, {"EdDSA", KEY_ED25519, SCHEME_EDDSA, NULL},
};

static const struct curve {
    const char *jwk, *openssl;
    enum key_kind kind;
    size_t bytes; /* of a coordinate, and of each half of a signature */
} curves[] = {
    {"P-256", "prime256v1", KEY_P256, 32},
    {"P-384", "secp384r1", KEY_P384, 48},
    {"P-521", "secp521r1", KEY_P521, 66},
};

static const struct algorithm *
algorithm_named(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
        if (str_eq(name, str_of_cstr(algorithms[i].name)))
            return &algorithms[i];
    }
    return NULL;
}

/* --- keys ------------------------------------------------------------------------------------- */

static enum key_kind
kind_of(EVP_PKEY *pkey)
{
    char group[64] = "";
    if (EVP_PKEY_is_a(pkey, "RSA")) {
        int bits = EVP_PKEY_get_bits(pkey);
        return bits >= JWT_RSA_BITS_MIN && bits <= JWT_RSA_BITS_MAX ? KEY_RSA : KEY_UNKNOWN;
    }
    if (EVP_PKEY_is_a(pkey, "ED25519"))
        return KEY_ED25519;
    if (!EVP_PKEY_is_a(pkey, "EC") || EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL) != 1)
        return KEY_UNKNOWN;
    for (size_t i = 0; i < ARRAY_LEN(curves); i++) {
        if (strcmp(group, curves[i].openssl) == 0)
            return curves[i].kind;
    }
    return KEY_UNKNOWN;
}

static bool
is_sound(EVP_PKEY *pkey)
{
    AUTO(EVP_PKEY_CTX_free) EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(pkey, NULL);
    return c && EVP_PKEY_public_check(c) == 1;
}

/* Takes the key. False when it is of no use; ERR_INVALID above the limit. */
static struct err
add_key(struct jwt_keys *k, EVP_PKEY *taken, struct str id, struct str algorithm, bool *ret_added)
{
    AUTO(EVP_PKEY_free) EVP_PKEY *pkey = taken;
    enum key_kind kind = pkey ? kind_of(pkey) : KEY_UNKNOWN;
    *ret_added = kind != KEY_UNKNOWN && is_sound(pkey);
    if (!*ret_added)
        return OK;
    if (k->count == JWT_KEYS_MAX)
        return ERR(ERR_INVALID, "more than %d keys", JWT_KEYS_MAX);
    k->keys[k->count++] = (struct key){.pkey = TAKE(pkey),
                                       .kind = kind,
                                       .id = arena_str(&k->arena, id),
                                       .algorithm = arena_str(&k->arena, algorithm)};
    return OK;
}

/* --- PEM -------------------------------------------------------------------------------------- */

static EVP_PKEY *
key_of_block(const char *name, const unsigned char *bytes, long n)
{
    if (strcmp(name, "PUBLIC KEY") == 0)
        return d2i_PUBKEY(NULL, &bytes, n);
    if (strcmp(name, "RSA PUBLIC KEY") == 0)
        return d2i_PublicKey(EVP_PKEY_RSA, NULL, &bytes, n);
    X509 *certificate = d2i_X509(NULL, &bytes, n);
    EVP_PKEY *pkey = certificate ? X509_get_pubkey(certificate) : NULL;
    X509_free(certificate);
    return pkey;
}

static struct err
add_block(struct jwt_keys *k, const char *name, const unsigned char *bytes, long n)
{
    bool added, known = strcmp(name, "PUBLIC KEY") == 0 || strcmp(name, "RSA PUBLIC KEY") == 0 ||
                        strcmp(name, "CERTIFICATE") == 0;
    if (!known)
        return ERR(ERR_INVALID, "a PEM block \"%s\": a public key is wanted", name);
    TRY(add_key(k, key_of_block(name, bytes, n), STR(""), STR(""), &added));
    if (!added)
        return ERR(ERR_INVALID,
                   "a PEM block \"%s\" that is no key for tokens: RSA of %d to %d bits, EC over "
                   "P-256, P-384 or P-521, or Ed25519",
                   name, JWT_RSA_BITS_MIN, JWT_RSA_BITS_MAX);
    return OK;
}

static struct err
read_pem(struct jwt_keys *k, struct str text)
{
    AUTO(BIO_free_all) BIO *bio = BIO_new_mem_buf(text.p, (int)text.n);
    ASSERT(bio);
    char *name, *header;
    unsigned char *bytes;
    long n;
    while (PEM_read_bio(bio, &name, &header, &bytes, &n) == 1) {
        struct err e = add_block(k, name, bytes, n);
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_clear_free(bytes, (size_t)n);
        TRY(e);
    }
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        return ERR(ERR_INVALID, "a PEM block that is broken");
    return OK;
}

/* --- JWK sets --------------------------------------------------------------------------------- */

static EVP_PKEY *
key_of_params(const char *type, OSSL_PARAM_BLD *build)
{
    AUTO(OSSL_PARAM_free) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    AUTO(EVP_PKEY_CTX_free) EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *pkey = NULL;
    if (params && c && EVP_PKEY_fromdata_init(c) == 1)
        (void)EVP_PKEY_fromdata(c, &pkey, EVP_PKEY_PUBLIC_KEY, params);
    return pkey;
}

/* A member of a JWK in base64url; false when it is absent or longer than `bytes_max`. */
static bool
jwk_bytes(struct arena *a, const json_t *jwk, const char *name, size_t bytes_max,
          struct str *ret_bytes)
{
    struct str coded = jwt_json_text(jwk, name);
    return coded.n > 0 && coded.n <= 2 * bytes_max &&
           base64_decode(BASE64_URL, a, coded, ret_bytes) && ret_bytes->n <= bytes_max;
}

static EVP_PKEY *
rsa_of_jwk(struct arena *a, const json_t *jwk)
{
    struct str n, e;
    if (!jwk_bytes(a, jwk, "n", JWT_RSA_BITS_MAX / 8, &n) || !jwk_bytes(a, jwk, "e", 8, &e))
        return NULL;
    AUTO(BN_free) BIGNUM *modulus = BN_bin2bn((const unsigned char *)n.p, (int)n.n, NULL);
    AUTO(BN_free) BIGNUM *exponent = BN_bin2bn((const unsigned char *)e.p, (int)e.n, NULL);
    AUTO(OSSL_PARAM_BLD_free) OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    ASSERT(modulus && exponent && build);
    if (OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) != 1 ||
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent) != 1)
        return NULL;
    return key_of_params("RSA", build);
}

static EVP_PKEY *
ec_of_jwk(struct arena *a, const json_t *jwk)
{
    struct str x, y, name = jwt_json_text(jwk, "crv");
    const struct curve *curve = NULL;
    for (size_t i = 0; i < ARRAY_LEN(curves); i++) {
        if (str_eq(name, str_of_cstr(curves[i].jwk)))
            curve = &curves[i];
    }
    if (!curve || !jwk_bytes(a, jwk, "x", curve->bytes, &x) ||
        !jwk_bytes(a, jwk, "y", curve->bytes, &y) || x.n != curve->bytes || y.n != curve->bytes)
        return NULL;
    AUTO(buf_fini) struct buf point = BUF_INIT;
    buf_put_u8(&point, 4); /* uncompressed: SEC 1, section 2.3.3 */
    buf_append(&point, x);
    buf_append(&point, y);
    AUTO(OSSL_PARAM_BLD_free) OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    ASSERT(build);
    if (OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curve->openssl, 0) !=
            1 ||
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point.p, point.n) != 1)
        return NULL;
    return key_of_params("EC", build);
}

static EVP_PKEY *
okp_of_jwk(struct arena *a, const json_t *jwk)
{
    struct str x;
    if (!str_eq(jwt_json_text(jwk, "crv"), STR("Ed25519")) || !jwk_bytes(a, jwk, "x", 32, &x))
        return NULL;
    return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)x.p, x.n);
}

static EVP_PKEY *
key_of_jwk(struct arena *a, const json_t *jwk)
{
    struct str type = jwt_json_text(jwk, "kty");
    if (str_eq(type, STR("RSA")))
        return rsa_of_jwk(a, jwk);
    if (str_eq(type, STR("EC")))
        return ec_of_jwk(a, jwk);
    return str_eq(type, STR("OKP")) ? okp_of_jwk(a, jwk) : NULL;
}

/* A private key has `d`, whatever its type; a secret one `k`. */
static struct err
add_jwk(struct jwt_keys *k, const json_t *jwk)
{
    struct str use = jwt_json_text(jwk, "use"), algorithm = jwt_json_text(jwk, "alg");
    if (json_object_get(jwk, "d") || json_object_get(jwk, "k"))
        return ERR(ERR_INVALID, "a key that is not a public one");
    bool added, meant = (use.n == 0 || str_eq(use, STR("sig"))) &&
                        (algorithm.n == 0 || algorithm_named(algorithm));
    AUTO(arena_fini) struct arena a = {0};
    if (!meant)
        return OK;
    return add_key(k, key_of_jwk(&a, jwk), jwt_json_text(jwk, "kid"), algorithm, &added);
}

static struct err
read_jwks(struct jwt_keys *k, struct str text)
{
    AUTO(json_decref) json_t *set = jwt_json_object(text);
    const json_t *keys = json_object_get(set, "keys");
    if (!json_is_array(keys))
        return ERR(ERR_INVALID, "not a JWK set: no JSON object with an array \"keys\"");
    for (size_t i = 0; i < json_array_size(keys); i++)
        TRY_IN(add_jwk(k, json_array_get(keys, i)), "keys[%zu]", i);
    return OK;
}

struct err
jwt_keys_parse(struct str text, struct jwt_keys **ret_keys)
{
    if (text.n > JWT_KEYS_BYTES_MAX)
        return ERR(ERR_INVALID, "more than %d bytes of keys", JWT_KEYS_BYTES_MAX);
    AUTO(jwt_keys_unref) struct jwt_keys *k = mem_alloc_zero(sizeof *k);
    atomic_init(&k->refs, 1);
    arena_init(&k->arena, 0);
    struct str trimmed = str_trim(text);
    struct err e =
        str_starts_with(trimmed, STR("{")) ? read_jwks(k, trimmed) : read_pem(k, trimmed);
    ERR_clear_error();
    TRY(e);
    if (k->count == 0)
        return ERR(ERR_INVALID, "no public key for tokens in it");
    *ret_keys = TAKE(k);
    return OK;
}

struct jwt_keys *
jwt_keys_ref(struct jwt_keys *k)
{
    atomic_fetch_add_explicit(&k->refs, 1, memory_order_relaxed);
    return k;
}

void
jwt_keys_unref(struct jwt_keys *k)
{
    if (!k || atomic_fetch_sub_explicit(&k->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < k->count; i++)
        EVP_PKEY_free(k->keys[i].pkey);
    arena_fini(&k->arena);
    mem_free(k);
}

size_t
jwt_keys_count(const struct jwt_keys *k)
{
    return k->count;
}

/* --- verifying -------------------------------------------------------------------------------- */

/* RFC 7518 section 3.4 writes r and s one after the other; OpenSSL reads DER. */
static bool
der_of_ecdsa(enum key_kind kind, struct str signature, struct buf *to)
{
    size_t half = 0;
    for (size_t i = 0; i < ARRAY_LEN(curves); i++)
        half = curves[i].kind == kind ? curves[i].bytes : half;
    if (half == 0 || signature.n != 2 * half)
        return false;
    const unsigned char *bytes = (const unsigned char *)signature.p;
    AUTO(ECDSA_SIG_free) ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(bytes, (int)half, NULL), *s = BN_bin2bn(bytes + half, (int)half, NULL);
    ASSERT(sig && r && s && ECDSA_SIG_set0(sig, r, s) == 1);
    int n = i2d_ECDSA_SIG(sig, NULL);
    ASSERT(n > 0);
    buf_reserve(to, (size_t)n);
    unsigned char *at = (unsigned char *)to->p;
    to->n = (size_t)i2d_ECDSA_SIG(sig, &at);
    return true;
}

/* The salt is as long as the digest: RFC 7518 section 3.5. */
static bool
use_pss(EVP_PKEY_CTX *c)
{
    return EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(c, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static bool
verify_with(const struct key *key, const struct algorithm *by, const struct jwt *t)
{
    AUTO(buf_fini) struct buf der = BUF_INIT;
    struct str signature = t->signature;
    if (by->scheme == SCHEME_ECDSA) {
        if (!der_of_ecdsa(key->kind, signature, &der))
            return false;
        signature = buf_str(&der);
    }
    AUTO(EVP_MD_CTX_free) EVP_MD_CTX *c = EVP_MD_CTX_new();
    EVP_PKEY_CTX *of_key = NULL; /* owned by `c` */
    ASSERT(c);
    if (EVP_DigestVerifyInit_ex(c, &of_key, by->digest, NULL, NULL, key->pkey, NULL) != 1 ||
        (by->scheme == SCHEME_PSS && !use_pss(of_key)))
        return false;
    return EVP_DigestVerify(c, (const unsigned char *)signature.p, signature.n,
                            (const unsigned char *)t->signed_text.p, t->signed_text.n) == 1;
}

/* A key without an id, as those of PEM texts, may be any. */
static bool
may_have_signed(const struct key *key, const struct algorithm *by, const struct jwt *t)
{
    return key->kind == by->kind &&
           (key->algorithm.n == 0 || str_eq(key->algorithm, t->algorithm)) &&
           (key->id.n == 0 || t->key_id.n == 0 || str_eq(key->id, t->key_id));
}

struct err
jwt_keys_verify(const struct jwt_keys *k, const struct jwt *t)
{
    const struct algorithm *by = algorithm_named(t->algorithm);
    size_t tried = 0;
    bool good = false;
    if (!by)
        return ERR(ERR_UNAUTHORIZED, "the token's algorithm is not taken");
    for (size_t i = 0; i < k->count && !good; i++) {
        if (t->signature.n > 0 && may_have_signed(&k->keys[i], by, t)) {
            tried++;
            good = verify_with(&k->keys[i], by, t);
        }
    }
    ERR_clear_error();
    if (good)
        return OK;
    return ERR(ERR_UNAUTHORIZED,
               tried > 0 ? "the token's signature is wrong" : "no key fits the token");
}
