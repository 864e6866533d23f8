/* store_tsdb.c - forwards to db.h: a database already speaks the language of stores. */
#include "querygw/store/store_tsdb.h"

#include "base/mem.h"

static struct db *
db_of(struct store *s)
{
    return container_of(s, struct store_tsdb, store)->db;
}

static struct err
tsdb_select(struct store *s, const struct select_query *q, struct matchers matchers,
            struct arena *a, struct series_set **ret_set)
{
    return db_select(db_of(s), q, matchers, a, ret_set);
}

static struct err
tsdb_label_names(struct store *s, const struct select_query *q, struct matchers matchers,
                 struct arena *a, struct str_list *ret_names)
{
    return db_label_names(db_of(s), q, matchers, a, ret_names);
}

static struct err
tsdb_label_values(struct store *s, const struct select_query *q, struct str name,
                  struct matchers matchers, struct arena *a, struct str_list *ret_values)
{
    return db_label_values(db_of(s), q, name, matchers, a, ret_values);
}

static struct err
tsdb_exemplars(struct store *s, const struct exemplar_query *q, struct arena *a,
               struct series_exemplars_list *ret_list)
{
    return db_exemplars(db_of(s), q, a, ret_list);
}

static struct err
tsdb_metadata(struct store *s, struct str family, size_t limit, struct arena *a,
              struct family_metadata_list *ret_list)
{
    return db_metadata(db_of(s), family, limit, a, ret_list);
}

static const struct store_ops tsdb_ops = {
    .select = tsdb_select,
    .label_names = tsdb_label_names,
    .label_values = tsdb_label_values,
    .exemplars = tsdb_exemplars,
    .metadata = tsdb_metadata,
};

void
store_tsdb_init(struct store_tsdb *s, struct db *db)
{
    *s = (struct store_tsdb){{&tsdb_ops}, db};
}

struct store *
store_tsdb_of_tenant(void *tenants, struct arena *a, struct str tenant)
{
    struct db *db = tenants_find(tenants, tenant);
    if (!db)
        return NULL;
    struct store_tsdb *s = ARENA_NEW(a, struct store_tsdb);
    store_tsdb_init(s, db);
    return &s->store;
}
