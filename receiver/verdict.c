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
  sample_reasons[] = {
      {1u << SAMPLE_OUT_OF_ORDER, "out of order sample"},
      {1u << SAMPLE_DUPLICATE, "duplicate sample for timestamp"},
      {1u << SAMPLE_OUT_OF_BOUNDS | 1u << SAMPLE_TOO_NEW, "out of bounds"},
      {1u << SAMPLE_TOO_OLD, "too old sample"},
};
_Static_assert(LABEL_FAULT_COUNT == 8 && SAMPLE_FATE_COUNT == 8, "a row for every refusal");

enum { REASONS_MAX = ARRAY_LEN(label_reasons) + ARRAY_LEN(sample_reasons) + 3 };

struct reasons {
    struct str v[REASONS_MAX];
    size_t n;
};

static uint64_t
count_kinds(const struct reason_row *row, const uint64_t *counts, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += row->kinds >> i & 1 ? counts[i] : 0;
    return sum;
}

static void
collect(struct reasons *reasons, const struct append_result *result, struct arena *a)
{
    for (size_t i = 0; i < ARRAY_LEN(label_reasons); i++) {
        uint64_t n = count_kinds(&label_reasons[i], result->label_faults, LABEL_FAULT_COUNT);
        if (n > 0)
            reasons->v[reasons->n++] =
                arena_printf(a, "add %ju series: %s", (uintmax_t)n, label_reasons[i].text);
    }
    for (size_t i = 0; i < ARRAY_LEN(sample_reasons); i++) {
        uint64_t n = count_kinds(&sample_reasons[i], result->fates, SAMPLE_FATE_COUNT);
        if (n > 0)
            reasons->v[reasons->n++] =
                arena_printf(a, "add %ju samples: %s", (uintmax_t)n, sample_reasons[i].text);
    }
    if (result->series_over_limit > 0)
        reasons->v[reasons->n++] =
            arena_printf(a, "tenant is above active series limit: %ju series refused",
                         (uintmax_t)result->series_over_limit);
    if (result->histograms_invalid > 0)
        reasons->v[reasons->n++] =
            arena_printf(a, "add %ju histograms: %.*s", (uintmax_t)result->histograms_invalid,
                         STR_FMT(result->histogram_fault));
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
status_of(enum write_door door, const struct append_result *result)
{
    if (result->series_over_limit > 0)
        return STATUS_TOO_MANY;
    if (result->label_faults[LABEL_FAULT_MALFORMED] > 0 || result->histograms_invalid > 0)
        return STATUS_BAD_REQUEST; /* not what it says it is, whatever the door */
    return door == DOOR_RECEIVE ? STATUS_CONFLICT : STATUS_BAD_REQUEST;
}

struct verdict
verdict_of(enum write_door door, const struct append_result *result, struct arena *a)
{
    struct reasons reasons = {.n = 0};
    collect(&reasons, result, a);
    if (reasons.n == 0)
        return (struct verdict){door == DOOR_RECEIVE ? STATUS_OK : STATUS_NO_CONTENT, STR("")};
    return (struct verdict){status_of(door, result), join(&reasons, result->example, a)};
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
