/* Spans, however they are cut, stand for lists of buckets. */
#include "tests/harness.h"

#include <stdio.h>
#include <string.h>

#include "tests/tsdb/histogram_kit.h"
#include "tsdb/model/histogram_spans.h"

/* "-3:2 4:1": offset and length of each span. */
static struct histogram_spans
parse_spans(const char *text, struct arena *a)
{
    struct str rest = str_of_cstr(text);
    struct histogram_span *v = ARENA_ARRAY(a, struct histogram_span, rest.n);
    size_t n = 0;
    for (; rest.n > 0; n++) {
        struct str span = str_split(&rest, ' ');
        int64_t offset, length;
        CK_OK(str_parse_i64(str_split(&span, ':'), &offset));
        CK_OK(str_parse_i64(span, &length));
        v[n] = (struct histogram_span){(int32_t)offset, (uint32_t)length};
    }
    return (struct histogram_spans){v, n};
}

static const struct check_case {
    const char *spans;
    enum spans_fault_kind want;
    size_t buckets_or_span;
} check_cases[] = {
    {"", SPANS_SOUND, 0},
    {"-5:3", SPANS_SOUND, 3},
    {"-5:3 0:2 4:0 1:1", SPANS_SOUND, 6},
    {"0:0", SPANS_SOUND, 0},
    {"0:65536", SPANS_SOUND, 65536},
    {"1073741823:1", SPANS_SOUND, 1},
    {"-1073741824:1", SPANS_SOUND, 1},
    {"0:1 -1:1", SPANS_NEGATIVE_OFFSET, 1},
    {"0:1 2:0 -2147483648:1", SPANS_NEGATIVE_OFFSET, 2},
    {"0:65537", SPANS_MANY, 0},
    {"0:65536 1:1", SPANS_MANY, 1},
    {"0:4294967295", SPANS_MANY, 0},
    {"1073741824:1", SPANS_INDEX, 0},
    {"-1073741825:1", SPANS_INDEX, 0},
    {"1073741820:1 2147483647:0", SPANS_INDEX, 1},
};

START_TEST(test_check)
{
    const struct check_case *c = &check_cases[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct histogram_spans s = parse_spans(c->spans, &a);
    size_t buckets = 0;
    struct spans_fault f = histogram_spans_check(s, &buckets);
    ROW_ASSERT(c->spans, f.kind == c->want);
    ROW_ASSERT(c->spans, (f.kind ? f.span : buckets) == c->buckets_or_span);
    if (f.kind == SPANS_SOUND)
        ROW_ASSERT(c->spans, histogram_spans_buckets(s) == buckets);
}
END_TEST

START_TEST(test_too_many_spans)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    size_t buckets, n = HISTOGRAM_BUCKETS_MAX;
    struct histogram_span *v = ARENA_ARRAY(&a, struct histogram_span, n + 1);
    struct histogram_spans full = {v, n}, above = {v, n + 1};
    ck_assert_int_eq(histogram_spans_check(full, &buckets).kind, SPANS_SOUND);
    ck_assert_int_eq(histogram_spans_check(above, &buckets).kind, SPANS_MANY);
}
END_TEST

/* x, y, what both are together; "same" in place of the last when they are the same buckets. */
static const struct {
    const char *x, *y, *want;
} union_cases[] = {
    {"", "", "same"},
    {"", "3:0", "same"},
    {"-3:2 4:1", "-3:2 4:1", "same"},
    {"-3:2 0:2", "-3:4", "same"},
    {"-3:1 1:0 1:1", "-3:1 2:1", "same"},
    {"", "-3:2", "-3:2"},
    {"5:1", "3:1", "3:1 1:1"},
    {"5:1", "4:1", "4:2"},
    {"0:2 2:1", "2:2", "0:5"},
    {"0:1 3:1", "1:1 1:1", "0:2 1:2"},
    {"-4:1", "7:2", "-4:1 10:2"},
    {"0:1 1:1 1:1", "1:1 1:1", "0:5"},
    {"-1073741824:1", "1073741823:1", "-1073741824:1 2147483646:1"},
};

START_TEST(test_union)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct histogram_spans x = parse_spans(union_cases[_i].x, &a);
    struct histogram_spans y = parse_spans(union_cases[_i].y, &a);
    bool same = strcmp(union_cases[_i].want, "same") == 0;
    ck_assert_msg(histogram_spans_same(x, y) == same, "row %d", _i);
    ck_assert_msg(histogram_spans_same(y, x) == same, "row %d", _i);
    if (same)
        return;
    struct histogram_spans want = parse_spans(union_cases[_i].want, &a);
    for (int swap = 0; swap < 2; swap++) {
        struct histogram_spans got = histogram_spans_union(swap ? y : x, swap ? x : y, &a);
        ck_assert_msg(got.n == want.n, "row %d: %zu spans", _i, got.n);
        ck_assert_msg(memcmp(got.v, want.v, got.n * sizeof *got.v) == 0, "row %d", _i);
    }
}
END_TEST

Suite *
histogram_spans_suite(void)
{
    Suite *s = suite_create("histogram_spans");
    TCase *t = tcase_create("core");
    tcase_add_loop_test(t, test_check, 0, ARRAY_LEN(check_cases));
    tcase_add_test(t, test_too_many_spans);
    tcase_add_loop_test(t, test_union, 0, ARRAY_LEN(union_cases));
    suite_add_tcase(s, t);
    return s;
}
