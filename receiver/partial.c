/* partial.c - what the decoder and the head refused, as one status and one text. */
#include "receiver/partial.h"

#include "base/mem.h"

enum { STATUS_OK = 200, STATUS_NO_CONTENT = 204, STATUS_BAD_REQUEST = 400, STATUS_TOO_MANY = 429 };

static uint64_t
samples_stored(const struct append_result *result)
{
    return result->fates[SAMPLE_STORED] + result->fates[SAMPLE_STORED_LATE] +
           result->fates[SAMPLE_REPEATED];
}

static struct str
join(struct str x, struct str y, struct arena *a)
{
    if (x.n == 0 || y.n == 0)
        return x.n == 0 ? y : arena_str(a, x);
    return arena_printf(a, "%.*s; %.*s", STR_FMT(x), STR_FMT(y));
}

/* In points: the head counts samples. */
static uint64_t
points_refused_by_head(const struct batch *batch, uint64_t stored)
{
    uint64_t samples = batch->request.sample_count + batch->request.histogram_count;
    return u64_min(samples - u64_min(samples, stored), batch->refused.items_taken);
}

struct partial
partial_of(enum write_protocol_kind protocol, const struct batch *batch,
           const struct append_result *result, struct arena *a)
{
    struct verdict head = verdict_of(RULES_PROMETHEUS, result, &batch->refused_series, a);
    uint64_t stored = samples_stored(result);
    bool otlp = protocol == WRITE_OTLP;
    struct str text = join(batch->refused.text, head.text, a);
    if (text.n == 0)
        return (struct partial){.verdict = {otlp ? STATUS_OK : STATUS_NO_CONTENT, STR("")}};
    struct partial p = {.refused = batch->refused.items};
    if (head.text.n > 0)
        p.refused += points_refused_by_head(batch, stored);
    bool success = otlp && (stored > 0 || p.refused == 0);
    p.verdict.status = success                          ? STATUS_OK
                       : head.status == STATUS_TOO_MANY ? STATUS_TOO_MANY
                                                        : STATUS_BAD_REQUEST;
    p.verdict.text =
        otlp ? text
             : arena_printf(a, "%ju samples stored, %ju lines refused: %.*s", (uintmax_t)stored,
                            (uintmax_t)batch->refused.items, STR_FMT(text));
    return p;
}

struct partial
partial_with_bad_tenants(struct partial p, enum write_protocol_kind protocol,
                         const struct append_result *result, uint64_t rows, struct str example,
                         struct arena *a)
{
    int status = p.verdict.status;
    p.verdict = verdict_with_bad_tenants(p.verdict, rows, example, a);
    if (protocol != WRITE_OTLP || rows == 0)
        return p;
    p.refused += rows;
    if (samples_stored(result) > 0)
        p.verdict.status = status;
    return p;
}
