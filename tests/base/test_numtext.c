/* Floats print and read as Go's strconv prints and reads them. The rows of floats.json were
 * printed by Go; a larger file of the same form is used where it stands beside the sources. */
#include "tests/harness.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/numtext.h"
#include "base/rand.h"
#include "tests/base/golden.h"

static bool
same_value(double a, double b)
{
    return isnan(a) ? isnan(b) : bits_of_f64(a) == bits_of_f64(b);
}

START_TEST(test_api_golden)
{
    json_t *root = golden_load("floats.json", (enum golden)_i);
    json_t *row;
    size_t i;
    json_array_foreach(json_object_get(root, "cases"), i, row)
    {
        double v = f64_of_bits(strtoull(json_string_value(json_array_get(row, 0)), NULL, 16));
        struct str want = str_of_cstr(json_string_value(json_array_get(row, 1)));
        want = str_of(want.p + 1, want.n - 2); /* the quotes of the API's JSON */
        char text[NUMTEXT_BYTES_MAX];
        struct str got = str_of(text, numtext_api(v, text));
        ck_assert_msg(str_eq(got, want), "%.*s, want %.*s", STR_FMT(got), STR_FMT(want));
        double back;
        CK_OK(numtext_parse(got, &back));
        ck_assert_msg(same_value(v, back), "%.*s does not read back", STR_FMT(got));
    }
    json_decref(root);
}
END_TEST

static const struct format_case {
    double v;
    const char *f, *e, *g;
} format_cases[] = {
    {0, "0", "0e+00", "0"},
    {-0.0, "-0", "-0e+00", "-0"},
    {1, "1", "1e+00", "1"},
    {0.25, "0.25", "2.5e-01", "0.25"},
    {100000, "100000", "1e+05", "100000"},
    {999999, "999999", "9.99999e+05", "999999"},
    {1e6, "1000000", "1e+06", "1e+06"},
    {123456789, "123456789", "1.23456789e+08", "1.23456789e+08"},
    {0.0001, "0.0001", "1e-04", "0.0001"},
    {0.00001, "0.00001", "1e-05", "1e-05"},
    {1e23, "100000000000000000000000", "1e+23", "1e+23"},
    {-1.5e100,
     "-15000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
     "000000000",
     "-1.5e+100", "-1.5e+100"},
    {HUGE_VAL, "+Inf", "+Inf", "+Inf"},
    {-HUGE_VAL, "-Inf", "-Inf", "-Inf"},
    {NAN, "NaN", "NaN", "NaN"},
};

START_TEST(test_format)
{
    const struct format_case *c = &format_cases[_i];
    char text[NUMTEXT_BYTES_MAX];
    ROW_ASSERT(c->g, str_eq(str_of(text, numtext_f(c->v, text)), str_of_cstr(c->f)));
    ROW_ASSERT(c->g, str_eq(str_of(text, numtext_e(c->v, text)), str_of_cstr(c->e)));
    ROW_ASSERT(c->g, str_eq(str_of(text, numtext_g(c->v, text)), str_of_cstr(c->g)));
}
END_TEST

static const struct parse_case {
    const char *text;
    double want;
} parse_cases[] = {
    {"1", 1},
    {"+1", 1},
    {"-1.", -1},
    {".5", 0.5},
    {"0_1", 1},
    {"1_700", 1700},
    {"1_0.5", 10.5},
    {"1e1_0", 1e10},
    {"1E3", 1000},
    {"-0", -0.0},
    {"-0e99999999999", -0.0},
    {"1e-400", 0},
    {"-1e-99999999999", -0.0},
    {"4.9e-324", 5e-324},
    {"2e-324", 0},
    {"1.7976931348623157e308", 0x1.fffffffffffffp1023},
    {"inf", HUGE_VAL},
    {"+INF", HUGE_VAL},
    {"-Infinity", -HUGE_VAL},
    {"NaN", NAN},
    {"nan", NAN},
    {"0x1p-2", 0.25},
    {"0X1P+2", 4},
    {"0x.8p0", 0.5},
    {"0x_1p-2", 0.25},
    {"0x1_0p4", 256},
    {"-0x1p-2000", -0.0},
    {"0x1p-1074", 5e-324},
    {"0x1.8p-1074", 1e-323},
    {"0x1p-1080", 0},
    {"0x1.fffffffffffff7p0", 0x1.fffffffffffffp0},
    {"0x1.fffffffffffff8p0", 2},
    {"0x10000000000000801p0", 0x1.0000000000001p64},
    {"0x0.0000000000000000001p80", 16},
    {"0.000000000000000000000000000000000000001e40", 10},
    {"9007199254740993", 9007199254740992},
    {"9007199254740993.00000000000000000000000000000001", 9007199254740994},
};

START_TEST(test_parse)
{
    const struct parse_case *c = &parse_cases[_i];
    double got = 42;
    struct err e = numtext_parse(str_of_cstr(c->text), &got);
    ck_assert_msg(e.code == ERR_NONE, "%s: %s", c->text, err_text(&e));
    ck_assert_msg(same_value(got, c->want), "%s: got %a", c->text, got);
}
END_TEST

static const char *const bad_texts[] = {
    "",         " ",
    "1 ",       " 1",
    "+",        "-",
    ".",        "e5",
    "5e",       ".5e",
    "1e+",      "1e5.",
    "1.2.3",    "1,5",
    "--1",      "+-1",
    "+nan",     "-nan",
    "infi",     "infinit",
    "nanx",     "infinityx",
    "0x",       "0x1",
    "0x.p1",    "0x1p",
    "0x1e5",    "0xgp1",
    "0b1",      "0o7",
    "_1",       "1_",
    "1__0",     "1_e3",
    "1e_3",     "1._5",
    "1_.5",     "0_x1p1",
    "0x1_p1",   "1e400",
    "-1e400",   "1e99999999999",
    "0x1p1024", "0x1.fffffffffffff8p1023",
    "1.8e308",  "1f",
    "1e5_",     "0x__1p1",
    "\xff",     "1\xff",
};

START_TEST(test_refused)
{
    double got = 42;
    struct err e = numtext_parse(str_of_cstr(bad_texts[_i]), &got);
    ck_assert_msg(e.code == ERR_INVALID, "\"%s\" was accepted as %a", bad_texts[_i], got);
    ck_assert(got == 42);
    err_drop(e);
}
END_TEST

/* The digits of a text alone: without sign, point, exponent and zeros around them. */
static struct str
digits_of(const char *text, size_t n, char *to)
{
    size_t count = 0, end = 0;
    for (size_t i = 0; i < n && text[i] != 'e'; i++) {
        if (text[i] < '0' || text[i] > '9' || (text[i] == '0' && count == 0))
            continue;
        to[count++] = text[i];
        end = text[i] == '0' ? end : count;
    }
    return str_of(to, end);
}

static void
check_plain_digits(double v)
{
    if (!isfinite(v))
        return;
    char f[NUMTEXT_BYTES_MAX], e[NUMTEXT_BYTES_MAX];
    char digits_f[NUMTEXT_BYTES_MAX], digits_e[NUMTEXT_BYTES_MAX];
    size_t nf = numtext_f(v, f), ne = numtext_e(v, e);
    ck_assert_msg(str_eq(digits_of(f, nf, digits_f), digits_of(e, ne, digits_e)), "%.*s, but %.*s",
                  (int)nf, f, (int)ne, e);
    double back;
    CK_OK(numtext_parse(str_of(f, nf), &back));
    ck_assert_msg(same_value(v, back), "%.*s does not read back", (int)nf, f);
}

/* Plain text takes short cuts; its digits are those of the exponent form, and it reads back. */
START_TEST(test_plain_digits)
{
    struct rand_gen rng = rand_gen_of(7);
    for (int exponent = -30; exponent < 60; exponent++) /* at powers of 2 intervals are lopsided */
        for (int ulps = -3; ulps <= 3; ulps++)
            check_plain_digits(f64_of_bits(bits_of_f64(ldexp(1, exponent)) + (uint64_t)ulps));
    for (size_t i = 0; i < 1000000; i++) {
        uint64_t whole = rand_u64(&rng) >> rand_below(&rng, 64);
        double v = i % 3 == 0   ? f64_of_bits(rand_u64(&rng))
                   : i % 3 == 1 ? (double)whole / pow(10, (double)rand_below(&rng, 20))
                                : ldexp((double)(int64_t)whole, -(int)rand_below(&rng, 64));
        check_plain_digits(v);
    }
}
END_TEST

START_TEST(test_whole_numbers)
{
    uint64_t power = 1;
    for (size_t digits = 1; digits <= 20; digits++, power *= 10) {
        uint64_t around[] = {power - 1, power, power + 1, power + power / 2};
        for (size_t i = 0; i < ARRAY_LEN(around); i++) {
            char got[NUMTEXT_U64_BYTES_MAX], want[NUMTEXT_U64_BYTES_MAX + 1];
            int n = snprintf(want, sizeof want, "%ju", (uintmax_t)around[i]);
            ck_assert_uint_eq(numtext_u64(around[i], got), (size_t)n);
            ck_assert_mem_eq(got, want, n);
        }
    }
    char got[NUMTEXT_U64_BYTES_MAX];
    ck_assert(str_eq(str_of(got, numtext_u64(UINT64_MAX, got)), STR("18446744073709551615")));
    numtext_four_digits(42, got);
    ck_assert(str_eq(str_of(got, 4), STR("0042")));
}
END_TEST

/* Every form of a random double reads back to it; so do more digits than a double has. */
START_TEST(test_read_back)
{
    struct rand_gen g = rand_gen_of(7);
    char text[NUMTEXT_BYTES_MAX];
    size_t (*const writers[])(double, char *) = {numtext_f, numtext_e, numtext_g, numtext_api};
    for (int i = 0; i < 20000; i++) {
        double v = f64_of_bits(rand_u64(&g)), back;
        size_t n = writers[i % 4](v, text);
        CK_OK(numtext_parse(str_of(text, n), &back));
        ck_assert_msg(same_value(v, back), "%a", v);
        if (!isfinite(v))
            continue;
        CK_OK(numtext_parse(str_of(text, (size_t)snprintf(text, sizeof text, "%.25e", v)), &back));
        ck_assert_msg(same_value(v, back), "%a", v);
        CK_OK(numtext_parse(str_of(text, (size_t)snprintf(text, sizeof text, "%a", v)), &back));
        ck_assert_msg(same_value(v, back), "%a", v);
    }
}
END_TEST

Suite *
numtext_suite(void)
{
    Suite *s = suite_create("numtext");
    TCase *t = tcase_create("numtext");
    tcase_add_loop_test(t, test_api_golden, 0, golden_count("floats.json"));
    tcase_add_loop_test(t, test_format, 0, ARRAY_LEN(format_cases));
    tcase_add_loop_test(t, test_parse, 0, ARRAY_LEN(parse_cases));
    tcase_add_loop_test(t, test_refused, 0, ARRAY_LEN(bad_texts));
    tcase_add_test(t, test_plain_digits);
    tcase_add_test(t, test_whole_numbers);
    tcase_add_test(t, test_read_back);
    suite_add_tcase(s, t);
    return s;
}
