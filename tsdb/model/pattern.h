/* pattern.h - regexes that mean no more than a few literals: answered without RE2, and turned
 * into exact look-ups by readers.
 *
 * Patterns are those of Prometheus: anchored at both ends, the dot matches every character.
 * Whatever is not recognised here is RE2's (base/regex.h), malformed patterns included.
 * Threads: any (pure). */
#pragma once
#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

enum {
    PATTERN_LITERALS_MAX = 10000, /* alternatives of one pattern */
    PATTERN_EXPANDED_MAX = 1000,  /* of those made by multiplying groups: a(b|c)(d|e) */
    PATTERN_DEPTH_MAX = 8,        /* brackets in brackets */
};

/* The texts that match, sorted, each once. Arena's, or views into `pattern`. */
struct pattern_set {
    const struct str *v;
    size_t n;
};
/* Literals, alternatives of them, brackets without repetition, escaped punctuation, ^ and $
 * where they say nothing: a|b, (a|b), foo\.bar, ^a(b|c)$. False for anything else. */
bool pattern_parse_set(struct arena *a, struct str pattern, struct pattern_set *ret_set);
bool pattern_set_match(const struct pattern_set *set, struct str text);

enum pattern_gap {
    PATTERN_NOTHING,
    PATTERN_ANYTHING,  /* .* */
    PATTERN_SOMETHING, /* .+ */
};
/* A literal, perhaps empty, with room around it: foo.*, .*foo, .*foo.*, .+ */
struct pattern_affix {
    enum pattern_gap before, after;
    struct str literal; /* arena's, or a view into `pattern` */
};
bool pattern_parse_affix(struct arena *a, struct str pattern, struct pattern_affix *ret_affix);
bool pattern_affix_match(const struct pattern_affix *p, struct str text);
