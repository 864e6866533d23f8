/* tenants_metrics.c - the figures of tenants: read at each exposition, gone with their database.
 *
 * The table's lock is held for a batch of references only; a database is read while one is held.
 * tenant.metrics is touched by the one collector with a reference, or with none held. */
#include "base/assert.h"
#include "base/mem.h"
#include "tsdb/tenant_figures.h"
#include "tsdb/tenants_int.h"

enum {
    HELD_A_BATCH = 64,
    SEEN_A_BATCH = 1024, /* of which most may be closed */
};

/* --- what is told ----------------------------------------------------------------------------- */

static const struct figure {
    enum metric_type type;
    const char *name, *kind, *help;
} figures[] = {
#define X(type, name, kind, help, value) {METRIC_##type, name, kind, help},
    TENANT_FIGURES(X)
#undef X
};
enum { FIGURE_COUNT = ARRAY_LEN(figures) };

static void
read_figures(const struct db_stats *s, double *to)
{
    const double values[] = {
#define X(type, name, kind, help, value) (double)(value),
        TENANT_FIGURES(X)
#undef X
    };
    memcpy(to, values, sizeof values);
}

/* --- one tenant ------------------------------------------------------------------------------- */

struct tenant_metrics {
    struct metric *of[FIGURE_COUNT];
    double told[FIGURE_COUNT]; /* to counters */
};

/* Label values of a figure's child; returns how many. */
static size_t
child_of(size_t i, struct str tenant, struct str *values)
{
    values[0] = tenant;
    if (!figures[i].kind)
        return 1;
    values[1] = str_of_cstr(figures[i].kind);
    return 2;
}

static struct tenant_metrics *
metrics_new(const struct tenant_families *f, struct str name)
{
    struct tenant_metrics *m = mem_alloc_zero(sizeof *m);
    struct str values[2];
    for (size_t i = 0; i < FIGURE_COUNT; i++)
        m->of[i] = metric_with(f->of_tenants[i], values, child_of(i, name, values));
    return m;
}

void
tenant_drop_metrics(struct tenant *n)
{
    struct str values[2];
    if (!n->metrics)
        return;
    for (size_t i = 0; i < FIGURE_COUNT; i++)
        metric_remove(n->owner->families.of_tenants[i], values, child_of(i, n->name, values));
    mem_free(TAKE(n->metrics));
}

static void
collect_one(struct tenant *n)
{
    if (!n->metrics)
        n->metrics = metrics_new(&n->owner->families, n->name);
    struct tenant_metrics *m = n->metrics;
    struct db_stats s;
    double now[FIGURE_COUNT];
    db_stats(n->db, &s);
    read_figures(&s, now);
    for (size_t i = 0; i < FIGURE_COUNT; i++) {
        if (figures[i].type == METRIC_GAUGE) {
            metric_set(m->of[i], now[i]);
        } else {
            metric_add(m->of[i], now[i] - m->told[i]);
            m->told[i] = now[i];
        }
    }
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
family(struct metrics *m, const struct figure *figure)
{
    struct metric_spec spec = {.type = figure->type,
                               .name = figure->name,
                               .help = figure->help,
                               .labels = {"tenant", figure->kind ? "type" : NULL},
                               .children_max = figure->kind ? 2 * TENANTS_MAX : TENANTS_MAX};
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
    f->of_tenants = mem_array_zero(FIGURE_COUNT, sizeof *f->of_tenants);
    for (size_t i = 0; i < FIGURE_COUNT; i++)
        f->of_tenants[i] = family(m, &figures[i]);
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
