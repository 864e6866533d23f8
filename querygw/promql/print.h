/* print.h - the canonical text of a tree: what APIs, logs and errors show.
 *
 * Prometheus' Expr.String(): one line, single spaces, matchers sorted, modifiers in the order
 * @, anchored/smoothed, offset (behind a range: anchored/smoothed, @, offset). Parsing the
 * text gives an equal tree. Source: prometheus promql/parser/printer.go. Threads: any. */
#pragma once
#include "base/str.h"
#include "querygw/promql/ast.h"

void promql_print(const struct promql_node *n, struct buf *to);

/* Parts of it, for plans and for pretty.h. */

/* + on (a), >= bool */
void promql_print_operator(const struct promql_binary *b, struct buf *to);
/* sum, or "sum by (a) " with a space at its end */
void promql_print_aggregate_head(const struct promql_aggregate *a, struct buf *to);
/* [1h:5m] @ 1.000 offset 1m */
void promql_print_subquery_suffix(const struct promql_subquery *s, struct buf *to);
