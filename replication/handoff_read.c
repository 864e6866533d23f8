/* handoff_read.c - what the consumer does: reading on, acknowledging, reading again.
 *
 *   acked_seq <= read_seq <= last_seq      marks: what lies between the first two
 *
 * Records that are missing between two that were read, or before the end, are lost by damage: every
 * number was given to a record that was durable. They are counted when they are passed for good, so
 * that each record is replayed, dropped or damaged, and once. */
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

/* What a failure to read leads to: OK when the next attempt reads something else. *missing is the
 * segment that was asked for behind a missing one; missing as well, it is the end. Consumes `e`. */
static struct err
after_failure(struct handoff *h, const struct view *v, struct err e, uint64_t *missing,
              bool *ret_end)
{
    struct wal_tail *t = h->reader.tail;
    uint64_t segment = wal_tail_behind(t).segment;
    if (e.code == ERR_NOT_FOUND) {
        err_drop(e);
        uint64_t there = look(h, segment).next_existing;
        *ret_end = there <= segment && *missing == segment;
        if (there > segment)
            wal_tail_seek(t, (struct wal_position){there, 0});
        *missing = u64_max(segment, there);
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
    uint64_t missing = UINT64_MAX;
    place_reader(h, &v);
    while (!r->peeked) {
        struct str stored;
        bool more = false, end = false;
        struct err e = wal_tail_next(r->tail, v.end, &stored, &more);
        if (e.code == ERR_NONE && more)
            e = handoff_record_open(stored, &r->head, &r->record);
        if (e.code != ERR_NONE) {
            TRY(after_failure(h, &v, e, &missing, &end));
            more = !end;
        } else if (more && r->head.seq > u64_max(r->fetched_seq, v.acked_seq)) {
            r->fetched_seq = r->head.seq;
            r->peeked = true;
        }
        r->unreadable_ns = e.code == ERR_NONE ? 0 : r->unreadable_ns;
        if (!more) {
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

/* What bounds have dropped meanwhile is not counted a second time. */
static void
push_mark(struct handoff *h, const struct batch *b, struct wal_position end) REQUIRES(h->lock)
{
    uint64_t seen = handoff_seen(h), last_seq = b->count > 0 ? b->seqs[b->count - 1] : 0;
    if (last_seq <= seen)
        return;
    size_t old = 0;
    while (b->seqs[old] <= seen)
        old++;
    vec_push(&h->marks, ((struct handoff_mark){
                            .first_seq = b->seqs[old],
                            .last_seq = last_seq,
                            .count = b->count - old,
                            .lost = last_seq - seen - (b->count - old),
                            .first_ms = b->first_ms,
                            .end = end,
                        }));
    h->read_seq = last_seq;
}

/* Publishes what was given out. Without a record behind it the end has been reached, and what was
 * lost before it is behind the consumer. Returns how much of that is passed for good. */
static uint64_t
publish(struct handoff *h, const struct batch *b)
{
    const struct handoff_reader *r = &h->reader;
    struct wal_position end = r->peeked ? wal_tail_where(r->tail) : wal_tail_behind(r->tail);
    uint64_t damaged = 0;
    LOCKED(&h->lock);
    h->last_seq = u64_max(h->last_seq, r->fetched_seq);
    uint64_t before = h->read_seq;
    push_mark(h, b, end);
    if (!r->peeked)
        h->read_seq = u64_max(h->read_seq, r->fetched_seq);
    if (h->read_seq == before)
        return 0;
    h->read_at = end;
    if (h->marks.n == 0 && h->acked_seq < h->read_seq) {
        damaged = h->read_seq - h->acked_seq;
        h->acked_seq = h->read_seq;
        h->acked_at = end;
    }
    if (r->peeked)
        h->unread_ms = r->head.at_ms;
    else if (h->read_seq >= h->last_seq)
        h->unread_ms = HANDOFF_TIME_NONE;
    else if (b->count > 0)
        h->unread_ms = b->last_ms; /* not before that */
    return damaged;
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
    handoff_count(h, HANDOFF_DROPPED_DAMAGE, publish(h, &b));
    *ret_batch = (struct handoff_batch){b.records, b.seqs, b.count};
    return OK;
}

/* --- acknowledging --------------------------------------------------------------------------- */

uint64_t
handoff_count_part(struct handoff_mark *m, uint64_t seq)
{
    if (seq < m->first_seq)
        return 0;
    uint64_t taken = u64_min(seq - m->first_seq + 1, m->count);
    uint64_t news = taken > m->counted ? taken - m->counted : 0;
    m->counted += news;
    return news;
}

/* What an acknowledgement settles. */
struct settled {
    uint64_t replayed, damaged;
};

static struct settled
pass_marks(struct handoff *h, uint64_t seq) REQUIRES(h->lock)
{
    struct settled done = {.replayed = 0};
    size_t passed = 0;
    for (; passed < h->marks.n && h->marks.v[passed].last_seq <= seq; passed++) {
        const struct handoff_mark *m = &h->marks.v[passed];
        done.replayed += m->count - m->counted;
        done.damaged += m->lost;
        h->acked_at = m->end;
    }
    handoff_drop_marks(h, passed);
    if (h->marks.n > 0)
        done.replayed += handoff_count_part(&h->marks.v[0], seq);
    return done;
}

/* What was read before a rewind has no marks any more. */
static struct settled
settle(struct handoff *h, uint64_t seq) REQUIRES(h->lock)
{
    if (h->marks.n == 0) {
        struct settled late = {.replayed = seq - h->acked_seq};
        h->acked_seq = seq;
        return late;
    }
    struct settled done = pass_marks(h, seq);
    h->acked_seq = seq;
    if (h->marks.n == 0 && h->read_seq > seq) { /* the rest before the end is lost */
        done.damaged += h->read_seq - seq;
        h->acked_seq = h->read_seq;
    }
    return done;
}

void
handoff_ack(struct handoff *h, uint64_t seq)
{
    struct settled done;
    {
        LOCKED(&h->lock);
        seq = u64_min(seq, h->last_seq);
        if (seq <= h->acked_seq)
            return;
        done = settle(h, seq);
        if (h->acked_seq >= h->last_seq)
            h->unread_ms = HANDOFF_TIME_NONE;
    }
    handoff_count(h, HANDOFF_REPLAYED, done.replayed);
    handoff_count(h, HANDOFF_DROPPED_DAMAGE, done.damaged);
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
