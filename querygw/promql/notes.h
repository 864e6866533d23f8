/* notes.h - what a query tells its user beside the result: warnings and infos.
 *
 * Texts are Prometheus'. Equal texts are told once, of the part of the query that is evaluated
 * last; past NOTES_SHOWN_MAX of a kind only their number is kept. Source: prometheus
 * util/annotations. Threads: one query, one thread. */
#pragma once
#include "base/arena.h"
#include "base/str.h"
#include "querygw/promql/ast.h"
#include "querygw/promql/key_map.h"

enum { NOTES_SHOWN_MAX = 10 };

enum note_kind { NOTE_WARNING, NOTE_INFO, NOTE_KIND_COUNT };

struct note {
    struct str text;           /* with its prefix "PromQL warning: " or "PromQL info: " */
    struct promql_range range; /* what it is about; meaningless for notes of the API */
    bool has_range;
    size_t times; /* more than 1 are told */
};

struct notes {
    struct arena *arena; /* borrowed; holds the texts */
    uint64_t hash_seed;
    struct key_map seen;
    struct note shown[NOTE_KIND_COUNT][NOTES_SHOWN_MAX];
    size_t count[NOTE_KIND_COUNT]; /* distinct ones, shown or not */
};

void notes_init(struct notes *n, struct arena *a, uint64_t hash_seed);
/* About a part of the query. */
struct err notes_add(struct notes *n, enum note_kind kind, struct promql_range range,
                     struct str text);
/* As notes_add(), about something that happened so often; the numbers of equal texts add up. */
struct err notes_add_times(struct notes *n, enum note_kind kind, struct promql_range range,
                           struct str text, size_t times);
/* About the request. */
struct err notes_add_plain(struct notes *n, enum note_kind kind, struct str text);

/* Adds those of `from`, with the same seed, in their order; of those that `from` does not show,
 * only how many they are. */
struct err notes_merge(struct notes *n, const struct notes *from);

/* How many lines notes_line() gives. */
size_t notes_lines(const struct notes *n, enum note_kind kind);
/* The i-th line as the API shows it, with " (line:column)" where it is about a part of
 * `query`; the line past the shown ones says how many were left out. */
struct str notes_line(const struct notes *n, enum note_kind kind, size_t i, struct str query,
                      struct arena *a);
