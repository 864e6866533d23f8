/* store_counted.c - counts the series that pass. */
#include "querygw/store/store_counted.h"

#include "base/mem.h"

struct store_counted {
    struct store store;
    struct store *inner;
    const struct clock *clock;
    struct store_counts *counts;
};

struct counted_set {
    struct series_set set;
    struct series_set *inner; /* owned */
    const struct clock *clock;
    struct store_count *count;
};

static struct err
count_series(struct store_count *to, const struct series_view *s)
{
    to->series++;
    to->chunks += s->chunk_count;
    for (size_t i = 0; i < s->chunk_count; i++) {
        size_t samples;
        TRY(chunk_sample_count(&s->chunks[i], &samples));
        to->samples += samples;
        to->bytes += s->chunks[i].data.n;
    }
    return OK;
}

static struct err
counted_next(struct series_set *base, struct series_view *ret_series, bool *ret_more)
{
    struct counted_set *s = container_of(base, struct counted_set, set);
    uint64_t began_ns = clock_mono_ns(s->clock);
    struct err e = series_set_next(s->inner, ret_series, ret_more);
    s->count->ns += clock_mono_ns(s->clock) - began_ns;
    TRY(e);
    return *ret_more ? count_series(s->count, ret_series) : OK;
}

static void
counted_close(struct series_set *base)
{
    struct counted_set *s = container_of(base, struct counted_set, set);
    series_set_close(s->inner);
    mem_free(s);
}

static struct err
counted_select(struct store *base, const struct select_query *q, struct matchers matchers,
               struct arena *a, struct series_set **ret_set)
{
    static const struct series_set_ops ops = {counted_next, counted_close};
    struct store_counted *s = container_of(base, struct store_counted, store);
    struct store_count *count = ARENA_NEW(a, struct store_count);
    *count = (struct store_count){.matchers = matchers, .for_whom = s->counts->for_whom};
    *s->counts->last = count;
    s->counts->last = &count->next;
    uint64_t began_ns = clock_mono_ns(s->clock);
    struct series_set *inner;
    struct err e = s->inner->ops->select(s->inner, q, matchers, a, &inner);
    count->ns = clock_mono_ns(s->clock) - began_ns;
    TRY(e);
    struct counted_set *set = mem_alloc_zero(sizeof *set);
    *set = (struct counted_set){.set = {&ops}, .inner = inner, .clock = s->clock, .count = count};
    *ret_set = &set->set;
    return OK;
}

struct store *
store_counted_of(struct arena *a, struct store *inner, const struct clock *clock,
                 struct store_counts *counts)
{
    static const struct store_ops ops = {.select = counted_select};
    struct store_counted *s = ARENA_NEW(a, struct store_counted);
    *s = (struct store_counted){.store = {&ops}, .inner = inner, .clock = clock, .counts = counts};
    return &s->store;
}
