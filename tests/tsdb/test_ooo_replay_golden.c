/* Late samples that real Prometheus left in chunks_head and its late log: together with those of
 * the log in order they are what Prometheus answers. */
#include "tests/harness.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/tsdb/golden.h"
#include "tests/tsdb/histogram_kit.h"
#include "tests/tsdb/wal_help.h"
#include "tsdb/head/ooo_log.h"
#include "tsdb/wal/record_histograms.h"

enum { SERIES_MAX = 64, REFS_MAX = 256 };

/* A sample of either kind. */
struct point {
    int64_t t_ms;
    uint64_t bits;
    const struct histogram *histogram; /* NULL: a float; in the story's arena */
};

struct series {
    json_t *want; /* [[t, value], ...] */
    struct ooo_series late;
    VEC(struct point) got;
    VEC(struct interval) deleted;
};

struct story {
    json_t *expected, *records;
    char dir[512];
    struct series series[SERIES_MAX];
    size_t count;
    struct series *by_ref[REFS_MAX]; /* refs of the same labels are one */
    struct arena arena;
    head_chunk_ref first_ref;
    struct head_chunks *chunks;
};

static struct ooo_series *
late_of(void *arg, uint64_t ref)
{
    struct story *g = arg;
    return ref < REFS_MAX && g->by_ref[ref] ? &g->by_ref[ref]->late : NULL;
}

static struct err
see(void *arg, const struct head_chunk_info *info)
{
    struct story *g = arg;
    ck_assert(info != NULL);
    g->first_ref = g->first_ref ? g->first_ref : info->ref;
    struct ooo_series *late = late_of(g, info->series_ref);
    if (late && info->out_of_order)
        ooo_series_add_mapped(late, info);
    return OK;
}

static json_t *
load(const char *name, const char *suffix)
{
    char relative[256];
    snprintf(relative, sizeof relative, "prometheus-3.14/%s.%s.json", name, suffix);
    const char *path = golden_path(relative);
    json_error_t error;
    json_t *root = path ? json_load_file(path, 0, &error) : NULL;
    ck_assert_msg(!path || root, "%s: %s", relative, path ? error.text : "");
    return root;
}

static void
list_series(struct story *g)
{
    json_t *one, *pair;
    size_t i, j;
    json_t *refs = json_object_get(g->records, "series_refs");
    json_array_foreach(json_object_get(g->expected, "series"), i, one)
    {
        struct series *s = &g->series[g->count++];
        ck_assert_uint_le(g->count, SERIES_MAX);
        s->want = json_object_get(one, "samples");
        json_array_foreach(refs, j, pair)
        {
            json_int_t ref = json_integer_value(json_array_get(pair, 0));
            ck_assert_int_lt(ref, REFS_MAX);
            if (json_equal(json_array_get(pair, 1), json_object_get(one, "labels")))
                g->by_ref[ref] = s;
        }
    }
}

/* Opening heals, so it gets a copy. */
static void
open_chunks(struct story *g)
{
    AUTO(buf_fini) struct buf bytes = BUF_INIT, path = BUF_INIT;
    AUTO(fs_list_fini) struct fs_list files = VEC_INIT;
    const char *dir = test_dir();
    char from[1024];
    snprintf(from, sizeof from, "%s/chunks_head", g->dir);
    CK_OK(fs_list_dir(fs_posix(), from, &files));
    vec_each (&files, f) {
        buf_clear(&bytes);
        buf_clear(&path);
        snprintf(from, sizeof from, "%s/chunks_head/%s", g->dir, f->name);
        CK_OK(fs_read_file(fs_posix(), from, 1 << 24, &bytes));
        buf_printf(&path, "%s/%s", dir, f->name);
        CK_OK(fs_write_file(fs_posix(), buf_cstr(&path), buf_str(&bytes)));
    }
    struct err lost = OK;
    CK_OK(head_chunks_open(fs_posix(), dir, see, g, &lost, &g->chunks));
    CK_OK(lost);
}

/* A sample of the log: there if it is newer than all of its series. */
static void
put_in_order(struct story *g, uint64_t ref, struct point p)
{
    struct series *s = g->by_ref[ref];
    if (s && (s->got.n == 0 || p.t_ms > vec_last(&s->got)->t_ms))
        vec_push(&s->got, p);
}

static void
read_log_record(struct story *g, struct str record)
{
    struct record_cursor c;
    uint64_t ref;
    struct sample x;
    struct histogram_sample h;
    enum record_histogram_use use;
    struct interval gone;
    unsigned type = record_type_of(record);
    if (type == RECORD_SAMPLES) {
        for (record_read_samples(&c, record); record_next_sample(&c, &ref, &x);)
            put_in_order(g, ref, (struct point){x.t_ms, x.bits, NULL});
    } else if (type >= RECORD_HISTOGRAMS && type <= RECORD_CUSTOM_FLOAT_HISTOGRAMS) {
        record_read_histograms(&c, record);
        while (record_next_histogram(&c, &g->arena, &ref, &h, &use)) {
            struct histogram *copy = arena_alloc(&g->arena, sizeof *copy);
            *copy = h.value;
            put_in_order(g, ref, (struct point){h.t_ms, 0, copy});
        }
    } else if (type == RECORD_TOMBSTONES) {
        record_read_tombstones(&c, record);
        while (record_next_tombstone(&c, &ref, &gone.mint_ms, &gone.maxt_ms)) {
            if (g->by_ref[ref])
                vec_push(&g->by_ref[ref]->deleted, gone);
        }
    }
}

static void
read_log(struct story *g)
{
    AUTO(wal_log_fini) struct wal_log log;
    char dir[1024];
    snprintf(dir, sizeof dir, "%s/wal", g->dir);
    wal_log_read(&log, fs_posix(), dir);
    CK_OK(log.end);
    for (size_t i = 0; i < log.ends.n; i++)
        read_log_record(g, wal_log_at(&log, i));
}

static void
put_chunk(struct story *g, struct series *s, const struct chunk_view *v)
{
    AUTO(sample_columns_fini) struct sample_columns floats = SAMPLE_COLUMNS_INIT;
    struct histogram_columns histograms = HISTOGRAM_COLUMNS_INIT;
    if (v->encoding == CHUNK_XOR)
        CK_OK(chunk_decode_floats(v, INT64_MIN, INT64_MAX, &floats));
    else
        CK_OK(chunk_decode_histograms(v, INT64_MIN, INT64_MAX, &g->arena, &histograms));
    for (size_t i = 0; i < floats.n; i++)
        vec_push(&s->got, ((struct point){floats.t_ms[i], floats.bits[i], NULL}));
    for (size_t i = 0; i < histograms.n; i++) {
        struct histogram *copy = arena_alloc(&g->arena, sizeof *copy);
        *copy = histograms.values[i];
        vec_push(&s->got, ((struct point){histograms.t_ms[i], 0, copy}));
    }
    histogram_columns_fini(&histograms);
}

static void
read_late(struct story *g, unsigned capacity, uint64_t *ret_stored)
{
    char dir[1024];
    snprintf(dir, sizeof dir, "%s/wbl", g->dir);
    struct ooo_replay r = {
        .series_of = late_of,
        .arg = g,
        .capacity = capacity,
        .chunks = g->chunks,
        .first_ref = g->first_ref,
    };
    ooo_replay_init(&r);
    struct err lost = OK;
    CK_OK(ooo_replay_dir(&r, fs_posix(), dir, &lost));
    CK_OK(lost);
    ck_assert_uint_eq(r.refused, 0);
    *ret_stored = r.stored;
    struct ooo_range all = {.mint_ms = INT64_MIN, .maxt_ms = INT64_MAX};
    struct chunk_views views = VEC_INIT;
    for (size_t i = 0; i < g->count; i++) {
        vec_clear(&views);
        ooo_series_collect(&g->series[i].late, g->chunks, &all, &g->arena, &views);
        vec_each (&views, v)
            put_chunk(g, &g->series[i], v);
    }
    vec_fini(&views);
}

static int
compare(const void *a, const void *b)
{
    const struct point *x = a, *y = b;
    return (x->t_ms > y->t_ms) - (x->t_ms < y->t_ms);
}

/* Sorted, one a time, without what was deleted. */
static void
finish(struct series *s)
{
    if (s->got.n > 0)
        qsort(s->got.v, s->got.n, sizeof *s->got.v, compare);
    size_t n = 0;
    for (size_t i = 0; i < s->got.n; i++) {
        const struct point *p = &s->got.v[i];
        if (n > 0 && s->got.v[n - 1].t_ms == p->t_ms)
            ck_assert_uint_eq(s->got.v[n - 1].bits, p->bits); /* none has two values */
        else if (!intervals_touch(s->deleted.v, s->deleted.n, p->t_ms, p->t_ms))
            s->got.v[n++] = *p;
    }
    s->got.n = n;
}

static bool
same_value(struct story *g, json_t *want, const struct point *p)
{
    if (!p->histogram)
        return json_is_string(want) && golden_value_is(json_string_value(want), p->bits);
    struct histogram h = kit_histogram(want, &g->arena);
    return h.kind == p->histogram->kind && kit_counts_same(&h, p->histogram);
}

/* All that Prometheus answers, or (blocks have the rest) a part of it. */
static void
check(struct story *g, const struct series *s, bool all)
{
    size_t want = json_array_size(s->want), at = 0;
    ck_assert_msg(!all || s->got.n == want, "%zu samples, want %zu", s->got.n, want);
    for (size_t i = 0; i < s->got.n; i++, at++) {
        const struct point *p = &s->got.v[i];
        json_t *row = json_array_get(s->want, at);
        while (!all && row && json_integer_value(json_array_get(row, 0)) < p->t_ms)
            row = json_array_get(s->want, ++at);
        ck_assert_int_eq(json_integer_value(json_array_get(row, 0)), p->t_ms);
        ck_assert(same_value(g, json_array_get(row, 1), p));
    }
}

/* None of these has late chunks in chunks_head: no series got as far. With less capacity they are
 * sealed here. */
static const struct story_case {
    const char *name;
    bool all; /* no blocks */
    unsigned capacity;
} story_cases[] = {
    {"kill9-plain", true, OOO_SAMPLES_DEFAULT},
    {"kill9-plain", true, 3},
    {"clean-snapshot", true, OOO_SAMPLES_DEFAULT},
    {"clean-snapshot", true, 1},
    {"kill9-checkpoint", false, OOO_SAMPLES_DEFAULT},
};

/* Samples of all kinds in the late log. */
static uint64_t
late_count(const struct story *g)
{
    json_t *record;
    size_t i;
    uint64_t n = 0;
    json_array_foreach(json_object_get(g->records, "records"), i, record)
    {
        bool late = strcmp(json_string_value(json_object_get(record, "log")), "wbl") == 0;
        if (late && strstr(json_string_value(json_object_get(record, "type")), "samples"))
            n += (uint64_t)json_integer_value(json_object_get(record, "items"));
    }
    return n;
}

START_TEST(test_golden)
{
    const struct story_case *c = &story_cases[_i];
    struct story g = {.expected = load(c->name, "expected")};
    if (!g.expected)
        return;
    g.records = load(c->name, "records");
    arena_init(&g.arena, 0);
    char relative[256];
    snprintf(relative, sizeof relative, "prometheus-3.14/%s", c->name);
    snprintf(g.dir, sizeof g.dir, "%s", golden_path(relative));
    list_series(&g);
    open_chunks(&g);
    ROW_ASSERT(c->name, (g.first_ref != 0) == c->all); /* the other file is only begun */
    read_log(&g);
    uint64_t stored;
    read_late(&g, c->capacity, &stored);
    ROW_ASSERT(c->name, stored == late_count(&g) && stored >= 30); /* none is repeated */
    for (size_t i = 0; i < g.count; i++) {
        struct series *s = &g.series[i];
        finish(s);
        check(&g, s, c->all);
        ooo_series_fini(&s->late);
        vec_fini(&s->got);
        vec_fini(&s->deleted);
    }
    head_chunks_close(g.chunks);
    arena_fini(&g.arena);
    json_decref(g.expected);
    json_decref(g.records);
}
END_TEST

Suite *
ooo_replay_golden_suite(void)
{
    Suite *s = suite_create("ooo_replay_golden");
    TCase *t = tcase_create("ooo_replay_golden");
    tcase_add_loop_test(t, test_golden, 0, ARRAY_LEN(story_cases));
    suite_add_tcase(s, t);
    return s;
}
