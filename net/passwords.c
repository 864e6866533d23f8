/* passwords.c - what was checked, what is being checked, who waits for it.
 *
 * A check goes: passwords_ask() -> pending, with its first waiter -> run_check() on a worker ->
 * remembered and no longer pending, under one lock -> every waiter is told. */
#include "net/passwords.h"

#include <openssl/evp.h>

#include "base/assert.h"
#include "base/lock.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/rand.h"
#include "net/bcrypt.h"

enum { KEY_BYTES = 32, NICENESS = 10 };

/* SHA-256 of a secret of this process, user, hash and password: names a question. */
struct question_key {
    unsigned char bytes[KEY_BYTES];
};

/* The last password that was right for a user; the one before as well, since two may be when it
 * is being changed on the side of the senders. */
struct verified {
    struct question_key keys[2]; /* newest first */
};

struct check {
    struct passwords *passwords;
    struct check *next; /* in passwords->pending */
    struct question_key key;
    struct password_wait *waits GUARDED_BY(passwords->lock);
    uint64_t asked_ns; /* monotonic */
    bool known;
    char hash[BCRYPT_HASH_BYTES];
    char password[BCRYPT_PASSWORD_BYTES];
    size_t password_bytes;
    struct buf user, address;
};

struct passwords {
    /* immutable */
    struct pool *pool;
    const struct clock *clock;
    struct metric *checks;
    unsigned char secret[KEY_BYTES];
    struct lock lock;
    struct check *pending GUARDED_BY(lock);
    struct map verified GUARDED_BY(lock); /* user -> struct verified, owned */
    struct question_key refused[PASSWORD_REFUSALS_KEPT] GUARDED_BY(lock); /* by their first bits */
};

static const struct metric_spec checks_spec = {
    .type = METRIC_COUNTER,
    .name = "mneme_http_password_checks_total",
    .help = "Passwords that were checked against a bcrypt hash, since no verdict was remembered.",
};

/* --- questions -------------------------------------------------------------------------------- */

static void
digest_add(EVP_MD_CTX *digest, struct str text)
{
    uint64_t n = text.n;
    EVP_DigestUpdate(digest, &n, sizeof n);
    EVP_DigestUpdate(digest, text.n ? text.p : "", text.n);
}

static struct question_key
key_of(const struct passwords *p, const struct password_ask *ask)
{
    struct question_key key;
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    ASSERT(digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1);
    EVP_DigestUpdate(digest, p->secret, sizeof p->secret);
    digest_add(digest, ask->known ? STR("known") : STR("unknown"));
    digest_add(digest, ask->user);
    digest_add(digest, ask->hash);
    digest_add(digest, ask->password);
    EVP_DigestFinal_ex(digest, key.bytes, NULL);
    EVP_MD_CTX_free(digest);
    return key;
}

static bool
same_key(const struct question_key *a, const struct question_key *b)
{
    return memcmp(a->bytes, b->bytes, KEY_BYTES) == 0;
}

static struct question_key *
refusal_slot(struct passwords *p, const struct question_key *key)
{
    size_t at = (size_t)key->bytes[0] << 8 | key->bytes[1];
    return &p->refused[at % PASSWORD_REFUSALS_KEPT];
}

/* GOOD or BAD when the answer is known already, else LATER. */
static enum password_verdict
remembered(struct passwords *p, const struct password_ask *ask, const struct question_key *key)
    REQUIRES(p->lock)
{
    const struct verified *v = ask->known ? map_get(&p->verified, ask->user) : NULL;
    if (v && (same_key(&v->keys[0], key) || same_key(&v->keys[1], key)))
        return PASSWORD_GOOD;
    return same_key(refusal_slot(p, key), key) ? PASSWORD_BAD : PASSWORD_LATER;
}

static void
forget_all(struct passwords *p)
{
    struct map_entry e = MAP_START;
    while (map_next(&p->verified, &e))
        mem_free(e.value);
    map_fini(&p->verified);
    map_init(&p->verified, MAP_KEYS_COPIED);
}

static void
remember(struct passwords *p, const struct check *c, enum password_verdict verdict)
    REQUIRES(p->lock)
{
    if (verdict == PASSWORD_BAD)
        *refusal_slot(p, &c->key) = c->key;
    if (verdict != PASSWORD_GOOD)
        return;
    struct verified *v = map_get(&p->verified, buf_str(&c->user));
    if (!v) {
        if (p->verified.count >= PASSWORD_USERS_KEPT)
            forget_all(p); /* many names have come and gone with reloads */
        v = mem_alloc_zero(sizeof *v);
        map_put(&p->verified, buf_str(&c->user), v);
    }
    v->keys[1] = v->keys[0];
    v->keys[0] = c->key;
}

/* --- checks ----------------------------------------------------------------------------------- */

static void
check_free(struct check *c)
{
    explicit_bzero(c->password, sizeof c->password);
    buf_fini(&c->user);
    buf_fini(&c->address);
    mem_free(c);
}

static void
unlink_check(struct passwords *p, struct check *c) REQUIRES(p->lock)
{
    struct check **at = &p->pending;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
}

/* Nobody joins the check after this; all who wait for it are told. */
static void
finish_check(struct check *c, enum password_verdict verdict)
{
    struct passwords *p = c->passwords;
    struct password_wait *waits;
    {
        LOCKED(&p->lock);
        unlink_check(p, c);
        remember(p, c, verdict);
        waits = TAKE(c->waits);
    }
    check_free(c);
    while (waits) {
        struct password_wait *w = waits;
        waits = w->next; /* `w` may be gone once it was told */
        w->done(w, verdict);
    }
}

static void
run_check(void *arg)
{
    struct check *c = arg;
    struct passwords *p = c->passwords;
    uint64_t waited_ns = clock_mono_ns(p->clock) - c->asked_ns;
    if (waited_ns > (uint64_t)PASSWORD_CHECK_WAIT_MS_MAX * 1000000) {
        finish_check(c, PASSWORD_BUSY);
        return;
    }
    bool matches =
        bcrypt_matches(str_of(c->password, c->password_bytes), str_of(c->hash, sizeof c->hash));
    metric_inc(p->checks);
    finish_check(c, matches && c->known ? PASSWORD_GOOD : PASSWORD_BAD);
}

static struct check *
check_new(struct passwords *p, const struct password_ask *ask, const struct question_key *key)
{
    ASSERT(ask->hash.n == BCRYPT_HASH_BYTES);
    struct check *c = mem_alloc_zero(sizeof *c);
    c->passwords = p;
    c->key = *key;
    c->asked_ns = clock_mono_ns(p->clock);
    /* A NUL ends what crypt(3) reads: the rest still must not be ignored. */
    c->known = ask->known && str_find_byte(ask->password, '\0') == ask->password.n;
    memcpy(c->hash, ask->hash.p, sizeof c->hash);
    c->password_bytes = size_min(ask->password.n, sizeof c->password);
    if (c->password_bytes > 0)
        memcpy(c->password, ask->password.p, c->password_bytes);
    buf_append(&c->user, ask->user);
    buf_append(&c->address, ask->address);
    return c;
}

/* The check that is asked for: one that is pending, or a new one, or NULL when there are too many
 * already. `wait` has joined it. */
static struct check *
join_check(struct passwords *p, const struct password_ask *ask, const struct question_key *key,
           struct password_wait *wait, bool *ret_is_new) REQUIRES(p->lock)
{
    size_t count = 0, of_address = 0;
    struct check *c = p->pending;
    for (; c && !same_key(&c->key, key); c = c->next) {
        count++;
        of_address += str_eq(buf_str(&c->address), ask->address);
    }
    *ret_is_new = !c;
    if (!c) {
        if (count >= PASSWORD_CHECKS_MAX || of_address >= PASSWORD_CHECKS_ADDRESS_MAX)
            return NULL;
        c = check_new(p, ask, key);
        c->next = p->pending;
        p->pending = c;
    }
    wait->next = c->waits;
    c->waits = wait;
    return c;
}

enum password_verdict
passwords_ask(struct passwords *p, const struct password_ask *ask, struct password_wait *wait)
{
    struct question_key key = key_of(p, ask);
    struct check *c;
    bool is_new;
    {
        LOCKED(&p->lock);
        enum password_verdict known = remembered(p, ask, &key);
        if (known != PASSWORD_LATER)
            return known;
        c = join_check(p, ask, &key, wait, &is_new);
    }
    if (!c)
        return PASSWORD_BUSY;
    if (is_new && !pool_submit(p->pool, run_check, c))
        finish_check(c, PASSWORD_BUSY);
    return PASSWORD_LATER;
}

/* --- life cycle ------------------------------------------------------------------------------- */

struct err
passwords_open(struct metrics *metrics, const struct clock *clock, size_t threads,
               struct passwords **ret_passwords)
{
    struct passwords *p = mem_alloc_zero(sizeof *p);
    struct pool_opts pool = {.name = "password",
                             .threads = threads,
                             .queued_limit = PASSWORD_CHECKS_MAX,
                             .niceness = NICENESS};
    p->clock = clock;
    p->checks = metrics_single(metrics, &checks_spec);
    rand_bytes(p->secret, sizeof p->secret);
    rand_bytes(p->refused, sizeof p->refused); /* equal to no question */
    lock_init(&p->lock, LOCK_RANK_LEAF);
    map_init(&p->verified, MAP_KEYS_COPIED);
    struct err e = pool_start(&pool, &p->pool);
    if (e.code) {
        passwords_close(p);
        return e;
    }
    *ret_passwords = p;
    return OK;
}

void
passwords_close(struct passwords *p)
{
    if (!p)
        return;
    pool_stop(p->pool);
    ASSERT(!p->pending);
    forget_all(p);
    map_fini(&p->verified);
    lock_fini(&p->lock);
    explicit_bzero(p->secret, sizeof p->secret);
    mem_free(p);
}
