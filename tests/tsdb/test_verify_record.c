/* Records of every type, sound and with each fault: verify names place, rule and fault. */
#include "tests/harness.h"

#include <string.h>

#include "base/mem.h"
#include "tests/tsdb/verify_kit.h"

enum { RECORDS_MAX = 4 };

/* clang-format off */
static const struct log_case {
    const char *name;
    struct str records[RECORDS_MAX]; /* of segment 0 */
    enum verify_rule rule;           /* RULE_NONE: sound */
    uint64_t offset;
    const char *text;
} log_cases[] = {
    {"series", {STR_INIT(SERIES_1), STR_INIT(SERIES_2)}, RULE_NONE, 0, NULL},
    {"a sample", {STR_INIT(SERIES_1), STR_INIT(SAMPLE_OF("\1"))}, RULE_NONE, 0, NULL},
    {"a type alone", {STR_INIT("\2")}, RULE_NONE, 0, NULL},
    {"bases alone", {STR_INIT(BASE_OF("\2", "\1"))}, RULE_NONE, 0, NULL},
    {"the same series again", {STR_INIT(SERIES_1), STR_INIT(SERIES_1)}, RULE_NONE, 0, NULL},
    {"a deletion", {STR_INIT(SERIES_1), STR_INIT("\3" "\0\0\0\0\0\0\0\1" "\2\4")}, RULE_NONE, 0,
     NULL},
    {"an exemplar", {STR_INIT(SERIES_1), STR_INIT(BASE_OF("\4", "\1") "\0\0" "valuebit"
     "\1\1t\1v")}, RULE_NONE, 0, NULL},
    {"a marker", {STR_INIT(SERIES_1), STR_INIT("\5" "\0\0\0\0\0\0\0\1" "\0\0\0\1\0\0\0\10")},
     RULE_NONE, 0, NULL},
    {"metadata", {STR_INIT(SERIES_1), STR_INIT("\6" "\1\1\2" "\4UNIT\1s" "\4HELP\2hi")},
     RULE_NONE, 0, NULL},
    {"a histogram", {STR_INIT(SERIES_1), STR_INIT(BASE_OF("\7", "\1") "\0\0" HISTOGRAM)},
     RULE_NONE, 0, NULL},
    {"a float histogram", {STR_INIT(SERIES_1), STR_INIT(BASE_OF("\10", "\1") "\0\0"
     FLOAT_HISTOGRAM)}, RULE_NONE, 0, NULL},
    {"a custom histogram", {STR_INIT(SERIES_1), STR_INIT(BASE_OF("\11", "\1") "\0\0"
     CUSTOM_HISTOGRAM)}, RULE_NONE, 0, NULL},
    {"samples of version 2", {STR_INIT(SERIES_1), STR_INIT("\13" "\2\2\0" "valuebit" "\0\2\0"
     "valuebit" "\0\2\1" "valuebit" "\0\2\2\2" "valuebit")}, RULE_NONE, 0, NULL},
    {"a histogram of version 2", {STR_INIT(SERIES_1), STR_INIT("\14" "\2\2\0" HISTOGRAM)},
     RULE_NONE, 0, NULL},
    {"an unnamed series", {STR_INIT(SERIES_1), STR_INIT(SAMPLE_OF("\2"))}, RULE_H2, 21,
     "series 2 is used, but no record names it"},
    {"a series named too late", {STR_INIT(SAMPLE_OF("\1")), STR_INIT(SERIES_1)}, RULE_H2, 0,
     "series 1 is used"},
    {"a deletion of an unnamed series", {STR_INIT("\3" "\0\0\0\0\0\0\0\11" "\2\4")}, RULE_H2, 0,
     "series 9 is used"},
    {"metadata of an unnamed series", {STR_INIT("\6" "\11\1\0")}, RULE_H2, 0, "series 9 is used"},
    {"a histogram of an unnamed series", {STR_INIT(BASE_OF("\7", "\11") "\0\0" HISTOGRAM)},
     RULE_H2, 0, "series 9 is used"},
    {"version 2 of an unnamed series", {STR_INIT(SERIES_1), STR_INIT("\13" "\2\2\0" "valuebit"
     "\2\2\0" "valuebit")}, RULE_H2, 21, "series 2 is used"},
    {"other labels", {STR_INIT(SERIES_1), STR_INIT("\1" "\0\0\0\0\0\0\0\1" "\1\1a\1c")}, RULE_V14,
     21, "series 1 is given other labels"},
    {"labels that do not ascend", {STR_INIT("\1" "\0\0\0\0\0\0\0\1" "\2\1b\1x\1a\1y")}, RULE_V13,
     0, "labels of series 1 do not ascend"},
    {"a label twice", {STR_INIT("\1" "\0\0\0\0\0\0\0\1" "\2\1a\1x\1a\1y")}, RULE_V13, 0,
     "do not ascend"},
    {"half a series", {STR_INIT("\1" "\0\0\0\0\0\0\0\1" "\1\1a")}, RULE_V13, 0, "series record"},
    {"half a sample", {STR_INIT(SERIES_1), STR_INIT("\2" "\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\7"
     "\0\0" "val")}, RULE_V13, 21, "type 2 ends inside a field"},
    {"half a base", {STR_INIT("\2" "\0\0\0")}, RULE_V13, 0, "type 2 ends"},
    {"half a deletion", {STR_INIT("\3" "\0\0\0\0\0\0\0\1" "\2")}, RULE_V13, 0, "type 3 ends"},
    {"half an exemplar", {STR_INIT(SERIES_1), STR_INIT(BASE_OF("\4", "\1") "\0\0" "valuebit"
     "\1\1t")}, RULE_V13, 21, "type 4 ends"},
    {"an exemplar with a false count", {STR_INIT(SERIES_1), STR_INIT(BASE_OF("\4", "\1") "\0\0"
     "valuebit" "\177")}, RULE_V13, 21, "type 4 ends"},
    {"half a marker", {STR_INIT("\5" "\0\0\0\0\0\0\0\1" "\0\0")}, RULE_V13, 0, "type 5 ends"},
    {"half of metadata", {STR_INIT("\6" "\1\1\2" "\4UNIT\1s" "\4HELP")}, RULE_V13, 0,
     "type 6 ends"},
    {"half a histogram", {STR_INIT(SERIES_1), STR_INIT(BASE_OF("\7", "\1") "\0\0" "\0\0"
     "threshol" "\1\2" "suma")}, RULE_V13, 21, "type 7 ends"},
    {"a histogram with a false count", {STR_INIT(SERIES_1), STR_INIT(BASE_OF("\7", "\1") "\0\0"
     "\0\0" "threshol" "\1\2" "sumasf64" "\377\377\1")}, RULE_V13, 21, "type 7 ends"},
    {"a float histogram with a bucket less", {STR_INIT(SERIES_1), STR_INIT(BASE_OF("\10", "\1")
     "\0\0" "\0\0" "threshol" "zerocoun" "count---" "sumasf64" "\1\0\2" "\0" "\2" "bucket-1")},
     RULE_V13, 21, "type 8 ends"},
    {"version 2 with an unknown mark", {STR_INIT(SERIES_1), STR_INIT("\13" "\2\2\0" "valuebit"
     "\0\2\3" "valuebit")}, RULE_V13, 21, "type 11 ends"},
};

/* clang-format on */

START_TEST(test_records)
{
    const struct log_case *c = &log_cases[_i];
    AUTO(buf_fini) struct buf found = BUF_INIT;
    const char *dir = test_dir();
    uint64_t broken;
    size_t n = 0;
    while (n < RECORDS_MAX && c->records[n].n > 0)
        n++;
    kit_write_log(dir, "wal", c->records, n);
    if (c->rule != RULE_NONE) {
        kit_expect(c->name, dir, c->rule, "wal/00000000", c->offset, c->text);
        return;
    }
    kit_verify(dir, VERIFY_ALL, &found, &broken);
    ck_assert_msg(broken == 0 && found.n == 0, "row \"%s\": %s", c->name, buf_cstr(&found));
}
END_TEST

Suite *
verify_record_suite(void)
{
    Suite *s = suite_create("verify_record");
    TCase *t = tcase_create("verify_record");
    tcase_add_loop_test(t, test_records, 0, ARRAY_LEN(log_cases));
    suite_add_tcase(s, t);
    return s;
}
