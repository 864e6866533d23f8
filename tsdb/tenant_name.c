/* tenant_name.c - the alphabet of tenant names. */
#include "tsdb/tenant_name.h"

static bool
is_tenant_char(char c)
{
    bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return alphanumeric || (c != '\0' && strchr("-_.!*'()@:=+~,", c) != NULL);
}

struct err
tenant_name_check(struct str name)
{
    if (name.n == 0 || name.n > TENANT_NAME_BYTES_MAX)
        return ERR(ERR_INVALID, "tenant name not valid: %zu bytes, allowed 1 to %d", name.n,
                   TENANT_NAME_BYTES_MAX);
    if (str_eq(name, STR(".")) || str_eq(name, STR("..")) || str_eq(name, STR("lost+found")))
        return ERR(ERR_INVALID, "tenant name not valid: \"%.*s\" is reserved", STR_FMT(name));
    for (size_t i = 0; i < name.n; i++) {
        if (!is_tenant_char(name.p[i]))
            return ERR(ERR_INVALID,
                       "tenant name not valid: byte 0x%02x at position %zu; allowed are letters, "
                       "digits and -_.!*'()@:=+~,",
                       (unsigned char)name.p[i], i);
    }
    return OK;
}
