/* place_int.h - a write while it is placed. */
#pragma once
#include "replication/place.h"

/* Rows of one class in one batch. */
struct share {
    uint32_t class_index;
    size_t row_count;
    size_t bytes; /* of their fields of a tuple */
};

/* Of a class of the plan. */
struct place_class {
    size_t batch; /* the last one that has a share of it, + 1 */
    size_t share; /* that one */
    bool is_local;
    uint32_t payload_count; /* its numbers: placing.class_payloads */
    size_t row_count, sample_count;
    int64_t newest_ms;
};

/* Tuples that one or more parts consist of. */
struct payload {
    size_t bytes;
    uint32_t tuple_count;
    uint32_t ballot; /* the first with these rows */
    size_t batch;    /* the last one that it has a tuple of, + 1 */
    size_t content;  /* bytes of that tuple's rows */
    struct buf buf;  /* while it is written, */
    char *at;        /* up to here */
    struct shared *shared;
};

struct placing {
    struct arena *arena;
    const struct place_opts *opts;
    const struct rewritten *in;
    struct placed *out;
    unsigned owner_count;
    /* Of rows. */
    size_t row_count;
    uint32_t *row_class;
    uint32_t *row_bytes;           /* of the content of their TimeSeries */
    struct str *row_rest;          /* series_encode.h; NULL: no row has any */
    struct rewritten_batch *local; /* out->local.batches */
    /* Of batches: the shares of b are from first_share[b] up to first_share[b + 1]. */
    size_t *first_share;
    struct share *shares;
    size_t share_count, shares_cap;
    /* Of classes. */
    struct place_class *classes;
    size_t class_count, classes_cap;
    uint32_t *class_payloads; /* owner_count each */
    /* Of payloads. */
    uint32_t *ballot_payload; /* by ballot; PLACED_NOWHERE: this machine's */
    struct payload *payloads;
    size_t payload_count;
    uint32_t *open; /* payloads with a tuple of the batch at hand */
    size_t open_count;
};

static inline const struct append_request *
placing_request(const struct placing *p, size_t b)
{
    return &p->in->batches[b].batch.request;
}
static inline struct str
placing_tenant(const struct placing *p, size_t b)
{
    return p->in->batches[b].batch.tenant;
}

/* place_payloads.c: which payloads there are, from classes and ballots; then their bytes. */
struct err place_plan_payloads(struct placing *p);
struct err place_write_payloads(struct placing *p);
/* place_rest.c: batches of this machine; parts of metadata behind the others. */
struct err place_keep_local(struct placing *p);
struct err place_metadata(struct placing *p);
