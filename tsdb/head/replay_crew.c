/* replay_crew.c - the threads that apply the samples of a log.
 *
 * The reader fills one batch while the crew works on the one before. A series has one member, by
 * its slot, who meets its samples in the order of the log. Floats are decoded by the reader, who
 * drops what mapped chunks or blocks have (most of a long log) and gives each member a list of its
 * own; of histograms, which take longer, every member reads all records and applies its own: a
 * mark in its list says where they stand. What a sample needs is fetched for many at once: entries
 * of the table, then floors; hot halves, then the ends of buffers.
 * Threads: the reader calls; members run crew_member() only. */
#include "tsdb/head/replay_int.h"

#include "base/assert.h"
#include "base/cpu.h"
#include "base/mem.h"
#include "base/pool.h"
#include "tsdb/wal/record_histograms.h"

enum {
    BATCH_SAMPLES = 1 << 17,
    BATCH_BYTES = 4 << 20, /* of records of histograms */
    MEMBERS_MAX = 16,
    GROUP = 32, /* samples whose cache misses overlap */
    SLOTS_TOGETHER = 64,
};

struct handed_record {
    size_t start, bytes; /* in the batch */
    struct log_place at;
};
struct handed_sample {
    uint32_t slot; /* slot_none: a mark for the record number `bits` */
    int64_t t_ms;
    uint64_t bits;
};
struct batch {
    struct buf bytes;
    VEC(struct handed_record) records; /* of histograms */
    VEC(struct handed_sample) samples[MEMBERS_MAX];
    size_t sample_count;
};

struct member {
    struct crew *crew;
    unsigned index;
    struct slot_list finished;
    struct ref_place place;
    int64_t mint_ms, maxt_ms; /* of what was applied */
    uint64_t samples, skipped, unknown_refs, histograms_dropped;
    uint64_t unknown_ref_max; /* as in the crew */
    struct arena scratch;     /* of one histogram */
    struct err failure;       /* of the first malformed record of a batch */
    size_t failed_record;
};

struct crew {
    struct replay *r;
    struct chunk_rule rule;
    struct judge_limits limits; /* late samples have a log of their own */
    struct pool *pool;          /* NULL: the reader does it alone */
    unsigned size;
    struct batch batches[2]; /* one is filled while the other is worked on */
    unsigned filling;
    uint64_t skipped, unknown_refs; /* floats that the reader did not hand over */
    uint64_t unknown_ref_max;       /* whose record was lost: nobody must be born under it */
    struct lock lock;
    struct cond done;
    unsigned working GUARDED_BY(lock); /* members that have not finished the batch handed over */
    struct member members[MEMBERS_MAX];
};

/* --- a member's work -------------------------------------------------------------------------- */

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

static void
note_applied(struct member *m, uint32_t slot, int64_t t_ms, const struct head_chunk *full)
{
    if (full)
        vec_push(&m->finished, slot);
    m->mint_ms = i64_min(m->mint_ms, t_ms);
    m->maxt_ms = i64_max(m->maxt_ms, t_ms);
    m->samples++;
}

static uint32_t
slot_of_entry(const struct ref_entry *entry)
{
    return entry ? atomic_load_explicit(&entry->slot, memory_order_acquire) - 1 : slot_none;
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

static void
apply_record(struct member *m, const struct batch *b, size_t index)
{
    const struct handed_record *record = &b->records.v[index];
    m->failure = apply_histograms(m, str_of(b->bytes.p + record->start, record->bytes));
    m->failed_record = index;
}

static void
member_work(struct member *m, const struct batch *b)
{
    struct head *h = m->crew->r->h;
    const struct handed_sample *v = b->samples[m->index].v;
    struct epoch_guard guard = epoch_enter(h->epoch);
    for (size_t i = 0, end = b->samples[m->index].n; i < end && m->failure.code == ERR_NONE;) {
        size_t n = 0;
        while (n < GROUP && i + n < end && v[i + n].slot != slot_none)
            n++;
        apply_group(m, v + i, n);
        i += n;
        if (n < GROUP && i < end)
            apply_record(m, b, v[i++].bits);
    }
    epoch_leave(h->epoch, guard);
    head_queue_finished(h, &m->finished);
    vec_clear(&m->finished);
    if (m->mint_ms <= m->maxt_ms)
        head_widen(h, m->mint_ms, m->maxt_ms);
}

static void
crew_member(void *arg)
{
    struct member *m = arg;
    struct crew *crew = m->crew;
    member_work(m, &crew->batches[!crew->filling]);
    LOCKED(&crew->lock);
    if (--crew->working == 0)
        cond_signal(&crew->done);
}

/* --- the reader's side ------------------------------------------------------------------------ */

struct err
crew_start(struct replay *r, enum crew_size size)
{
    struct crew *crew = mem_alloc_zero(sizeof *crew);
    r->crew = crew;
    crew->r = r;
    crew->rule = head_chunk_rule(r->h);
    crew->limits = series_limits_of_replay();
    lock_init(&crew->lock, LOCK_RANK_LEAF);
    cond_init(&crew->done);
    crew->size = size == CREW_FULL ? (unsigned)size_min(cpu_count(), MEMBERS_MAX) : 1;
    for (unsigned i = 0; i < crew->size; i++) {
        crew->members[i] =
            (struct member){.crew = crew, .index = i, .mint_ms = INT64_MAX, .maxt_ms = INT64_MIN};
        arena_init(&crew->members[i].scratch, 0);
    }
    if (crew->size == 1)
        return OK;
    struct pool_opts opts = {.name = "replay", .threads = crew->size, .queued_limit = MEMBERS_MAX};
    return pool_start(&opts, &crew->pool);
}

static void
wait_for_members(struct crew *crew)
{
    LOCKED(&crew->lock);
    while (crew->working > 0)
        cond_wait(&crew->done, &crew->lock);
}

/* The first failure in the batch worked on last; takes it. */
static struct err
first_failure(struct crew *crew)
{
    const struct batch *b = &crew->batches[!crew->filling];
    struct member *first = NULL;
    for (unsigned i = 0; i < crew->size; i++) {
        struct member *m = &crew->members[i];
        if (m->failure.code != ERR_NONE && (!first || m->failed_record < first->failed_record))
            first = m;
    }
    if (!first)
        return OK;
    crew->r->damage = b->records.v[first->failed_record].at;
    struct err e = first->failure;
    first->failure = OK;
    return e;
}

static void
batch_clear(struct batch *b)
{
    buf_clear(&b->bytes);
    vec_clear(&b->records);
    for (unsigned i = 0; i < MEMBERS_MAX; i++)
        vec_clear(&b->samples[i]);
    b->sample_count = 0;
}

static void
batch_fini(struct batch *b)
{
    buf_fini(&b->bytes);
    vec_fini(&b->records);
    for (unsigned i = 0; i < MEMBERS_MAX; i++)
        vec_fini(&b->samples[i]);
}

/* The batch that was filled is handed over; the other, which is done, is filled next. */
static struct err
set_to_work(struct crew *crew)
{
    wait_for_members(crew);
    TRY(first_failure(crew));
    crew->filling = !crew->filling;
    batch_clear(&crew->batches[crew->filling]);
    if (!crew->pool) {
        member_work(&crew->members[0], &crew->batches[!crew->filling]);
        return OK;
    }
    {
        LOCKED(&crew->lock);
        crew->working = crew->size;
    }
    for (unsigned i = 0; i < crew->size; i++) {
        bool queued = pool_submit(crew->pool, crew_member, &crew->members[i]);
        ASSERT(queued); /* the queue has room for all */
    }
    return OK;
}

struct pending {
    uint64_t ref;
    struct ref_entry *entry; /* NULL: no such series */
    struct sample sample;
};

static void
hand_over_group(struct crew *crew, const struct pending *group, size_t n)
{
    struct batch *b = &crew->batches[crew->filling];
    uint32_t slots[GROUP];
    for (size_t i = 0; i < n; i++) {
        slots[i] = slot_of_entry(group[i].entry);
        if (slots[i] != slot_none)
            __builtin_prefetch(floor_of(crew->r, slots[i]));
    }
    for (size_t i = 0; i < n; i++) {
        const struct sample *s = &group[i].sample;
        if (slots[i] == slot_none) {
            crew->unknown_refs++;
            crew->unknown_ref_max = u64_max(crew->unknown_ref_max, group[i].ref);
        } else if (is_news(crew->r, slots[i], s->t_ms)) {
            vec_push(&b->samples[member_of(crew, slots[i])],
                     ((struct handed_sample){slots[i], s->t_ms, s->bits}));
            b->sample_count++;
        } else {
            crew->skipped++;
        }
    }
}

static struct err
hand_over_floats(struct crew *crew, struct str record)
{
    struct record_cursor c;
    record_read_samples(&c, record);
    for (size_t n = GROUP; n == GROUP;) {
        struct pending group[GROUP];
        for (n = 0; n < GROUP && record_next_sample(&c, &group[n].ref, &group[n].sample); n++) {
            group[n].entry = replay_refs_find(&crew->r->refs, &crew->r->place, group[n].ref);
            __builtin_prefetch(group[n].entry);
        }
        hand_over_group(crew, group, n);
    }
    return record_cursor_check(&c);
}

static void
hand_over_histograms(struct crew *crew, struct str record, struct log_place at)
{
    struct batch *b = &crew->batches[crew->filling];
    for (unsigned i = 0; i < crew->size; i++)
        vec_push(&b->samples[i], ((struct handed_sample){slot_none, 0, b->records.n}));
    vec_push(&b->records, ((struct handed_record){b->bytes.n, record.n, at}));
    buf_append(&b->bytes, record);
}

/* A record of floats that is malformed: what is handed over so far may be so at an earlier place.
 */
static struct err
fail_at(struct replay *r, struct err e, struct log_place at)
{
    struct err earlier = crew_await(r);
    if (earlier.code != ERR_NONE) {
        err_drop(e);
        return earlier;
    }
    r->damage = at;
    return e;
}

struct err
crew_hand_over(struct replay *r, struct str record, struct log_place at)
{
    struct crew *crew = r->crew;
    struct batch *b = &crew->batches[crew->filling];
    unsigned type = record_type_of(record);
    if (type == RECORD_SAMPLES || type == RECORD_SAMPLES_V2) {
        struct err e = hand_over_floats(crew, record);
        if (e.code != ERR_NONE)
            return fail_at(r, e, at);
    } else {
        hand_over_histograms(crew, record, at);
    }
    return b->bytes.n >= BATCH_BYTES || b->sample_count >= BATCH_SAMPLES ? set_to_work(crew) : OK;
}

struct err
crew_await(struct replay *r)
{
    struct crew *crew = r->crew;
    const struct batch *b = &crew->batches[crew->filling];
    if (b->sample_count + b->records.n > 0)
        TRY(set_to_work(crew));
    wait_for_members(crew);
    return first_failure(crew);
}

void
crew_stop(struct replay *r)
{
    struct crew *crew = r->crew;
    if (!crew)
        return;
    pool_stop(crew->pool);
    r->count.skipped += crew->skipped;
    r->count.unknown_refs += crew->unknown_refs;
    r->ref_max = u64_max(r->ref_max, u64_min(crew->unknown_ref_max, HEAD_REF_MAX - 1));
    for (unsigned i = 0; i < crew->size; i++) {
        struct member *m = &crew->members[i];
        r->count.samples += m->samples;
        r->count.skipped += m->skipped;
        r->count.unknown_refs += m->unknown_refs;
        r->ref_max = u64_max(r->ref_max, u64_min(m->unknown_ref_max, HEAD_REF_MAX - 1));
        r->count.histograms_dropped += m->histograms_dropped;
        err_drop(m->failure);
        vec_fini(&m->finished);
        arena_fini(&m->scratch);
    }
    for (unsigned i = 0; i < ARRAY_LEN(crew->batches); i++)
        batch_fini(&crew->batches[i]);
    cond_fini(&crew->done);
    lock_fini(&crew->lock);
    mem_free(TAKE(r->crew));
}
