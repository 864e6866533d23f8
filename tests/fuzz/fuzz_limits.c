/* A limits file that is taken has limits for every tenant; one that is not says where it is wrong.
 */
#include "base/assert.h"
#include "ingest/limits.h"
#include "tests/fuzz/fuzz.h"

static void
check(const struct tenant_limits *t)
{
    struct append_limits head = limits_of_head(t);
    ASSERT(t->size_bytes <= INT64_MAX && t->rate <= INT64_MAX && t->burst <= INT64_MAX);
    ASSERT(head.series_max <= INT64_MAX);
    ASSERT(head.ooo_window_ms >= LIMIT_OF_FLAG && head.future_window_ms >= LIMIT_OF_FLAG);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(limits_unref) struct limits *l = NULL;
    struct err e = limits_parse(str_of((const char *)data, size), &l);
    ASSERT((l != NULL) == (e.code == ERR_NONE));
    ASSERT(e.code == ERR_NONE || e.msg);
    err_drop(e);
    if (!l)
        return 0;
    struct map_entry tenant = MAP_START;
    while (map_next(&l->tenants, &tenant)) {
        ASSERT(limits_of(l, tenant.key) == tenant.value);
        check(tenant.value);
    }
    ASSERT(limits_of(l, STR("no tenant's name: /")) == &l->others);
    check(&l->others);
    return 0;
}
