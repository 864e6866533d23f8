/* replay.c - rebuilds a head from chunks_head and the log, and repairs what a crash left.
 *
 * Order (spec/tsdb.md section 11): chunks_head, newest checkpoint, segments behind it. Samples
 * at or before the newest mapped chunk of their series are in that chunk already and skipped, and
 * so are chunks and samples before the time up to which blocks hold everything.
 * A damaged log is cut at the first bad byte, a damaged checkpoint or a missing segment is
 * refused: an operator must decide there. Threads: one, before the head is shared. */
#include "tsdb/head/head_int.h"

#include "base/assert.h"
#include "base/mem.h"
#include "tsdb/wal/record.h"
#include "tsdb/wal/wal_reader.h"

enum { FINISHED_CHUNKS_HELD = 1 << 14 }; /* on the heap before they are written out */

/* Mapped chunks of one reference, newest first, until its series shows up in the log. */
struct chain {
    uint64_t ref;
    struct head_chunk *newest;
    uint32_t chunk_count;
};

struct replay {
    struct head *h;
    struct fp_table slot_of_ref, chain_of_ref;
    VEC(struct chain) chains;
    struct sample_columns columns; /* scratch */
    struct arena scratch;          /* of one record */
    bool mapping_failed;
    int64_t min_valid_ms; /* blocks have what is older */
    struct chunk_rule chunk_rule;
    uint64_t ref_max; /* seen anywhere: also of series that the log does not name any more */
    struct {
        uint64_t samples, skipped, unknown_refs, tombstones, other_records, other_chunks;
    } count;
};

/* References are unique as they are; mixing only spreads them over the table. */
static struct hash128
ref_key(uint64_t ref)
{
    uint64_t mixed = ref * UINT64_C(0x9e3779b97f4a7c15);
    return (struct hash128){mixed, mixed ^ ref << 40};
}

/* --- chunks_head ------------------------------------------------------------------------------ */

static void
drop_chains(struct replay *r)
{
    vec_each (&r->chains, chain) {
        while (chain->newest) {
            struct head_chunk *c = chain->newest;
            chain->newest = c->older;
            mem_free(c);
        }
    }
    vec_clear(&r->chains);
    fp_fini(&r->chain_of_ref);
    fp_init(&r->chain_of_ref, r->h->epoch);
}

static struct chain *
chain_of(struct replay *r, uint64_t ref)
{
    uint32_t id;
    return fp_find(&r->chain_of_ref, ref_key(ref), &id) ? vec_at(&r->chains, id) : NULL;
}

static struct err
visit_chunk(void *arg, const struct head_chunk_info *info)
{
    struct replay *r = arg;
    if (!info) { /* the scan starts again: forget what was seen */
        drop_chains(r);
        return OK;
    }
    const struct chunk_view *view = &info->chunk;
    if (view->maxt_ms < r->min_valid_ms)
        return OK; /* blocks have it */
    bool usable = view->encoding == CHUNK_XOR && !info->out_of_order &&
                  (uint64_t)view->maxt_ms - (uint64_t)view->mint_ms <= UINT32_MAX &&
                  view->data.n <= UINT16_MAX && info->series_ref <= HEAD_REF_MAX;
    if (!usable) {
        r->h->unread_file = (uint32_t)u64_min(r->h->unread_file, info->ref >> 32);
        r->count.other_chunks++;
        return OK;
    }
    r->ref_max = u64_max(r->ref_max, info->series_ref);
    struct chain *chain = chain_of(r, info->series_ref);
    if (chain && chain->newest && view->mint_ms <= head_chunk_maxt_ms(chain->newest))
        return ERR(ERR_CORRUPT, "series %ju: head chunk at %jd starts before the one before ends",
                   (uintmax_t)info->series_ref, (intmax_t)view->mint_ms);
    if (!chain) {
        fp_insert(&r->chain_of_ref, ref_key(info->series_ref), u32_of_size(r->chains.n));
        vec_push(&r->chains, ((struct chain){.ref = info->series_ref}));
        chain = vec_last(&r->chains);
    }
    struct head_chunk *c = mem_alloc_zero(sizeof *c);
    *c = (struct head_chunk){
        .older = chain->newest,
        .mint_ms = view->mint_ms,
        .span_ms = (uint32_t)(view->maxt_ms - view->mint_ms),
        .bytes = u16_of_size(view->data.n),
        .encoding = (uint8_t)view->encoding,
        .mapped = 1,
        .ref = info->ref,
    };
    chain->newest = c;
    chain->chunk_count++;
    return OK;
}

static struct err
open_chunks(struct replay *r)
{
    struct head *h = r->h;
    struct err lost = OK;
    TRY(head_chunks_open(h->opts.fs, h->chunks_dir, visit_chunk, r, &lost, &h->chunks));
    if (lost.code != ERR_NONE)
        log_warn(h->opts.log, "damaged head chunks dropped, rebuilding from the log",
                 KV_CSTR("dir", h->chunks_dir), KV_ERR(lost));
    err_drop(lost);
    return OK;
}

/* --- records ---------------------------------------------------------------------------------- */

/* The value of the last sample in a mapped chunk: what the next sample is judged against. */
static struct err
last_sample(struct replay *r, const struct head_chunk *c, struct sample *ret_last)
{
    struct chunk_view view = {
        .mint_ms = c->mint_ms,
        .maxt_ms = head_chunk_maxt_ms(c),
        .encoding = c->encoding,
        .data = head_chunks_data(r->h->chunks, c->ref),
    };
    r->columns.n = 0;
    TRY(chunk_decode_floats(&view, view.maxt_ms, view.maxt_ms, &r->columns));
    if (r->columns.n != 1)
        return ERR(ERR_CORRUPT, "head chunk at %jx has no sample at its end", (uintmax_t)c->ref);
    *ret_last = (struct sample){r->columns.t_ms[0], r->columns.bits[0]};
    return OK;
}

/* Gives a series the mapped chunks of `chain` in place of all that it has: the log repeats what
 * is not in them. Chunks that do not decode are left out, for the log has their samples. */
static void
attach_chain(struct replay *r, uint32_t slot, struct chain *chain)
{
    if (!chain || !chain->newest)
        return;
    struct series_hot *hot = head_hot(r->h, slot);
    struct series_cold *cold = head_cold(r->h, slot);
    struct sample last;
    struct err e = last_sample(r, chain->newest, &last);
    if (e.code != ERR_NONE) {
        r->count.other_chunks += chain->chunk_count;
        err_drop(e);
        return;
    }
    uint64_t ref = series_ref(hot);
    uint32_t *pairs = TAKE(cold->pairs);
    series_fini(hot, cold);
    series_init(hot, cold, ref, pairs);

    const struct head_chunk *oldest = chain->newest;
    while (oldest->older)
        oldest = oldest->older;
    head_widen(r->h, i64_max(oldest->mint_ms, r->min_valid_ms), last.t_ms);
    cold->newest = chain->newest;
    series_set_last(hot, last);
    chain->newest = NULL;
}

static struct err
replay_one_series(struct replay *r, uint64_t ref, struct labels labels, struct buf *key_bytes)
{
    struct head *h = r->h;
    if (ref == 0 || ref > HEAD_REF_MAX)
        return ERR(ERR_LIMIT, "series reference %ju is not in 1 to 2^40 - 1", (uintmax_t)ref);
    buf_clear(key_bytes);
    label_key_encode(labels, key_bytes);
    struct hash128 key = hash128_secret(buf_str(key_bytes), &h->secret);
    uint32_t slot, known;
    if (!fp_find(&h->keys, key, &slot)) {
        slot = head_create_series(h, labels, ref);
        fp_insert(&h->keys, key, slot);
    }
    if (!fp_find(&r->slot_of_ref, ref_key(ref), &known))
        fp_insert(&r->slot_of_ref, ref_key(ref), slot);
    r->ref_max = u64_max(r->ref_max, ref);
    attach_chain(r, slot, chain_of(r, ref));
    return OK;
}

static struct err
replay_series(struct replay *r, struct str record)
{
    AUTO(buf_fini) struct buf key_bytes = BUF_INIT;
    struct record_cursor c;
    record_read_series(&c, record);
    uint64_t ref;
    struct labels labels;
    arena_reset(&r->scratch);
    while (record_next_series(&c, &r->scratch, &ref, &labels)) {
        if (labels.n == 0 || labels.n > LABELS_COUNT_MAX)
            return ERR(ERR_LIMIT, "series record with %zu labels, limit %d", labels.n,
                       LABELS_COUNT_MAX);
        TRY(replay_one_series(r, ref, labels, &key_bytes));
    }
    return record_cursor_check(&c);
}

static void
replay_sample(struct replay *r, uint64_t ref, struct sample s, struct slot_list *finished)
{
    struct head *h = r->h;
    uint32_t slot;
    if (!fp_find(&r->slot_of_ref, ref_key(ref), &slot)) {
        r->count.unknown_refs++;
        return;
    }
    struct series_hot *hot = head_hot(h, slot);
    if (series_judge(series_last_of(hot), s, r->min_valid_ms) != SAMPLE_STORED) {
        r->count.skipped++;
        return;
    }
    struct head_chunk *full = series_append(hot, head_cold(h, slot), s, r->chunk_rule);
    if (full)
        vec_push(finished, slot);
    r->count.samples++;
}

/* Frees memory now and then. A disk that is full does not keep a head from opening. */
static void
map_finished(struct replay *r)
{
    if (r->h->finished.n < FINISHED_CHUNKS_HELD || r->mapping_failed)
        return;
    struct err e = head_map_finished(r->h);
    r->mapping_failed = e.code != ERR_NONE;
    if (r->mapping_failed)
        log_warn(r->h->opts.log, "replayed chunks stay in memory", KV_CSTR("dir", r->h->chunks_dir),
                 KV_ERR(e));
    err_drop(e);
}

static struct err
replay_samples(struct replay *r, struct str record)
{
    struct slot_list finished = VEC_INIT;
    struct record_cursor c;
    record_read_samples(&c, record);
    uint64_t ref;
    struct sample s;
    int64_t mint = INT64_MAX, maxt = INT64_MIN;
    while (record_next_sample(&c, &ref, &s)) {
        replay_sample(r, ref, s, &finished);
        mint = i64_min(mint, s.t_ms);
        maxt = i64_max(maxt, s.t_ms);
    }
    head_queue_finished(r->h, &finished);
    vec_fini(&finished);
    mint = i64_max(mint, r->min_valid_ms);
    if (mint <= maxt)
        head_widen(r->h, mint, maxt);
    map_finished(r);
    return record_cursor_check(&c);
}

static struct err
replay_record(struct replay *r, struct str record)
{
    switch (record_type_of(record)) {
    case RECORD_SERIES:
        return replay_series(r, record);
    case RECORD_SAMPLES:
        return replay_samples(r, record);
    case RECORD_TOMBSTONES:
        r->count.tombstones++;
        return OK;
    default: /* types of later versions are skipped too, as the format demands */
        r->count.other_records++;
        return OK;
    }
}

/* --- the log ---------------------------------------------------------------------------------- */

/* Where reading stopped, when it stopped at damage. */
struct damage {
    bool found;
    uint64_t segment, offset;
};

static struct err
replay_segments(struct replay *r, const char *dir, uint64_t first, struct damage *ret_damage)
{
    AUTO(wal_reader_close) struct wal_reader *reader = NULL;
    TRY(wal_reader_open(r->h->opts.fs, dir, first, &reader));
    for (;;) {
        struct str record;
        bool more;
        struct err e = wal_reader_next(reader, &record, &more);
        if (e.code == ERR_NONE && !more)
            return OK;
        if (e.code == ERR_NONE)
            e = replay_record(r, record);
        if (e.code == ERR_NONE)
            continue;
        if (e.code == ERR_CORRUPT) {
            ret_damage->found = true;
            wal_reader_where(reader, &ret_damage->segment, &ret_damage->offset);
        }
        return e;
    }
}

static struct err
replay_checkpoint(struct replay *r, uint64_t *ret_first_segment)
{
    AUTO(buf_fini) struct buf dir = BUF_INIT;
    uint64_t segment;
    bool none;
    TRY(wal_last_checkpoint(r->h->opts.fs, r->h->wal_dir, &dir, &segment, &none));
    if (none)
        return OK;
    struct damage damage = {0};
    TRY_IN(replay_segments(r, buf_cstr(&dir), 0, &damage), "checkpoint %s", buf_cstr(&dir));
    *ret_first_segment = segment + 1;
    return OK;
}

static struct err
replay_log(struct replay *r)
{
    struct head *h = r->h;
    uint64_t first = 0;
    TRY(fs_make_dirs(h->opts.fs, h->wal_dir));
    TRY(replay_checkpoint(r, &first));
    struct damage damage = {0};
    struct err e = replay_segments(r, h->wal_dir, first, &damage);
    if (e.code == ERR_NONE || !damage.found)
        return e;
    log_warn(h->opts.log, "damaged log, cutting it there", KV_CSTR("dir", h->wal_dir),
             KV_U64("segment", damage.segment), KV_U64("offset", damage.offset), KV_ERR(e));
    err_drop(e);
    return wal_repair(h->opts.fs, h->wal_dir, damage.segment, damage.offset);
}

static void
report(const struct replay *r)
{
    struct log *log = r->h->opts.log;
    log_info(log, "head replayed", KV_CSTR("dir", r->h->dir),
             KV_U64("series", atomic_load_explicit(&r->h->series_live, memory_order_relaxed)),
             KV_U64("samples", r->count.samples), KV_U64("known_samples", r->count.skipped));
    if (r->count.unknown_refs > 0)
        log_warn(log, "log has samples of series that it does not name",
                 KV_U64("samples", r->count.unknown_refs));
    if (r->count.tombstones + r->count.other_records + r->count.other_chunks > 0)
        log_warn(log, "not loaded: kinds of data that this version cannot hold",
                 KV_U64("deletions", r->count.tombstones),
                 KV_U64("records", r->count.other_records),
                 KV_U64("chunks", r->count.other_chunks));
}

struct err
head_replay(struct head *h)
{
    struct replay r = {.h = h, .chains = VEC_INIT, .columns = SAMPLE_COLUMNS_INIT};
    r.min_valid_ms = atomic_load_explicit(&h->min_valid_ms, memory_order_relaxed);
    r.chunk_rule = head_chunk_rule(h);
    fp_init(&r.slot_of_ref, h->epoch);
    fp_init(&r.chain_of_ref, h->epoch);
    arena_init(&r.scratch, 0);
    struct err e = open_chunks(&r);
    if (e.code == ERR_NONE)
        e = replay_log(&r);
    if (e.code == ERR_NONE) {
        h->next_ref = r.ref_max + 1;
        report(&r);
    }
    drop_chains(&r);
    vec_fini(&r.chains);
    fp_fini(&r.slot_of_ref);
    fp_fini(&r.chain_of_ref);
    sample_columns_fini(&r.columns);
    arena_fini(&r.scratch);
    return e;
}
