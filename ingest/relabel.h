/* relabel.h - Prometheus' relabelling: rules that rewrite the labels of a series, or drop it.
 *
 * Source: prometheus model/relabel, documentation "relabel_config"; names as in UTF-8 mode. Rules
 * are compiled once and immutable. Threads: any. */
#pragma once
#include "base/mem.h"
#include "tsdb/model/label_key.h"

enum {
    RELABEL_RULES_MAX = 1000,
    RELABEL_SOURCES_MAX = 256,            /* source labels of one rule */
    RELABEL_TEMPLATE_BYTES_MAX = 4096,    /* of target_label and replacement */
    RELABEL_WORKING_BYTES_MAX = 16 << 20, /* for one series: that a rule may join or expand,
                                           * and that all may set */
};

struct relabel_rules;

/* A YAML list of rules; a text without a document has none. ERR_INVALID with the line and, where
 * Prometheus has one, its text. The caller owns *ret_rules. */
struct err relabel_parse(struct str yaml, struct relabel_rules **ret_rules);
void relabel_free(struct relabel_rules *rules); /* NULL is allowed */
size_t relabel_count(const struct relabel_rules *rules);
DEFINE_AUTO(struct relabel_rules *, relabel_free)

enum relabel_outcome {
    RELABEL_KEPT,    /* as it was                                */
    RELABEL_CHANGED, /* labels are new, sorted; perhaps none     */
    RELABEL_DROPPED, /* by a rule                                */
    RELABEL_REFUSED, /* what rules made of it is past a limit    */
};

struct relabel_result {
    enum relabel_outcome outcome;
    struct labels labels;   /* RELABEL_CHANGED: in the arena and in what was given */
    enum label_fault fault; /* RELABEL_REFUSED */
};

/* `labels` are sorted, their names unique, their values not empty. */
struct relabel_result relabel_apply(const struct relabel_rules *rules, struct arena *a,
                                    struct labels labels);
