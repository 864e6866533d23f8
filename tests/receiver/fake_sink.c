/* fake_sink.c - see fake_sink.h. */
#include "tests/receiver/fake_sink.h"

#include <stdio.h>

#include "base/mem.h"

static bool
refuses(const struct append_result *r)
{
    uint64_t refused = r->series_over_limit + r->series_unknown;
    for (size_t i = SAMPLE_OUT_OF_ORDER; i < SAMPLE_FATE_COUNT; i++)
        refused += r->fates[i];
    for (size_t i = LABEL_FAULT_NONE + 1; i < LABEL_FAULT_COUNT; i++)
        refused += r->label_faults[i];
    return refused > 0;
}

static struct err
append(struct sink *sink, const struct batch *batch, struct arena *a,
       struct append_result *ret_result)
{
    (void)a;
    struct fake_sink *f = container_of(sink, struct fake_sink, sink);
    LOCKED(&f->lock);
    f->calls++;
    f->rows += batch->request.row_count;
    f->samples += batch->request.sample_count;
    snprintf(f->tenant, sizeof f->tenant, "%.*s", STR_FMT(batch->tenant));
    if (batch->request.limits)
        f->limits = *batch->request.limits;
    if (f->fail != ERR_NONE)
        return f->fail_text ? ERR(f->fail, "%s", f->fail_text) : ERR_CODE(f->fail);
    if (batch->request.row_refusals && refuses(&f->result))
        memset(batch->request.row_refusals, ROW_REFUSED, batch->request.row_count);
    *ret_result = f->result;
    return OK;
}

static const struct sink_ops fake_sink_ops = {.append = append};

void
fake_sink_init(struct fake_sink *f)
{
    *f = (struct fake_sink){.sink = {&fake_sink_ops}};
    lock_init(&f->lock, LOCK_RANK_LEAF);
}

void
fake_sink_fini(struct fake_sink *f)
{
    lock_fini(&f->lock);
}
