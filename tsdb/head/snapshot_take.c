/* snapshot_take.c - the snapshot that a clean stop leaves.
 *
 * It is made when the log has ended: a failure here costs nothing but the speed of the next start.
 * What a start learns from the log alone, and a snapshot has no room for, is logged once more
 * behind the snapshot's place: see log_behind(). Reading: replay_snapshot.c.
 * Threads: one, no call in flight. */
#include "base/mem.h"
#include "tsdb/head/exemplars.h"
#include "tsdb/head/head_int.h"
#include "tsdb/head/metadata_store.h"
#include "tsdb/head/snapshot.h"
#include "tsdb/wal/record.h"

enum { ALIASES_A_RECORD = 256 }; /* as births are logged: far below WAL_RECORD_BYTES_MAX */

struct taking {
    struct head *h;
    struct snapshot_writer *w; /* owned */
    struct arena a;            /* of one series, or of a page of exemplars */
    struct buf chunk, key;
};

/* --- series ----------------------------------------------------------------------------------- */

static struct err
take_series(struct taking *t, uint32_t slot)
{
    const struct series_hot *hot = head_hot(t->h, slot);
    const struct series_cold *cold = head_cold(t->h, slot);
    if (cold->newest && !cold->newest->mapped) /* N3 */
        return ERR(ERR_UNAVAILABLE, "series %ju: a finished chunk could not be mapped",
                   (uintmax_t)series_ref(hot));
    struct snapshot_series s = {
        .ref = series_ref(hot),
        .labels = head_labels(t->h, slot, &t->a),
        .open = {.encoding = CHUNK_NONE},
    };
    if (hot->xor.count > 0) {
        buf_clear(&t->chunk);
        buf_reserve(&t->chunk, series_open_bytes(hot));
        s.open = series_snapshot(hot, cold, (uint8_t *)t->chunk.p);
        s.last_bits = hot->xor.bits;
        if (series_has_histograms(hot))
            s.last = *histogram_appender_newest(hot->histograms);
    }
    return snapshot_add_series(t->w, &s);
}

static struct err
take_all_series(struct taking *t)
{
    struct slot_cursor c = slot_cursor_of(t->h);
    for (uint32_t slot; (slot = slot_cursor_next(&c, t->h)) != slot_none;) {
        arena_reset(&t->a);
        TRY(take_series(t, slot));
    }
    return OK;
}

static void
take_deletions(struct taking *t)
{
    AUTO(deletion_list_fini) struct deletion_list all = VEC_INIT;
    deletions_list(t->h->deletions, &all);
    if (t->h->emptied_ms > INT64_MIN)
        vec_push(&all, deletion_of_all(t->h->emptied_ms));
    vec_each (&all, d)
        snapshot_add_deletion(t->w, &(struct snapshot_deletion){d->id, d->span});
}

/* --- exemplars -------------------------------------------------------------------------------- */

/* Those of series that are gone have no number to be told by: as in Prometheus' snapshots. */
static struct err
take_exemplar(struct taking *t, const struct exemplar_arrival *e)
{
    struct head *h = t->h;
    uint32_t slot;
    buf_clear(&t->key);
    label_key_encode(e->series, &t->key);
    if (!fp_find(&h->keys, hash128_secret(buf_str(&t->key), &h->secret), &slot) ||
        head_hot(h, slot)->dead || !head_cold(h, slot)->pairs)
        return OK;
    struct snapshot_exemplar of_ref = {series_ref(head_hot(h, slot)), e->exemplar};
    return snapshot_add_exemplar(t->w, &of_ref);
}

static struct err
take_exemplars(struct taking *t)
{
    AUTO(mem_free) struct exemplars_page *page = mem_alloc(sizeof *page);
    for (uint64_t at = 0;;) {
        arena_reset(&t->a);
        exemplars_next_page(t->h->exemplars, &at, &t->a, page);
        if (page->n == 0)
            return OK;
        for (size_t i = 0; i < page->n; i++)
            TRY(take_exemplar(t, &page->v[i]));
    }
}

/* --- behind the place ------------------------------------------------------------------------- */

/* The newest number may be that of a series that is gone, and then only the log before the
 * snapshot has it: it would be given to another series, while that log is still there for a start
 * without the snapshot. So a number behind it is logged as a further one of a series that lives:
 * one that nobody had, for chunks_head and the late log may still have samples under others. */
static void
put_newest_ref(struct taking *t, struct record_list *to)
{
    struct head *h = t->h;
    uint64_t newest = 0;
    uint32_t some = slot_none;
    struct slot_cursor c = slot_cursor_of(h);
    for (uint32_t slot; (slot = slot_cursor_next(&c, h)) != slot_none; some = slot)
        newest = u64_max(newest, series_ref(head_hot(h, slot)));
    LOCKED(&h->create_lock);
    if (some == slot_none || newest + 1 >= h->next_ref)
        return;
    record_list_begin(to);
    record_begin_series(&to->bytes);
    record_put_series(&to->bytes, u64_min(h->next_ref, HEAD_REF_MAX), head_labels(h, some, &t->a));
}

/* A snapshot has a series under one number; late samples may be under others. */
static void
put_late_aliases(struct taking *t, struct record_list *to)
{
    const struct late_aliases *aliases = &t->h->late_aliases;
    for (size_t i = 0; i < aliases->n; i++) {
        if (i % ALIASES_A_RECORD == 0) {
            record_list_begin(to);
            record_begin_series(&to->bytes);
        }
        struct labels labels = head_labels(t->h, aliases->v[i].slot, &t->a);
        record_put_series(&to->bytes, aliases->v[i].ref, labels);
    }
}

/* In a segment of its own: the log has ended. */
static struct err
log_behind(struct taking *t)
{
    AUTO(record_list_fini) struct record_list records = RECORD_LIST_INIT;
    AUTO(wal_close) struct wal *log = NULL;
    arena_reset(&t->a);
    put_newest_ref(t, &records);
    put_late_aliases(t, &records);
    if (records.starts.n == 0 && metadata_store_count(t->h->metadata) == 0)
        return OK;
    struct wal_opts opts = head_wal_opts(t->h);
    TRY(wal_open(&opts, &log));
    if (records.starts.n > 0) {
        wal_ticket ticket;
        TRY(wal_enqueue(log, record_list_views(&records, &t->a), records.starts.n, &ticket));
        TRY(wal_wait(log, ticket));
    }
    TRY(head_put_metadata(t->h, log));
    return wal_finish(log);
}

/* ---------------------------------------------------------------------------------------------- */

static struct err
take(struct taking *t)
{
    struct head *h = t->h;
    struct snapshot_opts opts = {
        .fs = h->opts.fs,
        .dir = h->dir,
        .compression = h->opts.wal_compression,
    };
    TRY(head_chunks_sync(h->chunks)); /* N3: the log will not be asked for them */
    TRY(snapshot_pos_of_log(h->opts.fs, h->wal_dir, &opts.pos));
    TRY(log_behind(t));
    TRY(snapshot_writer_open(&opts, &t->w));
    TRY(take_all_series(t));
    take_deletions(t);
    TRY(take_exemplars(t));
    return snapshot_writer_finish(t->w);
}

void
head_take_snapshot(struct head *h)
{
    bool empty = atomic_load_explicit(&h->series_live, memory_order_relaxed) == 0;
    if (!h->opts.snapshot_on_finish || empty)
        return;
    if (h->holds_less) {
        log_warn(h->opts.log, "no snapshot: the log has kinds of data that it would leave out",
                 KV_CSTR("dir", h->dir));
        return;
    }
    struct taking t = {.h = h, .chunk = BUF_INIT, .key = BUF_INIT};
    arena_init(&t.a, 0);
    struct epoch_guard guard = epoch_enter(h->epoch);
    struct err e = take(&t);
    epoch_leave(h->epoch, guard);
    snapshot_writer_close(t.w);
    if (e.code != ERR_NONE)
        log_warn(h->opts.log, "no snapshot, the next start will read the log",
                 KV_CSTR("dir", h->dir), KV_ERR(e));
    err_drop(e);
    buf_fini(&t.chunk);
    buf_fini(&t.key);
    arena_fini(&t.a);
}
