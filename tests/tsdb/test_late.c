/* Late samples end to end: which are taken, what queries see, what a restart brings back, and how
 * they become blocks. */
#include <stdio.h>

#include "base/fs_fault.h"
#include "tests/tsdb/head_kit.h"
#include "tsdb/wal/wal_reader.h"

enum { SECOND_MS = 1000, MINUTE_MS = 60 * SECOND_MS, HOUR_MS = 60 * MINUTE_MS };
static const int64_t t0 = INT64_C(1700000000000) / 7200000 * 7200000; /* a range begins */

static enum sample_fate
fate_of(const struct append_result *r)
{
    for (int fate = 0; fate < SAMPLE_FATE_COUNT; fate++) {
        if (r->fates[fate] > 0)
            return (enum sample_fate)fate;
    }
    return SAMPLE_FATE_COUNT;
}

static enum sample_fate
put(struct db *db, const char *labels, int64_t t_ms, double value)
{
    struct kit_request k;
    struct append_result r;
    kit_request_init(&k);
    kit_row(&k, labels);
    kit_sample(&k, t_ms, value);
    CK_OK(kit_append(&k, db, &r));
    kit_request_fini(&k);
    return fate_of(&r);
}

/* --- fates ------------------------------------------------------------------------------------ */

/* Behind samples at 4 h and, late, at 3 h; another series at 2 h. */
static const struct fate_case {
    const char *name, *labels;
    int64_t window_ms, t_ms; /* behind t0 */
    double value;
    enum sample_fate want;
} fate_cases[] = {
    {"newer", "__name__=a", 3 * HOUR_MS, 4 * HOUR_MS + 1, 7, SAMPLE_STORED},
    {"a repetition", "__name__=a", 3 * HOUR_MS, 4 * HOUR_MS, 1, SAMPLE_REPEATED},
    {"another value", "__name__=a", 3 * HOUR_MS, 4 * HOUR_MS, 7, SAMPLE_DUPLICATE},
    {"a moment late", "__name__=a", 3 * HOUR_MS, 4 * HOUR_MS - 1, 7, SAMPLE_STORED_LATE},
    {"at the end of the window", "__name__=a", 3 * HOUR_MS, HOUR_MS, 7, SAMPLE_STORED_LATE},
    {"behind it", "__name__=a", 3 * HOUR_MS, HOUR_MS - 1, 7, SAMPLE_TOO_OLD},
    {"late once more", "__name__=a", 3 * HOUR_MS, 3 * HOUR_MS, 2, SAMPLE_REPEATED},
    {"late once more, another value", "__name__=a", 3 * HOUR_MS, 3 * HOUR_MS, 7, SAMPLE_REPEATED},
    {"a series that ended long ago", "__name__=b", 3 * HOUR_MS, 2 * HOUR_MS, 7, SAMPLE_STORED_LATE},
    {"a new series, in order", "__name__=c", 3 * HOUR_MS, 3 * HOUR_MS, 7, SAMPLE_STORED},
    {"a new series, late", "__name__=c", 3 * HOUR_MS, 3 * HOUR_MS - 1, 7, SAMPLE_STORED_LATE},
    {"a new series, too old", "__name__=c", 3 * HOUR_MS, HOUR_MS - 1, 7, SAMPLE_TOO_OLD},
    {"no window: out of order", "__name__=a", 0, 4 * HOUR_MS - 1, 7, SAMPLE_OUT_OF_ORDER},
    {"no window: out of bounds", "__name__=a", 0, 3 * HOUR_MS - 1, 7, SAMPLE_OUT_OF_BOUNDS},
};

START_TEST(test_fate)
{
    const struct fate_case *c = &fate_cases[_i];
    struct db_opts opts = kit_late_opts(fs_posix(), test_dir());
    opts.ooo_window_ms = c->window_ms;
    struct db *db = kit_open(&opts);
    ck_assert_int_eq(put(db, "__name__=b", t0 + 2 * HOUR_MS, 1), SAMPLE_STORED);
    ck_assert_int_eq(put(db, "__name__=a", t0 + 4 * HOUR_MS, 1), SAMPLE_STORED);
    if (c->window_ms > 0)
        ck_assert_int_eq(put(db, "__name__=a", t0 + 3 * HOUR_MS, 2), SAMPLE_STORED_LATE);
    enum sample_fate got = put(db, c->labels, t0 + c->t_ms, c->value);
    ck_assert_msg(got == c->want, "%s: fate %d", c->name, got);
    uint64_t late = (c->window_ms > 0) + (got == SAMPLE_STORED_LATE);
    ck_assert_msg(kit_stats(db).late_samples_appended == late, "%s", c->name);
    CK_OK(db_check(db));
    db_close(db);
}
END_TEST

/* --- reading ---------------------------------------------------------------------------------- */

/* In one request: two rows of one series, the second older; a histogram among floats. */
static void
put_mixed(struct db *db)
{
    struct kit_request k;
    struct append_result r;
    kit_request_init(&k);
    kit_row(&k, "__name__=a");
    kit_sample(&k, t0 + 100, 1);
    kit_sample(&k, t0 + 300, 3);
    kit_row(&k, "__name__=a");
    kit_sample(&k, t0 + 200, 2); /* good when it was judged, late when it is stored */
    kit_sample(&k, t0 + 50, 0.5);
    kit_histogram_sample(&k, t0 + 250, "i n=1 sum=5 p=0:1");
    CK_OK(kit_append(&k, db, &r));
    ck_assert_uint_eq(r.fates[SAMPLE_STORED], 2);
    ck_assert_uint_eq(r.fates[SAMPLE_STORED_LATE], 3);
    kit_request_fini(&k);
}

static const struct range_case {
    const char *name;
    int64_t mint_ms, maxt_ms; /* behind t0 */
    const char *want;
} range_cases[] = {
    {"all", 0, HOUR_MS, "a: 50=0.5 100=1 200=2 300=3; "},
    {"the first late one", 0, 99, "a: 50=0.5; "},
    {"between", 101, 299, "a: 200=2; "},
    {"behind", 301, HOUR_MS, ""},
};

/* Times relative to t0 are read more easily. */
static const char *
query(struct arena *a, struct db *db, int64_t mint_ms, int64_t maxt_ms)
{
    const char *text = kit_query(a, db, MATCH_REGEX, "__name__", ".+", t0 + mint_ms, t0 + maxt_ms);
    AUTO(buf_fini) struct buf to = BUF_INIT;
    for (const char *at = text; *at; at++) {
        long long t;
        int n = 0;
        if (at > text && at[-1] == ' ' && sscanf(at, "%lld=%n", &t, &n) == 1 && n > 0) {
            buf_printf(&to, "%jd=", (intmax_t)(t - t0));
            at += n - 1;
        } else {
            buf_put_u8(&to, (uint8_t)*at);
        }
    }
    return arena_str(a, buf_str(&to)).p;
}

static void
put_few(struct db *db)
{
    ck_assert_int_eq(put(db, "__name__=a", t0 + 100, 1), SAMPLE_STORED);
    ck_assert_int_eq(put(db, "__name__=a", t0 + 300, 3), SAMPLE_STORED);
    ck_assert_int_eq(put(db, "__name__=a", t0 + 200, 2), SAMPLE_STORED_LATE);
    ck_assert_int_eq(put(db, "__name__=a", t0 + 50, 0.5), SAMPLE_STORED_LATE);
    ck_assert_int_eq(put(db, "__name__=a", t0 + 100, 9), SAMPLE_STORED_LATE); /* not seen */
}

START_TEST(test_range)
{
    const struct range_case *c = &range_cases[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct db_opts opts = kit_late_opts(fs_posix(), test_dir());
    struct db *db = kit_open(&opts);
    put_few(db);
    const char *got = query(&a, db, c->mint_ms, c->maxt_ms);
    ck_assert_msg(strcmp(got, c->want) == 0, "%s: %s", c->name, got);
    db_close(db);
}
END_TEST

START_TEST(test_rows_of_one_series)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct db_opts opts = kit_late_opts(fs_posix(), test_dir());
    struct db *db = kit_open(&opts);
    put_mixed(db);
    const char *want = arena_str(&a, str_of_cstr(query(&a, db, 0, HOUR_MS))).p;
    ck_assert_ptr_nonnull(strstr(want, " 50=0.5 100=1 200=2 "));
    db_close(db);
    db = kit_open(&opts);
    ck_assert_str_eq(query(&a, db, 0, HOUR_MS), want);
    db_close(db);
}
END_TEST

/* --- restarts --------------------------------------------------------------------------------- */

enum { MANY = 60 };

/* Every third minute of a day in disorder: full chunks, open ones, chunks of several hours. */
static void
put_many(struct db *db)
{
    ck_assert_int_eq(put(db, "__name__=a", t0 + 3 * HOUR_MS, -1), SAMPLE_STORED);
    ck_assert_int_eq(put(db, "__name__=b,x=y", t0 + 3 * HOUR_MS, -1), SAMPLE_STORED);
    for (int i = 0; i < MANY; i++) {
        int64_t t = t0 + (i * 37 % MANY) * 3 * MINUTE_MS;
        ck_assert_int_eq(put(db, "__name__=a", t, i), SAMPLE_STORED_LATE);
        if (i % 7 == 0) /* it exists only late */
            ck_assert_int_eq(put(db, "__name__=late", t0 + i * MINUTE_MS, i), SAMPLE_STORED_LATE);
    }
}

static const struct restart_case {
    const char *name;
    bool maintained, clean;
} restart_cases[] = {
    {"killed", false, false},
    {"stopped", false, true},
    {"chunks mapped, killed", true, false},
    {"chunks mapped, stopped", true, true},
};

START_TEST(test_restart)
{
    const struct restart_case *c = &restart_cases[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct db_opts opts = kit_late_opts(fs_posix(), test_dir());
    struct db *db = kit_open(&opts);
    put_many(db);
    const char *want = kit_checked_dump(&a, db);
    uint64_t chunk_bytes = 0;
    for (int again = 0; again < 3; again++) {
        if (c->maintained)
            CK_OK(db_maintain(db));
        ck_assert_msg(strcmp(kit_checked_dump(&a, db), want) == 0, "%s: maintained", c->name);
        if (c->clean)
            CK_OK(db_finish(db));
        db_close(db);
        db = kit_open(&opts);
        ck_assert_msg(strcmp(kit_checked_dump(&a, db), want) == 0, "%s: restart %d", c->name,
                      again);
        ck_assert_int_eq(put(db, "__name__=a", t0, 77),
                         again ? SAMPLE_REPEATED : SAMPLE_STORED_LATE);
        uint64_t now = kit_stats(db).head_chunks_bytes;
        ck_assert_msg(again == 0 || now <= chunk_bytes + 200, "%s: chunks pile up", c->name);
        chunk_bytes = now;
    }
    db_close(db);
}
END_TEST

/* A log of late samples that is there is read, whatever the window. */
START_TEST(test_window_closed)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct db_opts opts = kit_late_opts(fs_posix(), test_dir());
    struct db *db = kit_open(&opts);
    put_many(db);
    const char *want = kit_checked_dump(&a, db);
    db_close(db);
    opts.ooo_window_ms = 0;
    db = kit_open(&opts);
    kit_assert_dump(db, want);
    bool empty;
    CK_OK(db_flush(db, &empty));
    ck_assert(empty);
    kit_assert_dump(db, want);
    db_close(db);
}
END_TEST

/* --- another number --------------------------------------------------------------------------- */

/* Leaves a database, closed as by a crash, whose log names "a" twice: it was forgotten when a block
 * took it over, and was born again with two late samples. */
static void
leave_born_again(const struct db_opts *opts)
{
    struct db *db = kit_open(opts);
    ck_assert_int_eq(put(db, "__name__=a", t0, 1), SAMPLE_STORED);
    for (int half = 0; half <= 8; half++)
        ck_assert_int_eq(put(db, "__name__=b", t0 + half * 30 * MINUTE_MS, half), SAMPLE_STORED);
    CK_OK(db_maintain(db));
    ck_assert_uint_eq(kit_stats(db).series, 1);
    ck_assert_int_eq(put(db, "__name__=a", t0 + 150 * MINUTE_MS, 22), SAMPLE_STORED_LATE);
    ck_assert_int_eq(put(db, "__name__=a", t0 + 140 * MINUTE_MS, 33), SAMPLE_STORED_LATE);
    db_close(db);
}

/* A snapshot has the series under the first number, the late log under the second. */
START_TEST(test_born_again_snapshot)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct db_opts opts = kit_late_opts(fs_posix(), test_dir());
    opts.snapshot_on_finish = true;
    leave_born_again(&opts);
    const char *want = NULL;
    for (int start = 0; start < 4; start++) {
        struct db *db = kit_open(&opts);
        const char *got = kit_checked_dump(&a, db);
        ck_assert_ptr_nonnull(strstr(got, "=22"));
        ck_assert_ptr_nonnull(strstr(got, "=33"));
        ck_assert_msg(!want || strcmp(got, want) == 0, "%s\nwant %s", got, want);
        want = got;
        if (start == 2) /* now in a chunk under the first number */
            CK_OK(db_maintain(db));
        CK_OK(db_finish(db));
        db_close(db);
    }
}
END_TEST

/* As much as fills some segments, so that those before are not needed any more. */
static void
put_segments(struct db *db)
{
    for (int i = 0; i < 8; i++) {
        struct kit_request k;
        struct append_result r;
        kit_request_init(&k);
        kit_row(&k, "__name__=b");
        for (int j = 0; j < 800; j++)
            kit_sample(&k, t0 + 4 * HOUR_MS + (i * 800 + j + 1) * 4 * SECOND_MS, j * 0.37);
        CK_OK(kit_append(&k, db, &r));
        ck_assert_uint_eq(r.fates[SAMPLE_STORED], 800);
        kit_request_fini(&k);
    }
}

/* The checkpoint of a cut comes before the blocks of late samples. */
START_TEST(test_born_again_checkpoint)
{
    bool reached = true;
    for (uint64_t call = 1; reached; call++) {
        AUTO(arena_fini) struct arena a;
        arena_init(&a, 0);
        AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
        struct db_opts opts = kit_late_opts(fs, test_dir());
        opts.wal_segment_bytes = WAL_PAGE_BYTES;
        leave_born_again(&opts);
        struct db *db = kit_open(&opts);
        put_segments(db);
        struct fs_fault_opts fault = {.fail_call = call, .mode = FS_FAULT_CRASH};
        fs_fault_arm(fs, &fault);
        struct err e = db_maintain(db);
        reached = e.code != ERR_NONE;
        err_drop(e);
        fs_fault_heal(fs);
        db_close(db);
        db = kit_open(&opts);
        const char *got = kit_query(&a, db, MATCH_EQUAL, "__name__", "a", INT64_MIN, INT64_MAX);
        ck_assert_msg(strstr(got, "=22") && strstr(got, "=33"), "call %ju: %s", (uintmax_t)call,
                      got);
        db_close(db);
    }
}
END_TEST

/* --- cuts ------------------------------------------------------------------------------------- */

static size_t
count_late_blocks(const char *dir)
{
    AUTO(fs_list_fini) struct fs_list entries = VEC_INIT;
    CK_OK(fs_list_dir(fs_posix(), dir, &entries));
    size_t n = 0;
    vec_each (&entries, e) {
        AUTO(buf_fini) struct buf text = BUF_INIT;
        char path[512];
        snprintf(path, sizeof path, "%s/%s/meta.json", dir, e->name);
        if (!fs_exists(fs_posix(), path))
            continue;
        CK_OK(fs_read_file(fs_posix(), path, 1 << 20, &text));
        n += strstr(buf_cstr(&text), "from-out-of-order") != NULL;
    }
    return n;
}

static uint64_t
first_late_segment(const char *dir)
{
    char path[512];
    uint64_t first = 0, last;
    bool none;
    snprintf(path, sizeof path, "%s/wbl", dir);
    CK_OK(wal_segments(fs_posix(), path, &first, &last, &none));
    ck_assert(!none);
    return first;
}

START_TEST(test_cut)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct db_opts opts = kit_late_opts(fs_posix(), test_dir());
    struct db *db = kit_open(&opts);
    put_many(db);
    CK_OK(db_maintain(db));
    ck_assert_uint_eq(count_late_blocks(opts.dir), 0); /* the head was not cut */
    ck_assert_int_eq(put(db, "__name__=a", t0 + 9 * HOUR_MS, 9), SAMPLE_STORED);
    const char *want = kit_checked_dump(&a, db);
    CK_OK(db_maintain(db));
    /* Of two late blocks the one that overlaps that of the head was merged with it. */
    ck_assert_uint_eq(count_late_blocks(opts.dir), 1);
    ck_assert_uint_eq(kit_stats(db).blocks, 2);
    ck_assert_uint_gt(first_late_segment(opts.dir), 0);
    kit_assert_dump(db, want);
    /* What comes now is late again, before the blocks' end and behind it. */
    ck_assert_int_eq(put(db, "__name__=late", t0 + 6 * HOUR_MS, 6), SAMPLE_STORED_LATE);
    ck_assert_int_eq(put(db, "__name__=a", t0 + 9 * HOUR_MS - 1, 8), SAMPLE_STORED_LATE);
    want = kit_checked_dump(&a, db);
    for (int again = 0; again < 2; again++) {
        db_close(db);
        db = kit_open(&opts);
        kit_assert_dump(db, want);
    }
    bool empty;
    CK_OK(db_flush(db, &empty));
    ck_assert(empty);
    kit_assert_dump(db, want);
    db_close(db);
    db = kit_open(&opts);
    kit_assert_dump(db, want);
    ck_assert_uint_eq(kit_stats(db).series, 0);
    db_close(db);
}
END_TEST

/* A late sample at the time of one that a block has: read is that of the block, also when both are
 * in blocks, and in the one that these become. */
START_TEST(test_in_order_stays)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct db_opts opts = kit_late_opts(fs_posix(), test_dir());
    struct db *db = kit_open(&opts);
    for (int half = 0; half <= 8; half++)
        ck_assert_int_eq(put(db, "__name__=a", t0 + half * 30 * MINUTE_MS, half), SAMPLE_STORED);
    CK_OK(db_maintain(db));
    ck_assert_uint_eq(kit_stats(db).blocks, 1);
    const char *want = kit_checked_dump(&a, db);
    ck_assert_int_eq(put(db, "__name__=a", t0 + 90 * MINUTE_MS, 99), SAMPLE_STORED_LATE);
    kit_assert_dump(db, want);
    ck_assert_int_eq(put(db, "__name__=a", t0 + 6 * HOUR_MS, 9), SAMPLE_STORED);
    want = kit_checked_dump(&a, db);
    ck_assert_ptr_null(strstr(want, "=99"));
    CK_OK(db_maintain(db));
    ck_assert_uint_eq(kit_stats(db).compactions, 1);
    ck_assert_uint_eq(count_late_blocks(opts.dir), 0);
    for (int again = 0; again < 2; again++) {
        kit_assert_dump(db, want);
        db_close(db);
        db = kit_open(&opts);
    }
    db_close(db);
}
END_TEST

/* A query that was begun before the cut sees every sample, however late it reads. */
START_TEST(test_query_across_cut)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct db_opts opts = kit_late_opts(fs_posix(), test_dir());
    struct db *db = kit_open(&opts);
    put_many(db);
    struct matcher m;
    CK_OK(matcher_make(&a, MATCH_EQUAL, STR("__name__"), STR("late"), &m));
    struct select_query q = {.mint_ms = INT64_MIN, .maxt_ms = INT64_MAX, .want = SELECT_CHUNKS};
    struct series_set *set = NULL;
    CK_OK(db_select(db, &q, (struct matchers){&m, 1}, &a, &set));
    bool empty, more;
    CK_OK(db_flush(db, &empty));
    ck_assert(!empty); /* the query holds them */
    struct series_view series;
    CK_OK(series_set_next(set, &series, &more));
    ck_assert(more);
    AUTO(buf_fini) struct buf text = BUF_INIT;
    for (size_t i = 0; i < series.chunk_count; i++)
        kit_chunk_text(&series.chunks[i], INT64_MIN, INT64_MAX, &text);
    size_t samples = 0;
    for (size_t i = 0; i < text.n; i++)
        samples += text.p[i] == '=';
    ck_assert_uint_eq(samples, (MANY + 6) / 7);
    series_set_close(set);
    CK_OK(db_flush(db, &empty));
    ck_assert(empty);
    db_close(db);
}
END_TEST

/* --- failures --------------------------------------------------------------------------------- */

static const struct crash_case {
    const char *name;
    enum fs_fault_mode mode;
    bool power;
} crash_cases[] = {
    {"once", FS_FAULT_ONCE, false},
    {"crash", FS_FAULT_CRASH, false},
    {"crash and power cut", FS_FAULT_CRASH, true},
};

/* Every mutating call of a pass that maps and cuts late samples fails once: nothing is lost. */
START_TEST(test_crash_at_every_call)
{
    const struct crash_case *c = &crash_cases[_i];
    bool reached = true;
    for (uint64_t call = 1; reached; call++) {
        char dir[256];
        bool empty;
        snprintf(dir, sizeof dir, "%s/%ju", test_dir(), (uintmax_t)call);
        AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
        AUTO(arena_fini) struct arena a;
        arena_init(&a, 0);
        struct db_opts opts = kit_late_opts(fs, dir);
        struct db *db = kit_open(&opts);
        if (c->power) { /* all that was acknowledged has to be on the disk */
            db_close(db);
            opts.wal_sync = WAL_SYNC_BATCH;
            db = kit_open(&opts);
        }
        ck_assert_int_eq(put(db, "__name__=a", t0 + 3 * HOUR_MS, -1), SAMPLE_STORED);
        for (int i = 0; i < 6; i++)
            ck_assert_int_eq(put(db, "__name__=a", t0 + (i * 5 % 6) * 30 * MINUTE_MS, i),
                             SAMPLE_STORED_LATE);
        const char *want = kit_checked_dump(&a, db);
        struct fs_fault_opts fault = {.fail_call = call, .mode = c->mode, .torn_bytes = call * 7};
        fs_fault_arm(fs, &fault);
        struct err e = db_flush(db, &empty);
        reached = e.code != ERR_NONE;
        err_drop(e);
        ck_assert_str_eq(kit_checked_dump(&a, db), want);
        fs_fault_heal(fs);
        if (c->mode == FS_FAULT_ONCE) {
            CK_OK(db_flush(db, &empty));
            ck_assert_msg(empty, "%s at call %ju", c->name, (uintmax_t)call);
            kit_assert_dump(db, want);
        }
        db_close(db);
        if (c->power)
            CK_OK(fs_fault_power_cut(fs));
        db = kit_open(&opts);
        kit_assert_dump(db, want);
        CK_OK(db_flush(db, &empty));
        ck_assert_msg(empty, "%s at call %ju", c->name, (uintmax_t)call);
        kit_assert_dump(db, want);
        db_close(db);
        CK_OK(fs_remove_tree(fs_posix(), dir));
    }
}
END_TEST

Suite *
late_suite(void)
{
    Suite *s = suite_create("late");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, test_fate, 0, (int)ARRAY_LEN(fate_cases));
    tcase_add_loop_test(t, test_range, 0, (int)ARRAY_LEN(range_cases));
    tcase_add_test(t, test_rows_of_one_series);
    tcase_add_loop_test(t, test_restart, 0, (int)ARRAY_LEN(restart_cases));
    tcase_add_test(t, test_window_closed);
    tcase_add_test(t, test_born_again_snapshot);
    tcase_add_test(t, test_born_again_checkpoint);
    tcase_add_test(t, test_cut);
    tcase_add_test(t, test_in_order_stays);
    tcase_add_test(t, test_query_across_cut);
    tcase_add_loop_test(t, test_crash_at_every_call, 0, (int)ARRAY_LEN(crash_cases));
    suite_add_tcase(s, t);
    return s;
}
