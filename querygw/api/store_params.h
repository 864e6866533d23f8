/* store_params.h - the parameters by which Thanos' API chooses among stores and replicas.
 *
 * A tenant here is one store with raw samples and without replicas. So of these only shard_info
 * changes an answer; the others are read, for what is no value must be refused, and have nothing
 * to choose from. Source: spec/query.md section 2.5; thanos pkg/api/query/v1.go.
 * Threads: any. */
#pragma once
#include "querygw/api/params.h"
#include "querygw/store/store_shard.h"

struct store_params {
    struct shard shard; /* total is 0: all series */
    bool replica_labels; /* some were named: nothing is deduplicated by them */
};

/* dedup, replicaLabels[], storeMatch[], partial_response; of series and labels. */
struct err store_params_check(const struct params *p, struct arena *a);
/* The same, max_source_resolution, shard_info and engine; of queries. All of it for a flavour that
 * has them; else nothing is read. */
struct err store_params_read(const struct params *p, struct arena *a,
                             struct store_params *ret_params);
