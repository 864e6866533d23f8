/* batch.h - some series of a selector with what a query needs of them, evaluated on their own: what
 * parallel.h hands to other threads.
 *
 * A batch copies labels and chunks, because those of a store die with its next series, and gives
 * them to a leaf operator of its own as if they were all that a store has; the columns it yields
 * are kept. Threads: one at a time, each batch. */
#pragma once
#include "querygw/promql/op.h"
#include "querygw/promql/select.h"

enum {
    BATCH_CELLS_MAX = 1 << 15,       /* steps of all its columns: what it keeps is bounded */
    BATCH_CHUNK_BYTES_MAX = 1 << 18, /* as is what it copies; one series more always fits */
};

struct batch {
    struct arena arena; /* of everything below */
    struct exec x;      /* its own: limits are the query's, counters and notes go there later */
    const struct plan_node *plan;
    struct store store; /* of the series */
    struct series_view *series;
    size_t count, cap, chunk_bytes;
    struct column *columns; /* results, in order */
    size_t column_count, column_cap;
    struct err error; /* of the evaluation */
};

/* For a leaf of the query of `x`. batch_clear() and batch_add() are the caller's thread's. */
void batch_init(struct batch *b, const struct exec *x, const struct plan_node *plan);
void batch_fini(struct batch *b);
/* Empties it for the next series; columns die. */
void batch_clear(struct batch *b, const struct exec *x);
bool batch_is_full(const struct batch *b);
/* A copy of the series with those of its chunks that some window sees. */
void batch_add(struct batch *b, const struct select_reader *r, const struct series_view *series);
/* Evaluates; any thread. */
void batch_run(struct batch *b);
/* Once, behind batch_run(): adds counters and notes to those of the query. Fails with what the
 * evaluation failed with. */
struct err batch_settle(struct batch *b, struct exec *x);
