/* info_series.c - reads the info series and decides which of them counts at each step. */
#include "querygw/promql/info_series.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "tsdb/model/pattern.h"

const struct str info_identifying[INFO_IDENTIFYING] = {STR_INIT("instance"), STR_INIT("job")};

void
info_series_init(struct info_series *s, struct exec *x, const struct plan_node *plan)
{
    *s = (struct info_series){.x = x, .plan = plan, .conflict_step = plan->grid.steps};
    s->scratch.arena = x->arena;
    s->asked = ARENA_ARRAY(x->arena, uint64_t, column_words(plan->grid.steps));
    key_map_init(&s->names, x->arena);
    key_map_init(&s->groups, x->arena);
    for (size_t i = 0; i < INFO_IDENTIFYING; i++)
        key_map_init(&s->values[i].numbers, x->arena);
}

struct err
info_series_want(struct info_series *s, struct labels labels)
{
    for (size_t i = 0; i < INFO_IDENTIFYING; i++) {
        struct info_values *to = &s->values[i];
        struct str value = labels_get(labels, info_identifying[i]);
        uint32_t number;
        bool is_new = false;
        if (value.n)
            TRY(key_map_find_or_add(&to->numbers, hash128_seeded(value, s->x->hash_seed), &number,
                                    &is_new));
        if (!is_new)
            continue;
        to->v = arena_more(s->x->arena, to->v, sizeof *to->v, to->count, &to->cap);
        to->v[to->count++] = arena_str(s->x->arena, value);
    }
    return arena_check(s->x->arena);
}

/* --- selecting ----------------------------------------------------------------------------- */

/* `value` as a regex. */
static void
append_literal(struct buf *to, struct str value)
{
    for (size_t i = 0; i < value.n; i++) {
        if (strchr("\\.+*?()|[]{}^$", value.p[i]) && value.p[i])
            buf_append(to, STR("\\"));
        buf_append(to, str_of(value.p + i, 1));
    }
}

/* A matcher for these values; false when there are too many, or none. It only saves the store from
 * looking at series that wanted() would leave out. */
static bool
values_matcher(struct arena *a, struct str name, const struct info_values *values,
               struct matcher *ret_matcher)
{
    AUTO(buf_fini) struct buf pattern = BUF_INIT;
    if (values->count == 0 || values->count > PATTERN_LITERALS_MAX)
        return false;
    for (size_t i = 0; i < values->count && pattern.n <= REGEX_PATTERN_BYTES_MAX; i++) {
        if (i > 0)
            buf_append(&pattern, STR("|"));
        append_literal(&pattern, values->v[i]);
    }
    struct err e = pattern.n > REGEX_PATTERN_BYTES_MAX
                       ? ERR_CODE(ERR_LIMIT)
                       : matcher_make(a, MATCH_REGEX, name, buf_str(&pattern), ret_matcher);
    err_drop(e);
    return !e.code;
}

/* The plan of the selector with these matchers as well. */
static const struct plan_node *
narrow(struct info_series *s)
{
    struct arena *a = s->x->arena;
    struct plan_node *root = ARENA_NEW(a, struct plan_node), *leaf = root;
    *root = *s->plan->info.series;
    if (root->kind == PLAN_REPEAT) {
        leaf = ARENA_NEW(a, struct plan_node);
        *leaf = *root->child;
        root->child = leaf;
    }
    struct matchers *m = &leaf->select.matchers;
    struct matcher *v = ARENA_ARRAY(a, struct matcher, m->n + INFO_IDENTIFYING);
    memcpy(v, m->v, m->n * sizeof *v);
    size_t n = m->n;
    for (size_t i = 0; i < INFO_IDENTIFYING; i++)
        n += values_matcher(a, info_identifying[i], &s->values[i], &v[n]);
    *m = (struct matchers){v, n};
    return root;
}

/* Of each identifying label that any series of the other side has, the info series has one of the
 * values. */
static bool
wanted(const struct info_series *s, struct labels labels)
{
    for (size_t i = 0; i < INFO_IDENTIFYING; i++) {
        uint32_t number;
        struct str value = labels_get(labels, info_identifying[i]);
        if (s->values[i].count > 0 &&
            !key_map_find(&s->values[i].numbers, hash128_seeded(value, s->x->hash_seed), &number))
            return false;
    }
    return true;
}

/* --- grouping ------------------------------------------------------------------------------ */

static struct hash128
group_key(struct info_series *s, struct str name, struct labels labels)
{
    struct label v[1 + INFO_IDENTIFYING] = {{STR(LABEL_METRIC_NAME), name}};
    size_t n = 1;
    for (size_t i = 0; i < INFO_IDENTIFYING; i++) {
        struct str value = labels_get(labels, info_identifying[i]);
        if (value.n)
            v[n++] = (struct label){info_identifying[i], value};
    }
    return labels_key(&s->scratch, (struct labels){v, n}, s->x->hash_seed);
}

static struct err
group_for(struct info_series *s, struct labels labels, struct info_group **ret_group)
{
    struct arena *a = s->x->arena;
    struct str name = labels_get(labels, STR(LABEL_METRIC_NAME));
    uint32_t number;
    bool is_new;
    TRY(key_map_find_or_add(&s->names, hash128_seeded(name, s->x->hash_seed), &number, &is_new));
    if (is_new) {
        s->name = arena_more(a, s->name, sizeof *s->name, s->name_count, &s->name_cap);
        s->name[s->name_count++] = arena_str(a, name);
    }
    TRY(key_map_find_or_add(&s->groups, group_key(s, name, labels), &number, &is_new));
    if (is_new) {
        s->group = arena_more(a, s->group, sizeof *s->group, s->group_count, &s->group_cap);
        s->group[s->group_count++].winner = ARENA_ARRAY(a, uint32_t, s->plan->grid.steps);
    }
    *ret_group = &s->group[number];
    return arena_check(a);
}

static double
time_at(const struct held_column *h, size_t step)
{
    return h->values[step - h->begin];
}

/* `h`, the newest series, against the one that counts at `step` so far. */
static void
contend(struct info_series *s, struct info_group *g, const struct held_column *h, size_t step)
{
    if (g->winner[step] == 0) {
        g->winner[step] = (uint32_t)s->series_count;
        return;
    }
    const struct held_column *old = s->series[g->winner[step] - 1];
    if (time_at(old, step) < time_at(h, step))
        g->winner[step] = (uint32_t)s->series_count;
    bool asked = s->asked[step / 64] >> (step % 64) & 1;
    if (time_at(old, step) != time_at(h, step) || !asked || step >= s->conflict_step)
        return;
    s->conflict_step = (uint32_t)step;
    s->conflict[0] = old->labels;
    s->conflict[1] = h->labels;
    s->conflict_time = time_at(h, step);
}

static struct err
refuse_conflict(const struct info_series *s)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    long long ms = llround(s->conflict_time * 1000);
    buf_append(&text, STR("found duplicate series for info metric: existing "));
    labels_format_braces(s->conflict[0], &text);
    buf_printf(&text, " @ %lld, new ", ms);
    labels_format_braces(s->conflict[1], &text);
    return ERR(ERR_EXECUTION, "%.*s @ %lld", STR_FMT(buf_str(&text)), ms);
}

/* Info series have floats. */
static struct err
check_floats(const struct column *c)
{
    AUTO(buf_fini) struct buf labels = BUF_INIT;
    size_t step = c->begin;
    while (c->histograms && step < c->end && !(column_has(c, step) && c->histograms[step]))
        step++;
    if (!c->histograms || step == c->end)
        return OK;
    labels_format_braces(c->labels, &labels);
    return ERR(ERR_EXECUTION, "this should be an info metric, with float samples: %.*s",
               STR_FMT(buf_str(&labels)));
}

static struct err
add_series(struct info_series *s, const struct column *c)
{
    struct info_group *g;
    struct held_column *h;
    TRY(check_floats(c));
    TRY(group_for(s, c->labels, &g));
    TRY(held_copy(s->x, c, &h));
    s->held += h->samples;
    s->series = arena_more(s->x->arena, s->series, sizeof(struct held_column *), s->series_count,
                           &s->series_cap);
    s->series[s->series_count++] = h;
    for (size_t b, e = c->begin; column_next_run(c, &b, &e);)
        for (size_t step = b; step < e; step++)
            contend(s, g, h, step);
    return OK;
}

struct err
info_series_read(struct info_series *s)
{
    size_t values = 0;
    for (size_t i = 0; i < INFO_IDENTIFYING; i++)
        values += s->values[i].count;
    if (values == 0)
        return OK;
    struct op *op = op_open(s->x, narrow(s));
    for (struct column *c;;) {
        TRY(op_next(op, &c));
        if (!c)
            break;
        TRY(exec_work(s->x, c->end - c->begin + 1));
        if (wanted(s, c->labels))
            TRY(add_series(s, c));
    }
    return s->conflict_step < s->plan->grid.steps ? refuse_conflict(s) : OK;
}

const struct info_group *
info_series_find(struct info_series *s, size_t name, struct labels labels)
{
    uint32_t number;
    bool found = key_map_find(&s->groups, group_key(s, s->name[name], labels), &number);
    return found ? &s->group[number] : NULL;
}

void
info_series_release(struct info_series *s)
{
    exec_release(s->x, s->held);
    s->held = 0;
}
