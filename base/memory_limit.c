/* memory_limit.c - levels from the kernel's figure and the budgets'. */
#include "base/memory_limit.h"

#include "base/mem.h"
#include "base/metrics.h"
#include "base/process.h"

static uint64_t
process_used(void *arg)
{
    (void)arg;
    return process_anonymous_bytes();
}

void
memory_limit_init(struct memory_limit *m, uint64_t bytes, const struct clock *clock,
                  uint64_t (*read_used)(void *arg), void *arg)
{
    *m = (struct memory_limit){
        .bytes = bytes,
        .requests.limit_bytes = MEMORY_REQUESTS_BYTES_DEFAULT,
        .clock = clock,
        .read_used = read_used ? read_used : process_used,
        .read_arg = arg,
    };
    if (bytes == 0)
        return;
    m->requests.limit_bytes = size_min(MEMORY_REQUESTS_BYTES_DEFAULT, bytes / MEMORY_REQUESTS_PART);
    m->queries.limit_bytes = bytes / MEMORY_QUERIES_PART;
}

/* Bytes that may be kept: the limit less what the budgets may take. */
static uint64_t
keepable(const struct memory_limit *m)
{
    return m->bytes - m->requests.limit_bytes - m->queries.limit_bytes;
}

/* Budgets count before memory is touched, so they may count more than the kernel. */
static uint64_t
read_kept(struct memory_limit *m)
{
    uint64_t used = m->read_used(m->read_arg);
    uint64_t counted = budget_used(&m->requests) + budget_used(&m->queries);
    return used - u64_min(used, counted);
}

/* Whoever finds the last look too old looks, and the others go by what it saw. */
static void
look_if_due(struct memory_limit *m)
{
    uint64_t now_ns = clock_mono_ns(m->clock);
    uint64_t last_ns = atomic_load_explicit(&m->looked_ns, memory_order_relaxed);
    if (last_ns > 0 && now_ns < last_ns + MEMORY_LOOK_NS)
        return;
    if (atomic_compare_exchange_strong_explicit(&m->looked_ns, &last_ns, now_ns,
                                                memory_order_relaxed, memory_order_relaxed))
        atomic_store_explicit(&m->kept_bytes, read_kept(m), memory_order_relaxed);
}

static enum memory_level
level_of(const struct memory_limit *m, uint64_t kept)
{
    uint64_t percent = keepable(m) / 100;
    if (kept >= MEMORY_FULL_PERCENT * percent)
        return MEMORY_FULL;
    return kept >= MEMORY_TIGHT_PERCENT * percent ? MEMORY_TIGHT : MEMORY_ROOM;
}

enum memory_level
memory_limit_level(struct memory_limit *m)
{
    if (!m || m->bytes == 0)
        return MEMORY_ROOM;
    look_if_due(m);
    return level_of(m, atomic_load_explicit(&m->kept_bytes, memory_order_relaxed));
}

void
memory_limit_expect(struct memory_limit *m, size_t bytes)
{
    if (m)
        atomic_fetch_add_explicit(&m->kept_bytes, bytes, memory_order_relaxed);
}

void
memory_limit_refused(struct memory_limit *m, enum memory_refusal what)
{
    if (m)
        atomic_fetch_add_explicit(&m->refusals[what], 1, memory_order_relaxed);
}

/* --- metrics ------------------------------------------------------------------------------------
 */

enum memory_figure {
    FIGURE_LIMIT,
    FIGURE_KEEPABLE,
    FIGURE_KEPT,
    FIGURE_BUDGET_LIMIT,
    FIGURE_BUDGET_USED,
    FIGURE_REFUSALS,
    FIGURES,
};

static const struct metric_spec specs[FIGURES] = {
    [FIGURE_LIMIT] = {.type = METRIC_GAUGE,
                      .name = "mneme_memory_limit_bytes",
                      .help = "What --memory-limit comes to; 0: no limit."},
    [FIGURE_KEEPABLE] = {.type = METRIC_GAUGE,
                         .name = "mneme_memory_keepable_bytes",
                         .help = "The limit less its budgets: what may be kept in memory."},
    [FIGURE_KEPT] = {.type = METRIC_GAUGE,
                     .name = "mneme_memory_kept_bytes",
                     .help = "Memory of the process less what its budgets count."},
    [FIGURE_BUDGET_LIMIT] = {.type = METRIC_GAUGE,
                             .name = "mneme_memory_budget_limit_bytes",
                             .help = "Bytes that all users of a budget together may have; 0: any.",
                             .labels = {"budget"}},
    [FIGURE_BUDGET_USED] = {.type = METRIC_GAUGE,
                            .name = "mneme_memory_budget_used_bytes",
                            .help = "Bytes that they have.",
                            .labels = {"budget"}},
    [FIGURE_REFUSALS] = {.type = METRIC_COUNTER,
                         .name = "mneme_memory_refusals_total",
                         .help = "What was refused because memory was short.",
                         .labels = {"what"}},
};

static const char *const refusal_names[MEMORY_REFUSALS] = {
    [MEMORY_REFUSED_SERIES] = "series",
    [MEMORY_REFUSED_WRITE] = "write",
    [MEMORY_REFUSED_QUERY] = "query",
};

static struct metric *
child(struct metrics *metrics, enum memory_figure figure, const char *label)
{
    struct str value = str_of_cstr(label);
    return metric_with(metrics_family(metrics, &specs[figure]), &value, 1);
}

static void
collect_budget(struct metrics *metrics, const char *name, const struct budget *b)
{
    metric_set(child(metrics, FIGURE_BUDGET_LIMIT, name), (double)b->limit_bytes);
    metric_set(child(metrics, FIGURE_BUDGET_USED, name), (double)budget_used(b));
}

static void
collect(void *arg)
{
    struct memory_limit *m = arg;
    struct metrics *to = m->metrics;
    metric_set(metrics_single(to, &specs[FIGURE_LIMIT]), (double)m->bytes);
    metric_set(metrics_single(to, &specs[FIGURE_KEEPABLE]), m->bytes ? (double)keepable(m) : 0);
    metric_set(metrics_single(to, &specs[FIGURE_KEPT]), (double)read_kept(m));
    collect_budget(to, "requests", &m->requests);
    collect_budget(to, "queries", &m->queries);
    for (size_t i = 0; i < MEMORY_REFUSALS; i++) {
        struct metric *c = child(to, FIGURE_REFUSALS, refusal_names[i]);
        double now = (double)atomic_load_explicit(&m->refusals[i], memory_order_relaxed);
        double more = now - metric_value(c);
        if (more > 0) /* two expositions at once may come here in either order */
            metric_add(c, more);
    }
}

void
memory_limit_register(struct memory_limit *m, struct metrics *metrics)
{
    m->metrics = metrics;
    collect(m);
    metrics_on_collect(metrics, collect, m);
}
