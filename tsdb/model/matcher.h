/* matcher.h - one label matcher: =, !=, =~, !~. An absent label matches as an empty value.
 *
 * Regexes are compiled once, fully anchored, dot matches newline. A regex that is a plain
 * alternation of literals (a|b|c), a literal, or one with `.*` / `.+` around it is answered
 * without RE2 (pattern.h).
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
/* The values that a (positive) matcher selects, when that is a short list: EQUAL gives one,
 * a regex of alternatives its literals (sorted, each once). An empty one among them selects the
 * series without the label. False when it has to be tried on every value. */
bool matcher_literals(const struct matcher *m, const struct str **ret_values, size_t *ret_count);
/* name op "value" */
void matcher_format(const struct matcher *m, struct buf *to);
const char *matcher_type_text(enum matcher_type type); /* = != =~ !~ */
