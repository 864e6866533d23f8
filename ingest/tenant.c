/* tenant.c - from headers to a tenant's name. */
#include "ingest/tenant.h"

#include "tsdb/tenants.h"

struct err
ingest_tenant(const struct tenant_sources *from, struct str *ret_tenant)
{
    struct str name = from->header;
    if (name.n == 0)
        name = from->thanos_header;
    if (name.n == 0)
        name = from->fallback;
    TRY(tenant_name_check(name));
    *ret_tenant = name;
    return OK;
}
