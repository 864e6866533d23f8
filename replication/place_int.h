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
    size_t row_count; /* of that tuple */
    size_t content;   /* bytes of that tuple's rows, and of their numbers */
    struct place_terse *terse; /* NULL: no numbers */
    struct peer_rows *rows;
};

/* The terse form of a payload while it is written: place_terse.c. */
struct place_terse {
    uint32_t *numbers; /* of all rows that have one; owned */
    size_t number_count;
    size_t payload_rows;             /* of all tuples */
    uint32_t *row_numbers;           /* of all rows, with those that have none */
    size_t rows_done, rows_told;     /* written, and in a tuple */
    struct numbered_sample *samples; /* of the tuple at hand; one a row at most */
    size_t sample_count;
    struct buf others; /* its rows that are more than one float: their fields in full */
    struct buf tuples; /* the result */
};

struct placing {
    struct arena *arena;
    struct place_opts opts;
    const struct rewritten *in;
    struct placed *out;
    unsigned owner_count;
    /* Of rows. */
    size_t row_count;
    uint32_t *row_class;
    uint32_t *row_bytes;           /* of the content of their TimeSeries */
    uint64_t *row_hash;            /* the ring's; meaningless for malformed ones */
    struct hash128 *row_keys;      /* of their labels. NULL: no numbers */
    uint32_t *row_numbers;         /* NULL: no numbers, and 0 is */
    uint64_t numbering;
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

/* place_names.c: hashes and numbers of a batch's rows; the class of malformed ones is
 * PLACED_NOWHERE, of others 0. */
void place_name_rows(struct placing *p, size_t b, size_t first_row);
/* place_payloads.c: which payloads there are, from classes and ballots; then the parts. */
struct err place_plan_payloads(struct placing *p);
struct err place_make_parts(struct placing *p);
/* place_full.c: rows of a payload in full, written now or by whoever wants them first. */
struct peer_rows *place_full(struct placing *p, size_t payload);
/* place_terse.c: the terse forms of all payloads, where there are numbers; then each to its rows.
 */
struct err place_terse(struct placing *p);
void place_give_terse(struct placing *p, struct payload *y);
/* place_rest.c: batches of this machine; parts of metadata behind the others. */
struct err place_keep_local(struct placing *p);
struct err place_metadata(struct placing *p);

/* Whether rows of the class are in the payload. */
static inline bool
placing_class_has(const struct placing *p, uint32_t class_index, size_t payload)
{
    const uint32_t *of = p->class_payloads + (size_t)class_index * p->owner_count;
    for (size_t i = 0; i < p->classes[class_index].payload_count; i++) {
        if (of[i] == payload)
            return true;
    }
    return false;
}
static inline struct str
placing_rest(const struct placing *p, size_t row)
{
    return p->row_rest ? p->row_rest[row] : STR("");
}
