/* sink_tenants.c - from a batch to db_append(). */
#include "ingest/sink_tenants.h"

#include "base/mem.h"
#include "tsdb/tenants.h"

/* Exemplars and metadata for a tenant that is not there. */
static struct append_result
nothing_stored(const struct append_request *request)
{
    return (struct append_result){
        .exemplar_fates = {[EXEMPLAR_NO_SERIES] = request->exemplar_count},
        .metadata_refused = request->metadata_count,
    };
}

static struct err
append(struct sink *sink, const struct batch *batch, struct arena *a,
       struct append_result *ret_result)
{
    struct sink_tenants *s = container_of(sink, struct sink_tenants, sink);
    if (!batch_has_samples(batch) && !tenants_know(s->tenants, batch->tenant)) {
        *ret_result = nothing_stored(&batch->request);
        return OK;
    }
    AUTO(tenant_release) struct tenant *tenant = NULL;
    TRY_IN(tenants_acquire(s->tenants, batch->tenant, &tenant), "tenant %.*s",
           STR_FMT(batch->tenant));
    struct err e = db_append(tenant_db(tenant), &batch->request, a, ret_result);
    if (e.code == ERR_NONE)
        return OK;
    tenant_hurry(tenant); /* a log that failed is recovered by maintenance */
    return err_wrap(e, "tenant %.*s", STR_FMT(batch->tenant));
}

static const struct sink_ops sink_tenants_ops = {.append = append};

void
sink_tenants_init(struct sink_tenants *s, struct tenants *tenants)
{
    *s = (struct sink_tenants){.sink = {&sink_tenants_ops}, .tenants = tenants};
}
