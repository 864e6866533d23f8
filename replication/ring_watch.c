/* ring_watch.c - a pointer to the ring in force, and the metrics of Thanos' watcher. */
#include "replication/ring_watch.h"

#include "base/bytes.h"
#include "base/lock.h"
#include "net/sha256.h"
#include "replication/ring_config.h"

struct ring_watch {
    struct ring_watch_opts opts;
    struct sha256 sum; /* of the file in force; only load() */
    struct metric *changes, *errors, *refreshes, *hash;
    struct metric_family *nodes, *tenants;
    struct lock lock;
    struct ring *ring GUARDED_BY(lock);
};

static const struct metric_spec changes_spec = {
    .type = METRIC_COUNTER,
    .name = "thanos_receive_hashrings_file_changes_total",
    .help = "How often the hashrings file has changed.",
};
static const struct metric_spec errors_spec = {
    .type = METRIC_COUNTER,
    .name = "thanos_receive_hashrings_file_errors_total",
    .help = "How often the hashrings file could not be loaded.",
};
static const struct metric_spec refreshes_spec = {
    .type = METRIC_COUNTER,
    .name = "thanos_receive_hashrings_file_refreshes_total",
    .help = "How often the hashrings file was read.",
};
static const struct metric_spec hash_spec = {
    .type = METRIC_GAUGE,
    .name = "thanos_receive_config_hash",
    .help = "48 bits of the SHA-256 of the hashrings file in force.",
};
static const struct metric_spec nodes_spec = {
    .type = METRIC_GAUGE,
    .name = "thanos_receive_hashring_nodes",
    .help = "Endpoints of a hashring.",
    .labels = {"name"},
};
static const struct metric_spec tenants_spec = {
    .type = METRIC_GAUGE,
    .name = "thanos_receive_hashring_tenants",
    .help = "Tenants and patterns of tenants that a hashring lists.",
    .labels = {"name"},
};

static void
open_metrics(struct ring_watch *w)
{
    struct metrics *m = w->opts.metrics;
    w->changes = metrics_single(m, &changes_spec);
    w->errors = metrics_single(m, &errors_spec);
    w->refreshes = metrics_single(m, &refreshes_spec);
    w->hash = metrics_single(m, &hash_spec);
    w->nodes = metrics_family(m, &nodes_spec);
    w->tenants = metrics_family(m, &tenants_spec);
}

/* --- metrics of the ring in force ------------------------------------------------------------- */

static bool
has_hashring(const struct ring *r, struct str name)
{
    bool has = false;
    for (size_t i = 0; i < ring_hashring_count(r) && !has; i++)
        has = str_eq(ring_hashring(r, i)->name, name);
    return has;
}

/* Hashrings that are gone are shown no longer (unlike Thanos'). */
static void
show_ring(struct ring_watch *w, const struct ring *before, const struct ring *now)
{
    for (size_t i = 0; before && i < ring_hashring_count(before); i++) {
        struct str name = ring_hashring(before, i)->name;
        if (has_hashring(now, name))
            continue;
        metric_remove(w->nodes, &name, 1);
        metric_remove(w->tenants, &name, 1);
    }
    for (size_t i = 0; i < ring_hashring_count(now); i++) {
        const struct ring_hashring *h = ring_hashring(now, i);
        metric_set(metric_with(w->nodes, &h->name, 1), (double)h->node_count);
        metric_set(metric_with(w->tenants, &h->name, 1), (double)h->tenants.n);
    }
}

static void
show_sum(struct ring_watch *w, const struct sha256 *sum)
{
    uint64_t low48 = load_le64(sum->bytes) & 0xffffffffffff;
    metric_set(w->hash, (double)low48); /* fits: 53 bits */
}

/* --- loading ------------------------------------------------------------------------------- */

/* Takes `next` over. */
static void
exchange(struct ring_watch *w, struct ring *next)
{
    AUTO(ring_unref) struct ring *before = NULL;
    {
        LOCKED(&w->lock);
        before = w->ring;
        w->ring = next;
    }
    if (before && w->opts.changed)
        w->opts.changed(w->opts.arg, before, next); /* nobody else exchanges it meanwhile */
}

static struct err
build(const struct ring_watch *w, struct str json, struct ring **ret_ring)
{
    struct ring_opts opts = {.json = json,
                             .algorithm = w->opts.algorithm,
                             .replication_factor = w->opts.replication_factor};
    return ring_open(&opts, ret_ring);
}

static struct err
load_changed(struct ring_watch *w)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    TRY(fs_read_file(w->opts.fs, w->opts.path, RING_JSON_BYTES_MAX, &text));
    struct sha256 sum = sha256_of(buf_str(&text));
    if (w->ring && memcmp(sum.bytes, w->sum.bytes, sizeof sum.bytes) == 0)
        return OK;
    AUTO(ring_unref) struct ring *next = NULL;
    TRY_IN(build(w, buf_str(&text), &next), "%s", w->opts.path);
    if (ring_hashring_count(next) == 0)
        return ERR(ERR_INVALID, "%s: no hashring in it", w->opts.path);
    w->sum = sum;
    metric_inc(w->changes);
    show_sum(w, &sum);
    show_ring(w, w->ring, next);
    exchange(w, TAKE(next));
    return OK;
}

static struct err
load_file(void *arg)
{
    struct ring_watch *w = arg;
    metric_inc(w->refreshes);
    struct err e = load_changed(w);
    if (e.code != ERR_NONE)
        metric_inc(w->errors);
    return e;
}

static struct err
load_text(struct ring_watch *w)
{
    struct str json = str_trim(w->opts.json);
    struct ring *ring;
    if (json.n == 0 || str_eq(json, STR("null")))
        TRY(ring_open_single(w->opts.address, w->opts.replication_factor, &ring));
    else
        TRY(build(w, json, &ring));
    exchange(w, ring);
    return OK;
}

struct err
ring_watch_open(const struct ring_watch_opts *opts, struct ring_watch **ret_watch)
{
    AUTO(ring_watch_close) struct ring_watch *w = mem_alloc_zero(sizeof *w);
    w->opts = *opts;
    lock_init(&w->lock, LOCK_RANK_RELOAD);
    if (!opts->path || opts->path[0] == '\0') {
        TRY(load_text(w));
    } else {
        open_metrics(w);
        TRY(load_file(w)); /* before it is watched: what fails to open must not be asked again */
        reloads_add(opts->reloads, &(struct reloadable){.name = "receive.hashrings-file",
                                                        .load = load_file,
                                                        .arg = w,
                                                        .files = {opts->path}});
        err_drop(load_file(w)); /* what changed in between; a failure is counted */
    }
    *ret_watch = TAKE(w);
    return OK;
}

void
ring_watch_close(struct ring_watch *w)
{
    if (!w)
        return;
    ring_unref(w->ring);
    lock_fini(&w->lock);
    mem_free(w);
}

struct ring *
ring_watch_ring(struct ring_watch *w)
{
    LOCKED(&w->lock);
    return ring_ref(w->ring);
}
