/* record_int.h - what the decoders of records share; for the .c files of this folder only. */
#pragma once
#include "tsdb/wal/record.h"

enum { RECORD_LABELS_MAX = 64 << 10 }; /* of one set: above what any sender gets accepted */

/* Starts behind the type of a record, which must be one of the set `types` (1u << type). */
void record_begin(struct record_cursor *c, struct str record, unsigned types, const char *what);
/* The same for records of samples of any kind, and reads what their deltas build on. */
void record_begin_points(struct record_cursor *c, struct str record, unsigned types,
                         const char *what);
/* Reference, time and start of the next sample of any kind; its value follows. Sets c->value. */
void record_next_point(struct record_cursor *c, uint64_t *ret_ref, int64_t *ret_t_ms);
/* Begins a record of samples of any kind but floats, and one of its samples. */
void record_put_bases(struct record_samples_writer *w, struct buf *to, enum record_type type,
                      uint64_t ref0, int64_t t0_ms);
void record_put_point(struct record_samples_writer *w, uint64_t ref, int64_t t_ms);

/* uvarint count, then name and value of each. Fails the reader above RECORD_LABELS_MAX. */
struct labels record_get_labels(struct reader *r, struct arena *a);
void record_put_labels(struct buf *to, struct labels labels);
