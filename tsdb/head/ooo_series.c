/* ooo_series.c - from an open chunk of late samples to finished ones, and out again. */
#include "tsdb/head/ooo_series.h"

#include "base/assert.h"
#include "base/mem.h"

enum { FINISHED_ROOM_MIN = 2 };

static void
free_data(struct ooo_finished *f)
{
    if (!f->mapped)
        mem_free(f->data);
}

void
ooo_series_fini(struct ooo_series *o)
{
    ooo_chunk_clear(&o->open);
    for (uint32_t i = 0; i < o->finished_count; i++)
        free_data(&o->finished[i]);
    mem_free(o->finished);
    *o = (struct ooo_series){0};
}

static void
push_finished(struct ooo_series *o, const struct ooo_finished *f)
{
    if (o->finished_count == o->finished_room) {
        o->finished_room = o->finished_room ? 2 * o->finished_room : FINISHED_ROOM_MIN;
        o->finished = mem_realloc(o->finished, o->finished_room * sizeof *o->finished);
    }
    o->finished[o->finished_count++] = *f;
}

/* Keeps only finished[from..]; memory goes with the last. */
static size_t
drop_first(struct ooo_series *o, uint32_t from)
{
    for (uint32_t i = 0; i < from; i++)
        free_data(&o->finished[i]);
    o->finished_count -= from;
    memmove(o->finished, o->finished + from, o->finished_count * sizeof *o->finished);
    if (o->finished_count == 0) {
        mem_free(TAKE(o->finished));
        o->finished_room = 0;
    }
    return from;
}

/* The first one on the heap: O2 has them all at the end. */
static uint32_t
first_unwritten(const struct ooo_series *o)
{
    uint32_t i = o->finished_count;
    while (i > 0 && !o->finished[i - 1].mapped)
        i--;
    return i;
}

static head_chunk_ref
newest_ref(const struct ooo_series *o)
{
    uint32_t mapped = first_unwritten(o);
    return mapped > 0 ? o->finished[mapped - 1].ref : 0;
}

/* --- sealing and writing ---------------------------------------------------------------------- */

void
ooo_series_seal(struct ooo_series *o)
{
    AUTO(ooo_encoder_fini) struct ooo_encoder e = ooo_encoder_of(&o->open);
    struct chunk_view view;
    while (ooo_encoder_next(&e, &view)) {
        struct ooo_finished f = {
            .mint_ms = view.mint_ms,
            .maxt_ms = view.maxt_ms,
            .bytes = u32_of_size(view.data.n),
            .encoding = (uint8_t)view.encoding,
            .data = mem_alloc(view.data.n),
        };
        memcpy(f.data, view.data.p, view.data.n);
        push_finished(o, &f);
    }
    ooo_chunk_clear(&o->open);
}

static struct chunk_view
view_of(const struct ooo_finished *f, const struct head_chunks *chunks)
{
    return (struct chunk_view){
        .mint_ms = f->mint_ms,
        .maxt_ms = f->maxt_ms,
        .encoding = f->encoding,
        .data =
            f->mapped ? head_chunks_data(chunks, f->ref) : str_of((const char *)f->data, f->bytes),
    };
}

bool
ooo_series_unwritten(const struct ooo_series *o, struct chunk_view *ret_chunk)
{
    uint32_t i = first_unwritten(o);
    if (i == o->finished_count)
        return false;
    *ret_chunk = view_of(&o->finished[i], NULL);
    return true;
}

void
ooo_series_set_mapped(struct ooo_series *o, head_chunk_ref ref)
{
    ASSERT(ref > newest_ref(o)); /* O2 */
    uint32_t i = first_unwritten(o);
    ASSERT(i < o->finished_count);
    struct ooo_finished *f = &o->finished[i];
    mem_free(f->data);
    f->ref = ref;
    f->mapped = 1;
}

enum ooo_marker
ooo_series_marker(const struct ooo_series *o, head_chunk_ref *ret_ref)
{
    if (first_unwritten(o) < o->finished_count)
        return OOO_MARKER_NONE;
    *ret_ref = newest_ref(o);
    return OOO_MARKER;
}

/* --- replay and garbage ----------------------------------------------------------------------- */

void
ooo_series_add_mapped(struct ooo_series *o, const struct head_chunk_info *info)
{
    ASSERT(info->ref > newest_ref(o) && first_unwritten(o) == o->finished_count); /* O2 */
    struct ooo_finished f = {
        .mint_ms = info->chunk.mint_ms,
        .maxt_ms = info->chunk.maxt_ms,
        .bytes = u32_of_size(info->chunk.data.n),
        .encoding = (uint8_t)info->chunk.encoding,
        .mapped = 1,
        .ref = info->ref,
    };
    push_finished(o, &f);
}

struct interval
ooo_series_range(const struct ooo_series *o)
{
    struct interval range = {INT64_MAX, INT64_MIN};
    if (o->open.count > 0)
        range = (struct interval){ooo_chunk_mint_ms(&o->open), ooo_chunk_maxt_ms(&o->open)};
    for (uint32_t i = 0; i < o->finished_count; i++) {
        range.mint_ms = i64_min(range.mint_ms, o->finished[i].mint_ms);
        range.maxt_ms = i64_max(range.maxt_ms, o->finished[i].maxt_ms);
    }
    return range;
}

bool
ooo_series_has(const struct ooo_series *o, head_chunk_ref ref)
{
    uint32_t low = 0, high = first_unwritten(o);
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (o->finished[middle].ref < ref)
            low = middle + 1;
        else
            high = middle;
    }
    return low < first_unwritten(o) && o->finished[low].ref == ref;
}

static bool
same_chunk(const struct ooo_finished *a, const struct ooo_finished *b,
           const struct head_chunks *chunks)
{
    return a->mint_ms == b->mint_ms && a->maxt_ms == b->maxt_ms && a->bytes == b->bytes &&
           a->encoding == b->encoding && str_eq(view_of(a, chunks).data, view_of(b, chunks).data);
}

size_t
ooo_series_drop_copies(struct ooo_series *o, const struct head_chunks *chunks)
{
    uint32_t mapped = first_unwritten(o), kept = mapped;
    for (uint32_t i = mapped; i < o->finished_count; i++) {
        uint32_t j = 0;
        while (j < mapped && !same_chunk(&o->finished[i], &o->finished[j], chunks))
            j++;
        if (j < mapped)
            mem_free(o->finished[i].data);
        else
            o->finished[kept++] = o->finished[i];
    }
    size_t gone = o->finished_count - kept;
    o->finished_count = kept;
    return gone;
}

size_t
ooo_series_drop(struct ooo_series *o, head_chunk_ref ref)
{
    uint32_t n = 0;
    while (n < o->finished_count && o->finished[n].mapped && o->finished[n].ref <= ref)
        n++;
    return n > 0 ? drop_first(o, n) : 0;
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool
overlaps(const struct ooo_range *range, int64_t mint_ms, int64_t maxt_ms)
{
    return mint_ms <= range->maxt_ms && maxt_ms >= range->mint_ms;
}

static void
collect_open(const struct ooo_chunk *open, struct arena *a, struct chunk_views *to)
{
    AUTO(ooo_encoder_fini) struct ooo_encoder e = ooo_encoder_of(open);
    struct chunk_view view;
    while (ooo_encoder_next(&e, &view)) {
        view.data = arena_str(a, view.data);
        vec_push(to, view);
    }
}

static bool
wanted(const struct ooo_finished *f, const struct ooo_range *range)
{
    if (!overlaps(range, f->mint_ms, f->maxt_ms))
        return false;
    if (!f->mapped)
        return range->upto_ref == 0;
    return f->ref > range->above_ref && (range->upto_ref == 0 || f->ref <= range->upto_ref);
}

void
ooo_series_collect(const struct ooo_series *o, const struct head_chunks *chunks,
                   const struct ooo_range *range, struct arena *a, struct chunk_views *to)
{
    for (uint32_t i = 0; i < o->finished_count; i++) {
        const struct ooo_finished *f = &o->finished[i];
        if (!wanted(f, range))
            continue;
        struct chunk_view view = view_of(f, chunks);
        if (!f->mapped)
            view.data = arena_str(a, view.data);
        vec_push(to, view);
    }
    bool open = o->open.count > 0 && range->upto_ref == 0 &&
                overlaps(range, ooo_chunk_mint_ms(&o->open), ooo_chunk_maxt_ms(&o->open));
    if (open)
        collect_open(&o->open, a, to);
}

bool
ooo_series_check(const struct ooo_series *o)
{
    for (unsigned i = 1; i < o->open.count; i++) {
        if (o->open.samples[i - 1].t_ms >= o->open.samples[i].t_ms)
            return false;
    }
    uint32_t mapped = first_unwritten(o);
    for (uint32_t i = 0; i < mapped; i++) {
        bool ascends = i == 0 || o->finished[i].ref > o->finished[i - 1].ref;
        if (!o->finished[i].mapped || o->finished[i].ref == 0 || !ascends)
            return false;
    }
    return o->open.count <= o->open.room && o->finished_count <= o->finished_room;
}
