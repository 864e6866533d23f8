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
    if (q->batch.request.row_count == 0)
        return OK; /* metadata, exemplars or histograms only: no tenant is made for them */
    q->reached_sink = true;
    return sink_append(q->sink, &q->batch, q->arena, &q->result);
}
