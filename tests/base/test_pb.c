/* Fields of every wire type read back; malformed tags, groups and lying lengths stop the loop
 * with an error and without reading past the end. */
#include "tests/harness.h"

#include "base/mem.h"
#include "base/pb.h"

static const struct pb_case {
    const char *name;
    struct str in;
    enum err_code code;
    size_t fields; /* good ones before the end or the fault */
} pb_cases[] = {
    {"empty", STR_INIT(""), ERR_NONE, 0},
    {"varint", STR_INIT("\x08\x96\x01"), ERR_NONE, 1},
    {"string", STR_INIT("\x12\x07testing"), ERR_NONE, 1},
    {"empty string", STR_INIT("\x12\x00"), ERR_NONE, 1},
    {"fixed", STR_INIT("\x0d\x01\x00\x00\x00\x09\x01\x00\x00\x00\x00\x00\x00\x00"), ERR_NONE, 2},
    {"largest number", STR_INIT("\xf8\xff\xff\xff\x0f\x01"), ERR_NONE, 1},
    {"long form of a tag", STR_INIT("\x88\x80\x00\x01"), ERR_NONE, 1},
    {"number 0", STR_INIT("\x00\x01"), ERR_CORRUPT, 0},
    {"number too large", STR_INIT("\x80\x80\x80\x80\x10\x01"), ERR_CORRUPT, 0},
    {"start of a group", STR_INIT("\x08\x01\x0b\x0c"), ERR_CORRUPT, 1},
    {"end of a group", STR_INIT("\x0c"), ERR_CORRUPT, 0},
    {"wire type 6", STR_INIT("\x0e\x00"), ERR_CORRUPT, 0},
    {"wire type 7", STR_INIT("\x0f\x00"), ERR_CORRUPT, 0},
    {"tag cut short", STR_INIT("\x88"), ERR_CORRUPT, 0},
    {"varint cut short", STR_INIT("\x08\x96"), ERR_CORRUPT, 0},
    {"varint missing", STR_INIT("\x08"), ERR_CORRUPT, 0},
    {"fixed32 cut short", STR_INIT("\x0d\x01\x00\x00"), ERR_CORRUPT, 0},
    {"fixed64 cut short", STR_INIT("\x09\x01\x00\x00\x00\x00\x00\x00"), ERR_CORRUPT, 0},
    {"length past the end", STR_INIT("\x08\x01\x12\x05test"), ERR_CORRUPT, 1},
    {"length of 2^64-1", STR_INIT("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01t"), ERR_CORRUPT, 0},
};

START_TEST(test_next)
{
    const struct pb_case *c = &pb_cases[_i];
    struct reader r = reader_of(c->in);
    struct pb_field f;
    size_t fields = 0;
    while (pb_next(&r, &f))
        fields++;
    ROW_ASSERT(c->name, r.code == c->code);
    ROW_ASSERT(c->name, fields == c->fields);
    ROW_ASSERT(c->name, reader_left(&r) == 0);
}
END_TEST

START_TEST(test_round_trip)
{
    AUTO(buf_fini) struct buf b = BUF_INIT;
    pb_put_u64(&b, 1, 300);
    pb_put_i64(&b, 2, -1);
    pb_put_f64(&b, 3, 1.5);
    pb_put_bytes(&b, 16, STR("name"));
    ck_assert_uint_eq(b.n, 3 + 11 + 9 + pb_bytes_size(16, 4));
    struct reader r = reader_of(buf_str(&b));
    struct pb_field f;
    ck_assert(pb_next(&r, &f) && f.number == 1 && f.wire == PB_VARINT && f.value == 300);
    ck_assert(pb_next(&r, &f) && f.number == 2 && (int64_t)f.value == -1);
    ck_assert(pb_next(&r, &f) && f.number == 3 && f.wire == PB_I64);
    ck_assert(f64_of_bits(f.value) == 1.5);
    ck_assert(pb_next(&r, &f) && f.number == 16 && str_eq(f.bytes, STR("name")));
    ck_assert(!pb_next(&r, &f) && r.code == ERR_NONE);
}
END_TEST

/* proto3 leaves defaults out; a nested message that is there is written even when empty, and
 * minus zero is not zero. */
START_TEST(test_defaults)
{
    AUTO(buf_fini) struct buf b = BUF_INIT;
    pb_put_u64(&b, 1, 0);
    pb_put_i64(&b, 1, 0);
    pb_put_f64(&b, 1, 0.0);
    pb_put_bytes(&b, 1, STR(""));
    ck_assert_uint_eq(b.n, 0);
    pb_put_message(&b, 1, 0);
    ck_assert(str_eq(buf_str(&b), STR("\x0a\x00")));
    pb_put_f64(&b, 2, -0.0);
    ck_assert_uint_eq(b.n, 2 + 9);
}
END_TEST

static const struct size_case {
    const char *name;
    uint32_t number;
    size_t bytes, want;
} size_cases[] = {
    {"smallest", 1, 0, 2},
    {"127 bytes", 15, 127, 129},
    {"128 bytes", 15, 128, 131},
    {"two byte tag", 16, 1, 4},
    {"largest number", (1 << 29) - 1, 0, 6},
};

START_TEST(test_bytes_size)
{
    const struct size_case *c = &size_cases[_i];
    AUTO(buf_fini) struct buf b = BUF_INIT;
    pb_put_message(&b, c->number, c->bytes);
    ROW_ASSERT(c->name, pb_bytes_size(c->number, c->bytes) == c->want);
    ROW_ASSERT(c->name, b.n + c->bytes == c->want);
}
END_TEST

Suite *
pb_suite(void)
{
    Suite *s = suite_create("pb");
    TCase *t = tcase_create("pb");
    tcase_add_loop_test(t, test_next, 0, ARRAY_LEN(pb_cases));
    tcase_add_test(t, test_round_trip);
    tcase_add_test(t, test_defaults);
    tcase_add_loop_test(t, test_bytes_size, 0, ARRAY_LEN(size_cases));
    suite_add_tcase(s, t);
    return s;
}
