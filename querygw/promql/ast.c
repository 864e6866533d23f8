/* ast.c - walks over the tree of ast.h. */
#include "querygw/promql/ast.h"

#include "base/assert.h"

struct promql_node *
promql_child(const struct promql_node *n, size_t i)
{
    switch (n->kind) {
    case PROMQL_NUMBER:
    case PROMQL_TEXT:
    case PROMQL_VECTOR_SELECTOR:
    case PROMQL_DURATION:
        return NULL;
    case PROMQL_MATRIX_SELECTOR:
        return i == 0 ? n->matrix.selector : NULL;
    case PROMQL_SUBQUERY:
        return i == 0 ? n->subquery.expr : NULL;
    case PROMQL_PAREN:
        return i == 0 ? n->paren : NULL;
    case PROMQL_UNARY:
        return i == 0 ? n->unary.expr : NULL;
    case PROMQL_BINARY:
        return i == 0 ? n->binary.left : i == 1 ? n->binary.right : NULL;
    case PROMQL_AGGREGATE:
        return i == 0 ? n->aggregate.expr : i == 1 ? n->aggregate.param : NULL;
    case PROMQL_CALL:
        return i < n->call.arg_count ? n->call.args[i] : NULL;
    }
    UNREACHABLE("every kind stands above");
}

const struct promql_node *
promql_unwrap(const struct promql_node *n)
{
    while (n->kind == PROMQL_PAREN)
        n = n->paren;
    return n;
}
