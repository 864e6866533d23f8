/* replay.c - rebuilds a head from chunks_head and the log, and repairs what a crash left.
 *
 * Order (spec/tsdb.md section 11): chunks_head, the snapshot or else the newest checkpoint, the
 * segments behind it. This thread
 * reads the log, makes series and hands samples to the crew (replay_crew.c). Samples at or before
 * the newest mapped chunk of their series are in that chunk already and skipped, and so are chunks
 * and samples before the time up to which blocks hold everything.
 * A damaged log is cut at the first bad byte, a damaged checkpoint or a missing segment is
 * refused: an operator must decide there. When it was the inside of a record that was bad, the
 * crew may have applied samples behind it: then the whole replay is done again over the log that
 * was cut.
 * Threads: one, before the head is shared; and the crew's. */
#include "tsdb/head/replay_int.h"

#include "base/assert.h"
#include "base/mem.h"
#include "tsdb/wal/record.h"
#include "tsdb/wal/wal_reader.h"

enum {
    FINISHED_CHUNKS_HELD = 1 << 14, /* on the heap before they are written out */
    SERIES_GROUP = 16,              /* whose cache misses overlap */
};

/* --- series ----------------------------------------------------------------------------------- */

struct logged_series {
    uint64_t ref;
    struct labels labels;
    struct hash128 key;
    int64_t open_ms; /* as in replay_one_series() */
};

/* A series of these labels that was not dropped (replay_deletions.c). */
static bool
find_living(const struct replay *r, struct hash128 key, uint32_t *ret_slot)
{
    return fp_find(&r->h->keys, key, ret_slot) && !head_hot(r->h, *ret_slot)->dead;
}

/* Refuses what cannot be; the entry of its key is on its way into the cache. */
static struct err
look_at(struct replay *r, uint64_t ref, struct labels labels, struct logged_series *ret_series)
{
    if (labels.n == 0 || labels.n > LABELS_COUNT_MAX)
        return ERR(ERR_LIMIT, "series record with %zu labels, limit %d", labels.n,
                   LABELS_COUNT_MAX);
    if (ref == 0 || ref > HEAD_REF_MAX)
        return ERR(ERR_LIMIT, "series reference %ju is not in 1 to 2^40 - 1", (uintmax_t)ref);
    buf_clear(&r->key_bytes);
    label_key_encode(labels, &r->key_bytes);
    struct hash128 key = hash128_secret(buf_str(&r->key_bytes), &r->h->secret);
    fp_prefetch(&r->h->keys, key);
    *ret_series = (struct logged_series){ref, labels, key, INT64_MAX};
    return OK;
}

/* The series of a label set under a (further) reference. Blank: nobody has looked at it yet. */
static uint32_t
find_or_make(struct replay *r, const struct logged_series *s, bool *ret_blank)
{
    struct head *h = r->h;
    struct hash128 key = s->key;
    uint32_t slot;
    *ret_blank = !find_living(r, key, &slot);
    if (*ret_blank) {
        slot = head_create_series(h, s->labels, s->ref);
        segarray_ensure(&r->floors_ms, slot);
        *floor_of(r, slot) = INT64_MIN;
        fp_put(&h->keys, key, slot);
    }
    return slot;
}

/* Chunks in chunks_head are under the number of their series; so one that was born again goes on
 * under the number that has them. */
static void
take_over_ref(struct replay *r, uint32_t slot, uint64_t ref)
{
    struct series_hot *hot = head_hot(r->h, slot);
    if (ref == series_ref(hot))
        return;
    head_remember_ref(r->h, series_ref(hot), INT64_MAX);
    series_set_ref(hot, ref);
}

/* The first series of a reference keeps it until it is dropped. */
static struct err
lead_to(struct replay *r, struct ref_entry *entry, uint32_t slot)
{
    uint32_t before = atomic_load_explicit(&entry->slot, memory_order_relaxed) - 1;
    if (before != slot_none && !head_hot(r->h, before)->dead)
        return OK;
    if (before != slot_none)
        TRY(crew_await(r)); /* what it holds was logged for that one, and goes with it */
    atomic_store_explicit(&entry->slot, slot + 1, memory_order_release);
    return OK;
}

static struct err
take_series(struct replay *r, const struct logged_series *s, uint32_t *ret_slot)
{
    uint64_t ref = s->ref;
    bool blank;
    uint32_t slot = find_or_make(r, s, &blank);
    struct ref_entry *entry = replay_refs_make(&r->refs, ref);
    struct chain *chain = chain_of(r, ref);
    if (chain && !blank)
        TRY(crew_await(r)); /* what it has so far will be replaced */
    if (chain)
        chain_attach(r, slot, chain, s->open_ms);
    if (chain && !chain->newest)
        take_over_ref(r, slot, ref);
    if (ref != series_ref(head_hot(r->h, slot)))
        head_remember_ref(r->h, ref, INT64_MAX); /* until when is known at the end */
    TRY(lead_to(r, entry, slot));
    r->ref_max = u64_max(r->ref_max, ref);
    *ret_slot = slot;
    return OK;
}

struct err
replay_one_series(struct replay *r, uint64_t ref, struct labels labels, int64_t open_ms,
                  uint32_t *ret_slot)
{
    struct logged_series s;
    TRY(look_at(r, ref, labels, &s));
    s.open_ms = open_ms;
    return take_series(r, &s, ret_slot);
}

static struct err
replay_series(struct replay *r, struct str record)
{
    struct record_cursor c;
    struct labels labels;
    uint64_t ref;
    record_read_series(&c, record);
    for (size_t n = SERIES_GROUP; n == SERIES_GROUP;) {
        struct logged_series group[SERIES_GROUP];
        arena_reset(&r->scratch);
        for (n = 0; n < SERIES_GROUP && record_next_series(&c, &r->scratch, &ref, &labels); n++)
            TRY(look_at(r, ref, labels, &group[n]));
        for (size_t i = 0; i < n; i++) {
            uint32_t slot;
            TRY(take_series(r, &group[i], &slot));
        }
    }
    return record_cursor_check(&c);
}

/* --- records ---------------------------------------------------------------------------------- */

/* Frees memory now and then. A disk that is full does not keep a head from opening. */
static void
map_finished(struct replay *r)
{
    if (r->mapping_failed || head_finished_count(r->h) < FINISHED_CHUNKS_HELD)
        return;
    struct err e = head_map_finished(r->h);
    r->mapping_failed = e.code != ERR_NONE;
    if (r->mapping_failed)
        log_warn(r->h->opts.log, "replayed chunks stay in memory", KV_CSTR("dir", r->h->chunks_dir),
                 KV_ERR(e));
    err_drop(e);
}

static bool
is_for_crew(unsigned type)
{
    const uint32_t samples = 1u << RECORD_SAMPLES | 1u << RECORD_SAMPLES_V2 |
                             1u << RECORD_HISTOGRAMS | 1u << RECORD_FLOAT_HISTOGRAMS |
                             1u << RECORD_CUSTOM_HISTOGRAMS | 1u << RECORD_CUSTOM_FLOAT_HISTOGRAMS |
                             1u << RECORD_HISTOGRAMS_V2 | 1u << RECORD_FLOAT_HISTOGRAMS_V2;
    return type < 32 && samples >> type & 1;
}

static struct err
replay_record(struct replay *r, struct str record)
{
    switch (record_type_of(record)) {
    case RECORD_SERIES:
        return replay_series(r, record);
    case RECORD_EXEMPLARS:
        return replay_exemplars(r, record);
    case RECORD_METADATA:
        return replay_metadata(r, record);
    case RECORD_TOMBSTONES:
        return replay_deletions(r, record);
    default: /* types of later versions are skipped too, as the format demands */
        r->count.other_records++;
        return OK;
    }
}

/* Most records are the crew's, which decompresses them as well. */
static struct err
replay_stored(struct replay *r, const struct wal_stored *stored, struct log_place at)
{
    uint8_t type;
    struct wal_stored plain = {.flags = 0};
    bool known = wal_stored_type(stored, &type);
    r->damage = at; /* if it is damaged */
    if (!known || !is_for_crew(type)) {
        buf_clear(&r->plain);
        TRY(wal_stored_open(stored, &r->plain, &plain.bytes));
        type = (uint8_t)record_type_of(plain.bytes);
    }
    if (!is_for_crew(type))
        return replay_record(r, plain.bytes);
    map_finished(r);
    return crew_hand_over(r, known ? stored : &plain, at);
}

/* --- the log ---------------------------------------------------------------------------------- */

/* How it ended: *ret_again when samples behind the damage may have been applied. */
static struct err
replay_segments(struct replay *r, struct wal_reader *reader, bool *ret_inside)
{
    *ret_inside = false;
    for (bool more = true; more;) {
        struct wal_stored stored;
        struct log_place at;
        struct err e = wal_reader_next_stored(reader, &stored, &more);
        wal_reader_where(reader, &at.segment, &at.offset);
        if (e.code != ERR_NONE) { /* damage of the framing: all before it is good, or so it seems */
            struct err inside = crew_await(r);
            *ret_inside = inside.code != ERR_NONE;
            if (!*ret_inside) {
                r->damage = at;
                return e;
            }
            err_drop(e);
            return inside;
        }
        if (!more)
            break;
        *ret_inside = true;
        TRY(replay_stored(r, &stored, at));
    }
    *ret_inside = true;
    return crew_await(r);
}

static struct err
replay_checkpoint(struct replay *r, uint64_t *ret_first_segment)
{
    AUTO(buf_fini) struct buf dir = BUF_INIT;
    uint64_t segment;
    bool none, inside;
    TRY(wal_last_checkpoint(r->h->opts.fs, r->h->wal_dir, &dir, &segment, &none));
    if (none)
        return OK;
    AUTO(wal_reader_close) struct wal_reader *reader = NULL;
    TRY_IN(wal_reader_open(r->h->opts.fs, buf_cstr(&dir), 0, &reader), "checkpoint");
    TRY_IN(replay_segments(r, reader, &inside), "checkpoint %s", buf_cstr(&dir));
    *ret_first_segment = segment + 1;
    return OK;
}

static struct err
replay_log(struct replay *r, bool *ret_again)
{
    struct head *h = r->h;
    uint64_t first = 0;
    if (r->from_snapshot)
        first = r->snapshot.segment; /* behind the checkpoint */
    else
        TRY(replay_checkpoint(r, &first));
    AUTO(wal_reader_close) struct wal_reader *reader = NULL;
    TRY(wal_reader_open(h->opts.fs, h->wal_dir, first, &reader)); /* no place to cut a gap at */
    if (r->from_snapshot)
        wal_reader_skip(reader, r->snapshot.segment, r->snapshot.offset);
    struct err e = replay_segments(r, reader, ret_again);
    wal_reader_close(TAKE(reader));
    if (e.code == ERR_NONE)
        *ret_again = false;
    if (e.code != ERR_CORRUPT)
        return e;
    db_events_add(&h->events, DB_LOG_DAMAGES, 1);
    log_warn(h->opts.log, "damaged log, cutting it there", KV_CSTR("dir", h->wal_dir),
             KV_U64("segment", r->damage.segment), KV_U64("offset", r->damage.offset), KV_ERR(e));
    err_drop(e);
    if (!r->from_snapshot) /* one that was passed over: the places behind the cut get new content */
        TRY(snapshot_delete_all(h->opts.fs, h->dir));
    return wal_repair(h->opts.fs, h->wal_dir, r->damage.segment, r->damage.offset);
}

/* --- the whole -------------------------------------------------------------------------------- */

static void
report(struct replay *r)
{
    struct log *log = r->h->opts.log;
    log_info(log, "head replayed", KV_CSTR("dir", r->h->dir),
             KV_U64("series", atomic_load_explicit(&r->h->series_live, memory_order_relaxed)),
             KV_U64("samples", r->count.samples), KV_U64("known_samples", r->count.skipped),
             KV_CSTR("snapshot", r->from_snapshot ? buf_cstr(&r->snapshot_path) : ""));
    if (r->count.unknown_refs > 0)
        log_warn(log, "log has samples of series that it does not name",
                 KV_U64("samples", r->count.unknown_refs));
    if (r->count.histograms_dropped > 0)
        log_warn(log, "log has histograms that cannot be stored: unknown schema, or invalid",
                 KV_U64("histograms", r->count.histograms_dropped));
    if (r->count.other_records + r->count.other_chunks > 0)
        log_warn(log, "not loaded: kinds of data that this version cannot hold",
                 KV_U64("records", r->count.other_records),
                 KV_U64("chunks", r->count.other_chunks));
}

static struct err
choose_crew(const struct replay *r, enum crew_size *ret_size)
{
    uint64_t bytes;
    TRY(wal_disk_bytes(r->h->opts.fs, r->h->wal_dir, &bytes));
    *ret_size = bytes >= r->h->opts.replay_crew_bytes ? CREW_FULL : CREW_ALONE;
    return OK;
}

static struct err
run(struct replay *r, bool *ret_again)
{
    enum crew_size size;
    TRY(fs_make_dirs(r->h->opts.fs, r->h->wal_dir));
    TRY(choose_crew(r, &size));
    TRY(crew_start(r, size));
    TRY(replay_find_snapshot(r));
    TRY(replay_open_chunks(r));
    TRY(replay_snapshot(r, ret_again));
    if (!*ret_again)
        TRY(replay_log(r, ret_again));
    return *ret_again ? OK : replay_late(r);
}

struct err
head_replay(struct head *h, bool *ret_again)
{
    struct replay r = {.h = h,
                       .columns = SAMPLE_COLUMNS_INIT,
                       .key_bytes = BUF_INIT,
                       .plain = BUF_INIT,
                       .snapshot_path = BUF_INIT};
    r.min_valid_ms = atomic_load_explicit(&h->min_valid_ms, memory_order_relaxed);
    replay_refs_init(&r.refs, h->epoch);
    segarray_init(&r.floors_ms, sizeof(int64_t), _Alignof(int64_t));
    chains_init(&r);
    arena_init(&r.scratch, 0);
    arena_init(&r.chunk_scratch, 0);
    *ret_again = false;
    struct err e = run(&r, ret_again);
    crew_stop(&r);
    if (e.code == ERR_NONE && !*ret_again) {
        h->next_ref = r.ref_max + 1;
        h->log_unread = r.from_snapshot;
        replay_settle_deletions(&r);
        h->holds_less = r.count.other_records + r.count.other_chunks > 0;
        report(&r);
    }
    chains_fini(&r);
    replay_refs_fini(&r.refs);
    segarray_fini(&r.floors_ms);
    sample_columns_fini(&r.columns);
    buf_fini(&r.key_bytes);
    buf_fini(&r.plain);
    buf_fini(&r.snapshot_path);
    vec_fini(&r.deletions);
    arena_fini(&r.scratch);
    arena_fini(&r.chunk_scratch);
    return e;
}
