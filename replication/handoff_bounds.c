/* handoff_bounds.c - what leaves a queue at its old end: segments that were taken, are too old, or
 * too much. */
#include "replication/handoff_int.h"
#include "tsdb/wal/checkpoint.h"

enum { DROP_LOG_MS = 60000 };

/* What is to be done to a queue, and how much it loses by that. */
struct plan {
    size_t gone;                   /* segments */
    uint64_t floor;                /* records up to it are taken, or lost with these segments */
    uint64_t lost_bytes, lost_age; /* records */
    bool cut;                      /* the segment that is written is to end */
};

/* What the plan follows from, besides h. */
struct facts {
    uint64_t known_seq;    /* newest record that was known before the table was made */
    uint64_t enqueued_seq; /* newest number given out after it was made */
    uint64_t incoming;     /* bytes that want to come */
    int64_t now_ms;
};

/* The first record behind a segment; NULL when there is none, or nobody has seen it. */
static const struct handoff_segment *
next_record(const struct handoff *h, size_t i)
{
    for (i++; i < h->segments.n; i++) {
        if (h->segments.v[i].first_seq > 0)
            return &h->segments.v[i];
    }
    return NULL;
}

static bool
is_old(const struct handoff *h, const struct handoff_segment *next, int64_t now_ms)
{
    int64_t newest_ms = next ? next->first_ms : h->last_ms;
    return newest_ms < now_ms - h->set->age_max_ms;
}

static bool
is_taken(const struct handoff *h, size_t i, const struct facts *f)
{
    const struct handoff_segment *s = &h->segments.v[i], *next = next_record(h, i);
    return s->bytes == 0 || s->number < h->acked_at.segment ||
           (next ? next->first_seq <= h->acked_seq + 1 : h->acked_seq >= f->enqueued_seq);
}

static uint64_t
active_bytes(const struct handoff *h) REQUIRES(h->lock)
{
    return h->wal && h->segments.n > 0 && vec_last(&h->segments)->number == h->active
               ? vec_last(&h->segments)->bytes
               : 0;
}

static struct plan
make_plan(const struct handoff *h, const struct facts *f) REQUIRES(h->lock)
{
    struct plan p = {.floor = h->acked_seq};
    uint64_t left = h->closed_bytes + active_bytes(h) + f->incoming;
    bool closed = true;
    for (size_t i = 0; i < h->segments.n; i++) {
        const struct handoff_segment *s = &h->segments.v[i], *next = next_record(h, i);
        closed = s->number < h->active;
        if (!closed)
            break;
        if (!is_taken(h, i, f)) {
            bool old = is_old(h, next, f->now_ms);
            if (!old && left <= h->set->bytes_max)
                break;
            uint64_t upto = next ? next->first_seq - 1 : f->known_seq;
            uint64_t lost = upto > p.floor ? upto - p.floor : 0;
            *(old ? &p.lost_age : &p.lost_bytes) += lost;
            p.floor += lost;
        }
        left -= s->bytes;
        p.gone++;
    }
    uint64_t active = active_bytes(h);
    bool all_taken = h->acked_seq >= f->enqueued_seq && active >= h->set->segment_bytes / 8;
    p.cut = !closed && active > 0 &&
            (all_taken || left > h->set->bytes_max || is_old(h, NULL, f->now_ms));
    return p;
}

/* What goes is taken for acknowledged before it goes. */
static void
raise_floor(struct handoff *h, const struct plan *p) REQUIRES(h->lock)
{
    struct wal_position left = {vec_at(&h->segments, p->gone - 1)->number + 1, 0};
    if (h->acked_at.segment < left.segment)
        h->acked_at = left;
    if (h->read_at.segment < left.segment)
        h->read_at = left;
    h->acked_seq = u64_max(h->acked_seq, p->floor);
    size_t passed = 0;
    while (passed < h->marks.n && h->marks.v[passed].last_seq <= h->acked_seq)
        passed++;
    handoff_drop_marks(h, passed);
    if (h->marks.n > 0 && handoff_count_part(&h->marks.v[0], h->acked_seq) > 0) {
        struct handoff_mark *m = &h->marks.v[0]; /* what is lost of the part that is left */
        uint64_t lost =
            m->last_seq - h->acked_seq - u64_min(m->count - m->counted, m->last_seq - h->acked_seq);
        m->lost = u64_min(m->lost, lost);
    }
    if (h->read_seq < h->acked_seq) {
        h->read_seq = h->acked_seq;
        const struct handoff_segment *next = next_record(h, p->gone - 1);
        h->unread_ms = h->last_seq <= h->acked_seq ? HANDOFF_TIME_NONE
                       : next                      ? next->first_ms
                                                   : h->last_ms;
    }
    h->drop_unlogged += p->lost_age + p->lost_bytes;
}

static void
tell_drops(struct handoff *h, const struct plan *p)
{
    uint64_t now_ns = clock_mono_ns(h->set->clock), records = 0;
    handoff_count(h, HANDOFF_DROPPED_AGE, p->lost_age);
    handoff_count(h, HANDOFF_DROPPED_BYTES, p->lost_bytes);
    if (p->lost_age + p->lost_bytes == 0)
        return;
    {
        LOCKED(&h->lock);
        if (h->drop_log_ns == 0 || now_ns - h->drop_log_ns >= (uint64_t)DROP_LOG_MS * 1000000) {
            records = h->drop_unlogged;
            h->drop_unlogged = 0;
            h->drop_log_ns = u64_max(now_ns, 1);
        }
    }
    if (records > 0)
        log_warn(h->set->log,
                 "a hand-off queue is outside its bounds: its oldest messages are lost",
                 KV_CSTR("peer", h->peer), KV_U64("messages", records),
                 KV_CSTR("bound", p->lost_age > 0 ? "age" : "bytes"));
}

static struct err
remove_gone(struct handoff *h, const struct plan *p)
{
    if (p->gone == 0)
        return OK;
    TRY(wal_truncate(h->set->fs, h->dir, h->segments.v[p->gone - 1].number));
    LOCKED(&h->lock);
    for (size_t i = 0; i < p->gone; i++)
        h->closed_bytes -= h->segments.v[i].bytes;
    h->segments.n -= p->gone;
    memmove(h->segments.v, h->segments.v + p->gone, h->segments.n * sizeof *h->segments.v);
    return OK;
}

static struct err
tidy_once(struct handoff *h, uint64_t incoming, struct plan *ret_plan)
{
    struct facts f = {.incoming = incoming, .now_ms = clock_wall_ms(h->set->clock)};
    {
        LOCKED(&h->lock);
        f.known_seq = h->last_seq;
    }
    TRY(handoff_refresh(h));
    {
        LOCKED(&h->order);
        f.enqueued_seq = h->next_seq - 1;
    }
    {
        LOCKED(&h->lock);
        f.enqueued_seq = u64_max(f.enqueued_seq, h->last_seq);
        *ret_plan = make_plan(h, &f);
        if (ret_plan->gone > 0)
            raise_floor(h, ret_plan);
    }
    tell_drops(h, ret_plan);
    return remove_gone(h, ret_plan);
}

/* A log that is ill is left to the next append. */
static struct err
cut(struct handoff *h)
{
    struct err ill = wal_health(h->wal); /* nobody but who tidies takes it away */
    if (ill.code != ERR_NONE) {
        err_drop(ill);
        return OK;
    }
    uint64_t segment;
    return wal_cut(h->wal, &segment);
}

static struct err
tidy(struct handoff *h, uint64_t incoming)
{
    struct plan p;
    TRY(tidy_once(h, incoming, &p));
    if (!p.cut)
        return OK;
    TRY(cut(h));
    return tidy_once(h, incoming, &p);
}

static void
end_tidying(struct handoff *h)
{
    LOCKED(&h->lock);
    h->tidying = false;
    cond_broadcast(&h->changed);
}

struct err
handoff_tidy(struct handoff *h, uint64_t incoming)
{
    {
        LOCKED(&h->lock);
        while (h->tidying)
            cond_wait(&h->changed, &h->lock);
        h->tidying = true;
    }
    struct err e = tidy(h, incoming);
    end_tidying(h);
    return e;
}

static bool
is_needed(struct handoff *h, int64_t now_ms) REQUIRES(h->lock)
{
    if (!h->scanned || h->tidying || h->healing || h->segments.n + (h->wal != NULL) == 0)
        return false;
    struct wal_position end = h->wal ? wal_end(h->wal) : (struct wal_position){UINT64_MAX, 0};
    const struct handoff_segment *oldest = h->segments.n > 0 ? &h->segments.v[0] : NULL;
    bool closed = oldest && oldest->number < end.segment;
    bool all_taken = h->acked_seq >= h->last_seq;
    int64_t oldest_ms = oldest && oldest->first_seq > 0 ? oldest->first_ms : h->last_ms;
    return end.segment != h->active || (closed && oldest->number < h->acked_at.segment) ||
           (closed && all_taken) || (all_taken && end.offset >= h->set->segment_bytes / 8) ||
           ((closed || end.offset > 0) && oldest_ms < now_ms - h->set->age_max_ms) ||
           h->closed_bytes + end.offset > h->set->bytes_max;
}

void
handoff_tidy_if_needed(struct handoff *h)
{
    int64_t now_ms = clock_wall_ms(h->set->clock);
    {
        LOCKED(&h->lock);
        if (!is_needed(h, now_ms))
            return;
        h->tidying = true;
    }
    handoff_failed(h, HANDOFF_FAILED_REMOVE, "cannot remove from a hand-off queue", tidy(h, 0));
    end_tidying(h);
}
