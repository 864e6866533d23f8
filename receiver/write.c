/* write.c - the write spine; the stages stand in the folders below, in this order. */
#include "receiver/write.h"

struct err
write_run(struct write *q)
{
    struct str tenant;
    TRY(ingest_tenant(&q->tenant, &tenant));
    TRY(ingest_decode(q->arena, q->decoded, &q->body, &q->batch));
    q->batch.tenant = tenant;
    TRY(ingest_admit(q->limits, &q->batch));
    if (!batch_has_content(&q->batch))
        return OK;
    q->reached_sink = true;
    return sink_append(q->sink, &q->batch, q->arena, &q->result);
}
