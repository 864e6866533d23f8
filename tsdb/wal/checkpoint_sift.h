/* checkpoint_sift.h - which parts of a record a checkpoint keeps. Pure: no files.
 *
 * A record of which all is kept is passed on as it is, with whatever a later version may have
 * put into it. What is encoded anew has a type that we write (record.h): start timestamps get
 * lost. Metadata is held back, newest for each series.
 * Threads: one at a time. */
#pragma once
#include "base/arena.h"
#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"
#include "tsdb/wal/checkpoint.h"

struct checkpoint_sift {
    const struct checkpoint_filter *filter; /* borrowed */
    struct checkpoint_stats stats;
    struct arena scratch; /* of one record */
    struct buf kept[2];   /* records made anew; the second one of custom histograms */
    struct map metadata;  /* reference -> struct sift_metadata, owned */
};

void checkpoint_sift_init(struct checkpoint_sift *s, const struct checkpoint_filter *filter);
void checkpoint_sift_fini(struct checkpoint_sift *s);
static inline void
auto_checkpoint_sift_fini(struct checkpoint_sift *s)
{
    checkpoint_sift_fini(s);
}

/* Of which nothing is kept when all its times are before mint_ms: bit n, records of type n. */
uint32_t checkpoint_sift_timed(void);
/* What is kept of `record`: at most two records, views that live until the next call or as long
 * as `record`. ERR_CORRUPT when it is malformed. */
struct err checkpoint_sift_record(struct checkpoint_sift *s, struct str record,
                                  struct str ret_kept[2], size_t *ret_count);
/* Behind the last record: all metadata held back, by reference, in records of about this size.
 * They are appended to *to one behind the other, the end of each to *ends. */
VEC_TYPE(sift_ends, size_t);
void checkpoint_sift_metadata(struct checkpoint_sift *s, size_t record_bytes, struct buf *to,
                              struct sift_ends *ends);
