/* replay_apply.c - what a member of the crew does with a batch: decode a share of the records, then
 * apply the samples of its series.
 *
 * Floats are decoded once. What mapped chunks or blocks have, most of a long log, is dropped there;
 * the rest goes into a list for the member whose series it is of. Members walk the lists of all
 * shares one behind the other, so that a series meets its samples in the order of the log. Of
 * histograms, which take longer to decode, every member reads all records and applies its own: a
 * mark in its list says where they stand. What a sample needs is fetched for many at once: entries
 * of the table, then floors; hot halves, then the ends of buffers.
 * Threads: members; the reader makes series meanwhile, of later records. */
#include "tsdb/head/replay_crew_int.h"

#include "tsdb/wal/record_histograms.h"

enum {
    GROUP = 32, /* samples whose cache misses overlap */
    SLOTS_TOGETHER = 64,
};

/* Neighbours, whose halves share cache lines, go to one member. A division would cost more than all
 * the rest. */
static unsigned
member_of(const struct crew *crew, uint32_t slot)
{
    uint32_t mixed = (slot / SLOTS_TOGETHER) * UINT32_C(0x9e3779b1);
    return (unsigned)((uint64_t)mixed * crew->size >> 32);
}

/* Neither mapped chunks nor blocks have it. */
static bool
is_news(const struct replay *r, uint32_t slot, int64_t t_ms)
{
    return t_ms > *floor_of(r, slot) && t_ms >= r->min_valid_ms;
}

static uint32_t
slot_of_entry(const struct ref_entry *entry)
{
    return entry ? atomic_load_explicit(&entry->slot, memory_order_acquire) - 1 : slot_none;
}

/* The first failure in the order of the log counts. Takes `e`. */
static void
note_failure(struct member *m, struct err e, size_t record)
{
    bool first = m->failure.code == ERR_NONE || record < m->failed_record;
    err_drop(first ? m->failure : e);
    if (first) {
        m->failure = e;
        m->failed_record = record;
    }
}

/* --- decoding --------------------------------------------------------------------------------- */

static void
sort_group(struct member *m, const struct ref_sample *group, struct ref_entry *const *entries,
           size_t n)
{
    struct crew *crew = m->crew;
    uint32_t slots[GROUP];
    for (size_t i = 0; i < n; i++) {
        slots[i] = slot_of_entry(entries[i]);
        if (slots[i] != slot_none)
            __builtin_prefetch(floor_of(crew->r, slots[i]));
    }
    for (size_t i = 0; i < n; i++) {
        const struct sample *s = &group[i].sample;
        if (slots[i] == slot_none) {
            m->unknown_refs++;
            m->unknown_ref_max = u64_max(m->unknown_ref_max, group[i].ref);
        } else if (is_news(crew->r, slots[i], s->t_ms)) {
            vec_push(&m->lists[member_of(crew, slots[i])],
                     ((struct handed_sample){slots[i], s->t_ms, s->bits}));
        } else {
            m->skipped++;
        }
    }
}

static struct err
decode_floats(struct member *m, struct str record)
{
    struct record_cursor c;
    record_read_samples(&c, record);
    for (size_t n = GROUP; n == GROUP;) {
        struct ref_sample group[GROUP];
        struct ref_entry *entries[GROUP];
        n = record_next_samples(&c, group, GROUP);
        for (size_t i = 0; i < n; i++) {
            entries[i] = replay_refs_find(&m->crew->r->refs, &m->place, group[i].ref);
            __builtin_prefetch(entries[i]);
        }
        sort_group(m, group, entries, n);
    }
    return record_cursor_check(&c);
}

/* Kept for all members. */
static struct err
open_histograms(struct member *m, const struct wal_stored *stored, struct handed_record *record,
                size_t index)
{
    struct str plain;
    record->plain_start = m->plain.n;
    TRY(wal_stored_open(stored, &m->plain, &plain));
    if (m->plain.n == record->plain_start) /* it was not compressed */
        buf_append(&m->plain, plain);
    record->plain_bytes = plain.n;
    for (unsigned i = 0; i < m->crew->size; i++)
        vec_push(&m->lists[i], ((struct handed_sample){slot_none, 0, index}));
    return OK;
}

static bool
is_of_floats(const struct wal_stored *stored)
{
    uint8_t type;
    return wal_stored_type(stored, &type) && (type == RECORD_SAMPLES || type == RECORD_SAMPLES_V2);
}

static struct err
decode_record(struct member *m, struct batch *b, size_t index)
{
    struct handed_record *record = &b->records.v[index];
    struct wal_stored stored = {str_of(b->bytes.p + record->start, record->bytes), record->flags};
    if (!is_of_floats(&stored))
        return open_histograms(m, &stored, record, index);
    struct str plain;
    buf_clear(&m->floats);
    TRY(wal_stored_open(&stored, &m->floats, &plain));
    return decode_floats(m, plain);
}

void
member_decode(struct member *m, struct batch *b)
{
    for (unsigned i = 0; i < m->crew->size; i++)
        vec_clear(&m->lists[i]);
    buf_clear(&m->plain);
    size_t from = b->bytes.n * m->index / m->crew->size;
    size_t to = b->bytes.n * (m->index + 1) / m->crew->size;
    struct epoch_guard guard = epoch_enter(m->crew->r->h->epoch);
    for (size_t i = 0; i < b->records.n && m->failure.code == ERR_NONE; i++) {
        if (b->records.v[i].start < from || b->records.v[i].start >= to)
            continue;
        struct err e = decode_record(m, b, i);
        if (e.code != ERR_NONE)
            note_failure(m, e, i);
    }
    epoch_leave(m->crew->r->h->epoch, guard);
}

/* --- applying --------------------------------------------------------------------------------- */

static void
note_applied(struct member *m, uint32_t slot, int64_t t_ms, const struct head_chunk *full)
{
    if (full)
        vec_push(&m->finished, slot);
    m->mint_ms = i64_min(m->mint_ms, t_ms);
    m->maxt_ms = i64_max(m->maxt_ms, t_ms);
    m->samples++;
}

static void
apply_sample(struct member *m, uint32_t slot, struct sample s)
{
    struct head *h = m->crew->r->h;
    struct series_hot *hot = head_hot(h, slot);
    if (series_judge(&m->crew->limits, series_last_of(hot), s) != SAMPLE_STORED) {
        m->skipped++;
        return;
    }
    struct head_chunk *full;
    spin_acquire(&hot->spin); /* chunks are mapped meanwhile */
    full = series_append(hot, head_cold(h, slot), s, m->crew->rule);
    spin_release(&hot->spin);
    note_applied(m, slot, s.t_ms, full);
}

static void
apply_group(struct member *m, const struct handed_sample *group, size_t n)
{
    const struct head *h = m->crew->r->h;
    for (size_t i = 0; i < n; i++) {
        __builtin_prefetch(head_hot(h, group[i].slot), 1);
        __builtin_prefetch(head_cold(h, group[i].slot), 1);
    }
    for (size_t i = 0; i < n; i++)
        series_prefetch_tail(head_hot(h, group[i].slot)); /* others only read it */
    for (size_t i = 0; i < n; i++)
        apply_sample(m, group[i].slot, (struct sample){group[i].t_ms, group[i].bits});
}

/* As head_append() would take it; the log may be another program's. */
static bool
is_usable(struct member *m, struct histogram_sample *s, enum record_histogram_use use)
{
    struct err e = OK;
    struct histogram logged = s->value;
    if (use == RECORD_HISTOGRAM_USABLE)
        e = histogram_reduce(&logged, &m->scratch, &s->value);
    if (use == RECORD_HISTOGRAM_USABLE && e.code == ERR_NONE)
        e = histogram_validate(&s->value);
    bool usable = use == RECORD_HISTOGRAM_USABLE && e.code == ERR_NONE;
    err_drop(e);
    m->histograms_dropped += !usable;
    return usable;
}

static void
apply_histogram(struct member *m, uint32_t slot, const struct histogram_sample *s)
{
    struct head *h = m->crew->r->h;
    struct series_hot *hot = head_hot(h, slot);
    if (series_judge_histogram(&m->crew->limits, series_last_of(hot), s) != SAMPLE_STORED) {
        m->skipped++;
        return;
    }
    spin_acquire(&hot->spin);
    struct head_chunk *full = series_append_histogram(hot, head_cold(h, slot), s, m->crew->rule);
    spin_release(&hot->spin);
    note_applied(m, slot, s->t_ms, full);
}

/* A histogram that this member has to store; counts those that need not be. */
static bool
is_mine(struct member *m, uint64_t ref, uint32_t slot, int64_t t_ms)
{
    if (slot == slot_none) {
        m->unknown_refs += m->index == 0; /* nobody's: one member counts for all */
        m->unknown_ref_max = u64_max(m->unknown_ref_max, ref);
        return false;
    }
    if (member_of(m->crew, slot) != m->index)
        return false;
    bool news = is_news(m->crew->r, slot, t_ms);
    m->skipped += !news;
    return news;
}

/* Each is read over first: most are those of other members, or known. */
static struct err
apply_histograms(struct member *m, struct str record)
{
    struct record_cursor c;
    record_read_histograms(&c, record);
    for (;;) {
        struct record_cursor before = c;
        uint64_t ref;
        struct histogram_sample s;
        enum record_histogram_use use;
        if (!record_next_histogram(&c, NULL, &ref, &s, &use))
            return record_cursor_check(&c);
        uint32_t slot = slot_of_entry(replay_refs_find(&m->crew->r->refs, &m->place, ref));
        if (!is_mine(m, ref, slot, s.t_ms))
            continue;
        arena_reset(&m->scratch);
        c = before;
        record_next_histogram(&c, &m->scratch, &ref, &s, &use);
        if (is_usable(m, &s, use))
            apply_histogram(m, slot, &s);
    }
}

/* What one share has for this member. */
static void
apply_list(struct member *m, const struct member *from, const struct batch *b)
{
    const struct handed_sample *v = from->lists[m->index].v;
    for (size_t i = 0, end = from->lists[m->index].n; i < end;) {
        size_t n = 0;
        while (n < GROUP && i + n < end && v[i + n].slot != slot_none)
            n++;
        apply_group(m, v + i, n);
        i += n;
        if (n == GROUP || i == end)
            continue;
        size_t index = v[i++].bits;
        const struct handed_record *record = &b->records.v[index];
        struct err e =
            apply_histograms(m, str_of(from->plain.p + record->plain_start, record->plain_bytes));
        if (e.code != ERR_NONE)
            note_failure(m, e, index);
    }
}

void
member_apply(struct member *m, const struct batch *b)
{
    struct head *h = m->crew->r->h;
    struct epoch_guard guard = epoch_enter(h->epoch);
    for (unsigned i = 0; i < m->crew->size; i++)
        apply_list(m, &m->crew->members[i], b);
    epoch_leave(h->epoch, guard);
    head_queue_finished(h, &m->finished);
    vec_clear(&m->finished);
    if (m->mint_ms <= m->maxt_ms)
        head_widen(h, m->mint_ms, m->maxt_ms);
}
