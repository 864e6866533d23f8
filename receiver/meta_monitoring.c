/* meta_monitoring.c - the thread that asks, and what it was told. */
#include "receiver/meta_monitoring.h"

#include <jansson.h>

#include "base/assert.h"
#include "base/lock.h"
#include "base/numtext.h"
#include "base/pool.h"

/* One answer; immutable once published. */
struct told {
    struct arena arena;
    struct map series; /* tenant -> double */
};

struct meta_monitoring {
    struct meta_monitoring_opts opts;
    struct metric *failed;
    struct pool *pool; /* one thread, whose one job is ask_for_ever(); NULL before it is needed */
    struct lock lock;
    struct cond changed;
    bool stopping GUARDED_BY(lock);
    uint64_t turn GUARDED_BY(lock);              /* which limits these are */
    struct limits *limits GUARDED_BY(lock);      /* NULL: nobody is asked; one reference */
    struct http_client *client GUARDED_BY(lock); /* of the thread, which alone uses and closes it;
                                                  * others cancel it */
    struct told *told GUARDED_BY(lock);          /* NULL: nothing is known */
};

DEFINE_AUTO(json_t *, json_decref)

/* --- question and answer ---------------------------------------------------------------------- */

static void
escape(struct str text, struct buf *to)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                     c == '-' || c == '_' || c == '.' || c == '~';
        buf_printf(to, plain ? "%c" : "%%%02X", (unsigned char)c);
    }
}

void
meta_monitoring_url(const struct limits_monitoring *c, int64_t now_ms, struct buf *to)
{
    struct str base = c->url;
    while (base.n > 0 && base.p[base.n - 1] == '/')
        base.n--;
    buf_append(to, base);
    buf_append(to, STR("/api/v1/query?query="));
    escape(c->query, to);
    buf_printf(to, "&time=%jd.%03d&dedup=true", (intmax_t)(now_ms / 1000), (int)(now_ms % 1000));
}

static struct str
text_of(const json_t *value)
{
    return json_is_string(value) ? str_of(json_string_value(value), json_string_length(value))
                                 : STR("");
}

/* As Thanos: whatever has no label `tenant` is a tenant without a name, whom no limit is of. */
static struct err
read_element(const json_t *element, struct arena *a, struct map *to)
{
    struct str tenant = text_of(json_object_get(json_object_get(element, "metric"), "tenant"));
    double *series = ARENA_NEW(a, double);
    TRY_IN(numtext_parse(text_of(json_array_get(json_object_get(element, "value"), 1)), series),
           "a value of the answer");
    if (tenant.n > 0)
        map_put(to, arena_str(a, tenant), series);
    return OK;
}

struct err
meta_monitoring_read(struct str answer, struct arena *a, struct map *to)
{
    AUTO(json_decref) json_t *json = json_loadb(answer.n ? answer.p : "", answer.n, 0, NULL);
    const json_t *data = json_object_get(json, "data");
    const json_t *result = json_object_get(data, "result");
    if (!str_eq(text_of(json_object_get(json, "status")), STR("success")) ||
        !str_eq(text_of(json_object_get(data, "resultType")), STR("vector")) ||
        !json_is_array(result))
        return ERR(ERR_INVALID, "the answer is no vector");
    for (size_t i = 0; i < json_array_size(result); i++)
        TRY(read_element(json_array_get(result, i), a, to));
    return OK;
}

static void
told_free(struct told *t)
{
    if (!t)
        return;
    map_fini(&t->series);
    arena_fini(&t->arena);
    mem_free(t);
}
DEFINE_AUTO(struct told *, told_free)

static struct err
ask(struct meta_monitoring *m, struct http_client *client, const struct limits *l,
    struct told **ret_told)
{
    AUTO(buf_fini) struct buf url = BUF_INIT, answer = BUF_INIT;
    AUTO(told_free) struct told *t = mem_alloc_zero(sizeof *t);
    int status = 0;
    arena_init(&t->arena, 0); /* bounded by the answer */
    map_init(&t->series, MAP_KEYS_BORROWED);
    meta_monitoring_url(&l->monitoring, clock_wall_ms(m->opts.clock), &url);
    struct http_client_request q = {.url = buf_str(&url),
                                    .timeout_ms = META_MONITORING_TIMEOUT_MS,
                                    .answer_bytes_max = META_MONITORING_ANSWER_BYTES_MAX};
    TRY(http_client_send(client, &q, &status, &answer));
    if (status / 100 != 2)
        return ERR(ERR_UNAVAILABLE, "status %d", status);
    TRY(meta_monitoring_read(buf_str(&answer), &t->arena, &t->series));
    *ret_told = TAKE(t);
    return OK;
}

/* --- the thread ------------------------------------------------------------------------------- */

/* What one turn of the thread works with. */
struct asking {
    uint64_t turn;
    struct limits *limits; /* one reference */
    struct http_client *client;
    uint64_t told_ns; /* when there was an answer last; 0: none of this turn */
    bool failing;     /* and somebody was told */
};

static void
publish(struct meta_monitoring *m, struct asking *as, struct told *fresh)
{
    struct told *old = fresh;
    {
        LOCKED(&m->lock);
        if (m->turn == as->turn) { /* else it is the answer to a question of other limits */
            old = m->told;
            m->told = fresh;
        }
    }
    told_free(old);
}

static void
ask_once(struct meta_monitoring *m, struct asking *as)
{
    struct told *fresh = NULL;
    struct err e = ask(m, as->client, as->limits, &fresh);
    uint64_t now_ns = clock_mono_ns(m->opts.clock);
    if (e.code == ERR_NONE) {
        as->told_ns = now_ns;
        as->failing = false;
        publish(m, as, fresh);
        return;
    }
    metric_inc(m->failed);
    if (!as->failing) /* once an outage; the counter has them all */
        log_warn(m->opts.log, "meta-monitoring does not tell the series of tenants", KV_ERR(e));
    as->failing = true;
    err_drop(e);
    if (now_ns - as->told_ns > META_MONITORING_KEPT_MS * UINT64_C(1000000))
        publish(m, as, NULL);
}

static void
drop_client(struct meta_monitoring *m, struct asking *as)
{
    {
        LOCKED(&m->lock);
        m->client = NULL;
    }
    http_client_close(TAKE(as->client));
    limits_unref(TAKE(as->limits));
}

/* Waits for the next time to ask, or for other limits. False when the process ends. */
static bool
wait_for_turn(struct meta_monitoring *m, const struct asking *as, uint64_t next_ns)
{
    LOCKED(&m->lock);
    while (!m->stopping && m->turn == as->turn) {
        if (!as->client)
            cond_wait(&m->changed, &m->lock);
        else if (!cond_wait_until(&m->changed, &m->lock, next_ns))
            break;
    }
    return !m->stopping;
}

/* With a client of its own for each turn: a canceled one is of no use any more. */
static void
begin_turn(struct meta_monitoring *m, struct asking *as)
{
    drop_client(m, as);
    {
        LOCKED(&m->lock);
        *as = (struct asking){.turn = m->turn, .limits = m->limits ? limits_ref(m->limits) : NULL};
    }
    if (!as->limits)
        return;
    struct err e = http_client_open(&as->limits->monitoring.client, &as->client);
    if (e.code != ERR_NONE) {
        metric_inc(m->failed);
        log_warn(m->opts.log, "meta-monitoring cannot be asked", KV_ERR(e));
        err_drop(e);
        return;
    }
    LOCKED(&m->lock);
    m->client = as->client;
    if (m->turn != as->turn || m->stopping)
        http_client_cancel(as->client);
}

static void
ask_for_ever(void *arg)
{
    struct meta_monitoring *m = arg;
    struct asking as = {.turn = 0};
    uint64_t next_ns = 0;
    while (wait_for_turn(m, &as, next_ns)) {
        bool other;
        {
            LOCKED(&m->lock);
            other = m->turn != as.turn;
        }
        if (other)
            begin_turn(m, &as);
        next_ns = clock_mono_ns(m->opts.clock) + META_MONITORING_INTERVAL_S * UINT64_C(1000000000);
        if (as.client)
            ask_once(m, &as);
    }
    drop_client(m, &as);
}

/* --- from outside ----------------------------------------------------------------------------- */

struct meta_monitoring *
meta_monitoring_open(const struct meta_monitoring_opts *opts)
{
    struct meta_monitoring *m = mem_alloc_zero(sizeof *m);
    m->opts = *opts;
    lock_init(&m->lock, LOCK_RANK_LEAF);
    cond_init(&m->changed);
    m->failed = metrics_single(
        opts->metrics,
        &(struct metric_spec){.type = METRIC_COUNTER,
                              .name = "thanos_receive_metamonitoring_failed_queries_total",
                              .help = "Questions to meta-monitoring that had no good answer."});
    return m;
}

void
meta_monitoring_close(struct meta_monitoring *m)
{
    if (!m)
        return;
    {
        LOCKED(&m->lock);
        m->stopping = true;
        if (m->client)
            http_client_cancel(m->client);
        cond_broadcast(&m->changed);
    }
    pool_stop(m->pool);
    limits_unref(m->limits);
    told_free(m->told);
    cond_fini(&m->changed);
    lock_fini(&m->lock);
    mem_free(m);
}

static void
start_thread(struct meta_monitoring *m)
{
    struct pool_opts pool = {.name = "meta-monitor", .threads = 1, .queued_limit = 1};
    struct err e = pool_start(&pool, &m->pool);
    if (e.code != ERR_NONE) {
        log_error(m->opts.log, "meta-monitoring is not asked", KV_ERR(e));
        err_drop(e);
        return;
    }
    bool taken = pool_submit(m->pool, ask_for_ever, m);
    ASSERT(taken); /* it is empty */
}

void
meta_monitoring_set(struct meta_monitoring *m, struct limits *l)
{
    bool asks = l->monitoring.url.n > 0 && l->limits_heads;
    struct limits *old;
    struct told *told;
    {
        LOCKED(&m->lock);
        old = m->limits;
        told = m->told;
        m->limits = asks ? limits_ref(l) : NULL;
        m->told = NULL;
        m->turn++;
        if (m->client)
            http_client_cancel(m->client);
        cond_broadcast(&m->changed);
    }
    limits_unref(old);
    told_free(told);
    if (asks && !m->pool)
        start_thread(m);
}

bool
meta_monitoring_is_over(struct meta_monitoring *m, struct str tenant, uint64_t limit,
                        double *ret_series)
{
    LOCKED(&m->lock);
    const double *series = m->told ? map_get(&m->told->series, tenant) : NULL;
    if (!series || !(*series >= (double)limit))
        return false;
    *ret_series = *series;
    return true;
}
