/* labels.c - /api/v1/labels and /api/v1/label/<name>/values. */
#include <stdlib.h>

#include "base/quote.h"
#include "querygw/api/api_int.h"
#include "querygw/api/label_name.h"
#include "querygw/api/store_params.h"

/* Label names, or the values of `name`, for one selector; or for all series. */
static struct err
ask_store(struct api_call *c, const struct select_query *q, struct str name, struct matchers m,
          struct str_list *ret_list)
{
    if (name.n)
        return c->store->ops->label_values(c->store, q, name, m, &c->arena, ret_list);
    return c->store->ops->label_names(c->store, q, m, &c->arena, ret_list);
}

static int
cmp_texts(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* The union of the lists, sorted. */
static struct str_list
join_lists(struct arena *a, const struct str_list *lists, size_t count)
{
    struct str_list all = {0};
    size_t room = 0;
    for (size_t i = 0; i < count; i++)
        room += lists[i].n;
    all.v = ARENA_ARRAY(a, struct str, room);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < lists[i].n; k++)
            all.v[all.n++] = lists[i].v[k];
    if (all.n == 0)
        return all;
    qsort(all.v, all.n, sizeof *all.v, cmp_texts);
    size_t last = 0;
    for (size_t i = 1; i < all.n; i++)
        if (!str_eq(all.v[last], all.v[i]))
            all.v[++last] = all.v[i];
    all.n = last + 1;
    return all;
}

static struct err
find_texts(struct api_call *c, const struct selectors *s, const struct select_query *q,
           struct str name, struct str_list *ret_list)
{
    if (!c->store)
        return OK;
    if (s->n == 0)
        return ask_store(c, q, name, (struct matchers){0}, ret_list);
    struct str_list *lists = ARENA_ARRAY(&c->arena, struct str_list, s->n);
    for (size_t i = 0; i < s->n; i++) {
        TRY(ask_store(c, q, name, s->v[i], &lists[i]));
        TRY(arena_check(&c->arena));
    }
    *ret_list = s->n == 1 ? lists[0] : join_lists(&c->arena, lists, s->n);
    return OK;
}

/* Both routes; `name` is empty for label names. */
static struct err
reply_texts(struct api_call *c, struct str name)
{
    struct select_query q = {.want = SELECT_LABELS};
    struct selectors selectors;
    struct str_list found = {0};
    size_t limit;
    TRY(param_limit(&c->params, &limit));
    TRY(param_metadata_span(&c->params, &q.mint_ms, &q.maxt_ms));
    TRY(store_params_check(&c->params, &c->arena));
    TRY(param_selectors(&c->params, &c->arena, &selectors));
    TRY(find_texts(c, &selectors, &q, name, &found));
    if (limit && found.n > limit) {
        found.n = limit;
        TRY(notes_add_plain(&c->notes, NOTE_WARNING, STR("results truncated due to limit")));
    }
    call_begin_data(c);
    json_begin_array(&c->out.w);
    for (size_t i = 0; i < found.n; i++) {
        json_str(&c->out.w, found.v[i]);
        TRY(json_out_check(&c->out));
    }
    json_end_array(&c->out.w);
    return call_end_data(c);
}

struct err
call_label_names(struct api_call *c)
{
    return reply_texts(c, STR(""));
}

struct err
call_label_values(struct api_call *c)
{
    struct str name = http_path_param(c->r, "name");
    if (c->params.flavour.unescapes_names)
        name = label_name_unescape(&c->arena, name);
    if (name.n == 0 || !str_is_utf8(name)) {
        AUTO(buf_fini) struct buf quoted = BUF_INIT;
        quote_text(name, &quoted);
        return ERR(ERR_INVALID, "invalid label name: %s", buf_cstr(&quoted));
    }
    return reply_texts(c, name);
}
