/* writeable.h - from a message of another receiver to batches, and back to what became of its
 * parts.
 *
 * Parts (proto/writeable.h) are stored together, one batch a tenant. Which of its rows a store
 * refuses (append.h, row_refusals) tells the parts apart: what is good of a part is no worse for
 * what it travelled with. Storing part by part would be slower; storing again what was refused
 * would be wrong, since a sample older than the newest of its series is out of order the second
 * time. Threads: any; a message one at a time. */
#pragma once
#include "ingest/batch.h"
#include "ingest/numberings.h"
#include "proto/writeable.h"

struct writeable_rows {
    struct writeable_message message;
    struct batch *batches; /* by tenant, in the order in which they come */
    size_t batch_count;
    /* Tuples by batch: those of b are order[first[b]] up to order[first[b + 1]], ascending; behind
     * the last batch's stand those whose tenant's name is none. */
    uint32_t *order;
    size_t *first;
    struct str bad_tenant; /* of the first of them */
    bool unnumbered;       /* a row without labels has a number that is not known: nothing can be
                            * stored, and there are no batches */
};

/* Names of tenants are those of directories (tenant_name_check()), whatever the sender allows.
 * Rows, names and texts are views of the message. Batches have the keys of their rows where there
 * are numberings; NULL: rows are not stored here, and all have to have labels. Errors of
 * writeable_decode(). */
struct err ingest_decode_writeable(struct arena *a, struct numberings *numberings,
                                   struct str message, struct writeable_rows *ret_rows);

/* What became of one append. Samples and labels that the store refuses are a conflict, as with
 * Thanos; so are series above a limit: a peer that tried again would hold up all that comes after.
 * Exemplars and metadata refuse nothing. */
enum writeable_outcome writeable_outcome_of(enum err_code code, const struct append_result *result);
/* What is told of the whole when parts came to different ends: what may pass before what stays. */
enum writeable_outcome writeable_outcome_worse(enum writeable_outcome x, enum writeable_outcome y);

/* Where batches go. A store that marks no rows has refused all of them. */
struct writeable_store {
    /* `index` is the number of the batch. */
    struct err (*append)(void *arg, size_t index, const struct batch *batch,
                         struct append_result *ret_result);
    void *arg;
};

struct writeable_stored {
    enum writeable_outcome worst;
    enum writeable_outcome *parts; /* of each part of the message; in the arena */
    struct append_result result;   /* of all batches */
    struct err first;              /* an append that failed as a whole; the caller's */
};
/* Cannot fail as a whole, but for errors of arena_admit(). */
struct err writeable_store_rows(const struct writeable_rows *rows, struct arena *a,
                                const struct writeable_store *store,
                                struct writeable_stored *ret_stored);
