/* yaml.h - YAML text as a tree that is only read, with the place of everything in it.
 *
 * The tree is what Go's yaml.v2 sees: one document, keys that are texts, "<<" merged. A key that
 * stands twice is an error. An alias is its anchor's node once more, not a copy; it counts as many
 * nodes as it stands for, so that no short text stands for a huge tree.
 * Source: YAML 1.1, over libyaml, which only yaml.c sees. Threads: any. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum {
    YAML_BYTES_MAX = 4 << 20,
    YAML_DEPTH_MAX = 32,      /* of lists and maps in one another, aliases followed */
    YAML_NODES_MAX = 1 << 19, /* of the tree, aliases followed */
};

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_pair {
    const struct yaml_node *key; /* a scalar */
    const struct yaml_node *value;
};

struct yaml_node {
    enum yaml_kind kind;
    uint32_t line, column; /* from 1 */
    bool plain;            /* YAML_SCALAR: neither quoted nor tagged, so it may be a number, a
                            * truth value or a null */
    uint8_t height;        /* lists and maps in one another from here down */
    struct str text;       /* YAML_SCALAR */
    size_t count;          /* of items or pairs */
    union {
        const struct yaml_node *const *items; /* YAML_LIST */
        const struct yaml_pair *pairs;        /* YAML_MAP: as written, then what was merged */
    };
};

/* The root is NULL for a text without a document. All is in the arena, copied from the text.
 * ERR_INVALID with line and column, ERR_TOO_LARGE above YAML_BYTES_MAX. */
struct err yaml_parse(struct arena *a, struct str text, const struct yaml_node **ret_root);

/* An unquoted nothing, ~ or null. */
bool yaml_is_null(const struct yaml_node *n);
/* The value of a key of a map; NULL when absent. */
const struct yaml_node *yaml_get(const struct yaml_node *map, struct str key);
