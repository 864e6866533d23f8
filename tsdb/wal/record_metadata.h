/* record_metadata.h - bodies of log records of type 6. Conventions: record.h. */
#pragma once
#include "tsdb/model/metadata.h"
#include "tsdb/wal/record.h"

void record_begin_metadata(struct buf *to);
void record_put_metadata(struct buf *to, uint64_t ref, const struct metadata *m);

void record_read_metadata(struct record_cursor *c, struct str record);
/* Fields other than UNIT and HELP are skipped; a kind that we do not know is
 * METRIC_KIND_UNKNOWN. */
bool record_next_metadata(struct record_cursor *c, uint64_t *ret_ref,
                          struct metadata *ret_metadata);
