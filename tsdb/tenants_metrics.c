/* tenants_metrics.c - the figures of tenants: read at each exposition, gone with their database.
 *
 * The table's lock is held for a batch of references only; a database is read while one is held.
 * tenant.metrics is touched by the one collector with a reference, or with none held. */
#include "base/assert.h"
#include "base/mem.h"
#include "tsdb/tenants_int.h"

enum {
    HELD_A_BATCH = 64,
    SEEN_A_BATCH = 1024, /* of which most may be closed */
};

struct tenant_metrics {
    struct metric *series, *samples, *late_samples, *created, *mapped, *wal_bytes, *writable,
        *blocks;
    uint64_t samples_told, late_told, created_told, mapped_told; /* to the counters */
};

/* --- one tenant ------------------------------------------------------------------------------- */

static struct tenant_metrics *
metrics_new(const struct tenant_families *f, struct str name)
{
    struct tenant_metrics *m = mem_alloc_zero(sizeof *m);
    m->series = metric_with(f->series, &name, 1);
    m->samples = metric_with(f->samples, &name, 1);
    m->late_samples = metric_with(f->late_samples, &name, 1);
    m->created = metric_with(f->created, &name, 1);
    m->mapped = metric_with(f->mapped, &name, 1);
    m->wal_bytes = metric_with(f->wal_bytes, &name, 1);
    m->writable = metric_with(f->writable, &name, 1);
    m->blocks = metric_with(f->blocks, &name, 1);
    return m;
}

void
tenant_drop_metrics(struct tenant *n)
{
    if (!n->metrics)
        return;
    const struct tenant_families *f = &n->owner->families;
    struct metric_family *of_tenants[] = {f->series, f->samples,   f->late_samples, f->created,
                                          f->mapped, f->wal_bytes, f->writable,     f->blocks};
    for (size_t i = 0; i < ARRAY_LEN(of_tenants); i++)
        metric_remove(of_tenants[i], &n->name, 1);
    mem_free(TAKE(n->metrics));
}

static void
add_difference(struct metric *m, uint64_t now, uint64_t *told)
{
    metric_add(m, (double)(now - *told));
    *told = now;
}

static void
collect_one(struct tenant *n)
{
    if (!n->metrics)
        n->metrics = metrics_new(&n->owner->families, n->name);
    struct tenant_metrics *m = n->metrics;
    struct db_stats s;
    db_stats(n->db, &s);
    metric_set(m->series, (double)s.series);
    metric_set(m->wal_bytes, (double)s.wal_bytes);
    metric_set(m->writable, s.writable ? 1 : 0);
    metric_set(m->blocks, (double)s.blocks);
    add_difference(m->samples, s.samples_appended, &m->samples_told);
    add_difference(m->late_samples, s.late_samples_appended, &m->late_told);
    add_difference(m->created, s.series_created, &m->created_told);
    add_difference(m->mapped, s.chunks_mapped, &m->mapped_told);
}

/* --- all -------------------------------------------------------------------------------------- */

/* Holds open tenants from place *at on, and moves it. One that changes its place meanwhile may be
 * missed or come twice: the next exposition has it right. */
static size_t
hold_batch(struct tenants *t, size_t *at, struct tenant **batch)
{
    size_t n = 0;
    LOCKED(&t->lock);
    size_t end = size_min(t->all.n, *at + SEEN_A_BATCH);
    for (; *at < end && n < HELD_A_BATCH; ++*at) {
        if (t->all.v[*at]->state != TENANT_OPEN)
            continue;
        batch[n++] = t->all.v[*at];
        tenant_hold_unseen(t->all.v[*at]);
    }
    return n;
}

static bool
is_past_end(struct tenants *t, size_t at)
{
    LOCKED(&t->lock);
    return at >= t->all.n;
}

static void
collect_states(struct tenants *t)
{
    size_t counts[TENANT_STATE_COUNT];
    {
        LOCKED(&t->lock);
        memcpy(counts, t->state_counts, sizeof counts);
    }
    for (size_t i = 0; i < TENANT_STATE_COUNT; i++)
        metric_set(t->families.states[i], (double)counts[i]);
}

static void
collect(void *arg)
{
    struct tenants *t = arg;
    LOCKED(&t->collect_lock);
    collect_states(t);
    for (size_t at = 0; !is_past_end(t, at);) {
        struct tenant *batch[HELD_A_BATCH];
        size_t n = hold_batch(t, &at, batch);
        for (size_t i = 0; i < n; i++) {
            collect_one(batch[i]);
            tenant_release_unseen(batch[i]);
        }
    }
}

static struct metric_family *
family(struct metrics *m, enum metric_type type, const char *name, const char *help)
{
    struct metric_spec spec = {.type = type,
                               .name = name,
                               .help = help,
                               .labels = {"tenant"},
                               .children_max = TENANTS_MAX};
    return metrics_family(m, &spec);
}

static struct metric *
counter(struct metrics *m, const char *name, const char *help)
{
    return metrics_single(
        m, &(struct metric_spec){.type = METRIC_COUNTER, .name = name, .help = help});
}

static void
register_states(struct metrics *m, struct tenant_families *f)
{
    static const char *const texts[] = {
#define X(state, text) [state] = text,
        TENANT_STATES(X)
#undef X
    };
    struct metric_spec spec = {.type = METRIC_GAUGE,
                               .name = "mneme_tenants",
                               .help = "Tenants by the state of their database.",
                               .labels = {"state"}};
    for (size_t i = 0; i < TENANT_STATE_COUNT; i++) {
        struct str text = str_of_cstr(texts[i]);
        f->states[i] = metric_with(metrics_family(m, &spec), &text, 1);
    }
}

void
tenants_register_metrics(struct tenants *t)
{
    struct metrics *m = t->metrics;
    struct tenant_families *f = &t->families;
    f->series = family(m, METRIC_GAUGE, "prometheus_tsdb_head_series",
                       "Total number of series in the head block.");
    f->samples = family(m, METRIC_COUNTER, "prometheus_tsdb_head_samples_appended_total",
                        "Total number of appended samples.");
    f->late_samples =
        family(m, METRIC_COUNTER, "prometheus_tsdb_head_out_of_order_samples_appended_total",
               "Total number of appended out of order samples.");
    f->created = family(m, METRIC_COUNTER, "prometheus_tsdb_head_series_created_total",
                        "Total number of series created in the head");
    f->mapped = family(m, METRIC_COUNTER, "prometheus_tsdb_mmap_chunks_total",
                       "Total number of chunks that were memory-mapped.");
    f->wal_bytes = family(m, METRIC_GAUGE, "mneme_tsdb_wal_written_bytes",
                          "Bytes written to the write-ahead log since it was opened.");
    f->writable = family(m, METRIC_GAUGE, "mneme_tsdb_writable",
                         "1 while the write-ahead log is healthy, 0 while writes are refused.");
    f->blocks = family(m, METRIC_GAUGE, "prometheus_tsdb_blocks_loaded",
                       "Number of currently loaded data blocks");
    f->opened = counter(m, "mneme_tenant_opens_total", "Databases of tenants that were opened.");
    f->closed = counter(m, "mneme_tenant_closes_total",
                        "Databases of tenants that were closed because nobody used them.");
    f->pruned = counter(m, "mneme_tenant_prunes_total",
                        "Tenants that were removed: all they had was older than the retention.");
    f->failed = counter(m, "mneme_tenant_pass_failures_total",
                        "Maintenance passes over a tenant that failed.");
    register_states(m, f);
    metrics_on_collect(m, collect, t);
}

void
tenants_unregister_metrics(struct tenants *t)
{
    metrics_off_collect(t->metrics, t);
}
