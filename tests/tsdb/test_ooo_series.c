/* Late samples from the open chunk to chunks_head and out of it again; a reader sees each of them
 * at every step. */
#include "tests/harness.h"

#include <errno.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/fs_fault.h"
#include "base/rand.h"
#include "tsdb/head/ooo_series.h"
#include "tsdb/model/histogram.h"

enum { CAPACITY = 4, SERIES_REF = 77 };

struct seen {
    struct ooo_series *mapped; /* out-of-order chunks are added to it; may be NULL */
    size_t late, in_order;
};

static struct err
see(void *arg, const struct head_chunk_info *info)
{
    struct seen *s = arg;
    ck_assert(info != NULL);
    ck_assert_uint_eq(info->series_ref, SERIES_REF);
    s->in_order += !info->out_of_order;
    s->late += info->out_of_order;
    if (info->out_of_order && s->mapped)
        ooo_series_add_mapped(s->mapped, info);
    return OK;
}

static struct head_chunks *
open_chunks(struct fs *fs, const char *dir, struct seen *seen)
{
    struct head_chunks *chunks = NULL;
    struct err lost = OK;
    CK_OK(head_chunks_open(fs, dir, see, seen, &lost, &chunks));
    CK_OK(lost);
    return chunks;
}

/* Inserts and seals when full, as an append does. */
static void
put(struct ooo_series *o, int64_t t_ms)
{
    struct sample s = {t_ms, (uint64_t)t_ms * 3};
    if (ooo_series_insert(o, CAPACITY, s) == OOO_STORED)
        return;
    ooo_series_seal(o);
    ck_assert_int_eq(ooo_series_insert(o, CAPACITY, s), OOO_STORED);
}

static struct err
write_all(struct ooo_series *o, struct head_chunks *chunks)
{
    struct chunk_view view;
    while (ooo_series_unwritten(o, &view)) {
        head_chunk_ref ref;
        TRY(head_chunks_write_late(chunks, SERIES_REF, &view, &ref));
        TRY(head_chunks_flush(chunks));
        ooo_series_set_mapped(o, ref);
    }
    return OK;
}

static const struct ooo_range everything = {.mint_ms = INT64_MIN, .maxt_ms = INT64_MAX};

/* "10-40 50-50": ranges of the chunks in the order in which they are told. */
static void
check_chunks(const char *name, const struct ooo_series *o, const struct head_chunks *chunks,
             const struct ooo_range *range, const char *want)
{
    AUTO(arena_fini) struct arena a;
    AUTO(buf_fini) struct buf got = BUF_INIT;
    AUTO(sample_columns_fini) struct sample_columns samples = SAMPLE_COLUMNS_INIT;
    arena_init(&a, 0);
    struct chunk_views views = VEC_INIT;
    ooo_series_collect(o, chunks, range, &a, &views);
    vec_each (&views, v) {
        buf_printf(&got, "%s%jd-%jd", got.n ? " " : "", (intmax_t)v->mint_ms, (intmax_t)v->maxt_ms);
        CK_OK(chunk_decode_floats(v, INT64_MIN, INT64_MAX, &samples));
    }
    for (size_t i = 0; i < samples.n; i++)
        ck_assert_uint_eq(samples.bits[i], (uint64_t)samples.t_ms[i] * 3);
    vec_fini(&views);
    ck_assert_msg(strcmp(buf_cstr(&got), want) == 0, "%s: chunks %s, want %s", name, buf_cstr(&got),
                  want);
    ck_assert(ooo_series_check(o));
}

/* Three finished chunks, the third overlapping the others, and an open one. */
static const int64_t story[] = {40, 30, 20, 10, 80, 50, 70, 60, 65, 15, 45, 35, 90, 85};

static void
put_story(struct ooo_series *o)
{
    for (size_t i = 0; i < ARRAY_LEN(story); i++)
        put(o, story[i]);
}

START_TEST(test_life)
{
    struct ooo_series o = {0};
    struct seen seen = {0};
    AUTO(head_chunks_close) struct head_chunks *chunks = open_chunks(fs_posix(), test_dir(), &seen);
    ck_assert(ooo_series_is_empty(&o));
    check_chunks("empty", &o, chunks, &everything, "");
    head_chunk_ref ref = 99;
    ck_assert_int_eq(ooo_series_marker(&o, &ref), OOO_MARKER);
    ck_assert_uint_eq(ref, 0); /* the first chunk has nothing before it */

    put_story(&o);
    const char *all = "10-40 50-80 15-65 85-90";
    check_chunks("on the heap", &o, chunks, &everything, all);
    ck_assert_int_eq(ooo_series_marker(&o, &ref), OOO_MARKER_NONE);
    CK_OK(write_all(&o, chunks));
    check_chunks("written", &o, chunks, &everything, all);
    ck_assert_int_eq(ooo_series_marker(&o, &ref), OOO_MARKER);
    ck_assert_uint_eq(ref, o.finished[2].ref);
    ck_assert(ooo_series_has(&o, ref) && !ooo_series_has(&o, ref + 1));
    ck_assert(!ooo_series_has(&o, 0));

    head_chunk_ref first = o.finished[0].ref, third = o.finished[2].ref;
    ck_assert_uint_eq(ooo_series_drop(&o, first - 1), 0);
    ck_assert_uint_eq(ooo_series_drop(&o, third - 1), 2);
    ck_assert(ooo_series_has(&o, third) && !ooo_series_has(&o, first));
    check_chunks("older ones dropped", &o, chunks, &everything, "15-65 85-90");
    ck_assert_uint_eq(ooo_series_drop(&o, UINT64_MAX), 1);
    ck_assert(!ooo_series_is_empty(&o)); /* the open chunk is in no block */
    ooo_series_seal(&o);
    ck_assert_uint_eq(ooo_series_drop(&o, UINT64_MAX), 0); /* nor is what is not written */
    check_chunks("the last one", &o, chunks, &everything, "85-90");
    CK_OK(write_all(&o, chunks));
    ck_assert_uint_eq(ooo_series_drop(&o, UINT64_MAX), 1);
    ck_assert(ooo_series_is_empty(&o));
    ooo_series_seal(&o); /* of nothing */
    ck_assert(ooo_series_is_empty(&o));
    ooo_series_fini(&o);
}
END_TEST

/* The bit of out-of-order chunks tells them apart when chunks_head is read again. */
START_TEST(test_reopen)
{
    const char *dir = test_dir();
    struct ooo_series o = {0}, again = {0};
    struct seen seen = {0};
    struct head_chunks *chunks = open_chunks(fs_posix(), dir, &seen);
    put_story(&o);
    struct chunk_view view;
    ck_assert(ooo_series_unwritten(&o, &view));
    head_chunk_ref ref;
    CK_OK(head_chunks_write(chunks, SERIES_REF, &view, &ref));
    CK_OK(write_all(&o, chunks));
    CK_OK(head_chunks_finish(chunks));
    head_chunks_close(chunks);

    seen.mapped = &again;
    chunks = open_chunks(fs_posix(), dir, &seen);
    ck_assert_uint_eq(seen.in_order, 1);
    ck_assert_uint_eq(seen.late, 3);
    check_chunks("again", &again, chunks, &everything, "10-40 50-80 15-65");
    ck_assert(ooo_series_has(&again, o.finished[2].ref));
    ooo_series_fini(&o);
    ooo_series_fini(&again);
    head_chunks_close(chunks);
}
END_TEST

static const struct range_case {
    const char *name;
    int64_t mint, maxt;
    unsigned above, upto; /* 0, or the number of a finished chunk from 1 */
    const char *want;
} range_cases[] = {
    {"all", INT64_MIN, INT64_MAX, 0, 0, "10-40 50-80 15-65 85-90"},
    {"before all", INT64_MIN, 9, 0, 0, ""},
    {"behind all", 91, INT64_MAX, 0, 0, ""},
    {"between two", 41, 49, 0, 0, "15-65"},
    {"the first edge", INT64_MIN, 10, 0, 0, "10-40"},
    {"the last edge", 90, 95, 0, 0, "85-90"},
    {"one point", 40, 40, 0, 0, "10-40 15-65"},
    {"without the open one", INT64_MIN, 84, 0, 0, "10-40 50-80 15-65"},
    {"above the first", INT64_MIN, INT64_MAX, 1, 0, "50-80 15-65 85-90"},
    {"above all that are written", INT64_MIN, INT64_MAX, 3, 0, "85-90"},
    {"up to the second", INT64_MIN, INT64_MAX, 0, 2, "10-40 50-80"},
    {"up to the newest", INT64_MIN, INT64_MAX, 0, 3, "10-40 50-80 15-65"},
    {"a window of compaction", 45, 49, 0, 3, "15-65"},
    {"between two refs", INT64_MIN, INT64_MAX, 1, 2, "50-80"},
};

START_TEST(test_ranges)
{
    const struct range_case *c = &range_cases[_i];
    struct ooo_series o = {0};
    struct seen seen = {0};
    AUTO(head_chunks_close) struct head_chunks *chunks = open_chunks(fs_posix(), test_dir(), &seen);
    put_story(&o);
    CK_OK(write_all(&o, chunks));
    struct ooo_range range = {
        .mint_ms = c->mint,
        .maxt_ms = c->maxt,
        .above_ref = c->above ? o.finished[c->above - 1].ref : 0,
        .upto_ref = c->upto ? o.finished[c->upto - 1].ref : 0,
    };
    check_chunks(c->name, &o, chunks, &range, c->want);
    ooo_series_fini(&o);
}
END_TEST

/* Chunks on the heap are for readers, not for compaction. */
START_TEST(test_unwritten_ranges)
{
    struct ooo_series o = {0};
    struct seen seen = {0};
    AUTO(head_chunks_close) struct head_chunks *chunks = open_chunks(fs_posix(), test_dir(), &seen);
    put_story(&o);
    struct ooo_range all = {.mint_ms = INT64_MIN, .maxt_ms = INT64_MAX, .above_ref = UINT64_MAX};
    check_chunks("a reader", &o, chunks, &all, "10-40 50-80 15-65 85-90");
    all.upto_ref = UINT64_MAX;
    check_chunks("compaction", &o, chunks, &all, "");
    ooo_series_fini(&o);
}
END_TEST

/* On a full disk chunks wait on the heap, and no marker says that they are safe. */
START_TEST(test_full_disk)
{
    struct ooo_series o = {0};
    struct seen seen = {0};
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    struct head_chunks *chunks = open_chunks(fs, test_dir(), &seen);
    put_story(&o);
    head_chunk_ref ref;
    fs_fault_break(fs, FS_FAULT_WRITE, ENOSPC);
    CK_ERR(ERR_NO_SPACE, write_all(&o, chunks));
    ck_assert_int_eq(ooo_series_marker(&o, &ref), OOO_MARKER_NONE);
    check_chunks("full", &o, chunks, &everything, "10-40 50-80 15-65 85-90");
    put(&o, 100);
    put(&o, 95);
    put(&o, 110); /* a fourth one is sealed beside them */
    fs_fault_heal(fs);
    CK_OK(write_all(&o, chunks));
    ck_assert_int_eq(ooo_series_marker(&o, &ref), OOO_MARKER);
    ck_assert_uint_eq(ref, o.finished[3].ref);
    check_chunks("healed", &o, chunks, &everything, "10-40 50-80 15-65 85-100 110-110");
    ooo_series_fini(&o);
    head_chunks_close(chunks);
}
END_TEST

/* What a replay seals again is found in chunks_head; anything else stays. */
START_TEST(test_copies)
{
    struct ooo_series o = {0};
    struct seen seen = {0};
    AUTO(head_chunks_close) struct head_chunks *chunks = open_chunks(fs_posix(), test_dir(), &seen);
    put_story(&o);
    CK_OK(write_all(&o, chunks));
    ooo_chunk_clear(&o.open);
    for (size_t i = 4; i < 8; i++) /* the second chunk once more */
        put(&o, story[i]);
    ooo_series_seal(&o);
    for (size_t i = 0; i < 4; i++) /* the first but for one value */
        ck_assert_int_eq(ooo_series_insert(&o, CAPACITY, (struct sample){story[i], i == 2}),
                         OOO_STORED);
    ooo_series_seal(&o);
    ck_assert_uint_eq(o.finished_count, 5);
    ck_assert_uint_eq(ooo_series_drop_copies(&o, chunks), 1);
    ck_assert_uint_eq(ooo_series_drop_copies(&o, chunks), 0);
    ck_assert_uint_eq(o.finished_count, 4);
    ck_assert(o.finished[2].mapped && !o.finished[3].mapped);
    ck_assert_int_eq(o.finished[3].mint_ms, 10);
    ooo_series_fini(&o);
}
END_TEST

/* Histograms with many buckets make chunks far longer than floats do. */
START_TEST(test_large_histograms)
{
    enum { BUCKETS = 9000 };
    struct ooo_series o = {0};
    struct seen seen = {0};
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(head_chunks_close) struct head_chunks *chunks = open_chunks(fs_posix(), test_dir(), &seen);
    struct rand_gen g = rand_gen_of(3);
    struct histogram_span span = {0, BUCKETS};
    uint64_t *words = ARENA_ARRAY(&a, uint64_t, BUCKETS);
    struct histogram h = {.kind = HISTOGRAM_FLOAT,
                          .reset = HISTOGRAM_GAUGE,
                          .positive_spans = {&span, 1},
                          .positive = {words, BUCKETS}};
    for (int64_t t = CAPACITY; t > 0; t--) {
        for (size_t i = 0; i < BUCKETS; i++)
            words[i] = bits_of_f64(rand_f64(&g));
        ck_assert_int_eq(ooo_series_insert_histogram(&o, CAPACITY, t, &h), OOO_STORED);
    }
    ck_assert_int_eq(ooo_series_insert_histogram(&o, CAPACITY, 100, &h), OOO_FULL);
    ooo_series_seal(&o);
    ck_assert_uint_gt(o.finished[0].bytes, CHUNK_BYTES_MAX);
    CK_OK(write_all(&o, chunks));
    struct chunk_views views = VEC_INIT;
    struct histogram_columns got = HISTOGRAM_COLUMNS_INIT;
    ooo_series_collect(&o, chunks, &everything, &a, &views);
    ck_assert_uint_eq(views.n, 1);
    CK_OK(chunk_decode_histograms(&views.v[0], INT64_MIN, INT64_MAX, &a, &got));
    ck_assert_uint_eq(got.n, CAPACITY);
    ck_assert(histogram_equal(&got.values[0], &h)); /* the one inserted last */
    histogram_columns_fini(&got);
    vec_fini(&views);
    ooo_series_fini(&o);
}
END_TEST

Suite *
ooo_series_suite(void)
{
    Suite *s = suite_create("ooo_series");
    TCase *t = tcase_create("ooo_series");
    tcase_add_test(t, test_life);
    tcase_add_test(t, test_reopen);
    tcase_add_loop_test(t, test_ranges, 0, ARRAY_LEN(range_cases));
    tcase_add_test(t, test_unwritten_ranges);
    tcase_add_test(t, test_full_disk);
    tcase_add_test(t, test_copies);
    tcase_add_test(t, test_large_histograms);
    suite_add_tcase(s, t);
    return s;
}
