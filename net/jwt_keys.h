/* jwt_keys.h - the public keys that tokens are held against: PEM texts, or a JWK set (RFC 7517).
 *
 * An algorithm belongs to one kind of key, and a key to one kind: a token cannot choose how its
 * signature is read. RS256 to RS512, PS256 to PS512, ES256 to ES512 and EdDSA over Ed25519; `none`
 * and the HS algorithms, which would make a secret of the file, are not known.
 * Immutable and counted. Threads: any. */
#pragma once
#include "base/err.h"
#include "base/mem.h"
#include "net/jwt.h"

enum {
    JWT_KEYS_MAX = 32, /* each may be tried for a token that names none */
    JWT_KEYS_BYTES_MAX = 1 << 20,
    JWT_RSA_BITS_MIN = 2048,
    JWT_RSA_BITS_MAX = 8192,
};

struct jwt_keys;

/* A text that begins with '{' is a JWK set; of that, keys that are of no use here are passed over,
 * as the RFC tells. Else PEM blocks: PUBLIC KEY, RSA PUBLIC KEY, CERTIFICATE (of which nothing but
 * the key counts). ERR_INVALID for anything else, private keys too, and when no key is left. The
 * caller owns one reference. */
struct err jwt_keys_parse(struct str text, struct jwt_keys **ret_keys);
struct jwt_keys *jwt_keys_ref(struct jwt_keys *k);
void jwt_keys_unref(struct jwt_keys *k); /* NULL is allowed */
DEFINE_AUTO(struct jwt_keys *, jwt_keys_unref)
size_t jwt_keys_count(const struct jwt_keys *k);

/* Some key has signed this token. ERR_UNAUTHORIZED otherwise. */
struct err jwt_keys_verify(const struct jwt_keys *k, const struct jwt *t);
