/* check.c - types: what Prometheus refuses in a tree that its grammar accepts.
 *
 * One walk, children first; the first fault found is told. It also settles what the grammar
 * leaves open: set operators match many-to-many, matching is dropped between scalars, the
 * selector of info() may be empty. Source: prometheus promql/parser/parse.go, checkAST. */
#include "base/assert.h"
#include "base/mem.h"
#include "base/quote.h"
#include "querygw/promql/parse_int.h"

static struct err
expect_type(const struct parser *p, struct promql_node *n, enum promql_type want,
            const char *context)
{
    TRY(check_tree(p, n));
    if (n->type == want)
        return OK;
    return parser_fail(p, n->range.start, "expected type %s in %s, got %s",
                       promql_type_documented(want), context, promql_type_documented(n->type));
}

static struct err
check_aggregate(const struct parser *p, struct promql_node *n)
{
    const struct promql_aggregate *a = &n->aggregate;
    TRY(expect_type(p, a->expr, PROMQL_VECTOR, "aggregation expression"));
    if (!a->param)
        return OK;
    return expect_type(p, a->param, a->aggregator->param, "aggregation parameter");
}

/* Where the operator of a binary expression stands. */
static uint32_t
operator_start(const struct parser *p, const struct promql_node *n)
{
    uint32_t at = n->binary.left->range.end;
    while (at < p->text.n && lex_is_space((uint8_t)p->text.p[at]))
        at++;
    return at;
}

static struct err
check_grouped_labels(const struct parser *p, const struct promql_node *n)
{
    const struct promql_matching *m = n->binary.matching;
    for (size_t i = 0; m->on && i < m->labels.n; i++) {
        for (size_t j = 0; j < m->include.n; j++) {
            if (str_eq(m->labels.v[i], m->include.v[j]))
                return parser_fail_quoted(p, operator_start(p, n), "label ", m->labels.v[i],
                                          " must not occur in ON and GROUP clause at once");
        }
    }
    return OK;
}

static bool
is_operand(const struct promql_node *n)
{
    return n->type == PROMQL_SCALAR || n->type == PROMQL_VECTOR;
}

/* Both sides are instant vectors. */
static struct err
check_set_operation(const struct parser *p, const struct promql_node *n)
{
    const struct promql_matching *m = n->binary.matching;
    if (m->card == PROMQL_MANY_TO_ONE || m->card == PROMQL_ONE_TO_MANY)
        return parser_fail(p, n->range.start, "no grouping allowed for \"%s\" operation",
                           promql_op_text(n->binary.op));
    if (m->has_fill_left || m->has_fill_right)
        return parser_fail(p, n->range.start,
                           "filling in missing series not allowed for set operators");
    return OK;
}

/* At least one side is a scalar. */
static struct err
check_scalar_operation(const struct parser *p, struct promql_node *n)
{
    const struct promql_matching *m = n->binary.matching;
    if (m->labels.n > 0)
        return parser_fail(p, n->range.start,
                           "vector matching only allowed between instant vectors");
    if (m->has_fill_left || m->has_fill_right)
        return parser_fail(p, n->range.start,
                           "filling in missing series only allowed between instant vectors");
    if (promql_op_class(n->binary.op) == PROMQL_OP_SET)
        return parser_fail(p, n->range.start,
                           "set operator \"%s\" not allowed in binary scalar expression",
                           promql_op_text(n->binary.op));
    n->binary.matching = NULL;
    return OK;
}

static struct err
check_binary(const struct parser *p, struct promql_node *n)
{
    struct promql_binary *b = &n->binary;
    enum promql_op_class class = promql_op_class(b->op);
    TRY(check_tree(p, b->left));
    TRY(check_tree(p, b->right));
    bool scalars = b->left->type == PROMQL_SCALAR && b->right->type == PROMQL_SCALAR;

    if (b->returns_bool && class != PROMQL_OP_COMPARISON)
        return parser_fail(p, operator_start(p, n),
                           "bool modifier can only be used on comparison operators");
    if (class == PROMQL_OP_COMPARISON && !b->returns_bool && scalars)
        return parser_fail(p, operator_start(p, n),
                           "comparisons between scalars must use BOOL modifier");
    if (class == PROMQL_OP_SET && b->matching->card == PROMQL_ONE_TO_ONE)
        b->matching->card = PROMQL_MANY_TO_MANY;
    TRY(check_grouped_labels(p, n));
    const struct promql_node *bad = !is_operand(b->left) ? b->left : b->right;
    if (!is_operand(bad))
        return parser_fail(p, bad->range.start,
                           "binary expression must contain only scalar and instant vector types");
    if (b->left->type == PROMQL_SCALAR || b->right->type == PROMQL_SCALAR)
        return check_scalar_operation(p, n);
    return class == PROMQL_OP_SET ? check_set_operation(p, n) : OK;
}

static struct err
check_arg_count(const struct parser *p, const struct promql_node *n)
{
    const struct promql_function *f = n->call.function;
    size_t got = n->call.arg_count, least = f->variadic ? f->arg_count - 1u : f->arg_count;
    const char *how = NULL;
    size_t want = least;

    if (!f->variadic && got != least) {
        how = "";
    } else if (got < least) {
        how = "at least ";
    } else if (f->variadic > 0 && got > least + (size_t)f->variadic) {
        how = "at most ";
        want = least + (size_t)f->variadic;
    }
    if (!how)
        return OK;
    return parser_fail(p, n->range.start, "expected %s%zu argument(s) in call to \"%.*s\", got %zu",
                       how, want, STR_FMT(f->name), got);
}

/* The second argument of info() only picks labels. */
static struct err
check_info_selector(const struct parser *p, const struct promql_node *call)
{
    struct promql_node *arg = call->call.args[1];
    if (arg->type != PROMQL_VECTOR)
        return parser_fail(p, call->range.start,
                           "expected type instant vector in call to function \"info\", got %s",
                           promql_type_documented(arg->type));
    if (arg->kind != PROMQL_VECTOR_SELECTOR)
        return parser_fail(p, arg->range.start, "expected label selectors only");
    if (arg->vector.name.n > 0)
        return parser_fail(p, arg->range.start,
                           "expected label selectors only, got vector selector instead");
    arg->vector.is_info_selector = true;
    return OK;
}

static struct err
check_call(const struct parser *p, struct promql_node *n)
{
    const struct promql_function *f = n->call.function;
    TRY(check_arg_count(p, n));
    if (f->id == PROMQL_FN_INFO && n->call.arg_count > 1)
        TRY(check_info_selector(p, n));
    for (size_t i = 0; i < n->call.arg_count; i++) {
        struct promql_node *arg = n->call.args[i];
        enum promql_type want = f->args[i < f->arg_count ? i : f->arg_count - 1u];
        TRY(check_tree(p, arg));
        if (arg->type != want)
            return parser_fail(
                p, arg->range.start, "expected type %s in call to function \"%.*s\", got %s",
                promql_type_documented(want), STR_FMT(f->name), promql_type_documented(arg->type));
    }
    return OK;
}

static struct err
check_selector(const struct parser *p, const struct promql_node *n)
{
    const struct promql_vector_selector *v = &n->vector;
    if (v->name.n == 0) {
        if (v->is_info_selector || promql_matchers_restrict(v->matchers))
            return OK;
        return parser_fail(p, n->range.start,
                           "vector selector must contain at least one non-empty matcher");
    }
    ASSERT(v->matchers.n > 0); /* the name is the last one */
    for (size_t i = 0; i + 1 < v->matchers.n; i++) {
        if (!str_eq(v->matchers.v[i].name, STR("__name__")))
            continue;
        AUTO(buf_fini) struct buf text = BUF_INIT;
        buf_append(&text, STR("metric name must not be set twice: "));
        quote_text(v->name, &text);
        buf_append(&text, STR(" or "));
        quote_text(v->matchers.v[i].value, &text);
        return parser_fail(p, n->range.start, "%s", buf_cstr(&text));
    }
    return OK;
}

static struct err
check_unary(const struct parser *p, struct promql_node *n)
{
    TRY(check_tree(p, n->unary.expr));
    if (is_operand(n->unary.expr))
        return OK;
    return parser_fail(p, n->range.start,
                       "unary expression only allowed on expressions of type scalar or instant "
                       "vector, got \"%s\"",
                       promql_type_documented(n->unary.expr->type));
}

static struct err
check_subquery(const struct parser *p, struct promql_node *n)
{
    TRY(check_tree(p, n->subquery.expr));
    if (n->subquery.expr->type == PROMQL_VECTOR)
        return OK;
    return parser_fail(p, n->range.start,
                       "subquery is only allowed on instant vector, got %s instead",
                       promql_type_text(n->subquery.expr->type));
}

/* Recursive: the depth of a tree is limited. */
struct err
check_tree(const struct parser *p, struct promql_node *n)
{
    switch (n->kind) {
    case PROMQL_NUMBER:
    case PROMQL_TEXT:
        return OK;
    case PROMQL_VECTOR_SELECTOR:
        return check_selector(p, n);
    case PROMQL_MATRIX_SELECTOR:
        return check_selector(p, n->matrix.selector);
    case PROMQL_SUBQUERY:
        return check_subquery(p, n);
    case PROMQL_PAREN:
        return check_tree(p, n->paren);
    case PROMQL_UNARY:
        return check_unary(p, n);
    case PROMQL_BINARY:
        return check_binary(p, n);
    case PROMQL_AGGREGATE:
        return check_aggregate(p, n);
    case PROMQL_CALL:
        return check_call(p, n);
    case PROMQL_DURATION:
        break;
    }
    UNREACHABLE("a duration expression is no child");
}
