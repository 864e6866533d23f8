/* What is acknowledged stays, and stays with its series, when several things go wrong one after
 * the other: ends, faults, and directories that somebody else has written. */
#include "tests/tsdb/head_kit.h"

#include <errno.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/fs_fault.h"
#include "base/mem.h"
#include "base/rand.h"
#include "tsdb/chunk/xor.h"
#include "tsdb/head/head_chunks.h"
#include "tsdb/wal/record.h"

static const int64_t t0 = INT64_C(1700000000000) / 7200000 * 7200000;

/* A series that a killed process left in the kernel only: what is stored in it later, and is on
 * the disk, must not hang in the air after a power cut. */
START_TEST(test_replayed_series_is_synced)
{
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    struct db_opts opts = kit_opts(fs, test_dir());
    struct db *db = kit_open(&opts); /* WAL_SYNC_NONE */
    kit_put(db, "__name__=a", t0, 1);
    db_close(db);
    opts.wal_sync = WAL_SYNC_BATCH;
    db = kit_open(&opts);
    kit_put(db, "__name__=a", t0 + 1, 2);
    db_close(db);
    CK_OK(fs_fault_power_cut(fs));
    db = kit_open(&opts);
    kit_assert_dump(db, "a: 1699999200000=1 1699999200001=2; ");
    db_close(db);
}
END_TEST

/* The open chunk grows by more than one size of buffer at once. Found by test_model. */
START_TEST(test_large_samples)
{
    static const struct sample samples[] = {
        {-1125899714525164, 0},
        {-1125899714499667, NORMAL_NAN_BITS},
        {-1125899714474170, UINT64_C(0x4033000000000000)},
        {-1125899714432406, UINT64_C(0xfff0000000000000)},
        {-1125899713792305, UINT64_C(0x15e7edc06e6fa8b8)},
        {-1125899713732683, UINT64_C(0x831da2f2a9a96dc1)},
    };
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    struct db *db = kit_open(&opts);
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        struct kit_request k;
        kit_request_init(&k);
        kit_row(&k, "__name__=a");
        kit_sample(&k, samples[i].t_ms, f64_of_bits(samples[i].bits));
        struct append_result r;
        CK_OK(kit_append(&k, db, &r));
        ck_assert_uint_eq(r.fates[SAMPLE_STORED], 1);
        kit_request_fini(&k);
        CK_OK(db_check(db));
    }
    db_close(db);
}
END_TEST

static void
remove_log(const char *dir)
{
    char path[512];
    snprintf(path, sizeof path, "%s/wal", dir);
    CK_OK(fs_remove_tree(fs_posix(), path));
}

/* The log is gone, the chunks are not: they belong to nobody, above all not to a new series. */
START_TEST(test_number_of_lost_series)
{
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    struct db *db = kit_open(&opts);
    for (int i = 0; i < 300; i++)
        kit_put(db, "__name__=a", t0 + i * 1000, i);
    CK_OK(db_maintain(db));
    db_close(db);
    remove_log(opts.dir);
    for (int i = 0; i < 3; i++) {
        db = kit_open(&opts);
        if (i == 0)
            kit_put(db, "__name__=b", t0, 5);
        kit_assert_dump(db, "b: 1699999200000=5; ");
        db_close(db);
    }
}
END_TEST

/* A record above the log's limit: its series do not exist, and nothing is acknowledged in their
 * name that the log could not explain. */
START_TEST(test_refused_birth)
{
    enum { BIG_LABELS = 66, BIG_BYTES = 1 << 20 };
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    struct db *db = kit_open(&opts);
    struct kit_request k;
    kit_request_init(&k);
    kit_row(&k, "__name__=a");
    kit_sample(&k, t0, 1);
    char names[BIG_LABELS][8];
    struct label v[BIG_LABELS];
    char *value = mem_alloc(BIG_BYTES);
    memset(value, 'x', BIG_BYTES);
    for (int i = 0; i < BIG_LABELS; i++) {
        snprintf(names[i], sizeof names[i], "n%02d", i);
        v[i] = (struct label){str_of_cstr(names[i]), str_of(value, BIG_BYTES)};
    }
    AUTO(buf_fini) struct buf key = BUF_INIT;
    label_key_encode((struct labels){v, BIG_LABELS}, &key);
    kit_row_raw(&k, buf_str(&key));
    kit_sample(&k, t0, 1);
    struct append_result result;
    CK_ERR(ERR_TOO_LARGE, kit_append(&k, db, &result));
    kit_request_fini(&k);
    mem_free(value);
    struct db_stats stats;
    db_stats(db, &stats);
    ck_assert(stats.writable);
    ck_assert_uint_eq(stats.series, 0);

    kit_put(db, "__name__=a", t0, 2);
    db_close(db);
    db = kit_open(&opts);
    kit_assert_dump(db, "a: 1699999200000=2; ");
    db_close(db);
}
END_TEST

/* --- chunks_head ------------------------------------------------------------------------------ */

enum { MANY_SERIES = 600, MANY_SAMPLES = 250 };

/* More finished chunks than head_chunks_write() buffers. */
static void
put_many(struct db *db)
{
    struct rand_gen g = rand_gen_of(1);
    struct kit_request k;
    kit_request_init(&k);
    for (int i = 0; i < MANY_SERIES; i++) {
        char labels[32];
        snprintf(labels, sizeof labels, "__name__=a,i=%d", i);
        kit_row(&k, labels);
        for (int j = 0; j < MANY_SAMPLES; j++) {
            struct sample s = {t0 + j * 15000, rand_u64(&g)};
            vec_push(&k.samples, s);
            vec_last(&k.rows)->sample_count++;
        }
    }
    struct append_result r;
    CK_OK(kit_append(&k, db, &r));
    kit_request_fini(&k);
}

/* Some chunks of a pass were written when it failed: they are not written again. */
START_TEST(test_half_mapped)
{
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    struct db_opts opts = kit_opts(fs, test_dir());
    struct db *db = kit_open(&opts);
    put_many(db);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    const char *before = kit_dump(&a, db);
    struct fs_fault_opts fault = {.fail_call = 2, .torn_bytes = 5000, .calls = FS_FAULT_WRITE,
                                  .errnum = ENOSPC};
    fs_fault_arm(fs, &fault);
    CK_ERR(ERR_NO_SPACE, db_maintain(db));
    fs_fault_heal(fs);
    struct db_stats stats;
    db_stats(db, &stats);
    ck_assert_uint_gt(stats.chunks_mapped, 0);
    CK_OK(db_maintain(db));
    kit_assert_dump(db, before);
    db_close(db);
    db = kit_open(&opts);
    kit_assert_dump(db, before);
    db_stats(db, &stats);
    ck_assert_uint_gt(stats.head_chunks_bytes, 1 << 20); /* kept, not rebuilt from the log */
    db_close(db);
}
END_TEST

/* More finished chunks than a replay holds in memory, and no room on the disk for any. */
START_TEST(test_replay_on_full_disk)
{
    enum { CHUNKS = 17000, SPAN_MS = 7200000 };
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    struct db_opts opts = kit_opts(fs, test_dir());
    struct db *db = kit_open(&opts);
    struct kit_request k;
    kit_request_init(&k);
    kit_row(&k, "__name__=a");
    for (int64_t i = 0; i < CHUNKS; i++)
        kit_sample(&k, t0 + i * SPAN_MS, 1);
    struct append_result r;
    CK_OK(kit_append(&k, db, &r));
    ck_assert_uint_eq(r.fates[SAMPLE_STORED], CHUNKS);
    kit_request_fini(&k);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    const char *before = kit_dump(&a, db);
    db_close(db);
    fs_fault_break(fs, FS_FAULT_WRITE, ENOSPC);
    db = kit_open(&opts);
    ck_assert(strcmp(kit_dump(&a, db), before) == 0);
    fs_fault_heal(fs);
    db_close(db);
}
END_TEST

/* The last finished chunk cannot be written: the log is synced all the same. */
START_TEST(test_finish_without_room)
{
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    struct db_opts opts = kit_opts(fs, test_dir());
    struct db *db = kit_open(&opts);
    for (int i = 0; i < 300; i++)
        kit_put(db, "__name__=a", t0 + i * 1000, i);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    const char *before = kit_dump(&a, db);
    struct fs_fault_opts fault = {.fail_call = 1, .calls = FS_FAULT_WRITE, .errnum = ENOSPC};
    fs_fault_arm(fs, &fault);
    CK_ERR(ERR_NO_SPACE, db_finish(db));
    db_close(db);
    CK_OK(fs_fault_power_cut(fs));
    db = kit_open(&opts);
    ck_assert(strcmp(kit_dump(&a, db), before) == 0); /* too long a text for check */
    db_close(db);
}
END_TEST

static struct err
keep_nothing(void *arg, const struct head_chunk_info *info)
{
    (void)arg, (void)info;
    return OK;
}

/* Adds a chunk as it is to the folder of a database that is closed. */
static void
plant_chunk(const char *dir, uint64_t ref, const struct chunk_view *chunk)
{
    char path[512];
    snprintf(path, sizeof path, "%s/chunks_head", dir);
    struct err lost = OK;
    AUTO(head_chunks_close) struct head_chunks *h = NULL;
    CK_OK(head_chunks_open(fs_posix(), path, keep_nothing, NULL, &lost, &h));
    ck_assert_int_eq(lost.code, ERR_NONE);
    head_chunk_ref at;
    CK_OK(head_chunks_write(h, ref, chunk, &at));
    CK_OK(head_chunks_finish(h));
}

/* One sample. */
static struct chunk_view
tiny_chunk(uint8_t *bytes, int64_t t_ms, double value)
{
    struct xor_appender x;
    xor_init(&x);
    xor_append(&x, bytes, t_ms, bits_of_f64(value));
    size_t n = xor_seal(&x, bytes);
    return (struct chunk_view){t_ms, t_ms, CHUNK_XOR, str_of((const char *)bytes, n)};
}

enum { ODD_BYTES = 1 << 16 };
static const struct odd_chunk_case {
    const char *name;
    uint64_t ref;
    int64_t t_ms; /* since t0 */
    size_t bytes; /* 0: those of a sound chunk */
} odd_chunk_cases[] = {
    {"before the last one", 1, 500, 0},
    {"inside the last one", 1, 200 * 1000, 0},
    {"of nobody", 77, 0, 0},
    {"of an impossible number", UINT64_MAX, 0, 0},
    {"longer than any chunk of a head", 1, 3600 * 1000, ODD_BYTES},
    {"no chunk at all", 77, 3600 * 1000, 3},
};

/* Chunks that this program would not have written, before series 1 goes on. */
START_TEST(test_odd_chunks)
{
    const struct odd_chunk_case *c = &odd_chunk_cases[_i];
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    struct db *db = kit_open(&opts);
    for (int i = 0; i < 300; i++)
        kit_put(db, "__name__=a", t0 + i * 1000, i);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    const char *before = kit_dump(&a, db);
    CK_OK(db_finish(db));
    db_close(db);

    uint8_t *bytes = mem_alloc_zero(ODD_BYTES);
    struct chunk_view odd = tiny_chunk(bytes, t0 + c->t_ms, 999);
    odd.data.n = c->bytes ? c->bytes : odd.data.n;
    plant_chunk(opts.dir, c->ref, &odd);
    mem_free(bytes);
    for (int again = 0; again < 2; again++) {
        db = kit_open(&opts);
        ROW_ASSERT(c->name, strcmp(kit_dump(&a, db), before) == 0);
        kit_put(db, again ? "__name__=other2" : "__name__=other", t0, 1);
        db_close(db);
        db = kit_open(&opts);
        before = kit_dump(&a, db);
        db_close(db);
    }
}
END_TEST

static void
log_record(struct wal *w, const struct buf *record)
{
    wal_ticket ticket;
    CK_OK(wal_enqueue(w, &(struct str){record->p, record->n}, 1, &ticket));
    CK_OK(wal_wait(w, ticket));
}

static void
log_series(struct wal *w, uint64_t ref)
{
    static const struct label name = {STR_INIT("__name__"), STR_INIT("a")};
    AUTO(buf_fini) struct buf record = BUF_INIT;
    record_begin_series(&record);
    record_put_series(&record, ref, (struct labels){&name, 1});
    log_record(w, &record);
}

/* As Prometheus leaves it when a series is collected and comes back under another number: the
 * chunks of the new number take the place of all that the old one had, finished or not. */
START_TEST(test_second_number)
{
    enum { SAMPLES = 700 };
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    char dir[512];
    snprintf(dir, sizeof dir, "%s/wal", opts.dir);
    struct wal_opts wal = {.fs = fs_posix(), .dir = dir, .segment_bytes = WAL_PAGE_BYTES};
    struct wal *w = NULL;
    CK_OK(wal_open(&wal, &w));
    log_series(w, 1);
    AUTO(buf_fini) struct buf record = BUF_INIT;
    struct record_samples_writer writer;
    record_begin_samples(&writer, &record, 1, t0, SAMPLES);
    for (int i = 0; i < SAMPLES; i++)
        record_put_sample(&writer, 1, t0 + i * 1000, bits_of_f64(i));
    log_record(w, &record);
    log_series(w, 9);
    CK_OK(wal_finish(w));
    wal_close(w);
    uint8_t bytes[128];
    struct chunk_view chunk = tiny_chunk(bytes, t0 + SAMPLES * 1000, 5);
    plant_chunk(opts.dir, 9, &chunk);

    for (int again = 0; again < 2; again++) {
        struct db *db = kit_open(&opts);
        CK_OK(db_maintain(db));
        kit_assert_dump(db, "a: 1699999900000=5; ");
        db_close(db);
    }
}
END_TEST

/* A log of which a segment is gone is refused, and not cut to nothing: with the segment back in its
 * place all is there. */
START_TEST(test_missing_segment)
{
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    for (int i = 0; i < 3; i++) { /* a segment each */
        struct db *db = kit_open(&opts);
        kit_put(db, "__name__=a", t0 + i, i);
        db_close(db);
    }
    char path[512], away[512];
    snprintf(path, sizeof path, "%s/wal/00000001", opts.dir);
    snprintf(away, sizeof away, "%s/away", opts.dir);
    CK_OK(fs_rename(fs_posix(), path, away));
    struct db *db = NULL;
    CK_ERR(ERR_CORRUPT, db_open(&opts, &db));
    ck_assert_ptr_null(db);
    CK_OK(fs_rename(fs_posix(), away, path));
    db = kit_open(&opts);
    kit_assert_dump(db, "a: 1699999200000=0 1699999200001=1 1699999200002=2; ");
    db_close(db);
}
END_TEST

/* --- a number that a snapshot does not name --------------------------------------------------- */

enum { HOUR_MS = 3600 * 1000 };

/* So many samples of "b" that the log before them is in the first two thirds of its segments. */
static void
put_segments(struct db *db, int64_t from_ms, int64_t to_ms)
{
    enum { REQUESTS = 12, SAMPLES = 800 };
    for (int i = 0; i < REQUESTS; i++) {
        struct kit_request k;
        struct append_result r;
        kit_request_init(&k);
        kit_row(&k, "__name__=b");
        for (int j = 1; j <= SAMPLES; j++)
            kit_sample(&k, from_ms + (to_ms - from_ms) * (i * SAMPLES + j) / (REQUESTS * SAMPLES),
                       j * 0.37);
        CK_OK(kit_append(&k, db, &r));
        ck_assert_uint_eq(r.fates[SAMPLE_STORED], SAMPLES);
        kit_request_fini(&k);
    }
}

/* The log has samples of "a" under a second number, for it was born again; the series goes on
 * under the first. A start from a snapshot learns only that one, and then a checkpoint replaces
 * the log: the samples are newer than its blocks, and nobody but the checkpoint has them. */
START_TEST(test_number_before_snapshot)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    opts.wal_segment_bytes = WAL_PAGE_BYTES;
    opts.snapshot_on_finish = true;
    struct db *db = kit_open(&opts);
    kit_put(db, "__name__=a", t0, 1);
    for (int half = 0; half <= 8; half++)
        kit_put(db, "__name__=b", t0 + half * (HOUR_MS / 2), half);
    CK_OK(db_maintain(db));
    ck_assert_uint_eq(kit_stats(db).series, 1);
    kit_put(db, "__name__=a", t0 + 4 * HOUR_MS + 1, 22);
    db_close(db); /* killed */
    db = kit_open(&opts);
    ck_assert_uint_eq(kit_stats(db).series, 2);
    CK_OK(db_finish(db));
    db_close(db);

    db = kit_open(&opts);
    put_segments(db, t0 + 4 * HOUR_MS, t0 + 11 * HOUR_MS / 2);
    uint64_t checkpoints = kit_stats(db).events[DB_CHECKPOINTS];
    CK_OK(db_maintain(db));
    ck_assert_uint_eq(kit_stats(db).events[DB_CHECKPOINTS], checkpoints + 1);
    const char *want = kit_checked_dump(&a, db);
    ck_assert_ptr_nonnull(strstr(want, "=22"));
    db_close(db); /* killed */
    db = kit_open(&opts);
    kit_assert_dump(db, want);
    db_close(db);
}
END_TEST

Suite *
head_durability_suite(void)
{
    Suite *s = suite_create("head_durability");
    TCase *t = tcase_create("head_durability");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_replayed_series_is_synced);
    tcase_add_test(t, test_large_samples);
    tcase_add_test(t, test_number_of_lost_series);
    tcase_add_test(t, test_refused_birth);
    tcase_add_test(t, test_half_mapped);
    tcase_add_test(t, test_replay_on_full_disk);
    tcase_add_test(t, test_finish_without_room);
    tcase_add_loop_test(t, test_odd_chunks, 0, ARRAY_LEN(odd_chunk_cases));
    tcase_add_test(t, test_second_number);
    tcase_add_test(t, test_number_before_snapshot);
    tcase_add_test(t, test_missing_segment);
    suite_add_tcase(s, t);
    return s;
}
