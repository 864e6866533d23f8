/* relabel_int.h - a compiled rule, as parser and interpreter see it. */
#pragma once
#include "base/regex.h"
#include "ingest/relabel.h"

enum relabel_action {
    RELABEL_REPLACE,
    RELABEL_KEEP,
    RELABEL_DROP,
    RELABEL_KEEP_EQUAL,
    RELABEL_DROP_EQUAL,
    RELABEL_HASHMOD,
    RELABEL_LABEL_MAP,
    RELABEL_LABEL_DROP,
    RELABEL_LABEL_KEEP,
    RELABEL_LOWERCASE,
    RELABEL_UPPERCASE,
    RELABEL_ACTION_COUNT
};

struct relabel_rule {
    enum relabel_action action;
    const struct str *sources; /* names whose values are joined */
    size_t source_count;
    struct str separator;
    struct regex *regex; /* owned; with groups for RELABEL_REPLACE and RELABEL_LABEL_MAP */
    struct str target;   /* a template for RELABEL_REPLACE, else a name */
    struct str replacement;
    uint64_t modulus; /* RELABEL_HASHMOD: not 0 */
};

struct relabel_rules {
    struct arena arena; /* holds the texts and the rules */
    struct relabel_rule *v;
    size_t n;
};
