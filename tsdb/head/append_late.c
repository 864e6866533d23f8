/* append_late.c - the late samples of an append: stored beside their series, then logged.
 *
 * Their log has to tell a series' samples in the order in which they were stored, and a marker
 * behind all that is older. So an append keeps its claims on series with late samples until their
 * records are in the log's queue.
 *
 * A late sample is acknowledged once this log has it: it is in no other (README.md, O10).
 * (Prometheus acknowledges before, and loses it.) The one that is there already may be of an append
 * whose records are still under way, or were lost: so a repeated sample is logged like the first,
 * and its append waits like the first (README.md, O7). */
#include "tsdb/head/append_int.h"

/* The first sample of an open chunk comes. */
static void
begin_chunk(struct append *run, const struct ooo_series *o, uint64_t series_ref)
{
    head_chunk_ref newest;
    if (ooo_series_marker(o, &newest) == OOO_MARKER)
        ooo_log_begin_chunk(&run->late, series_ref, newest);
}

static enum ooo_insert
insert(struct ooo_series *o, unsigned capacity, const struct late_point *p)
{
    if (p->histogram)
        return ooo_series_insert_histogram(o, capacity, p->t_ms, p->histogram);
    return ooo_series_insert(o, capacity, (struct sample){p->t_ms, p->bits});
}

enum sample_fate
append_store_late(struct append *run, uint32_t slot, const struct late_point *p,
                  struct slot_list *finished)
{
    struct head *h = run->h;
    unsigned capacity = late_capacity(h);
    uint64_t ref = series_ref(head_hot(h, slot));
    late_widen(h, p->t_ms, p->t_ms);
    struct ooo_series *o = late_make(h, slot);
    if (o->open.count >= capacity) {
        run->chunks_begun += late_seal(o);
        vec_push(finished, slot);
    }
    if (o->open.count == 0) {
        run->chunks_begun++;
        begin_chunk(run, o, ref);
    }
    /* The first one stays, whatever its value: nobody is told. So it is in a replay. */
    bool repeated = insert(o, capacity, p) == OOO_DUPLICATE;
    if (p->histogram)
        ooo_log_put_histogram(&run->late, ref, p->t_ms, p->histogram);
    else
        ooo_log_put(&run->late, ref, (struct sample){p->t_ms, p->bits});
    run->has_late = true;
    return repeated ? SAMPLE_REPEATED : SAMPLE_STORED_LATE;
}

struct err
append_check_late_log(const struct append *run)
{
    return run->judged_late ? wal_health(run->h->late_log) : OK;
}

struct err
append_log_late(struct append *run)
{
    if (!run->has_late) {
        append_end_claims(run);
        return OK;
    }
    struct wal *wal = run->h->late_log;
    size_t n;
    const struct str *records = ooo_log_records(&run->late, run->arena, &n);
    wal_ticket ticket = 0;
    struct err e = wal_enqueue(wal, records, n, &ticket);
    append_end_claims(run);
    if (e.code == ERR_NONE)
        e = wal_wait(wal, ticket);
    if (e.code != ERR_NONE)
        late_note_unlogged(run->h);
    ooo_log_fini(&run->late);
    run->late = (struct ooo_log)OOO_LOG_INIT;
    run->has_late = false;
    return e;
}
