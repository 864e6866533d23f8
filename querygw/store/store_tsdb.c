/* store_tsdb.c - forwards to db.h: a database already speaks the language of stores. */
#include "querygw/store/store_tsdb.h"

#include "base/mem.h"
#include "tsdb/merge.h"

struct store_tsdb {
    struct store store;
    struct tenants *tenants; /* borrowed */
    struct arena *arena;     /* of the query */
    struct str name;         /* in it */
    struct tenant *held;     /* NULL until a call needed it; the arena releases it */
};

static void
release(void *tenant)
{
    tenant_release(tenant);
}

/* *ret_db is NULL when the tenant has nothing between these times, or was removed. */
static struct err
db_for(struct store *store, int64_t mint_ms, int64_t maxt_ms, struct db **ret_db)
{
    struct store_tsdb *s = container_of(store, struct store_tsdb, store);
    if (!s->held) {
        TRY(tenants_acquire_to_read(s->tenants, s->name, mint_ms, maxt_ms, &s->held));
        if (s->held)
            arena_defer(s->arena, release, s->held);
    }
    *ret_db = s->held ? tenant_db(s->held) : NULL;
    return OK;
}

static struct err
tsdb_select(struct store *s, const struct select_query *q, struct matchers matchers,
            struct arena *a, struct series_set **ret_set)
{
    struct db *db;
    TRY(db_for(s, q->mint_ms, q->maxt_ms, &db));
    if (db)
        return db_select(db, q, matchers, a, ret_set);
    *ret_set = merge_series_sets(NULL, 0, 0);
    return OK;
}

static struct err
tsdb_label_names(struct store *s, const struct select_query *q, struct matchers matchers,
                 struct arena *a, struct str_list *ret_names)
{
    struct db *db;
    TRY(db_for(s, q->mint_ms, q->maxt_ms, &db));
    if (db)
        return db_label_names(db, q, matchers, a, ret_names);
    *ret_names = (struct str_list){0};
    return OK;
}

static struct err
tsdb_label_values(struct store *s, const struct select_query *q, struct str name,
                  struct matchers matchers, struct arena *a, struct str_list *ret_values)
{
    struct db *db;
    TRY(db_for(s, q->mint_ms, q->maxt_ms, &db));
    if (db)
        return db_label_values(db, q, name, matchers, a, ret_values);
    *ret_values = (struct str_list){0};
    return OK;
}

static struct err
tsdb_exemplars(struct store *s, const struct exemplar_query *q, struct arena *a,
               struct series_exemplars_list *ret_list)
{
    struct db *db;
    TRY(db_for(s, q->mint_ms, q->maxt_ms, &db));
    if (db)
        return db_exemplars(db, q, a, ret_list);
    *ret_list = (struct series_exemplars_list){0};
    return OK;
}

static struct err
tsdb_metadata(struct store *s, struct str family, size_t limit, struct arena *a,
              struct family_metadata_list *ret_list)
{
    struct db *db;
    TRY(db_for(s, INT64_MIN, INT64_MAX, &db));
    if (db)
        return db_metadata(db, family, limit, a, ret_list);
    *ret_list = (struct family_metadata_list){0};
    return OK;
}

/* Of a closed tenant: its head is empty, so there is nothing to open it for. */
static struct err
tsdb_cardinality(struct store *s, size_t limit, struct arena *a,
                 struct cardinality *ret_cardinality)
{
    struct db *db;
    TRY(db_for(s, INT64_MAX, INT64_MAX, &db));
    if (db)
        return db_cardinality(db, limit, a, ret_cardinality);
    *ret_cardinality = CARDINALITY_EMPTY;
    return OK;
}

static struct err
tsdb_files(struct store *s, struct arena *a, struct store_files *ret_files)
{
    struct db *db;
    struct db_stats stats;
    *ret_files = (struct store_files){.wal_segment = 0};
    TRY(db_for(s, INT64_MIN, INT64_MAX, &db));
    if (!db)
        return OK;
    db_block_metas(db, a, &ret_files->blocks);
    db_stats(db, &stats);
    ret_files->wal_segment = stats.wal_segment;
    return OK;
}

/* --- for its owner ---------------------------------------------------------------------------- */

static struct err
tsdb_delete_series(struct store *s, struct matchers matchers, int64_t mint_ms, int64_t maxt_ms)
{
    struct db *db;
    struct delete_result r;
    TRY(db_for(s, mint_ms, maxt_ms, &db));
    return db ? db_delete(db, matchers, mint_ms, maxt_ms, &r) : OK;
}

static struct err
tsdb_clean_deletions(struct store *s)
{
    struct db *db;
    size_t blocks;
    TRY(db_for(s, INT64_MIN, INT64_MAX, &db));
    return db ? db_clean_deletions(db, &blocks) : OK;
}

static struct err
tsdb_snapshot(struct store *s, enum snapshot_scope scope, struct arena *a, struct str *ret_name)
{
    struct db *db;
    TRY(db_for(s, INT64_MIN, INT64_MAX, &db));
    if (!db)
        return ERR(ERR_NOT_FOUND, "the tenant is gone");
    return db_snapshot(db, scope, a, ret_name);
}

static const struct store_admin_ops tsdb_admin_ops = {
    .delete_series = tsdb_delete_series,
    .clean_deletions = tsdb_clean_deletions,
    .snapshot = tsdb_snapshot,
};

static const struct store_ops tsdb_ops = {
    .select = tsdb_select,
    .label_names = tsdb_label_names,
    .label_values = tsdb_label_values,
    .exemplars = tsdb_exemplars,
    .metadata = tsdb_metadata,
    .cardinality = tsdb_cardinality,
    .files = tsdb_files,
    .admin = &tsdb_admin_ops,
};

struct store *
store_tsdb_of_tenant(void *tenants, struct arena *a, struct str tenant)
{
    if (!tenants_know(tenants, tenant))
        return NULL;
    struct store_tsdb *s = ARENA_NEW(a, struct store_tsdb);
    *s = (struct store_tsdb){
        .store = {&tsdb_ops}, .tenants = tenants, .arena = a, .name = arena_str(a, tenant)};
    return &s->store;
}
