/* store_shard.c - filters the series of another store. */
#include "querygw/store/store_shard.h"

#include "base/hash.h"
#include "base/mem.h"

struct store_shard {
    struct store store;
    struct store *inner;
    struct shard shard;
};

struct shard_set {
    struct series_set set;
    struct series_set *inner; /* owned */
    const struct shard *shard;
    struct buf scratch;
};

static bool
is_listed(const struct shard *s, struct str name)
{
    for (size_t i = 0; i < s->label_count; i++) {
        if (str_eq(s->labels[i], name))
            return true;
    }
    return false;
}

bool
shard_has(const struct shard *shard, struct labels labels, struct buf *scratch)
{
    if (shard->total < 1)
        return true;
    buf_clear(scratch);
    for (size_t i = 0; i < labels.n; i++) {
        if (is_listed(shard, labels.v[i].name) != shard->by)
            continue;
        buf_append(scratch, labels.v[i].name);
        buf_put_u8(scratch, 0xff);
        buf_append(scratch, labels.v[i].value);
        buf_put_u8(scratch, 0xff);
    }
    return hash64(buf_str(scratch)) % (uint64_t)shard->total == (uint64_t)shard->index;
}

static struct err
shard_next(struct series_set *base, struct series_view *ret_series, bool *ret_more)
{
    struct shard_set *s = container_of(base, struct shard_set, set);
    for (;;) {
        struct series_view view;
        TRY(series_set_next(s->inner, &view, ret_more));
        if (!*ret_more)
            return OK;
        if (shard_has(s->shard, view.labels, &s->scratch)) {
            *ret_series = view;
            return OK;
        }
    }
}

static void
shard_close(struct series_set *base)
{
    struct shard_set *s = container_of(base, struct shard_set, set);
    series_set_close(s->inner);
    buf_fini(&s->scratch);
    mem_free(s);
}

static struct err
shard_select(struct store *base, const struct select_query *q, struct matchers matchers,
             struct arena *a, struct series_set **ret_set)
{
    static const struct series_set_ops ops = {shard_next, shard_close};
    struct store_shard *s = container_of(base, struct store_shard, store);
    struct series_set *inner;
    TRY(s->inner->ops->select(s->inner, q, matchers, a, &inner));
    struct shard_set *set = mem_alloc_zero(sizeof *set);
    *set = (struct shard_set){.set = {&ops}, .inner = inner, .shard = &s->shard};
    *ret_set = &set->set;
    return OK;
}

struct store *
store_shard_of(struct arena *a, struct store *inner, const struct shard *shard)
{
    static const struct store_ops ops = {.select = shard_select};
    struct store_shard *s = ARENA_NEW(a, struct store_shard);
    *s = (struct store_shard){.store = {&ops}, .inner = inner, .shard = *shard};
    return &s->store;
}
