/* handoff_scan.c - which segments a queue has, and what an earlier process left in them. */
#include "replication/handoff_int.h"
#include "tsdb/wal/wal_reader.h"

/* --- the table of segments ------------------------------------------------------------------ */

/* All good records of a segment, one a call; *ret_more is false behind the last. Damage is passed
 * over and noted. */
static struct err
next_good(struct wal_tail *t, struct wal_position end, struct handoff_head *ret_head,
          bool *ret_damaged, bool *ret_more)
{
    for (;;) {
        struct str stored, record;
        struct err e = wal_tail_next(t, end, &stored, ret_more);
        if (e.code == ERR_NONE && !*ret_more)
            return OK;
        if (e.code == ERR_NONE)
            e = handoff_record_open(stored, ret_head, &record);
        if (e.code == ERR_NONE)
            return OK;
        if (e.code != ERR_CORRUPT && e.code != ERR_LIMIT)
            return e;
        err_drop(e);
        *ret_damaged = true;
    }
}

static struct err
look_at(const struct handoff *h, struct handoff_segment *s)
{
    AUTO(wal_tail_close) struct wal_tail *t = wal_tail_open(h->set->fs, h->dir);
    wal_tail_seek(t, (struct wal_position){s->number, 0});
    struct handoff_head head;
    bool damaged = false, more = false;
    TRY(next_good(t, (struct wal_position){s->number, s->bytes}, &head, &damaged, &more));
    if (more) {
        s->first_seq = head.seq;
        s->first_ms = head.at_ms;
    }
    return OK;
}

/* What is known of it already. */
static void
keep_known(const struct handoff_segments *old, struct handoff_segment *s)
{
    for (size_t i = 0; i < old->n; i++) {
        if (old->v[i].number == s->number) {
            s->first_seq = old->v[i].first_seq;
            s->first_ms = old->v[i].first_ms;
            s->looked_at = old->v[i].looked_at;
        }
    }
}

static struct err
list_segments(const struct handoff *h, struct wal_position end, struct handoff_segments *to)
{
    struct wal_segment_sizes sizes = VEC_INIT;
    struct err e = wal_list_segments(h->set->fs, h->dir, &sizes);
    for (size_t i = 0; i < sizes.n && e.code == ERR_NONE; i++) {
        struct handoff_segment s = {.number = sizes.v[i].segment, .bytes = sizes.v[i].bytes};
        if (s.number > end.segment)
            break; /* just begun, nothing in it counts yet */
        if (s.number == end.segment)
            s.bytes = end.offset;
        keep_known(&h->segments, &s);
        if (s.bytes > 0 && s.first_seq == 0 && !s.looked_at)
            e = look_at(h, &s);
        s.looked_at = s.number < end.segment && e.code == ERR_NONE;
        vec_push(to, s);
    }
    vec_fini(&sizes);
    return e;
}

struct err
handoff_refresh(struct handoff *h)
{
    struct wal *w;
    {
        LOCKED(&h->lock);
        w = h->wal;
    }
    struct wal_position end = w ? wal_end(w) : (struct wal_position){UINT64_MAX, 0};
    struct handoff_segments found = VEC_INIT;
    struct err e = list_segments(h, end, &found);
    if (e.code == ERR_NONE) {
        LOCKED(&h->lock);
        struct handoff_segments old = h->segments;
        h->segments = found;
        found = old;
        h->active = end.segment;
        h->closed_bytes = 0;
        vec_each (&h->segments, s) {
            h->closed_bytes += s->number < end.segment ? s->bytes : 0;
            h->next_segment = u64_max(h->next_segment, s->number + 1);
        }
    }
    vec_fini(&found);
    return e;
}

/* --- the first look -------------------------------------------------------------------------- */

/* The end of the newest segment that has a good record. What is torn behind it was never
 * acknowledged to anybody. */
static struct err
find_last(struct handoff *h, struct handoff_head *ret_last)
{
    bool newest = true;
    for (size_t i = h->segments.n; i > 0 && ret_last->seq == 0; i--) {
        const struct handoff_segment *s = &h->segments.v[i - 1];
        if (s->bytes == 0)
            continue;
        AUTO(wal_tail_close) struct wal_tail *t = wal_tail_open(h->set->fs, h->dir);
        wal_tail_seek(t, (struct wal_position){s->number, 0});
        struct wal_position good = wal_tail_behind(t), end = {s->number, s->bytes};
        bool damaged = false, torn = false;
        for (bool more = true; more;) {
            struct handoff_head head;
            TRY(next_good(t, end, &head, &damaged, &more));
            if (more) {
                *ret_last = head;
                good = wal_tail_behind(t);
            }
            torn = damaged && !more;
            damaged = false;
        }
        if (torn && newest)
            handoff_failed(h, HANDOFF_FAILED_REMOVE, "cannot cut a torn hand-off segment",
                           wal_repair(h->set->fs, h->dir, s->number, good.offset));
        newest = false;
    }
    return OK;
}

/* The newest segment that begins before the next record. */
static struct wal_position
place_of(const struct handoff_segments *segments, uint64_t seq)
{
    struct wal_position at = {segments->n > 0 ? segments->v[0].number : 0, 0};
    for (size_t i = 0; i < segments->n; i++) {
        if (segments->v[i].first_seq > 0 && segments->v[i].first_seq <= seq)
            at.segment = segments->v[i].number;
    }
    return at;
}

/* Time of the first record in a segment from that one on. */
static int64_t
first_time(const struct handoff_segments *segments, uint64_t number)
{
    for (size_t i = 0; i < segments->n; i++) {
        if (segments->v[i].number >= number && segments->v[i].first_seq > 0)
            return segments->v[i].first_ms;
    }
    return HANDOFF_TIME_NONE;
}

/* h->acked_seq is what the cursor says. A record that an earlier segment lost counts as taken only
 * when no cursor says more. */
struct err
handoff_scan(struct handoff *h)
{
    TRY(handoff_refresh(h));
    struct handoff_head last = {.seq = 0};
    TRY(find_last(h, &last));
    TRY(handoff_refresh(h));
    const struct handoff_segments *segments = &h->segments;
    uint64_t first_seq = 0;
    for (size_t i = 0; i < segments->n && first_seq == 0; i++)
        first_seq = segments->v[i].first_seq;

    LOCKED(&h->order);
    LOCKED(&h->lock);
    if (first_seq > h->acked_seq + 1)
        h->acked_seq = first_seq - 1;
    h->last_seq = u64_max(last.seq, h->acked_seq);
    h->last_ms = last.at_ms;
    h->next_seq = h->last_seq + 1;
    h->read_seq = h->acked_seq;
    h->acked_at = h->read_at = place_of(segments, h->acked_seq + 1);
    h->unread_ms =
        h->last_seq > h->acked_seq ? first_time(segments, h->acked_at.segment) : HANDOFF_TIME_NONE;
    vec_clear(&h->marks);
    h->scanned = true;
    return OK;
}
