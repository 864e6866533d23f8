/* series_notation.h - series as PromQL's test scripts write them: name{a="b"} 1+2x3 _ stale.
 *
 * Source: prometheus promql/parser (series descriptions), docs of promtool's unit tests. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "tests/querygw/fake_store.h"

enum notation_kind { NOTATION_VALUE, NOTATION_OMITTED, NOTATION_HISTOGRAM };

struct notation_value {
    enum notation_kind kind;
    uint64_t bits;                           /* of a NOTATION_VALUE; may be the stale marker */
    const struct float_histogram *histogram; /* of a NOTATION_HISTOGRAM */
    bool has_hint;                           /* whose hint was told */
};

enum { NOTATION_VALUES_MAX = 1 << 20 };

struct notation_series {
    struct labels labels;
    struct notation_value *v;
    size_t n, cap;
    int64_t *starts_ms; /* start timestamps less times; NULL: none. NOTATION_NO_START: not this */
};
#define NOTATION_NO_START INT64_MIN

/* A number as the scripts write it: Go's ParseFloat. False when it is none. */
bool notation_number(struct str text, double *ret_value);
struct err notation_parse(struct arena *a, struct str line, struct notation_series *ret_series);
/* name{a="b"}@st -1m+1sx3 _: start timestamps of the series in the line below. */
bool notation_is_starts(struct str line);
/* Such a line, for a series that was parsed: labels and number of values must agree. */
struct err notation_parse_starts(struct arena *a, struct str line, struct notation_series *s);
/* Adds the values at start, start + step, ... */
void notation_load(struct fake_store *to, const struct notation_series *s, int64_t start_ms,
                   int64_t step_ms);
/* notation_parse() and notation_load() of lines separated by newlines; aborts on a bad one. */
void notation_load_text(struct fake_store *to, const char *lines, int64_t start_ms,
                        int64_t step_ms);
