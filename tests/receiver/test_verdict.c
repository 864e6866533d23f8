/* What each mix of refusals is called, at both doors. */
#include "tests/harness.h"

#include "base/mem.h"
#include "receiver/verdict.h"

static const struct verdict_case {
    const char *name;
    struct append_result result;
    int receive, write; /* statuses */
    const char *text;
} verdict_cases[] = {
    {.name = "all stored", .receive = 200, .write = 204, .text = ""},
    {.name = "stored and repeated",
     .result = {.fates = {[SAMPLE_STORED] = 5, [SAMPLE_REPEATED] = 2}, .label_faults = {7}},
     .receive = 200,
     .write = 204,
     .text = ""},
    {.name = "out of order",
     .result = {.fates = {[SAMPLE_STORED] = 5, [SAMPLE_OUT_OF_ORDER] = 3}},
     .receive = 409,
     .write = 400,
     .text = "add 3 samples: out of order sample"},
    {.name = "duplicate",
     .result = {.fates = {[SAMPLE_DUPLICATE] = 1}},
     .receive = 409,
     .write = 400,
     .text = "add 1 samples: duplicate sample for timestamp"},
    {.name = "too old and too new are out of bounds alike",
     .result = {.fates = {[SAMPLE_OUT_OF_BOUNDS] = 1, [SAMPLE_TOO_NEW] = 2}},
     .receive = 409,
     .write = 400,
     .text = "add 3 samples: out of bounds"},
    {.name = "behind the window",
     .result = {.fates = {[SAMPLE_TOO_OLD] = 4}},
     .receive = 409,
     .write = 400,
     .text = "add 4 samples: too old sample"},
    {.name = "with an example",
     .result = {.fates = {[SAMPLE_TOO_OLD] = 4}, .example = STR_INIT("up{}: too old sample")},
     .receive = 409,
     .write = 400,
     .text = "add 4 samples: too old sample (first: up{}: too old sample)"},
    {.name = "duplicate label",
     .result = {.label_faults = {[LABEL_FAULT_DUPLICATE] = 2}},
     .receive = 409,
     .write = 400,
     .text = "add 2 series: label set contains duplicate label names"},
    {.name = "no labels and an empty name",
     .result = {.label_faults = {[LABEL_FAULT_EMPTY_SET] = 2, [LABEL_FAULT_EMPTY_NAME] = 3}},
     .receive = 409,
     .write = 400,
     .text = "add 5 series: label set contains a label with empty name or value"},
    {.name = "not UTF-8",
     .result = {.label_faults = {[LABEL_FAULT_NOT_UTF8] = 1}},
     .receive = 409,
     .write = 400,
     .text = "add 1 series: label set contains bytes that are not UTF-8"},
    {.name = "too many",
     .result = {.label_faults = {[LABEL_FAULT_TOO_MANY] = 1}},
     .receive = 409,
     .write = 400,
     .text = "add 1 series: label set has too many labels"},
    {.name = "too long",
     .result = {.label_faults = {[LABEL_FAULT_TOO_LONG] = 1}},
     .receive = 409,
     .write = 400,
     .text = "add 1 series: label set contains a name or value that is too long"},
    {.name = "malformed label",
     .result = {.label_faults = {[LABEL_FAULT_MALFORMED] = 1}},
     .receive = 400,
     .write = 400,
     .text = "add 1 series: label set is malformed"},
    {.name = "invalid histograms",
     .result = {.histograms_invalid = 2, .histogram_fault = STR_INIT("span has no length")},
     .receive = 400,
     .write = 400,
     .text = "add 2 histograms: span has no length"},
    {.name = "invalid histogram beside a late sample",
     .result = {.fates = {[SAMPLE_OUT_OF_ORDER] = 1},
                .histograms_invalid = 1,
                .histogram_fault = STR_INIT("span has no length"),
                .example = STR_INIT("up")},
     .receive = 400,
     .write = 400,
     .text = "2 errors: add 1 histograms: span has no length; "
             "add 1 samples: out of order sample (first: up)"},
    {.name = "exemplars and metadata fail nothing",
     .result = {.exemplar_fates = {1, 1, 1, 1, 1, 1, 1}, .metadata_refused = 3},
     .receive = 200,
     .write = 204,
     .text = ""},
    {.name = "series limit",
     .result = {.series_over_limit = 9},
     .receive = 429,
     .write = 429,
     .text = "tenant is above active series limit: 9 series refused"},
    {.name = "short of memory",
     .result = {.series_unknown = 9, .fates = {[SAMPLE_STORED] = 1}},
     .receive = 429,
     .write = 429,
     .text = "memory limit is near: 9 new series refused"},
    {.name = "two reasons, sorted",
     .result = {.fates = {[SAMPLE_OUT_OF_ORDER] = 1, [SAMPLE_DUPLICATE] = 1}},
     .receive = 409,
     .write = 400,
     .text = "2 errors: add 1 samples: duplicate sample for timestamp; "
             "add 1 samples: out of order sample"},
    {.name = "everything at once",
     .result = {.fates = {1, 1, 1, 1, 1, 1, 1, 1},
                .label_faults = {1, 1, 1, 1, 1, 1, 1, 1},
                .series_over_limit = 1,
                .histograms_invalid = 1,
                .histogram_fault = STR_INIT("no")},
     .receive = 429,
     .write = 429,
     .text = "12 errors: add 1 histograms: no; add 1 samples: duplicate sample for timestamp; "
             "add 1 samples: out of order sample; add 1 samples: too old sample; "
             "add 1 series: label set contains a name or value that is too long; "
             "add 1 series: label set contains bytes that are not UTF-8; "
             "add 1 series: label set contains duplicate label names; "
             "add 1 series: label set has too many labels; "
             "add 1 series: label set is malformed; add 2 samples: out of bounds; "
             "add 2 series: label set contains a label with empty name or value; "
             "tenant is above active series limit: 1 series refused"},
};

START_TEST(test_verdict)
{
    const struct verdict_case *c = &verdict_cases[_i];
    AUTO(arena_fini) struct arena a = {0};
    const struct write_refusals none = {.without_name = 0};
    struct verdict receive = verdict_of(RULES_THANOS, &c->result, &none, &a);
    struct verdict write = verdict_of(RULES_PROMETHEUS, &c->result, &none, &a);
    ROW_ASSERT(c->name, receive.status == c->receive);
    ROW_ASSERT(c->name, write.status == c->write);
    ck_assert_msg(str_eq(receive.text, str_of_cstr(c->text)), "row \"%s\": got %.*s", c->name,
                  STR_FMT(receive.text));
    ROW_ASSERT(c->name, str_eq(receive.text, write.text));
}
END_TEST

/* --- remote write 2.0 --------------------------------------------------------------------------
 */

#define KEY_A_B                                                                                    \
    "\x0a\x06\x0a\x01"                                                                             \
    "a"                                                                                            \
    "\x12\x01"                                                                                     \
    "b"

static const struct verdict2_case {
    const char *name;
    struct append_result result;
    struct write_refusals refused;
    int status;
    const char *text;
    struct written written;
} verdict2_cases[] = {
    {.name = "nothing", .status = 204, .text = ""},
    {.name = "stored, late and repeated",
     .result =
         {.fates = {[SAMPLE_STORED] = 10, [SAMPLE_STORED_LATE] = 5, [SAMPLE_REPEATED] = 3},
          .histogram_fates = {[SAMPLE_STORED] = 4, [SAMPLE_STORED_LATE] = 2, [SAMPLE_REPEATED] = 1},
          .exemplar_fates = {[EXEMPLAR_STORED] = 7, [EXEMPLAR_REPEATED] = 2}},
     .status = 204,
     .text = "",
     .written = {11, 7, 9}},
    {.name = "exemplars that nobody keeps are no fault",
     .result = {.exemplar_fates = {[EXEMPLAR_DISABLED] = 3}, .metadata_refused = 1},
     .status = 204,
     .text = ""},
    {.name = "out of order, partly",
     .result = {.fates = {[SAMPLE_STORED] = 2, [SAMPLE_OUT_OF_ORDER] = 1},
                .histogram_fates = {[SAMPLE_OUT_OF_ORDER] = 1}},
     .status = 400,
     .text = "add 1 samples: out of order sample",
     .written = {2, 0, 0}},
    {.name = "exemplars out of order, partly",
     .result = {.exemplar_fates = {[EXEMPLAR_STORED] = 1, [EXEMPLAR_OUT_OF_ORDER] = 2}},
     .status = 400,
     .text = "add 2 exemplars: out of order exemplar",
     .written = {0, 0, 1}},
    {.name = "every fault of exemplars",
     .result = {.exemplar_fates = {1, 1, 1, 1, 1, 1, 1}},
     .status = 400,
     .text = "4 errors: add 1 exemplars: label length for exemplar exceeds maximum of 128 UTF-8 "
             "characters; add 1 exemplars: label set of exemplar is invalid; add 1 exemplars: out "
             "of order exemplar; add 1 exemplars: series of exemplar is not stored",
     .written = {0, 0, 2}},
    {.name = "series refused alone",
     .result = {.fates = {[SAMPLE_STORED] = 1}},
     .refused = {2, 3, STR_INIT(KEY_A_B)},
     .status = 400,
     .text = "2 errors: add 2 series: neither samples nor histograms; "
             "add 3 series: label set has no metric name (first: {a=\"b\"})",
     .written = {1, 0, 0}},
    {.name = "the head's example comes first",
     .result = {.fates = {[SAMPLE_TOO_OLD] = 1}, .example = STR_INIT("up")},
     .refused = {0, 1, STR_INIT(KEY_A_B)},
     .status = 400,
     .text = "2 errors: add 1 samples: too old sample; "
             "add 1 series: label set has no metric name (first: up)"},
    {.name = "refused without any label",
     .refused = {0, 1, STR_INIT("")},
     .status = 400,
     .text = "add 1 series: label set has no metric name"},
    {.name = "series limit",
     .result = {.series_over_limit = 1, .fates = {[SAMPLE_STORED] = 1}},
     .status = 429,
     .text = "tenant is above active series limit: 1 series refused",
     .written = {1, 0, 0}},
};

START_TEST(test_verdict2)
{
    const struct verdict2_case *c = &verdict2_cases[_i];
    AUTO(arena_fini) struct arena a = {0};
    struct verdict v = verdict_of(RULES_REMOTE_WRITE_2, &c->result, &c->refused, &a);
    ROW_ASSERT(c->name, v.status == c->status);
    ck_assert_msg(str_eq(v.text, str_of_cstr(c->text)), "row \"%s\": got %.*s", c->name,
                  STR_FMT(v.text));
    struct written w = written_of(&c->result, &(struct rewrite_dropped){1, 1, 1, 1});
    ROW_ASSERT(c->name, w.samples == c->written.samples + 1);
    ROW_ASSERT(c->name, w.histograms == c->written.histograms + 1);
    ROW_ASSERT(c->name, w.exemplars == c->written.exemplars + 1);
}
END_TEST

Suite *
verdict_suite(void)
{
    Suite *s = suite_create("verdict");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, test_verdict, 0, ARRAY_LEN(verdict_cases));
    tcase_add_loop_test(t, test_verdict2, 0, ARRAY_LEN(verdict2_cases));
    suite_add_tcase(s, t);
    return s;
}
