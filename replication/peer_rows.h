/* peer_rows.h - the rows of a part, in the forms in which they travel.
 *
 * Parts of a write that have the same rows share them. In full they are tuples with labels, packed
 * when somebody needs that; terse, series are told by number (proto/writeable.h), for receivers
 * that know these. Threads: any. */
#pragma once
#include "base/lock.h"
#include "base/shared.h"

struct zstd_encoder;

/* Who writes the rows in full when somebody asks for them. */
struct peer_rows_source {
    struct shared *(*write)(void *arg); /* once; the reference is taken */
    void (*done)(void *arg);            /* what it is written from is not needed any more; once */
    void *arg;
};

struct peer_rows {
    _Atomic(uint32_t) refs;
    uint32_t tuple_count;
    size_t plain_bytes; /* of the tuples in full */
    /* Terse; 0 and NULL: there is no such form. */
    uint64_t numbering;
    uint32_t *numbers; /* of its series; owned */
    size_t number_count;
    struct shared *terse; /* its tuples, as many, in a zstd frame */
    size_t terse_plain_bytes;

    struct lock lock;
    struct peer_rows_source source GUARDED_BY(lock); /* of tuples that are not written yet */
    struct shared *tuples GUARDED_BY(lock);          /* in full */
    struct shared *packed GUARDED_BY(lock);          /* those in a zstd frame */
};

/* In full only, written: takes the reference. The caller owns one to the result, as of the next. */
struct peer_rows *peer_rows_new(struct shared *tuples, uint32_t tuple_count);
struct peer_rows *peer_rows_of_source(struct peer_rows_source source, size_t plain_bytes,
                                      uint32_t tuple_count);
/* Before anybody else has a reference; takes numbers and terse. */
void peer_rows_set_terse(struct peer_rows *r, uint64_t numbering, uint32_t *numbers,
                         size_t number_count, struct shared *terse, size_t terse_plain_bytes);
struct peer_rows *peer_rows_ref(struct peer_rows *r);
void peer_rows_unref(struct peer_rows *r); /* NULL is allowed */
DEFINE_AUTO(struct peer_rows *, peer_rows_unref)

/* Both are borrowed. In full; */
struct shared *peer_rows_tuples(struct peer_rows *r);
/* packed by `e` unless somebody had asked before. */
struct shared *peer_rows_packed(struct peer_rows *r, struct zstd_encoder *e);
