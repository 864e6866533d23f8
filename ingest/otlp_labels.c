/* otlp_labels.c - labels of a point: its attributes, what its resource gives, its name. */
#include "ingest/otlp_int.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/mem.h"
#include "ingest/otlp_name.h"

#define SERVICE_NAME        "service.name"
#define SERVICE_NAMESPACE   "service.namespace"
#define SERVICE_INSTANCE_ID "service.instance.id"

/* --- sets of labels -----------------------------------------------------------------------------
 */

static struct label *
find(struct otlp_labels *l, struct str name)
{
    for (size_t i = 0; i < l->n; i++)
        if (str_eq(l->v[i].name, name))
            return &l->v[i];
    return NULL;
}

static void
push(struct otlp_labels *l, struct str name, struct str value)
{
    ASSERT(l->n < OTLP_LABELS_ROOM);
    l->v[l->n++] = (struct label){name, value};
}

void
otlp_labels_set(struct otlp_labels *l, struct str name, struct str value)
{
    struct label *there = find(l, name);
    if (there)
        there->value = value;
    else
        push(l, name, value);
}

void
otlp_labels_set_new(struct otlp_labels *l, struct str name, struct str value)
{
    if (!find(l, name))
        push(l, name, value);
}

void
otlp_labels_join(struct arena *a, struct otlp_labels *l, struct str name, struct str value)
{
    struct label *there = find(l, name);
    if (!there) {
        push(l, name, value);
        return;
    }
    char *text = arena_alloc(a, there->value.n + 1 + value.n), *at = text;
    str_copy_to(&at, there->value);
    str_copy_to(&at, STR(";"));
    str_copy_to(&at, value);
    there->value = str_of(text, (size_t)(at - text));
}

/* --- attributes ---------------------------------------------------------------------------------
 */

static const struct otlp_attribute *
attribute(struct otlp_attributes attributes, struct str key)
{
    for (size_t i = 0; i < attributes.n; i++)
        if (str_eq(attributes.v[i].key, key))
            return &attributes.v[i];
    return NULL;
}

static bool
is_identifying(struct str key)
{
    return str_eq(key, STR(SERVICE_NAME)) || str_eq(key, STR(SERVICE_NAMESPACE)) ||
           str_eq(key, STR(SERVICE_INSTANCE_ID));
}

static int
by_key(const void *x, const void *y)
{
    const struct otlp_attribute *const *a = x, *const *b = y;
    int order = str_cmp((*a)->key, (*b)->key);
    return order != 0 ? order : (*a > *b) - (*a < *b);
}

enum which { ALL, WITHOUT_IDENTIFYING };

/* Into *to in order of the untranslated names: where two become one, their values stand in it. */
static struct err
add_attributes(struct arena *a, struct otlp_attributes attributes, enum which which,
               struct otlp_labels *to)
{
    if (attributes.n > OTLP_LABELS_MAX)
        return ERR(ERR_INVALID, "%zu attributes, at most %d", attributes.n, OTLP_LABELS_MAX);
    const struct otlp_attribute *sorted[OTLP_LABELS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < attributes.n; i++)
        if (which == ALL || !is_identifying(attributes.v[i].key))
            sorted[n++] = &attributes.v[i];
    qsort(sorted, n, sizeof(sorted[0]), by_key);
    for (size_t i = 0; i < n; i++) {
        struct str name = otlp_label_name(a, sorted[i]->key);
        if (name.n == 0) {
            struct str shown = otlp_shown(a, sorted[i]->key);
            return ERR(ERR_INVALID, "the attribute %.*s gives no label name", STR_FMT(shown));
        }
        otlp_labels_join(a, to, name, sorted[i]->value);
    }
    return OK;
}

/* --- what a resource gives
 * ------------------------------------------------------------------------- */

static void
add_identity(const struct otlp_map *m, struct otlp_labels *to)
{
    if (m->has_job)
        otlp_labels_set(to, STR(LABEL_JOB), m->job);
    if (m->has_instance)
        otlp_labels_set(to, STR(LABEL_INSTANCE), m->instance);
}

void
otlp_resource_labels(struct otlp_map *m, const struct otlp_resource *r)
{
    const struct otlp_attribute *name = attribute(r->attributes, STR(SERVICE_NAME));
    const struct otlp_attribute *space = attribute(r->attributes, STR(SERVICE_NAMESPACE));
    const struct otlp_attribute *id = attribute(r->attributes, STR(SERVICE_INSTANCE_ID));
    m->has_job = name != NULL;
    m->has_instance = id != NULL;
    m->job = name ? name->value : STR("");
    if (name && space)
        m->job = arena_printf(m->arena, "%.*s/%.*s", STR_FMT(space->value), STR_FMT(name->value));
    m->instance = id ? id->value : STR("");
    m->resource_labels.n = 0;
    m->shape.known = false;
    for (size_t i = 0; i < m->options->promoted_count; i++) {
        const struct otlp_attribute *from = attribute(r->attributes, m->options->promoted[i]);
        struct str label = from ? otlp_label_name(m->arena, from->key) : STR("");
        if (label.n > 0 && m->resource_labels.n < OTLP_LABELS_MAX)
            otlp_labels_set_new(&m->resource_labels, label, from->value);
    }
}

struct err
otlp_point_labels(struct otlp_map *m, struct otlp_attributes attributes)
{
    if (otlp_shape_labels(m, attributes))
        return OK;
    m->labels.n = 0;
    TRY(add_attributes(m->arena, attributes, ALL, &m->labels));
    for (size_t i = 0; i < m->resource_labels.n; i++)
        otlp_labels_set_new(&m->labels, m->resource_labels.v[i].name,
                            m->resource_labels.v[i].value);
    add_identity(m, &m->labels);
    labels_sort(m->labels.v, m->labels.n);
    return OK;
}

bool
otlp_target_labels(struct otlp_map *m, const struct otlp_resource *r)
{
    size_t others = 0;
    for (size_t i = 0; i < r->attributes.n; i++)
        others += !is_identifying(r->attributes.v[i].key);
    m->labels.n = 0;
    if (others == 0)
        return false; /* it would say nothing that job and instance do not */
    struct err e = add_attributes(m->arena, r->attributes, WITHOUT_IDENTIFYING, &m->labels);
    if (e.code != ERR_NONE) {
        otlp_refuse(m, "target_info of", m->job, 0, e);
        return false;
    }
    add_identity(m, &m->labels);
    labels_sort(m->labels.v, m->labels.n);
    return find(&m->labels, STR(LABEL_JOB)) || find(&m->labels, STR(LABEL_INSTANCE));
}

/* Into labels that are sorted. */
static void
put_sorted(struct otlp_labels *l, struct str name, struct str value)
{
    size_t at = 0;
    int order = 1;
    while (at < l->n && (order = str_cmp(name, l->v[at].name)) > 0)
        at++;
    if (at == l->n || order != 0) {
        ASSERT(l->n < OTLP_LABELS_ROOM);
        memmove(l->v + at + 1, l->v + at, (l->n - at) * sizeof *l->v);
        l->n++;
    }
    l->v[at] = (struct label){name, value};
}

struct err
otlp_row(struct otlp_map *m, struct str name, const char *suffix, struct str extra_name,
         struct str extra_value)
{
    char whole[LABEL_NAME_BYTES_MAX];
    struct otlp_labels row = {m->row, m->labels.n};
    memcpy(row.v, m->labels.v, row.n * sizeof *row.v);
    struct str tail = str_of_cstr(suffix);
    struct str value = name;
    if (tail.n > 0) {
        ASSERT(name.n + tail.n <= sizeof whole); /* checked when the family began */
        char *at = whole;
        str_copy_to(&at, name);
        str_copy_to(&at, tail);
        value = str_of(whole, name.n + tail.n);
    }
    put_sorted(&row, STR(LABEL_METRIC_NAME), value);
    if (extra_name.n > 0)
        put_sorted(&row, extra_name, extra_value);
    return batch_builder_row(&m->builder, (struct labels){row.v, row.n});
}
