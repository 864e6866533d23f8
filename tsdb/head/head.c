/* head.c - the life of a head: open with replay, maintenance, clean end. */
#include "tsdb/head/head_int.h"

#include "base/assert.h"
#include "base/mem.h"
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
    h->chunks_dir = fs_path_below(h->dir, STR("chunks_head"));
    hash_secret_init(&h->secret, hash_random_seed());
    h->epoch = epoch_open();
    fp_init(&h->keys, h->epoch);
    pairs_init(&h->pairs, h->epoch, h->secret.seed);
    segarray_init(&h->hot, sizeof(struct series_hot), sizeof(struct series_hot));
    segarray_init(&h->cold, sizeof(struct series_cold), sizeof(struct series_cold));
    lock_init(&h->create_lock, LOCK_RANK_HEAD_CREATE);
    lock_init(&h->claims_lock, LOCK_RANK_HEAD_CLAIMS);
    cond_init(&h->claim_ended);
    lock_init(&h->mapped_lock, LOCK_RANK_HEAD_MAPPED);
    arena_init(&h->pair_sets, 0);
    h->next_ref = 1;
    atomic_store_explicit(&h->mint_ms, INT64_MAX, memory_order_relaxed);
    atomic_store_explicit(&h->maxt_ms, INT64_MIN, memory_order_relaxed);
    return h;
}

struct err
head_open(const struct db_opts *opts, int64_t min_valid_ms, struct head **ret_head)
{
    AUTO(head_close) struct head *h = head_new(opts);
    h->min_valid_ms = min_valid_ms;
    TRY(head_replay(h));
    struct wal_opts wal = {
        .fs = h->opts.fs,
        .dir = h->wal_dir,
        .segment_bytes = h->opts.wal_segment_bytes,
        .sync = h->opts.wal_sync,
        .compression = h->opts.wal_compression,
    };
    TRY(wal_open(&wal, &h->wal));
    *ret_head = TAKE(h);
    return OK;
}

void
head_close(struct head *h)
{
    if (!h)
        return;
    wal_close(h->wal);
    uint32_t count = atomic_load_explicit(&h->series_count, memory_order_acquire);
    for (uint32_t slot = 0; slot < count; slot++)
        series_fini(head_hot(h, slot), head_cold(h, slot));
    head_chunks_close(h->chunks);
    segarray_fini(&h->hot);
    segarray_fini(&h->cold);
    pairs_fini(&h->pairs);
    fp_fini(&h->keys);
    epoch_close(h->epoch);
    arena_fini(&h->pair_sets);
    vec_fini(&h->unlogged);
    vec_fini(&h->finished);
    lock_fini(&h->create_lock);
    lock_fini(&h->claims_lock);
    cond_fini(&h->claim_ended);
    lock_fini(&h->mapped_lock);
    mem_free(h->dir);
    mem_free(h->wal_dir);
    mem_free(h->chunks_dir);
    mem_free(h);
}

struct err
head_finish(struct head *h)
{
    /* Open chunks stay in the log only, as with Prometheus: a replay rebuilds them. */
    struct err mapped = head_map_finished(h);
    if (mapped.code == ERR_NONE)
        mapped = head_chunks_finish(h->chunks);
    struct err logged = wal_finish(h->wal); /* the log has everything: it must not be left out */
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
    for (size_t i = 0; i < h->unlogged.n; i++) {
        if (i % SERIES_A_RECORD == 0) {
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

struct err
head_maintain(struct head *h)
{
    struct err health = wal_health(h->wal);
    if (health.code != ERR_NONE) {
        err_drop(health);
        TRY_IN(recover_log(h), "log still failing");
        log_info(h->opts.log, "log recovered, writes resume", KV_CSTR("dir", h->dir));
    }
    TRY(head_map_finished(h));
    epoch_collect(h->epoch);
    return OK;
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

int64_t
head_min_valid_ms(const struct head *h)
{
    int64_t maxt = atomic_load_explicit(&h->maxt_ms, memory_order_relaxed), min_valid;
    if (__builtin_sub_overflow(maxt, h->opts.block_range_ms / 2, &min_valid))
        return h->min_valid_ms; /* an empty head takes any time that blocks leave */
    return i64_max(min_valid, h->min_valid_ms);
}

void
head_stats(struct head *h, struct db_stats *ret_stats)
{
    uint64_t series = atomic_load_explicit(&h->series_count, memory_order_relaxed);
    struct err health = wal_health(h->wal);
    *ret_stats = (struct db_stats){
        .series = series,
        .chunks_open = series,
        .chunks_mapped = atomic_load_explicit(&h->chunks_mapped, memory_order_relaxed),
        .samples_appended = atomic_load_explicit(&h->samples_appended, memory_order_relaxed),
        .series_created = atomic_load_explicit(&h->series_created, memory_order_relaxed),
        .mint_ms = atomic_load_explicit(&h->mint_ms, memory_order_relaxed),
        .maxt_ms = atomic_load_explicit(&h->maxt_ms, memory_order_relaxed),
        .wal_bytes = wal_bytes_written(h->wal),
        .head_chunks_bytes = head_chunks_bytes(h->chunks),
        .writable = health.code == ERR_NONE,
    };
    err_drop(health);
}
