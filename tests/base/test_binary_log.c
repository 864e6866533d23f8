/* Binary logarithms and powers as Go has them, to the last bit. */
#include "base/binary_log.h"

#include <math.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "tests/harness.h"

struct row {
    double v, want;
};

/* Of Go 1.26 on amd64: math.Log2(), math.Exp2(). */
static const struct row logs[] = {
    {0x1.8p+01, 0x1.95c01a39fbd69p+00},
    {0x1.999999999999ap-04, -0x1.a934f0979a371p+01},
    {0x1.8p+00, 0x1.2b803473f7ad2p-01},
    {0x1.2688b70e62bp-1030, -0x1.01730dabca5f6p+10},
    {0x1.7e43c8800759cp+996, 0x1.f24a09f1a8b89p+09},
    {0x1.6a09e667f3bccp-01, -0x1.0000000000001p-01},
    {0x1.6a09e667f3bcdp-01, -0x1.ffffffffffffep-02},
    {0x1.921fb54442d18p+01, 0x1.a6c873498ddf7p+00},
    {0x1.d6f3454p+26, 0x1.ae12262b7b9fcp+04},
    {0x1.fffffffffffffp-01, -0x1.71547652b82fep-53},
    {0x1.0000000000001p+00, 0x1.8p-52},
    {1, 0},
    {0x1p-1074, -1074},
    {0, -INFINITY},
    {-1, NAN},
    {INFINITY, INFINITY},
    {-INFINITY, NAN},
    {NAN, NAN},
};

static const struct row powers[] = {
    {0x1p-01, 0x1.6a09e667f3bccp+00},
    {-0x1p-01, 0x1.6a09e667f3bccp-01},
    {0x1.999999999999ap-04, 0x1.125fbee250664p+00},
    {0x1.95c01a39fbd69p+00, 0x1.8000000000001p+01},
    {-0x1.a666666666666p+01, 0x1.9fdf8bcce533ep-04},
    {0x1.fff3333333333p+09, 0x1.ddb680117aa8ep+1023},
    {-0x1.0c6p+10, 0x1p-1074},
    {-0x1.0913333333333p+10, 0x1.9fep-1061},
    {0x1.79ca10c924223p-67, 1},
    {0x1.48p+03, 0x1.306fe0a31b715p+10},
    {0x1.ffffffffffffep-02, 0x1.6a09e667f3bccp+00},
    {0, 1},
    {-1074, 0x1p-1074},
    {1023, 0x1p1023},
    {1024, INFINITY},
    {-1075, 0},
    {INFINITY, INFINITY},
    {-INFINITY, 0},
    {NAN, NAN},
};

static void
check(const struct row *r, double got)
{
    bool same = isnan(r->want) ? isnan(got) : bits_of_f64(got) == bits_of_f64(r->want);
    ck_assert_msg(same, "of %a: %a, not %a", r->v, got, r->want);
}

START_TEST(test_log)
{
    check(&logs[_i], binary_log(logs[_i].v));
}
END_TEST

START_TEST(test_power)
{
    check(&powers[_i], binary_power(powers[_i].v));
}
END_TEST

Suite *
binary_log_suite(void)
{
    Suite *s = suite_create("binary_log");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, test_log, 0, (int)ARRAY_LEN(logs));
    tcase_add_loop_test(t, test_power, 0, (int)ARRAY_LEN(powers));
    suite_add_tcase(s, t);
    return s;
}
