/* record_exemplars.h - bodies of log records of type 4. Conventions: record.h. */
#pragma once
#include "tsdb/model/exemplar.h"
#include "tsdb/wal/record.h"

/* The first exemplar fixes the bases. Labels need not be sorted; they are stored as they are. */
void record_begin_exemplars(struct record_samples_writer *w, struct buf *to, uint64_t ref0,
                            int64_t t0_ms);
void record_put_exemplar(struct record_samples_writer *w, uint64_t ref, const struct exemplar *e);

void record_read_exemplars(struct record_cursor *c, struct str record);
/* The array of labels is the arena's; how long they are is not judged. */
bool record_next_exemplar(struct record_cursor *c, struct arena *a, uint64_t *ret_ref,
                          struct exemplar *ret_exemplar);
