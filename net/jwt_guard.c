/* jwt_guard.c - what was verified, what is being verified.
 *
 * A check goes: jwt_guard_ask() -> pending -> run_check() on a worker -> remembered and no longer
 * pending, under one lock -> the asker is told.
 * Good tokens stand in two maps: one that is filled, and the one that was filled before it, which
 * is dropped when the first is full; what is asked for again moves to the first. */
#include "net/jwt_guard.h"

#include <openssl/evp.h>

#include "base/assert.h"
#include "base/fs.h"
#include "base/lock.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/rand.h"
#include "net/jwt_keys.h"

enum { SECRET_BYTES = 32, NICENESS = 10 };

/* What a token said. */
struct known {
    int64_t from_ms, until_ms; /* wall time, both ends count */
    size_t bytes;
    char identity[];
};

struct jwt_guard {
    /* immutable */
    char *key_file, *claim, *issuer, *audience; /* owned */
    struct jwt_demands want;
    struct pool *pool;
    const struct clock *clock;
    struct metric *checks;
    unsigned char secret[SECRET_BYTES];
    struct lock lock;
    struct jwt_keys *keys GUARDED_BY(lock); /* one reference */
    struct map kept[2] GUARDED_BY(lock);    /* digest -> struct known, owned; [0] is filled */
    struct jwt_ask *pending GUARDED_BY(lock);
};

static const struct metric_spec checks_spec = {
    .type = METRIC_COUNTER,
    .name = "mneme_http_token_checks_total",
    .help = "JSON Web Tokens that were verified, since they were not remembered.",
};

/* --- remembering ------------------------------------------------------------------------------ */

static void
set_digest(const struct jwt_guard *g, struct jwt_ask *ask)
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    ASSERT(digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1);
    EVP_DigestUpdate(digest, g->secret, sizeof g->secret);
    EVP_DigestUpdate(digest, ask->token.n ? ask->token.p : "", ask->token.n);
    EVP_DigestFinal_ex(digest, ask->digest, NULL);
    EVP_MD_CTX_free(digest);
}

static struct str
key_of(const struct jwt_ask *ask)
{
    return str_of((const char *)ask->digest, sizeof ask->digest);
}

static void
clear(struct map *m)
{
    struct map_entry e = MAP_START;
    while (map_next(m, &e))
        mem_free(e.value);
    map_fini(m);
    map_init(m, MAP_KEYS_COPIED);
}

static void
keep(struct jwt_guard *g, struct str key, struct known *k) REQUIRES(g->lock)
{
    if (g->kept[0].count >= JWT_KEPT_MAX / 2) {
        clear(&g->kept[1]);
        struct map full = g->kept[0];
        g->kept[0] = g->kept[1];
        g->kept[1] = full;
    }
    mem_free(map_put(&g->kept[0], key, k));
}

static const struct known *
find(struct jwt_guard *g, struct str key) REQUIRES(g->lock)
{
    struct known *k = map_get(&g->kept[0], key);
    if (k)
        return k;
    k = map_remove(&g->kept[1], key);
    if (k)
        keep(g, key, k);
    return k;
}

static void
set_identity(struct jwt_ask *ask, struct str identity)
{
    ASSERT(identity.n < sizeof ask->identity);
    memcpy(ask->identity, identity.p, identity.n);
    ask->identity[identity.n] = '\0';
    ask->identity_bytes = identity.n;
}

/* One that counts now. */
static bool
is_remembered(struct jwt_guard *g, struct jwt_ask *ask, int64_t now_ms) REQUIRES(g->lock)
{
    const struct known *k = find(g, key_of(ask));
    if (!k || now_ms < k->from_ms || now_ms > k->until_ms)
        return false;
    set_identity(ask, str_of(k->identity, k->bytes));
    return true;
}

/* --- checks ----------------------------------------------------------------------------------- */

static struct err
verify(const struct jwt_guard *g, const struct jwt_keys *keys, struct arena *a, struct str token,
       struct jwt_claims *ret_claims)
{
    struct jwt t;
    TRY(jwt_read(a, token, &t));
    TRY(jwt_keys_verify(keys, &t));
    return jwt_claims_read(a, t.payload, &g->want, clock_wall_ms(g->clock), ret_claims);
}

static struct known *
known_of(const struct jwt_claims *c)
{
    struct known *k = mem_alloc(sizeof *k + c->identity.n);
    *k = (struct known){.from_ms = c->from_ms, .until_ms = c->until_ms, .bytes = c->identity.n};
    memcpy(k->identity, c->identity.p, c->identity.n);
    return k;
}

static void
unlink_ask(struct jwt_guard *g, struct jwt_ask *ask) REQUIRES(g->lock)
{
    struct jwt_ask **at = &g->pending;
    while (*at != ask)
        at = &(*at)->next;
    *at = ask->next;
}

static struct jwt_keys *
hold_keys(struct jwt_guard *g)
{
    LOCKED(&g->lock);
    return jwt_keys_ref(g->keys);
}

static void
run_check(void *arg)
{
    struct jwt_ask *ask = arg;
    struct jwt_guard *g = ask->guard;
    AUTO(arena_fini) struct arena a = {0};
    AUTO(jwt_keys_unref) struct jwt_keys *keys = hold_keys(g);
    struct jwt_claims claims;
    ask->why = verify(g, keys, &a, ask->token, &claims);
    bool good = ask->why.code == ERR_NONE;
    if (good)
        set_identity(ask, claims.identity);
    metric_inc(g->checks);
    {
        LOCKED(&g->lock);
        unlink_ask(g, ask);
        if (good && keys == g->keys) /* what other keys have verified is not known any more */
            keep(g, key_of(ask), known_of(&claims));
    }
    ask->done(ask, good ? PASSWORD_GOOD : PASSWORD_BAD);
}

static bool
has_place(const struct jwt_guard *g, struct str address) REQUIRES(g->lock)
{
    size_t count = 0, of_address = 0;
    for (const struct jwt_ask *ask = g->pending; ask; ask = ask->next) {
        count++;
        of_address += str_eq(ask->address, address);
    }
    return count < JWT_CHECKS_MAX && of_address < JWT_CHECKS_ADDRESS_MAX;
}

enum password_verdict
jwt_guard_ask(struct jwt_guard *g, struct jwt_ask *ask)
{
    int64_t now_ms = clock_wall_ms(g->clock);
    ask->guard = g;
    set_digest(g, ask);
    {
        LOCKED(&g->lock);
        if (is_remembered(g, ask, now_ms))
            return PASSWORD_GOOD;
        if (!has_place(g, ask->address))
            return PASSWORD_BUSY;
        ask->next = g->pending;
        g->pending = ask;
    }
    if (pool_submit(g->pool, run_check, ask))
        return PASSWORD_LATER;
    LOCKED(&g->lock);
    unlink_ask(g, ask);
    return PASSWORD_BUSY;
}

/* --- life cycle ------------------------------------------------------------------------------- */

struct err
jwt_guard_reload(struct jwt_guard *g)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    struct jwt_keys *fresh = NULL, *old;
    TRY(fs_read_file(fs_posix(), g->key_file, JWT_KEYS_BYTES_MAX, &text));
    TRY_IN(jwt_keys_parse(buf_str(&text), &fresh), "%s", g->key_file);
    {
        LOCKED(&g->lock);
        old = g->keys;
        g->keys = fresh;
        clear(&g->kept[0]);
        clear(&g->kept[1]);
    }
    jwt_keys_unref(old); /* checks may still hold it */
    return OK;
}

static char *
copy(struct str text, struct str *ret_copy)
{
    char *owned = mem_dup_text(text.p, text.n);
    *ret_copy = str_of(owned, text.n);
    return owned;
}

DEFINE_AUTO(struct jwt_guard *, jwt_guard_close)

struct err
jwt_guard_open(const struct jwt_guard_opts *opts, struct jwt_guard **ret_guard)
{
    AUTO(jwt_guard_close) struct jwt_guard *g = mem_alloc_zero(sizeof *g);
    struct pool_opts pool = {.name = "token",
                             .threads = opts->threads,
                             .queued_limit = JWT_CHECKS_MAX,
                             .niceness = NICENESS};
    ASSERT(opts->want.claim.n > 0);
    lock_init(&g->lock, LOCK_RANK_LEAF);
    for (size_t i = 0; i < ARRAY_LEN(g->kept); i++)
        map_init(&g->kept[i], MAP_KEYS_COPIED);
    g->key_file = mem_dup_text(opts->key_file, strlen(opts->key_file));
    g->claim = copy(opts->want.claim, &g->want.claim);
    g->issuer = copy(opts->want.issuer, &g->want.issuer);
    g->audience = copy(opts->want.audience, &g->want.audience);
    g->clock = opts->clock;
    g->checks = metrics_single(opts->metrics, &checks_spec);
    rand_bytes(g->secret, sizeof g->secret);
    TRY(pool_start(&pool, &g->pool));
    TRY(jwt_guard_reload(g));
    *ret_guard = TAKE(g);
    return OK;
}

void
jwt_guard_close(struct jwt_guard *g)
{
    if (!g)
        return;
    pool_stop(g->pool);
    ASSERT(!g->pending);
    for (size_t i = 0; i < ARRAY_LEN(g->kept); i++) {
        clear(&g->kept[i]);
        map_fini(&g->kept[i]);
    }
    jwt_keys_unref(g->keys);
    lock_fini(&g->lock);
    explicit_bzero(g->secret, sizeof g->secret);
    mem_free(g->key_file);
    mem_free(g->claim);
    mem_free(g->issuer);
    mem_free(g->audience);
    mem_free(g);
}
