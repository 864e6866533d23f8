/* checkpoint_sift.c - one function a kind of record. Each copies what it keeps and counts what it
 * does not; whether the copy is needed shows at the end. */
#include "tsdb/wal/checkpoint_sift.h"

#include <stdlib.h>

#include "base/mem.h"
#include "tsdb/wal/record_exemplars.h"
#include "tsdb/wal/record_histograms.h"
#include "tsdb/wal/record_int.h"
#include "tsdb/wal/record_metadata.h"

enum { SAMPLE_BYTES_MIN = 10 }; /* in a record */

/* One item of a metadata record, as it was stored: unknown fields and all. */
struct sift_metadata {
    uint64_t ref;
    size_t bytes;
    char item[];
};

void
checkpoint_sift_init(struct checkpoint_sift *s, const struct checkpoint_filter *filter)
{
    *s = (struct checkpoint_sift){.filter = filter, .kept = {BUF_INIT, BUF_INIT}};
    arena_init(&s->scratch, 0);
    map_init(&s->metadata, MAP_KEYS_BORROWED);
}

void
checkpoint_sift_fini(struct checkpoint_sift *s)
{
    struct map_entry e = MAP_START;
    while (map_next(&s->metadata, &e))
        mem_free(e.value);
    map_fini(&s->metadata);
    arena_fini(&s->scratch);
    buf_fini(&s->kept[0]);
    buf_fini(&s->kept[1]);
}

/* The bytes of the item that was read since the cursor stood at `from`. */
static struct str
item_since(const struct record_cursor *c, const uint8_t *from)
{
    return str_of((const char *)from, (size_t)(c->r.p - from));
}

static bool
keeps_series(const struct checkpoint_sift *s, uint64_t ref)
{
    return s->filter->keep_series(s->filter->arg, ref);
}

/* --- records of series -------------------------------------------------------------------- */

static struct checkpoint_count
sift_series(struct checkpoint_sift *s, struct record_cursor *c, struct str record)
{
    struct checkpoint_count count = {0, 0};
    struct labels labels;
    uint64_t ref;
    record_read_series(c, record);
    record_begin_series(&s->kept[0]);
    for (const uint8_t *from = c->r.p; record_next_series(c, &s->scratch, &ref, &labels);
         from = c->r.p) {
        bool keep = keeps_series(s, ref);
        if (keep)
            buf_append(&s->kept[0], item_since(c, from));
        count.total++;
        count.dropped += !keep;
    }
    return count;
}

static struct checkpoint_count
sift_tombstones(struct checkpoint_sift *s, struct record_cursor *c, struct str record)
{
    struct checkpoint_count count = {0, 0};
    uint64_t ref;
    struct interval deleted;
    record_read_tombstones(c, record);
    record_begin_tombstones(&s->kept[0]);
    while (record_next_tombstone(c, &ref, &deleted.mint_ms, &deleted.maxt_ms)) {
        bool keep = deleted.maxt_ms >= s->filter->mint_ms && keeps_series(s, ref);
        if (keep)
            record_put_tombstone(&s->kept[0], ref, deleted);
        count.total++;
        count.dropped += !keep;
    }
    return count;
}

/* --- records of samples ------------------------------------------------------------------- */

static struct checkpoint_count
sift_samples(struct checkpoint_sift *s, struct record_cursor *c, struct str record)
{
    struct checkpoint_count count = {0, 0};
    struct record_samples_writer w = {.to = NULL};
    uint64_t ref;
    struct sample sample;
    record_read_samples(c, record);
    while (record_next_sample(c, &ref, &sample)) {
        count.total++;
        if (sample.t_ms < s->filter->mint_ms) {
            count.dropped++;
            continue;
        }
        if (!w.to)
            record_begin_samples(&w, &s->kept[0], ref, sample.t_ms, record.n / SAMPLE_BYTES_MIN);
        record_put_sample(&w, ref, sample.t_ms, sample.bits);
    }
    return count;
}

/* Copies the value of the item that the cursor has just passed. */
static void
put_value(struct record_samples_writer *w, uint64_t ref, int64_t t_ms,
          const struct record_cursor *c)
{
    record_put_point(w, ref, t_ms);
    buf_append(w->to, item_since(c, c->value));
}

static struct checkpoint_count
sift_exemplars(struct checkpoint_sift *s, struct record_cursor *c, struct str record)
{
    struct checkpoint_count count = {0, 0};
    struct record_samples_writer w = {.to = NULL};
    uint64_t ref;
    struct exemplar e;
    record_read_exemplars(c, record);
    while (record_next_exemplar(c, &s->scratch, &ref, &e)) {
        count.total++;
        if (e.t_ms < s->filter->mint_ms) {
            count.dropped++;
            continue;
        }
        if (!w.to)
            record_begin_exemplars(&w, &s->kept[0], ref, e.t_ms);
        put_value(&w, ref, e.t_ms, c);
    }
    return count;
}

/* Custom buckets go into a record of their own: where they came with others (types 12, 13). */
static struct checkpoint_count
sift_histograms(struct checkpoint_sift *s, struct record_cursor *c, struct str record)
{
    struct checkpoint_count count = {0, 0};
    struct record_samples_writer writers[2] = {{.to = NULL}, {.to = NULL}};
    uint64_t ref;
    struct histogram_sample sample;
    enum record_histogram_use use; /* whoever reads the checkpoint judges it again */
    record_read_histograms(c, record);
    while (record_next_histogram(c, NULL, &ref, &sample, &use)) {
        count.total++;
        if (sample.t_ms < s->filter->mint_ms) {
            count.dropped++;
            continue;
        }
        int custom = sample.value.schema == HISTOGRAM_SCHEMA_CUSTOM;
        struct record_samples_writer *w = &writers[custom];
        if (!w->to)
            record_begin_histograms(w, &s->kept[custom], record_histogram_type(&sample.value), ref,
                                    sample.t_ms);
        put_value(w, ref, sample.t_ms, c);
    }
    return count;
}

/* --- metadata ----------------------------------------------------------------------------- */

/* True when the series had none so far. */
static bool
hold_metadata(struct checkpoint_sift *s, uint64_t ref, struct str item)
{
    struct str key = str_of((const char *)&ref, sizeof ref);
    struct sift_metadata *old = map_get(&s->metadata, key);
    if (old && str_eq(str_of(old->item, old->bytes), item))
        return false; /* the usual case: the same again */
    struct sift_metadata *m = mem_alloc(sizeof *m + item.n);
    m->ref = ref;
    m->bytes = item.n;
    memcpy(m->item, item.p, item.n);
    mem_free(map_put(&s->metadata, str_of((const char *)&m->ref, sizeof m->ref), m));
    return old == NULL;
}

static struct checkpoint_count
sift_metadata(struct checkpoint_sift *s, struct record_cursor *c, struct str record)
{
    struct checkpoint_count count = {0, 0};
    uint64_t ref;
    struct metadata m;
    record_read_metadata(c, record);
    for (const uint8_t *from = c->r.p; record_next_metadata(c, &ref, &m); from = c->r.p) {
        count.total++;
        if (!keeps_series(s, ref) || !hold_metadata(s, ref, item_since(c, from)))
            count.dropped++;
    }
    return count;
}

static int
compare_metadata(const void *a, const void *b)
{
    uint64_t x = (*(struct sift_metadata *const *)a)->ref;
    uint64_t y = (*(struct sift_metadata *const *)b)->ref;
    return (x > y) - (x < y);
}

void
checkpoint_sift_metadata(struct checkpoint_sift *s, size_t record_bytes, struct buf *to,
                         struct sift_ends *ends)
{
    VEC(struct sift_metadata *) all = VEC_INIT;
    struct map_entry e = MAP_START;
    while (map_next(&s->metadata, &e))
        vec_push(&all, e.value);
    if (all.n > 0)
        qsort(all.v, all.n, sizeof *all.v, compare_metadata);
    size_t start = to->n;
    vec_each (&all, m) {
        if (to->n == start)
            record_begin_metadata(to);
        buf_append(to, str_of((*m)->item, (*m)->bytes));
        if (to->n - start >= record_bytes) {
            vec_push(ends, to->n);
            start = to->n;
        }
    }
    if (to->n > start)
        vec_push(ends, to->n);
    vec_fini(&all);
}

/* --- all ---------------------------------------------------------------------------------- */

static void
add(struct checkpoint_count *to, struct checkpoint_count count)
{
    to->total += count.total;
    to->dropped += count.dropped;
}

/* What the function of a kind has left behind. */
static size_t
choose(struct checkpoint_sift *s, struct checkpoint_count count, struct str record,
       struct str ret_kept[2])
{
    if (count.total == count.dropped)
        return 0;
    if (count.dropped == 0) {
        ret_kept[0] = record;
        return 1;
    }
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(s->kept); i++) {
        if (s->kept[i].n > 0)
            ret_kept[n++] = buf_str(&s->kept[i]);
    }
    return n;
}

typedef struct checkpoint_count (*sift_fn)(struct checkpoint_sift *s, struct record_cursor *c,
                                           struct str record);
static const struct {
    sift_fn sift; /* NULL: not judged */
    size_t stats; /* offset of its counts */
    bool timed;   /* of each item alone its time decides */
} kinds[] = {
#define COUNTS(field) offsetof(struct checkpoint_stats, field)
    [RECORD_SERIES] = {sift_series, COUNTS(series), false},
    [RECORD_SAMPLES] = {sift_samples, COUNTS(samples), true},
    [RECORD_TOMBSTONES] = {sift_tombstones, COUNTS(tombstones), false},
    [RECORD_EXEMPLARS] = {sift_exemplars, COUNTS(exemplars), true},
    [RECORD_METADATA] = {sift_metadata, COUNTS(metadata), false},
    [RECORD_HISTOGRAMS] = {sift_histograms, COUNTS(samples), true},
    [RECORD_FLOAT_HISTOGRAMS] = {sift_histograms, COUNTS(samples), true},
    [RECORD_CUSTOM_HISTOGRAMS] = {sift_histograms, COUNTS(samples), true},
    [RECORD_CUSTOM_FLOAT_HISTOGRAMS] = {sift_histograms, COUNTS(samples), true},
    [RECORD_SAMPLES_V2] = {sift_samples, COUNTS(samples), true},
    [RECORD_HISTOGRAMS_V2] = {sift_histograms, COUNTS(samples), true},
    [RECORD_FLOAT_HISTOGRAMS_V2] = {sift_histograms, COUNTS(samples), true},
#undef COUNTS
};

uint32_t
checkpoint_sift_timed(void)
{
    uint32_t types = 0;
    for (unsigned type = 0; type < ARRAY_LEN(kinds); type++) {
        if (kinds[type].sift && kinds[type].timed)
            types |= UINT32_C(1) << type;
    }
    return types;
}

struct err
checkpoint_sift_record(struct checkpoint_sift *s, struct str record, struct str ret_kept[2],
                       size_t *ret_count)
{
    unsigned type = record_type_of(record);
    if (type >= ARRAY_LEN(kinds) || !kinds[type].sift) {
        s->stats.other_records++;
        ret_kept[0] = record;
        *ret_count = 1;
        return OK;
    }
    struct record_cursor c;
    arena_reset(&s->scratch);
    buf_clear(&s->kept[0]);
    buf_clear(&s->kept[1]);
    struct checkpoint_count count = kinds[type].sift(s, &c, record);
    TRY(record_cursor_check(&c));
    add((struct checkpoint_count *)(void *)((char *)&s->stats + kinds[type].stats), count);
    *ret_count = type == RECORD_METADATA ? 0 : choose(s, count, record, ret_kept);
    return OK;
}
