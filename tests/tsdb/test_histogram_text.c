/* Histograms as text: as Prometheus prints them, golden; and the ends of what there is. */
#include "tsdb/model/histogram_text.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

#include "base/fs.h"
#include "tests/harness.h"
#include "tests/tsdb/histogram_kit.h"

enum { GOLDEN_LINES_MIN = 100 };

static const char *
text_of(const char *histogram, struct arena *a)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    struct histogram h = kit_parse(histogram, a);
    histogram_format(&h, &text);
    return arena_str(a, buf_str(&text)).p;
}

/* tests/data/histogram_texts.go: every bound of schema 8, all schemas, both kinds. */
START_TEST(test_golden)
{
    AUTO(buf_fini) struct buf golden = BUF_INIT;
    char path[512];
    snprintf(path, sizeof path, "%s/tests/data/tsdb/histogram-texts.txt", getenv("srcdir"));
    CK_OK(fs_read_file(fs_posix(), path, 1 << 20, &golden));
    size_t lines = 0;
    for (struct str rest = buf_str(&golden); rest.n > 0; lines++) {
        AUTO(arena_fini) struct arena a;
        arena_init(&a, 0);
        struct str line = str_split(&rest, '\n'), histogram = str_split(&line, '|');
        ck_assert_uint_gt(histogram.n, 1);
        histogram.n--; /* the space before the bar, and that behind it */
        const char *want = arena_str(&a, str_of(line.p + 1, line.n - 1)).p;
        ck_assert_str_eq(text_of(arena_str(&a, histogram).p, &a), want);
    }
    ck_assert_uint_ge(lines, GOLDEN_LINES_MIN);
}
END_TEST

static const struct text_case {
    const char *name, *histogram, *want;
} text_cases[] = {
    {"nothing", "i", "{count:0, sum:0}"},
    {"nothing, floats", "f", "{count:0, sum:0}"},
    {"stale", "i sum=stale", "{count:0, sum:NaN}"},
    {"zero bucket without width", "i n=3 zc=3", "{count:3, sum:0, [-0,0]:3}"},
    {"both sides", "i n=10 sum=1.5 zt=0.5 zc=1 p=1:2,0,3 m=0:1/1:3",
     "{count:10, sum:1.5, [-4,-2):3, [-1,-0.5):1, [-0.5,0.5]:1, (1,2]:2, (4,8]:3}"},
    {"parts of observations", "f n=1.5 sum=-1 s=1 p=1:0.25,1e6",
     "{count:1.5, sum:-1, (1,1.414213562373095]:0.25, (1.414213562373095,2]:1e+06}"},
    {"own bounds", "i s=-53 n=6 b=-1,0,2.5 p=0:1,2,0,3",
     "{count:6, sum:0, [-Inf,-1]:1, (-1,0]:2, (2.5,+Inf]:3}"},
    {"no bounds", "i s=-53 n=1 p=0:1", "{count:1, sum:0, [-Inf,+Inf]:1}"},
};

START_TEST(test_text)
{
    const struct text_case *c = &text_cases[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    const char *got = text_of(c->histogram, &a);
    ck_assert_msg(strcmp(got, c->want) == 0, "%s: %s", c->name, got);
}
END_TEST

static const struct bound_case {
    const char *name;
    int32_t schema;
    int64_t index;
    double want;
} bound_cases[] = {
    {"one", 0, 0, 1},
    {"one, fine", 8, 0, 1},
    {"two, fine", 8, 256, 2},
    {"a half", 8, -256, 0.5},
    {"below one", 1, -1, 0.7071067811865475},
    {"coarse", -4, 1, 65536},
    {"reserved", -9, 1, 0x1p512},
    {"last of all", 0, 1024, DBL_MAX},
    {"last of all, fine", 8, 1024 * 256, DBL_MAX},
    {"last of all, coarse", -4, 64, DBL_MAX},
    {"behind it", 0, 1025, INFINITY},
    {"behind it, fine", 8, 1024 * 256 + 1, INFINITY},
    {"far behind it, coarse", -4, HISTOGRAM_INDEX_MAX, INFINITY},
    {"least", 0, -1074, 0x1p-1074},
    {"below all", 0, -1076, 0},
    {"far below all, coarse", -4, -HISTOGRAM_INDEX_MAX, 0},
};

START_TEST(test_bound)
{
    const struct bound_case *c = &bound_cases[_i];
    double got = histogram_bound(c->schema, c->index);
    ck_assert_msg(got == c->want, "%s: %.17g", c->name, got);
}
END_TEST

/* Each is above the one before, in every schema: roots that are rounded do not meet. */
START_TEST(test_bounds_ascend)
{
    for (int32_t schema = HISTOGRAM_SCHEMA_MIN; schema <= HISTOGRAM_SCHEMA_MAX; schema++) {
        for (int64_t i = -600; i < 600; i++) {
            double low = histogram_bound(schema, i), high = histogram_bound(schema, i + 1);
            ck_assert_msg(low < high || low == 0 || low == INFINITY, "schema %d, bucket %jd",
                          schema, (intmax_t)i);
        }
    }
}
END_TEST

Suite *
histogram_text_suite(void)
{
    Suite *s = suite_create("histogram_text");
    TCase *t = tcase_create("all");
    tcase_add_test(t, test_golden);
    tcase_add_loop_test(t, test_text, 0, (int)ARRAY_LEN(text_cases));
    tcase_add_loop_test(t, test_bound, 0, (int)ARRAY_LEN(bound_cases));
    tcase_add_test(t, test_bounds_ascend);
    suite_add_tcase(s, t);
    return s;
}
