/* exposition.h - the text formats of metrics, line by line.
 *
 * Prometheus' text format 0.0.4 and OpenMetrics 1.0, with names in quotes as Prometheus 3 writes
 * them. One line is one step: a bad line is an error with its place, and the next call goes on with
 * the next line. Both formats are read with the same leniency about blanks.
 * Sources: prometheus.io/docs/instrumenting/exposition_formats, the OpenMetrics specification,
 * Prometheus' parsers (model/textparse).
 * Threads: one at a time. */
#pragma once
#include "base/arena.h"
#include "tsdb/model/exemplar.h"
#include "tsdb/model/metadata.h"

enum exposition_format { EXPOSITION_TEXT, EXPOSITION_OPENMETRICS };

enum exposition_kind {
    EXPOSITION_SAMPLE,
    EXPOSITION_TYPE, /* of a family: `family`, `type` */
    EXPOSITION_HELP, /* `family`, `text` */
    EXPOSITION_UNIT, /* the same */
    EXPOSITION_END,  /* of the input */
};

struct exposition_line {
    enum exposition_kind kind;
    struct str family, text;
    enum metric_kind type;
    struct labels labels; /* with the name; sorted; until the next call */
    uint64_t bits;        /* of the value */
    bool has_time, has_exemplar;
    int64_t t_ms;
    struct exemplar exemplar; /* in the arena; t_ms is that of the sample unless it has its own */
    bool exemplar_has_time;
};

struct exposition {
    struct arena *arena; /* borrowed; texts with escapes and exemplars are there */
    enum exposition_format format;
    struct str rest;
    size_t line;  /* number of the line read last */
    bool saw_end; /* "# EOF" of OpenMetrics */
    bool terse;   /* set by the caller: errors are codes without a text, millions of them cheap */
    struct label labels[LABELS_COUNT_MAX + 1], exemplar_labels[LABELS_COUNT_MAX + 1];
};

/* `text` must outlive what is read from it: names and values are views of it. */
void exposition_init(struct exposition *x, struct arena *a, enum exposition_format format,
                     struct str text);
/* The next line that says something. ERR_INVALID, "line 3, column 7: ..."; call again for the line
 * behind it. */
struct err exposition_next(struct exposition *x, struct exposition_line *ret_line);
