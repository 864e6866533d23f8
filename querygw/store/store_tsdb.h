/* store_tsdb.h - a store over one tenant's database in this process. Threads: any. */
#pragma once
#include "base/arena.h"
#include "querygw/store/store.h"
#include "tsdb/tenants.h"

/* The store of a tenant, in the arena; NULL when there is none. `tenants` is a struct tenants *,
 * borrowed: the callback that api_opts wants.
 *
 * The tenant's database is opened by the first call that reaches its samples, and held until the
 * arena ends: what a query takes from it is valid as long as the query's memory is. */
struct store *store_tsdb_of_tenant(void *tenants, struct arena *a, struct str tenant);
