/* Logs with deletions, Prometheus' own kinds included, as a replay takes them. */
#include <stdio.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "tests/tsdb/head_kit.h"
#include "tsdb/wal/record.h"

/* One record, from text: "S1 a" names a series, "V1 10" is a sample (its value is the time), "D1 10
 * 20" a deletion, "D1 *" says that the series is gone. */
static void
put_record(struct wal *w, const char *text)
{
    AUTO(buf_fini) struct buf record = BUF_INIT;
    char kind, name[8];
    unsigned ref;
    intmax_t from, to;
    ck_assert_int_eq(sscanf(text, "%c%u", &kind, &ref), 2);
    if (kind == 'S') {
        ck_assert_int_eq(sscanf(text, "S%u %7s", &ref, name), 2);
        struct label l = {STR("__name__"), str_of_cstr(name)};
        record_begin_series(&record);
        record_put_series(&record, ref, (struct labels){&l, 1});
    } else if (kind == 'V') {
        ck_assert_int_eq(sscanf(text, "V%u %jd", &ref, &from), 2);
        struct record_samples_writer samples;
        record_begin_samples(&samples, &record, ref, from, 1);
        record_put_sample(&samples, ref, from, bits_of_f64((double)from));
    } else {
        int n = sscanf(text, "D%u %jd %jd", &ref, &from, &to);
        struct interval whole = {INT64_MIN, INT64_MAX};
        ck_assert(n == 3 || strchr(text, '*'));
        record_begin_tombstones(&record);
        record_put_tombstone(&record, ref, n == 3 ? (struct interval){from, to} : whole);
    }
    wal_ticket ticket;
    CK_OK(wal_enqueue(w, &(struct str){record.p, record.n}, 1, &ticket));
    CK_OK(wal_wait(w, ticket));
}

static void
write_log(const char *dir, const char *records)
{
    AUTO(mem_free) char *wal_dir = fs_path_below(dir, STR("wal"));
    AUTO(wal_close) struct wal *w = NULL;
    struct wal_opts opts = {
        .fs = fs_posix(), .dir = wal_dir, .segment_bytes = WAL_SEGMENT_BYTES_DEFAULT};
    CK_OK(wal_open(&opts, &w));
    char text[64];
    for (struct str rest = str_of_cstr(records); rest.n > 0;) {
        struct str one = str_split(&rest, ';');
        snprintf(text, sizeof text, "%.*s", STR_FMT(one));
        put_record(w, text);
    }
    CK_OK(wal_finish(w));
}

static const struct replay_case {
    const char *name, *records, *want;
} replay_cases[] = {
    {"a span", "S1 a;V1 10;V1 20;V1 30;D1 20 20", "a: 10=10 30=30; "},
    {"two that join", "S1 a;V1 10;V1 20;V1 30;D1 10 14;D1 15 20", "a: 30=30; "},
    {"told twice", "S1 a;V1 10;V1 20;D1 20 20;D1 20 20", "a: 10=10; "},
    {"before its samples", "S1 a;D1 10 20;V1 15;V1 30", "a: 30=30; "},
    {"of another series", "S1 a;S2 b;V1 10;V2 10;D2 0 20", "a: 10=10; "},
    {"of nobody", "S1 a;V1 10;D9 0 20", "a: 10=10; "},
    {"upside down", "S1 a;V1 10;V1 20;D1 20 10", "a: 10=10 20=20; "},
    {"by a later name", "S1 a;V1 10;V1 20;S2 a;V2 30;D2 20 30", "a: 10=10; "},
    {"by an earlier name", "S1 a;V1 10;V1 20;S2 a;V2 30;D1 20 30", "a: 10=10; "},
    {"before it was renamed", "S1 a;V1 10;V1 20;D1 20 20;S2 a;V2 30", "a: 10=10 30=30; "},
    {"half of all times", "S1 a;V1 10;D1 -9223372036854775808 9", "a: 10=10; "},
    {"the series is gone", "S1 a;V1 10;S2 b;V2 10;D1 *", "b: 10=10; "},
    {"gone, and used afterwards", "S1 a;V1 10;S2 b;V2 10;D1 *;V1 20", "b: 10=10; "},
    {"gone and back", "S1 a;V1 10;D1 *;S2 a;V2 5;V2 20", "a: 5=5 20=20; "},
    {"gone and back by the same name", "S1 a;V1 10;D1 *;S1 a;V1 20", "a: 20=20; "},
    {"gone, back, and gone", "S1 a;V1 10;D1 *;S2 a;V2 20;D2 *", ""},
    {"gone twice, and back", "S1 a;V1 10;D1 *;D1 *;S2 a;V2 20;S3 a;V3 30", "a: 20=20 30=30; "},
    {"gone by another name", "S1 a;V1 10;S2 a;V2 20;D2 *;V1 30", ""},
    {"gone with its deletions", "S1 a;V1 10;D1 0 100;D1 *;S2 a;V2 20", "a: 20=20; "},
    {"deleted from when it is back", "S1 a;V1 10;D1 *;S2 a;V2 20;V2 30;D2 20 20", "a: 30=30; "},
    {"nobody is gone", "S1 a;V1 10;D9 *", "a: 10=10; "},
};

static void
assert_dump(const char *name, struct db *db, const char *want)
{
    AUTO(arena_fini) struct arena a;
    AUTO(buf_fini) struct buf got = BUF_INIT;
    arena_init(&a, 0);
    for (const char *p = kit_checked_dump(&a, db); *p; p++) {
        if (*p != '{' && *p != '}')
            buf_put_u8(&got, (uint8_t)*p);
    }
    ck_assert_msg(strcmp(buf_cstr(&got), want) == 0, "%s: %s", name, buf_cstr(&got));
}

/* Alone and by a crew; and what comes after the start is there after the next one: nobody is born
 * under a number that was used. */
START_TEST(test_replay)
{
    const struct replay_case *c = &replay_cases[_i];
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    write_log(opts.dir, c->records);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    for (int i = 0; i < 2; i++) {
        opts.replay_crew_bytes = i;
        struct db *db = kit_open(&opts);
        assert_dump(c->name, db, c->want);
        db_close(db);
    }
    struct db *db = kit_open(&opts);
    kit_put(db, "__name__=a", 1000, 1);
    kit_put(db, "__name__=z", 1000, 2);
    const char *want = kit_checked_dump(&a, db);
    ck_assert_ptr_nonnull(strstr(want, "z: 1000=2"));
    for (int i = 0; i < 3; i++) { /* a crash; a clean stop; a snapshot */
        if (i > 0)
            CK_OK(db_finish(db));
        db_close(db);
        opts.snapshot_on_finish = i == 1;
        db = kit_open(&opts);
        ck_assert_msg(strcmp(kit_checked_dump(&a, db), want) == 0, "%s: %s, start %d", c->name,
                      kit_checked_dump(&a, db), i);
    }
    db_close(db);
}
END_TEST

/* Damage in a record of deletions: the log is cut there. */
START_TEST(test_damaged)
{
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    write_log(opts.dir, "S1 a;V1 10;V1 20;D1 20 20");
    AUTO(mem_free) char *wal_dir = fs_path_below(opts.dir, STR("wal"));
    struct wal_opts wal_opts = {
        .fs = fs_posix(), .dir = wal_dir, .segment_bytes = WAL_SEGMENT_BYTES_DEFAULT};
    struct wal *w;
    wal_ticket ticket;
    CK_OK(wal_open(&wal_opts, &w));
    struct str torn = STR("\3" "\0\0\0\0\0\0\0\1" "\24");
    CK_OK(wal_enqueue(w, &torn, 1, &ticket));
    CK_OK(wal_wait(w, ticket));
    put_record(w, "V1 30");
    CK_OK(wal_finish(w));
    wal_close(w);
    for (int i = 0; i < 2; i++) {
        struct db *db = kit_open(&opts);
        assert_dump("damaged", db, "a: 10=10; ");
        db_close(db);
    }
}
END_TEST

Suite *
replay_deletions_suite(void)
{
    Suite *s = suite_create("replay_deletions");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, test_replay, 0, (int)ARRAY_LEN(replay_cases));
    tcase_add_test(t, test_damaged);
    suite_add_tcase(s, t);
    return s;
}
