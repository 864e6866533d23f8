/* The notation of test series: every form that Prometheus' own scripts may use. */
#include "tests/querygw/series_notation.h"

#include "base/bytes.h"
#include "tests/harness.h"
#include "tests/tsdb/histogram_kit.h"

/* Values as text, one after the other. */
static const char *
text_of(const struct notation_series *s, struct arena *a)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    for (size_t i = 0; i < s->n; i++) {
        const struct notation_value *v = &s->v[i];
        const char *gap = i > 0 ? "; " : "";
        if (v->kind == NOTATION_OMITTED)
            buf_printf(&text, "%s_", gap);
        else if (v->kind == NOTATION_HISTOGRAM)
            buf_printf(&text, "%s%s%s", gap, kit_float_text(v->histogram, a),
                       v->has_hint ? " told" : "");
        else if (v->bits == STALE_NAN_BITS)
            buf_printf(&text, "%sstale", gap);
        else
            kit_put_number(&text, gap, f64_of_bits(v->bits));
    }
    return arena_str(a, buf_str(&text)).p;
}

static const struct notation_case {
    const char *line, *want;
} notation_cases[] = {
    {"m", ""},
    {"m 1 -2.5e3 NaN +Inf", "1; -2500; NaN; +Inf"},
    {"m 1x2 1+2x2 5-0.5x1", "1; 1; 1; 1; 3; 5; 5; 4.5"},
    {"m _ _x2 stale", "_; _; _; stale"},
    {"m{a=\"b\"} {{}}", "f s=0 zt=0 zc=0 n=0 sum=0"},
    {"m {{ }}", "f s=0 zt=0 zc=0 n=0 sum=0"},
    {"m {{schema:-1 sum:-3.5 count:8 z_bucket:1 z_bucket_w:0.5 buckets:[1 0 2] offset:-2 "
     "n_buckets:[4] n_offset:3}}",
     "f s=-1 zt=0.5 zc=1 n=8 sum=-3.5 p=-2:1,0,2 m=3:4"},
    {"m {{schema:-53 count:3 sum:4 custom_values:[-1 2.5e3] buckets:[1 2]}}",
     "f s=-53 zt=0 zc=0 n=3 sum=4 p=0:1,2 b=-1,2500"},
    {"m {{count:-1 buckets:[-1.5 NaN]}}", "f s=0 zt=0 zc=0 n=-1 sum=0 p=0:-1.5,NaN"},
    {"m {{counter_reset_hint:unknown}}", "f s=0 zt=0 zc=0 n=0 sum=0 told"},
    {"m {{counter_reset_hint:reset}}", "f s=0 zt=0 zc=0 n=0 sum=0 hint=reset told"},
    {"m {{counter_reset_hint:not_reset}}", "f s=0 zt=0 zc=0 n=0 sum=0 hint=not told"},
    {"m {{counter_reset_hint:gauge sum:1}}", "f s=0 zt=0 zc=0 n=0 sum=1 hint=gauge told"},
    {"m {{count:1}}x1 2", "f s=0 zt=0 zc=0 n=1 sum=0; f s=0 zt=0 zc=0 n=1 sum=0; 2"},
    {"m {{count:1 buckets:[1]}}+{{count:2 buckets:[1 1]}}x2",
     "f s=0 zt=0 zc=0 n=1 sum=0 p=0:1; f s=0 zt=0 zc=0 n=3 sum=0 p=0:2,1; "
     "f s=0 zt=0 zc=0 n=5 sum=0 p=0:3,2"},
    {"m {{count:4 buckets:[4] counter_reset_hint:gauge}}-{{count:1 buckets:[1]}}x1 _",
     "f s=0 zt=0 zc=0 n=4 sum=0 p=0:4 hint=gauge; f s=0 zt=0 zc=0 n=3 sum=0 p=0:3 hint=gauge; _"},
};

START_TEST(test_notation)
{
    const struct notation_case *c = &notation_cases[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct notation_series s;
    CK_OK(notation_parse(&a, str_of_cstr(c->line), &s));
    const char *got = text_of(&s, &a);
    ck_assert_msg(strcmp(got, c->want) == 0, "%s: %s", c->line, got);
}
END_TEST

static const char *const bad_lines[] = {
    "m 1x",
    "m x",
    "m {{",
    "m {{sum:x}}",
    "m {{sums:1}}",
    "m {{buckets:1}}",
    "m {{buckets:[1}}",
    "m {{counter_reset_hint:maybe}}",
    "m {{schema:-53 custom_values:[1]}}+{{}}x1",
};

START_TEST(test_bad_notation)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct notation_series s;
    CK_ERR(ERR_INVALID, notation_parse(&a, str_of_cstr(bad_lines[_i]), &s));
}
END_TEST

Suite *
series_notation_suite(void)
{
    Suite *s = suite_create("series_notation");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, test_notation, 0, (int)ARRAY_LEN(notation_cases));
    tcase_add_loop_test(t, test_bad_notation, 0, (int)ARRAY_LEN(bad_lines));
    suite_add_tcase(s, t);
    return s;
}
