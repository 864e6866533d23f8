/* series_key.c - label sets of output series. */
#include "querygw/promql/series_key.h"

#include <string.h>

#include "base/assert.h"
#include "base/mem.h"

static struct label *
scratch_labels(struct label_scratch *s, size_t count)
{
    if (count > s->cap) {
        s->cap = size_max(2 * s->cap, size_max(count, 16));
        s->v = ARENA_ARRAY(s->arena, struct label, s->cap);
    }
    return s->v;
}

static bool
describes_metric(struct str name)
{
    return str_eq(name, STR("__name__")) || str_eq(name, STR("__type__")) ||
           str_eq(name, STR("__unit__"));
}

struct labels
labels_drop_metric(struct label_scratch *to, struct labels l)
{
    struct label *out = scratch_labels(to, l.n);
    size_t n = 0;
    for (size_t i = 0; i < l.n; i++)
        if (!str_starts_with(l.v[i].name, STR("__")) || !describes_metric(l.v[i].name))
            out[n++] = l.v[i];
    return (struct labels){out, n};
}

struct labels
labels_set(struct label_scratch *to, struct labels l, struct str name, struct str value)
{
    struct label *out = scratch_labels(to, l.n + 1);
    size_t n = 0, i = 0;
    for (; i < l.n && str_cmp(l.v[i].name, name) < 0; i++)
        out[n++] = l.v[i];
    if (value.n)
        out[n++] = (struct label){name, value};
    for (i += i < l.n && str_eq(l.v[i].name, name); i < l.n; i++)
        out[n++] = l.v[i];
    return (struct labels){out, n};
}

struct labels
labels_group(struct label_scratch *to, const struct grouping *g, struct labels l)
{
    struct label *out = scratch_labels(to, l.n);
    size_t n = 0;
    for (size_t i = 0, at = 0; i < l.n; i++) { /* both lists are sorted */
        while (at < g->count && str_cmp(g->names[at], l.v[i].name) < 0)
            at++;
        bool listed = at < g->count && str_eq(g->names[at], l.v[i].name);
        bool stays = g->keeps_name || !str_eq(l.v[i].name, STR(LABEL_METRIC_NAME));
        if (g->without ? !listed && stays : listed)
            out[n++] = l.v[i];
    }
    return (struct labels){out, n};
}

static bool
is_listed(const struct grouping *g, struct str name)
{
    for (size_t i = 0; i < g->count; i++)
        if (str_eq(g->names[i], name))
            return true;
    return false;
}

struct labels
labels_include(struct label_scratch *to, const struct grouping *names, struct labels l,
               struct labels from)
{
    struct label *out = scratch_labels(to, l.n + from.n);
    for (size_t n = 0, i = 0, k = 0;;) { /* both are sorted */
        while (i < l.n && is_listed(names, l.v[i].name))
            i++;
        while (k < from.n && !is_listed(names, from.v[k].name))
            k++;
        if (i == l.n && k == from.n)
            return (struct labels){out, n};
        bool mine = k == from.n || (i < l.n && str_cmp(l.v[i].name, from.v[k].name) < 0);
        out[n++] = mine ? l.v[i++] : from.v[k++];
    }
}

static char *
put_str(char *to, struct str s)
{
    uint64_t n = s.n;
    memcpy(to, &n, sizeof n);
    if (n)
        memcpy(to + sizeof n, s.p, s.n);
    return to + sizeof n + s.n;
}

struct hash128
labels_key(struct label_scratch *scratch, struct labels l, uint64_t seed)
{
    size_t bytes = 0;
    for (size_t i = 0; i < l.n; i++)
        bytes += 2 * sizeof(uint64_t) + l.v[i].name.n + l.v[i].value.n;
    if (bytes > scratch->bytes_cap) {
        scratch->bytes_cap = size_max(2 * scratch->bytes_cap, size_max(bytes, 512));
        scratch->bytes = arena_alloc(scratch->arena, scratch->bytes_cap);
    }
    char *at = scratch->bytes;
    for (size_t i = 0; i < l.n; i++)
        at = put_str(put_str(at, l.v[i].name), l.v[i].value);
    return hash128_seeded(str_of(scratch->bytes, bytes), seed);
}

void
label_guard_init(struct label_guard *g, struct exec *x, enum label_guard_mode mode, uint32_t steps)
{
    *g = (struct label_guard){.x = x, .mode = mode, .steps = steps};
    g->text = "vector cannot contain metrics with the same labelset";
    g->scratch.arena = x->arena;
    key_map_init(&g->seen, x->arena);
}

/* Marks the steps of `c` as taken; false when one of them was. */
static bool
guard_take(struct label_guard *g, uint32_t number, const struct column *c)
{
    size_t words = column_words(g->steps);
    if (number >= g->cap) {
        size_t cap = size_max(2 * g->cap, (size_t)number + 64);
        uint64_t **bigger = ARENA_ARRAY(g->x->arena, uint64_t *, cap);
        if (g->cap)
            memcpy(bigger, g->present, g->cap * sizeof *bigger);
        g->present = bigger;
        g->cap = cap;
    }
    if (!g->present[number])
        g->present[number] = ARENA_ARRAY(g->x->arena, uint64_t, words);
    uint64_t twice = 0;
    for (size_t w = 0; w < words; w++) {
        twice |= g->present[number][w] & c->present[w];
        g->present[number][w] |= c->present[w];
    }
    return twice == 0;
}

struct err
label_guard_pass(struct label_guard *g, const struct column *c)
{
    ASSERT(c->begin < c->end);
    uint32_t number;
    bool is_new;
    TRY(key_map_find_or_add(&g->seen, labels_key(&g->scratch, c->labels, g->x->hash_seed), &number,
                            &is_new));
    bool pass = g->mode == LABEL_GUARD_UNIQUE ? is_new : guard_take(g, number, c);
    if (!pass)
        return ERR(ERR_EXECUTION, "%s", g->text);
    return OK;
}
