/* Spans of time, chunks without deleted samples, and chunks over the same time made one. */
#include "tests/harness.h"

#include <stdio.h>

#include "base/bytes.h"
#include "tsdb/chunk/recode.h"

/* "1-3 5-5" */
static size_t
parse_spans(const char *text, struct interval *to)
{
    size_t n = 0;
    for (struct str rest = str_of_cstr(text); rest.n > 0; n++) {
        struct str one = str_split(&rest, ' ');
        CK_OK(str_parse_i64(str_split(&one, '-'), &to[n].mint_ms));
        CK_OK(str_parse_i64(one, &to[n].maxt_ms));
    }
    return n;
}

static const struct join_case {
    const char *in, *want;
} join_cases[] = {
    {"", ""}, {"1-2", "1-2"}, {"5-6 1-2", "1-2 5-6"}, {"1-2 3-4", "1-4"}, {"1-2 4-4", "1-2 4-4"},
    {"1-9 2-3", "1-9"},
    {"2-3 1-9 5-12", "1-12"}, {"1-1 1-1", "1-1"},
    {"3-9223372036854775807 1-1", "1-1 3-9223372036854775807"},
};

START_TEST(test_join)
{
    const struct join_case *c = &join_cases[_i];
    struct interval v[8], want[8];
    size_t n = intervals_join(v, parse_spans(c->in, v)), want_n = parse_spans(c->want, want);
    ROW_ASSERT(c->in, n == want_n);
    for (size_t i = 0; i < n; i++)
        ROW_ASSERT(c->in, v[i].mint_ms == want[i].mint_ms && v[i].maxt_ms == want[i].maxt_ms);
}
END_TEST

static const struct cover_case {
    const char *spans;
    int64_t mint, maxt;
    bool touch, cover;
} cover_cases[] = {
    {"", 1, 2, false, false},          {"3-5", 1, 2, false, false}, {"3-5", 6, 9, false, false},
    {"3-5", 1, 3, true, false},        {"3-5", 5, 9, true, false},  {"3-5", 3, 5, true, true},
    {"3-5", 4, 4, true, true},         {"3-5", 2, 6, true, false},  {"3-5 7-9", 6, 6, false, false},
    {"3-5 7-9", 4, 8, true, false},    {"3-5 7-9", 8, 9, true, true},
};

START_TEST(test_cover)
{
    const struct cover_case *c = &cover_cases[_i];
    struct interval v[8];
    size_t n = parse_spans(c->spans, v);
    ck_assert_msg(intervals_touch(v, n, c->mint, c->maxt) == c->touch, "row %d", _i);
    ck_assert_msg(intervals_cover(v, n, c->mint, c->maxt) == c->cover, "row %d", _i);
}
END_TEST

/* "1 2=7 3|4 5": chunks with samples at these times, value = chunk number unless it is given. */
static void
make_chunks(struct arena *a, const char *text, struct chunk_views *to)
{
    int number = 0;
    for (struct str rest = str_of_cstr(text); rest.n > 0; number++) {
        AUTO(sample_columns_fini) struct sample_columns s = SAMPLE_COLUMNS_INIT;
        for (struct str chunk = str_split(&rest, '|'); chunk.n > 0;) {
            struct str word = str_split(&chunk, ' ');
            int64_t value = number;
            sample_columns_reserve(&s, 1);
            CK_OK(str_parse_i64(str_split(&word, '='), &s.t_ms[s.n]));
            if (word.n > 0)
                CK_OK(str_parse_i64(word, &value));
            s.bits[s.n++] = bits_of_f64((double)value);
        }
        recode_floats(&s, a, to);
    }
}

/* The same form, always with values. */
static const char *
print_chunks(struct arena *a, const struct chunk_views *chunks)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    for (size_t i = 0; i < chunks->n; i++) {
        const struct chunk_view *c = &chunks->v[i];
        AUTO(sample_columns_fini) struct sample_columns s = SAMPLE_COLUMNS_INIT;
        buf_append(&text, i ? STR("|") : STR(""));
        CK_OK(chunk_decode_floats(c, INT64_MIN, INT64_MAX, &s));
        ck_assert(s.t_ms[0] == c->mint_ms && s.t_ms[s.n - 1] == c->maxt_ms);
        for (size_t k = 0; k < s.n; k++)
            buf_printf(&text, "%s%jd=%g", k ? " " : "", (intmax_t)s.t_ms[k],
                       f64_of_bits(s.bits[k]));
    }
    return arena_str(a, buf_str(&text)).p;
}

static const struct overlap_case {
    const char *name, *in, *want;
} overlap_cases[] = {
    {"nothing", "", ""},
    {"one", "1 2 3", "1=0 2=0 3=0"},
    {"in order", "1 2|3 4", "1=0 2=0|3=1 4=1"},
    {"out of order", "3 4|1 2", "1=1 2=1|3=0 4=0"},
    {"interleaved", "1 3|2 4", "1=0 2=1 3=0 4=1"},
    {"one inside the other", "1 9|4 5", "1=0 4=1 5=1 9=0"},
    {"the first wins", "1 2 3|2 3 4", "1=0 2=0 3=0 4=1"},
    {"the first wins, also when it starts later", "2 3 4|1 2 3", "1=1 2=0 3=0 4=0"},
    {"touching at one time", "1 2|2 3", "1=0 2=0 3=1"},
    {"equal chunks", "1=5 2=5|1=5 2=5", "1=5 2=5"},
    {"two groups", "1 3|2 4|7 9|8 8", "1=0 2=1 3=0 4=1|7=2 8=3 9=2"},
    {"a chain", "1 4|3 6|5 8|9", "1=0 3=1 4=0 5=2 6=1 8=2|9=3"},
    {"three at one time", "5|5=1|5=2", "5=0"},
};

START_TEST(test_overlaps)
{
    const struct overlap_case *c = &overlap_cases[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct chunk_views chunks = VEC_INIT;
    make_chunks(&a, c->in, &chunks);
    CK_OK(recode_overlaps(&chunks, &a));
    const char *got = print_chunks(&a, &chunks);
    ck_assert_msg(strcmp(got, c->want) == 0, "%s: %s", c->name, got);
    vec_fini(&chunks);
}
END_TEST

static const struct without_case {
    const char *in, *gone, *want;
} without_cases[] = {
    {"1 2 3", "", "1=0 2=0 3=0"},      {"1 2 3", "4-9", "1=0 2=0 3=0"}, {"1 2 3", "2-2", "1=0 3=0"},
    {"1 2 3", "1-1", "2=0 3=0"},       {"1 2 3", "0-9", ""},            {"1 2 3", "1-3", ""},
    {"1 3 5", "2-2 4-4", "1=0 3=0 5=0"}, {"1 3 5", "0-1 3-3 5-7", ""},
};

START_TEST(test_without)
{
    const struct without_case *c = &without_cases[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct interval gone[8];
    size_t n = parse_spans(c->gone, gone);
    struct chunk_views chunks = VEC_INIT, left = VEC_INIT;
    make_chunks(&a, c->in, &chunks);
    CK_OK(recode_without(&chunks.v[0], gone, n, &a, &left));
    ck_assert_str_eq(print_chunks(&a, &left), c->want);
    vec_fini(&chunks);
    vec_fini(&left);
}
END_TEST

START_TEST(test_long_merge_is_cut)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(sample_columns_fini) struct sample_columns s = SAMPLE_COLUMNS_INIT;
    sample_columns_reserve(&s, 1000);
    for (s.n = 0; s.n < 1000; s.n++) { /* worst case values: each takes its 19 bytes */
        s.t_ms[s.n] = (int64_t)s.n * ((int64_t)1 << 40) + (int64_t)(s.n % 2);
        s.bits[s.n] = s.n * UINT64_C(0x9e3779b97f4a7c15);
    }
    struct chunk_views chunks = VEC_INIT;
    recode_floats(&s, &a, &chunks);
    ck_assert_uint_eq(chunks.n, 1000 / RECODE_SAMPLES + 1);
    AUTO(sample_columns_fini) struct sample_columns back = SAMPLE_COLUMNS_INIT;
    vec_each (&chunks, c)
        CK_OK(chunk_decode_floats(c, INT64_MIN, INT64_MAX, &back));
    ck_assert_uint_eq(back.n, 1000);
    ck_assert(memcmp(back.t_ms, s.t_ms, 1000 * sizeof *s.t_ms) == 0);
    ck_assert(memcmp(back.bits, s.bits, 1000 * sizeof *s.bits) == 0);
    vec_fini(&chunks);
}
END_TEST

START_TEST(test_no_floats)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct chunk_view h = {1, 5, CHUNK_HISTOGRAM, STR("\x00\x01zz")};
    struct interval gone[] = {{2, 3}}, all[] = {{0, 9}}, none[] = {{7, 8}};
    struct chunk_views to = VEC_INIT;
    CK_ERR(ERR_UNIMPLEMENTED, recode_without(&h, gone, 1, &a, &to));
    CK_OK(recode_without(&h, all, 1, &a, &to));
    ck_assert_uint_eq(to.n, 0);
    CK_OK(recode_without(&h, none, 1, &a, &to));
    make_chunks(&a, "3 4", &to);
    CK_OK(recode_overlaps(&to, &a)); /* left as they are, in order */
    ck_assert_uint_eq(to.n, 2);
    struct chunk_view bad = {1, 5, CHUNK_XOR, STR("\x00\x09zz")};
    CK_ERR(ERR_CORRUPT, recode_without(&bad, gone, 1, &a, &to));
    vec_fini(&to);
}
END_TEST

Suite *
recode_suite(void)
{
    Suite *s = suite_create("recode");
    TCase *t = tcase_create("core");
    tcase_add_loop_test(t, test_join, 0, ARRAY_LEN(join_cases));
    tcase_add_loop_test(t, test_cover, 0, ARRAY_LEN(cover_cases));
    tcase_add_loop_test(t, test_overlaps, 0, ARRAY_LEN(overlap_cases));
    tcase_add_loop_test(t, test_without, 0, ARRAY_LEN(without_cases));
    tcase_add_test(t, test_long_merge_is_cut);
    tcase_add_test(t, test_no_floats);
    suite_add_tcase(s, t);
    return s;
}
