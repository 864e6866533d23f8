/* text_import.c - lines to rows; what lines tell of a family is put together by its name. */
#include "ingest/text_import.h"

#include "base/map.h"
#include "base/mem.h"
#include "ingest/batch_builder.h"
#include "proto/remote_write.h"

enum { FAMILY_ENTRY_BYTES = 64 }; /* of a family in a map, at most */
enum { REASONS_MAX = 8 };         /* that an answer names; all are counted */

struct import {
    struct arena *arena;
    struct batch_builder builder;
    struct map families;          /* name -> struct family_metadata */
    struct family_metadata *last; /* lines of a family stand together */
    struct batch_refused refused;
    int64_t now_ms;
};

/* Consumes e. */
static void
refuse(struct import *m, uint64_t lines, struct err e)
{
    m->refused.items += lines;
    if (m->refused.reasons++ < REASONS_MAX)
        m->refused.text = arena_printf(m->arena, "%.*s%s%s", STR_FMT(m->refused.text),
                                       m->refused.text.n > 0 ? "; " : "", err_text(&e));
    err_drop(e);
}

static struct err
add_sample(struct import *m, const struct exposition_line *line)
{
    int64_t t_ms = line->has_time ? line->t_ms : m->now_ms;
    m->refused.items_taken++;
    TRY(batch_builder_row(&m->builder, line->labels));
    TRY(batch_builder_sample(&m->builder, (struct sample){t_ms, line->bits}));
    if (!line->has_exemplar)
        return OK;
    struct exemplar e = line->exemplar;
    if (!line->exemplar_has_time)
        e.t_ms = t_ms;
    return batch_builder_exemplar(&m->builder, &e);
}

/* m->last: that of the name. */
static struct err
find_family(struct import *m, struct str name)
{
    if (m->last && str_eq(m->last->family, name))
        return OK;
    struct family_metadata *f = map_get(&m->families, name);
    if (!f) {
        if (m->families.count == WRITE_METADATA_MAX)
            return ERR(ERR_TOO_LARGE, "too many families: the limit is %d a request",
                       WRITE_METADATA_MAX);
        TRY(arena_admit(m->arena, sizeof *f + FAMILY_ENTRY_BYTES));
        arena_charge(m->arena, FAMILY_ENTRY_BYTES);
        f = ARENA_NEW(m->arena, struct family_metadata);
        f->family = name;
        map_put(&m->families, name, f);
    }
    m->last = f;
    return OK;
}

static struct err
add_line(struct import *m, const struct exposition_line *line)
{
    TRY(arena_admit(m->arena, 0)); /* texts with escapes are there already */
    if (line->kind == EXPOSITION_SAMPLE)
        return add_sample(m, line);
    if (line->kind == EXPOSITION_END)
        return OK;
    TRY(find_family(m, line->family));
    switch (line->kind) {
    case EXPOSITION_TYPE:
        m->last->value.kind = line->type;
        return OK;
    case EXPOSITION_HELP:
        m->last->value.help = line->text;
        return OK;
    case EXPOSITION_UNIT:
        m->last->value.unit = line->text;
        return OK;
    case EXPOSITION_SAMPLE:
    case EXPOSITION_END:
        return OK;
    }
    return OK;
}

static struct err
add_families(struct import *m)
{
    struct map_entry e = MAP_START;
    while (map_next(&m->families, &e))
        TRY(batch_builder_metadata(&m->builder, e.value));
    return OK;
}

static struct err
run(struct import *m, struct exposition *x)
{
    struct exposition_line line = {.kind = EXPOSITION_SAMPLE};
    do {
        x->terse = m->refused.reasons >= REASONS_MAX;
        struct err e = exposition_next(x, &line);
        if (e.code != ERR_NONE) {
            refuse(m, 1, e);
            continue;
        }
        TRY(add_line(m, &line));
    } while (line.kind != EXPOSITION_END);
    if (x->format == EXPOSITION_OPENMETRICS && !x->saw_end)
        refuse(m, 0,
               ERR(ERR_INVALID, "line %zu: no # EOF at the end: was the text cut short?", x->line));
    return add_families(m);
}

struct err
text_import(struct arena *a, enum exposition_format format, struct str text, int64_t now_ms,
            struct batch *ret_batch)
{
    struct import m = {.arena = a, .now_ms = now_ms};
    struct exposition *x = ARENA_NEW(a, struct exposition);
    exposition_init(x, a, format, text);
    batch_builder_init(&m.builder, a);
    map_init(&m.families, MAP_KEYS_BORROWED);
    struct err e = run(&m, x);
    map_fini(&m.families);
    batch_builder_fini(&m.builder);
    TRY(e);
    *ret_batch = batch_builder_finish(&m.builder);
    size_t more = m.refused.reasons - size_min(m.refused.reasons, REASONS_MAX);
    if (more > 0)
        m.refused.text = arena_printf(a, "%.*s; and %zu more", STR_FMT(m.refused.text), more);
    ret_batch->refused = m.refused;
    return OK;
}
