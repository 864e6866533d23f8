/* Every uvarint the formats allow decodes; every malformed one is refused, with no byte read
 * past the end (the ASan build proves the second half). */
#include "tests/harness.h"

#include "base/bytes.h"
#include "base/mem.h"

static const struct uvarint_case {
    const char *name;
    struct str in;
    enum err_code code;
    uint64_t want;
} uvarint_cases[] = {
    {"zero", STR_INIT("\x00"), ERR_NONE, 0},
    {"two bytes", STR_INIT("\xac\x02"), ERR_NONE, 300},
    {"64 bits", STR_INIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), ERR_NONE, UINT64_MAX},
    {"seven bytes", STR_INIT("\x81\x82\x83\x84\x85\x86\x07"), ERR_NONE, 0x1c305080c101},
    {"eight bytes", STR_INIT("\x81\x82\x83\x84\x85\x86\x87\x08"), ERR_NONE, 0x101c305080c101},
    {"nine bytes", STR_INIT("\x81\x82\x83\x84\x85\x86\x87\x88\x09"), ERR_NONE, 0x9101c305080c101},
    {"empty", STR_INIT(""), ERR_CORRUPT, 0},
    {"cut short", STR_INIT("\x80"), ERR_CORRUPT, 0},
    {"65th bit", STR_INIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), ERR_CORRUPT, 0},
    {"eleven bytes", STR_INIT("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"), ERR_CORRUPT, 0},
};

START_TEST(test_uvarint)
{
    const struct uvarint_case *c = &uvarint_cases[_i];
    struct reader r = reader_of(c->in);
    uint64_t got = reader_uvarint(&r);
    ROW_ASSERT(c->name, r.code == c->code);
    ROW_ASSERT(c->name, got == c->want);
    ROW_ASSERT(c->name, reader_left(&r) == 0);
}
END_TEST

START_TEST(test_round_trip)
{
    static const int64_t values[] = {0,   1,    -1,        63,        -64,       64,
                                     300, -300, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
    AUTO(buf_fini) struct buf b = BUF_INIT;
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        buf_put_varint(&b, values[i]);
        buf_put_uvarint(&b, (uint64_t)values[i]);
        buf_put_be16(&b, (uint16_t)values[i]);
        buf_put_be32(&b, (uint32_t)values[i]);
        buf_put_be64(&b, (uint64_t)values[i]);
        ck_assert_uint_eq(uvarint_bytes((uint64_t)values[i]),
                          store_uvarint((char[10]){0}, (uint64_t)values[i]));
    }
    buf_put_ustr(&b, STR("name"));
    struct reader r = reader_of(buf_str(&b));
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        ck_assert_int_eq(reader_varint(&r), values[i]);
        ck_assert_uint_eq(reader_uvarint(&r), (uint64_t)values[i]);
        ck_assert_uint_eq(reader_be16(&r), (uint16_t)values[i]);
        ck_assert_uint_eq(reader_be32(&r), (uint32_t)values[i]);
        ck_assert_uint_eq(reader_be64(&r), (uint64_t)values[i]);
    }
    ck_assert(str_eq(reader_ustr(&r), STR("name")));
    ck_assert_int_eq(r.code, ERR_NONE);
    ck_assert_uint_eq(reader_be32(&r), 0); /* past the end: sticky */
    ck_assert_int_eq(r.code, ERR_CORRUPT);
    CK_ERR(ERR_CORRUPT, reader_check(&r, "record"));
}
END_TEST

START_TEST(test_lying_length)
{
    struct reader r = reader_of(STR("\xff\xff\xff\xff\x0f"
                                    "abc"));
    ck_assert_uint_eq(reader_ustr(&r).n, 0);
    ck_assert_int_eq(r.code, ERR_CORRUPT);
}
END_TEST

Suite *
bytes_suite(void)
{
    Suite *s = suite_create("bytes");
    TCase *t = tcase_create("bytes");
    tcase_add_loop_test(t, test_uvarint, 0, ARRAY_LEN(uvarint_cases));
    tcase_add_test(t, test_round_trip);
    tcase_add_test(t, test_lying_length);
    suite_add_tcase(s, t);
    return s;
}
