/* metrics.c - the registry and the values.
 *
 * Families and children are made under the registry's lock; families are never freed before it,
 * removed children once no exposition is under way that may have a copy of their pointer. Values
 * are relaxed atomics without any lock. No callback runs under the lock: an exposition
 * copies the list of collectors, and metrics_off_collect() waits until nobody may still be
 * inside one. */
#include "base/metrics_int.h"

#include <math.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/mem.h"

static const struct metric_spec overflows_spec = {
    .type = METRIC_COUNTER,
    .name = "mneme_metrics_overflows_total",
    .help = "Look-ups of label values that ended in the child \"other\" of a full family.",
};

/* --- registry ----------------------------------------------------------------------------- */

struct metrics *
metrics_open(void)
{
    struct metrics *m = mem_alloc_zero(sizeof *m);
    lock_init(&m->lock, LOCK_RANK_METRICS);
    cond_init(&m->collected);
    map_init(&m->by_name, MAP_KEYS_BORROWED);
    map_init(&m->bounds, MAP_KEYS_BORROWED);
    m->overflows = metrics_single(m, &overflows_spec);
    return m;
}

static void
metric_free(struct metric *c)
{
    for (size_t i = 0; i < c->family->label_count; i++)
        mem_free((char *)(uintptr_t)c->values[i].p);
    mem_free(c->values);
    mem_free(c->buckets);
    mem_free(c);
}

static void
family_free(struct metric_family *f)
{
    vec_each (&f->children, c)
        metric_free(*c);
    vec_fini(&f->children);
    map_fini(&f->by_values);
    mem_free(f);
}

static void
bound_free(struct metric_bound *b)
{
    map_fini(&b->seen);
    mem_free(b);
}

void
metrics_close(struct metrics *m)
{
    if (!m)
        return;
    ASSERT(m->collecting == 0 && m->showing == 0 && m->removed.n == 0);
    vec_each (&m->families, f)
        family_free(*f);
    struct map_entry e = MAP_START;
    while (map_next(&m->bounds, &e))
        bound_free(e.value);
    map_fini(&m->bounds);
    vec_fini(&m->removed);
    vec_fini(&m->families);
    vec_fini(&m->collectors);
    map_fini(&m->by_name);
    cond_fini(&m->collected);
    lock_fini(&m->lock);
    mem_free(m);
}

static size_t
count_labels(const struct metric_spec *spec)
{
    size_t n = 0;
    while (n < METRIC_LABELS_MAX && spec->labels[n])
        n++;
    return n;
}

static bool
same_spec(const struct metric_spec *a, const struct metric_spec *b)
{
    if (a->type != b->type || a->bucket_count != b->bucket_count ||
        count_labels(a) != count_labels(b))
        return false;
    for (size_t i = 0; i < count_labels(a); i++) {
        if (strcmp(a->labels[i], b->labels[i]) != 0)
            return false;
    }
    return a->bucket_count == 0 ||
           memcmp(a->buckets, b->buckets, a->bucket_count * sizeof *a->buckets) == 0;
}

struct metric_family *
metrics_family(struct metrics *m, const struct metric_spec *spec)
{
    ASSERT((spec->type == METRIC_HISTOGRAM) == (spec->bucket_count > 0));
    struct str name = str_of_cstr(spec->name);
    LOCKED(&m->lock);
    struct metric_family *f = map_get(&m->by_name, name);
    if (f) {
        ASSERT(same_spec(&f->spec, spec));
        return f;
    }
    f = mem_alloc_zero(sizeof *f);
    f->registry = m;
    f->spec = *spec;
    f->label_count = count_labels(spec);
    if (f->spec.children_max == 0)
        f->spec.children_max = METRIC_CHILDREN_MAX_DEFAULT;
    map_init(&f->by_values, MAP_KEYS_COPIED);
    vec_push(&m->families, f);
    map_put(&m->by_name, name, f);
    return f;
}

/* Takes no lock: the caller holds it. */
static struct metric *
add_child(struct metric_family *f, const struct str *values)
{
    struct metric *c = mem_alloc_aligned(64, sizeof *c); /* a cache line each, mostly */
    *c = (struct metric){.family = f};
    c->values = mem_array_zero(f->label_count, sizeof *c->values);
    for (size_t i = 0; i < f->label_count; i++) {
        struct str v = values ? values[i] : STR("other");
        c->values[i] = str_of(mem_dup_text(v.p, v.n), v.n);
    }
    if (f->spec.type == METRIC_HISTOGRAM)
        c->buckets = mem_array_zero(f->spec.bucket_count + 1, sizeof *c->buckets);
    c->place = f->children.n;
    vec_push(&f->children, c);
    return c;
}

static void
put_key(const struct metric_family *f, const struct str *values, size_t count, struct buf *key)
{
    ASSERT(count == f->label_count);
    for (size_t i = 0; i < count; i++)
        buf_put_ustr(key, values[i]);
}

struct metric *
metric_with(struct metric_family *f, const struct str *values, size_t count)
{
    AUTO(buf_fini) struct buf key = BUF_INIT;
    put_key(f, values, count, &key);
    LOCKED(&f->registry->lock);
    struct metric *c = map_get(&f->by_values, buf_str(&key));
    if (c)
        return c;
    if (f->by_values.count >= f->spec.children_max) {
        metric_inc(f->registry->overflows);
        if (!f->other)
            f->other = add_child(f, NULL);
        return f->other;
    }
    c = add_child(f, values);
    map_put(&f->by_values, buf_str(&key), c);
    return c;
}

static void
free_removed(struct metrics *m) REQUIRES(m->lock)
{
    if (m->showing > 0)
        return;
    vec_each (&m->removed, c)
        metric_free(*c);
    vec_clear(&m->removed);
}

void
metric_remove(struct metric_family *f, const struct str *values, size_t count)
{
    AUTO(buf_fini) struct buf key = BUF_INIT;
    put_key(f, values, count, &key);
    LOCKED(&f->registry->lock);
    struct metric *c = map_remove(&f->by_values, buf_str(&key));
    if (!c)
        return;
    struct metric *last = vec_pop(&f->children);
    if (last != c) {
        f->children.v[c->place] = last;
        last->place = c->place;
    }
    vec_push(&f->registry->removed, c);
    free_removed(f->registry);
}

struct metric *
metrics_single(struct metrics *m, const struct metric_spec *spec)
{
    return metric_with(metrics_family(m, spec), NULL, 0);
}

/* --- label values from outside ------------------------------------------------------------- */

struct metric_bound *
metrics_bound(struct metrics *m, const char *name, size_t max)
{
    LOCKED(&m->lock);
    struct metric_bound *b = map_get(&m->bounds, str_of_cstr(name));
    if (b) {
        ASSERT(b->max == max);
        return b;
    }
    b = mem_alloc_zero(sizeof *b);
    b->registry = m;
    b->max = max;
    map_init(&b->seen, MAP_KEYS_COPIED);
    map_put(&m->bounds, str_of_cstr(name), b);
    return b;
}

struct str
metric_bound_pass(struct metric_bound *b, struct str value)
{
    LOCKED(&b->registry->lock);
    if (map_get(&b->seen, value))
        return value;
    if (b->seen.count >= b->max) {
        metric_inc(b->registry->overflows);
        return STR("other");
    }
    map_put(&b->seen, value, b);
    return value;
}

/* --- collectors and snapshots ------------------------------------------------------------- */

void
metrics_on_collect(struct metrics *m, void (*collect)(void *arg), void *arg)
{
    LOCKED(&m->lock);
    vec_push(&m->collectors, ((struct collector){collect, arg}));
}

void
metrics_off_collect(struct metrics *m, void *arg)
{
    LOCKED(&m->lock);
    size_t kept = 0;
    for (size_t i = 0; i < m->collectors.n; i++) {
        if (m->collectors.v[i].arg != arg)
            m->collectors.v[kept++] = m->collectors.v[i];
    }
    m->collectors.n = kept;
    while (m->collecting > 0)
        cond_wait(&m->collected, &m->lock);
}

static void
run_collectors(struct metrics *m)
{
    struct collector_vec todo = VEC_INIT;
    lock_acquire(&m->lock);
    m->collecting++;
    vec_each (&m->collectors, c)
        vec_push(&todo, *c);
    lock_release(&m->lock);
    vec_each (&todo, c)
        c->collect(c->arg);
    vec_fini(&todo);
    LOCKED(&m->lock);
    if (--m->collecting == 0)
        cond_broadcast(&m->collected);
}

static int
compare_families(const void *a, const void *b)
{
    return strcmp((*(struct metric_family *const *)a)->spec.name,
                  (*(struct metric_family *const *)b)->spec.name);
}

static int
compare_children(const void *a, const void *b)
{
    const struct metric *x = *(struct metric *const *)a, *y = *(struct metric *const *)b;
    int order = 0;
    for (size_t i = 0; i < x->family->label_count && order == 0; i++)
        order = str_cmp(x->values[i], y->values[i]);
    return order;
}

void
metrics_begin_show(struct metrics *m, struct family_vec *to)
{
    run_collectors(m);
    lock_acquire(&m->lock);
    m->showing++;
    vec_each (&m->families, f)
        vec_push(to, *f);
    lock_release(&m->lock);
    if (to->n > 1)
        qsort(to->v, to->n, sizeof *to->v, compare_families);
}

void
metrics_end_show(struct metrics *m)
{
    LOCKED(&m->lock);
    m->showing--;
    free_removed(m);
}

void
metrics_copy_children(struct metric_family *f, struct metric_vec *to)
{
    lock_acquire(&f->registry->lock);
    vec_each (&f->children, c)
        vec_push(to, *c);
    lock_release(&f->registry->lock);
    if (to->n > 1)
        qsort(to->v, to->n, sizeof *to->v, compare_children);
}

/* --- values --------------------------------------------------------------------------------
 * All accesses are relaxed: a value is not used to learn of other memory. */

static void
add_f64(_Atomic(uint64_t) *bits, double amount)
{
    uint64_t before = atomic_load_explicit(bits, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(bits, &before,
                                                  bits_of_f64(f64_of_bits(before) + amount),
                                                  memory_order_relaxed, memory_order_relaxed))
        ;
}

void
metric_add(struct metric *c, double amount)
{
    ASSERT(c->family->spec.type != METRIC_HISTOGRAM);
    if (c->family->spec.type == METRIC_GAUGE) {
        add_f64(&c->rest_bits, amount);
        return;
    }
    ASSERT(amount >= 0);
    if (amount < 0x1p53 && amount == floor(amount))
        atomic_fetch_add_explicit(&c->whole, (uint64_t)amount, memory_order_relaxed);
    else
        add_f64(&c->rest_bits, amount);
}

void
metric_inc(struct metric *c)
{
    metric_add(c, 1);
}

void
metric_set(struct metric *c, double value)
{
    ASSERT(c->family->spec.type == METRIC_GAUGE);
    atomic_store_explicit(&c->rest_bits, bits_of_f64(value), memory_order_relaxed);
}

void
metric_observe(struct metric *c, double value)
{
    const struct metric_spec *spec = &c->family->spec;
    ASSERT(spec->type == METRIC_HISTOGRAM);
    size_t low = 0, high = spec->bucket_count; /* the first bound that is not below the value */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (spec->buckets[middle] >= value)
            high = middle;
        else
            low = middle + 1;
    }
    atomic_fetch_add_explicit(&c->buckets[low], 1, memory_order_relaxed);
    add_f64(&c->rest_bits, value);
}

double
metric_value(const struct metric *c)
{
    return (double)atomic_load_explicit(&c->whole, memory_order_relaxed) +
           f64_of_bits(atomic_load_explicit(&c->rest_bits, memory_order_relaxed));
}
