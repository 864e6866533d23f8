/* handoff_read.c - what the consumer does: reading on, acknowledging, reading again.
 *
 *   acked_seq <= read_seq <= last_seq      marks: what lies between the first two
 *
 * Records that are missing between two that were read, or before the end, are lost by damage: every
 * number was given to a record that was durable. */
#include "base/assert.h"
#include "replication/handoff_int.h"

enum { LOG_BURST = 5 };

/* What a consumer needs of the shared state. */
struct view {
    struct wal_position end; /* of what can be read */
    uint64_t last_seq;       /* all up to it lie before `end` */
    uint64_t acked_seq, read_seq;
    struct wal_position acked_at, read_at;
    uint64_t next_existing; /* the first segment from where the reader stands on */
};

static uint64_t
existing_from(const struct handoff *h, uint64_t number, uint64_t end) REQUIRES(h->lock)
{
    for (size_t i = 0; i < h->segments.n; i++) {
        if (h->segments.v[i].number >= number)
            return u64_min(h->segments.v[i].number, end);
    }
    return end;
}

static struct view
look(struct handoff *h, uint64_t number)
{
    LOCKED(&h->lock);
    struct view v = {
        .last_seq = h->last_seq, /* before the end is asked for */
        .acked_seq = h->acked_seq,
        .read_seq = h->read_seq,
        .acked_at = h->acked_at,
        .read_at = h->read_at,
    };
    if (h->wal)
        v.end = wal_end(h->wal);
    else if (h->segments.n > 0)
        v.end = (struct wal_position){vec_last(&h->segments)->number, UINT64_MAX};
    v.next_existing = existing_from(h, number, v.end.segment);
    return v;
}

/* --- fetching ------------------------------------------------------------------------------- */

static void
tell_damage(struct handoff *h, const struct err *e)
{
    struct wal_position at = wal_tail_where(h->reader.tail);
    uint32_t dropped;
    if (log_throttle_pass(&h->log_damage, h->set->log, LOG_BURST, &dropped))
        log_warn(h->set->log, "messages of a hand-off queue are damaged and left out",
                 KV_CSTR("peer", h->peer), KV_U64("segment", at.segment),
                 KV_U64("offset", at.offset), KV_U64("unlogged", dropped), KV_ERR(*e));
}

/* The records before `seq` that are neither taken nor read are lost. */
static void
note_missing(struct handoff *h, uint64_t acked_seq, uint64_t seq)
{
    struct handoff_reader *r = &h->reader;
    uint64_t seen = u64_max(u64_max(r->fetched_seq, acked_seq), r->damage_seq);
    if (seq > seen + 1)
        handoff_count(h, HANDOFF_DROPPED_DAMAGE, seq - 1 - seen);
    r->damage_seq = u64_max(r->damage_seq, seq - 1);
}

/* Where the reader stands, after a rewind or when bounds have removed what it would read. */
static void
place_reader(struct handoff *h, const struct view *v)
{
    struct handoff_reader *r = &h->reader;
    if (!r->tail) {
        r->tail = wal_tail_open(h->set->fs, h->dir);
        r->seek = true;
    }
    if (r->seek) {
        wal_tail_seek(r->tail, v->read_at);
        r->fetched_seq = v->read_seq;
        r->seek = r->peeked = false;
    }
    if (wal_tail_behind(r->tail).segment < v->acked_at.segment) {
        wal_tail_seek(r->tail, v->acked_at);
        r->peeked = false;
    }
    if (r->peeked && r->head.seq <= v->acked_seq)
        r->peeked = false;
}

/* Passes over a segment that the disk has not given for a while. */
static struct err
pass_over_unreadable(struct handoff *h, const struct view *v, struct err e)
{
    struct handoff_reader *r = &h->reader;
    struct wal_position at = wal_tail_behind(r->tail);
    uint64_t now_ns = u64_max(clock_mono_ns(h->set->clock), 1);
    bool same = r->unreadable_ns > 0 && r->unreadable_at.segment == at.segment &&
                r->unreadable_at.offset == at.offset;
    if (!same) {
        r->unreadable_at = at;
        r->unreadable_ns = now_ns;
    }
    if (!same || at.segment >= v->end.segment ||
        now_ns - r->unreadable_ns < (uint64_t)HANDOFF_UNREADABLE_MS * 1000000)
        return e;
    tell_damage(h, &e);
    err_drop(e);
    wal_tail_seek(r->tail, (struct wal_position){at.segment + 1, 0});
    return OK;
}

/* What a failure to read leads to: OK when the next attempt reads something else. *ret_end: there
 * is nothing more. Consumes `e`. */
static struct err
after_failure(struct handoff *h, const struct view *v, struct err e, bool *ret_end)
{
    struct wal_tail *t = h->reader.tail;
    struct wal_position at = wal_tail_behind(t);
    if (e.code == ERR_NOT_FOUND) {
        err_drop(e);
        uint64_t there = look(h, at.segment).next_existing;
        *ret_end = at.segment >= v->end.segment && there <= at.segment;
        if (there > at.segment)
            wal_tail_seek(t, (struct wal_position){there, 0});
        return OK;
    }
    if (e.code == ERR_CORRUPT || e.code == ERR_LIMIT) {
        tell_damage(h, &e);
        err_drop(e);
        return OK;
    }
    return pass_over_unreadable(h, v, e);
}

struct err
handoff_peek(struct handoff *h)
{
    struct handoff_reader *r = &h->reader;
    struct view v = look(h, 0);
    place_reader(h, &v);
    while (!r->peeked) {
        struct str stored;
        bool more = false, end = false;
        struct err e = wal_tail_next(r->tail, v.end, &stored, &more);
        if (e.code == ERR_NONE && more)
            e = handoff_record_open(stored, &r->head, &r->record);
        if (e.code != ERR_NONE) {
            TRY(after_failure(h, &v, e, &end));
            more = !end;
        } else if (more && r->head.seq > u64_max(r->fetched_seq, v.acked_seq)) {
            v = look(h, 0); /* bounds may have moved what is missing */
            note_missing(h, v.acked_seq, r->head.seq);
            r->fetched_seq = r->head.seq;
            r->peeked = true;
        }
        r->unreadable_ns = e.code == ERR_NONE ? 0 : r->unreadable_ns;
        if (!more) {
            note_missing(h, v.acked_seq, v.last_seq + 1);
            r->fetched_seq = u64_max(r->fetched_seq, v.last_seq);
            return OK;
        }
    }
    return OK;
}

/* --- giving out ------------------------------------------------------------------------------ */

struct batch {
    struct str *records;
    uint64_t *seqs;
    size_t count, record_cap, seq_cap;
    int64_t first_ms, last_ms;
};

static struct err
take_peeked(struct handoff_reader *r, struct arena *a, struct batch *b)
{
    TRY(arena_admit(a, r->record.n));
    TRY(arena_admit_item(a, sizeof *b->records, b->count, b->record_cap));
    b->records = arena_more(a, b->records, sizeof *b->records, b->count, &b->record_cap);
    b->seqs = arena_more(a, b->seqs, sizeof *b->seqs, b->count, &b->seq_cap);
    b->first_ms = b->count == 0 ? r->head.at_ms : b->first_ms;
    b->last_ms = r->head.at_ms;
    b->records[b->count] = arena_str(a, r->record);
    b->seqs[b->count++] = r->head.seq;
    r->peeked = false;
    return OK;
}

/* As much as fits; an error only when that is nothing. */
static struct err
gather(struct handoff *h, struct arena *a, size_t bytes_max, struct batch *b)
{
    size_t bytes = 0;
    for (;;) {
        struct err e = handoff_peek(h);
        if (e.code == ERR_NONE && !h->reader.peeked)
            return OK;
        if (e.code == ERR_NONE && b->count > 0 &&
            (bytes >= bytes_max || h->reader.record.n > bytes_max - bytes))
            return OK;
        bytes += e.code == ERR_NONE ? h->reader.record.n : 0;
        if (e.code == ERR_NONE)
            e = take_peeked(&h->reader, a, b);
        if (e.code != ERR_NONE && b->count > 0) {
            err_drop(e); /* the next call meets it again */
            return OK;
        }
        TRY(e);
    }
}

/* Publishes what was given out. Without a record behind it the end has been reached, and what was
 * lost before it is behind the consumer. */
static void
publish(struct handoff *h, const struct batch *b)
{
    const struct handoff_reader *r = &h->reader;
    struct wal_position end = r->peeked ? wal_tail_where(r->tail) : wal_tail_behind(r->tail);
    LOCKED(&h->lock);
    h->last_seq = u64_max(h->last_seq, r->fetched_seq);
    if (b->count > 0)
        vec_push(&h->marks, ((struct handoff_mark){
                                .first_seq = b->seqs[0],
                                .last_seq = b->seqs[b->count - 1],
                                .count = b->count,
                                .first_ms = b->first_ms,
                                .end = end,
                            }));
    uint64_t upto = r->peeked ? (b->count > 0 ? b->seqs[b->count - 1] : 0) : r->fetched_seq;
    if (upto <= h->read_seq && b->count == 0)
        return;
    h->read_seq = u64_max(h->read_seq, upto);
    h->read_at = end;
    if (h->marks.n == 0 && h->acked_seq < h->read_seq) {
        h->acked_seq = h->read_seq; /* nothing but damage */
        h->acked_at = end;
    }
    if (r->peeked)
        h->unread_ms = r->head.at_ms;
    else if (h->read_seq >= h->last_seq)
        h->unread_ms = HANDOFF_TIME_NONE;
    else if (b->count > 0)
        h->unread_ms = b->last_ms; /* not before that */
}

struct err
handoff_read(struct handoff *h, struct arena *arena, size_t bytes_max,
             struct handoff_batch *ret_batch)
{
    struct batch b = {.count = 0};
    struct err e = handoff_begin_read(h);
    if (e.code == ERR_NONE)
        e = gather(h, arena, bytes_max, &b);
    if (e.code != ERR_NONE) {
        handoff_count(h, HANDOFF_FAILED_READ, 1);
        return err_wrap(e, "hand-off to %s", h->peer);
    }
    publish(h, &b);
    *ret_batch = (struct handoff_batch){b.records, b.seqs, b.count};
    return OK;
}

/* --- acknowledging --------------------------------------------------------------------------- */

/* Of a mark that is not acknowledged as a whole. */
static uint64_t
count_part(struct handoff_mark *m, uint64_t seq)
{
    if (seq < m->first_seq)
        return 0;
    uint64_t taken = u64_min(seq - m->first_seq + 1, m->count);
    uint64_t news = taken > m->counted ? taken - m->counted : 0;
    m->counted += news;
    return news;
}

static uint64_t
pass_marks(struct handoff *h, uint64_t seq) REQUIRES(h->lock)
{
    uint64_t replayed = 0;
    size_t passed = 0;
    for (; passed < h->marks.n && h->marks.v[passed].last_seq <= seq; passed++) {
        replayed += h->marks.v[passed].count - h->marks.v[passed].counted;
        h->acked_at = h->marks.v[passed].end;
    }
    h->marks.n -= passed;
    if (passed > 0)
        memmove(h->marks.v, h->marks.v + passed, h->marks.n * sizeof *h->marks.v);
    return replayed + (h->marks.n > 0 ? count_part(&h->marks.v[0], seq) : 0);
}

void
handoff_ack(struct handoff *h, uint64_t seq)
{
    uint64_t replayed;
    {
        LOCKED(&h->lock);
        seq = u64_min(seq, h->last_seq);
        if (seq <= h->acked_seq)
            return;
        /* What was read before a rewind has no marks any more. */
        replayed = h->marks.n > 0 ? pass_marks(h, seq) : seq - h->acked_seq;
        h->acked_seq = h->marks.n > 0 ? seq : u64_max(seq, h->read_seq);
        if (h->acked_seq >= h->last_seq)
            h->unread_ms = HANDOFF_TIME_NONE;
    }
    handoff_count(h, HANDOFF_REPLAYED, replayed);
    atomic_fetch_add_explicit(&h->set->acks, 1, memory_order_relaxed);
    handoff_tidy_if_needed(h);
    handoffs_commit(h->set, HANDOFFS_WHEN_DUE);
}

void
handoff_rewind(struct handoff *h)
{
    LOCKED(&h->lock);
    if (h->marks.n > 0)
        h->unread_ms = h->marks.v[0].first_ms;
    vec_clear(&h->marks);
    h->read_seq = h->acked_seq;
    h->read_at = h->acked_at;
    h->reader.seek = true;
}
