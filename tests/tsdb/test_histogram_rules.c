/* Whether a histogram continues a chunk, by the rules of both kinds; each row for one of them. */
#include "tests/harness.h"

#include <string.h>

#include "base/bytes.h"
#include "tests/tsdb/histogram_kit.h"
#include "tsdb/chunk/histogram_rules.h"
#include "tsdb/model/histogram_spans.h"

enum {
    U = CHUNK_FLAG_UNKNOWN,
    N = CHUNK_FLAG_NO_RESET,
    R = CHUNK_FLAG_RESET,
    G = CHUNK_FLAG_GAUGE,
};
enum { FITS = HISTOGRAM_FITS, WIDENED = HISTOGRAM_WIDENED, RECODED = HISTOGRAM_RECODED };
enum { CUT = HISTOGRAM_CUT };

#define BASE "n=9 zc=1 zt=0.5 s=2 p=0:3,2/2:0,3 "
/* `kind` is put in front of both. */
static const struct rule_case {
    const char *name, *kinds; /* "if": both */
    int chunk;                /* its flag */
    const char *last, *next;
    int fit;
    int cut_integer, cut_float;     /* flag of the chunk that a cut begins */
    int first_integer, first_float; /* flag of a chunk that is begun anyway */
} rule_cases[] = {
    /* name, kinds, chunk, last, next, fit, cut i, cut f, first i, first f */
    {"the same", "if", U, BASE, BASE, FITS, 0, 0, N, N},
    {"more", "if", N, BASE, BASE "n=10 p=0:3,2/2:0,4", FITS, 0, 0, N, N},
    {"a hint that it goes on", "if", U, BASE, BASE "hint=no", FITS, 0, 0, N, N},
    {"a hint of a reset", "if", U, BASE, BASE "hint=reset", CUT, R, R, R, R},
    {"count falls", "if", U, BASE, BASE "n=8", CUT, R, R, R, R},
    {"count falls, other schema", "if", U, BASE, BASE "n=8 s=3", CUT, R, R, R, R},
    {"zero count falls", "if", U, BASE, BASE "zc=0", CUT, R, R, R, R},
    {"a bucket falls", "if", U, BASE, BASE "p=0:3,1/2:0,4", CUT, R, R, R, R},
    {"a later bucket falls", "if", U, BASE, BASE "p=0:3,3/2:0,2", CUT, R, R, R, R},
    {"other schema", "if", U, BASE, BASE "n=99 s=3", CUT, U, U, U, N},
    {"other threshold", "if", U, BASE, BASE "zt=1", CUT, U, U, U, N},
    {"threshold -0 is 0", "if", U, BASE "zt=0", BASE "zt=-0", FITS, 0, 0, N, N},
    {"new bucket", "if", U, BASE, BASE "p=0:3,2,1/1:0,3", RECODED, 0, 0, N, N},
    {"new empty bucket", "if", U, BASE, BASE "p=0:3,2,0/1:0,3", RECODED, 0, 0, N, N},
    {"new bucket in front", "if", U, BASE, BASE "p=-3:1/2:3,2/2:0,3", RECODED, 0, 0, N, N},
    {"new side", "if", U, BASE, BASE "m=0:1", RECODED, 0, 0, N, N},
    {"an empty bucket goes", "if", U, BASE, BASE "p=0:3,2/3:3", WIDENED, 0, 0, N, N},
    {"a used bucket goes", "if", U, BASE, BASE "n=99 p=0:3,2/2:9", CUT, R, R, R, R},
    {"the last used bucket goes", "if", U, BASE, BASE "n=99 p=0:9", CUT, R, R, R, R},
    {"one comes, an empty one goes", "if", U, BASE, BASE "p=0:3,2,1/2:3", RECODED, 0, 0, N, N},
    {"spans cut otherwise", "if", U, BASE, BASE "p=0:3/0:2/1:/1:0,3", FITS, 0, 0, N, N},
    {"spans cut otherwise, a bucket falls", "if", U, BASE, BASE "p=0:3/0:1/1:/1:0,3", CUT, R, R, R,
     R},
    {"marker", "if", U, BASE, "sum=stale", FITS, 0, 0, N, N},
    {"marker after marker", "if", U, "sum=stale", "sum=stale", FITS, 0, 0, N, N},
    {"after a marker", "if", U, "sum=stale " BASE, BASE, CUT, U, U, U, N},
    {"a marker that says reset", "if", U, BASE, "sum=stale hint=reset", CUT, R, R, R, R},
    {"custom", "if", U, "s=-53 n=1 p=0:1 b=1,2", "s=-53 n=1 p=0:1 b=1,2", FITS, 0, 0, N, N},
    {"other bounds", "if", U, "s=-53 n=1 p=0:1 b=1,2", "s=-53 n=9 p=0:9 b=1,3", CUT, R, R, R, R},
    {"more bounds", "if", U, "s=-53 n=1 p=0:1 b=1,2", "s=-53 n=9 p=0:9 b=1,2,3", CUT, R, R, R, R},
    {"bound -0 is 0", "if", U, "s=-53 b=0,2", "s=-53 b=-0,2", FITS, 0, 0, N, N},
    {"custom after exponential", "if", U, BASE "n=0 zc=0", "s=-53 b=1", CUT, U, U, U, N},
    {"gauge after counter", "if", N, BASE, BASE "hint=gauge", CUT, G, G, G, G},
    {"counter after gauge", "if", G, BASE "hint=gauge", BASE, CUT, N, U, N, N},
    {"reset after gauge", "if", G, BASE "hint=gauge", BASE "n=1", CUT, N, U, N, N},
    {"hint of a reset after gauge", "if", G, BASE, BASE "hint=reset", CUT, N, U, R, R},
    {"plain marker after gauge", "if", G, BASE "hint=gauge", "sum=stale", CUT, N, U, N, N},
    {"gauge falls", "if", G, BASE, BASE "hint=gauge n=1 zc=0 p=0:0,0/2:0,1", FITS, 0, 0, G, G},
    {"gauge's used bucket goes", "if", G, BASE, BASE "hint=gauge p=0:3,2", WIDENED, 0, 0, G, G},
    {"gauge's new bucket", "if", G, BASE, BASE "hint=gauge p=0:3,2/2:0,3,1", RECODED, 0, 0, G, G},
    {"gauge, both", "if", G, BASE, BASE "hint=gauge p=9:1", RECODED, 0, 0, G, G},
    {"gauge, other schema", "if", G, BASE, BASE "hint=gauge s=1", CUT, G, G, G, G},
    {"gauge, other threshold", "if", G, BASE, BASE "hint=gauge zt=1", CUT, G, G, G, G},
    {"gauge, other bounds", "if", G, "s=-53 b=1", "s=-53 b=2 hint=gauge", CUT, G, G, G, G},
    {"gauge's marker", "if", G, BASE, "sum=stale hint=gauge", FITS, 0, 0, G, G},
    {"gauge after a marker", "if", G, "sum=stale", BASE "hint=gauge", CUT, G, G, G, G},
    {"half an observation less", "f", U, "n=1", "n=0.5", CUT, R, R, R, R},
    {"half a bucket less", "f", U, "p=0:1", "p=0:0.5", CUT, R, R, R, R},
    {"NaN is neither more nor less", "f", U, "n=1 p=0:1", "n=NaN p=0:NaN", FITS, 0, 0, N, N},
    {"an empty bucket of -0", "f", U, "p=0:-0", "p=1:1", RECODED, 0, 0, N, N},
    {"counts above 2^63", "i", U, "n=9223372036854775807", "n=9223372036854775808", FITS, 0, 0, N,
     N},
};

static void
check_rule(const struct rule_case *c, const char *kind)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    bool integer = kind[0] == 'i';
    const char *last_text = arena_printf(&a, "%s %s", kind, c->last).p;
    const char *next_text = arena_printf(&a, "%s %s", kind, c->next).p;
    struct histogram last = kit_parse(last_text, &a), next = kit_parse(next_text, &a);
    struct histogram_verdict v = histogram_decide(&last, (enum chunk_flag)c->chunk, &next, &a);
    ck_assert_msg((int)v.fit == c->fit, "%s (%s): %d", c->name, kind, (int)v.fit);
    if (v.fit == HISTOGRAM_CUT)
        ck_assert_msg((int)v.flag == (integer ? c->cut_integer : c->cut_float),
                      "%s (%s): cut with flag %d", c->name, kind, (int)v.flag);
    enum chunk_flag first = histogram_first_flag(&last, (enum chunk_flag)c->chunk, &next);
    ck_assert_msg((int)first == (integer ? c->first_integer : c->first_float),
                  "%s (%s): begins with flag %d", c->name, kind, (int)first);
    first = histogram_first_flag(NULL, CHUNK_FLAG_UNKNOWN, &next);
    ROW_ASSERT(c->name, first == (next.reset == HISTOGRAM_GAUGE       ? CHUNK_FLAG_GAUGE
                                  : next.reset == HISTOGRAM_RESET_YES ? CHUNK_FLAG_RESET
                                                                      : CHUNK_FLAG_UNKNOWN));
    if (v.fit == HISTOGRAM_CUT || histogram_is_stale(&next))
        return;
    uint64_t buckets[64]; /* both have room in the layout */
    histogram_spread(last.kind, last.positive_spans, last.positive, v.positive, buckets);
    histogram_spread(next.kind, next.positive_spans, next.positive, v.positive, buckets);
    struct histogram wide = next;
    wide.positive_spans = v.positive;
    wide.positive = (struct histogram_words){buckets, histogram_spans_buckets(v.positive)};
    ROW_ASSERT(c->name, kit_counts_same(&wide, &next));
}

START_TEST(test_rules)
{
    const struct rule_case *c = &rule_cases[_i];
    if (strchr(c->kinds, 'i'))
        check_rule(c, "i");
    if (strchr(c->kinds, 'f'))
        check_rule(c, "f");
}
END_TEST

/* Which of the equivalent spans a layout gets: Prometheus' choice decides bytes. */
static const struct layout_case {
    const char *name, *last, *next, *positive, *negative;
} layout_cases[] = {
    {"new buckets: the histogram's own cuts", "i p=0:1/1:1 m=0:1,1", "i p=0:1,0/0:1 m=0:1/0:1",
     "i p=0:0,0/0:0", "i p=0:0/0:0"},
    {"both ways: that side is joined", "i p=0:0/1:1 m=0:1,1", "i p=1:1,1 m=0:1/0:1", "i p=0:0,0,0",
     "i p=0:0/0:0"},
    {"widened: the chunk's", "i p=0:0/0:1 m=0:1,1", "i p=1:1 m=0:1/0:1", "i p=0:0/0:0",
     "i p=0:0,0"},
    {"gauge, new buckets: its own", "i hint=gauge p=0:1/1:1 m=0:1,1",
     "i hint=gauge p=0:1,0/0:1 m=0:1/0:1", "i p=0:0,0/0:0", "i p=0:0/0:0"},
    {"gauge, both ways: both sides", "i hint=gauge p=0:1/1:1 m=0:1,1",
     "i hint=gauge p=1:1,1 m=0:1/0:1", "i p=0:0,0,0", "i p=0:0,0"},
};

static void
check_same_spans(const char *name, struct histogram_spans got, struct histogram_spans want)
{
    ROW_ASSERT(name, got.n == want.n);
    ROW_ASSERT(name, memcmp(got.v, want.v, got.n * sizeof *got.v) == 0);
}

START_TEST(test_layouts)
{
    const struct layout_case *c = &layout_cases[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct histogram last = kit_parse(c->last, &a), next = kit_parse(c->next, &a);
    enum chunk_flag flag = last.reset == HISTOGRAM_GAUGE ? CHUNK_FLAG_GAUGE : CHUNK_FLAG_UNKNOWN;
    struct histogram_verdict v = histogram_decide(&last, flag, &next, &a);
    ROW_ASSERT(c->name, v.fit != HISTOGRAM_CUT);
    check_same_spans(c->name, v.positive, kit_parse(c->positive, &a).positive_spans);
    check_same_spans(c->name, v.negative, kit_parse(c->negative, &a).positive_spans);
}
END_TEST

Suite *
histogram_rules_suite(void)
{
    Suite *s = suite_create("histogram_rules");
    TCase *t = tcase_create("core");
    tcase_add_loop_test(t, test_rules, 0, ARRAY_LEN(rule_cases));
    tcase_add_loop_test(t, test_layouts, 0, ARRAY_LEN(layout_cases));
    suite_add_tcase(s, t);
    return s;
}
