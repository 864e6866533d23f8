/* tenant_stores.h - the query API's view of the tenants' databases, from before they are open.
 * Threads: any; opened by the owner once. */
#pragma once
#include "base/arena.h"
#include "querygw/store/store.h"

struct tenants;

struct tenant_stores {
    _Atomic(struct tenants *) tenants; /* NULL while the databases are replayed */
};

/* From here on the tenants' databases answer; borrowed for life. */
void tenant_stores_open(struct tenant_stores *s, struct tenants *tenants);
/* For api_opts.store_of_tenant: `arg` is the tenant_stores. Before tenant_stores_open() the
 * store answers ERR_UNAVAILABLE, so that nobody takes a replay for an empty database. */
struct store *tenant_stores_find(void *arg, struct arena *a, struct str tenant);
/* For api_opts.list_tenants; ERR_UNAVAILABLE before. */
struct err tenant_stores_list(void *arg, struct arena *a, struct str_list *ret_names);
