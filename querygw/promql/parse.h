/* parse.h - from the text of a PromQL expression to its checked tree.
 *
 * Recursive descent over the tokens of lex.h; then check.h types the tree. Errors are
 * ERR_INVALID with Prometheus' text, position first: `1:5: parse error: unexpected ...`; only
 * the first one is told. Source of the language: prometheus promql/parser/generated_parser.y.
 * Threads: any. */
#pragma once
#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "querygw/promql/ast.h"

/* What --enable-feature switches on; all off by default, as in Prometheus. */
struct promql_parse_opts {
    bool experimental_functions;   /* promql-experimental-functions, limitk, limit_ratio */
    bool duration_expressions;     /* promql-duration-expr */
    bool extended_range_selectors; /* promql-extended-range-selectors: anchored, smoothed */
    bool fill_modifiers;           /* promql-binop-fill-modifiers */
};

/* *ret_root lives in `a`. ERR_LIMIT when the text or the nesting is too large. `opts` may be
 * NULL: all off. */
struct err promql_parse(struct arena *a, struct str text, const struct promql_parse_opts *opts,
                        struct promql_node **ret_root);
/* One series selector, as match[] takes it: name{matchers} without range, offset and @.
 * A selector that matches everything is accepted: see promql_matchers_restrict(). */
struct err promql_parse_selector(struct arena *a, struct str text, struct matchers *ret_matchers);
/* At least one matcher refuses the empty value; match[] of the API must have one. */
bool promql_matchers_restrict(struct matchers m);
