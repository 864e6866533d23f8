/* tenants.h - tenant name -> database; each is a directory below one root, as Thanos lays out.
 *
 * Threads: any. */
#pragma once
#include "base/metrics.h"
#include "base/pool.h"
#include "tsdb/db.h"

struct tenants;

enum { TENANT_NAME_BYTES_MAX = 150, TENANTS_MAX = 100000 };

/* 1 to 150 bytes of [A-Za-z0-9_.=+@:-] and friends that are safe in a path; never "." or "..".
 * ERR_INVALID says what is wrong. */
struct err tenant_name_check(struct str name);

struct tenants_opts {
    const char *dir;         /* root; copied; made when missing */
    struct db_opts db;       /* `dir` is filled in a tenant */
    struct metrics *metrics; /* borrowed for life */
};

/* Opens every tenant directory found, in parallel on `pool`. A tenant that cannot be opened is
 * an error of the whole: an operator must see it. */
struct err tenants_open(const struct tenants_opts *opts, struct pool *pool,
                        struct tenants **ret_tenants);
/* Finishes every database (errors are logged), frees. NULL is allowed. */
void tenants_close(struct tenants *t);

/* Borrowed until tenants_close(). Created when new, once, while others wait for it. */
struct err tenants_get_or_create(struct tenants *t, struct str name, struct db **ret_db);
/* NULL when there is no such tenant. */
struct db *tenants_find(struct tenants *t, struct str name);
/* db_maintain() for each, with failures logged. Called every second by one thread. */
void tenants_maintain(struct tenants *t);
size_t tenants_count(struct tenants *t);
DEFINE_AUTO(struct tenants *, tenants_close)
