/* A clean stop with a snapshot, and every kind of start behind it: the same as without one. */
#include "tests/tsdb/head_kit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fs_fault.h"
#include "base/mem.h"
#include "base/rand.h"
#include "tests/tsdb/golden.h"
#include "tsdb/head/exemplars.h"
#include "tsdb/head/head.h"
#include "tsdb/head/metadata_store.h"
#include "tsdb/head/snapshot.h"
#include "tsdb/wal/wal_reader.h"

static const int64_t t0 = INT64_C(1700000000000) / 7200000 * 7200000;
enum { MINUTE_MS = 60000, SERIES = 60 };

/* test_dir() has one buffer. */
static const char *
new_dir(void)
{
    static char dirs[4][256];
    static unsigned next;
    char *dir = dirs[next++ % ARRAY_LEN(dirs)];
    snprintf(dir, sizeof dirs[0], "%s", test_dir());
    return dir;
}

static struct db_opts
opts_of(struct fs *fs, const char *dir)
{
    struct db_opts opts = kit_opts(fs, dir);
    opts.snapshot_on_finish = true;
    opts.exemplars_max = 100;
    return opts;
}

static void
stop(struct db *db)
{
    CK_OK(db_finish(db));
    db_close(db);
}

/* The path of the only snapshot, or false. */
static bool
find(const char *dir, struct buf *ret_path, struct snapshot_pos *ret_pos)
{
    AUTO(mem_free) char *wal = fs_path_below(dir, STR("wal"));
    bool none;
    buf_clear(ret_path);
    CK_OK(snapshot_find(fs_posix(), dir, wal, ret_path, ret_pos, &none));
    return !none;
}

static bool
has_snapshot(const char *dir)
{
    AUTO(buf_fini) struct buf path = BUF_INIT;
    struct snapshot_pos pos;
    return find(dir, &path, &pos);
}

/* Deletes the log before the snapshot: who still has everything did not read it. */
static void
remove_log_before(const char *dir)
{
    AUTO(buf_fini) struct buf path = BUF_INIT;
    AUTO(mem_free) char *wal = fs_path_below(dir, STR("wal"));
    struct snapshot_pos pos;
    ck_assert(find(dir, &path, &pos));
    uint64_t first, last, checkpoint;
    bool none;
    buf_clear(&path);
    CK_OK(wal_last_checkpoint(fs_posix(), wal, &path, &checkpoint, &none));
    if (!none)
        CK_OK(fs_remove_tree(fs_posix(), buf_cstr(&path)));
    CK_OK(wal_segments(fs_posix(), wal, &first, &last, &none));
    for (uint64_t segment = first; segment < pos.segment; segment++) {
        buf_clear(&path);
        buf_printf(&path, "%s/%08ju", wal, (uintmax_t)segment);
        CK_OK(fs_remove_file(fs_posix(), buf_cstr(&path)));
    }
}

/* Requests that depend on the seed alone: series begin now and then, some pause. */
static void
write_round(struct db *db, uint64_t seed, int round, int minutes)
{
    struct rand_gen g = rand_gen_of(seed * 100 + (uint64_t)round);
    for (int minute = 0; minute < minutes; minute++) {
        struct kit_request k;
        kit_request_init(&k);
        for (int i = 0; i < SERIES; i++) {
            char labels[64];
            snprintf(labels, sizeof labels, "__name__=m%d,i=%d", i % 7, i);
            if (i > SERIES / 2 + 10 * round || rand_below(&g, 10) == 0)
                continue;
            kit_row(&k, labels);
            kit_sample(&k, t0 + (round * minutes + minute) * MINUTE_MS + i,
                       (double)rand_below(&g, 1000) / 8);
        }
        struct append_result r;
        CK_OK(kit_append(&k, db, &r));
        ck_assert_uint_eq(r.fates[SAMPLE_STORED], k.samples.n);
        kit_request_fini(&k);
    }
}

static void
assert_same(struct db *got, struct db *want, const char *when)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    CK_OK(db_check(got));
    struct db_stats x, y;
    db_stats(got, &x);
    db_stats(want, &y);
    ROW_ASSERT(when, x.series == y.series && x.head_mint_ms == y.head_mint_ms &&
                         x.head_maxt_ms == y.head_maxt_ms && x.min_valid_ms == y.min_valid_ms &&
                         x.blocks == y.blocks);
    struct str dump = str_of_cstr(kit_dump(&a, got));
    ROW_ASSERT(when, str_eq(dump, str_of_cstr(kit_dump(&a, want))));
}

/* --- restarts --------------------------------------------------------------------------------- */

enum end { END_STOP, END_KILL, END_STOP_AND_LOSE_LOG };
static const struct restart_case {
    const char *name;
    enum wal_compression compression;
    enum end ends[5]; /* of each round */
    bool maintain;
} restart_cases[] = {
    {"stops", WAL_SNAPPY, {END_STOP, END_STOP, END_STOP, END_STOP, END_STOP}, true},
    {"stops, mapped at the end", WAL_PLAIN, {END_STOP, END_STOP, END_STOP, END_STOP}, false},
    {"kills behind a snapshot", WAL_PLAIN,
     {END_STOP, END_KILL, END_KILL, END_STOP, END_KILL}, true},
    {"kills, nothing mapped", WAL_SNAPPY, {END_STOP, END_KILL, END_KILL, END_KILL}, false},
    {"without the log", WAL_SNAPPY, {END_STOP_AND_LOSE_LOG, END_STOP_AND_LOSE_LOG, END_KILL,
                                     END_STOP_AND_LOSE_LOG, END_KILL}, true},
};

static void
end(struct db *db, const char *dir, enum end how)
{
    if (how != END_KILL)
        CK_OK(db_finish(db));
    db_close(db);
    if (how == END_STOP_AND_LOSE_LOG)
        remove_log_before(dir);
}

/* 100 minutes a round: chunks end by their samples and at the hours of blocks, and are cut. */
START_TEST(test_restarts)
{
    const struct restart_case *c = &restart_cases[_i];
    const char *dir = new_dir(), *plain = new_dir();
    struct db_opts opts = opts_of(fs_posix(), dir), without = kit_opts(fs_posix(), plain);
    opts.wal_compression = c->compression;
    struct db *db = kit_open(&opts), *want = kit_open(&without);
    for (int round = 0; round < 5; round++) {
        write_round(db, 7, round, 100);
        write_round(want, 7, round, 100);
        for (int i = 0; c->maintain && i < 3; i++) {
            CK_OK(db_maintain(db));
            CK_OK(db_maintain(want));
        }
        assert_same(db, want, c->name);
        end(db, dir, c->ends[round]);
        if (c->ends[round] != END_KILL)
            ROW_ASSERT(c->name, has_snapshot(dir));
        db = kit_open(&opts);
        stop(want);
        want = kit_open(&without);
        assert_same(db, want, c->name);
    }
    ROW_ASSERT(c->name, !has_snapshot(plain));
    stop(db);
    stop(want);
}
END_TEST

/* The chunks of the one series, times and bytes. In the arena. */
static const char *
chunks_of(struct arena *a, struct db *db)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    AUTO(series_set_close) struct series_set *set = NULL;
    struct matcher m;
    struct select_query q = {.mint_ms = INT64_MIN, .maxt_ms = INT64_MAX, .want = SELECT_CHUNKS};
    struct series_view series;
    bool more;
    CK_OK(matcher_make(a, MATCH_EQUAL, STR("__name__"), STR("a"), &m));
    CK_OK(db_select(db, &q, (struct matchers){&m, 1}, a, &set));
    CK_OK(series_set_next(set, &series, &more));
    ck_assert(more && series.chunk_count > 1);
    for (size_t i = 0; i < series.chunk_count; i++) {
        const struct chunk_view *c = &series.chunks[i];
        buf_printf(&text, "%jd-%jd ", (intmax_t)c->mint_ms, (intmax_t)c->maxt_ms);
        for (size_t k = 0; k < c->data.n; k++)
            buf_printf(&text, "%02x", (unsigned)(uint8_t)c->data.p[k]);
        buf_append(&text, STR("; "));
    }
    return arena_str(a, buf_str(&text)).p;
}

/* The open chunk goes on as if nothing had been: the same bytes, the same ends. */
START_TEST(test_open_chunk_goes_on)
{
    for (int before = 1; before < 130; before += 9) {
        struct db_opts opts = opts_of(fs_posix(), new_dir()), never;
        never = opts;
        never.dir = new_dir();
        struct db *db = kit_open(&opts), *want = kit_open(&never);
        for (int i = 0; i < 300; i++) {
            if (i == before) {
                stop(db);
                db = kit_open(&opts);
            }
            kit_put(db, "__name__=a", t0 + i * 20000, i * 0.3);
            kit_put(want, "__name__=a", t0 + i * 20000, i * 0.3);
        }
        AUTO(arena_fini) struct arena a;
        arena_init(&a, 0);
        ck_assert_str_eq(chunks_of(&a, db), chunks_of(&a, want));
        db_close(db);
        db_close(want);
    }
}
END_TEST

/* --- damage ----------------------------------------------------------------------------------- */

static void
damage_file(const char *path, uint64_t at_percent)
{
    AUTO(file_close) struct file *f = NULL;
    uint64_t bytes;
    char byte;
    size_t n;
    CK_OK(fs_open(fs_posix(), path, FS_WRITE_KEEP, &f));
    CK_OK(file_size(f, &bytes));
    uint64_t at = bytes * at_percent / 100;
    CK_OK(file_read_at(f, at, &byte, 1, &n));
    byte = (char)(byte ^ 16);
    CK_OK(file_write_at(f, at, (struct str){&byte, 1}));
}

static const struct damage_case {
    const char *name;
    const char *below; /* NULL: the snapshot's segment */
    int percent;       /* -1: the file is removed */
    bool kept;         /* nothing was wrong with the snapshot */
} damage_cases[] = {
    {"a byte in the middle", NULL, 20, false},
    {"a byte near its start", NULL, 5, false},
    {"its only segment is gone", NULL, -1, false},
    {"a mapped chunk", "chunks_head/000001", 50, false},
    {"the log that it stands for", "wal/00000000", 30, true},
};

START_TEST(test_damage)
{
    const struct damage_case *c = &damage_cases[_i];
    struct db_opts opts = opts_of(fs_posix(), new_dir());
    struct db_opts without = kit_opts(fs_posix(), new_dir());
    struct db *db = kit_open(&opts), *want = kit_open(&without);
    write_round(db, 3, 0, 150);
    write_round(want, 3, 0, 150);
    CK_OK(db_maintain(db));
    stop(db);
    AUTO(buf_fini) struct buf path = BUF_INIT;
    struct snapshot_pos pos;
    ROW_ASSERT(c->name, find(opts.dir, &path, &pos));
    if (c->below) {
        buf_clear(&path);
        buf_printf(&path, "%s/%s", opts.dir, c->below);
    } else {
        buf_append(&path, STR("/00000000"));
    }
    if (c->percent < 0)
        CK_OK(fs_remove_file(fs_posix(), buf_cstr(&path)));
    else
        damage_file(buf_cstr(&path), (uint64_t)c->percent);
    db = kit_open(&opts);
    ROW_ASSERT(c->name, has_snapshot(opts.dir) == c->kept);
    assert_same(db, want, c->name);
    stop(db);
    stop(want);
}
END_TEST

/* Whichever call of a stop fails, or is the last one: it is all there. */
static const struct stop_case {
    const char *name;
    enum fs_fault_mode mode;
    bool power_cut;
} stop_cases[] = {
    {"one failure", FS_FAULT_ONCE, false},
    {"the process dies", FS_FAULT_CRASH, false},
    {"power is cut", FS_FAULT_CRASH, true},
};

START_TEST(test_every_call_of_a_stop)
{
    const struct stop_case *c = &stop_cases[_i];
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    unsigned soft = 0;
    for (uint64_t call = 1;; call++) {
        struct db_opts opts = opts_of(fs, new_dir());
        opts.wal_sync = WAL_SYNC_BATCH;
        struct db *db = kit_open(&opts);
        for (int i = 0; i < 150; i++)
            kit_put(db, i % 3 ? "__name__=a" : "__name__=b", t0 + i * MINUTE_MS, i);
        const char *want = kit_dump(&a, db);
        struct fs_fault_opts fault = {
            .fail_call = call, .errnum = ENOSPC, .torn_bytes = call * 7, .mode = c->mode};
        fs_fault_arm(fs, &fault);
        struct err e = db_finish(db);
        bool fired = fs_fault_fired(fs);
        soft += fired && e.code == ERR_NONE;
        err_drop(e);
        db_close(db);
        fs_fault_heal(fs);
        if (c->power_cut)
            CK_OK(fs_fault_power_cut(fs));
        for (int i = 0; i < 2; i++) { /* the second behind what the first did */
            db = kit_open(&opts);
            ck_assert_str_eq(kit_dump(&a, db), want);
            db_close(db);
        }
        ROW_ASSERT(c->name, fired || has_snapshot(opts.dir));
        if (!fired)
            break;
        arena_reset(&a);
    }
    ROW_ASSERT(c->name, c->mode == FS_FAULT_CRASH || soft > 3);
}
END_TEST

/* --- what only the log says ------------------------------------------------------------------- */

/* The series with the highest number is gone when the snapshot is made. Its number must not be
 * given away: the log before the snapshot still says whose it was. */
START_TEST(test_number_of_gone_series)
{
    struct db_opts opts = opts_of(fs_posix(), new_dir());
    struct db *db = kit_open(&opts);
    kit_put(db, "__name__=a", t0, 1);
    kit_put(db, "__name__=gone", t0, 2);
    for (int hour = 1; hour < 8; hour++) {
        kit_put(db, "__name__=a", t0 + hour * 60 * MINUTE_MS, hour);
        CK_OK(db_maintain(db));
    }
    for (int i = 0; i < 3; i++)
        CK_OK(db_maintain(db));
    struct db_stats stats;
    db_stats(db, &stats);
    ck_assert(stats.series == 1 && stats.blocks > 0);
    stop(db);
    ck_assert(has_snapshot(opts.dir));
    db = kit_open(&opts);
    kit_put(db, "__name__=new", t0 + 480 * MINUTE_MS, 9);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    const char *want = kit_dump(&a, db);
    db_close(db);
    CK_OK(snapshot_delete_all(fs_posix(), opts.dir));
    db = kit_open(&opts);
    ck_assert_str_eq(kit_dump(&a, db), want);
    stop(db);
}
END_TEST

START_TEST(test_exemplars)
{
    struct db_opts opts = opts_of(fs_posix(), new_dir());
    struct db *db = kit_open(&opts);
    kit_put(db, "__name__=a", t0, 1);
    stop(db);
    struct head *h = NULL;
    CK_OK(head_open(&opts, INT64_MIN, &h));
    struct label name = {STR("__name__"), STR("a")}, trace = {STR("trace"), STR("x")};
    struct labels series = {&name, 1};
    for (int i = 0; i < 3; i++) {
        struct exemplar e = {.labels = {&trace, 1}, .t_ms = t0 + i, .bits = (uint64_t)i};
        uint8_t fate = EXEMPLAR_STORED;
        exemplars_append(head_exemplars(h), series, &e, 1, &fate);
        ck_assert_uint_eq(fate, EXEMPLAR_STORED);
    }
    for (int i = 0; i < 3; i++) {
        CK_OK(head_finish(h));
        head_close(h);
        CK_OK(head_open(&opts, INT64_MIN, &h));
        struct exemplars_stats stats;
        exemplars_stats(head_exemplars(h), &stats);
        ck_assert(stats.count == 3 && stats.series == 1 && stats.oldest_ms == t0);
        CK_OK(exemplars_check(head_exemplars(h)));
    }
    head_close(h);
}
END_TEST

/* Histograms and metadata: Prometheus' snapshot has no room for the latter. */
START_TEST(test_other_kinds)
{
    struct db_opts opts = opts_of(fs_posix(), new_dir());
    struct head *h = NULL;
    CK_OK(head_open(&opts, INT64_MIN, &h));
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(buf_fini) struct buf key = BUF_INIT;
    struct label name = {STR("__name__"), STR("h_total")};
    label_key_encode((struct labels){&name, 1}, &key);
    struct family_metadata family = {.family = STR("h_total"), .value = {.help = STR("why")}};
    for (int i = 0; i < 20; i++) {
        struct histogram_sample s = {t0 + i, {.kind = HISTOGRAM_INTEGER, .sum = (uint64_t)i}};
        struct append_row row = {.label_key = buf_str(&key), .histogram_count = 1};
        struct append_request request = {.rows = &row, .row_count = 1, .histograms = &s,
                                         .histogram_count = 1, .metadata = &family,
                                         .metadata_count = i == 0};
        struct append_result r;
        CK_OK(head_append(h, &request, &a, &r));
        ck_assert_uint_eq(r.fates[SAMPLE_STORED], 1);
        if (i % 5 != 4)
            continue;
        CK_OK(head_finish(h));
        head_close(h);
        ck_assert(has_snapshot(opts.dir));
        remove_log_before(opts.dir);
        CK_OK(head_open(&opts, INT64_MIN, &h));
        CK_OK(head_check(h));
        ck_assert_uint_eq(metadata_store_count(head_metadata(h)), 1);
        CK_OK(head_append(h, &request, &a, &r)); /* it is there, with its value */
        ck_assert_uint_eq(r.fates[SAMPLE_REPEATED], 1);
    }
    head_close(h);
}
END_TEST

/* Nobody wants one, or there is nothing to put into it: none is left. */
START_TEST(test_none)
{
    struct db_opts opts = opts_of(fs_posix(), new_dir());
    struct db *db = kit_open(&opts);
    stop(db); /* empty */
    ck_assert(!has_snapshot(opts.dir));
    opts.snapshot_on_finish = false;
    db = kit_open(&opts);
    kit_put(db, "__name__=a", t0, 1);
    stop(db);
    ck_assert(!has_snapshot(opts.dir));
}
END_TEST

/* --- Prometheus' own -------------------------------------------------------------------------- */

static void
copy_golden(const char *golden, const char *to)
{
    char command[1200];
    snprintf(command, sizeof command, "cp -R '%s/.' '%s' && chmod -R u+w '%s'", golden, to, to);
    ck_assert_int_eq(system(command), 0);
}

START_TEST(test_golden)
{
    const char *golden = golden_path("prometheus-3.14/clean-snapshot");
    if (!golden)
        return;
    struct db_opts opts = opts_of(fs_posix(), new_dir());
    struct db_opts without = kit_opts(fs_posix(), new_dir());
    copy_golden(golden, opts.dir);
    copy_golden(golden, without.dir);
    CK_OK(snapshot_delete_all(fs_posix(), without.dir));
    struct db *db = kit_open(&opts), *want = kit_open(&without);
    assert_same(db, want, "opened");
    struct db_stats stats;
    db_stats(db, &stats);
    ck_assert_uint_gt(stats.series, 10);
    stop(db);
    db = kit_open(&opts);
    assert_same(db, want, "opened again");
    stop(db);
    db_close(want);
}
END_TEST

Suite *
head_snapshot_suite(void)
{
    Suite *s = suite_create("head_snapshot");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, test_restarts, 0, (int)ARRAY_LEN(restart_cases));
    tcase_add_test(t, test_open_chunk_goes_on);
    tcase_add_loop_test(t, test_damage, 0, (int)ARRAY_LEN(damage_cases));
    tcase_add_loop_test(t, test_every_call_of_a_stop, 0, (int)ARRAY_LEN(stop_cases));
    tcase_add_test(t, test_number_of_gone_series);
    tcase_add_test(t, test_exemplars);
    tcase_add_test(t, test_other_kinds);
    tcase_add_test(t, test_none);
    tcase_add_test(t, test_golden);
    suite_add_tcase(s, t);
    return s;
}
