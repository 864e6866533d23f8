/* tenant.h - which tenant a request writes to. Threads: any. */
#pragma once
#include "base/err.h"
#include "base/str.h"

#define TENANT_HEADER_DEFAULT "THANOS-TENANT"
#define TENANT_DEFAULT        "default-tenant"

/* The field of a client's certificate that names its tenant, as its flag spells it. */
enum tenant_field {
    TENANT_FIELD_NONE,
    TENANT_FIELD_ORGANIZATION,
    TENANT_FIELD_UNIT,
    TENANT_FIELD_NAME,
    TENANT_FIELD_COUNT
};
const char *tenant_field_name(enum tenant_field field);
/* ERR_INVALID for a text that names none; empty is TENANT_FIELD_NONE. */
struct err tenant_field_parse(struct str text, enum tenant_field *ret_field);

/* Where a request may name its tenant, first to last; empty ones are passed over. With a field of
 * the certificate, that alone counts: whoever has none is refused. So does a token, but beside a
 * header that names another tenant it is refused, too: the sender means something it has no right
 * to, and would not learn where its samples went. */
struct tenant_sources {
    enum tenant_field field;
    struct str certificate;   /* value of that field; empty: there is none */
    bool by_token;            /* requests are bound to what their tokens say */
    struct str token;         /* the name in its claim; of by_token */
    struct str header;        /* value of the header that the operator chose */
    struct str thanos_header; /* value of TENANT_HEADER_DEFAULT, which always counts */
    struct str fallback;      /* what requests without a name write to */
};

/* ERR_INVALID, "tenant name not valid: ...", for a name that may not become a directory, and for a
 * certificate that is not there or has no such field. ERR_FORBIDDEN for a header beside a token.
 * *ret_tenant is a view of one of the sources. */
struct err ingest_tenant(const struct tenant_sources *from, struct str *ret_tenant);
