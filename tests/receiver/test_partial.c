/* What OTLP and text senders are told, by what was stored and what was refused where. */
#include "tests/harness.h"

#include "base/mem.h"
#include "receiver/partial.h"

static const struct partial_case {
    const char *name;
    struct batch_refused refused;
    size_t samples, histograms; /* of the batch */
    struct append_result result;
    int otlp, text;  /* statuses */
    uint64_t points; /* refused */
    const char *want_otlp, *want_text;
} partial_cases[] = {
    {.name = "all stored",
     .refused = {.items_taken = 2},
     .samples = 3,
     .result = {.fates = {[SAMPLE_STORED] = 2, [SAMPLE_STORED_LATE] = 1}},
     .otlp = 200,
     .text = 204,
     .want_otlp = "",
     .want_text = ""},
    {.name = "nothing to store", .otlp = 200, .text = 204, .want_otlp = "", .want_text = ""},
    {.name = "decoder refused some",
     .refused = {2, 1, 1, STR_INIT("why")},
     .samples = 1,
     .result = {.fates = {[SAMPLE_STORED] = 1}},
     .otlp = 200,
     .text = 400,
     .points = 2,
     .want_otlp = "why",
     .want_text = "1 samples stored, 2 lines refused: why"},
    {.name = "decoder refused all",
     .refused = {2, 0, 1, STR_INIT("why")},
     .otlp = 400,
     .text = 400,
     .points = 2,
     .want_otlp = "why",
     .want_text = "0 samples stored, 2 lines refused: why"},
    {.name = "a fault of no point",
     .refused = {0, 1, 1, STR_INIT("why")},
     .samples = 1,
     .result = {.fates = {[SAMPLE_STORED] = 1}},
     .otlp = 200,
     .text = 400,
     .want_otlp = "why",
     .want_text = "1 samples stored, 0 lines refused: why"},
    {.name = "a fault of no point alone",
     .refused = {0, 0, 1, STR_INIT("why")},
     .otlp = 200,
     .text = 400,
     .want_otlp = "why",
     .want_text = "0 samples stored, 0 lines refused: why"},
    {.name = "head refused some",
     .refused = {.items_taken = 3},
     .samples = 3,
     .result = {.fates = {[SAMPLE_REPEATED] = 1, [SAMPLE_OUT_OF_ORDER] = 2}},
     .otlp = 200,
     .text = 400,
     .points = 2,
     .want_otlp = "add 2 samples: out of order sample",
     .want_text = "1 samples stored, 0 lines refused: add 2 samples: out of order sample"},
    {.name = "head refused all of one histogram",
     .refused = {.items_taken = 1},
     .samples = 12,
     .result = {.fates = {[SAMPLE_TOO_OLD] = 12}},
     .otlp = 400,
     .text = 400,
     .points = 1,
     .want_otlp = "add 12 samples: too old sample",
     .want_text = "0 samples stored, 0 lines refused: add 12 samples: too old sample"},
    {.name = "a row that the head refused",
     .refused = {.items_taken = 1},
     .histograms = 1,
     .result = {.label_faults = {[LABEL_FAULT_NOT_UTF8] = 1}},
     .otlp = 400,
     .text = 400,
     .points = 1,
     .want_otlp = "add 1 series: label set contains bytes that are not UTF-8",
     .want_text = "0 samples stored, 0 lines refused: add 1 series: label set contains bytes that "
                  "are not UTF-8"},
    {.name = "both",
     .refused = {1, 2, 1, STR_INIT("why")},
     .samples = 2,
     .result = {.fates = {[SAMPLE_STORED] = 1, [SAMPLE_DUPLICATE] = 1}},
     .otlp = 200,
     .text = 400,
     .points = 2,
     .want_otlp = "why; add 1 samples: duplicate sample for timestamp",
     .want_text = "1 samples stored, 1 lines refused: why; add 1 samples: duplicate sample for "
                  "timestamp"},
    {.name = "series limit",
     .refused = {.items_taken = 1},
     .samples = 1,
     .result = {.series_over_limit = 1},
     .otlp = 429,
     .text = 429,
     .points = 1,
     .want_otlp = "tenant is above active series limit: 1 series refused",
     .want_text =
         "0 samples stored, 0 lines refused: tenant is above active series limit: 1 series "
         "refused"},
};

START_TEST(test_partial)
{
    const struct partial_case *c = &partial_cases[_i];
    AUTO(arena_fini) struct arena a = {0};
    struct batch batch = {
        .request = {.sample_count = c->samples, .histogram_count = c->histograms},
        .refused = c->refused,
    };
    struct partial otlp = partial_of(WRITE_OTLP, &batch, &c->result, &a);
    struct partial text = partial_of(WRITE_TEXT, &batch, &c->result, &a);
    ck_assert_msg(str_eq(otlp.verdict.text, str_of_cstr(c->want_otlp)), "row \"%s\": %.*s", c->name,
                  STR_FMT(otlp.verdict.text));
    ck_assert_msg(str_eq(text.verdict.text, str_of_cstr(c->want_text)), "row \"%s\": %.*s", c->name,
                  STR_FMT(text.verdict.text));
    ROW_ASSERT(c->name, otlp.verdict.status == c->otlp);
    ROW_ASSERT(c->name, text.verdict.status == c->text);
    ROW_ASSERT(c->name, otlp.refused == c->points);
}
END_TEST

Suite *
partial_suite(void)
{
    Suite *s = suite_create("partial");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, test_partial, 0, ARRAY_LEN(partial_cases));
    suite_add_tcase(s, t);
    return s;
}
