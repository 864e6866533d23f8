/* Spans of time, chunks without deleted samples, and chunks over the same time made one. */
#include "tests/harness.h"

#include <stdio.h>

#include "base/bytes.h"
#include "tests/tsdb/histogram_kit.h"
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
    {"", ""},
    {"1-2", "1-2"},
    {"5-6 1-2", "1-2 5-6"},
    {"1-2 3-4", "1-4"},
    {"1-2 4-4", "1-2 4-4"},
    {"1-9 2-3", "1-9"},
    {"2-3 1-9 5-12", "1-12"},
    {"1-1 1-1", "1-1"},
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
    {"", 1, 2, false, false},       {"3-5", 1, 2, false, false},   {"3-5", 6, 9, false, false},
    {"3-5", 1, 3, true, false},     {"3-5", 5, 9, true, false},    {"3-5", 3, 5, true, true},
    {"3-5", 4, 4, true, true},      {"3-5", 2, 6, true, false},    {"3-5 7-9", 6, 6, false, false},
    {"3-5 7-9", 4, 8, true, false}, {"3-5 7-9", 8, 9, true, true},
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

/* An observation count as a histogram: "h5" integer, "f5" float, "g5" a gauge, "s" a marker. */
static struct histogram
parse_histogram(struct arena *a, struct str text)
{
    const char *n = arena_str(a, str_skip(text, 1)).p;
    switch (text.p[0]) {
    case 'h':
        return kit_parse(arena_printf(a, "i n=%s p=0:%s", n, n).p, a);
    case 'g':
        return kit_parse(arena_printf(a, "i hint=gauge n=%s p=0:%s", n, n).p, a);
    case 'f':
        return kit_parse(arena_printf(a, "f n=%s p=0:%s", n, n).p, a);
    default:
        return kit_parse("i sum=stale", a);
    }
}

static const char *
print_histogram(struct arena *a, const struct histogram *h)
{
    if (histogram_is_stale(h))
        return "s";
    if (h->kind == HISTOGRAM_FLOAT)
        return arena_printf(a, "f%g", f64_of_bits(h->count)).p;
    return arena_printf(a, "%s%ju", h->reset == HISTOGRAM_GAUGE ? "g" : "h", (uintmax_t)h->count).p;
}

static bool
is_float(struct str word)
{
    return word.n == 0 || (word.p[0] >= '0' && word.p[0] <= '9');
}

/* "1 2=7 3|4=h5 5=h6": chunks with samples at these times, value = chunk number unless it is
 * given. A chunk is of floats or of histograms. */
static void
make_chunks(struct arena *a, const char *text, struct chunk_views *to)
{
    int number = 0;
    for (struct str rest = str_of_cstr(text); rest.n > 0; number++) {
        AUTO(sample_columns_fini) struct sample_columns s = SAMPLE_COLUMNS_INIT;
        AUTO(histogram_columns_fini) struct histogram_columns h = HISTOGRAM_COLUMNS_INIT;
        for (struct str chunk = str_split(&rest, '|'); chunk.n > 0;) {
            struct str word = str_split(&chunk, ' ');
            int64_t value = number, t_ms;
            CK_OK(str_parse_i64(str_split(&word, '='), &t_ms));
            if (!is_float(word)) {
                histogram_columns_reserve(&h, 1);
                h.t_ms[h.n] = t_ms;
                h.values[h.n++] = parse_histogram(a, word);
                continue;
            }
            if (word.n > 0)
                CK_OK(str_parse_i64(word, &value));
            sample_columns_reserve(&s, 1);
            s.t_ms[s.n] = t_ms;
            s.bits[s.n++] = bits_of_f64((double)value);
        }
        ck_assert(s.n == 0 || h.n == 0);
        recode_floats(&s, a, to);
        recode_histograms(&h, a, to);
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
        AUTO(histogram_columns_fini) struct histogram_columns h = HISTOGRAM_COLUMNS_INIT;
        int64_t mint, maxt;
        CK_OK(chunk_check(c->encoding, c->data, &mint, &maxt));
        ck_assert(mint == c->mint_ms && maxt == c->maxt_ms);
        buf_append(&text, i ? STR("|") : STR(""));
        if (chunk_holds_histograms(c->encoding))
            CK_OK(chunk_decode_histograms(c, INT64_MIN, INT64_MAX, a, &h));
        else
            CK_OK(chunk_decode_floats(c, INT64_MIN, INT64_MAX, &s));
        for (size_t k = 0; k < s.n; k++)
            buf_printf(&text, "%s%jd=%g", k ? " " : "", (intmax_t)s.t_ms[k],
                       f64_of_bits(s.bits[k]));
        for (size_t k = 0; k < h.n; k++)
            buf_printf(&text, "%s%jd=%s", k ? " " : "", (intmax_t)h.t_ms[k],
                       print_histogram(a, &h.values[k]));
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
    {"many at one time", "1 5 9|2 5 8|3 5 7|5 6", "1=0 2=1 3=2 5=0 6=3 7=2 8=1 9=0"},
    {"the first lies within", "4 5|1 9|4 9", "1=1 4=0 5=0 9=1"},
    {"a late start of the first", "6 7|1 8|2 6 7|6 9", "1=1 2=2 6=0 7=0 8=1 9=3"},
    {"bytes that do not ascend", "1 3 2|2 4", "1=0 2=0 3=0 4=1"},
    {"histograms", "1=h1 3=h3|2=h2 4=h4", "1=h1 2=h2 3=h3 4=h4"},
    {"equal histograms", "1=h1 2=h2|1=h1 2=h2", "1=h1 2=h2"},
    {"histograms, the first wins", "1=h1 2=h2|1=h5 3=h6", "1=h1 2=h2 3=h6"},
    {"a reset between", "1=h5 3=h6|2=h1 4=h7", "1=h5|2=h1 3=h6 4=h7"},
    {"float histograms", "1=f1 3=f3|2=f2", "1=f1 2=f2 3=f3"},
    {"gauges fall", "1=g5 3=g6|2=g1", "1=g5 2=g1 3=g6"},
    {"gauges and counters", "1=g1 3=g3|2=h2", "1=g1|2=h2|3=g3"},
    {"a marker ends a chunk", "1=h1 3=h3|2=s", "1=h1 2=s|3=h3"},
    {"kinds: integer and float", "1=h1 3=h3|2=f2 4=f4", "1=h1|2=f2|3=h3|4=f4"},
    {"kinds: floats too", "1 4|2=h2 3=h3", "1=0|2=h2 3=h3|4=0"},
    {"kinds at one time", "1=h1 2=h2|2=9 3=9", "1=h1 2=h2|3=9"},
    {"kinds at one time, the float first", "2 3|1=h1 2=h2", "1=h1|2=0 3=0"},
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
    {"1 2 3", "", "1=0 2=0 3=0"},
    {"1 2 3", "4-9", "1=0 2=0 3=0"},
    {"1 2 3", "2-2", "1=0 3=0"},
    {"1 2 3", "1-1", "2=0 3=0"},
    {"1 2 3", "0-9", ""},
    {"1 2 3", "1-3", ""},
    {"1=h1 2=h2 3=h3", "2-2", "1=h1 3=h3"},
    {"1=h1 2=h2 3=h3", "4-9", "1=h1 2=h2 3=h3"},
    {"1=h1 2=h2 3=h3", "1-3", ""},
    {"1=h1 2=h2 3=h3", "1-2", "3=h3"},
    {"1=f1 3=f2 5=f3", "0-1 3-3 5-7", ""},
    {"1=g3 2=g2 3=g1", "1-1", "2=g2 3=g1"},
    {"1=h1 2=h2 3=s", "2-2", "1=h1 3=s"},
    {"1 3 5", "2-2 4-4", "1=0 3=0 5=0"},
    {"1 3 5", "0-1 3-3 5-7", ""},
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

/* At most RECODE_SAMPLES a chunk, and of buckets that come and go nothing is lost. */
START_TEST(test_long_histograms)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(histogram_columns_fini) struct histogram_columns s = HISTOGRAM_COLUMNS_INIT;
    AUTO(histogram_columns_fini) struct histogram_columns back = HISTOGRAM_COLUMNS_INIT;
    struct kit_series series = kit_series_of(3, HISTOGRAM_INTEGER, 2);
    histogram_columns_reserve(&s, 500);
    for (; s.n < 500; s.n++) {
        series.calm = s.n < 300; /* then resets, markers, gauges */
        series.kind = s.n % 100 == 99 ? HISTOGRAM_FLOAT : HISTOGRAM_INTEGER;
        s.t_ms[s.n] = (int64_t)s.n;
        s.values[s.n] = kit_next(&series, &a);
    }
    struct chunk_views chunks = VEC_INIT;
    recode_histograms(&s, &a, &chunks);
    ck_assert_uint_gt(chunks.n, 20);
    size_t longest = 0;
    vec_each (&chunks, c) {
        size_t count, from = back.n;
        CK_OK(chunk_sample_count(c, &count));
        longest = size_max(longest, count);
        CK_OK(chunk_decode_histograms(c, INT64_MIN, INT64_MAX, &a, &back));
        ck_assert(back.t_ms[from] == c->mint_ms && back.t_ms[back.n - 1] == c->maxt_ms);
    }
    ck_assert(longest <= RECODE_SAMPLES && longest > 20);
    ck_assert_uint_eq(back.n, s.n);
    for (size_t i = 0; i < s.n; i++) {
        ck_assert_int_eq(back.t_ms[i], s.t_ms[i]);
        ck_assert_msg(kit_counts_same(&back.values[i], &s.values[i]), "sample %zu", i);
    }
    vec_fini(&chunks);
}
END_TEST

/* Chunks that we do not write are read, and become ones that we do. */
START_TEST(test_start_timestamps)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct chunk_view xor2 = {1000, 1030, CHUNK_XOR2,
                              STR("\x00\x03\x80\xd0\x0f\x3f\xf0\x00\x00\x00\x00\x00\x00\xc8\x01"
                                  "\x0f\x50\x97\xff\xc0")}; /* the example of chunk/README.md */
    struct interval gone[] = {{1010, 1020}};
    struct chunk_views to = VEC_INIT;
    CK_OK(recode_without(&xor2, gone, 1, &a, &to));
    ck_assert_int_eq(to.v[0].encoding, CHUNK_XOR);
    ck_assert_str_eq(print_chunks(&a, &to), "1000=1 1030=2");
    make_chunks(&a, "1001=h1", &to);
    vec_push(&to, xor2);
    CK_OK(recode_overlaps(&to, &a));
    ck_assert_str_eq(print_chunks(&a, &to), "1000=1|1001=h1|1015=1 1030=2");
    vec_fini(&to);
}
END_TEST

START_TEST(test_bad_chunks)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    static const struct {
        int encoding;
        enum err_code code;
    } rows[] = {
        {CHUNK_XOR, ERR_CORRUPT},
        {CHUNK_HISTOGRAM, ERR_CORRUPT},
        {CHUNK_FLOAT_HISTOGRAM, ERR_CORRUPT},
        {CHUNK_XOR2, ERR_CORRUPT},
        {CHUNK_HISTOGRAM_ST, ERR_CORRUPT},
        {CHUNK_FLOAT_HISTOGRAM_ST, ERR_CORRUPT},
        {CHUNK_NONE, ERR_CORRUPT},
        {7, ERR_UNIMPLEMENTED},
    };
    struct interval gone[] = {{2, 3}}, all[] = {{0, 9}}, none[] = {{7, 8}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct chunk_views to = VEC_INIT;
        struct chunk_view bad = {1, 5, (enum chunk_encoding)rows[i].encoding, STR("\x00\x09zz")};
        CK_ERR(rows[i].code, recode_without(&bad, gone, 1, &a, &to));
        CK_OK(recode_without(&bad, all, 1, &a, &to)); /* nobody has to look into it */
        ck_assert_uint_eq(to.n, 0);
        CK_OK(recode_without(&bad, none, 1, &a, &to));
        ck_assert_uint_eq(to.n, 1);
        make_chunks(&a, "3 4", &to);
        CK_ERR(rows[i].code, recode_overlaps(&to, &a));
        vec_fini(&to);
    }
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
    tcase_add_test(t, test_long_histograms);
    tcase_add_test(t, test_start_timestamps);
    tcase_add_test(t, test_bad_chunks);
    suite_add_tcase(s, t);
    return s;
}
