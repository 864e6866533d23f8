/* The snapshot of real Prometheus holds what it answers, and written again it is the same. */
#include "tests/harness.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fs_fault.h"
#include "base/mem.h"
#include "tests/tsdb/golden.h"
#include "tests/tsdb/wal_help.h"
#include "tsdb/head/snapshot.h"

enum { REFS_MAX = 128, LATE_MAX = 2000 };
static const struct snapshot_pos golden_place = {0, 65536};

struct late {
    uint64_t ref;
    int64_t t_ms;
};

struct golden {
    char dir[512], path[600];
    json_t *expected, *records;
    struct late late[LATE_MAX]; /* samples of the late log: not in the chunks */
    size_t late_count;
};

static json_t *
load(const char *suffix)
{
    char relative[256];
    snprintf(relative, sizeof relative, "prometheus-3.14/clean-snapshot.%s.json", suffix);
    const char *path = golden_path(relative);
    return path ? json_load_file(path, 0, NULL) : NULL;
}

static void
read_late(struct golden *g)
{
    AUTO(wal_log_fini) struct wal_log log;
    char dir[600];
    snprintf(dir, sizeof dir, "%s/wbl", g->dir);
    wal_log_read(&log, fs_posix(), dir);
    CK_OK(log.end);
    for (size_t i = 0; i < log.ends.n; i++) {
        struct record_cursor c;
        struct sample s;
        if (record_type_of(wal_log_at(&log, i)) != RECORD_SAMPLES)
            continue;
        record_read_samples(&c, wal_log_at(&log, i));
        while (record_next_sample(&c, &g->late[g->late_count].ref, &s)) {
            g->late[g->late_count++].t_ms = s.t_ms;
            ck_assert_uint_lt(g->late_count, LATE_MAX);
        }
    }
}

static bool
golden_open(struct golden *g)
{
    *g = (struct golden){.expected = load("expected"), .records = load("records")};
    const char *dir = golden_path("prometheus-3.14/clean-snapshot");
    if (!dir || !g->expected)
        return false;
    snprintf(g->dir, sizeof g->dir, "%s", dir);
    char wal_dir[600];
    snprintf(wal_dir, sizeof wal_dir, "%s/wal", g->dir);
    AUTO(buf_fini) struct buf path = BUF_INIT;
    struct snapshot_pos pos = {9, 9};
    bool none;
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    fs_fault_break(fs, FS_FAULT_MUTATING, EROFS); /* nothing is deleted there */
    CK_OK(snapshot_find(fs, g->dir, wal_dir, &path, &pos, &none));
    ck_assert(!none && pos.segment == golden_place.segment && pos.offset == golden_place.offset);
    snprintf(g->path, sizeof g->path, "%s", buf_cstr(&path));
    struct snapshot_pos end; /* the log ends where the snapshot says */
    CK_OK(snapshot_pos_of_log(fs_posix(), wal_dir, &end));
    ck_assert(end.segment == pos.segment && end.offset == pos.offset);
    read_late(g);
    return true;
}

static void
golden_close(struct golden *g)
{
    json_decref(g->expected);
    json_decref(g->records);
}

/* [["name", "value"], ...] */
static bool
same_labels(json_t *want, struct labels got)
{
    if (json_array_size(want) != got.n)
        return false;
    for (size_t i = 0; i < got.n; i++) {
        json_t *pair = json_array_get(want, i);
        const char *name = json_string_value(json_array_get(pair, 0));
        const char *value = json_string_value(json_array_get(pair, 1));
        if (!str_eq(got.v[i].name, str_of_cstr(name)) ||
            !str_eq(got.v[i].value, str_of_cstr(value)))
            return false;
    }
    return true;
}

static json_t *
labels_of_ref(const struct golden *g, uint64_t ref)
{
    json_t *pair, *refs = json_object_get(g->records, "series_refs");
    size_t i;
    json_array_foreach(refs, i, pair)
    {
        if ((uint64_t)json_integer_value(json_array_get(pair, 0)) == ref)
            return json_array_get(pair, 1);
    }
    return NULL;
}

/* The row of a list whose `key` are these labels. */
static json_t *
row_of_labels(json_t *list, const char *key, struct labels l)
{
    json_t *row;
    size_t i;
    json_array_foreach(list, i, row)
    {
        if (same_labels(json_object_get(row, key), l))
            return row;
    }
    return NULL;
}

/* --- series ----------------------------------------------------------------------------------- */

static bool
is_late(const struct golden *g, uint64_t ref, int64_t t_ms)
{
    for (size_t i = 0; i < g->late_count; i++) {
        if (g->late[i].ref == ref && g->late[i].t_ms == t_ms)
            return true;
    }
    return false;
}

/* Deletions of the log, as the list of its records has them. */
static bool
is_deleted(const struct golden *g, uint64_t ref, int64_t t_ms)
{
    json_t *record, *one, *span, *records = json_object_get(g->records, "records");
    size_t i, j, k;
    json_array_foreach(records, i, record)
    {
        json_array_foreach(json_object_get(record, "tombstones"), j, one)
        {
            if ((uint64_t)json_integer_value(json_object_get(one, "ref")) != ref)
                continue;
            json_array_foreach(json_object_get(one, "intervals"), k, span)
            {
                if (t_ms >= json_integer_value(json_object_get(span, "Mint")) &&
                    t_ms <= json_integer_value(json_object_get(span, "Maxt")))
                    return true;
            }
        }
    }
    return false;
}

/* The samples of the chunk but for deleted ones are those that Prometheus answers in its time, but
 * for late ones. */
static void
check_floats(const struct golden *g, const struct snapshot_series *s, json_t *samples)
{
    AUTO(sample_columns_fini) struct sample_columns got = SAMPLE_COLUMNS_INIT;
    struct xor_appender x;
    int64_t quarter_ms;
    CK_OK(snapshot_reopen_floats(s, &x, &quarter_ms));
    CK_OK(chunk_decode_floats(&s->open, INT64_MIN, INT64_MAX, &got));
    size_t want = 0;
    for (size_t i = 0; i < got.n; i++) {
        if (is_deleted(g, s->ref, got.t_ms[i]))
            continue;
        int64_t t;
        for (;; want++) {
            ck_assert_uint_lt(want, json_array_size(samples));
            t = json_integer_value(json_array_get(json_array_get(samples, want), 0));
            if (t >= s->open.mint_ms && !is_late(g, s->ref, t))
                break;
        }
        json_t *value = json_array_get(json_array_get(samples, want++), 1);
        ck_assert_int_eq(t, got.t_ms[i]);
        ck_assert(golden_value_is(json_string_value(value), got.bits[i]));
    }
    ck_assert_uint_eq(want, json_array_size(samples)); /* nothing is newer */
}

/* A count of either kind; all histograms' counts are text. */
static bool
same_count(const struct histogram *h, json_t *want)
{
    const char *text = json_string_value(want);
    if (h->kind == HISTOGRAM_FLOAT)
        return golden_value_is(text, h->count);
    return strtoull(text, NULL, 10) == h->count;
}

static void
check_histogram(const struct snapshot_series *s, json_t *samples)
{
    size_t count;
    json_t *last = json_array_get(samples, json_array_size(samples) - 1);
    json_t *want = json_array_get(last, 1);
    CK_OK(chunk_sample_count(&s->open, &count));
    ck_assert_uint_gt(count, 0);
    ck_assert_int_eq(json_integer_value(json_array_get(last, 0)), s->open.maxt_ms);
    ck_assert(same_count(&s->last, json_object_get(want, "count")));
    ck_assert(golden_value_is(json_string_value(json_object_get(want, "sum")), s->last.sum));
    ck_assert_int_eq(json_integer_value(json_object_get(want, "schema")), s->last.schema);
    ck_assert_uint_eq(json_array_size(json_object_get(want, "positive_counts")),
                      s->last.positive.n);
}

/* --- all of it -------------------------------------------------------------------------------- */

static void
check_exemplar(const struct golden *g, struct labels series, size_t nth,
               const struct snapshot_exemplar *e)
{
    json_t *row = row_of_labels(json_object_get(g->expected, "exemplars"), "series", series);
    json_t *want = json_array_get(json_object_get(row, "exemplars"), nth);
    ck_assert_int_eq(json_integer_value(json_object_get(want, "t")), e->exemplar.t_ms);
    ck_assert(golden_value_is(json_string_value(json_object_get(want, "v")), e->exemplar.bits));
    ck_assert(same_labels(json_object_get(want, "labels"), e->exemplar.labels));
}

START_TEST(test_content)
{
    struct golden g;
    if (!golden_open(&g))
        return;
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(snapshot_reader_close) struct snapshot_reader *r = NULL;
    CK_OK(snapshot_reader_open(fs_posix(), g.path, &r));
    struct labels series[REFS_MAX] = {{NULL, 0}};
    size_t exemplars_of[REFS_MAX] = {0}, counts[4] = {0}, histograms = 0;
    for (;;) {
        struct snapshot_item item;
        CK_OK(snapshot_reader_next(r, &item));
        counts[item.kind]++;
        if (item.kind == SNAPSHOT_END)
            break;
        if (item.kind == SNAPSHOT_DELETION) {
            ck_assert(is_deleted(&g, item.deletion.ref, item.deletion.span.mint_ms));
            ck_assert(is_deleted(&g, item.deletion.ref, item.deletion.span.maxt_ms));
        } else if (item.kind == SNAPSHOT_EXEMPLAR) {
            uint64_t ref = item.exemplar.ref;
            check_exemplar(&g, series[ref], exemplars_of[ref]++, &item.exemplar);
        } else {
            const struct snapshot_series *s = &item.series;
            ck_assert_uint_lt(s->ref, REFS_MAX);
            series[s->ref] = labels_copy(&a, s->labels);
            ck_assert(same_labels(labels_of_ref(&g, s->ref), s->labels));
            json_t *row = row_of_labels(json_object_get(g.expected, "series"), "labels", s->labels);
            json_t *samples = json_object_get(row, "samples");
            histograms += s->open.encoding != CHUNK_XOR;
            if (s->open.encoding == CHUNK_XOR)
                check_floats(&g, s, samples);
            else
                check_histogram(s, samples);
        }
    }
    ck_assert_uint_eq(counts[SNAPSHOT_SERIES], 24);
    ck_assert_uint_eq(counts[SNAPSHOT_DELETION], 4);
    ck_assert_uint_eq(counts[SNAPSHOT_EXEMPLAR], 6);
    ck_assert_uint_gt(histograms, 4);
    golden_close(&g);
}
END_TEST

/* Writes every item of the golden snapshot anew, below `dir`. */
static void
write_again(const struct golden *g, const char *dir)
{
    AUTO(snapshot_reader_close) struct snapshot_reader *r = NULL;
    AUTO(snapshot_writer_close) struct snapshot_writer *w = NULL;
    struct snapshot_opts opts = {
        .fs = fs_posix(), .dir = dir, .pos = golden_place, .compression = WAL_SNAPPY};
    CK_OK(snapshot_reader_open(fs_posix(), g->path, &r));
    CK_OK(snapshot_writer_open(&opts, &w));
    for (;;) {
        struct snapshot_item item;
        CK_OK(snapshot_reader_next(r, &item));
        if (item.kind == SNAPSHOT_END)
            break;
        if (item.kind == SNAPSHOT_SERIES)
            CK_OK(snapshot_add_series(w, &item.series));
        else if (item.kind == SNAPSHOT_DELETION)
            snapshot_add_deletion(w, &item.deletion);
        else
            CK_OK(snapshot_add_exemplar(w, &item.exemplar));
    }
    CK_OK(snapshot_writer_finish(w));
}

/* Record for record, and under the same name. (Compressed they may differ: snappy's choice.) */
START_TEST(test_same_bytes)
{
    struct golden g;
    if (!golden_open(&g))
        return;
    const char *dir = test_dir();
    char path[600];
    write_again(&g, dir);
    snprintf(path, sizeof path, "%s%s", dir, strrchr(g.path, '/'));
    AUTO(wal_log_fini) struct wal_log want, got;
    wal_log_read(&want, fs_posix(), g.path);
    wal_log_read(&got, fs_posix(), path);
    CK_OK(want.end);
    CK_OK(got.end);
    ck_assert_uint_eq(want.ends.n, 26); /* 24 series, deletions, exemplars */
    ck_assert_uint_eq(got.ends.n, want.ends.n);
    for (size_t i = 0; i < want.ends.n; i++)
        ck_assert_msg(str_eq(wal_log_at(&got, i), wal_log_at(&want, i)), "record %zu", i);
    golden_close(&g);
}
END_TEST

Suite *
snapshot_golden_suite(void)
{
    Suite *s = suite_create("snapshot_golden");
    TCase *t = tcase_create("snapshot_golden");
    tcase_add_test(t, test_content);
    tcase_add_test(t, test_same_bytes);
    suite_add_tcase(s, t);
    return s;
}
