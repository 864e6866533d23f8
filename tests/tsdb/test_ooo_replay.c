/* The late log read back: no sample is lost whatever part of log and chunks a crash leaves, none
 * comes twice without need, and what real Prometheus wrote gives what it answers. */
#include "tests/harness.h"

#include <stdio.h>

#include "base/rand.h"
#include "tests/tsdb/histogram_kit.h"
#include "tests/tsdb/wal_help.h"
#include "tsdb/head/ooo_log.h"
#include "tsdb/wal/record.h"

enum { SERIES = 6, CAPACITY = 4 };

struct world {
    struct ooo_series series[SERIES]; /* by ref - 1 */
    struct head_chunks *chunks;
    head_chunk_ref first_ref;
};

static struct ooo_series *
series_of(void *arg, uint64_t ref)
{
    struct world *w = arg;
    return ref >= 1 && ref <= SERIES ? &w->series[ref - 1] : NULL;
}

static struct err
ignore(void *arg, const struct head_chunk_info *info)
{
    (void)arg;
    (void)info;
    return OK;
}

static void
world_init(struct world *w)
{
    *w = (struct world){0};
    struct err lost = OK;
    CK_OK(head_chunks_open(fs_posix(), test_dir(), ignore, NULL, &lost, &w->chunks));
    CK_OK(lost);
}

static void
world_fini(struct world *w)
{
    for (size_t i = 0; i < SERIES; i++)
        ooo_series_fini(&w->series[i]);
    head_chunks_close(w->chunks);
}

static struct ooo_replay
replay_of(struct world *w)
{
    struct ooo_replay r = {
        .series_of = series_of,
        .arg = w,
        .capacity = CAPACITY,
        .chunks = w->chunks,
        .first_ref = w->first_ref,
    };
    ooo_replay_init(&r);
    return r;
}

/* --- markers ---------------------------------------------------------------------------------- */

static head_chunk_ref
write_chunk(struct world *w, uint64_t series_ref, int64_t t_ms)
{
    struct ooo_series *o = &w->series[series_ref - 1];
    ck_assert_int_eq(ooo_series_insert(o, CAPACITY, (struct sample){t_ms, 1}), OOO_STORED);
    ooo_series_seal(o);
    struct chunk_view view;
    head_chunk_ref ref;
    ck_assert(ooo_series_unwritten(o, &view));
    CK_OK(head_chunks_write_late(w->chunks, series_ref, &view, &ref));
    CK_OK(head_chunks_flush(w->chunks));
    ooo_series_set_mapped(o, ref);
    return ref;
}

/* Chunks: A of series 1, B of series 2, C of series 1; Z is older than all, X newer. Series 1 has
 * a sample in its open chunk when the record of markers comes. */
static const struct marker_case {
    const char *name, *markers; /* series and chunk each */
    bool kept;
    uint64_t unknown;
} marker_cases[] = {
    {"none before", "10", false, 0},
    {"its newest chunk", "1C", false, 0},
    {"an older chunk of it", "1A", false, 0},
    {"a chunk that a crash took", "1X", true, 0},
    {"a chunk that went into a block", "1Z", false, 0},
    {"a chunk of another series", "1B", true, 0},
    {"a marker of another series", "20", true, 0},
    {"all chunks of one sealing", "1A1C", false, 0},
    {"the last one is missing", "1A1X", true, 0},
    {"the last one is there", "1X1A", false, 0},
    {"a series between", "1A201X", false, 0},
    {"an unknown series", "90", true, 1},
    {"series 0", "00", true, 1},
    {"an unknown series in front", "901C", false, 1},
};

START_TEST(test_markers)
{
    const struct marker_case *c = &marker_cases[_i];
    struct world w;
    world_init(&w);
    head_chunk_ref refs[128] = {['0'] = 0};
    w.first_ref = refs['A'] = write_chunk(&w, 1, 100);
    refs['B'] = write_chunk(&w, 2, 100);
    refs['C'] = write_chunk(&w, 1, 200);
    refs['Z'] = refs['A'] - 1;
    refs['X'] = refs['C'] + 1;

    AUTO(buf_fini) struct buf record = BUF_INIT;
    struct sample s = {50, 7};
    ck_assert_int_eq(ooo_series_insert(&w.series[0], CAPACITY, s), OOO_STORED);
    buf_put_u8(&record, RECORD_MMAP_MARKERS);
    for (const char *p = c->markers; *p; p += 2) {
        buf_put_be64(&record, (uint64_t)(p[0] - '0'));
        buf_put_be64(&record, refs[(int)p[1]]);
    }
    struct ooo_replay r = replay_of(&w);
    CK_OK(ooo_replay_record(&r, buf_str(&record)));
    ROW_ASSERT(c->name, (w.series[0].open.count == 1) == c->kept);
    ROW_ASSERT(c->name, r.unknown_markers == c->unknown);
    ROW_ASSERT(c->name, w.series[0].finished_count == 2);
    world_fini(&w);
}
END_TEST

/* Without any chunk on disk no marker holds but the one that says so. */
START_TEST(test_no_chunks)
{
    struct world w;
    world_init(&w);
    struct ooo_replay r = replay_of(&w);
    CK_OK(ooo_replay_record(&r, STR("\2\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\5\0\0\1\1\1\1\1\1\1\1")));
    CK_OK(ooo_replay_record(&r, STR("\5\0\0\0\0\0\0\0\1\0\0\0\1\0\0\0\10")));
    ck_assert_uint_eq(w.series[0].open.count, 1);
    ck_assert(r.stored == 1 && r.mint_ms == 5 && r.maxt_ms == 5);
    CK_OK(ooo_replay_record(&r, STR("\5\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0")));
    ck_assert_uint_eq(w.series[0].open.count, 0);
    world_fini(&w);
}
END_TEST

/* A marker that was lost with the end of the log: the chunk is known by its bytes. */
START_TEST(test_lost_marker)
{
    struct world w;
    world_init(&w);
    w.first_ref = write_chunk(&w, 1, 100);
    AUTO(arena_fini) struct arena a;
    AUTO(ooo_log_fini) struct ooo_log l = OOO_LOG_INIT;
    arena_init(&a, 0);
    ooo_log_put(&l, 1, (struct sample){100, 1});
    ooo_log_put(&l, 1, (struct sample){90, 2});
    ooo_log_put(&l, 1, (struct sample){95, 3});
    size_t n;
    const struct str *records = ooo_log_records(&l, &a, &n);
    struct ooo_replay r = replay_of(&w);
    r.capacity = 1;
    for (size_t i = 0; i < n; i++)
        CK_OK(ooo_replay_record(&r, records[i]));
    ck_assert_uint_eq(r.stored, 3);
    ck_assert_uint_eq(w.series[0].finished_count, 2); /* not another one at 100 */
    ck_assert(w.series[0].finished[0].mint_ms == 100 && w.series[0].finished[1].mint_ms == 90);
    world_fini(&w);
}
END_TEST

static const struct record_case {
    const char *name;
    struct str record;
    enum err_code code;
    uint64_t stored, unknown, other;
} record_cases[] = {
    {"no samples", STR_INIT("\2\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\5"), ERR_NONE, 0, 0, 0},
    {"one of nobody", STR_INIT("\2\0\0\0\0\0\0\0\7\0\0\0\0\0\0\0\5\0\0\1\1\1\1\1\1\1\1"), ERR_NONE,
     0, 1, 0},
    {"samples cut off", STR_INIT("\2\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\5\0\0\1\1\1"), ERR_CORRUPT, 0,
     0, 0},
    {"no bases", STR_INIT("\2\0\0"), ERR_CORRUPT, 0, 0, 0},
    {"no markers", STR_INIT("\5"), ERR_NONE, 0, 0, 0},
    {"half a marker", STR_INIT("\5\0\0\0\0\0\0\0\1"), ERR_CORRUPT, 0, 0, 0},
    {"a byte too many", STR_INIT("\5\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\1"), ERR_CORRUPT, 0, 0, 0},
    {"an empty record", STR_INIT(""), ERR_NONE, 0, 0, 1},
    {"series", STR_INIT("\1"), ERR_NONE, 0, 0, 1},
    {"a later type", STR_INIT("\77abc"), ERR_NONE, 0, 0, 1},
};

START_TEST(test_records)
{
    const struct record_case *c = &record_cases[_i];
    struct world w;
    world_init(&w);
    struct ooo_replay r = replay_of(&w);
    struct err e = ooo_replay_record(&r, c->record);
    ROW_ASSERT(c->name, e.code == c->code);
    err_drop(e);
    ROW_ASSERT(c->name, r.stored == c->stored && r.unknown_samples == c->unknown);
    ROW_ASSERT(c->name, r.other_records == c->other);
    world_fini(&w);
}
END_TEST

/* A torn log is cut, and what stood before the tear is there. */
START_TEST(test_torn)
{
    AUTO(arena_fini) struct arena a;
    AUTO(buf_fini) struct buf dir = BUF_INIT, path = BUF_INIT;
    struct world w;
    world_init(&w);
    arena_init(&a, 0);
    buf_printf(&dir, "%s/wbl", test_dir());
    struct ooo_replay r = replay_of(&w);
    struct err lost = ERR_CODE(ERR_IO);
    CK_OK(ooo_replay_dir(&r, fs_posix(), buf_cstr(&dir), &lost)); /* there is none yet */
    CK_OK(lost);

    struct wal_opts opts = wal_test_opts(fs_posix(), buf_cstr(&dir));
    AUTO(wal_close) struct wal *log = wal_test_open(&opts);
    for (int i = 0; i < 3; i++) {
        AUTO(ooo_log_fini) struct ooo_log l = OOO_LOG_INIT;
        size_t n;
        wal_ticket ticket;
        ooo_log_put(&l, 1, (struct sample){100 - i, 1});
        const struct str *records = ooo_log_records(&l, &a, &n);
        CK_OK(wal_enqueue(log, records, n, &ticket));
        CK_OK(wal_wait(log, ticket));
    }
    AUTO(file_close) struct file *f = NULL;
    uint64_t size;
    buf_printf(&path, "%s/00000000", buf_cstr(&dir));
    CK_OK(fs_open(fs_posix(), buf_cstr(&path), FS_WRITE_KEEP, &f));
    CK_OK(file_size(f, &size));
    CK_OK(file_truncate(f, size - 3));
    CK_OK(ooo_replay_dir(&r, fs_posix(), buf_cstr(&dir), &lost));
    ck_assert_int_eq(lost.code, ERR_CORRUPT);
    err_drop(lost);
    ck_assert_uint_eq(r.stored, 2);
    CK_OK(ooo_replay_dir(&r, fs_posix(), buf_cstr(&dir), &lost)); /* the cut holds */
    CK_OK(lost);
    ck_assert_uint_eq(r.repeated, 2);
    world_fini(&w);
}
END_TEST

/* Histograms of the log go into open chunks, but for those that no chunk can hold. */
static const struct histogram_case {
    const char *name, *value;
    bool kept;
    int32_t schema; /* that it is kept with */
} histogram_cases[] = {
    {"integer", "i s=1 zc=2 n=2 sum=1", true, 1},
    {"float", "f s=-4 zc=2 n=2 sum=1 p=0:1", true, -4},
    {"custom buckets", "i s=-53 n=1 sum=1 b=1 p=0:1", true, -53},
    {"a reserved schema", "i s=10 n=3 sum=1 p=0:1,2", true, 8},
    {"a schema of a later version", "i s=53 n=3 sum=1 p=0:1,2", false, 0},
    {"one that may be read but not stored", "i s=-6 n=3 sum=1 p=0:1,2", false, 0},
    {"buckets without a span", "i s=1 n=3 sum=1 p=0:1 p+=2", false, 0},
    {"a count that is not that of its buckets", "i s=1 n=4 sum=1 p=0:1,2", false, 0},
    {"a stale marker counts nothing", "i s=1 n=4 sum=stale p=0:1,2", true, 1},
};

START_TEST(test_histograms)
{
    const struct histogram_case *c = &histogram_cases[_i];
    AUTO(arena_fini) struct arena a;
    AUTO(ooo_log_fini) struct ooo_log l = OOO_LOG_INIT;
    struct world w;
    size_t n;
    world_init(&w);
    arena_init(&a, 0);
    struct histogram h = kit_parse(c->value, &a);
    if (strstr(c->value, "stale"))
        h.sum = STALE_NAN_BITS;
    ooo_log_put_histogram(&l, 1, 100, &h);
    const struct str *records = ooo_log_records(&l, &a, &n);
    struct ooo_replay r = replay_of(&w);
    ck_assert_uint_eq(n, 1);
    CK_OK(ooo_replay_record(&r, records[0]));
    CK_OK(ooo_replay_record(&r, records[0]));
    ROW_ASSERT(c->name, r.stored == c->kept && r.repeated == c->kept);
    ROW_ASSERT(c->name, r.refused == (c->kept ? 0 : 2));
    const struct ooo_chunk *open = &w.series[0].open;
    ROW_ASSERT(c->name, open->count == c->kept);
    ROW_ASSERT(c->name, !c->kept || open->histograms[0]->schema == c->schema);
    ROW_ASSERT(c->name, r.mint_ms == (c->kept ? 100 : INT64_MAX));
    ooo_series_seal(&w.series[0]); /* it can be encoded */
    ROW_ASSERT(c->name, w.series[0].finished_count == c->kept);
    world_fini(&w);
}
END_TEST

/* --- crashes ---------------------------------------------------------------------------------- */

enum { SAMPLES = 160, TIMES = 240 };

/* A run of appends: its records, which sample is in which, and the chunks that were written. */
struct run {
    struct world world;
    struct arena arena, scratch;
    struct sample_columns columns; /* scratch */
    bool disk_fails;               /* now and then */
    VEC(struct str) records;
    VEC(size_t) records_before;              /* chunk i was written when there were so many */
    VEC(struct head_chunk_info) written;
    size_t logged_in[SERIES][TIMES];         /* 1 + the record that has the sample; 0: none */
};

/* Writes what is unwritten; the disk may be full in every eighth case. */
static void
run_write(struct run *run, uint64_t series_ref, struct rand_gen *g)
{
    struct ooo_series *o = &run->world.series[series_ref - 1];
    struct head_chunk_info info = {.series_ref = series_ref, .out_of_order = true};
    while (ooo_series_unwritten(o, &info.chunk) && !(run->disk_fails && rand_below(g, 8) == 0)) {
        CK_OK(head_chunks_write_late(run->world.chunks, series_ref, &info.chunk, &info.ref));
        CK_OK(head_chunks_flush(run->world.chunks));
        ooo_series_set_mapped(o, info.ref);
        info.chunk.data = head_chunks_data(run->world.chunks, info.ref);
        vec_push(&run->written, info);
        vec_push(&run->records_before, run->records.n);
    }
}

static void
run_append(struct run *run, struct ooo_log *l, uint64_t series_ref, int64_t t, struct rand_gen *g)
{
    struct ooo_series *o = &run->world.series[series_ref - 1];
    if (o->open.count == CAPACITY) {
        ooo_series_seal(o);
        run_write(run, series_ref, g);
    }
    head_chunk_ref chunk;
    if (o->open.count == 0 && ooo_series_marker(o, &chunk) == OOO_MARKER)
        ooo_log_begin_chunk(l, series_ref, chunk);
    struct sample s = {t, (uint64_t)t};
    if (ooo_series_insert(o, CAPACITY, s) == OOO_STORED)
        ooo_log_put(l, series_ref, s);
}

/* Remembers where each sample stands. */
static void
run_log(struct run *run, struct ooo_log *l)
{
    size_t n;
    const struct str *records = ooo_log_records(l, &run->arena, &n);
    for (size_t i = 0; i < n; i++) {
        vec_push(&run->records, arena_str(&run->arena, records[i]));
        struct record_cursor c;
        uint64_t ref;
        struct sample s;
        if (record_type_of(records[i]) != RECORD_SAMPLES)
            continue;
        for (record_read_samples(&c, records[i]); record_next_sample(&c, &ref, &s);) {
            size_t *where = &run->logged_in[ref - 1][s.t_ms];
            *where = *where ? *where : run->records.n;
        }
    }
}

static void
run_make(struct run *run, int seed)
{
    *run = (struct run){.records = VEC_INIT, .written = VEC_INIT, .disk_fails = seed % 2 == 1};
    world_init(&run->world);
    arena_init(&run->arena, 0);
    arena_init(&run->scratch, 0);
    struct rand_gen g = rand_gen_of((uint64_t)seed);
    for (int left = SAMPLES; left > 0;) {
        AUTO(ooo_log_fini) struct ooo_log l = OOO_LOG_INIT;
        for (uint64_t batch = 1 + rand_below(&g, 20); batch > 0; batch--, left--)
            run_append(run, &l, 1 + rand_below(&g, SERIES), (int64_t)rand_below(&g, TIMES), &g);
        run_log(run, &l);
    }
}

static void
run_fini(struct run *run)
{
    vec_fini(&run->records);
    vec_fini(&run->records_before);
    vec_fini(&run->written);
    arena_fini(&run->arena);
    arena_fini(&run->scratch);
    sample_columns_fini(&run->columns);
    world_fini(&run->world);
}

static void
mark_seen(struct run *run, const struct ooo_series *o, bool seen[TIMES])
{
    struct sample_columns *samples = &run->columns;
    struct ooo_range all = {.mint_ms = INT64_MIN, .maxt_ms = INT64_MAX};
    struct chunk_views views = VEC_INIT;
    samples->n = 0;
    arena_reset(&run->scratch);
    ooo_series_collect(o, run->world.chunks, &all, &run->scratch, &views);
    vec_each (&views, v)
        CK_OK(chunk_decode_floats(v, INT64_MIN, INT64_MAX, samples));
    vec_fini(&views);
    for (size_t i = 0; i < samples->n; i++) {
        if (samples->bits[i] != (uint64_t)samples->t_ms[i]) /* a ck_assert is a system call */
            ck_abort_msg("another value at %jd", (intmax_t)samples->t_ms[i]);
        seen[samples->t_ms[i]] = true;
    }
}

/* A start with the first records and the first chunks: every sample of those is there. */
static void
check_crash(struct run *run, size_t records, size_t chunks, size_t *ret_in_memory)
{
    struct world after = {.chunks = run->world.chunks};
    for (size_t i = 0; i < chunks; i++) {
        const struct head_chunk_info *info = &run->written.v[i];
        ooo_series_add_mapped(&after.series[info->series_ref - 1], info);
        after.first_ref = after.first_ref ? after.first_ref : info->ref;
    }
    struct ooo_replay r = replay_of(&after);
    for (size_t i = 0; i < records; i++)
        CK_OK(ooo_replay_record(&r, run->records.v[i]));
    *ret_in_memory = 0;
    for (size_t i = 0; i < SERIES; i++) {
        struct ooo_series *o = &after.series[i];
        bool seen[TIMES] = {false};
        ck_assert(ooo_series_check(o));
        mark_seen(run, o, seen);
        for (size_t t = 0; t < TIMES; t++) {
            size_t where = run->logged_in[i][t];
            if (!seen[t] && where != 0 && where <= records)
                ck_abort_msg("series %zu lost %zu of record %zu after %zu records, %zu chunks",
                             i + 1, t, where, records, chunks);
        }
        *ret_in_memory += o->open.count;
        for (size_t j = 0; j < o->finished_count; j++)
            *ret_in_memory += o->finished[j].mapped ? 0 : CAPACITY;
        ooo_series_fini(o);
    }
}

/* A process that dies leaves all chunks that it wrote; a power cut any first part of them. */
START_TEST(test_crashes)
{
    struct run run;
    run_make(&run, _i);
    size_t in_memory;
    for (size_t records = 0; records <= run.records.n; records++) {
        size_t chunks = 0; /* that were written by then */
        while (chunks < run.written.n && run.records_before.v[chunks] <= records)
            chunks++;
        check_crash(&run, records, chunks, &in_memory);
        check_crash(&run, records, chunks / 2, &in_memory);
        check_crash(&run, records, 0, &in_memory);
    }
    for (size_t chunks = 0; chunks <= run.written.n; chunks++)
        check_crash(&run, run.records.n, chunks, &in_memory);
    ck_assert_uint_gt(run.written.n, 2 * SERIES);

    size_t open = 0; /* with everything on disk nothing else comes back */
    for (size_t i = 0; i < SERIES; i++)
        open += run.world.series[i].open.count;
    ck_assert(run.disk_fails || in_memory == open);
    run_fini(&run);
}
END_TEST

Suite *
ooo_replay_suite(void)
{
    Suite *s = suite_create("ooo_replay");
    TCase *t = tcase_create("ooo_replay");
    tcase_add_loop_test(t, test_markers, 0, ARRAY_LEN(marker_cases));
    tcase_add_test(t, test_no_chunks);
    tcase_add_loop_test(t, test_records, 0, ARRAY_LEN(record_cases));
    tcase_add_loop_test(t, test_histograms, 0, ARRAY_LEN(histogram_cases));
    tcase_add_test(t, test_lost_marker);
    tcase_add_test(t, test_torn);
    tcase_add_loop_test(t, test_crashes, 0, 6);
    suite_add_tcase(s, t);
    return s;
}
