/* head.c - the life of a head: open with replay, maintenance, clean end. */
#include "tsdb/head/head_int.h"

#include "base/assert.h"
#include "base/mem.h"
#include "tsdb/head/exemplars.h"
#include "tsdb/head/late.h"
#include "tsdb/head/metadata_store.h"
#include "tsdb/wal/record.h"

enum { SERIES_A_RECORD = 256 }; /* as creation logs them: far below WAL_RECORD_BYTES_MAX */

void
record_list_fini(struct record_list *l)
{
    buf_fini(&l->bytes);
    vec_fini(&l->starts);
}

struct str *
record_list_views(const struct record_list *l, struct arena *a)
{
    struct str *views = ARENA_ARRAY(a, struct str, l->starts.n);
    for (size_t i = 0; i < l->starts.n; i++) {
        size_t end = i + 1 < l->starts.n ? l->starts.v[i + 1] : l->bytes.n;
        views[i] = str_of(l->bytes.p + l->starts.v[i], end - l->starts.v[i]);
    }
    return views;
}

static struct head *
head_new(const struct db_opts *opts)
{
    struct head *h = mem_alloc_zero(sizeof *h);
    h->opts = *opts;
    h->dir = mem_dup_text(opts->dir, strlen(opts->dir));
    h->opts.dir = h->dir;
    h->wal_dir = fs_path_below(h->dir, STR("wal"));
    h->late_dir = fs_path_below(h->dir, STR("wbl"));
    h->chunks_dir = fs_path_below(h->dir, STR("chunks_head"));
    hash_secret_init(&h->secret, opts->hash_seed ? opts->hash_seed : hash_random_seed());
    h->epoch = epoch_open();
    fp_init(&h->keys, h->epoch);
    pairs_init(&h->pairs, h->epoch, h->secret.seed);
    segarray_init(&h->hot, sizeof(struct series_hot), sizeof(struct series_hot));
    segarray_init(&h->cold, sizeof(struct series_cold), sizeof(struct series_cold));
    segarray_init(&h->late, sizeof(struct ooo_series *), sizeof(struct ooo_series *));
    lock_init(&h->create_lock, LOCK_RANK_HEAD_CREATE);
    lock_init(&h->claims_lock, LOCK_RANK_HEAD_CLAIMS);
    cond_init(&h->claim_ended);
    isolation_init(&h->isolation);
    lock_init(&h->mapped_lock, LOCK_RANK_HEAD_MAPPED);
    id_map_init(&h->ids, h->epoch);
    h->exemplars = exemplars_open(opts->exemplars_max, opts->ooo_window_ms);
    h->metadata = metadata_store_open();
    h->next_ref = 1;
    h->unread_file = UINT32_MAX;
    atomic_store_explicit(&h->mint_ms, INT64_MAX, memory_order_relaxed);
    atomic_store_explicit(&h->maxt_ms, INT64_MIN, memory_order_relaxed);
    h->emptied_ms = INT64_MIN;
    atomic_store_explicit(&h->late_mint_ms, INT64_MAX, memory_order_relaxed);
    atomic_store_explicit(&h->late_maxt_ms, INT64_MIN, memory_order_relaxed);
    return h;
}

/* What an attempt at a replay has found counts for the head that comes of the last. */
static void
take_over_events(struct head *h, struct db_events *found)
{
    for (int i = 0; i < DB_EVENT_COUNT; i++) {
        db_events_add(&h->events, (enum db_event)i, db_events_of(found, (enum db_event)i));
        atomic_store_explicit(&found->count[i], db_events_of(&h->events, (enum db_event)i),
                              memory_order_relaxed);
    }
}

/* A head with what chunks_head and the log have. */
static struct err
head_of_log(const struct db_opts *opts, int64_t min_valid_ms, struct head **ret_head)
{
    struct db_events found = {0};
    for (;;) { /* ends: each round but the last cuts something off the log, or raises the bound */
        AUTO(head_close) struct head *h = head_new(opts);
        atomic_store_explicit(&h->min_valid_ms, min_valid_ms, memory_order_relaxed);
        bool again;
        TRY(head_replay(h, &again));
        take_over_events(h, &found);
        bool deleted = h->emptied_ms > min_valid_ms &&
                       h->emptied_ms > atomic_load_explicit(&h->mint_ms, memory_order_relaxed);
        if (deleted && !again) /* the log told last what of it had gone first: D8 */
            min_valid_ms = h->emptied_ms;
        if (deleted || again)
            continue;
        *ret_head = TAKE(h);
        return OK;
    }
}

struct wal_opts
head_wal_opts(const struct head *h)
{
    return (struct wal_opts){
        .fs = h->opts.fs,
        .dir = h->wal_dir,
        .segment_bytes = h->opts.wal_segment_bytes,
        .sync = h->opts.wal_sync,
        .compression = h->opts.wal_compression,
    };
}

struct err
head_open(const struct db_opts *opts, int64_t min_valid_ms, struct head **ret_head)
{
    AUTO(head_close) struct head *h = NULL;
    uint64_t begun_ns = clock_mono_ns(opts->clock);
    TRY(head_of_log(opts, min_valid_ms, &h));
    db_events_add(&h->events, DB_CHUNKS_CREATED, /* the replay may have dropped late ones */
                  head_count_chunks(h) + db_events_of(&h->events, DB_CHUNKS_REMOVED));
    min_valid_ms = i64_max(min_valid_ms, h->emptied_ms);
    atomic_store_explicit(&h->min_valid_ms, min_valid_ms, memory_order_relaxed);
    TRY(head_forget(h, min_valid_ms)); /* series that the log names, but blocks have */
    bool freed = head_free_forgotten(h);
    ASSERT(freed); /* nobody else is here yet */
    struct wal_opts wal = head_wal_opts(h);
    TRY(wal_open(&wal, &h->wal));
    TRY(late_open_log(h));
    TRY(head_log_ends(h));
    int64_t maxt_ms = atomic_load_explicit(&h->maxt_ms, memory_order_relaxed);
    vec_each (&h->past_refs, past) { /* what names them is in earlier segments, and older */
        past->segment = wal_segment(h->wal);
        past->until_ms = i64_min(past->until_ms, maxt_ms);
    }
    h->unread_segment = h->log_unread ? wal_segment(h->wal) : 0;
    h->unread_until_ms = h->log_unread ? maxt_ms : INT64_MIN;
    h->replay_ms = (int64_t)((clock_mono_ns(opts->clock) - begun_ns) / 1000000);
    head_note_write(h);
    *ret_head = TAKE(h);
    return OK;
}

void
head_close(struct head *h)
{
    if (!h)
        return;
    wal_close(h->wal);
    wal_close(h->late_log);
    for (uint32_t slot = 0; slot < h->slot_count; slot++) {
        late_free(h, slot);
        series_fini(head_hot(h, slot), head_cold(h, slot));
    }
    head_chunks_close(h->chunks);
    segarray_fini(&h->hot);
    segarray_fini(&h->cold);
    segarray_fini(&h->late);
    pairs_fini(&h->pairs);
    fp_fini(&h->keys);
    epoch_close(h->epoch);
    id_map_fini(&h->ids);
    exemplars_close(h->exemplars);
    metadata_store_close(h->metadata);
    vec_fini(&h->free_slots);
    vec_fini(&h->past_refs);
    vec_fini(&h->late_aliases);
    deletions_unref(h->deletions);
    vec_fini(&h->ends);
    vec_fini(&h->forgotten.slots);
    vec_fini(&h->forgotten.pairs);
    vec_fini(&h->unlogged);
    vec_fini(&h->finished);
    lock_fini(&h->create_lock);
    lock_fini(&h->claims_lock);
    cond_fini(&h->claim_ended);
    isolation_fini(&h->isolation);
    lock_fini(&h->mapped_lock);
    mem_free(h->dir);
    mem_free(h->wal_dir);
    mem_free(h->late_dir);
    mem_free(h->chunks_dir);
    mem_free(h);
}

struct db_events *
head_events(struct head *h)
{
    return &h->events;
}

struct exemplars *
head_exemplars(struct head *h)
{
    return h->exemplars;
}

struct metadata_store *
head_metadata(struct head *h)
{
    return h->metadata;
}

struct err
head_finish(struct head *h)
{
    /* Open chunks stay in the log and the snapshot only, as with Prometheus. */
    struct err mapped = head_map_finished(h);
    if (mapped.code == ERR_NONE)
        mapped = head_chunks_finish(h->chunks);
    if (mapped.code == ERR_NONE && h->late_log)
        mapped = wal_finish(h->late_log);
    struct err logged = wal_finish(h->wal); /* the log has everything: it must not be left out */
    if (logged.code == ERR_NONE && mapped.code == ERR_NONE)
        head_take_snapshot(h);
    if (logged.code == ERR_NONE)
        return mapped;
    err_drop(mapped);
    return logged;
}

/* Tells a recovered log the series whose records the failure may have taken along. Holds the
 * creation lock over I/O: while the log is poisoned nothing could be created anyway. */
static struct err
recover_log(struct head *h)
{
    AUTO(record_list_fini) struct record_list records = RECORD_LIST_INIT;
    AUTO(arena_fini) struct arena scratch;
    arena_init(&scratch, 0);

    LOCKED(&h->create_lock);
    head_forget_logged(h);
    for (size_t i = 0, told = 0; i < h->unlogged.n; i++) {
        if (!head_cold(h, h->unlogged.v[i].slot)->pairs)
            continue; /* forgotten before it had a sample */
        if (told++ % SERIES_A_RECORD == 0) {
            record_list_begin(&records);
            record_begin_series(&records.bytes);
        }
        uint32_t slot = h->unlogged.v[i].slot;
        struct labels labels = head_labels(h, slot, &scratch);
        record_put_series(&records.bytes, series_ref(head_hot(h, slot)), labels);
    }
    TRY(wal_recover(h->wal, record_list_views(&records, &scratch), records.starts.n));
    vec_clear(&h->unlogged);
    return OK;
}

/* Numbers of appends are compared modulo 2^32: those of long ago must not come round again. */
static void
forget_old_appends(struct head *h)
{
    struct epoch_guard guard = epoch_enter(h->epoch);
    struct slot_cursor c = slot_cursor_of(h);
    for (uint32_t slot; (slot = slot_cursor_next(&c, h)) != slot_none;) {
        struct series_hot *hot = head_hot(h, slot);
        struct series_cold *cold = head_cold(h, slot);
        spin_acquire(&hot->spin);
        if (isolation_is_old(&h->isolation, cold->seq))
            cold->seq = 0;
        spin_release(&hot->spin);
    }
    epoch_leave(h->epoch, guard);
}

struct err
head_maintain(struct head *h)
{
    struct err health = wal_health(h->wal);
    if (health.code != ERR_NONE) {
        err_drop(health);
        TRY_IN(recover_log(h), "log still failing");
        log_info(h->opts.log, "log recovered, writes resume", KV_CSTR("dir", h->dir));
    }
    TRY(head_log_ends(h));
    TRY(late_recover_log(h));
    if (isolation_is_due(&h->isolation))
        forget_old_appends(h);
    TRY(head_map_finished(h));
    epoch_collect(h->epoch);
    return OK;
}

uint64_t
head_begin_cut(struct head *h, int64_t end_ms)
{
    int64_t before = atomic_load_explicit(&h->min_valid_ms, memory_order_relaxed);
    /* Pairs with the acquire in head_min_valid_ms(), which appends ask within the epoch: those
     * that see the old bound are inside when the mark is taken. */
    atomic_store_explicit(&h->min_valid_ms, i64_max(before, end_ms), memory_order_release);
    return epoch_mark(h->epoch);
}

bool
head_is_settled(struct head *h, uint64_t mark)
{
    return epoch_passed(h->epoch, mark);
}

static int64_t
mono_ms(const struct head *h)
{
    return (int64_t)(clock_mono_ns(h->opts.clock) / 1000000);
}

void
head_note_write(struct head *h)
{
    atomic_store_explicit(&h->written_mono_ms, mono_ms(h), memory_order_relaxed);
}

int64_t
head_idle_ms(struct head *h)
{
    return mono_ms(h) - atomic_load_explicit(&h->written_mono_ms, memory_order_relaxed);
}

static void
raise_to(_Atomic(int64_t) *at, int64_t value)
{
    int64_t now = atomic_load_explicit(at, memory_order_relaxed);
    while (now < value && !atomic_compare_exchange_weak_explicit(at, &now, value,
                                                                 memory_order_relaxed,
                                                                 memory_order_relaxed))
        ;
}

static void
lower_to(_Atomic(int64_t) *at, int64_t value)
{
    int64_t now = atomic_load_explicit(at, memory_order_relaxed);
    while (now > value && !atomic_compare_exchange_weak_explicit(at, &now, value,
                                                                 memory_order_relaxed,
                                                                 memory_order_relaxed))
        ;
}

void
head_widen(struct head *h, int64_t mint_ms, int64_t maxt_ms)
{
    lower_to(&h->mint_ms, mint_ms);
    raise_to(&h->maxt_ms, maxt_ms);
}

void
late_widen(struct head *h, int64_t mint_ms, int64_t maxt_ms)
{
    lower_to(&h->late_mint_ms, mint_ms);
    raise_to(&h->late_maxt_ms, maxt_ms);
}

int64_t
head_min_valid_ms(const struct head *h)
{
    int64_t bound = atomic_load_explicit(&h->min_valid_ms, memory_order_acquire);
    int64_t maxt = atomic_load_explicit(&h->maxt_ms, memory_order_relaxed), min_valid;
    if (__builtin_sub_overflow(maxt, h->opts.block_range_ms / 2, &min_valid))
        return bound; /* an empty head takes any time that blocks leave */
    return i64_max(min_valid, bound);
}

struct judge_limits
head_judge_limits(const struct head *h, int64_t ooo_window_ms)
{
    int64_t maxt_ms = atomic_load_explicit(&h->maxt_ms, memory_order_relaxed);
    return judge_limits_of(head_min_valid_ms(h), maxt_ms, ooo_window_ms);
}

struct chunk_rule
head_chunk_rule(const struct head *h)
{
    int64_t begin = atomic_load_explicit(&h->min_valid_ms, memory_order_acquire);
    return (struct chunk_rule){h->opts.block_range_ms, begin};
}

size_t
head_count_chunks(struct head *h)
{
    size_t n = 0;
    struct slot_cursor c = slot_cursor_of(h);
    for (uint32_t slot; (slot = slot_cursor_next(&c, h)) != slot_none;) {
        const struct ooo_series *late = late_of(h, slot);
        n += head_hot(h, slot)->xor.count > 0;
        for (const struct head_chunk *f = head_cold(h, slot)->newest; f; f = f->older)
            n++;
        if (late)
            n += late->finished_count + (late->open.count > 0);
    }
    return n;
}

uint32_t
slot_cursor_next(struct slot_cursor *c, const struct head *h)
{
    while (c->at < c->bound) {
        const struct id_page *page = id_map_page(&h->ids, c->at);
        if (!page) { /* all of its ids are gone */
            uint64_t next = (c->at | (ID_PAGE_IDS - 1)) + UINT64_C(1);
            c->at = (uint32_t)u64_min(next, c->bound);
            continue;
        }
        uint32_t slot = id_map_slot(&h->ids, c->at++);
        if (slot != slot_none)
            return slot;
    }
    return slot_none;
}

void
head_stats(struct head *h, struct db_stats *ret_stats)
{
    uint64_t series = atomic_load_explicit(&h->series_live, memory_order_relaxed);
    struct err health = wal_health(h->wal);
    *ret_stats = (struct db_stats){
        .series = series,
        .chunks_open = series,
        .chunks_mapped = atomic_load_explicit(&h->chunks_mapped, memory_order_relaxed),
        .late_mint_ms = atomic_load_explicit(&h->late_mint_ms, memory_order_relaxed),
        .late_maxt_ms = atomic_load_explicit(&h->late_maxt_ms, memory_order_relaxed),
        .series_created = atomic_load_explicit(&h->series_created, memory_order_relaxed),
        .mint_ms = atomic_load_explicit(&h->mint_ms, memory_order_relaxed),
        .maxt_ms = atomic_load_explicit(&h->maxt_ms, memory_order_relaxed),
        .wal_bytes = wal_bytes_written(h->wal),
        .wal_segment = wal_segment(h->wal),
        .wal_failures = wal_failures(h->wal),
        .late_log_failures = h->late_log ? wal_failures(h->late_log) : 0,
        .replay_ms = h->replay_ms,
        .head_chunks_bytes = head_chunks_bytes(h->chunks),
        .writable = health.code == ERR_NONE,
    };
    ret_stats->head_mint_ms = ret_stats->mint_ms;
    ret_stats->head_maxt_ms = ret_stats->maxt_ms;
    ret_stats->min_valid_ms = head_min_valid_ms(h);
    for (int i = 0; i < DB_EVENT_COUNT; i++)
        ret_stats->events[i] = db_events_of(&h->events, (enum db_event)i);
    const uint64_t *events = ret_stats->events;
    ret_stats->samples_appended = events[DB_FLOATS_STORED] + events[DB_HISTOGRAMS_STORED];
    ret_stats->late_samples_appended =
        events[DB_FLOATS_STORED_LATE] + events[DB_HISTOGRAMS_STORED_LATE];
    err_drop(health);
}
