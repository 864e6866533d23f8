/* http_rules.c - from a web file to what a request is held against. */
#include "net/http_rules.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "base/assert.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"
#include "net/bcrypt.h"

struct http_rules {
    _Atomic(unsigned) refs; /* relaxed up, acq_rel down: the last one frees */
    struct arena arena;     /* everything below */
    struct map users;       /* name -> struct web_user in `user_list` */
    struct web_user *user_list;
    size_t user_count;
    unsigned char (*tokens)[WEB_SHA256_BYTES];
    size_t token_count;
    struct http_rules_headers headers;
    uint64_t rate_interval_ns, rate_burst;
};

static void
sha256(struct str text, unsigned char ret_digest[WEB_SHA256_BYTES])
{
    int done = EVP_Digest(text.n ? text.p : "", text.n, ret_digest, NULL, EVP_sha256(), NULL);
    ASSERT(done == 1);
}

static struct err
read_token(const struct web_token *t, unsigned char ret_digest[WEB_SHA256_BYTES])
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    if (t->file.n == 0) {
        memcpy(ret_digest, t->sha256, WEB_SHA256_BYTES);
        return OK;
    }
    TRY(fs_read_file(fs_posix(), t->file.p, HTTP_TOKEN_FILE_BYTES_MAX, &text));
    struct str token = str_trim(buf_str(&text));
    sha256(token, ret_digest);
    bool empty = token.n == 0;
    if (text.n > 0)
        explicit_bzero(text.p, text.n);
    return empty ? ERR(ERR_INVALID, "%s is empty", t->file.p) : OK;
}

static struct err
take_users(const struct web_config *c, struct http_rules *r)
{
    r->user_list = ARENA_ARRAY(&r->arena, struct web_user, c->user_count);
    for (size_t i = 0; i < c->user_count; i++) {
        struct str name = c->users[i].name;
        TRY_IN(bcrypt_check(c->users[i].hash), "basic_auth_users: %.*s", STR_FMT(name));
        r->user_list[i] =
            (struct web_user){arena_str(&r->arena, name), arena_str(&r->arena, c->users[i].hash)};
        map_put(&r->users, r->user_list[i].name, &r->user_list[i]);
        r->user_count++;
    }
    return OK;
}

static struct err
take_tokens(const struct web_config *c, struct http_rules *r)
{
    r->tokens = arena_array(&r->arena, c->token_count, sizeof *r->tokens);
    for (; r->token_count < c->token_count; r->token_count++) {
        const struct web_token *t = &c->tokens[r->token_count];
        TRY_IN(read_token(t, r->tokens[r->token_count]), "bearer_tokens: %.*s", STR_FMT(t->name));
    }
    return OK;
}

struct err
http_rules_new(const struct web_config *c, struct http_rules **ret_rules)
{
    AUTO(http_rules_unref) struct http_rules *r = mem_alloc_zero(sizeof *r);
    atomic_init(&r->refs, 1);
    arena_init(&r->arena, 0);
    map_init(&r->users, MAP_KEYS_BORROWED);
    TRY(take_users(c, r));
    TRY(take_tokens(c, r));
    struct web_header *headers = ARENA_ARRAY(&r->arena, struct web_header, c->header_count);
    for (size_t i = 0; i < c->header_count; i++)
        headers[i] = (struct web_header){arena_str(&r->arena, c->headers[i].name),
                                         arena_str(&r->arena, c->headers[i].value)};
    r->headers = (struct http_rules_headers){headers, c->header_count};
    r->rate_interval_ns = (uint64_t)i64_max(c->rate_interval_ns, 0);
    r->rate_burst = (uint64_t)i64_max(c->rate_burst, 0);
    *ret_rules = TAKE(r);
    return OK;
}

struct http_rules *
http_rules_ref(struct http_rules *r)
{
    atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
    return r;
}

void
http_rules_unref(struct http_rules *r)
{
    if (!r || atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) != 1)
        return;
    map_fini(&r->users);
    arena_fini(&r->arena);
    mem_free(r);
}

bool
http_rules_has_users(const struct http_rules *r)
{
    return r->user_count > 0;
}

bool
http_rules_has_tokens(const struct http_rules *r)
{
    return r->token_count > 0;
}

struct str
http_rules_hash(const struct http_rules *r, struct str user, bool *ret_known)
{
    ASSERT(r->user_count > 0);
    const struct web_user *u = map_get(&r->users, user);
    *ret_known = u != NULL;
    return u ? u->hash : r->user_list[hash64(user) % r->user_count].hash;
}

bool
http_rules_is_token(const struct http_rules *r, struct str token)
{
    unsigned char digest[WEB_SHA256_BYTES];
    unsigned found = 0;
    sha256(token, digest);
    for (size_t i = 0; i < r->token_count; i++)
        found |= CRYPTO_memcmp(digest, r->tokens[i], sizeof digest) == 0;
    return found != 0;
}

struct http_rules_headers
http_rules_headers(const struct http_rules *r)
{
    return r->headers;
}

uint64_t
http_rules_rate_interval_ns(const struct http_rules *r)
{
    return r->rate_interval_ns;
}

uint64_t
http_rules_rate_burst(const struct http_rules *r)
{
    return r->rate_burst;
}
