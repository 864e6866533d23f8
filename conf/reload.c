/* reload.c - see reload.h. */
#include "conf/reload.h"

#include <stdatomic.h>

#include "base/hash.h"
#include "base/lock.h"
#include "base/vec.h"

struct entry {
    struct reloadable one;
    uint64_t hash;    /* of the files as they were before the last load */
    uint64_t next_ns; /* of the watch, monotonic */
    bool failed;      /* the last load */
    struct metric *good, *bad, *successful, *hash_gauge;
};

struct reloads {
    struct reloads_opts opts; /* immutable, as the metrics */
    struct metric_family *total, *successful_of, *hash_of;
    struct metric *successful[2], *success_seconds[2]; /* as Prometheus names them, as Thanos */
    struct lock lock;                                  /* held while load() runs: one at a time */
    VEC(struct entry) entries GUARDED_BY(lock);
    _Atomic(bool) all_good;      /* relaxed: shown only */
    _Atomic(int64_t) success_ms; /* relaxed: shown only */
};

/* Unlike upstream, whose gauge never goes back to 0 for a receiver. */
#define SUCCESSFUL_HELP      "Whether the last configuration reload attempt was successful."
#define SUCCESS_SECONDS_HELP "Timestamp of the last successful configuration reload."
static const struct metric_spec successful_specs[] = {
    {METRIC_GAUGE, "prometheus_config_last_reload_successful", SUCCESSFUL_HELP, {NULL}, NULL, 0, 0},
    {METRIC_GAUGE,
     "thanos_receive_config_last_reload_successful",
     SUCCESSFUL_HELP,
     {NULL},
     NULL,
     0,
     0},
};
static const struct metric_spec success_seconds_specs[] = {
    {METRIC_GAUGE,
     "prometheus_config_last_reload_success_timestamp_seconds",
     SUCCESS_SECONDS_HELP,
     {NULL},
     NULL,
     0,
     0},
    {METRIC_GAUGE,
     "thanos_receive_config_last_reload_success_timestamp_seconds",
     SUCCESS_SECONDS_HELP,
     {NULL},
     NULL,
     0,
     0},
};
static const struct metric_spec total_spec = {
    .type = METRIC_COUNTER,
    .name = "mneme_config_reloads_total",
    .help = "Reloads of a part of the configuration, by outcome.",
    .labels = {"config", "result"},
};
static const struct metric_spec successful_of_spec = {
    .type = METRIC_GAUGE,
    .name = "mneme_config_last_reload_successful",
    .help = "Whether the last reload of this part of the configuration was successful.",
    .labels = {"config"},
};
static const struct metric_spec hash_of_spec = {
    .type = METRIC_GAUGE,
    .name = "mneme_config_hash",
    .help = "48 bits of a hash over the files of a part of the configuration, as last tried.",
    .labels = {"config"},
};

struct reloads *
reloads_open(const struct reloads_opts *opts)
{
    struct reloads *r = mem_alloc_zero(sizeof *r);
    r->opts = *opts;
    lock_init(&r->lock, LOCK_RANK_RELOADS);
    int64_t now_ms = clock_wall_ms(opts->clock);
    atomic_store_explicit(&r->all_good, true, memory_order_relaxed);
    atomic_store_explicit(&r->success_ms, now_ms, memory_order_relaxed);
    for (size_t i = 0; i < ARRAY_LEN(r->successful); i++) {
        r->successful[i] = metrics_single(opts->metrics, &successful_specs[i]);
        r->success_seconds[i] = metrics_single(opts->metrics, &success_seconds_specs[i]);
        metric_set(r->successful[i], 1);
        metric_set(r->success_seconds[i], (double)now_ms / 1000);
    }
    r->total = metrics_family(opts->metrics, &total_spec);
    r->successful_of = metrics_family(opts->metrics, &successful_of_spec);
    r->hash_of = metrics_family(opts->metrics, &hash_of_spec);
    return r;
}

void
reloads_close(struct reloads *r)
{
    if (!r)
        return;
    vec_fini(&r->entries);
    lock_fini(&r->lock);
    mem_free(r);
}

/* --- what stands in the files ------------------------------------------------------------ */

struct file_hash {
    struct fs *fs;
    struct buf text; /* of one file, reused */
    uint64_t hash;
};

static void
hash_file(void *arg, const char *path)
{
    struct file_hash *h = arg;
    if (!path || path[0] == '\0')
        return;
    buf_clear(&h->text);
    struct err e = fs_read_file(h->fs, path, RELOAD_FILE_BYTES_MAX, &h->text);
    uint64_t parts[] = {h->hash, hash64(str_of_cstr(path)), hash64(buf_str(&h->text)),
                        (uint64_t)e.code};
    h->hash = hash64(str_of((const char *)parts, sizeof parts));
    err_drop(e); /* load() will tell */
}

static uint64_t
hash_of_files(const struct reloads *r, const struct reloadable *one)
{
    struct file_hash h = {.fs = r->opts.fs, .text = BUF_INIT};
    for (size_t i = 0; i < RELOAD_FILES_MAX; i++)
        hash_file(&h, one->files[i]);
    if (one->each_file)
        one->each_file(one->arg, hash_file, &h);
    buf_fini(&h.text);
    return h.hash;
}

static void
set_hash(struct entry *e, uint64_t hash)
{
    e->hash = hash;
    metric_set(e->hash_gauge, (double)(hash >> 16)); /* a double holds 53 bits */
}

void
reloads_add(struct reloads *r, const struct reloadable *one)
{
    struct str name = str_of_cstr(one->name);
    struct entry e = {
        .one = *one,
        .good = metric_with(r->total, (struct str[]){name, STR("success")}, 2),
        .bad = metric_with(r->total, (struct str[]){name, STR("error")}, 2),
        .successful = metric_with(r->successful_of, &name, 1),
        .hash_gauge = metric_with(r->hash_of, &name, 1),
    };
    if (e.one.interval_ms == 0)
        e.one.interval_ms = RELOAD_INTERVAL_MS_DEFAULT;
    metric_set(e.successful, 1);
    LOCKED(&r->lock);
    set_hash(&e, hash_of_files(r, one));
    vec_push(&r->entries, e);
}

/* --- loading --------------------------------------------------------------------------------- */

static struct err
load_one(struct reloads *r, struct entry *entry, const char *why)
{
    ASSERT(lock_is_held(&r->lock));
    struct err e = entry->one.load(entry->one.arg);
    entry->failed = e.code != ERR_NONE;
    metric_inc(entry->failed ? entry->bad : entry->good);
    metric_set(entry->successful, !entry->failed);
    if (entry->failed)
        log_error(r->opts.log, "reload failed, the old configuration stays",
                  KV_CSTR("config", entry->one.name), KV_CSTR("why", why), KV_ERR(e));
    else
        log_info(r->opts.log, "configuration reloaded", KV_CSTR("config", entry->one.name),
                 KV_CSTR("why", why));
    return e;
}

static void
conclude(struct reloads *r)
{
    ASSERT(lock_is_held(&r->lock));
    bool good = true;
    vec_each (&r->entries, e)
        good = good && !e->failed;
    int64_t now_ms = clock_wall_ms(r->opts.clock);
    atomic_store_explicit(&r->all_good, good, memory_order_relaxed);
    if (good)
        atomic_store_explicit(&r->success_ms, now_ms, memory_order_relaxed);
    for (size_t i = 0; i < ARRAY_LEN(r->successful); i++) {
        metric_set(r->successful[i], good);
        if (good)
            metric_set(r->success_seconds[i], (double)now_ms / 1000);
    }
}

/* Consumes both. */
static struct err
join(struct err all, struct err more, const char *name)
{
    if (more.code == ERR_NONE)
        return all;
    if (all.code == ERR_NONE)
        return err_wrap(more, "%s", name);
    struct err both = ERR(all.code, "%s; %s: %s", err_text(&all), name, err_text(&more));
    err_drop(all);
    err_drop(more);
    return both;
}

struct err
reloads_run(struct reloads *r)
{
    struct err all = OK;
    LOCKED(&r->lock);
    vec_each (&r->entries, e) {
        set_hash(e, hash_of_files(r, &e->one)); /* before: what comes later is seen as a change */
        all = join(all, load_one(r, e, "told to"), e->one.name);
    }
    conclude(r);
    if (r->entries.n == 0)
        log_info(r->opts.log, "nothing to reload");
    return all;
}

void
reloads_watch(struct reloads *r)
{
    uint64_t now_ns = clock_mono_ns(r->opts.clock);
    bool loaded = false;
    LOCKED(&r->lock);
    vec_each (&r->entries, e) {
        if (now_ns < e->next_ns)
            continue;
        e->next_ns = now_ns + (uint64_t)e->one.interval_ms * 1000000;
        uint64_t hash = hash_of_files(r, &e->one);
        if (hash == e->hash)
            continue;
        set_hash(e, hash);
        err_drop(load_one(r, e, "files changed"));
        loaded = true;
    }
    if (loaded)
        conclude(r);
}

/* --- looking at it --------------------------------------------------------------------------- */

struct reloads_state
reloads_state(const struct reloads *r)
{
    return (struct reloads_state){
        .successful = atomic_load_explicit(&r->all_good, memory_order_relaxed),
        .success_ms = atomic_load_explicit(&r->success_ms, memory_order_relaxed),
    };
}

static void
append_indented(struct str text, struct buf *to)
{
    while (text.n > 0) {
        struct str line = str_split(&text, '\n');
        if (line.n > 0)
            buf_append(to, STR("  "));
        buf_append(to, line);
        buf_put_u8(to, '\n');
    }
}

void
reloads_show(struct reloads *r, struct buf *to)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    LOCKED(&r->lock);
    vec_each (&r->entries, e) {
        if (!e->one.show)
            continue;
        buf_clear(&text);
        e->one.show(e->one.arg, &text);
        buf_printf(to, "%s:\n", e->one.show_key);
        append_indented(buf_str(&text), to);
    }
}
