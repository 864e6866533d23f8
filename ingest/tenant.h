/* tenant.h - which tenant a request writes to. Threads: any. */
#pragma once
#include "base/err.h"
#include "base/str.h"

#define TENANT_HEADER_DEFAULT "THANOS-TENANT"
#define TENANT_DEFAULT        "default-tenant"

/* Where a request may name its tenant, first to last; empty ones are passed over. */
struct tenant_sources {
    struct str header;        /* value of the header that the operator chose */
    struct str thanos_header; /* value of TENANT_HEADER_DEFAULT, which always counts */
    struct str fallback;      /* what requests without a name write to */
};

/* ERR_INVALID, "tenant name not valid: ...", for a name that may not become a directory.
 * *ret_tenant is a view of one of the sources. */
struct err ingest_tenant(const struct tenant_sources *from, struct str *ret_tenant);
