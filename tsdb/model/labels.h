/* labels.h - a series' identity: name/value pairs, sorted bytewise by name, names unique.
 *
 * `struct labels` is a borrowed view; whoever made it says how long it lives. An empty value
 * equals an absent label and is never stored.
 * Threads: any (values). */
#pragma once
#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum {
    LABELS_COUNT_MAX = 256,          /* labels of one series */
    LABEL_NAME_BYTES_MAX = 4096,     /* of one name          */
    LABEL_VALUE_BYTES_MAX = 1 << 20, /* of one value         */
};

#define LABEL_METRIC_NAME "__name__"

struct label {
    struct str name, value;
};

struct labels {
    const struct label *v;
    size_t n;
};

/* Prometheus labels.Compare: pairs in order, name then value; a prefix first. */
int labels_cmp(struct labels a, struct labels b);
bool labels_eq(struct labels a, struct labels b);
/* The value of `name`, or an empty string. */
struct str labels_get(struct labels l, struct str name);
/* XXH64 over name 0xff value 0xff ..., as Prometheus' labels.Hash(). */
uint64_t labels_hash(struct labels l);
/* {a="b", c="d"}; the metric name stands in front when it is a legacy name. For messages. */
void labels_format(struct labels l, struct buf *to);
/* The same with the name within the braces: {__name__="m", a="b"}, as Go's String(). */
void labels_format_braces(struct labels l, struct buf *to);
/* Sorts `v` by name in place (stable insertion sort; label sets are short). */
void labels_sort(struct label *v, size_t n);
/* A deep copy in the arena. */
struct labels labels_copy(struct arena *a, struct labels l);

/* [a-zA-Z_:][a-zA-Z0-9_:]* and [a-zA-Z_][a-zA-Z0-9_]*: names that print without quotes. */
bool label_is_legacy_metric_name(struct str s);
bool label_is_legacy_name(struct str s);
