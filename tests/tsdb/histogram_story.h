/* histogram_story.h - lines of tests/data/float_histograms.go: what Prometheus was asked of native
 * histograms, and what it said. */
#pragma once
#include "tests/tsdb/histogram_kit.h"

enum { HISTOGRAM_STORY_PARTS_MAX = 12 };

/* "<name> [arguments] | <histogram> | ... | <result>" */
struct histogram_story {
    struct str name;
    double arguments[2];
    struct str parts[HISTOGRAM_STORY_PARTS_MAX]; /* behind the first; texts of C */
    size_t n;
    struct arena *a;
};

/* Calls tell() with each line of $srcdir/tests/data/<file> that has this name; at least `least`. */
void histogram_story_tell(const char *file, struct str name, size_t least,
                          void (*tell)(const struct histogram_story *s));
/* The operand number i, from 0. */
struct float_histogram *histogram_story_operand(const struct histogram_story *s, size_t i);
/* The result at i from the end, 1 being the last one, is this text, histogram or number. */
void histogram_story_check(const struct histogram_story *s, size_t i, const char *got);
void histogram_story_check_histogram(const struct histogram_story *s, size_t i,
                                     const struct float_histogram *got);
void histogram_story_check_number(const struct histogram_story *s, size_t i, double got);
