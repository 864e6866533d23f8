/* pretty.h - a query over several lines, as format_query answers it.
 *
 * What fits PRETTY_COLUMNS stands on one line in canonical text; the rest is taken apart at its
 * outermost brackets or operator, two spaces a level. Source: prometheus
 * promql/parser/prettier.go; unlike there, a short subquery is indented as well.
 * Threads: any. */
#pragma once
#include "base/str.h"
#include "querygw/promql/ast.h"

enum { PRETTY_COLUMNS = 100 };

void promql_pretty(const struct promql_node *n, struct buf *to);
