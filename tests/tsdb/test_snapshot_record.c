/* Records of a snapshot: what goes in comes out, in Prometheus' layout; broken ones are refused. */
#include "tests/harness.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "tests/tsdb/snapshot_kit.h"
#include "tsdb/wal/record_exemplars.h"

START_TEST(test_series)
{
    AUTO(arena_fini) struct arena a;
    AUTO(buf_fini) struct buf b = BUF_INIT;
    arena_init(&a, 0);
    struct snapshot_kit kit = {.seed = 3};
    for (size_t i = 0; i < 60; i++) {
        struct snapshot_series want = snapshot_kit_series(&kit, i, &a), got;
        buf_clear(&b);
        snapshot_encode_series(&want, &b);
        CK_OK(snapshot_decode_series(buf_str(&b), &a, &got));
        ck_assert_msg(snapshot_kit_same_series(&got, &want), "series %zu", i);
        for (size_t n = 0; n < b.n; n++) /* no part of it is a record */
            CK_ERR(ERR_CORRUPT, snapshot_decode_series(str_of(b.p, n), &a, &got));
        buf_put_u8(&b, 0);
        CK_ERR(ERR_CORRUPT, snapshot_decode_series(buf_str(&b), &a, &got));
    }
}
END_TEST

#define REF   "\0\0\0\0\0\0\0\7"
#define ZERO  "\0\0\0\0\0\0\0\0"
#define FRONT "\1" REF "\1\1a\1b" ZERO
#define CHUNK "\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1\1\13" /* at 1, XOR, 11 bytes */
#define DATA  "\0\1\2\x3f\xf0\0\0\0\0\0\0"
/* The example of the README. */
START_TEST(test_bytes)
{
    static const struct label label = {STR_INIT("a"), STR_INIT("b")};
    struct snapshot_series s = {
        .ref = 7,
        .labels = {&label, 1},
        .open = {1, 1, CHUNK_XOR, STR_INIT(DATA)},
        .last_bits = bits_of_f64(1),
    };
    AUTO(buf_fini) struct buf b = BUF_INIT;
    snapshot_encode_series(&s, &b);
    ck_assert(str_eq(buf_str(&b), STR(FRONT "\1" CHUNK DATA ZERO ZERO ZERO ZERO ZERO ZERO ZERO
                                            "\x3f\xf0\0\0\0\0\0\0")));
    s.open.encoding = CHUNK_NONE;
    buf_clear(&b);
    snapshot_encode_series(&s, &b);
    ck_assert(str_eq(buf_str(&b), STR(FRONT "\0")));
}
END_TEST

static const struct series_case {
    const char *name;
    struct str record;
    enum err_code code;
} series_cases[] = {
    {"no chunk", STR_INIT(FRONT "\0"), ERR_NONE},
    {"no labels", STR_INIT("\1" REF "\0" ZERO "\0"), ERR_NONE},
    {"an old writer's range and samples",
     STR_INIT("\1" REF "\0" REF "\1" CHUNK DATA REF REF REF REF REF REF REF REF), ERR_NONE},
    {"empty", STR_INIT(""), ERR_CORRUPT},
    {"deletions", STR_INIT("\2\1\1"), ERR_CORRUPT},
    {"no number of chunks", STR_INIT(FRONT), ERR_CORRUPT},
    {"a chunk is missing", STR_INIT(FRONT "\1"), ERR_CORRUPT},
    {"bytes behind", STR_INIT(FRONT "\0\0"), ERR_CORRUPT},
    {"labels beyond the end", STR_INIT("\1" REF "\x7f\1a\1b" ZERO "\0"), ERR_CORRUPT},
    {"data beyond the end", STR_INIT(FRONT "\1" REF REF "\1\x7f" DATA), ERR_CORRUPT},
    {"ends before it starts", STR_INIT(FRONT "\1" REF ZERO "\1\13" DATA), ERR_CORRUPT},
    {"encoding 0", STR_INIT(FRONT "\1" REF REF "\0\1\1"), ERR_UNIMPLEMENTED},
    {"encoding of a later version", STR_INIT(FRONT "\1" REF REF "\7\1\1"), ERR_UNIMPLEMENTED},
    {"a histogram of schema 60",
     STR_INIT(FRONT "\1" REF REF "\2\1\1" "\0\x78" ZERO "\0\0" ZERO "\0\0\0\0"),
     ERR_UNIMPLEMENTED},
    {"a histogram of schema 6",
     STR_INIT(FRONT "\1" REF REF "\2\1\1" "\0\xc" ZERO "\0\0" ZERO "\0\0\0\0"), ERR_NONE},
    {"a histogram with endless buckets",
     STR_INIT(FRONT "\1" REF REF "\2\1\1" "\0\xc" ZERO "\0\0" ZERO "\xff\xff\xff\x7f\0\0\0"),
     ERR_CORRUPT},
};

START_TEST(test_series_bytes)
{
    const struct series_case *c = &series_cases[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct snapshot_series s = {.ref = 99};
    struct err e = snapshot_decode_series(c->record, &a, &s);
    ck_assert_msg(e.code == c->code, "row \"%s\": %s", c->name, err_text(&e));
    ROW_ASSERT(c->name, s.ref == (c->code ? 99 : 7));
    err_drop(e);
}
END_TEST

static const struct reopen_case {
    const char *name;
    int64_t mint, maxt;
    uint64_t last_bits;
    struct str data;
    enum err_code code;
} reopen_cases[] = {
    {"in accord", 1, 1, 0x3ff0000000000000, STR_INIT(DATA), ERR_NONE},
    {"another start", 0, 1, 0x3ff0000000000000, STR_INIT(DATA), ERR_CORRUPT},
    {"another end", 1, 2, 0x3ff0000000000000, STR_INIT(DATA), ERR_CORRUPT},
    {"another value", 1, 1, 0x3ff0000000000001, STR_INIT(DATA), ERR_CORRUPT},
    {"cut off", 1, 1, 0x3ff0000000000000, STR_INIT("\0\1\2\x3f"), ERR_CORRUPT},
    {"no samples", 1, 1, 0, STR_INIT("\0\0"), ERR_CORRUPT},
    {"empty", 1, 1, 0, STR_INIT(""), ERR_CORRUPT},
};

START_TEST(test_reopen)
{
    const struct reopen_case *c = &reopen_cases[_i];
    struct snapshot_series s = {
        .open = {c->mint, c->maxt, CHUNK_XOR, c->data}, .last_bits = c->last_bits};
    struct xor_appender x;
    int64_t quarter_ms = 7;
    struct err e = snapshot_reopen_floats(&s, &x, &quarter_ms);
    ROW_ASSERT(c->name, e.code == c->code);
    ROW_ASSERT(c->name, quarter_ms == 7); /* there are fewer samples */
    ROW_ASSERT(c->name, e.code || (x.count == 1 && x.t_ms == 1 && x.bits == c->last_bits));
    err_drop(e);
}
END_TEST

static const struct deletions_case {
    const char *name;
    struct str record;
    enum err_code code;
    size_t count;
} deletions_cases[] = {
    {"none", STR_INIT("\2\1\1"), ERR_NONE, 0},
    {"one", STR_INIT("\2\4\1\7\1\2"), ERR_NONE, 1},
    {"two", STR_INIT("\2\7\1\7\1\2\7\4\4"), ERR_NONE, 2},
    {"empty", STR_INIT(""), ERR_CORRUPT, 0},
    {"a series", STR_INIT("\1\1\1"), ERR_CORRUPT, 0},
    {"no version", STR_INIT("\2\0"), ERR_CORRUPT, 0},
    {"a later version", STR_INIT("\2\1\2"), ERR_CORRUPT, 0},
    {"shorter than it says", STR_INIT("\2\5\1\7\1\2"), ERR_CORRUPT, 0},
    {"longer than it says", STR_INIT("\2\3\1\7\1\2"), ERR_CORRUPT, 0},
    {"half a triple", STR_INIT("\2\3\1\7\1"), ERR_CORRUPT, 0},
    {"ends before it starts", STR_INIT("\2\4\1\7\2\1"), ERR_CORRUPT, 0},
};

START_TEST(test_deletions)
{
    const struct deletions_case *c = &deletions_cases[_i];
    struct snapshot_deletions cursor;
    struct snapshot_deletion d;
    AUTO(buf_fini) struct buf triples = BUF_INIT, again = BUF_INIT;
    size_t n = 0;
    snapshot_read_deletions(&cursor, c->record);
    for (; snapshot_next_deletion(&cursor, &d); n++)
        snapshot_put_deletion(&triples, &d);
    struct err e = snapshot_deletions_check(&cursor);
    ROW_ASSERT(c->name, e.code == c->code);
    err_drop(e);
    if (c->code != ERR_NONE)
        return;
    snapshot_encode_deletions(buf_str(&triples), &again);
    ROW_ASSERT(c->name, n == c->count && str_eq(buf_str(&again), c->record));
}
END_TEST

static const struct exemplars_case {
    const char *name;
    struct str record;
    enum err_code code;
} exemplars_cases[] = {
    {"one", STR_INIT("\3" REF REF "\0\0" REF "\1\1a\1b"), ERR_NONE},
    {"one of a log", STR_INIT("\4" REF REF "\0\0" REF "\1\1a\1b"), ERR_CORRUPT},
    {"cut off", STR_INIT("\3" REF REF "\0\0" REF "\1\1a"), ERR_CORRUPT},
    {"empty", STR_INIT(""), ERR_CORRUPT},
};

START_TEST(test_exemplars)
{
    const struct exemplars_case *c = &exemplars_cases[_i];
    AUTO(arena_fini) struct arena a;
    AUTO(buf_fini) struct buf scratch = BUF_INIT, again = BUF_INIT;
    arena_init(&a, 0);
    struct record_cursor cursor;
    struct snapshot_exemplar e = {0};
    snapshot_read_exemplars(&cursor, c->record, &scratch);
    bool more = record_next_exemplar(&cursor, &a, &e.ref, &e.exemplar);
    struct err err = record_cursor_check(&cursor);
    ROW_ASSERT(c->name, err.code == c->code && more == (c->code == ERR_NONE));
    err_drop(err);
    if (!more)
        return;
    struct record_samples_writer w;
    snapshot_begin_exemplars(&w, &again, &e);
    snapshot_put_exemplar(&w, &e);
    ROW_ASSERT(c->name, str_eq(buf_str(&again), c->record));
}
END_TEST

Suite *
snapshot_record_suite(void)
{
    Suite *s = suite_create("snapshot_record");
    TCase *t = tcase_create("snapshot_record");
    tcase_add_test(t, test_series);
    tcase_add_test(t, test_bytes);
    tcase_add_loop_test(t, test_series_bytes, 0, ARRAY_LEN(series_cases));
    tcase_add_loop_test(t, test_reopen, 0, ARRAY_LEN(reopen_cases));
    tcase_add_loop_test(t, test_deletions, 0, ARRAY_LEN(deletions_cases));
    tcase_add_loop_test(t, test_exemplars, 0, ARRAY_LEN(exemplars_cases));
    suite_add_tcase(s, t);
    return s;
}
