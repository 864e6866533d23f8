/* matcher.h - one label matcher: =, !=, =~, !~. An absent label matches as an empty value.
 *
 * Regexes are compiled once, fully anchored, dot matches newline. Those that mean literals, with
 * gaps or without (a|b|c, foo-.*, 5..), are answered without RE2 (pattern.h).
 * Threads: immutable after making: any. */
#pragma once
#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum matcher_type { MATCH_EQUAL, MATCH_NOT_EQUAL, MATCH_REGEX, MATCH_NOT_REGEX };

struct matcher_program; /* compiled form of a regex */

struct matcher {
    enum matcher_type type;
    struct str name, value;
    const struct matcher_program *program; /* regex types only */
};

struct matchers {
    const struct matcher *v; /* borrowed */
    size_t n;
};

/* Name and value are copied into the arena, which also releases the regex. ERR_INVALID when
 * the pattern does not compile. */
struct err matcher_make(struct arena *a, enum matcher_type type, struct str name, struct str value,
                        struct matcher *ret_matcher);
bool matcher_match(const struct matcher *m, struct str value);
/* The two halves into which a matcher divides all values. */
enum matcher_side { MATCHER_SELECTS, MATCHER_REFUSES };
/* All values on one side, when they are a short list: what `=` and a regex of alternatives select
 * and what `!=` and such a regex refuse (sorted, each once), and the none that `.*` refuses. An
 * empty one among them stands for series without the label. False when every value has to be tried;
 * *ret_values means nothing then. */
bool matcher_values(const struct matcher *m, enum matcher_side side, const struct str **ret_values,
                    size_t *ret_count);
/* Every value on that side starts with one of these, of which none starts with another; ascending.
 * Often a single empty one. */
void matcher_prefixes(const struct matcher *m, enum matcher_side side,
                      const struct str **ret_prefixes, size_t *ret_count);
/* name op "value" */
void matcher_format(const struct matcher *m, struct buf *to);
const char *matcher_type_text(enum matcher_type type); /* = != =~ !~ */
