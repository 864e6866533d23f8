/* Which parts of a record are kept, for every type: all of it as it is, some of it encoded anew,
 * or nothing; metadata is held back. The filter keeps even references and times from 1000 on. */
#include "tests/harness.h"

#include "base/mem.h"
#include "tsdb/wal/checkpoint_sift.h"
#include "tsdb/wal/record.h"

#define REF2  "\0\0\0\0\0\0\0\x02"
#define REF3  "\0\0\0\0\0\0\0\x03"
#define T1000 "\0\0\0\0\0\0\x03\xe8"
#define T999  "\0\0\0\0\0\0\x03\xe7"
#define F64   "\x3f\xf0\0\0\0\0\0\0"
#define LABEL                                                                                      \
    "\x01\x01"                                                                                     \
    "a\x01"                                                                                        \
    "b"
#define HIST    "\x02\x06" F64 "\x01\x02" F64 "\x01\x01\x01\0\x01\x05\0" /* schema 3 */
#define FHIST   "\x02\x06" F64 F64 F64 F64 "\x01\x01\x01\0\x01" F64 "\0"
#define CUSTOM  "\x00\x69" F64 "\x01\x02" F64 "\0\0\0\0\x01" F64 /* schema -53 */
#define FCUSTOM "\x00\x69" F64 F64 F64 F64 "\0\0\0\0\x01" F64

static const struct {
    const char *name;
    struct str in, out[2];
    size_t total, dropped;
} cases[] = {
    {"series", STR_INIT("\x01" REF2 LABEL REF3 "\x00"), {STR_INIT("\x01" REF2 LABEL)}, 2, 1},
    {"all series",
     STR_INIT("\x01" REF2 LABEL REF2 "\x00"),
     {STR_INIT("\x01" REF2 LABEL REF2 "\x00")},
     2,
     0},
    {"no series", STR_INIT("\x01" REF3 LABEL), {{NULL, 0}}, 1, 1},
    {"samples, with another base",
     STR_INIT("\x02" REF3 T999 "\0\0" F64 "\x01\x02" F64 "\0\x03" F64),
     {STR_INIT("\x02" REF2 T1000 "\0\0" F64)},
     3,
     2},
    {"all samples, also of unknown series",
     STR_INIT("\x02" REF3 T1000 "\0\0" F64 "\x02\x02" F64),
     {STR_INIT("\x02" REF3 T1000 "\0\0" F64 "\x02\x02" F64)},
     2,
     0},
    {"no samples", STR_INIT("\x02" REF2 T999 "\0\0" F64), {{NULL, 0}}, 1, 1},
    {"bases alone", STR_INIT("\x02" REF2 T1000), {{NULL, 0}}, 0, 0},
    {"deletions: until 1000, of another series, until 999",
     STR_INIT("\x03" REF2 "\x01\xd0\x0f" REF3 "\x01\xd0\x0f" REF2 "\x01\xce\x0f"),
     {STR_INIT("\x03" REF2 "\x01\xd0\x0f")},
     3,
     2},
    {"exemplars",
     STR_INIT("\x04" REF3 T999 "\0\0" F64 LABEL "\x01\x02" F64 LABEL),
     {STR_INIT("\x04" REF2 T1000 "\0\0" F64 LABEL)},
     2,
     1},
    {"histograms",
     STR_INIT("\x07" REF3 T999 "\x01\x02" HIST "\0\0" HIST "\0\x04" HIST),
     {STR_INIT("\x07" REF2 T1000 "\0\0" HIST "\x02\x02" HIST)},
     3,
     1},
    {"all histograms, with bases of none of them",
     STR_INIT("\x07" REF3 T999 "\x01\x02" HIST),
     {STR_INIT("\x07" REF3 T999 "\x01\x02" HIST)},
     1,
     0},
    {"float histograms",
     STR_INIT("\x08" REF3 T999 "\x01\x02" FHIST "\0\0" FHIST),
     {STR_INIT("\x08" REF2 T1000 "\0\0" FHIST)},
     2,
     1},
    {"custom histograms",
     STR_INIT("\x09" REF3 T999 "\x01\x02" CUSTOM "\0\0" CUSTOM),
     {STR_INIT("\x09" REF2 T1000 "\0\0" CUSTOM)},
     2,
     1},
    {"custom float histograms",
     STR_INIT("\x0a" REF3 T999 "\x01\x02" FCUSTOM "\0\0" FCUSTOM),
     {STR_INIT("\x0a" REF2 T1000 "\0\0" FCUSTOM)},
     2,
     1},
    {"all samples with starts",
     STR_INIT("\x0b\x04\xd0\x0f\x02" F64 "\0\x02\x01" F64),
     {STR_INIT("\x0b\x04\xd0\x0f\x02" F64 "\0\x02\x01" F64)},
     2,
     0},
    {"samples with starts",
     STR_INIT("\x0b\x06\xce\x0f\x02" F64 "\x01\x02\x01" F64 "\0\x04\x00" F64),
     {STR_INIT("\x02" REF2 T1000 "\0\0" F64 "\0\x02" F64)},
     3,
     1},
    {"histograms with starts, of both kinds",
     STR_INIT("\x0c\x06\xce\x0f\x02" HIST "\x01\x02\x01" HIST "\0\x02\x01" CUSTOM "\0\x04\0" HIST),
     {STR_INIT("\x07" REF2 T1000 "\0\0" HIST "\0\x02" HIST),
      STR_INIT("\x09" REF2 T1000 "\0\0" CUSTOM)},
     4,
     1},
    {"custom histograms with starts",
     STR_INIT("\x0c\x06\xce\x0f\x02" CUSTOM "\x01\x02\x01" CUSTOM),
     {STR_INIT("\x09" REF2 T1000 "\0\0" CUSTOM)},
     2,
     1},
    {"float histograms with starts",
     STR_INIT("\x0d\x06\xce\x0f\x02" FHIST "\x01\x02\x01" FCUSTOM "\0\x02\x01" FHIST),
     {STR_INIT("\x08" REF2 T1000 "\0\0" FHIST), STR_INIT("\x0a" REF2 T1000 "\0\0" FCUSTOM)},
     3,
     1},
    {"histogram of an unknown schema",
     STR_INIT("\x07" REF2 T999 "\0\0" HIST "\0\x02\x00\x7e" F64 "\x01\x02" F64 "\0\0\0\0"),
     {STR_INIT("\x07" REF2 T1000 "\0\0\x00\x7e" F64 "\x01\x02" F64 "\0\0\0\0")},
     2,
     1},
    {"marks", STR_INIT("\x05" REF3 REF3), {STR_INIT("\x05" REF3 REF3)}, 0, 0},
    {"later type", STR_INIT("\x0e???"), {STR_INIT("\x0e???")}, 0, 0},
    {"last type", STR_INIT("\xff"), {STR_INIT("\xff")}, 0, 0},
};

static bool
keep_even(void *arg, uint64_t ref)
{
    (*(size_t *)arg)++;
    return ref % 2 == 0;
}

static size_t asked;
static const struct checkpoint_filter filter = {
    .keep_series = keep_even, .arg = &asked, .mint_ms = 1000};

static struct checkpoint_count
sum(const struct checkpoint_stats *s)
{
    const struct checkpoint_count all[] = {s->series, s->samples, s->tombstones, s->exemplars,
                                           s->metadata};
    struct checkpoint_count total = {0, 0};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        total.total += all[i].total;
        total.dropped += all[i].dropped;
    }
    return total;
}

START_TEST(test_records)
{
    const char *name = cases[_i].name;
    AUTO(checkpoint_sift_fini) struct checkpoint_sift s;
    checkpoint_sift_init(&s, &filter);
    struct str kept[2] = {{NULL, 0}, {NULL, 0}};
    for (int round = 1; round <= 2; round++) { /* nothing is left of the first one */
        size_t count = 9;
        CK_OK(checkpoint_sift_record(&s, cases[_i].in, kept, &count));
        ROW_ASSERT(name, count == (size_t)(cases[_i].out[0].n > 0) + (cases[_i].out[1].n > 0));
        for (size_t i = 0; i < count; i++)
            ROW_ASSERT(name, str_eq(kept[i], cases[_i].out[i]));
        if (count > 0 && cases[_i].dropped == 0)
            ROW_ASSERT(name, kept[0].p == cases[_i].in.p); /* not even copied */
        ROW_ASSERT(name, sum(&s.stats).total == (size_t)round * cases[_i].total);
        ROW_ASSERT(name, sum(&s.stats).dropped == (size_t)round * cases[_i].dropped);
        bool other = cases[_i].total == 0 && count > 0;
        ROW_ASSERT(name, s.stats.other_records == (other ? (size_t)round : 0));
    }
}
END_TEST

START_TEST(test_malformed)
{
    static const struct str records[] = {
        STR_INIT("\x01\x00"),  STR_INIT("\x02" REF2 T1000 "\x00"),
        STR_INIT("\x03" REF2), STR_INIT("\x04" REF2 T1000 "\x00"),
        STR_INIT("\x06\x01"),  STR_INIT("\x07" REF2 T1000 "\x00"),
        STR_INIT("\x08\x00"),  STR_INIT("\x09" REF2 T1000 "\0\0" HIST "\0"),
        STR_INIT("\x0a\x00"),  STR_INIT("\x0b\x04\xd0\x0f\x02\x00"),
        STR_INIT("\x0c\x04"),  STR_INIT("\x0d\x04\xd0\x0f\x02\x00"),
    };
    AUTO(checkpoint_sift_fini) struct checkpoint_sift s;
    checkpoint_sift_init(&s, &filter);
    struct str kept[2];
    size_t count;
    CK_ERR(ERR_CORRUPT, checkpoint_sift_record(&s, records[_i], kept, &count));
    ck_assert_uint_eq(sum(&s.stats).total, 0);
}
END_TEST

#define HELP1                                                                                      \
    "\x01\x04HELP\x01"                                                                             \
    "1"
#define HELP2                                                                                      \
    "\x01\x04HELP\x01"                                                                             \
    "2"
/* The newest one of each series that is kept, with fields that we do not know. */
START_TEST(test_metadata)
{
    static const struct str in[] = {
        STR_INIT("\x06\x04\x01" HELP1 "\x02\x01" HELP1 "\x03\x01" HELP1),
        STR_INIT("\x06\x04\x01" HELP1),                                  /* the same again */
        STR_INIT("\x06\x02\x09\x01\x03new\x01?"),                        /* other fields */
        STR_INIT("\x06\x84\x01\x00\x00\x04\x02" HELP2 "\x04\x01" HELP2), /* twice in one */
    };
    static const struct str want[] = {STR_INIT("\x06\x02\x09\x01\x03new\x01?\x04\x01" HELP2),
                                      STR_INIT("\x06\x84\x01\x00\x00")};
    AUTO(checkpoint_sift_fini) struct checkpoint_sift s;
    checkpoint_sift_init(&s, &filter);
    for (size_t i = 0; i < ARRAY_LEN(in); i++) {
        struct str kept[2];
        size_t count = 9;
        CK_OK(checkpoint_sift_record(&s, in[i], kept, &count));
        ck_assert_uint_eq(count, 0);
    }
    ck_assert_uint_eq(s.stats.metadata.total, 8);
    ck_assert_uint_eq(s.stats.metadata.dropped, 5); /* three series are left */
    AUTO(buf_fini) struct buf out = BUF_INIT;
    struct sift_ends ends = VEC_INIT;
    checkpoint_sift_metadata(&s, 12, &out, &ends);
    ck_assert_uint_eq(ends.n, 2);
    ck_assert_uint_eq(ends.v[1], out.n);
    ck_assert(str_eq(str_of(out.p, ends.v[0]), want[0]));
    ck_assert(str_eq(str_skip(buf_str(&out), ends.v[0]), want[1]));
    vec_fini(&ends);
}
END_TEST

START_TEST(test_no_metadata)
{
    AUTO(checkpoint_sift_fini) struct checkpoint_sift s;
    checkpoint_sift_init(&s, &filter);
    AUTO(buf_fini) struct buf out = BUF_INIT;
    struct sift_ends ends = VEC_INIT;
    checkpoint_sift_metadata(&s, 1, &out, &ends);
    ck_assert_uint_eq(out.n + ends.n, 0);
}
END_TEST

Suite *
checkpoint_sift_suite(void)
{
    Suite *s = suite_create("checkpoint_sift");
    TCase *t = tcase_create("checkpoint_sift");
    tcase_add_loop_test(t, test_records, 0, ARRAY_LEN(cases));
    tcase_add_loop_test(t, test_malformed, 0, 12);
    tcase_add_test(t, test_metadata);
    tcase_add_test(t, test_no_metadata);
    suite_add_tcase(s, t);
    return s;
}
