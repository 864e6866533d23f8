/* snapshot_kit.h - snapshots with content that depends on a seed alone. */
#pragma once
#include "tsdb/head/snapshot.h"

struct snapshot_kit {
    uint64_t seed;
    size_t series, deletions, exemplars;
};

/* Writes all of it as a snapshot at `pos`, in snappy when the seed is odd. */
struct err snapshot_kit_write(struct fs *fs, const char *dir, struct snapshot_pos pos,
                              const struct snapshot_kit *kit);
/* The snapshot at `path` is that one, item by item. */
void snapshot_kit_check(struct fs *fs, const char *path, const struct snapshot_kit *kit);

/* Series i of it; in the arena. */
struct snapshot_series snapshot_kit_series(const struct snapshot_kit *kit, size_t i,
                                           struct arena *a);
/* Two are the same in all fields. */
bool snapshot_kit_same_series(const struct snapshot_series *x, const struct snapshot_series *y);
