/* snapshot_kit.c - makes up series, deletions and exemplars. */
#include "tests/tsdb/snapshot_kit.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "base/rand.h"
#include "tests/harness.h"

enum { SAMPLES_MAX = 40, LISTS_MAX = 4 };

static struct labels
make_labels(struct rand_gen *g, size_t i, struct arena *a)
{
    struct label *v = ARENA_ARRAY(a, struct label, 3);
    v[0] = (struct label){STR("__name__"), arena_printf(a, "metric_%zu", i % 7)};
    v[1] = (struct label){STR("instance"), arena_printf(a, "%ju", (uintmax_t)rand_u64(g))};
    v[2] = (struct label){STR("n"), arena_printf(a, "%zu", i)};
    return (struct labels){v, 3};
}

static void
make_floats(struct rand_gen *g, struct arena *a, struct snapshot_series *s)
{
    size_t n = 1 + rand_below(g, SAMPLES_MAX);
    uint8_t *bytes = arena_alloc(a, (n + 1) * XOR_SAMPLE_BYTES_MAX + 16);
    struct xor_appender x;
    xor_init(&x);
    int64_t t = 1717200000000 + (int64_t)rand_below(g, 1000000);
    s->open.mint_ms = t;
    for (size_t i = 0; i < n; i++) {
        xor_append(&x, bytes, t, s->last_bits = rand_u64(g));
        s->open.maxt_ms = t;
        t += 1 + (int64_t)rand_below(g, 30000);
    }
    s->open.encoding = CHUNK_XOR;
    s->open.data = str_of((char *)bytes, xor_seal(&x, bytes));
}

static struct histogram_words
make_words(struct rand_gen *g, struct arena *a)
{
    size_t n = rand_below(g, LISTS_MAX);
    uint64_t *v = ARENA_ARRAY(a, uint64_t, n);
    for (size_t i = 0; i < n; i++)
        v[i] = rand_u64(g);
    return (struct histogram_words){v, n};
}

static struct histogram_spans
make_spans(struct rand_gen *g, struct arena *a)
{
    size_t n = rand_below(g, LISTS_MAX);
    struct histogram_span *v = ARENA_ARRAY(a, struct histogram_span, n);
    for (size_t i = 0; i < n; i++)
        v[i] = (struct histogram_span){(int32_t)rand_u64(g), (uint32_t)rand_u64(g)};
    return (struct histogram_spans){v, n};
}

/* The bytes of the chunk are of no kind: a snapshot does not judge them. */
static void
make_histogram(struct rand_gen *g, struct arena *a, struct snapshot_series *s)
{
    bool integer = rand_below(g, 2) == 0, custom = rand_below(g, 3) == 0;
    char *bytes = arena_alloc(a, 50);
    memset(bytes, (int)rand_below(g, 256), 50);
    s->open = (struct chunk_view){
        .mint_ms = -(int64_t)rand_below(g, 1000),
        .maxt_ms = (int64_t)rand_below(g, 1000),
        .encoding = integer ? CHUNK_HISTOGRAM : CHUNK_FLOAT_HISTOGRAM,
        .data = str_of(bytes, 50),
    };
    s->last = (struct histogram){
        .kind = integer ? HISTOGRAM_INTEGER : HISTOGRAM_FLOAT,
        .reset = (enum histogram_reset)rand_below(g, 4),
        .schema = custom ? HISTOGRAM_SCHEMA_CUSTOM : (int32_t)rand_below(g, 12) - 4,
        .zero_threshold = rand_u64(g),
        .zero_count = rand_u64(g),
        .count = rand_u64(g),
        .sum = rand_u64(g),
        .positive_spans = make_spans(g, a),
        .negative_spans = make_spans(g, a),
        .positive = make_words(g, a),
        .negative = make_words(g, a),
    };
    if (custom)
        s->last.custom_bounds = make_words(g, a);
}

struct snapshot_series
snapshot_kit_series(const struct snapshot_kit *kit, size_t i, struct arena *a)
{
    struct rand_gen g = rand_gen_of(kit->seed * 1000003 + i);
    struct snapshot_series s = {.ref = 1 + i * 3, .labels = make_labels(&g, i, a)};
    switch (i % 5) {
    case 0:
        break; /* no open chunk */
    case 1:
        make_histogram(&g, a, &s);
        break;
    default:
        make_floats(&g, a, &s);
        break;
    }
    return s;
}

static struct snapshot_deletion
make_deletion(const struct snapshot_kit *kit, size_t i)
{
    int64_t mint = -50 + (int64_t)(i * kit->seed % 1000);
    return (struct snapshot_deletion){1 + i / 2, {mint, mint + (int64_t)i}};
}

static struct snapshot_exemplar
make_exemplar(const struct snapshot_kit *kit, size_t i, struct label *label)
{
    *label = (struct label){STR("trace_id"), i % 3 ? STR("0123456789abcdef") : STR("")};
    return (struct snapshot_exemplar){1 + i % 11,
                                      {1717200000000 + (int64_t)i, kit->seed * i, {label, i % 2}}};
}

struct err
snapshot_kit_write(struct fs *fs, const char *dir, struct snapshot_pos pos,
                   const struct snapshot_kit *kit)
{
    AUTO(snapshot_writer_close) struct snapshot_writer *w = NULL;
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct snapshot_opts opts = {
        .fs = fs,
        .dir = dir,
        .pos = pos,
        .compression = kit->seed % 2 ? WAL_SNAPPY : WAL_PLAIN,
    };
    TRY(snapshot_writer_open(&opts, &w));
    for (size_t i = 0; i < kit->series; i++) {
        arena_reset(&a);
        struct snapshot_series s = snapshot_kit_series(kit, i, &a);
        TRY(snapshot_add_series(w, &s));
    }
    for (size_t i = 0; i < kit->deletions; i++) {
        struct snapshot_deletion d = make_deletion(kit, i);
        snapshot_add_deletion(w, &d);
    }
    for (size_t i = 0; i < kit->exemplars; i++) {
        struct label label;
        struct snapshot_exemplar e = make_exemplar(kit, i, &label);
        TRY(snapshot_add_exemplar(w, &e));
    }
    return snapshot_writer_finish(w);
}

static bool
same_words(struct histogram_words x, struct histogram_words y)
{
    return x.n == y.n && (x.n == 0 || memcmp(x.v, y.v, x.n * sizeof *x.v) == 0);
}

static bool
same_spans(struct histogram_spans x, struct histogram_spans y)
{
    return x.n == y.n && (x.n == 0 || memcmp(x.v, y.v, x.n * sizeof *x.v) == 0);
}

static bool
same_histogram(const struct histogram *x, const struct histogram *y)
{
    return x->kind == y->kind && x->reset == y->reset && x->schema == y->schema &&
           x->zero_threshold == y->zero_threshold && x->zero_count == y->zero_count &&
           x->count == y->count && x->sum == y->sum &&
           same_spans(x->positive_spans, y->positive_spans) &&
           same_spans(x->negative_spans, y->negative_spans) &&
           same_words(x->positive, y->positive) && same_words(x->negative, y->negative) &&
           same_words(x->custom_bounds, y->custom_bounds);
}

bool
snapshot_kit_same_series(const struct snapshot_series *x, const struct snapshot_series *y)
{
    if (x->ref != y->ref || !labels_eq(x->labels, y->labels) ||
        x->open.encoding != y->open.encoding)
        return false;
    if (x->open.encoding == CHUNK_NONE)
        return true;
    return x->open.mint_ms == y->open.mint_ms && x->open.maxt_ms == y->open.maxt_ms &&
           str_eq(x->open.data, y->open.data) && x->last_bits == y->last_bits &&
           same_histogram(&x->last, &y->last);
}

static void
check_exemplar(const struct snapshot_exemplar *got, const struct snapshot_exemplar *want)
{
    ck_assert(got->ref == want->ref && got->exemplar.t_ms == want->exemplar.t_ms);
    ck_assert(got->exemplar.bits == want->exemplar.bits);
    ck_assert(labels_eq(got->exemplar.labels, want->exemplar.labels));
}

void
snapshot_kit_check(struct fs *fs, const char *path, const struct snapshot_kit *kit)
{
    AUTO(snapshot_reader_close) struct snapshot_reader *r = NULL;
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    CK_OK(snapshot_reader_open(fs, path, &r));
    struct snapshot_item item;
    for (size_t i = 0; i < kit->series; i++) {
        arena_reset(&a);
        struct snapshot_series want = snapshot_kit_series(kit, i, &a);
        CK_OK(snapshot_reader_next(r, &item));
        ck_assert_int_eq(item.kind, SNAPSHOT_SERIES);
        ck_assert_msg(snapshot_kit_same_series(&item.series, &want), "series %zu differs", i);
    }
    for (size_t i = 0; i < kit->deletions; i++) {
        struct snapshot_deletion want = make_deletion(kit, i);
        CK_OK(snapshot_reader_next(r, &item));
        ck_assert_int_eq(item.kind, SNAPSHOT_DELETION);
        ck_assert_uint_eq(item.deletion.ref, want.ref);
        ck_assert(item.deletion.span.mint_ms == want.span.mint_ms &&
                  item.deletion.span.maxt_ms == want.span.maxt_ms);
    }
    for (size_t i = 0; i < kit->exemplars; i++) {
        struct label label;
        struct snapshot_exemplar want = make_exemplar(kit, i, &label);
        CK_OK(snapshot_reader_next(r, &item));
        ck_assert_int_eq(item.kind, SNAPSHOT_EXEMPLAR);
        check_exemplar(&item.exemplar, &want);
    }
    CK_OK(snapshot_reader_next(r, &item));
    ck_assert_int_eq(item.kind, SNAPSHOT_END);
}
