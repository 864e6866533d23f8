/* tenant_stores.c - tenant name -> store, and the store that says "not yet". */
#include "cmd/tenant_stores.h"

#include <stdatomic.h>

#include "querygw/store/store_tsdb.h"
#include "tsdb/tenants.h"

static struct err
not_ready(void)
{
    return ERR(ERR_UNAVAILABLE,
               "starting: the databases are being opened; a receiver that only routes has none");
}

static struct err
starting_select(struct store *s, const struct select_query *q, struct matchers matchers,
                struct arena *a, struct series_set **ret_set)
{
    (void)s, (void)q, (void)matchers, (void)a, (void)ret_set;
    return not_ready();
}

static struct err
starting_label_names(struct store *s, const struct select_query *q, struct matchers matchers,
                     struct arena *a, struct str_list *ret_names)
{
    (void)s, (void)q, (void)matchers, (void)a, (void)ret_names;
    return not_ready();
}

static struct err
starting_label_values(struct store *s, const struct select_query *q, struct str name,
                      struct matchers matchers, struct arena *a, struct str_list *ret_values)
{
    (void)s, (void)q, (void)name, (void)matchers, (void)a, (void)ret_values;
    return not_ready();
}

static struct err
starting_exemplars(struct store *s, const struct exemplar_query *q, struct arena *a,
                   struct series_exemplars_list *ret_list)
{
    (void)s, (void)q, (void)a, (void)ret_list;
    return not_ready();
}

static struct err
starting_metadata(struct store *s, struct str family, size_t limit, struct arena *a,
                  struct family_metadata_list *ret_list)
{
    (void)s, (void)family, (void)limit, (void)a, (void)ret_list;
    return not_ready();
}

static struct err
starting_cardinality(struct store *s, size_t limit, struct arena *a,
                     struct cardinality *ret_cardinality)
{
    (void)s, (void)limit, (void)a, (void)ret_cardinality;
    return not_ready();
}

/* Of a log that is being replayed. */
static struct err
starting_files(struct store *s, struct arena *a, struct store_files *ret_files)
{
    (void)s, (void)a;
    *ret_files = (struct store_files){.wal_segment = 0};
    return OK;
}

static struct err
starting_delete_series(struct store *s, struct matchers matchers, int64_t mint_ms, int64_t maxt_ms)
{
    (void)s, (void)matchers, (void)mint_ms, (void)maxt_ms;
    return not_ready();
}

static struct err
starting_clean_deletions(struct store *s)
{
    (void)s;
    return not_ready();
}

static struct err
starting_snapshot(struct store *s, enum snapshot_scope scope, struct arena *a, struct str *ret_name)
{
    (void)s, (void)scope, (void)a, (void)ret_name;
    return not_ready();
}

static const struct store_admin_ops starting_admin_ops = {
    .delete_series = starting_delete_series,
    .clean_deletions = starting_clean_deletions,
    .snapshot = starting_snapshot,
};

static const struct store_ops starting_ops = {
    .select = starting_select,
    .label_names = starting_label_names,
    .label_values = starting_label_values,
    .exemplars = starting_exemplars,
    .metadata = starting_metadata,
    .cardinality = starting_cardinality,
    .files = starting_files,
    .admin = &starting_admin_ops,
};

void
tenant_stores_open(struct tenant_stores *s, struct tenants *tenants)
{
    atomic_store_explicit(&s->tenants, tenants, memory_order_release); /* pairs with find */
}

struct store *
tenant_stores_find(void *arg, struct arena *a, struct str tenant)
{
    struct tenant_stores *s = arg;
    struct tenants *tenants = atomic_load_explicit(&s->tenants, memory_order_acquire);
    if (!tenants) {
        struct store *starting = ARENA_NEW(a, struct store);
        starting->ops = &starting_ops;
        return starting;
    }
    return store_tsdb_of_tenant(tenants, a, tenant);
}

struct err
tenant_stores_list(void *arg, struct arena *a, struct str_list *ret_names)
{
    struct tenant_stores *s = arg;
    struct tenants *tenants = atomic_load_explicit(&s->tenants, memory_order_acquire);
    if (!tenants)
        return not_ready();
    *ret_names = tenants_names(tenants, a);
    return OK;
}
