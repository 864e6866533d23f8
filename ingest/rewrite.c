/* rewrite.c - rows by way of the cache, then batches by tenant. */
#include "ingest/rewrite.h"

#include <stdatomic.h>

#include "base/assert.h"
#include "base/lock.h"
#include "ingest/batch_rows.h"
#include "ingest/rewrite_cache.h"
#include "tsdb/tenant_name.h"

enum {
    LOOK_AHEAD = 16, /* rows whose entries are fetched at once */
    CACHE_LINE_BYTES = 64,
    ENTRY_LINES = 6, /* of an entry with its new key, which lies behind it */
};

struct rewrite {
    _Atomic(size_t) refs;        /* the rewriter's and those of requests */
    struct rewrite_rules *rules; /* shared by the snapshots that renew a cache */
    struct rewrite_cache *cache; /* owned */
};

/* What is asked of rows; refcounted. */
struct rewrite_rules {
    _Atomic(size_t) refs;
    struct relabel_rules *relabel; /* owned; NULL: none */
    struct str split_label;        /* owned; empty: none */
};

struct rewriter {
    size_t cache_bytes_max; /* immutable; 0: the default */
    struct lock lock;
    struct rewrite *now GUARDED_BY(lock); /* never NULL */
};

/* --- snapshots -------------------------------------------------------------------------------- */

static void
rules_unref(struct rewrite_rules *rules)
{
    if (atomic_fetch_sub_explicit(&rules->refs, 1, memory_order_acq_rel) > 1)
        return;
    relabel_free(rules->relabel);
    mem_free((char *)(uintptr_t)rules->split_label.p);
    mem_free(rules);
}

/* Takes a reference to the rules. */
static struct rewrite *
snapshot_new(struct rewrite_rules *rules, size_t cache_bytes_max)
{
    struct rewrite *r = mem_alloc_zero(sizeof *r);
    atomic_store_explicit(&r->refs, 1, memory_order_relaxed);
    r->rules = rules;
    r->cache = rewrite_cache_open(cache_bytes_max);
    return r;
}

void
rewrite_release(struct rewrite *r)
{
    if (!r || atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) > 1)
        return;
    rewrite_cache_close(r->cache);
    rules_unref(r->rules);
    mem_free(r);
}

static struct rewrite_rules *
rules_new(struct relabel_rules *relabel, struct str split_label)
{
    struct rewrite_rules *rules = mem_alloc_zero(sizeof *rules);
    atomic_store_explicit(&rules->refs, 1, memory_order_relaxed);
    if (relabel && relabel_count(relabel) == 0) {
        relabel_free(relabel);
        relabel = NULL;
    }
    rules->relabel = relabel;
    rules->split_label = str_of(mem_dup_text(split_label.p, split_label.n), split_label.n);
    return rules;
}

struct rewriter *
rewriter_open(size_t cache_bytes_max)
{
    struct rewriter *w = mem_alloc_zero(sizeof *w);
    w->cache_bytes_max = cache_bytes_max;
    lock_init(&w->lock, LOCK_RANK_RELOAD);
    w->now = snapshot_new(rules_new(NULL, STR("")), cache_bytes_max);
    return w;
}

void
rewriter_close(struct rewriter *w)
{
    if (!w)
        return;
    rewrite_release(w->now);
    lock_fini(&w->lock);
    mem_free(w);
}

/* Takes `fresh`. */
static void
swap(struct rewriter *w, struct rewrite *fresh)
{
    struct rewrite *old;
    {
        LOCKED(&w->lock);
        old = w->now;
        w->now = fresh;
    }
    rewrite_release(old); /* the last request that uses it frees it */
}

void
rewriter_set(struct rewriter *w, struct relabel_rules *rules, struct str split_label)
{
    swap(w, snapshot_new(rules_new(rules, split_label), w->cache_bytes_max));
}

static struct rewrite *
current(struct rewriter *w)
{
    LOCKED(&w->lock);
    atomic_fetch_add_explicit(&w->now->refs, 1, memory_order_relaxed);
    return w->now;
}

/* Requests that find the cache stale at once each put a fresh one: the last one stays. */
static void
renew(struct rewriter *w, struct rewrite *r)
{
    bool still_stale;
    {
        LOCKED(&w->lock);
        still_stale = w->now == r;
    }
    if (!still_stale)
        return;
    atomic_fetch_add_explicit(&r->rules->refs, 1, memory_order_relaxed);
    swap(w, snapshot_new(r->rules, w->cache_bytes_max));
}

struct rewrite *
rewrite_acquire(struct rewriter *w, const struct limits *limits)
{
    struct rewrite *r = current(w);
    bool wanted = r->rules->relabel || r->rules->split_label.n > 0 || limits->limits_labels;
    if (!wanted) {
        rewrite_release(r);
        return NULL;
    }
    if (rewrite_cache_is_stale(r->cache))
        renew(w, r);
    return r;
}

/* --- one row ---------------------------------------------------------------------------------- */

static void
measure(struct labels labels, struct rewrite_entry *e)
{
    e->label_count = u32_of_size(labels.n);
    for (size_t i = 0; i < labels.n; i++) {
        size_t name = labels.v[i].name.n, value = labels.v[i].value.n;
        e->name_bytes_max = u32_of_size(size_max(e->name_bytes_max, name));
        e->value_bytes_max = u32_of_size(size_max(e->value_bytes_max, value));
    }
}

/* Takes the label that names the tenant out of *labels. */
static enum rewrite_verdict
split_tenant(struct str name, struct arena *a, struct labels *labels, struct str *ret_tenant)
{
    struct str tenant = name.n > 0 ? labels_get(*labels, name) : STR("");
    if (tenant.n == 0)
        return REWRITE_KEPT;
    *ret_tenant = tenant;
    struct err e = tenant_name_check(tenant);
    if (e.code != ERR_NONE) {
        err_drop(e);
        return REWRITE_BAD_TENANT;
    }
    struct label *v = ARENA_ARRAY(a, struct label, labels->n);
    size_t n = 0;
    for (size_t i = 0; i < labels->n; i++) {
        if (!str_eq(labels->v[i].name, name))
            v[n++] = labels->v[i];
    }
    *labels = (struct labels){v, n};
    return REWRITE_CHANGED;
}

/* The outcome for a key that was not seen before; texts in the arena. */
static struct rewrite_entry
rewrite_key(const struct rewrite_rules *rules, struct arena *a, struct str key)
{
    struct rewrite_entry e = {.verdict = REWRITE_KEPT};
    struct relabel_result relabelled = {.outcome = RELABEL_KEPT};
    struct labels labels;
    if (label_key_decode(a, key, &labels) != LABEL_FAULT_NONE)
        return e; /* the head refuses it, and tells why */
    if (rules->relabel)
        relabelled = relabel_apply(rules->relabel, a, labels);
    if (relabelled.outcome == RELABEL_DROPPED) {
        e.verdict = REWRITE_DROPPED;
        return e;
    }
    if (relabelled.outcome == RELABEL_REFUSED) {
        e.verdict = REWRITE_REFUSED;
        e.fault = relabelled.fault;
        return e;
    }
    if (relabelled.outcome == RELABEL_CHANGED) {
        e.verdict = REWRITE_CHANGED;
        labels = relabelled.labels;
    }
    enum rewrite_verdict split = split_tenant(rules->split_label, a, &labels, &e.tenant);
    if (split != REWRITE_KEPT)
        e.verdict = split;
    measure(labels, &e);
    if (e.verdict == REWRITE_CHANGED) {
        AUTO(buf_fini) struct buf room = BUF_INIT;
        label_key_encode(labels, &room);
        e.label_key = arena_str(a, buf_str(&room));
    }
    return e;
}

/* The outcome for a key that the cache does not know. */
static const struct rewrite_entry *
learn(struct rewrite *r, struct arena *a, struct arena *scratch, struct str key,
      struct hash128 hash)
{
    struct rewrite_entry fresh = rewrite_key(r->rules, scratch, key);
    const struct rewrite_entry *known = rewrite_cache_add(r->cache, hash, &fresh);
    if (!known) { /* a full cache: it lives as long as the request */
        struct rewrite_entry *own = ARENA_NEW(a, struct rewrite_entry);
        *own = fresh;
        own->label_key = arena_str(a, fresh.label_key);
        own->tenant = arena_str(a, fresh.tenant);
        known = own;
    }
    arena_reset(scratch);
    return known;
}

/* Entries of n rows, at most LOOK_AHEAD. What they lie in is mostly not in the processor's caches:
 * it is asked for all of them before the first is looked at. */
static void
look_up(struct rewrite *r, struct arena *a, struct arena *scratch, const struct append_row *rows,
        size_t n, const struct rewrite_entry **entries)
{
    struct hash128 hashes[LOOK_AHEAD];
    for (size_t i = 0; i < n; i++) {
        hashes[i] = rewrite_cache_hash(r->cache, rows[i].label_key);
        rewrite_cache_prefetch(r->cache, hashes[i]);
    }
    for (size_t i = 0; i < n; i++) {
        entries[i] = rewrite_cache_find(r->cache, hashes[i]);
        for (size_t k = 0; k < ENTRY_LINES && entries[i]; k++)
            __builtin_prefetch((const char *)entries[i] + k * CACHE_LINE_BYTES);
    }
    for (size_t i = 0; i < n; i++) {
        if (!entries[i])
            entries[i] = learn(r, a, scratch, rows[i].label_key, hashes[i]);
    }
}

/* --- a batch ---------------------------------------------------------------------------------- */

/* The rows of one tenant. */
struct group {
    struct rewritten_batch out;
    struct batch_rows rows;
};

struct split {
    struct arena *arena;
    const struct batch *in;
    const struct limits *limits;
    struct rewritten *result;
    struct map by_tenant;  /* name -> struct group; the request's own is not in it */
    struct group **groups; /* the request's own first */
    size_t group_count, groups_cap;
    struct group **group_of;              /* a row; NULL: it goes nowhere */
    const struct rewrite_entry **entries; /* a row */
    bool anything;                        /* some row is not as it came */
};

static struct group *
add_group(struct split *s, struct str tenant)
{
    struct group *g = ARENA_NEW(s->arena, struct group);
    g->out.batch = *s->in;
    g->out.batch.tenant = tenant;
    g->out.limits = limits_of(s->limits, tenant);
    s->groups = arena_more(s->arena, s->groups, sizeof *s->groups, s->group_count, &s->groups_cap);
    s->groups[s->group_count++] = g;
    return g;
}

static struct err
group_of_tenant(struct split *s, struct str tenant, struct group **ret_group)
{
    bool own = tenant.n == 0 || str_eq(tenant, s->in->tenant);
    struct group *g = own ? s->groups[0] : map_get(&s->by_tenant, tenant);
    if (!g) {
        if (s->group_count == REWRITE_TENANTS_MAX)
            return ERR(ERR_TOO_LARGE, "series of more than %d tenants in one request",
                       REWRITE_TENANTS_MAX);
        g = add_group(s, tenant);
        (void)map_put(&s->by_tenant, tenant, g);
    }
    *ret_group = g;
    return OK;
}

/* Which of a tenant's limits on labels a row is above; LIMIT_KIND_COUNT: none. */
static enum limit_kind
limit_hit(const struct tenant_limits *t, const struct rewrite_entry *e)
{
    if (t->labels > 0 && e->label_count > t->labels)
        return LIMIT_LABELS;
    if (t->name_bytes > 0 && e->name_bytes_max > t->name_bytes)
        return LIMIT_LABEL_NAME;
    if (t->value_bytes > 0 && e->value_bytes_max > t->value_bytes)
        return LIMIT_LABEL_VALUE;
    return LIMIT_KIND_COUNT;
}

static struct err
place_kept(struct split *s, size_t i)
{
    const struct rewrite_entry *e = s->entries[i];
    struct group *g = NULL;
    TRY(group_of_tenant(s, e->tenant, &g));
    enum limit_kind hit = limit_hit(g->out.limits, e);
    if (hit != LIMIT_KIND_COUNT) {
        g->out.hits[hit]++;
        s->result
            ->label_faults[hit == LIMIT_LABELS ? LABEL_FAULT_TOO_MANY : LABEL_FAULT_TOO_LONG]++;
        s->anything = true;
        return OK;
    }
    s->anything |= e->verdict == REWRITE_CHANGED || g != s->groups[0];
    s->group_of[i] = g;
    batch_rows_count(&g->rows, &s->in->request.rows[i]);
    return OK;
}

static void
count_dropped(struct rewrite_dropped *d, const struct append_row *row)
{
    d->rows++;
    d->samples += row->sample_count;
    d->histograms += row->histogram_count;
    d->exemplars += row->exemplar_count;
}

static struct err
place_row(struct split *s, size_t i)
{
    const struct rewrite_entry *e = s->entries[i];
    switch (e->verdict) {
    case REWRITE_KEPT:
    case REWRITE_CHANGED:
        return place_kept(s, i);
    case REWRITE_DROPPED:
        count_dropped(&s->result->dropped, &s->in->request.rows[i]);
        break;
    case REWRITE_REFUSED:
        s->result->label_faults[e->fault]++;
        break;
    case REWRITE_BAD_TENANT:
        if (s->result->bad_tenant_rows++ == 0)
            s->result->bad_tenant = e->tenant;
        break;
    }
    s->anything = true;
    return OK;
}

static void
copy_row(struct split *s, size_t i)
{
    const struct append_row *row = &s->in->request.rows[i];
    const struct rewrite_entry *e = s->entries[i];
    batch_rows_add(&s->group_of[i]->rows, &s->in->request, row,
                   e->verdict == REWRITE_CHANGED ? e->label_key : row->label_key);
}

static struct err
copy_groups(struct split *s)
{
    for (size_t i = 0; i < s->group_count; i++)
        TRY(batch_rows_make(&s->groups[i]->rows, s->arena));
    for (size_t i = 0; i < s->in->request.row_count; i++) {
        if (s->group_of[i])
            copy_row(s, i);
    }
    for (size_t i = 0; i < s->group_count; i++) {
        struct batch *b = &s->groups[i]->out.batch;
        b->request = s->groups[i]->rows.request;
        b->series_count = b->request.row_count;
    }
    /* of families, which have no tenant of their own */
    s->groups[0]->out.batch.request.metadata = s->in->request.metadata;
    s->groups[0]->out.batch.request.metadata_count = s->in->request.metadata_count;
    return OK;
}

static struct err
split_rows(struct split *s, struct rewrite *r)
{
    AUTO(arena_fini) struct arena scratch = {0};
    size_t rows = s->in->request.row_count;
    TRY(arena_admit(s->arena, rows * (sizeof *s->entries + sizeof *s->group_of)));
    s->entries = ARENA_ARRAY(s->arena, const struct rewrite_entry *, rows);
    s->group_of = ARENA_ARRAY(s->arena, struct group *, rows);
    (void)add_group(s, s->in->tenant);
    for (size_t i = 0; i < rows; i += LOOK_AHEAD) {
        size_t n = size_min(rows - i, LOOK_AHEAD);
        TRY(arena_admit(s->arena, 0)); /* for entries that the cache does not take */
        look_up(r, s->arena, &scratch, s->in->request.rows + i, n, s->entries + i);
        for (size_t k = i; k < i + n; k++)
            TRY(place_row(s, k));
    }
    return s->anything ? copy_groups(s) : OK;
}

struct err
rewrite_batch(struct rewrite *r, struct arena *a, const struct batch *in,
              const struct limits *limits, struct rewritten *ret_rewritten)
{
    *ret_rewritten = (struct rewritten){.count = 0};
    struct split s = {.arena = a, .in = in, .limits = limits, .result = ret_rewritten};
    map_init(&s.by_tenant, MAP_KEYS_BORROWED);
    struct err e = split_rows(&s, r);
    map_fini(&s.by_tenant);
    TRY(e);
    struct rewritten_batch *batches = ARENA_ARRAY(a, struct rewritten_batch, s.group_count);
    for (size_t i = 0; i < s.group_count; i++)
        batches[i] = s.groups[i]->out;
    ret_rewritten->batches = batches;
    ret_rewritten->count = s.group_count;
    return OK;
}

struct rewritten
rewrite_nothing(struct arena *a, const struct batch *in, const struct tenant_limits *limits)
{
    struct rewritten_batch *b = ARENA_NEW(a, struct rewritten_batch);
    b->batch = *in;
    b->limits = limits;
    return (struct rewritten){.batches = b, .count = 1};
}
