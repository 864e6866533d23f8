/* tenant.c - from headers to a tenant's name. */
#include "ingest/tenant.h"

#include "base/assert.h"
#include "tsdb/tenant_name.h"

static const char *const field_names[TENANT_FIELD_COUNT] = {
    [TENANT_FIELD_NONE] = "",
    [TENANT_FIELD_ORGANIZATION] = "organization",
    [TENANT_FIELD_UNIT] = "organizationalUnit",
    [TENANT_FIELD_NAME] = "commonName",
};

const char *
tenant_field_name(enum tenant_field field)
{
    ASSERT(field < TENANT_FIELD_COUNT);
    return field_names[field];
}

struct err
tenant_field_parse(struct str text, enum tenant_field *ret_field)
{
    for (enum tenant_field i = TENANT_FIELD_NONE; i < TENANT_FIELD_COUNT; i++) {
        if (str_eq(text, str_of_cstr(field_names[i]))) {
            *ret_field = i;
            return OK;
        }
    }
    return ERR(ERR_INVALID, "\"%.*s\" is no field of a certificate", STR_FMT(text));
}

static struct err
tenant_of_certificate(const struct tenant_sources *from, struct str *ret_tenant)
{
    if (from->certificate.n == 0)
        return ERR(ERR_INVALID, "could not get %s field from client cert",
                   field_names[from->field]);
    TRY(tenant_name_check(from->certificate));
    *ret_tenant = from->certificate;
    return OK;
}

static struct err
check_header(const struct tenant_sources *from, struct str header)
{
    if (header.n == 0 || str_eq(header, from->token))
        return OK;
    return ERR(ERR_FORBIDDEN, "the token is not one of the tenant that the header names");
}

static struct err
tenant_of_token(const struct tenant_sources *from, struct str *ret_tenant)
{
    if (from->token.n == 0)
        return ERR(ERR_UNAUTHORIZED, "no token names the tenant");
    TRY(check_header(from, from->header));
    TRY(check_header(from, from->thanos_header));
    TRY(tenant_name_check(from->token));
    *ret_tenant = from->token;
    return OK;
}

struct err
ingest_tenant(const struct tenant_sources *from, struct str *ret_tenant)
{
    if (from->field != TENANT_FIELD_NONE)
        return tenant_of_certificate(from, ret_tenant);
    if (from->by_token)
        return tenant_of_token(from, ret_tenant);
    struct str name = from->header;
    if (name.n == 0)
        name = from->thanos_header;
    if (name.n == 0)
        name = from->fallback;
    TRY(tenant_name_check(name));
    *ret_tenant = name;
    return OK;
}
