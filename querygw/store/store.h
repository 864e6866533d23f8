/* store.h - the waist between the query API and everything that holds series.
 *
 * A head, a block in a bucket, a remote receiver, and a merge of them all implement this.
 * Threads: any worker; calls may block. */
#pragma once
#include "tsdb/db.h" /* select_query, str_list */
#include "tsdb/model/matcher.h"
#include "tsdb/series_set.h"

struct store;
/* What a store lets its owner do; of stores in this process only. */
struct store_admin_ops {
    /* As db_delete(), db_clean_deletions() and db_snapshot(). */
    struct err (*delete_series)(struct store *s, struct matchers matchers, int64_t mint_ms,
                                int64_t maxt_ms);
    struct err (*clean_deletions)(struct store *s);
    struct err (*snapshot)(struct store *s, enum snapshot_scope scope, struct arena *a,
                           struct str *ret_name);
};
/* What a store keeps on the disk of this process. */
struct store_files {
    struct str_list blocks; /* meta.json of each, one line; in the arena of the call */
    uint64_t wal_segment;   /* that is being written */
};
struct store_ops {
    /* As db_select(). */
    struct err (*select)(struct store *s, const struct select_query *q, struct matchers matchers,
                         struct arena *a, struct series_set **ret_set);
    /* As db_label_names() and db_label_values(). */
    struct err (*label_names)(struct store *s, const struct select_query *q,
                              struct matchers matchers, struct arena *a,
                              struct str_list *ret_names);
    struct err (*label_values)(struct store *s, const struct select_query *q, struct str name,
                               struct matchers matchers, struct arena *a,
                               struct str_list *ret_values);
    /* As db_exemplars() and db_metadata(). */
    struct err (*exemplars)(struct store *s, const struct exemplar_query *q, struct arena *a,
                            struct series_exemplars_list *ret_list);
    struct err (*metadata)(struct store *s, struct str family, size_t limit, struct arena *a,
                           struct family_metadata_list *ret_list);
    /* As db_cardinality(). */
    struct err (*cardinality)(struct store *s, size_t limit, struct arena *a,
                              struct cardinality *ret_cardinality);
    struct err (*files)(struct store *s, struct arena *a, struct store_files *ret_files);
    const struct store_admin_ops *admin; /* NULL: it can only be read */
};
/* The first member of every implementation. */
struct store {
    const struct store_ops *ops;
};
