/* delete.c - samples of some series are deleted out of the head.
 *
 * Nothing is taken out of chunks: the deletion is logged, and from then on whoever reads the head
 * leaves the samples out (read.c), a block that is cut from it included. It reaches no further than
 * the samples that the series has (prometheus tsdb/head.go, Head.Delete), late ones included; what
 * comes late into it afterwards is deleted too, as long as it stands (README.md, D3).
 * Threads: the maintaining one. */
#include "tsdb/head/late.h"

#include "base/mem.h"
#include "tsdb/head/match.h"
#include "tsdb/wal/record.h"

enum {
    DELETIONS_A_RECORD = 1 << 15, /* far below WAL_RECORD_BYTES_MAX */
    DELETIONS_A_BATCH = 1 << 20,  /* logged at once: below WAL_QUEUED_BYTES_MAX */
};

/* --- what is deleted -------------------------------------------------------------------------- */

/* The times of the samples that the head has of a series; false when there are none. */
static bool
range_of_series(struct head *h, uint32_t slot, struct interval *ret_range)
{
    struct series_hot *hot = head_hot(h, slot);
    const struct series_cold *cold = head_cold(h, slot);
    struct interval range = {INT64_MAX, INT64_MIN};
    spin_acquire(&hot->spin);
    if (hot->xor.count > 0)
        range = (struct interval){series_open_mint_ms(hot, cold), hot->xor.t_ms};
    else if (cold->newest)
        range.maxt_ms = head_chunk_maxt_ms(cold->newest);
    for (const struct head_chunk *c = cold->newest; c; c = c->older)
        range.mint_ms = c->mint_ms;
    if (late_of(h, slot)) {
        struct interval late = ooo_series_range(late_of(h, slot));
        range.mint_ms = i64_min(range.mint_ms, late.mint_ms);
        range.maxt_ms = i64_max(range.maxt_ms, late.maxt_ms);
    }
    spin_release(&hot->spin);
    *ret_range = range;
    return range.mint_ms <= range.maxt_ms;
}

static struct err
find_deletions(struct head *h, struct matchers matchers, struct interval asked,
               struct deletion_list *to)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0); /* a number a series */
    struct head_found found;
    TRY(head_match(h, matchers, &a, &found));
    for (size_t i = 0; i < found.n; i++) {
        struct interval range;
        if (!range_of_series(h, found.slots[i], &range))
            continue;
        struct interval span = {i64_max(asked.mint_ms, range.mint_ms),
                                i64_min(asked.maxt_ms, range.maxt_ms)};
        if (span.mint_ms <= span.maxt_ms)
            vec_push(to, ((struct tombstone){series_ref(head_hot(h, found.slots[i])), span}));
    }
    return OK;
}

/* --- the log ---------------------------------------------------------------------------------- */

/* The span of all times says something else in a log: that the series is gone. */
static void
put_deletion(struct buf *to, const struct tombstone *d)
{
    bool all = d->span.mint_ms == INT64_MIN && d->span.maxt_ms == INT64_MAX;
    if (all)
        record_put_tombstone(to, d->id, (struct interval){INT64_MIN, -1});
    record_put_tombstone(to, d->id, all ? (struct interval){0, INT64_MAX} : d->span);
}

static struct err
log_batch(struct head *h, const struct tombstone *v, size_t n)
{
    AUTO(record_list_fini) struct record_list records = RECORD_LIST_INIT;
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < n; i++) {
        if (i % DELETIONS_A_RECORD == 0) {
            record_list_begin(&records);
            record_begin_tombstones(&records.bytes);
        }
        put_deletion(&records.bytes, &v[i]);
    }
    wal_ticket ticket;
    TRY(wal_enqueue_dated(h->wal, record_list_views(&records, &a), records.starts.n, WAL_TIME_NONE,
                          &ticket));
    return wal_wait(h->wal, ticket);
}

/* A batch is in the log as a whole, or not at all; *ret_logged are before one that is not. */
static struct err
log_deletions(struct head *h, const struct deletion_list *l, size_t *ret_logged)
{
    for (*ret_logged = 0; *ret_logged < l->n;) {
        size_t n = size_min(l->n - *ret_logged, DELETIONS_A_BATCH);
        TRY(log_batch(h, l->v + *ret_logged, n));
        *ret_logged += n;
    }
    return OK;
}

struct err
head_log_deletions(struct head *h)
{
    AUTO(deletion_list_fini) struct deletion_list all = VEC_INIT;
    size_t logged;
    deletions_list(h->deletions, &all);
    if (h->emptied_ms > INT64_MIN)
        vec_push(&all, deletion_of_all(h->emptied_ms));
    TRY_IN(log_deletions(h, &all, &logged), "deletions that a checkpoint would leave out");
    return OK;
}

struct err
head_log_emptied(struct head *h, int64_t end_ms)
{
    AUTO(deletion_list_fini) struct deletion_list one = VEC_INIT;
    size_t logged;
    vec_push(&one, deletion_of_all(end_ms));
    TRY(log_deletions(h, &one, &logged));
    h->emptied_ms = i64_max(h->emptied_ms, end_ms);
    return OK;
}

int64_t
head_emptied_ms(const struct head *h)
{
    return h->emptied_ms;
}

struct err
head_log_ends(struct head *h)
{
    size_t logged;
    TRY_IN(log_deletions(h, &h->ends, &logged), "deletions that are over");
    vec_clear(&h->ends);
    return OK;
}

/* ---------------------------------------------------------------------------------------------- */

void
head_add_deletions(struct head *h, const struct deletion_list *more)
{
    if (more->n == 0)
        return;
    struct deletions *before = h->deletions;
    h->deletions = deletions_with(before, more);
    deletions_unref(before);
}

struct deletions *
head_deletions(const struct head *h)
{
    return h->deletions;
}

struct err
head_delete(struct head *h, struct matchers matchers, struct interval asked, size_t *ret_spans)
{
    AUTO(deletion_list_fini) struct deletion_list found = VEC_INIT;
    size_t logged;
    TRY(find_deletions(h, matchers, asked, &found));
    struct err e = log_deletions(h, &found, &logged);
    size_t wanted = found.n;
    found.n = logged;
    head_add_deletions(h, &found); /* what the log has, a restart would show */
    if (e.code != ERR_NONE)
        return err_wrap(e, "%zu of %zu deletions could be logged", logged, wanted);
    *ret_spans = logged;
    return OK;
}
