/* replay_crew_int.h - the inside of a replay's crew: replay_crew.c, replay_apply.c. */
#pragma once
#include "tsdb/head/replay_int.h"

enum { CREW_MEMBERS_MAX = 16 };

/* A record of samples or histograms, as it is stored. */
struct handed_record {
    size_t start, bytes; /* in the batch */
    unsigned flags;
    struct log_place at;
    size_t plain_start, plain_bytes; /* of histograms: in what its decoder has decompressed */
};
struct batch {
    struct buf bytes;
    VEC(struct handed_record) records;
};

/* A sample on its way from the member that decoded it to the one whose series it is of. */
struct handed_sample {
    uint32_t slot; /* slot_none: a mark for the record number `bits`, of histograms */
    int64_t t_ms;
    uint64_t bits;
};

struct member {
    struct crew *crew;
    unsigned index;

    /* of its share of the batch; others read it when all have decoded theirs */
    VEC(struct handed_sample) lists[CREW_MEMBERS_MAX]; /* by member */
    struct buf plain;                                  /* records of histograms */

    /* its own */
    struct buf floats; /* a record that was decompressed */
    struct slot_list finished;
    struct ref_place place;
    int64_t mint_ms, maxt_ms; /* of what was applied */
    uint64_t samples, skipped, unknown_refs, histograms_dropped;
    uint64_t unknown_ref_max; /* whose record was lost: nobody must be born under it */
    struct arena scratch;     /* of one histogram */
    struct err failure;       /* of the first malformed record of a batch that it met */
    size_t failed_record;
};

struct crew {
    struct replay *r;
    struct chunk_rule rule;
    struct judge_limits limits; /* late samples have a log of their own */
    struct pool *pool;          /* NULL: the reader does it alone */
    unsigned size;
    struct batch batches[2]; /* one is filled while the other is worked on */
    unsigned filling;
    struct lock lock;
    struct cond decoded, done;
    unsigned decoding GUARDED_BY(lock); /* members that are not through with their share */
    unsigned working GUARDED_BY(lock);  /* members that have not finished the batch handed over */
    struct member members[CREW_MEMBERS_MAX];
};

/* replay_apply.c - first each member decodes its share of the records; when all have, */
void member_decode(struct member *m, struct batch *b);
/* each applies what is there for it, in the order of the log. */
void member_apply(struct member *m, const struct batch *b);
