/* read.c - a head as a series_set.
 *
 * A set holds the slots of its series, sorted by labels, and up to which time each may be read
 * (isolation.h). Chunks are copied out of a series only when it is pulled, under the series' spin,
 * so a slow reader holds nothing that a writer needs. Mapped chunks are not copied: their files
 * stay mapped as long as the caller's view of the database. */
#include "tsdb/head/late.h"

#include "base/assert.h"
#include "base/mem.h"
#include "tsdb/chunk/recode.h"
#include "tsdb/head/match.h"
#include "tsdb/head/order.h"

enum part { PART_IN_ORDER = 1, PART_LATE = 2 };

struct head_set {
    struct series_set set;
    const struct head *h;
    struct select_query query; /* of samples in order */
    struct ooo_range late;
    unsigned parts;          /* of enum part */
    const struct deletions *deletions; /* borrowed */
    struct head_found found; /* in label order */
    const int64_t *ends_ms;  /* of the same; NULL: no bound */
    size_t at, yielded;
    enum { SET_ROUGH, SET_EXACT } edges; /* whole chunks, or only samples within the range */
    struct arena row; /* of the series yielded last */
    struct chunk_views views;
    uint8_t *open_bytes; /* of the row; room for an open chunk */
    size_t open_room;
};

/* --- order ------------------------------------------------------------------------------------ */

static struct label
label_of_pair(const void *arg, uint32_t id)
{
    const struct head *h = arg;
    const struct pair *pair = pairs_at(&h->pairs, id);
    return (struct label){pairs_name_at(&h->pairs, pair->name)->text, pair_value(pair)};
}

static void
sort_series(const struct head *h, struct head_found found)
{
    struct order_item *items = mem_array_zero(found.n, sizeof *items);
    for (size_t i = 0; i < found.n; i++)
        items[i] = (struct order_item){.of = head_cold(h, found.slots[i])->pairs,
                                       .payload = found.slots[i]};
    order_by_labels(items, found.n, (struct order_source){h, label_of_pair});
    for (size_t i = 0; i < found.n; i++)
        found.slots[i] = items[i].payload;
    mem_free(items);
}

/* --- isolation -------------------------------------------------------------------------------- */

enum { LOOK_AHEAD = 8 }; /* series between prefetch and look */

static int64_t
visible_end_ms(struct head *h, const struct look *look, uint32_t slot)
{
    struct series_hot *hot = head_hot(h, slot);
    const struct series_cold *cold = head_cold(h, slot);
    spin_acquire(&hot->spin);
    int64_t end_ms = hot->has_last ? hot->xor.t_ms : INT64_MIN;
    if (look_hides(look, cold->seq))
        end_ms = cold->before_ms;
    bool overwritten = hot->xor.flags & SERIES_OVERWRITTEN;
    spin_release(&hot->spin);
    if (overwritten)
        isolation_look_back(&h->isolation, look, slot, &end_ms);
    return end_ms;
}

/* Up to which time each series may be read, in the order of the slots. */
static int64_t *
visible_ends(struct head *h, const struct look *look, struct head_found found, struct arena *a)
{
    int64_t *ends = arena_alloc(a, found.n * sizeof *ends);
    for (size_t i = 0; i < found.n; i++) {
        if (i + LOOK_AHEAD < found.n) {
            __builtin_prefetch(head_hot(h, found.slots[i + LOOK_AHEAD]), 1);
            __builtin_prefetch(head_cold(h, found.slots[i + LOOK_AHEAD]));
        }
        ends[i] = visible_end_ms(h, look, found.slots[i]);
    }
    return ends;
}

/* --- chunks ----------------------------------------------------------------------------------- */

static bool
overlaps(const struct select_query *q, int64_t mint_ms, int64_t maxt_ms)
{
    return mint_ms <= q->maxt_ms && maxt_ms >= q->mint_ms;
}

/* What one series has in range. */
struct copied {
    struct head_chunk *finished; /* newest first */
    size_t room, count;          /* of the same; none of those above `room` was copied */
    struct chunk_view open;      /* data.n 0: none in range */
    size_t open_bytes;           /* above the room for them: it was not copied */
};

/* Copies what overlaps the query out of the series, as far as there is room. Called within an
 * epoch: heap data seen here stays until it is left. */
static void
copy_series(const struct head_set *s, const struct select_query *q, uint32_t slot,
            struct copied *c)
{
    struct series_hot *hot = head_hot(s->h, slot);
    struct series_cold *cold = head_cold(s->h, slot);
    c->open = (struct chunk_view){.encoding = CHUNK_XOR};
    c->count = c->open_bytes = 0;
    spin_acquire(&hot->spin);
    if (hot->xor.count > 0 && overlaps(q, series_open_mint_ms(hot, cold), hot->xor.t_ms)) {
        c->open_bytes = q->want == SELECT_CHUNKS ? series_open_bytes(hot) : 0;
        if (q->want == SELECT_LABELS) /* it is there: that is all that labels need */
            c->open = (struct chunk_view){series_open_mint_ms(hot, cold), hot->xor.t_ms, CHUNK_XOR,
                                          STR("?")};
        else if (c->open_bytes <= s->open_room)
            c->open = series_snapshot(hot, cold, s->open_bytes);
    }
    for (const struct head_chunk *f = cold->newest; f; f = f->older) {
        if (head_chunk_maxt_ms(f) < q->mint_ms)
            break; /* older ones end before it */
        if (!overlaps(q, f->mint_ms, head_chunk_maxt_ms(f)))
            continue;
        if (c->count < c->room)
            c->finished[c->count] = *f;
        c->count++;
    }
    spin_release(&hot->spin);
}

/* Again, with more room, when the series had more than there was room for. */
static void
copy_whole_series(struct head_set *s, const struct select_query *q, uint32_t slot,
                  struct copied *c)
{
    for (;;) {
        copy_series(s, q, slot, c);
        if (c->count <= c->room && c->open_bytes <= s->open_room)
            return;
        if (c->count > c->room) {
            c->room = c->count + 1;
            c->finished = arena_alloc(&s->row, c->room * sizeof *c->finished);
        }
        if (c->open_bytes > s->open_room) {
            s->open_room = c->open_bytes + SERIES_TAIL_BYTES_MAX; /* it grows meanwhile */
            s->open_bytes = arena_alloc(&s->row, s->open_room);
        }
    }
}

/* Fills s->views with the chunks of one series; false when none is in range. */
static bool
gather_chunks(struct head_set *s, const struct select_query *q, uint32_t slot)
{
    struct head_chunk few[16];
    struct copied copied = {.finished = few, .room = ARRAY_LEN(few)};
    s->open_room = SERIES_TAIL_BYTES_MAX;
    s->open_bytes = arena_alloc(&s->row, s->open_room);
    copy_whole_series(s, q, slot, &copied);
    vec_clear(&s->views);
    for (size_t i = copied.count; i-- > 0;) {
        const struct head_chunk *c = &copied.finished[i];
        struct chunk_view view = {c->mint_ms, head_chunk_maxt_ms(c), c->encoding, {NULL, 0}};
        view.data = c->mapped ? head_chunks_data(s->h->chunks, c->ref)
                              : arena_str(&s->row, str_of((const char *)c->data, c->bytes));
        vec_push(&s->views, view);
    }
    if (copied.open.data.n > 0)
        vec_push(&s->views, copied.open);
    return s->views.n > 0;
}

/* The views without the samples in `gone` (joined). Of a series whose labels alone are wanted, a
 * chunk of which some may be left stays as it is. */
static struct err
take_out(struct head_set *s, const struct interval *gone, size_t n)
{
    struct chunk_views all = s->views;
    s->views = (struct chunk_views)VEC_INIT;
    struct err e = OK;
    for (size_t i = 0; e.code == ERR_NONE && i < all.n; i++) {
        if (intervals_cover(gone, n, all.v[i].mint_ms, all.v[i].maxt_ms))
            continue;
        if (s->query.want == SELECT_LABELS)
            vec_push(&s->views, all.v[i]);
        else
            e = recode_without(&all.v[i], gone, n, &s->row, &s->views);
    }
    vec_fini(&all);
    return e;
}

/* Takes the samples outside of the range out of chunks that cross its ends. Rare: a chunk that
 * goes on behind what a query may see; when a block is written, one of a head of another block
 * range, left by Prometheus. */
static struct err
trim_edges(struct head_set *s, int64_t mint_ms, int64_t maxt_ms)
{
    struct interval outside[2];
    size_t n = 0;
    if (mint_ms > INT64_MIN)
        outside[n++] = (struct interval){INT64_MIN, mint_ms - 1};
    if (maxt_ms < INT64_MAX)
        outside[n++] = (struct interval){maxt_ms + 1, INT64_MAX};
    return take_out(s, outside, n);
}

/* The views of one series as they may be given out; none at all is possible. */
static struct err
gather_in_order(struct head_set *s, size_t at)
{
    struct select_query q = s->query;
    int64_t end_ms = s->ends_ms ? s->ends_ms[at] : INT64_MAX;
    q.maxt_ms = i64_min(q.maxt_ms, end_ms);
    struct epoch_guard guard = epoch_enter(s->h->epoch);
    bool any = q.mint_ms <= q.maxt_ms && gather_chunks(s, &q, s->found.slots[at]);
    epoch_leave(s->h->epoch, guard);
    if (!any) {
        vec_clear(&s->views);
        return OK;
    }
    int64_t mint_ms = s->views.v[0].mint_ms, maxt_ms = vec_last(&s->views)->maxt_ms; /* H5 */
    if (s->edges == SET_EXACT && (mint_ms < q.mint_ms || maxt_ms > q.maxt_ms))
        return trim_edges(s, q.mint_ms, q.maxt_ms);
    if (maxt_ms > end_ms && s->query.want == SELECT_CHUNKS)
        return trim_edges(s, INT64_MIN, end_ms);
    return OK;
}

/* Adds the late chunks: those before stay where they have a sample at the same time. */
static struct err
add_late(struct head_set *s, uint32_t slot)
{
    size_t in_order = s->views.n;
    late_collect(s->h, slot, &s->late, &s->row, &s->views);
    if (s->views.n == in_order || s->query.want != SELECT_CHUNKS)
        return OK;
    TRY(recode_overlaps(&s->views, &s->row));
    return s->edges == SET_EXACT ? trim_edges(s, s->late.mint_ms, s->late.maxt_ms) : OK;
}

static struct err
gather_series(struct head_set *s, size_t at)
{
    arena_reset(&s->row);
    vec_clear(&s->views);
    if (s->parts & PART_IN_ORDER)
        TRY(gather_in_order(s, at));
    if ((s->parts & PART_LATE) && head_has_late(s->h))
        TRY(add_late(s, s->found.slots[at]));
    if (!s->deletions)
        return OK;
    const struct interval *gone;
    size_t n = deletions_of(s->deletions, series_ref(head_hot(s->h, s->found.slots[at])), &gone);
    return n > 0 ? take_out(s, gone, n) : OK;
}

static struct err
head_set_next(struct series_set *set, struct series_view *ret_series, bool *ret_more)
{
    struct head_set *s = container_of(set, struct head_set, set);
    *ret_more = false;
    while (s->at < s->found.n && !*ret_more) {
        uint32_t slot = s->found.slots[s->at];
        TRY(gather_series(s, s->at++));
        *ret_more = s->views.n > 0;
        if (!*ret_more)
            continue;
        if (s->query.series_limit > 0 && ++s->yielded > s->query.series_limit)
            return ERR(ERR_LIMIT, "more than %zu series match", s->query.series_limit);
        ret_series->labels = head_labels(s->h, slot, &s->row);
        ret_series->chunks = s->views.v;
        ret_series->chunk_count = s->query.want == SELECT_CHUNKS ? s->views.n : 0;
    }
    return OK;
}

static void
head_set_close(struct series_set *set)
{
    struct head_set *s = container_of(set, struct head_set, set);
    arena_fini(&s->row);
    vec_fini(&s->views);
    mem_free(s);
}

static struct head_set *
set_of(struct head *h, const struct select_query *q, unsigned parts, struct head_found found)
{
    static const struct series_set_ops ops = {head_set_next, head_set_close};
    struct head_set *s = mem_alloc_zero(sizeof *s);
    s->set.ops = &ops;
    s->h = h;
    s->query = *q;
    s->late = (struct ooo_range){.mint_ms = q->mint_ms, .maxt_ms = q->maxt_ms};
    s->parts = parts;
    s->found = found;
    sort_series(h, found);
    arena_init(&s->row, 0); /* one series: labels and its chunks */
    return s;
}

/* The look comes first: of the appends that it shows, all series are there to be matched. */
struct err
head_select(struct head *h, const struct select_query *q, struct head_since since,
            struct matchers matchers, struct arena *a, struct series_set **ret_set)
{
    struct look look;
    struct head_found found;
    isolation_look(&h->isolation, &look);
    struct err e = head_match(h, matchers, a, &found);
    if (e.code == ERR_NONE) {
        struct head_set *s = set_of(h, q, PART_IN_ORDER | PART_LATE, found);
        s->query.mint_ms = i64_max(q->mint_ms, since.mint_ms);
        s->late.above_ref = since.late_ref;
        s->deletions = since.deletions;
        s->ends_ms = visible_ends(h, &look, s->found, a);
        *ret_set = &s->set;
    }
    isolation_look_end(&h->isolation, &look);
    return e;
}

struct series_set *
head_select_all(struct head *h, const struct select_query *q, struct arena *a)
{
    struct head_set *s = set_of(h, q, PART_IN_ORDER, head_all_series(h, a));
    s->edges = SET_EXACT;
    s->deletions = h->deletions;
    return &s->set;
}

struct series_set *
head_select_late(struct head *h, const struct select_query *q, head_chunk_ref upto, struct arena *a)
{
    struct head_set *s = set_of(h, q, PART_LATE, head_all_series(h, a));
    s->late.upto_ref = upto;
    s->edges = SET_EXACT;
    s->deletions = h->deletions;
    return &s->set;
}
