/* notes.c - warnings and infos, each text once. */
#include "querygw/promql/notes.h"

#include "base/assert.h"
#include "base/mem.h"

void
notes_init(struct notes *n, struct arena *a, uint64_t hash_seed)
{
    *n = (struct notes){.arena = a, .hash_seed = hash_seed};
    key_map_init(&n->seen, a);
}

/* Of two parts of a query the one whose evaluation ends later: that around the other, or to its
 * right. */
static bool
ends_later(struct promql_range a, struct promql_range b)
{
    return a.end > b.end || (a.end == b.end && a.start < b.start);
}

/* The text is there already. */
static void
notes_repeat(struct notes *n, enum note_kind kind, const struct note *note)
{
    for (size_t i = 0; i < size_min(n->count[kind], NOTES_SHOWN_MAX); i++) {
        struct note *shown = &n->shown[kind][i];
        if (!str_eq(shown->text, note->text))
            continue;
        shown->times += note->times;
        if (note->has_range && ends_later(note->range, shown->range))
            shown->range = note->range;
        return;
    }
}

static struct err
notes_keep(struct notes *n, enum note_kind kind, const struct note *note)
{
    uint32_t number;
    bool is_new;
    TRY(key_map_find_or_add(&n->seen, hash128_seeded(note->text, n->hash_seed), &number, &is_new));
    if (!is_new) {
        notes_repeat(n, kind, note);
        return OK;
    }
    size_t at = n->count[kind]++;
    if (at < NOTES_SHOWN_MAX) {
        n->shown[kind][at] = *note;
        n->shown[kind][at].text = arena_str(n->arena, note->text);
    }
    return OK;
}

struct err
notes_add(struct notes *n, enum note_kind kind, struct promql_range range, struct str text)
{
    return notes_keep(n, kind, &(struct note){.text = text, .range = range, .has_range = true});
}

struct err
notes_add_times(struct notes *n, enum note_kind kind, struct promql_range range, struct str text,
                size_t times)
{
    struct note note = {.text = text, .range = range, .has_range = true, .times = times};
    return notes_keep(n, kind, &note);
}

struct err
notes_add_plain(struct notes *n, enum note_kind kind, struct str text)
{
    return notes_keep(n, kind, &(struct note){.text = text});
}

struct err
notes_merge(struct notes *n, const struct notes *from)
{
    for (size_t kind = 0; kind < NOTE_KIND_COUNT; kind++) {
        size_t shown = size_min(from->count[kind], NOTES_SHOWN_MAX);
        for (size_t i = 0; i < shown; i++)
            TRY(notes_keep(n, (enum note_kind)kind, &from->shown[kind][i]));
        n->count[kind] += from->count[kind] - shown;
    }
    return OK;
}

size_t
notes_lines(const struct notes *n, enum note_kind kind)
{
    size_t count = n->count[kind];
    return count > NOTES_SHOWN_MAX ? NOTES_SHOWN_MAX + 1 : count;
}

struct str
notes_line(const struct notes *n, enum note_kind kind, size_t i, struct str query, struct arena *a)
{
    ASSERT(i < notes_lines(n, kind));
    if (i == NOTES_SHOWN_MAX)
        return arena_printf(a, "%zu more %s annotations omitted", n->count[kind] - NOTES_SHOWN_MAX,
                            kind == NOTE_WARNING ? "warning" : "info");
    const struct note *note = &n->shown[kind][i];
    if (!note->has_range || note->range.start > query.n)
        return note->text;
    size_t line = 1, line_start = 0;
    for (size_t at = 0; at < note->range.start; at++) {
        if (query.p[at] == '\n') {
            line++;
            line_start = at + 1;
        }
    }
    size_t column = note->range.start - line_start + 1;
    if (note->times > 1)
        return arena_printf(a, "%.*s (%zu occurrences) (%zu:%zu)", STR_FMT(note->text), note->times,
                            line, column);
    return arena_printf(a, "%.*s (%zu:%zu)", STR_FMT(note->text), line, column);
}
