/* jwt_guard.h - who a bearer token says its sender is: a JWT, verified against a file of keys.
 *
 *   jwt_guard_open() -> http_guard_open({.jwt}) -> jwt_guard_reload() when the file has changed
 *   -> http_guard_close() -> jwt_guard_close()
 *
 * A token that was good is remembered, under a keyed digest, for as long as it counts and until
 * the keys change, so that a sender costs one check of a signature, not one a request. Checks run
 * on niced threads behind a bounded queue, of which no address gets more than its share.
 * Threads: as each function says. */
#pragma once
#include "base/clock.h"
#include "base/metrics.h"
#include "net/jwt.h"
#include "net/passwords.h"

enum {
    JWT_CHECKS_MAX = 64,        /* running and queued; above it BUSY */
    JWT_CHECKS_ADDRESS_MAX = 8, /* of them asked by one address */
    JWT_KEPT_MAX = 10000,       /* tokens; the least used are forgotten first */
};

struct jwt_guard;

struct jwt_guard_opts {
    const char *key_file;    /* as the rest: copied */
    struct jwt_demands want; /* its claim is not empty */
    struct metrics *metrics; /* borrowed for life, as the clock */
    const struct clock *clock;
    size_t threads; /* > 0 */
};

/* Reads the keys. */
struct err jwt_guard_open(const struct jwt_guard_opts *opts, struct jwt_guard **ret_guard);
/* Nobody may ask any more; who waits is told. NULL is allowed. */
void jwt_guard_close(struct jwt_guard *g);
/* On failure the keys in use stay. Threads: one at a time. */
struct err jwt_guard_reload(struct jwt_guard *g);

/* One question; lives until the verdict. */
struct jwt_ask {
    /* in */
    struct str token, address; /* live as long as this */
    /* Called once after LATER, from a thread of the guard, without a lock. */
    void (*done)(struct jwt_ask *ask, enum password_verdict verdict);
    /* out */
    char identity[JWT_IDENTITY_BYTES_MAX + 1]; /* of GOOD */
    size_t identity_bytes;
    struct err why; /* of BAD; the asker's */
    /* of the guard */
    struct jwt_guard *guard;
    struct jwt_ask *next;
    unsigned char digest[32];
};
/* Never blocks. Threads: any. */
enum password_verdict jwt_guard_ask(struct jwt_guard *g, struct jwt_ask *ask);
