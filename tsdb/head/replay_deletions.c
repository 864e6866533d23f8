/* replay_deletions.c - deletions of a log, or of a snapshot.
 *
 * Of series that the log names by several references, each deletion is for the one that they all
 * lead to. It stands wherever in the log it is: samples of its span are hidden, also those that
 * come behind it, which were late.
 *
 * Prometheus says by the span of all times that a series is gone: blocks have its samples (spec/
 * tsdb.md section 2). Such a series is dropped with all that was replayed of it, and what the log
 * says later under its references goes, too; when it then names the same labels, another series
 * begins. The dropped one is dead and empty; head_forget() takes it away when the head opens.
 * Threads: the one that reads the log. */
#include "base/mem.h"
#include "tsdb/head/replay_int.h"
#include "tsdb/wal/record.h"

static bool
is_end(struct interval span)
{
    const struct interval end = DELETIONS_END;
    return span.mint_ms == end.mint_ms && span.maxt_ms == end.maxt_ms;
}

/* The crew may be at work on samples of it. */
static struct err
drop_series(struct replay *r, uint32_t slot)
{
    TRY(crew_await(r));
    replay_make_blank(r, slot);
    head_hot(r->h, slot)->dead = 1;
    *floor_of(r, slot) = INT64_MAX; /* the crew skips what is not above it */
    return OK;
}

void
replay_deletion(struct replay *r, uint64_t ref, struct interval span)
{
    if (ref == 0) { /* deletion_of_all() */
        r->h->emptied_ms = i64_max(r->h->emptied_ms, span.maxt_ms + (span.maxt_ms < INT64_MAX));
        return;
    }
    uint32_t slot = replay_slot_of(r, ref);
    r->count.unknown_refs += slot == slot_none && !is_end(span);
    if (slot != slot_none)
        vec_push(&r->deletions, ((struct slot_deletion){slot, span}));
}

struct err
replay_deletions(struct replay *r, struct str record)
{
    struct record_cursor c;
    uint64_t ref;
    struct interval span;
    record_read_tombstones(&c, record);
    while (record_next_tombstone(&c, &ref, &span.mint_ms, &span.maxt_ms)) {
        if (span.mint_ms > span.maxt_ms && !is_end(span))
            continue; /* Prometheus logs these for series that have no sample in the range */
        bool gone = span.mint_ms == INT64_MIN && span.maxt_ms == INT64_MAX;
        uint32_t slot = replay_slot_of(r, ref);
        if (gone && slot != slot_none)
            TRY(drop_series(r, slot));
        else if (!gone)
            replay_deletion(r, ref, span);
    }
    return record_cursor_check(&c);
}

void
replay_settle_deletions(struct replay *r)
{
    AUTO(deletion_list_fini) struct deletion_list all = VEC_INIT;
    uint32_t bound = 0;
    vec_each (&r->deletions, d)
        bound = d->slot >= bound ? d->slot + 1 : bound;
    AUTO(mem_free) bool *over = mem_array_zero(bound, sizeof *over);
    for (size_t i = r->deletions.n; i-- > 0;) {
        const struct slot_deletion *d = &r->deletions.v[i];
        const struct series_hot *hot = head_hot(r->h, d->slot);
        over[d->slot] = over[d->slot] || is_end(d->span);
        if (!over[d->slot] && !hot->dead)
            vec_push(&all, ((struct tombstone){series_ref(hot), d->span}));
    }
    head_add_deletions(r->h, &all);
}
