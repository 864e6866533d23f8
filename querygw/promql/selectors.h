/* selectors.h - the selectors that an expression is made of. Threads: any. */
#pragma once
#include "querygw/promql/ast.h"

struct promql_selectors {
    struct matchers *v; /* in the arena; the matchers are the tree's */
    size_t n;
};
/* Of every vector selector below `root`, those of ranges and subqueries included, from left to
 * right. Source: prometheus promql/parser (ExtractSelectors). */
struct promql_selectors promql_selectors_of(struct arena *a, const struct promql_node *root);
