/* fake_store.c - series in memory behind store.h. */
#include "tests/querygw/fake_store.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/vec.h"
#include "tests/tsdb/started_chunk.h"
#include "tsdb/chunk/histogram_chunk.h"
#include "tsdb/chunk/xor.h"

struct fake_point {
    int64_t t_ms;
    uint64_t bits;
    int64_t start_ms;                        /* 0: none */
    const struct float_histogram *histogram; /* NULL: a float */
};

struct fake_series {
    struct labels labels;
    struct fake_point *v; /* ascending in time */
    size_t n, cap;
};

/* --- adding -------------------------------------------------------------------------------- */

static struct fake_series *
series_of(struct fake_store *s, struct labels labels)
{
    size_t at = 0;
    while (at < s->n && labels_cmp(s->v[at]->labels, labels) < 0)
        at++;
    if (at < s->n && labels_eq(s->v[at]->labels, labels))
        return s->v[at];
    if (s->n == s->cap) {
        s->cap = 2 * s->cap + 16;
        struct fake_series **bigger = ARENA_ARRAY(&s->arena, struct fake_series *, s->cap);
        if (s->n)
            memcpy(bigger, s->v, s->n * sizeof *bigger);
        s->v = bigger;
    }
    memmove(s->v + at + 1, s->v + at, (s->n++ - at) * sizeof *s->v);
    s->v[at] = ARENA_NEW(&s->arena, struct fake_series);
    s->v[at]->labels = labels_copy(&s->arena, labels);
    return s->v[at];
}

static void
series_put(struct fake_store *s, struct fake_series *series, struct fake_point sample)
{
    size_t at = series->n;
    while (at > 0 && series->v[at - 1].t_ms >= sample.t_ms)
        at--;
    if (at < series->n && series->v[at].t_ms == sample.t_ms) {
        series->v[at] = sample;
        return;
    }
    if (series->n == series->cap) {
        series->cap = 2 * series->cap + 16;
        struct fake_point *bigger = ARENA_ARRAY(&s->arena, struct fake_point, series->cap);
        if (series->n)
            memcpy(bigger, series->v, series->n * sizeof *bigger);
        series->v = bigger;
    }
    memmove(series->v + at + 1, series->v + at, (series->n++ - at) * sizeof *series->v);
    series->v[at] = sample;
}

void
fake_store_add_started(struct fake_store *s, struct labels labels, int64_t t_ms, uint64_t bits,
                       int64_t start_ms)
{
    series_put(s, series_of(s, labels), (struct fake_point){t_ms, bits, start_ms, NULL});
}

void
fake_store_add_bits(struct fake_store *s, struct labels labels, int64_t t_ms, uint64_t bits)
{
    fake_store_add_started(s, labels, t_ms, bits, 0);
}

void
fake_store_add(struct fake_store *s, struct labels labels, int64_t t_ms, double value)
{
    fake_store_add_bits(s, labels, t_ms, bits_of_f64(value));
}

void
fake_store_add_histogram(struct fake_store *s, struct labels labels, int64_t t_ms, int64_t start_ms,
                         const struct float_histogram *h)
{
    const struct float_histogram *copy = float_histogram_copy(h, &s->arena);
    series_put(s, series_of(s, labels), (struct fake_point){t_ms, 0, start_ms, copy});
}

/* --- selecting ----------------------------------------------------------------------------- */

struct fake_set {
    struct series_set set;
    struct fake_store *store;
    struct arena arena; /* of the current series */
    struct select_query query;
    struct matchers matchers;
    size_t at;
    int64_t calls;
};

static bool
matches(const struct fake_series *s, struct matchers m)
{
    for (size_t i = 0; i < m.n; i++)
        if (!matcher_match(&m.v[i], labels_get(s->labels, m.v[i].name)))
            return false;
    return true;
}

static struct str
xor_encode(struct arena *a, const struct started_sample *v, size_t count)
{
    uint8_t *bytes = arena_alloc(a, XOR_HEADER_BYTES + (count + 1) * XOR_SAMPLE_BYTES_MAX + 8);
    struct xor_appender x;
    xor_init(&x);
    for (size_t i = 0; i < count; i++)
        xor_append(&x, bytes, v[i].t_ms, v[i].bits);
    return str_of((const char *)bytes, xor_seal(&x, bytes));
}

/* One chunk of floats v[first], v[first + stride], ... */
static struct chunk_view
encode_floats(struct arena *a, const struct fake_series *s, size_t first, size_t count,
              size_t stride)
{
    struct started_sample *v = ARENA_ARRAY(a, struct started_sample, count);
    bool started = false;
    for (size_t i = 0; i < count; i++) {
        const struct fake_point *p = &s->v[first + i * stride];
        v[i] = (struct started_sample){p->t_ms, p->bits, p->start_ms};
        started |= p->start_ms != 0;
    }
    return (struct chunk_view){
        .mint_ms = v[0].t_ms,
        .maxt_ms = v[count - 1].t_ms,
        .encoding = started ? CHUNK_XOR2 : CHUNK_XOR,
        .data = started ? xor2_encode(a, v, count) : xor_encode(a, v, count),
    };
}

struct chunk_list {
    const struct select_query *query;
    struct chunk_view *v;
    size_t n, cap;
};

/* What does not touch the time of the query is left out. */
static void
add_chunk(struct arena *a, struct chunk_list *to, struct chunk_view c)
{
    if (c.maxt_ms < to->query->mint_ms || c.mint_ms > to->query->maxt_ms)
        return;
    to->v = arena_more(a, to->v, sizeof *to->v, to->n, &to->cap);
    to->v[to->n++] = c;
}

static void
add_appended(struct arena *a, struct chunk_list *to, struct histogram_appender *from)
{
    struct chunk_view c = histogram_appender_seal(from);
    c.data = arena_str(a, c.data);
    add_chunk(a, to, c);
}

/* Chunks of the histograms at v[0], v[stride] ... below v[count]; their own rules may cut them
 * earlier. */
static void
encode_histograms(struct arena *a, const struct fake_point *v, size_t count, size_t stride,
                  struct chunk_list *to)
{
    AUTO(histogram_appender_close) struct histogram_appender *at = NULL;
    for (size_t i = 0; i < count; i += stride) {
        struct histogram h = float_histogram_store(v[i].histogram, a);
        if (v[i].start_ms) {
            struct str data = started_histogram_encode(a, v[i].t_ms, v[i].start_ms, &h);
            add_chunk(a, to,
                      (struct chunk_view){.mint_ms = v[i].t_ms,
                                          .maxt_ms = v[i].t_ms,
                                          .encoding = CHUNK_FLOAT_HISTOGRAM_ST,
                                          .data = data});
            continue;
        }
        struct histogram_appender *next =
            at ? histogram_append(at, v[i].t_ms, &h) : histogram_appender_open(NULL, v[i].t_ms, &h);
        if (at && next != at) {
            add_appended(a, to, at);
            histogram_appender_close(at);
        }
        at = next;
    }
    if (at)
        add_appended(a, to, at);
}

static void
encode_run(struct fake_set *set, const struct fake_series *s, size_t first, size_t end,
           struct chunk_list *to)
{
    size_t stride = set->store->interleave ? 2 : 1;
    for (size_t lane = 0; lane < stride && first + lane < end; lane++) {
        if (s->v[first].histogram) {
            encode_histograms(&set->arena, s->v + first + lane, end - first - lane, stride, to);
            continue;
        }
        size_t count = (end - first - lane + stride - 1) / stride;
        add_chunk(&set->arena, to, encode_floats(&set->arena, s, first + lane, count, stride));
    }
}

/* The chunks of a series: runs of samples of one kind. */
static void
encode_all(struct fake_set *set, const struct fake_series *s, struct series_view *to)
{
    size_t run = set->store->chunk_samples * (set->store->interleave ? 2 : 1);
    struct chunk_list chunks = {.query = &set->query};
    for (size_t first = 0, end; first < s->n; first = end) {
        bool histograms = s->v[first].histogram != NULL;
        for (end = first; end < s->n && end < first + run; end++)
            if ((s->v[end].histogram != NULL) != histograms)
                break;
        encode_run(set, s, first, end, &chunks);
    }
    to->chunks = chunks.v;
    to->chunk_count = chunks.n;
}

static bool
in_time(const struct fake_series *s, const struct select_query *q)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->v[i].t_ms >= q->mint_ms && s->v[i].t_ms <= q->maxt_ms)
            return true;
    return false;
}

static struct err
fake_next(struct series_set *base, struct series_view *ret_series, bool *ret_more)
{
    struct fake_set *set = container_of(base, struct fake_set, set);
    if (++set->calls == set->store->fail_next_at)
        return ERR(ERR_IO, "fake: next failed");
    while (set->at < set->store->n) {
        const struct fake_series *s = set->store->v[set->at++];
        if (!matches(s, set->matchers) || !in_time(s, &set->query))
            continue;
        arena_reset(&set->arena); /* views of the last series die, as the contract says */
        struct series_view view = {.labels = labels_copy(&set->arena, s->labels)};
        if (set->query.want == SELECT_CHUNKS)
            encode_all(set, s, &view);
        *ret_series = view;
        *ret_more = true;
        return OK;
    }
    *ret_more = false;
    return OK;
}

static void
fake_close(struct series_set *base)
{
    struct fake_set *set = container_of(base, struct fake_set, set);
    atomic_fetch_sub(&set->store->open_sets, 1);
    arena_fini(&set->arena);
    mem_free(set);
}

static const struct series_set_ops fake_set_ops = {fake_next, fake_close};

static struct err
fake_select(struct store *base, const struct select_query *q, struct matchers matchers,
            struct arena *a, struct series_set **ret_set)
{
    (void)a;
    struct fake_store *s = container_of(base, struct fake_store, store);
    s->last_query = *q;
    if (atomic_fetch_add(&s->selects, 1) + 1 == s->fail_at)
        return ERR(ERR_IO, "fake: select failed");
    struct fake_set *set = mem_alloc_zero(sizeof *set);
    set->set.ops = &fake_set_ops;
    set->store = s;
    set->query = *q;
    set->matchers = matchers;
    arena_init(&set->arena, 0);
    atomic_fetch_add(&s->open_sets, 1);
    *ret_set = &set->set;
    return OK;
}

/* --- labels -------------------------------------------------------------------------------- */

static int
cmp_texts(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void
sort_unique(struct str_list *l)
{
    if (l->n == 0)
        return;
    qsort(l->v, l->n, sizeof *l->v, cmp_texts);
    size_t last = 0;
    for (size_t i = 1; i < l->n; i++)
        if (!str_eq(l->v[last], l->v[i]))
            l->v[++last] = l->v[i];
    l->n = last + 1;
}

/* Names, or the values of `name`. */
static struct str_list
collect(const struct fake_store *s, const struct select_query *q, struct str name,
        struct matchers m, struct arena *a)
{
    struct str_list list = {0};
    size_t room = 0;
    for (size_t i = 0; i < s->n; i++)
        room += s->v[i]->labels.n;
    list.v = ARENA_ARRAY(a, struct str, room);
    for (size_t i = 0; i < s->n; i++) {
        if (!matches(s->v[i], m) || !in_time(s->v[i], q))
            continue;
        struct labels l = s->v[i]->labels;
        for (size_t k = 0; k < l.n; k++)
            if (name.n == 0 || str_eq(name, l.v[k].name))
                list.v[list.n++] = arena_str(a, name.n ? l.v[k].value : l.v[k].name);
    }
    sort_unique(&list);
    return list;
}

static struct err
fake_label_names(struct store *base, const struct select_query *q, struct matchers m,
                 struct arena *a, struct str_list *ret_names)
{
    struct fake_store *s = container_of(base, struct fake_store, store);
    s->last_query = *q;
    *ret_names = collect(s, q, STR(""), m, a);
    return OK;
}

static struct err
fake_label_values(struct store *base, const struct select_query *q, struct str name,
                  struct matchers m, struct arena *a, struct str_list *ret_values)
{
    struct fake_store *s = container_of(base, struct fake_store, store);
    s->last_query = *q;
    *ret_values = collect(s, q, name, m, a);
    return OK;
}

/* --- what is told about samples ------------------------------------------------------------ */

static struct err
fake_exemplars(struct store *base, const struct exemplar_query *q, struct arena *a,
               struct series_exemplars_list *ret_list)
{
    struct fake_store *s = container_of(base, struct fake_store, store);
    if (s->fail_at)
        return ERR(ERR_IO, "fake: exemplars failed");
    return exemplars_select(s->exemplars, q, a, ret_list);
}

static struct err
fake_metadata(struct store *base, struct str family, size_t limit, struct arena *a,
              struct family_metadata_list *ret_list)
{
    struct fake_store *s = container_of(base, struct fake_store, store);
    if (s->fail_at)
        return ERR(ERR_IO, "fake: metadata failed");
    return metadata_store_list(s->metadata, family, limit, a, ret_list);
}

static struct rank_list
cut_list(struct rank_list l, size_t limit)
{
    return (struct rank_list){l.v, size_min(l.n, limit)};
}

static struct err
fake_cardinality(struct store *base, size_t limit, struct arena *a,
                 struct cardinality *ret_cardinality)
{
    struct fake_store *s = container_of(base, struct fake_store, store);
    (void)a;
    if (s->fail_at)
        return ERR(ERR_IO, "fake: cardinality failed");
    struct cardinality c = s->cardinality;
    c.series_by_metric = cut_list(c.series_by_metric, limit);
    c.values_by_name = cut_list(c.values_by_name, limit);
    c.bytes_by_name = cut_list(c.bytes_by_name, limit);
    c.series_by_pair = cut_list(c.series_by_pair, limit);
    *ret_cardinality = c;
    return OK;
}

static struct err
fake_files(struct store *base, struct arena *a, struct store_files *ret_files)
{
    (void)a;
    *ret_files = container_of(base, struct fake_store, store)->files;
    return OK;
}

static const struct store_ops fake_ops = {
    .select = fake_select,
    .label_names = fake_label_names,
    .label_values = fake_label_values,
    .exemplars = fake_exemplars,
    .metadata = fake_metadata,
    .cardinality = fake_cardinality,
    .files = fake_files,
};

void
fake_store_init(struct fake_store *s)
{
    memset(s, 0, sizeof *s);
    s->store.ops = &fake_ops;
    s->chunk_samples = 120;
    arena_init(&s->arena, 0);
    s->exemplars = exemplars_open(1000, 0);
    s->metadata = metadata_store_open();
    s->cardinality = CARDINALITY_EMPTY;
}

void
fake_store_clear(struct fake_store *s)
{
    s->v = NULL;
    s->n = s->cap = 0;
    arena_reset(&s->arena);
}

void
fake_store_fini(struct fake_store *s)
{
    ASSERT(s->open_sets == 0);
    exemplars_close(s->exemplars);
    metadata_store_close(s->metadata);
    arena_fini(&s->arena);
}
