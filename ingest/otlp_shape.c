/* otlp_shape.c - labels of points whose attributes have the keys of the point before.
 *
 * Translating keys, sorting names and looking for two of one name is most of what a point costs,
 * and depends on its keys and its resource alone: so it is done once for all points that are
 * alike. */
#include <stdlib.h>

#include "base/mem.h"
#include "ingest/otlp_int.h"
#include "ingest/otlp_name.h"

struct otlp_shape_label {
    struct str name;
    bool is_fixed;    /* the resource has the value */
    struct str value; /* of a fixed one */
    size_t attribute; /* index of the one that has the value of another */
};

void
otlp_shape_init(struct otlp_shape *s, struct arena *a)
{
    *s = (struct otlp_shape){.v = ARENA_ARRAY(a, struct otlp_shape_label, OTLP_LABELS_ROOM)};
}

static bool
is_like(const struct otlp_shape *s, struct otlp_attributes attributes)
{
    if (!s->known || s->like.n != attributes.n)
        return false;
    for (size_t i = 0; i < attributes.n; i++)
        if (!str_eq(s->like.v[i].key, attributes.v[i].key))
            return false;
    return true;
}

static int
by_name(const void *x, const void *y)
{
    const struct otlp_shape_label *a = x, *b = y;
    return str_cmp(a->name, b->name);
}

/* False: some key gives no name, or two give the same. */
static bool
add_attributes(struct otlp_shape *s, struct arena *a, struct otlp_attributes attributes)
{
    if (attributes.n > OTLP_LABELS_MAX)
        return false;
    for (size_t i = 0; i < attributes.n; i++) {
        struct str name = otlp_label_name(a, attributes.v[i].key);
        if (name.n == 0)
            return false;
        s->v[s->n++] = (struct otlp_shape_label){.name = name, .attribute = i};
    }
    qsort(s->v, s->n, sizeof *s->v, by_name);
    for (size_t i = 1; i < s->n; i++)
        if (str_eq(s->v[i - 1].name, s->v[i].name))
            return false;
    return true;
}

enum when_there { KEEP, REPLACE };

static void
add_fixed(struct otlp_shape *s, struct str name, struct str value, enum when_there when_there)
{
    struct otlp_shape_label label = {.name = name, .is_fixed = true, .value = value};
    size_t at = 0;
    int order = 1;
    while (at < s->n && (order = str_cmp(name, s->v[at].name)) > 0)
        at++;
    bool there = at < s->n && order == 0;
    if (there && when_there == KEEP)
        return;
    if (!there) {
        memmove(s->v + at + 1, s->v + at, (s->n - at) * sizeof *s->v);
        s->n++;
    }
    s->v[at] = label;
}

static bool
learn(struct otlp_map *m, struct otlp_attributes attributes)
{
    struct otlp_shape *s = &m->shape;
    *s = (struct otlp_shape){.v = s->v, .like = attributes};
    if (!add_attributes(s, m->arena, attributes))
        return false;
    for (size_t i = 0; i < m->resource_labels.n; i++)
        add_fixed(s, m->resource_labels.v[i].name, m->resource_labels.v[i].value, KEEP);
    if (m->has_job)
        add_fixed(s, STR(LABEL_JOB), m->job, REPLACE);
    if (m->has_instance)
        add_fixed(s, STR(LABEL_INSTANCE), m->instance, REPLACE);
    s->known = true;
    return true;
}

bool
otlp_shape_labels(struct otlp_map *m, struct otlp_attributes attributes)
{
    if (!is_like(&m->shape, attributes) && !learn(m, attributes))
        return false;
    for (size_t i = 0; i < m->shape.n; i++) {
        const struct otlp_shape_label *l = &m->shape.v[i];
        struct str value = l->is_fixed ? l->value : attributes.v[l->attribute].value;
        m->labels.v[i] = (struct label){l->name, value};
    }
    m->labels.n = m->shape.n;
    return true;
}
