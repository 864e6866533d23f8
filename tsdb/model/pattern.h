/* pattern.h - regexes that mean no more than a few literals, with or without gaps: answered without
 * RE2, and turned into exact look-ups by readers.
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
    PATTERN_EXPANDED_MAX = 1000,  /* of those made by multiplying groups: a(b|c)[de] */
    PATTERN_GLOBS_MAX = 64,       /* alternatives when some have gaps: each is tried */
    PATTERN_DEPTH_MAX = 8,        /* brackets in brackets */
};

/* Texts, sorted, each once. Arena's, or views into the pattern. */
struct pattern_set {
    const struct str *v;
    size_t n;
};
/* A literal with gaps between, before and behind its parts. */
struct pattern_glob {
    struct str text;   /* in pattern.c's own form */
    size_t head_bytes; /* of the literal in front of the first gap */
};
/* Alternatives. */
struct pattern_globs {
    const struct pattern_glob *v; /* arena's */
    size_t n;
    struct pattern_set prefixes; /* what matches starts with one; none starts with another */
};

enum pattern_kind {
    PATTERN_SET,   /* literals, alternatives of them, brackets, classes, escaped punctuation, `?`,
                      ^ and $ where they say nothing: a|b, (a|b)c?, foo\.bar, ^a(b|c)[0-9]$ */
    PATTERN_GLOBS, /* those with dots, alone or with * or +: foo.*, .*foo.*bar, (a|b)-.+, 5.. */
    PATTERN_OTHER,
};
/* *ret_set are the texts that match, or *ret_globs what decides that; by the kind returned. */
enum pattern_kind pattern_parse(struct arena *a, struct str pattern, struct pattern_set *ret_set,
                                struct pattern_globs *ret_globs);
bool pattern_set_match(const struct pattern_set *set, struct str text);
/* In time linear in the text for each of the globs. */
bool pattern_globs_match(const struct pattern_globs *globs, struct str text);
/* Every text matches. */
bool pattern_globs_match_all(const struct pattern_globs *globs);
