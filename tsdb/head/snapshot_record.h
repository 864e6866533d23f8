/* snapshot_record.h - bodies of the records of a snapshot. Pure: no files.
 *
 * Source: spec/tsdb.md section 10 (prometheus tsdb/head_wal.go, encodeToSnapshotRecord and what
 * follows). Format: README.md. Threads: any (values). */
#pragma once
#include "tsdb/chunk/chunk.h"
#include "tsdb/chunk/xor.h"
#include "tsdb/model/exemplar.h"
#include "tsdb/model/histogram.h"
#include "tsdb/model/interval.h"
#include "tsdb/wal/record.h"

enum snapshot_record {
    SNAPSHOT_RECORD_SERIES = 1,     /* one series               */
    SNAPSHOT_RECORD_TOMBSTONES = 2, /* all deletions            */
    SNAPSHOT_RECORD_EXEMPLARS = 3,  /* at most SNAPSHOT_EXEMPLARS_MAX by our writer */
};
enum { SNAPSHOT_EXEMPLARS_MAX = 10000 };

/* A series and its open chunk. */
struct snapshot_series {
    uint64_t ref;
    struct labels labels;
    struct chunk_view open; /* encoding CHUNK_NONE: there is none, and nothing below counts */
    uint64_t last_bits;     /* of a chunk of floats: its newest value */
    struct histogram last;  /* of a chunk of histograms: likewise; its kind is the encoding's */
};

/* What one exemplar or one deletion belongs to. */
struct snapshot_exemplar {
    uint64_t ref;
    struct exemplar exemplar;
};
struct snapshot_deletion {
    uint64_t ref;
    struct interval span; /* mint <= maxt */
};

/* Appends a whole record. */
void snapshot_encode_series(const struct snapshot_series *s, struct buf *to);
/* Labels and lists are the arena's, what they point to, and the chunk's data, the record's. The
 * chunk's bytes are not judged. ERR_CORRUPT for bytes that are no such record, ERR_UNIMPLEMENTED
 * for encodings and histograms of later versions. */
struct err snapshot_decode_series(struct str record, struct arena *a,
                                  struct snapshot_series *ret_series);
/* The appender of an open chunk of encoding CHUNK_XOR, so that it goes on: xor_reopen(). Judges
 * the bytes: they have to be in accord with times and newest value. */
struct err snapshot_reopen_floats(const struct snapshot_series *s, struct xor_appender *ret_x,
                                  int64_t *ret_quarter_ms);

/* All deletions of a snapshot as one record. Triples are put one by one into a buffer. */
void snapshot_put_deletion(struct buf *triples, const struct snapshot_deletion *d);
void snapshot_encode_deletions(struct str triples, struct buf *to);
struct snapshot_deletions { /* cursor */
    struct reader r;
};
/* A record that is none fails the cursor: snapshot_deletions_check(). */
void snapshot_read_deletions(struct snapshot_deletions *c, struct str record);
bool snapshot_next_deletion(struct snapshot_deletions *c, struct snapshot_deletion *ret_deletion);
struct err snapshot_deletions_check(const struct snapshot_deletions *c);

/* Exemplars: as records of type 4 but for the type. begin makes room for nothing; put as many. */
void snapshot_begin_exemplars(struct record_samples_writer *w, struct buf *to,
                              const struct snapshot_exemplar *first);
void snapshot_put_exemplar(struct record_samples_writer *w, const struct snapshot_exemplar *e);
/* Read with record_next_exemplar(); *scratch lives as long as the cursor. */
void snapshot_read_exemplars(struct record_cursor *c, struct str record, struct buf *scratch);
