/* Streams of python-snappy are read, what we write is what it writes, every malformed one is
 * refused. */
#include "tests/harness.h"

#include "base/mem.h"
#include "base/rand.h"
#include "base/snappy_frame.h"

/* Made by python-snappy 0.7 (StreamCompressor). */
#define HEAD    "\xff\x06\x00\x00sNaPpY"
#define ABC     "\x01\x07\x00\x00\x6e\x57\xf1\x21\x61\x62\x63"
#define A_100   "\x00\x0d\x00\x00\x1f\xa8\xb5\xfd\x64\x00\x61\xfe\x01\x00\x8a\x01\x00"
#define PADDING "\xfe\x03\x00\x00\x00\x00\x00"

static const struct decode_case {
    const char *name;
    struct str in;
    enum err_code code;
    size_t bytes;
} decode_cases[] = {
    {"nothing at all", STR_INIT(""), ERR_NONE, 0},
    {"identifier alone", STR_INIT(HEAD), ERR_NONE, 0},
    {"plain chunk", STR_INIT(HEAD ABC), ERR_NONE, 3},
    {"compressed chunk", STR_INIT(HEAD A_100), ERR_NONE, 100},
    {"both, and padding", STR_INIT(HEAD ABC PADDING A_100), ERR_NONE, 103},
    {"streams joined", STR_INIT(HEAD ABC HEAD ABC), ERR_NONE, 6},
    {"skippable chunk", STR_INIT(HEAD "\x80\x01\x00\x00\x00" ABC), ERR_NONE, 3},
    {"no identifier", STR_INIT(ABC), ERR_INVALID, 0},
    {"padding first", STR_INIT(PADDING HEAD ABC), ERR_INVALID, 0},
    {"other identifier", STR_INIT("\xff\x06\x00\x00S2sTwO" ABC), ERR_INVALID, 0},
    {"identifier too short", STR_INIT("\xff\x05\x00\x00sNaPp"), ERR_INVALID, 0},
    {"unknown type", STR_INIT(HEAD "\x02\x00\x00\x00"), ERR_INVALID, 0},
    {"last type not to be skipped", STR_INIT(HEAD "\x7f\x00\x00\x00"), ERR_INVALID, 0},
    {"head cut short", STR_INIT(HEAD "\x01\x07\x00"), ERR_INVALID, 0},
    {"chunk cut short", STR_INIT(HEAD "\x01\x07\x00\x00\x6e\x57\xf1\x21\x61\x62"), ERR_INVALID, 0},
    {"no checksum", STR_INIT(HEAD "\x01\x03\x00\x00\x6e\x57\xf1"), ERR_INVALID, 0},
    {"bad checksum", STR_INIT(HEAD "\x01\x07\x00\x00\x6e\x57\xf1\x22\x61\x62\x63"), ERR_INVALID, 0},
    {"checksum not masked", STR_INIT(HEAD "\x01\x07\x00\x00\xb7\x3f\x4b\x36\x61\x62\x63"),
     ERR_INVALID, 0},
    {"compressed chunk without a block", STR_INIT(HEAD "\x00\x04\x00\x00\x00\x00\x00\x00"),
     ERR_INVALID, 0},
    {"block of 64 KiB and one", STR_INIT(HEAD "\x00\x07\x00\x00\x00\x00\x00\x00\x81\x80\x04"),
     ERR_INVALID, 0},
};

static struct err
decode(struct str in, size_t *ret_announced, struct buf *to)
{
    TRY(snappy_frame_decoded_bytes(in, ret_announced));
    return snappy_frame_decode(in, to);
}

START_TEST(test_decode)
{
    const struct decode_case *c = &decode_cases[_i];
    AUTO(buf_fini) struct buf got = BUF_INIT;
    size_t announced = 0;
    struct err e = decode(c->in, &announced, &got);
    ck_assert_msg(e.code == c->code, "%s: %s", c->name, err_text(&e));
    if (c->code == ERR_NONE) {
        ROW_ASSERT(c->name, got.n == c->bytes);
        ROW_ASSERT(c->name, announced == c->bytes);
    }
    err_drop(e);
}
END_TEST

START_TEST(test_encode_as_python_snappy)
{
    AUTO(buf_fini) struct buf abc = BUF_INIT, many = BUF_INIT, plain = BUF_INIT;
    snappy_frame_encode(STR("abc"), &abc);
    ck_assert(str_eq(buf_str(&abc), STR(HEAD ABC)));
    for (int i = 0; i < 100; i++)
        buf_put_u8(&plain, 'a');
    snappy_frame_encode(buf_str(&plain), &many);
    ck_assert(str_eq(buf_str(&many), STR(HEAD A_100)));
}
END_TEST

/* Bytes around the largest chunk, half of them random. */
START_TEST(test_round_trip)
{
    static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 3 * 65536 + 17};
    AUTO(buf_fini) struct buf plain = BUF_INIT, packed = BUF_INIT, again = BUF_INIT;
    struct rand_gen r = rand_gen_of(7);
    for (size_t i = 0; i < sizes[_i]; i++)
        buf_put_u8(&plain, i % 2048 < 1024 ? (uint8_t)rand_u64(&r) : 'x');
    snappy_frame_encode(buf_str(&plain), &packed);
    size_t announced = 0;
    CK_OK(decode(buf_str(&packed), &announced, &again));
    ck_assert_uint_eq(announced, plain.n);
    ck_assert(str_eq(buf_str(&again), buf_str(&plain)));
}
END_TEST

Suite *
snappy_frame_suite(void)
{
    Suite *s = suite_create("snappy_frame");
    TCase *t = tcase_create("snappy_frame");
    tcase_add_loop_test(t, test_decode, 0, ARRAY_LEN(decode_cases));
    tcase_add_test(t, test_encode_as_python_snappy);
    tcase_add_loop_test(t, test_round_trip, 0, 6);
    suite_add_tcase(s, t);
    return s;
}
