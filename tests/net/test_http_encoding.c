/* Which coding a client's Accept-Encoding asks for. */
#include "base/mem.h"
#include "net/http_encoding.h"
#include "tests/harness.h"

static const struct encoding_case {
    const char *accept;
    enum codec want;
} encoding_cases[] = {
    {"gzip", CODEC_GZIP},
    {"GZIP", CODEC_GZIP},
    {"x-gzip", CODEC_GZIP},
    {"zstd", CODEC_ZSTD},
    {"gzip, deflate, br, zstd", CODEC_ZSTD},
    {"gzip;q=1.0, zstd;q=0.5", CODEC_GZIP},
    {"gzip ; q=0.001", CODEC_GZIP},
    {"zstd;q=0.9,gzip;q=0.901", CODEC_GZIP},
    {"deflate", CODEC_DEFLATE},
    {"deflate, gzip", CODEC_GZIP},
    {"gzip;q=0.5, Deflate;q=0.6", CODEC_DEFLATE},
    {"deflate, *;q=0", CODEC_DEFLATE},
    {"deflate;q=0", CODEC_NONE},
    {"identity;q=0.9, deflate;q=0.5", CODEC_NONE},
    {"*", CODEC_GZIP},
    {"*;q=0.5, gzip;q=0, zstd;q=0.4", CODEC_ZSTD},
    {"gzip;level=9", CODEC_GZIP},
    {"identity;q=0.5, gzip;q=0.5", CODEC_GZIP},
    {"", CODEC_NONE},
    {"br", CODEC_NONE},
    {"gzip;q=0", CODEC_NONE},
    {"gzip;q=0.000", CODEC_NONE},
    {"gzip;q=", CODEC_NONE},
    {"gzip;q=2", CODEC_NONE},
    {"gzip;q=1.001", CODEC_NONE},
    {"gzip;q=-1", CODEC_NONE},
    {"gzip;q=0.5.5", CODEC_NONE},
    {"gzip;q=0.12345", CODEC_NONE},
    {"identity, gzip;q=0.5", CODEC_NONE},
    {"gzip2, zst, ,;,=", CODEC_NONE},
};

START_TEST(test_choose)
{
    const struct encoding_case *c = &encoding_cases[_i];
    ROW_ASSERT(c->accept, http_encoding_choose(str_of_cstr(c->accept)) == c->want);
}
END_TEST

START_TEST(test_what_pays)
{
    ck_assert(http_encoding_pays(STR("application/json")));
    ck_assert(http_encoding_pays(STR("image/svg+xml")));
    ck_assert(!http_encoding_pays(STR("image/png")));
    ck_assert(!http_encoding_pays(STR("application/gzip")));
}
END_TEST

Suite *
http_encoding_suite(void)
{
    Suite *s = suite_create("http_encoding");
    TCase *t = tcase_create("http_encoding");
    tcase_add_loop_test(t, test_choose, 0, ARRAY_LEN(encoding_cases));
    tcase_add_test(t, test_what_pays);
    suite_add_tcase(s, t);
    return s;
}
