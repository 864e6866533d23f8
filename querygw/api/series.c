/* series.c - /api/v1/series: the label sets that match any of the selectors. */
#include "querygw/api/api_int.h"
#include "querygw/api/store_params.h"

/* One selector's series, by their next label set. */
struct source {
    struct series_set *set; /* owned */
    struct series_view at;
    bool more;
};

struct label_sets {
    struct labels *v;
    size_t n, cap;
};

static struct err
source_step(struct source *s)
{
    return series_set_next(s->set, &s->at, &s->more);
}

static void
label_sets_push(struct label_sets *to, struct arena *a, struct labels l)
{
    if (to->n == to->cap) {
        size_t cap = size_max(2 * to->cap, 64);
        struct labels *bigger = ARENA_ARRAY(a, struct labels, cap);
        if (to->n)
            memcpy(bigger, to->v, to->n * sizeof *bigger);
        to->v = bigger;
        to->cap = cap;
    }
    to->v[to->n++] = labels_copy(a, l);
}

/* Merges the sources, which ascend, into one ascending list without doubles; stops behind
 * `wanted` label sets. */
static struct err
merge_sources(struct api_call *c, struct source *sources, size_t count, size_t wanted,
              struct label_sets *to)
{
    while (to->n < wanted) {
        struct source *first = NULL;
        for (size_t i = 0; i < count; i++)
            if (sources[i].more &&
                (!first || labels_cmp(sources[i].at.labels, first->at.labels) < 0))
                first = &sources[i];
        if (!first)
            return OK;
        if (to->n == 0 || !labels_eq(to->v[to->n - 1], first->at.labels))
            label_sets_push(to, &c->arena, first->at.labels);
        TRY(arena_check(&c->arena));
        if (http_canceled(c->r))
            return ERR(ERR_CANCELED, "series: the client is gone");
        TRY(source_step(first));
    }
    return OK;
}

static struct err
open_sources(struct api_call *c, const struct selectors *s, int64_t start_ms, int64_t end_ms,
             struct source *sources)
{
    struct select_query q = {.mint_ms = start_ms, .maxt_ms = end_ms, .want = SELECT_LABELS};
    for (size_t i = 0; i < s->n; i++) {
        TRY(c->store->ops->select(c->store, &q, s->v[i], &c->arena, &sources[i].set));
        TRY(source_step(&sources[i]));
    }
    return OK;
}

static struct err
find_label_sets(struct api_call *c, const struct selectors *s, int64_t start_ms, int64_t end_ms,
                size_t wanted, struct label_sets *to)
{
    struct source *sources = ARENA_ARRAY(&c->arena, struct source, s->n);
    struct err e = open_sources(c, s, start_ms, end_ms, sources);
    if (!e.code)
        e = merge_sources(c, sources, s->n, wanted, to);
    for (size_t i = 0; i < s->n; i++)
        series_set_close(sources[i].set);
    return e;
}

struct err
call_series(struct api_call *c)
{
    struct selectors selectors;
    struct label_sets found = {0};
    size_t limit;
    int64_t start_ms, end_ms;
    if (!param_text(&c->params, "match[]").p)
        return ERR(ERR_INVALID, "no match[] parameter provided");
    TRY(param_limit(&c->params, &limit));
    TRY(param_metadata_span(&c->params, &start_ms, &end_ms));
    TRY(store_params_check(&c->params, &c->arena));
    TRY(param_error(&c->params, "match[]", param_selectors(&c->params, &c->arena, &selectors)));
    if (c->store)
        TRY(find_label_sets(c, &selectors, start_ms, end_ms, limit ? limit + 1 : SIZE_MAX, &found));
    if (limit && found.n > limit) {
        found.n = limit;
        TRY(notes_add_plain(&c->notes, NOTE_WARNING, STR("results truncated due to limit")));
    }
    call_begin_data(c);
    json_begin_array(&c->out.w);
    for (size_t i = 0; i < found.n; i++) {
        json_out_labels(&c->out, found.v[i]);
        TRY(json_out_check(&c->out));
    }
    json_end_array(&c->out.w);
    return call_end_data(c);
}
