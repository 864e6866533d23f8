/* The head of a record, byte by byte, and what is none. */
#include "tests/harness.h"

#include "base/mem.h"
#include "replication/handoff_record.h"

START_TEST(test_bytes)
{
    AUTO(buf_fini) struct buf b = BUF_INIT;
    handoff_record_put(&b, (struct handoff_head){0x0102, -2}, STR("abc"));
    ck_assert(str_eq(buf_str(&b), STR("\x01\0\0\0\0\0\0\x01\x02"
                                      "\xff\xff\xff\xff\xff\xff\xff\xfe"
                                      "abc")));
    handoff_record_number(b.p, 7);
    struct handoff_head head;
    struct str record;
    CK_OK(handoff_record_open(buf_str(&b), &head, &record));
    ck_assert_uint_eq(head.seq, 7);
    ck_assert_int_eq(head.at_ms, -2);
    ck_assert(str_eq(record, STR("abc")));
}
END_TEST

static const struct str bad_records[] = {
    STR_INIT(""),
    STR_INIT("\x01"),
    STR_INIT("\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0"),   /* one byte is missing */
    STR_INIT("\x02\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0"), /* of another kind */
    STR_INIT("\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),   /* number 0 */
    STR_INIT("\x01\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\0"),
};

START_TEST(test_bad)
{
    struct handoff_head head;
    struct str record;
    CK_ERR(ERR_CORRUPT, handoff_record_open(bad_records[_i], &head, &record));
}
END_TEST

Suite *
handoff_record_suite(void)
{
    Suite *s = suite_create("handoff_record");
    TCase *t = tcase_create("handoff_record");
    tcase_add_test(t, test_bytes);
    tcase_add_loop_test(t, test_bad, 0, ARRAY_LEN(bad_records));
    suite_add_tcase(s, t);
    return s;
}
