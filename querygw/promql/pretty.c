/* pretty.c - see pretty.h. A part is indented where its text begins a line. */
#include "querygw/promql/pretty.h"

#include "base/assert.h"
#include "base/mem.h"
#include "querygw/promql/print.h"

static void pretty_node(const struct promql_node *n, size_t level, struct buf *to);

static void
put_indent(size_t level, struct buf *to)
{
    for (size_t i = 0; i < level; i++)
        buf_append(to, STR("  "));
}

/* Takes the nodes below n off *left; false once there were more. */
static bool
count_nodes(const struct promql_node *n, size_t *left)
{
    const struct promql_node *child;
    if (*left == 0)
        return false;
    --*left;
    for (size_t i = 0; (child = promql_child(n, i)); i++) {
        if (!count_nodes(child, left))
            return false;
    }
    return true;
}

/* Only a small tree is printed to measure it: else each level would print all below it. */
static bool
needs_split(const struct promql_node *n)
{
    size_t left = PRETTY_COLUMNS; /* every node has a byte of its own */
    if (!count_nodes(n, &left))
        return true;
    AUTO(buf_fini) struct buf text = BUF_INIT;
    promql_print(n, &text);
    return text.n > PRETTY_COLUMNS;
}

static void
pretty_aggregate(const struct promql_aggregate *a, size_t level, struct buf *to)
{
    put_indent(level, to);
    promql_print_aggregate_head(a, to);
    buf_append(to, STR("(\n"));
    if (a->param) {
        pretty_node(a->param, level + 1, to);
        buf_append(to, STR(",\n"));
    }
    pretty_node(a->expr, level + 1, to);
    buf_put_u8(to, '\n');
    put_indent(level, to);
    buf_put_u8(to, ')');
}

static void
pretty_binary(const struct promql_binary *b, size_t level, struct buf *to)
{
    pretty_node(b->left, level + 1, to);
    buf_put_u8(to, '\n');
    put_indent(level, to);
    promql_print_operator(b, to);
    buf_put_u8(to, '\n');
    pretty_node(b->right, level + 1, to);
}

static void
pretty_call(const struct promql_call *c, size_t level, struct buf *to)
{
    put_indent(level, to);
    buf_append(to, c->function->name);
    buf_append(to, STR("(\n"));
    for (size_t i = 0; i < c->arg_count; i++) {
        if (i > 0)
            buf_append(to, STR(",\n"));
        pretty_node(c->args[i], level + 1, to);
    }
    buf_put_u8(to, '\n');
    put_indent(level, to);
    buf_put_u8(to, ')');
}

static void
pretty_paren(const struct promql_node *inner, size_t level, struct buf *to)
{
    put_indent(level, to);
    buf_append(to, STR("(\n"));
    pretty_node(inner, level + 1, to);
    buf_put_u8(to, '\n');
    put_indent(level, to);
    buf_put_u8(to, ')');
}

/* The operand follows its sign on the same line, however deep it would begin. */
static void
pretty_unary(const struct promql_unary *u, size_t level, struct buf *to)
{
    AUTO(buf_fini) struct buf operand = BUF_INIT;
    pretty_node(u->expr, level, &operand);
    put_indent(level, to);
    buf_append(to, str_of_cstr(promql_op_text(u->op)));
    buf_append(to, str_trim(buf_str(&operand)));
}

/* Recursive: the depth of a tree is limited. */
static void
pretty_node(const struct promql_node *n, size_t level, struct buf *to)
{
    if (n->kind == PROMQL_UNARY) {
        pretty_unary(&n->unary, level, to);
        return;
    }
    bool parts = promql_child(n, 0) && n->kind != PROMQL_MATRIX_SELECTOR;
    if (!parts || !needs_split(n)) {
        put_indent(level, to);
        promql_print(n, to);
        return;
    }
    switch (n->kind) {
    case PROMQL_AGGREGATE:
        pretty_aggregate(&n->aggregate, level, to);
        return;
    case PROMQL_BINARY:
        pretty_binary(&n->binary, level, to);
        return;
    case PROMQL_CALL:
        pretty_call(&n->call, level, to);
        return;
    case PROMQL_PAREN:
        pretty_paren(n->paren, level, to);
        return;
    case PROMQL_SUBQUERY:
        pretty_node(n->subquery.expr, level, to);
        promql_print_subquery_suffix(&n->subquery, to);
        return;
    case PROMQL_NUMBER:
    case PROMQL_TEXT:
    case PROMQL_VECTOR_SELECTOR:
    case PROMQL_MATRIX_SELECTOR:
    case PROMQL_UNARY:
    case PROMQL_DURATION:
        break;
    }
    UNREACHABLE("has no parts, or was handled above");
}

void
promql_pretty(const struct promql_node *n, struct buf *to)
{
    pretty_node(n, 0, to);
}
