/* peer_rows.h - the rows of a part, in the forms in which they travel.
 *
 * Parts of a write that have the same rows share them. In full they are tuples with labels, packed
 * when somebody needs that; terse, series are told by number (proto/writeable.h), for receivers
 * that know these. Threads: any. */
#pragma once
#include "base/lock.h"
#include "base/shared.h"

struct zstd_encoder;

struct peer_rows {
    _Atomic(uint32_t) refs;
    struct shared *tuples; /* in full; a reference */
    uint32_t tuple_count;
    /* Terse; 0 and NULL: there is no such form. */
    uint64_t numbering;
    uint32_t *numbers; /* of its series; owned */
    size_t number_count;
    struct shared *terse; /* its tuples, as many, in a zstd frame */
    size_t terse_plain_bytes;

    struct lock lock;
    struct shared *packed GUARDED_BY(lock); /* `tuples` in a zstd frame; NULL: nobody asked */
};

/* In full only; takes the reference. The caller owns one to the result. */
struct peer_rows *peer_rows_new(struct shared *tuples, uint32_t tuple_count);
/* Before anybody else has a reference; takes numbers and terse. */
void peer_rows_set_terse(struct peer_rows *r, uint64_t numbering, uint32_t *numbers,
                         size_t number_count, struct shared *terse, size_t terse_plain_bytes);
struct peer_rows *peer_rows_ref(struct peer_rows *r);
void peer_rows_unref(struct peer_rows *r); /* NULL is allowed */
DEFINE_AUTO(struct peer_rows *, peer_rows_unref)

/* Borrowed; made by `e` unless somebody had asked before. */
struct shared *peer_rows_packed(struct peer_rows *r, struct zstd_encoder *e);
