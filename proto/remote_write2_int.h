/* remote_write2_int.h - a Request of remote write 2.0 on its way, for its decoder's files.
 *
 * Threads: a walk belongs to one call. */
#pragma once
#include "proto/remote_write2.h"
#include "proto/symbols.h"
#include "proto/write_walk.h"

/* Fields of a TimeSeries; 3 and 4 stand the other way round than in 1.0. */
enum {
    SERIES2_LABELS_REFS = 1,
    SERIES2_SAMPLES = 2,
    SERIES2_HISTOGRAMS = 3,
    SERIES2_EXEMPLARS = 4,
    SERIES2_METADATA = 5,
};
enum { SAMPLE2_START = 3 };
_Static_assert((int)SERIES2_SAMPLES == (int)SERIES_SAMPLES, "a sample's frame is that of 1.0");

/* References gathered from the fields of one message; the array is used again by the next. */
struct write2_refs {
    uint32_t *v; /* in the arena */
    size_t n, cap;
};

/* What was told of the family of one name last. */
struct write2_told {
    bool any;
    enum metric_kind kind;
    uint32_t help, unit; /* references */
};

/* The labels that the fast path wrote last. */
enum { WRITE2_FAST_REFS_BYTES = 256, WRITE2_FAST_LABELS = WRITE2_FAST_REFS_BYTES / 2 };
struct write2_last {
    struct str refs, key;                  /* in message and arena */
    size_t n;                              /* labels; 0: none were, or they are in pieces */
    uint32_t metric;                       /* reference that is the metric's name */
    size_t metric_at;                      /* index of the label that says so */
    uint16_t ref_ends[WRITE2_FAST_LABELS]; /* of each label */
    uint16_t key_ends[WRITE2_FAST_LABELS];
};

struct walk2 {
    struct write_walk base;
    struct symbols symbols;
    char *keys_at, *keys_end; /* room for label keys */
    struct write2_last last;
    size_t key_bytes;                              /* of all so far */
    struct write2_refs series_refs, exemplar_refs; /* of the one at hand */
    struct write2_told *told; /* a symbol: as the name of a metric; NULL until one is told */
    /* What the series at hand says of its family, and what was read last: mostly the same. */
    uint32_t metric, last_metric; /* references of names; 0: none */
    struct str metadata, last_metadata;
};

/* Adds the references of a field of labels_refs at `at`, packed or one. */
struct err write2_take_refs(const struct walk2 *w, const struct pb_field *f, const uint8_t *at,
                            struct write2_refs *refs);
/* They are pairs and all name symbols. `at`: the message that they belong to. */
struct err write2_check_refs(const struct walk2 *w, const struct write2_refs *refs, const void *at);

struct err write2_add_exemplar(struct walk2 *w, struct str content);
/* The metadata of the series at hand, which has a name. */
struct err write2_add_metadata(struct walk2 *w);
