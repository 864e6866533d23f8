/* Late samples that real Prometheus left in chunks_head and its late log: together with those of
 * the log in order they are what Prometheus answers. */
#include "tests/harness.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/tsdb/golden.h"
#include "tests/tsdb/wal_help.h"
#include "tsdb/head/ooo_log.h"
#include "tsdb/wal/record.h"

enum { SERIES_MAX = 64, REFS_MAX = 256 };

struct series {
    json_t *want; /* [[t, "value"], ...] */
    struct ooo_series late;
    struct sample_columns got;
    VEC(struct interval) deleted;
};

struct story {
    json_t *expected, *records;
    char dir[512];
    struct series series[SERIES_MAX];
    size_t count;
    struct series *by_ref[REFS_MAX]; /* float series; refs of the same labels are one */
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

/* Series whose samples are all floats. */
static void
list_series(struct story *g)
{
    json_t *one, *pair;
    size_t i, j;
    json_t *refs = json_object_get(g->records, "series_refs");
    json_array_foreach(json_object_get(g->expected, "series"), i, one)
    {
        json_t *samples = json_object_get(one, "samples");
        if (!json_is_string(json_array_get(json_array_get(samples, 0), 1)))
            continue;
        struct series *s = &g->series[g->count++];
        ck_assert_uint_le(g->count, SERIES_MAX);
        s->want = samples;
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

static void
put(struct series *s, struct sample x)
{
    sample_columns_reserve(&s->got, 1);
    s->got.t_ms[s->got.n] = x.t_ms;
    s->got.bits[s->got.n++] = x.bits;
}

/* Samples of the log that were newer than all of their series; deletions. */
static void
read_log(struct story *g)
{
    AUTO(wal_log_fini) struct wal_log log;
    char dir[1024];
    snprintf(dir, sizeof dir, "%s/wal", g->dir);
    wal_log_read(&log, fs_posix(), dir);
    CK_OK(log.end);
    for (size_t i = 0; i < log.ends.n; i++) {
        struct str record = wal_log_at(&log, i);
        struct record_cursor c;
        uint64_t ref;
        struct sample x;
        struct interval gone;
        if (record_type_of(record) == RECORD_SAMPLES) {
            for (record_read_samples(&c, record); record_next_sample(&c, &ref, &x);) {
                struct series *s = g->by_ref[ref];
                if (s && (s->got.n == 0 || x.t_ms > s->got.t_ms[s->got.n - 1]))
                    put(s, x);
            }
        } else if (record_type_of(record) == RECORD_TOMBSTONES) {
            record_read_tombstones(&c, record);
            while (record_next_tombstone(&c, &ref, &gone.mint_ms, &gone.maxt_ms)) {
                if (g->by_ref[ref])
                    vec_push(&g->by_ref[ref]->deleted, gone);
            }
        }
    }
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
    *ret_stored = r.stored;
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct ooo_range all = {.mint_ms = INT64_MIN, .maxt_ms = INT64_MAX};
    struct chunk_views views = VEC_INIT;
    for (size_t i = 0; i < g->count; i++) {
        vec_clear(&views);
        ooo_series_collect(&g->series[i].late, g->chunks, &all, &a, &views);
        vec_each (&views, v) {
            if (v->encoding == CHUNK_XOR) /* stale markers of histograms are none of ours */
                CK_OK(chunk_decode_floats(v, INT64_MIN, INT64_MAX, &g->series[i].got));
        }
    }
    vec_fini(&views);
}

static int
compare(const void *a, const void *b)
{
    const struct sample *x = a, *y = b;
    return (x->t_ms > y->t_ms) - (x->t_ms < y->t_ms);
}

/* Sorted, one a time, without what was deleted. */
static size_t
finish(const struct series *s, struct sample *to)
{
    for (size_t i = 0; i < s->got.n; i++)
        to[i] = (struct sample){s->got.t_ms[i], s->got.bits[i]};
    qsort(to, s->got.n, sizeof *to, compare);
    size_t n = 0;
    for (size_t i = 0; i < s->got.n; i++) {
        if (n > 0 && to[n - 1].t_ms == to[i].t_ms)
            ck_assert_uint_eq(to[n - 1].bits, to[i].bits); /* none was stored with two values */
        else if (!intervals_touch(s->deleted.v, s->deleted.n, to[i].t_ms, to[i].t_ms))
            to[n++] = to[i];
    }
    return n;
}

/* All that Prometheus answers, or (blocks have the rest) a part of it. */
static void
check(const struct series *s, const struct sample *got, size_t n, bool all)
{
    size_t want = json_array_size(s->want), at = 0;
    ck_assert_msg(!all || n == want, "%zu samples, want %zu", n, want);
    for (size_t i = 0; i < n; i++, at++) {
        json_t *row = json_array_get(s->want, at);
        while (!all && row && json_integer_value(json_array_get(row, 0)) < got[i].t_ms)
            row = json_array_get(s->want, ++at);
        ck_assert_int_eq(json_integer_value(json_array_get(row, 0)), got[i].t_ms);
        ck_assert(golden_value_is(json_string_value(json_array_get(row, 1)), got[i].bits));
    }
}

/* None of these has late chunks in chunks_head: no series got as far. With less capacity they are
 * sealed here. */
static const struct story_case {
    const char *name;
    bool all; /* no blocks */
    unsigned capacity;
    uint64_t stored;
} story_cases[] = {
    {"kill9-plain", true, OOO_SAMPLES_DEFAULT, 212},
    {"kill9-plain", true, 3, 212},
    {"clean-snapshot", true, OOO_SAMPLES_DEFAULT, 48},
    {"clean-snapshot", true, 1, 48},
    {"kill9-checkpoint", false, OOO_SAMPLES_DEFAULT, 18},
};

START_TEST(test_golden)
{
    const struct story_case *c = &story_cases[_i];
    struct story g = {.expected = load(c->name, "expected")};
    if (!g.expected)
        return;
    g.records = load(c->name, "records");
    char relative[256];
    snprintf(relative, sizeof relative, "prometheus-3.14/%s", c->name);
    snprintf(g.dir, sizeof g.dir, "%s", golden_path(relative));
    list_series(&g);
    open_chunks(&g);
    ROW_ASSERT(c->name, (g.first_ref != 0) == c->all); /* the other file is only begun */
    read_log(&g);
    uint64_t stored;
    read_late(&g, c->capacity, &stored);
    ROW_ASSERT(c->name, stored == c->stored);
    for (size_t i = 0; i < g.count; i++) {
        struct series *s = &g.series[i];
        struct sample *got = mem_alloc((s->got.n + 1) * sizeof *got);
        check(s, got, finish(s, got), c->all);
        mem_free(got);
        ooo_series_fini(&s->late);
        sample_columns_fini(&s->got);
        vec_fini(&s->deleted);
    }
    head_chunks_close(g.chunks);
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
