/* http_guard.c - loading and handing out what guards a listener.
 *
 * A web file is taken as a whole: rules are made first, then TLS is replaced, and only when both
 * have worked the rules are put in use. */
#include "net/http_guard_int.h"

#include <stdatomic.h>

#include "base/fs.h"
#include "base/lock.h"
#include "base/mem.h"

struct http_guard {
    /* immutable */
    char *web_file;      /* NULL: none */
    char *flag_files[3]; /* of TLS by flags; NULL: none */
    bool tls_by_flags;
    struct tls_server *tls; /* NULL: plain */
    struct passwords *passwords;
    struct jwt_guard *jwt; /* NULL: none */
    /* of whoever changes it */
    struct arena arena; /* the configuration in use */
    struct web_config config;
    _Atomic(bool) asks_clients; /* relaxed: nothing is read along with it */
    struct lock lock;
    struct http_rules *rules GUARDED_BY(lock); /* one reference */
    uint64_t turn_ns GUARDED_BY(lock);         /* when the bucket is full again */
};

/* --- loading ---------------------------------------------------------------------------------- */

static struct str
dir_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? str_of(path, (size_t)(slash - path) + (slash == path)) : STR("");
}

/* The options point into `c` and `names`. */
static struct tls_server_opts
tls_opts_of(const struct web_tls *t, struct tls_names *names)
{
    *names = (struct tls_names){t->client_allowed_sans.v, t->client_allowed_sans.n};
    return (struct tls_server_opts){
        .cert = {t->cert_file.p, t->cert},
        .key = {t->key_file.p, t->key},
        .client_ca = {t->client_ca_file.p, t->client_ca},
        .client_auth = t->client_auth_type.p,
        .client_sans = t->client_allowed_sans.v ? names : NULL,
        .min_version = t->min_version.p,
        .max_version = t->max_version.p,
        .ciphers = {t->cipher_suites.v, t->cipher_suites.n},
        .curves = {t->curve_preferences.v, t->curve_preferences.n},
        .client_order = !t->prefer_server_cipher_suites,
    };
}

static bool
asks_clients(const struct tls_server_opts *tls)
{
    return tls->client_auth && tls->client_auth[0] && strcmp(tls->client_auth, "NoClientCert") != 0;
}

enum occasion { AT_START, LATER };

static struct err
load_tls(struct http_guard *g, const struct web_config *c, enum occasion occasion)
{
    struct tls_names sans;
    struct tls_server_opts opts = tls_opts_of(&c->tls, &sans);
    bool wanted = web_config_has_tls(c);
    if (wanted && g->tls_by_flags)
        return ERR(ERR_INVALID, "TLS is configured by flags and by tls_server_config");
    if (occasion == LATER && wanted != web_config_has_tls(&g->config))
        return ERR(ERR_INVALID, "tls_server_config can come or go by a restart only");
    if (!wanted)
        return OK;
    TRY(occasion == AT_START ? tls_server_open(&opts, &g->tls) : tls_server_replace(g->tls, &opts));
    atomic_store_explicit(&g->asks_clients, asks_clients(&opts), memory_order_relaxed);
    return OK;
}

static void
use_rules(struct http_guard *g, struct http_rules *rules)
{
    struct http_rules *old;
    {
        LOCKED(&g->lock);
        old = g->rules;
        g->rules = rules;
        g->turn_ns = 0;
    }
    http_rules_unref(old); /* requests may still hold it */
}

static struct err
load_config(struct http_guard *g, struct str text, struct arena *a, enum occasion occasion)
{
    struct web_config c;
    TRY(web_config_parse(a, text, g->web_file ? dir_of(g->web_file) : STR(""), &c));
    if (g->jwt && c.user_count + c.token_count > 0)
        return ERR(ERR_INVALID,
                   "basic_auth_users and bearer_tokens have no place beside tokens that "
                   "name tenants: a request has one field Authorization");
    AUTO(http_rules_unref) struct http_rules *rules = NULL;
    TRY(http_rules_new(&c, &rules));
    TRY(load_tls(g, &c, occasion));
    use_rules(g, TAKE(rules));
    struct arena old = g->arena;
    g->arena = *a;
    g->config = c;
    *a = old;
    return OK;
}

static struct err
load(struct http_guard *g, enum occasion occasion)
{
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf text = BUF_INIT;
    if (!g->web_file)
        return load_config(g, STR(""), &a, occasion);
    TRY(fs_read_file(fs_posix(), g->web_file, HTTP_WEB_FILE_BYTES_MAX, &text));
    struct err e = load_config(g, buf_str(&text), &a, occasion);
    if (text.n > 0)
        explicit_bzero(text.p, text.n); /* a key may stand in it */
    return e.code ? err_wrap(e, "%s", g->web_file) : OK;
}

struct err
http_guard_reload(struct http_guard *g)
{
    TRY(load(g, LATER));
    return g->tls_by_flags ? tls_server_reload(g->tls) : OK;
}

void
http_guard_each_file(const struct http_guard *g, void (*visit)(void *visit_arg, const char *path),
                     void *visit_arg)
{
    const struct web_tls *t = &g->config.tls;
    const char *files[] = {g->web_file, t->cert_file.p, t->key_file.p, t->client_ca_file.p};
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        if (files[i] && files[i][0])
            visit(visit_arg, files[i]);
    }
    for (size_t i = 0; i < g->config.token_count; i++) {
        if (g->config.tokens[i].file.n > 0)
            visit(visit_arg, g->config.tokens[i].file.p);
    }
    for (size_t i = 0; i < ARRAY_LEN(g->flag_files); i++) {
        if (g->flag_files[i])
            visit(visit_arg, g->flag_files[i]);
    }
}

/* --- life cycle ------------------------------------------------------------------------------- */

DEFINE_AUTO(struct http_guard *, http_guard_close)

static void
keep_flag_files(struct http_guard *g, const struct tls_server_opts *tls)
{
    const char *files[] = {tls->cert.file, tls->key.file, tls->client_ca.file};
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        if (files[i] && files[i][0])
            g->flag_files[i] = mem_dup_text(files[i], strlen(files[i]));
    }
    g->tls_by_flags = true;
}

struct err
http_guard_open(const struct http_guard_opts *opts, struct http_guard **ret_guard)
{
    AUTO(http_guard_close) struct http_guard *g = mem_alloc_zero(sizeof *g);
    g->jwt = opts->jwt;
    lock_init(&g->lock, LOCK_RANK_LEAF);
    if (opts->web_file && opts->web_file[0])
        g->web_file = mem_dup_text(opts->web_file, strlen(opts->web_file));
    TRY(passwords_open(opts->metrics, opts->clock, opts->password_threads, &g->passwords));
    if (opts->tls) {
        keep_flag_files(g, opts->tls);
        TRY(tls_server_open(opts->tls, &g->tls));
        atomic_store_explicit(&g->asks_clients, asks_clients(opts->tls), memory_order_relaxed);
    }
    TRY(load(g, AT_START));
    *ret_guard = TAKE(g);
    return OK;
}

void
http_guard_close(struct http_guard *g)
{
    if (!g)
        return;
    passwords_close(g->passwords);
    tls_server_close(g->tls);
    http_rules_unref(g->rules);
    arena_fini(&g->arena);
    lock_fini(&g->lock);
    for (size_t i = 0; i < ARRAY_LEN(g->flag_files); i++)
        mem_free(g->flag_files[i]);
    mem_free(g->web_file);
    mem_free(g);
}

struct tls_server *
http_guard_tls(struct http_guard *g)
{
    return g->tls;
}

bool
http_guard_asks_clients(const struct http_guard *g)
{
    return atomic_load_explicit(&g->asks_clients, memory_order_relaxed);
}

/* --- requests --------------------------------------------------------------------------------- */

struct http_rules *
http_guard_rules(struct http_guard *g)
{
    LOCKED(&g->lock);
    return http_rules_ref(g->rules);
}

/* A token bucket, kept as the time when it will be full again: each request moves that by one
 * interval, and there may be `burst` intervals until then (GCRA, ITU-T I.371). */
bool
http_guard_take_turn(struct http_guard *g, const struct http_rules *rules, uint64_t now_ns)
{
    uint64_t interval_ns = http_rules_rate_interval_ns(rules);
    uint64_t burst = http_rules_rate_burst(rules);
    if (interval_ns == 0)
        return true;
    LOCKED(&g->lock);
    uint64_t turn_ns = u64_max(g->turn_ns, now_ns);
    uint64_t behind_ns = turn_ns - now_ns;
    uint64_t behind = behind_ns / interval_ns + (behind_ns % interval_ns > 0);
    if (behind >= burst)
        return false;
    g->turn_ns = turn_ns > UINT64_MAX - interval_ns ? UINT64_MAX : turn_ns + interval_ns;
    return true;
}

struct passwords *
http_guard_passwords(struct http_guard *g)
{
    return g->passwords;
}

struct jwt_guard *
http_guard_jwt(struct http_guard *g)
{
    return g->jwt;
}
