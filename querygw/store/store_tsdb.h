/* store_tsdb.h - a store over one tenant's database in this process. Threads: any. */
#pragma once
#include "base/arena.h"
#include "querygw/store/store.h"
#include "tsdb/tenants.h"

struct store_tsdb {
    struct store store; /* hand this on */
    struct db *db;      /* borrowed for life */
};

void store_tsdb_init(struct store_tsdb *s, struct db *db);

/* The store of a tenant, in the arena; NULL when there is none. `tenants` is a struct tenants *,
 * borrowed: the callback that api_opts wants. */
struct store *store_tsdb_of_tenant(void *tenants, struct arena *a, struct str tenant);
