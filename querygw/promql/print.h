/* print.h - the canonical text of a tree: what APIs, logs and errors show.
 *
 * Prometheus' Expr.String(): one line, single spaces, matchers sorted, modifiers in the order
 * @, anchored/smoothed, offset. Parsing the text gives an equal tree. Threads: any. */
#pragma once
#include "base/str.h"
#include "querygw/promql/ast.h"

void promql_print(const struct promql_node *n, struct buf *to);
/* on (a) group_left (b) fill (0): with a space in front of each part; nothing for a plain
 * one-to-one match. `m` may be NULL. */
void promql_print_matching(const struct promql_matching *m, struct buf *to);
