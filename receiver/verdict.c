/* verdict.c - counts to reasons, reasons to one status and one text.
 *
 * Thanos collects a text a kind of refusal, sorts them and joins them: "N errors: a; b". */
#include "receiver/verdict.h"

#include "base/mem.h"
#include "base/quote.h"

enum {
    STATUS_OK = 200,
    STATUS_NO_CONTENT = 204,
    STATUS_BAD_REQUEST = 400,
    STATUS_CONFLICT = 409,
    STATUS_TOO_MANY = 429, /* a sender may try again: series make room when they end */
};

/* Kinds of refusal that share one text; bit n stands for fault or fate n. */
static const struct reason_row {
    uint32_t kinds;
    const char *text;
} label_reasons[] =
    {
        {1u << LABEL_FAULT_EMPTY_SET | 1u << LABEL_FAULT_EMPTY_NAME,
         "label set contains a label with empty name or value"},
        {1u << LABEL_FAULT_DUPLICATE, "label set contains duplicate label names"},
        {1u << LABEL_FAULT_NOT_UTF8, "label set contains bytes that are not UTF-8"},
        {1u << LABEL_FAULT_TOO_MANY, "label set has too many labels"},
        {1u << LABEL_FAULT_TOO_LONG, "label set contains a name or value that is too long"},
        {1u << LABEL_FAULT_MALFORMED, "label set is malformed"},
},
  sample_reasons[] =
      {
          {1u << SAMPLE_OUT_OF_ORDER, "out of order sample"},
          {1u << SAMPLE_DUPLICATE, "duplicate sample for timestamp"},
          {1u << SAMPLE_OUT_OF_BOUNDS | 1u << SAMPLE_TOO_NEW, "out of bounds"},
          {1u << SAMPLE_TOO_OLD, "too old sample"},
},
  exemplar_reasons[] = {
      /* one that the store has no room for by configuration is no fault */
      {1u << EXEMPLAR_OUT_OF_ORDER, "out of order exemplar"},
      {1u << EXEMPLAR_LABELS_TOO_LONG,
       "label length for exemplar exceeds maximum of 128 UTF-8 characters"},
      {1u << EXEMPLAR_LABELS_INVALID, "label set of exemplar is invalid"},
      {1u << EXEMPLAR_NO_SERIES, "series of exemplar is not stored"},
};
_Static_assert(LABEL_FAULT_COUNT == 8 && SAMPLE_FATE_COUNT == 8 && EXEMPLAR_FATE_COUNT == 7 &&
                   EXEMPLAR_LABEL_CHARACTERS_MAX == 128,
               "a row for every refusal");

enum {
    REASONS_MAX =
        ARRAY_LEN(label_reasons) + ARRAY_LEN(sample_reasons) + ARRAY_LEN(exemplar_reasons) + 6
};

struct reasons {
    struct str v[REASONS_MAX];
    size_t n;
};

static void
add_reason(struct reasons *reasons, uint64_t n, const char *what, const char *text, struct arena *a)
{
    if (n > 0)
        reasons->v[reasons->n++] = arena_printf(a, "add %ju %s: %s", (uintmax_t)n, what, text);
}

static void
add_reasons(struct reasons *reasons, const struct reason_row *rows, size_t row_count,
            const uint64_t *counts, const char *what, struct arena *a)
{
    for (size_t i = 0; i < row_count; i++) {
        uint64_t sum = 0;
        for (size_t kind = 0; rows[i].kinds >> kind; kind++)
            sum += rows[i].kinds >> kind & 1 ? counts[kind] : 0;
        add_reason(reasons, sum, what, rows[i].text, a);
    }
}

static void
collect(struct reasons *reasons, enum write_rules rules, const struct append_result *result,
        const struct write_refusals *refused, struct arena *a)
{
    add_reasons(reasons, label_reasons, ARRAY_LEN(label_reasons), result->label_faults, "series",
                a);
    add_reasons(reasons, sample_reasons, ARRAY_LEN(sample_reasons), result->fates, "samples", a);
    if (rules == RULES_REMOTE_WRITE_2)
        add_reasons(reasons, exemplar_reasons, ARRAY_LEN(exemplar_reasons), result->exemplar_fates,
                    "exemplars", a);
    add_reason(reasons, refused->without_name, "series", "label set has no metric name", a);
    add_reason(reasons, refused->without_samples, "series", "neither samples nor histograms", a);
    if (result->series_over_limit > 0)
        reasons->v[reasons->n++] =
            arena_printf(a, "tenant is above active series limit: %ju series refused",
                         (uintmax_t)result->series_over_limit);
    if (result->series_unknown > 0)
        reasons->v[reasons->n++] = arena_printf(a, "memory limit is near: %ju new series refused",
                                                (uintmax_t)result->series_unknown);
    if (result->histograms_invalid > 0)
        add_reason(reasons, result->histograms_invalid, "histograms",
                   arena_str(a, result->histogram_fault).p, a);
}

/* Labels of a series that may stand for all that were refused. */
static struct str
example_of(const struct append_result *result, const struct write_refusals *refused,
           struct arena *a)
{
    struct labels labels;
    if (result->example.n > 0 || refused->first_key.n == 0 ||
        label_key_decode(a, refused->first_key, &labels) != LABEL_FAULT_NONE)
        return result->example;
    AUTO(buf_fini) struct buf text = BUF_INIT;
    labels_format(labels, &text);
    return arena_str(a, buf_str(&text));
}

static struct str
join(struct reasons *reasons, struct str example, struct arena *a)
{
    str_sort(reasons->v, reasons->n);
    AUTO(buf_fini) struct buf text = BUF_INIT;
    if (reasons->n > 1)
        buf_printf(&text, "%zu errors: ", reasons->n);
    for (size_t i = 0; i < reasons->n; i++) {
        if (i > 0)
            buf_append(&text, STR("; "));
        buf_append(&text, reasons->v[i]);
    }
    if (example.n > 0)
        buf_printf(&text, " (first: %.*s)", STR_FMT(example));
    return arena_str(a, buf_str(&text));
}

static int
status_of(enum write_rules rules, const struct append_result *result)
{
    if (result->series_over_limit > 0 || result->series_unknown > 0)
        return STATUS_TOO_MANY;
    if (result->label_faults[LABEL_FAULT_MALFORMED] > 0 || result->histograms_invalid > 0)
        return STATUS_BAD_REQUEST; /* not what it says it is, whatever the door */
    return rules == RULES_THANOS ? STATUS_CONFLICT : STATUS_BAD_REQUEST;
}

struct verdict
verdict_of(enum write_rules rules, const struct append_result *result,
           const struct write_refusals *refused, struct arena *a)
{
    struct reasons reasons = {.n = 0};
    collect(&reasons, rules, result, refused, a);
    if (reasons.n == 0)
        return (struct verdict){rules == RULES_THANOS ? STATUS_OK : STATUS_NO_CONTENT, STR("")};
    return (struct verdict){status_of(rules, result),
                            join(&reasons, example_of(result, refused, a), a)};
}

struct written
written_of(const struct append_result *result, const struct rewrite_dropped *dropped)
{
    struct written w = {.samples = dropped->samples,
                        .histograms = dropped->histograms,
                        .exemplars = dropped->exemplars + result->exemplar_fates[EXEMPLAR_STORED] +
                                     result->exemplar_fates[EXEMPLAR_REPEATED]};
    for (enum sample_fate fate = SAMPLE_STORED; fate <= SAMPLE_REPEATED; fate++) {
        w.samples += result->fates[fate] - result->histogram_fates[fate];
        w.histograms += result->histogram_fates[fate];
    }
    return w;
}

struct verdict
verdict_with_bad_tenants(struct verdict verdict, uint64_t rows, struct str example, struct arena *a)
{
    AUTO(buf_fini) struct buf quoted = BUF_INIT;
    if (rows == 0)
        return verdict;
    quote_text(example, &quoted);
    struct str text =
        arena_printf(a, "add %ju series: tenant name not valid (first: %s)%s%.*s", (uintmax_t)rows,
                     buf_cstr(&quoted), verdict.text.n > 0 ? "; " : "", STR_FMT(verdict.text));
    int status = verdict.status == STATUS_TOO_MANY ? STATUS_TOO_MANY : STATUS_BAD_REQUEST;
    return (struct verdict){status, text};
}
