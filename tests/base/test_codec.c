/* What an encoder makes, its decoder gives back; every malformed, cut, or too large input is
 * refused, and the size is refused before the memory is taken. */
#include "tests/harness.h"

#include "base/assert.h"
#include "base/codec.h"
#include "base/mem.h"
#include "base/rand.h"

enum format { SNAPPY, ZSTD, GZIP, FORMATS };

static struct err
decode(enum format format, struct str in, size_t limit_bytes, struct buf *to)
{
    switch (format) {
    case SNAPPY:
        return snappy_decode(in, limit_bytes, to);
    case ZSTD:
        return zstd_decode(in, limit_bytes, to);
    case GZIP:
        return gzip_decode(in, limit_bytes, to);
    case FORMATS:
        break;
    }
    UNREACHABLE("every format stands above");
}

static void
encode(enum format format, struct str in, struct buf *to)
{
    switch (format) {
    case SNAPPY:
        snappy_encode(in, to);
        return;
    case ZSTD:
        zstd_encode(in, to);
        return;
    case GZIP:
        gzip_encode(in, to);
        return;
    case FORMATS:
        break;
    }
    UNREACHABLE("every format stands above");
}

#define GZIP_ABC                                                                                   \
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x4b\x4c\x4a\x06\x00\xc2\x41\x24\x35\x03\x00\x00\x00"
#define ZSTD_ABC   "\x28\xb5\x2f\xfd\x04\x58\x19\x00\x00\x61\x62\x63\x99\x09\x77\xad"
#define ZSTD_SIZED "\x28\xb5\x2f\xfd\x20\x03\x19\x00\x00\x61\x62\x63"

/* All with a limit of 3 bytes. */
static const struct decode_case {
    const char *name;
    enum format format;
    struct str in;
    enum err_code code;
} decode_cases[] = {
    {"snappy abc", SNAPPY,
     STR_INIT("\x03\x08"
              "abc"),
     ERR_NONE},
    {"snappy nothing at all", SNAPPY, STR_INIT(""), ERR_INVALID},
    {"snappy length cut short", SNAPPY, STR_INIT("\x80"), ERR_INVALID},
    {"snappy length of 33 bits", SNAPPY, STR_INIT("\xff\xff\xff\xff\x7f"), ERR_INVALID},
    {"snappy too large", SNAPPY,
     STR_INIT("\x04\x0c"
              "abcd"),
     ERR_TOO_LARGE},
    {"snappy 4 GiB announced", SNAPPY,
     STR_INIT("\xff\xff\xff\xff\x0f\x08"
              "abc"),
     ERR_TOO_LARGE},
    {"snappy literal cut short", SNAPPY,
     STR_INIT("\x03\x08"
              "ab"),
     ERR_INVALID},
    {"snappy copy before start", SNAPPY,
     STR_INIT("\x03\x00"
              "a\x05\x09"),
     ERR_INVALID},
    {"snappy more than announced", SNAPPY,
     STR_INIT("\x02\x08"
              "abc"),
     ERR_INVALID},
    {"snappy less than announced", SNAPPY,
     STR_INIT("\x03\x04"
              "ab"),
     ERR_INVALID},
    {"zstd abc, unknown size", ZSTD, STR_INIT(ZSTD_ABC), ERR_NONE},
    {"zstd abc, known size", ZSTD, STR_INIT(ZSTD_SIZED), ERR_NONE},
    {"zstd nothing at all", ZSTD, STR_INIT(""), ERR_INVALID},
    {"zstd no magic", ZSTD, STR_INIT("abcdefgh"), ERR_INVALID},
    {"zstd cut short", ZSTD, STR_INIT("\x28\xb5\x2f\xfd\x04\x58\x19\x00\x00\x61"), ERR_INVALID},
    {"zstd wrong checksum", ZSTD,
     STR_INIT("\x28\xb5\x2f\xfd\x04\x58\x19\x00\x00\x61\x62\x63\x98\x09\x77\xad"), ERR_INVALID},
    {"zstd two frames are too large", ZSTD, STR_INIT(ZSTD_ABC ZSTD_ABC), ERR_TOO_LARGE},
    {"zstd two sized frames too", ZSTD, STR_INIT(ZSTD_SIZED ZSTD_SIZED), ERR_TOO_LARGE},
    {"zstd rubbish behind it", ZSTD, STR_INIT(ZSTD_ABC "x"), ERR_INVALID},
    {"zstd 2^64-1 announced", ZSTD,
     STR_INIT("\x28\xb5\x2f\xfd\xe0\xf0\xff\xff\xff\xff\xff\xff\xff\x19\x00\x00"
              "abc"),
     ERR_TOO_LARGE},
    {"zstd window of 1 GiB", ZSTD,
     STR_INIT("\x28\xb5\x2f\xfd\x00\xa0\x19\x00\x00"
              "abc"),
     ERR_TOO_LARGE},
    {"gzip abc", GZIP, STR_INIT(GZIP_ABC), ERR_NONE},
    {"gzip nothing at all", GZIP, STR_INIT(""), ERR_INVALID},
    {"gzip no magic", GZIP, STR_INIT("abcdefgh"), ERR_INVALID},
    {"gzip header only", GZIP, STR_INIT("\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03"), ERR_INVALID},
    {"gzip zlib wrapping", GZIP, STR_INIT("\x78\x9c\x4b\x4c\x4a\x06\x00\x02\x4d\x01\x27"),
     ERR_INVALID},
    {"gzip wrong checksum", GZIP,
     STR_INIT("\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x4b\x4c\x4a\x06\x00\xc3\x41\x24\x35\x03\x00"
              "\x00\x00"),
     ERR_INVALID},
    {"gzip two members are too large", GZIP, STR_INIT(GZIP_ABC GZIP_ABC), ERR_TOO_LARGE},
    {"gzip rubbish behind it", GZIP, STR_INIT(GZIP_ABC "rubbish"), ERR_INVALID},
};

START_TEST(test_decode)
{
    const struct decode_case *c = &decode_cases[_i];
    AUTO(buf_fini) struct buf b = BUF_INIT;
    buf_append(&b, STR("<"));
    struct err e = decode(c->format, c->in, 3, &b);
    ck_assert_msg(e.code == c->code, "row \"%s\": %s", c->name, err_text(&e));
    err_drop(e);
    if (c->code == ERR_NONE)
        ROW_ASSERT(c->name, str_eq(buf_str(&b), STR("<abc")));
    ROW_ASSERT(c->name, b.cap < 1 << 20);
}
END_TEST

/* Several frames or members in a row are one text, as in the formats' own tools. */
START_TEST(test_concatenated)
{
    AUTO(buf_fini) struct buf b = BUF_INIT;
    CK_OK(zstd_decode(STR(ZSTD_ABC ZSTD_SIZED), 6, &b));
    CK_OK(gzip_decode(STR(GZIP_ABC GZIP_ABC), 6, &b));
    ck_assert(str_eq(buf_str(&b), STR("abcabcabcabc")));
}
END_TEST

static const size_t sizes[] = {0, 1, 100, 65535, 65536, 65537, 131073, 1000000};

START_TEST(test_round_trip)
{
    enum format format = (enum format)(_i % FORMATS);
    AUTO(buf_fini) struct buf bytes = BUF_INIT, packed = BUF_INIT, back = BUF_INIT;
    struct rand_gen g = rand_gen_of((uint64_t)_i);
    for (size_t i = 0; i < sizes[_i / FORMATS]; i++)
        buf_put_u8(&bytes, (uint8_t)(i % 3 ? rand_below(&g, 256) : 'a'));
    encode(format, buf_str(&bytes), &packed);
    CK_OK(decode(format, buf_str(&packed), bytes.n, &back)); /* exactly at the limit */
    ck_assert(str_eq(buf_str(&back), buf_str(&bytes)));
    if (bytes.n > 0)
        CK_ERR(ERR_TOO_LARGE, decode(format, buf_str(&packed), bytes.n - 1, &back));
    for (size_t cut = 0; cut < packed.n; cut += 1 + packed.n / 16) {
        struct err e = decode(format, str_of(packed.p, cut), bytes.n, &back);
        ck_assert(e.code == ERR_INVALID);
        err_drop(e);
    }
}
END_TEST

/* A bomb: 1 MiB of zeros behind a limit of 100 kB takes no more than the limit and a step. */
START_TEST(test_bomb)
{
    AUTO(buf_fini) struct buf zeros = BUF_INIT, packed = BUF_INIT, back = BUF_INIT;
    buf_reserve(&zeros, 1 << 20);
    memset(zeros.p, 0, 1 << 20);
    zeros.n = 1 << 20;
    encode((enum format)_i, buf_str(&zeros), &packed);
    CK_ERR(ERR_TOO_LARGE, decode((enum format)_i, buf_str(&packed), 100000, &back));
    ck_assert_uint_lt(back.cap, 300000);
}
END_TEST

START_TEST(test_deflate)
{
    AUTO(buf_fini) struct buf packed = BUF_INIT, back = BUF_INIT;
    codec_encode(CODEC_DEFLATE, STR("aaaaaaaaaaaaaaaaaaaa"), &packed);
    CK_OK(deflate_decode(buf_str(&packed), 20, &back));
    ck_assert(str_eq(buf_str(&back), STR("aaaaaaaaaaaaaaaaaaaa")));
    CK_ERR(ERR_TOO_LARGE, deflate_decode(buf_str(&packed), 19, &back));
    CK_ERR(ERR_INVALID, deflate_decode(str_of(packed.p, packed.n - 1), 20, &back));
    CK_ERR(ERR_INVALID, deflate_decode(STR(""), 20, &back));
    CK_ERR(ERR_INVALID, deflate_decode(STR("text"), 20, &back));
    buf_clear(&packed);
    gzip_encode(STR("a"), &packed);
    CK_ERR(ERR_INVALID, deflate_decode(buf_str(&packed), 20, &back)); /* another wrapping */
}
END_TEST

START_TEST(test_stream)
{
    static const enum codec codecs[] = {CODEC_NONE, CODEC_GZIP, CODEC_ZSTD, CODEC_DEFLATE};
    AUTO(buf_fini) struct buf bytes = BUF_INIT, packed = BUF_INIT, back = BUF_INIT;
    struct codec_stream *s = codec_stream_open(codecs[_i]);
    for (int i = 0; i < 50000; i++) {
        size_t from = bytes.n;
        buf_printf(&bytes, "line %d\n", i * 7919);
        codec_stream_write(s, str_skip(buf_str(&bytes), from), CODEC_MORE, &packed);
    }
    codec_stream_write(s, STR(""), CODEC_FINISH, &packed);
    codec_stream_close(s);
    if (codecs[_i] == CODEC_NONE)
        buf_append(&back, buf_str(&packed));
    else if (codecs[_i] == CODEC_DEFLATE)
        CK_OK(deflate_decode(buf_str(&packed), bytes.n, &back));
    else
        CK_OK(decode(codecs[_i] == CODEC_GZIP ? GZIP : ZSTD, buf_str(&packed), bytes.n, &back));
    ck_assert(str_eq(buf_str(&back), buf_str(&bytes)));
    codec_stream_close(codec_stream_open(codecs[_i])); /* left in the middle */
    codec_stream_close(NULL);
}
END_TEST

/* Of a block that need not be whole. */
static const struct {
    const char *name;
    struct str block;
    int want; /* -1: cannot be told */
} first_cases[] = {
    {"short literal",
     STR_INIT("\x03\x08"
              "abc"),
     'a'},
    {"cut behind it",
     STR_INIT("\x96\x01\x08"
              "a"),
     'a'},
    {"60 bytes",
     STR_INIT("\x3c\xec"
              "z"),
     'z'},
    {"length of 1 byte",
     STR_INIT("\x3d\xf0\x3c"
              "q"),
     'q'},
    {"length of 2 bytes",
     STR_INIT("\x80\x08\xf4\xff\x03"
              "q"),
     'q'},
    {"length of 3 bytes",
     STR_INIT("\x80\x80\x08\xf8\xff\xff\x01"
              "q"),
     'q'},
    {"length of 4 bytes",
     STR_INIT("\x80\x80\x08\xfc\xff\xff\x01\x00"
              "q"),
     'q'},
    {"length cut short", STR_INIT("\x80\x08\xf4\xff"), -1},
    {"nothing behind the tag", STR_INIT("\x03\x08"), -1},
    {"no tag", STR_INIT("\x03"), -1},
    {"empty", STR_INIT(""), -1},
    {"decodes to nothing", STR_INIT("\x00"), -1},
    {"a copy",
     STR_INIT("\x03\x09"
              "abc"),
     -1},
};

START_TEST(test_snappy_first_byte)
{
    uint8_t got = 0;
    bool known = snappy_first_byte(first_cases[_i].block, &got);
    ROW_ASSERT(first_cases[_i].name, known == (first_cases[_i].want >= 0));
    ROW_ASSERT(first_cases[_i].name, !known || got == first_cases[_i].want);
}
END_TEST

START_TEST(test_snappy_length)
{
    size_t bytes = 7;
    CK_OK(snappy_decoded_bytes(STR("\x96\x01"), &bytes));
    ck_assert_uint_eq(bytes, 150);
    CK_ERR(ERR_INVALID, snappy_decoded_bytes(STR(""), &bytes));
    CK_ERR(ERR_INVALID, snappy_decoded_bytes(STR("\xff"), &bytes));
    ck_assert_uint_eq(bytes, 150);
    AUTO(buf_fini) struct buf b = BUF_INIT; /* 1 GiB cannot come out of 6 bytes */
    CK_ERR(ERR_INVALID, snappy_decode(STR("\x80\x80\x80\x80\x04\x00"), SIZE_MAX, &b));
    ck_assert_uint_eq(b.cap, 0);
}
END_TEST

Suite *
codec_suite(void)
{
    Suite *s = suite_create("codec");
    TCase *t = tcase_create("codec");
    tcase_add_loop_test(t, test_decode, 0, ARRAY_LEN(decode_cases));
    tcase_add_test(t, test_concatenated);
    tcase_add_loop_test(t, test_round_trip, 0, FORMATS * ARRAY_LEN(sizes));
    tcase_add_loop_test(t, test_bomb, 0, FORMATS);
    tcase_add_test(t, test_deflate);
    tcase_add_loop_test(t, test_stream, 0, 4);
    tcase_add_loop_test(t, test_snappy_first_byte, 0, ARRAY_LEN(first_cases));
    tcase_add_test(t, test_snappy_length);
    suite_add_tcase(s, t);
    return s;
}
