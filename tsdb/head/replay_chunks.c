/* replay_chunks.c - the chunks of chunks_head, until their series show up in the log. */
#include "tsdb/head/replay_int.h"

#include "base/mem.h"

void
chains_init(struct replay *r)
{
    r->chains.v.v = NULL;
    r->chains.v.n = r->chains.v.cap = 0;
    fp_init(&r->chains.of_ref, r->h->epoch);
}

static void
drop_chains(struct replay *r)
{
    vec_each (&r->chains.v, chain) {
        while (chain->newest) {
            struct head_chunk *c = chain->newest;
            chain->newest = c->older;
            mem_free(c);
        }
    }
    vec_clear(&r->chains.v);
    vec_clear(&r->late);
    r->first_ref = 0;
    fp_fini(&r->chains.of_ref);
    fp_init(&r->chains.of_ref, r->h->epoch);
}

void
chains_fini(struct replay *r)
{
    drop_chains(r);
    vec_fini(&r->chains.v);
    vec_fini(&r->late);
    fp_fini(&r->chains.of_ref);
}

struct chain *
chain_of(struct replay *r, uint64_t ref)
{
    uint32_t id;
    if (!fp_find(&r->chains.of_ref, ref_key(ref), &id))
        return NULL;
    struct chain *chain = vec_at(&r->chains.v, id);
    return chain->newest ? chain : NULL;
}

/* --- gathering -------------------------------------------------------------------------------- */

static bool
is_usable(const struct head_chunk_info *info)
{
    const struct chunk_view *view = &info->chunk;
    bool histograms = chunk_holds_histograms(view->encoding);
    bool floats = view->encoding == CHUNK_XOR || view->encoding == CHUNK_XOR2;
    size_t bytes_max = histograms ? HEAD_CHUNK_BYTES_MAX : CHUNK_BYTES_MAX - 1;
    return (histograms || floats) &&
           (uint64_t)view->maxt_ms - (uint64_t)view->mint_ms <= UINT32_MAX &&
           view->data.n <= bytes_max && info->series_ref <= HEAD_REF_MAX;
}

/* The chain of a reference, made when missing. */
static struct chain *
make_chain(struct replay *r, uint64_t ref)
{
    uint32_t id;
    if (fp_find(&r->chains.of_ref, ref_key(ref), &id))
        return vec_at(&r->chains.v, id);
    fp_insert(&r->chains.of_ref, ref_key(ref), u32_of_size(r->chains.v.n));
    vec_push(&r->chains.v, ((struct chain){.ref = ref}));
    return vec_last(&r->chains.v);
}

static struct err
visit_chunk(void *arg, const struct head_chunk_info *info)
{
    struct replay *r = arg;
    if (!info) { /* the scan starts again: forget what was seen */
        drop_chains(r);
        return replay_drop_snapshot(r); /* only the log has what will be gone */
    }
    r->first_ref = r->first_ref ? r->first_ref : info->ref;
    if (info->out_of_order) {
        replay_keep_late(r, info);
        return OK;
    }
    const struct chunk_view *view = &info->chunk;
    if (view->maxt_ms < r->min_valid_ms)
        return OK; /* blocks have it */
    if (!is_usable(info)) {
        r->h->unread_file = (uint32_t)u64_min(r->h->unread_file, info->ref >> 32);
        r->count.other_chunks++;
        return info->out_of_order ? OK : replay_drop_snapshot(r);
    }
    r->ref_max = u64_max(r->ref_max, info->series_ref);
    struct chain *chain = make_chain(r, info->series_ref);
    if (chain->newest && view->mint_ms <= head_chunk_maxt_ms(chain->newest))
        return ERR(ERR_CORRUPT, "series %ju: head chunk at %jd starts before the one before ends",
                   (uintmax_t)info->series_ref, (intmax_t)view->mint_ms);
    struct head_chunk *c = mem_alloc_zero(sizeof *c);
    *c = (struct head_chunk){
        .older = chain->newest,
        .mint_ms = view->mint_ms,
        .span_ms = (uint32_t)(view->maxt_ms - view->mint_ms),
        .bytes = (uint32_t)view->data.n & HEAD_CHUNK_BYTES_MAX,
        .encoding = (uint32_t)view->encoding & 0x7f,
        .mapped = 1,
        .ref = info->ref,
    };
    chain->newest = c;
    chain->chunk_count++;
    return OK;
}

struct err
replay_open_chunks(struct replay *r)
{
    struct head *h = r->h;
    struct err lost = OK;
    TRY(head_chunks_open(h->opts.fs, h->chunks_dir, visit_chunk, r, &lost, &h->chunks));
    db_events_add(&h->events, DB_HEAD_CHUNKS_DAMAGES, lost.code != ERR_NONE);
    if (lost.code != ERR_NONE)
        log_warn(h->opts.log, "damaged head chunks dropped, rebuilding from the log",
                 KV_CSTR("dir", h->chunks_dir), KV_ERR(lost));
    err_drop(lost);
    return OK;
}

/* --- attaching -------------------------------------------------------------------------------- */

/* The last sample of a mapped chunk: what the next one is judged against. */
struct mapped_last {
    struct sample sample; /* of a histogram, only the time */
    bool is_histogram;
    struct histogram histogram; /* in the replay's scratch arena */
};

static struct err
last_float(struct replay *r, const struct chunk_view *view, struct mapped_last *ret_last)
{
    r->columns.n = 0;
    TRY(chunk_decode_floats(view, view->maxt_ms, view->maxt_ms, &r->columns));
    if (r->columns.n != 1)
        return ERR(ERR_CORRUPT, "no sample at the end of a head chunk");
    *ret_last = (struct mapped_last){.sample = {r->columns.t_ms[0], r->columns.bits[0]}};
    return OK;
}

static struct err
last_histogram(struct replay *r, const struct chunk_view *view, struct mapped_last *ret_last)
{
    AUTO(histogram_columns_fini) struct histogram_columns columns = HISTOGRAM_COLUMNS_INIT;
    TRY(chunk_decode_histograms(view, view->maxt_ms, view->maxt_ms, &r->chunk_scratch, &columns));
    if (columns.n != 1)
        return ERR(ERR_CORRUPT, "no sample at the end of a head chunk");
    *ret_last = (struct mapped_last){.sample = {columns.t_ms[0], 0},
                                     .is_histogram = true,
                                     .histogram = columns.values[0]};
    return OK;
}

/* What an open chunk begins behind is not looked at: its time is enough. */
static struct err
last_sample(struct replay *r, const struct head_chunk *c, int64_t open_ms,
            struct mapped_last *ret_last)
{
    if (open_ms != INT64_MAX && head_chunk_maxt_ms(c) < open_ms) {
        *ret_last = (struct mapped_last){.sample = {head_chunk_maxt_ms(c), 0}};
        return OK;
    }
    struct chunk_view view = {
        .mint_ms = c->mint_ms,
        .maxt_ms = head_chunk_maxt_ms(c),
        .encoding = c->encoding,
        .data = head_chunks_data(r->h->chunks, c->ref),
    };
    arena_reset(&r->chunk_scratch);
    if (chunk_holds_histograms(view.encoding))
        return last_histogram(r, &view, ret_last);
    return last_float(r, &view, ret_last);
}

void
replay_make_blank(struct replay *r, uint32_t slot)
{
    struct series_hot *hot = head_hot(r->h, slot);
    struct series_cold *cold = head_cold(r->h, slot);
    uint64_t ref = series_ref(hot);
    uint32_t *pairs = TAKE(cold->pairs);
    series_fini(hot, cold);
    series_init(hot, cold, ref, pairs);
}

void
chain_attach(struct replay *r, uint32_t slot, struct chain *chain, int64_t open_ms)
{
    struct series_hot *hot = head_hot(r->h, slot);
    struct series_cold *cold = head_cold(r->h, slot);
    struct mapped_last last;
    struct err e = last_sample(r, chain->newest, open_ms, &last);
    if (e.code != ERR_NONE) {
        r->count.other_chunks += chain->chunk_count;
        err_drop(e);
        return;
    }
    const struct head_chunk *oldest = chain->newest;
    while (oldest->older)
        oldest = oldest->older;
    replay_make_blank(r, slot);
    head_widen(r->h, i64_max(oldest->mint_ms, r->min_valid_ms), last.sample.t_ms);
    cold->newest = TAKE(chain->newest);
    if (last.is_histogram)
        series_set_last_histogram(
            hot, &(struct histogram_sample){last.sample.t_ms, last.histogram});
    else
        series_set_last(hot, last.sample);
    *floor_of(r, slot) = last.sample.t_ms;
}
