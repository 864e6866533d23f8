/* parse_duration.c - [range], [range:step] and offset, with their duration expressions.
 *
 * Without promql-duration-expr only signed literals are allowed, and offset -(literal). Behind
 * offset an expression ends as early as it can: foo offset 5m - 8 is (foo offset 5m) - 8; but
 * once it begins with a parenthesis or with two signs, the operators + - * / % ^ belong to it,
 * as in Prometheus' grammar. */
#include <math.h>

#include "base/assert.h"
#include "querygw/promql/parse_int.h"

static const double duration_seconds_max = 9223372036.854775807; /* 2^63 ns, exclusive */

static struct err parse_duration(struct parser *p, int precedence, struct promql_node **ret_node);

/* Whole milliseconds, as Go does it: rounded to nanoseconds, then cut. */
static int64_t
duration_ms(double seconds)
{
    ASSERT(fabs(seconds) < duration_seconds_max);
    return (int64_t)round(seconds * 1e9) / 1000000;
}

static struct err
duration_node(struct parser *p, enum promql_duration_op kind, struct promql_range range,
              struct promql_node **ret_node)
{
    TRY(parser_node(p, PROMQL_DURATION, range, ret_node));
    (*ret_node)->type = PROMQL_SCALAR;
    (*ret_node)->duration.kind = kind;
    return OK;
}

static struct err
require_expressions(const struct parser *p, uint32_t start)
{
    if (p->opts.duration_expressions)
        return OK;
    return parser_fail(p, start, "experimental duration expression is not enabled");
}

/* p->token is a number; `sign` is the token before it, or NULL. */
static struct err
parse_duration_literal(struct parser *p, const struct lex_token *sign,
                       struct promql_node **ret_node)
{
    struct promql_range range = range_of_token(&p->token);
    uint32_t start = sign ? sign->start : range.start;
    struct promql_node *n;

    TRY(duration_node(p, PROMQL_DURATION_NUMBER, (struct promql_range){start, range.end}, &n));
    TRY(parse_number(p, &n->duration.number));
    double *value = &n->duration.number.value;
    if (!(fabs(*value) < duration_seconds_max))
        return parser_fail(p, start, "duration out of range");
    if (sign && sign->op == PROMQL_SUB)
        *value = -*value;
    *ret_node = n;
    return OK;
}

/* Puts a parsed operand behind a sign. A plus sign changes nothing. */
static struct err
apply_sign(struct parser *p, const struct lex_token *sign, struct promql_node *inner,
           struct promql_node **ret_node)
{
    struct promql_node *n;
    if (inner->duration.kind == PROMQL_DURATION_NUMBER) {
        if (sign->op == PROMQL_SUB)
            inner->duration.number.value = -inner->duration.number.value;
        inner->range.start = sign->start;
        *ret_node = inner;
        return OK;
    }
    if (sign->op == PROMQL_ADD) {
        *ret_node = inner;
        return OK;
    }
    struct promql_range range = {sign->start, inner->range.end};
    TRY(duration_node(p, PROMQL_DURATION_NEGATE, range, &n));
    n->duration.right = inner;
    *ret_node = n;
    return parser_adopt(p, n, inner);
}

/* Notes the parentheses around `inner`, so that it is printed with them. */
static struct err
wrap(struct parser *p, struct promql_range range, struct promql_node *inner,
     struct promql_node **ret_node)
{
    struct promql_node *n = inner;
    if (inner->duration.kind == PROMQL_DURATION_NUMBER) {
        TRY(duration_node(p, PROMQL_DURATION_PLAIN, range, &n));
        n->duration.right = inner;
        TRY(parser_adopt(p, n, inner));
    }
    n->duration.wrapped = true;
    *ret_node = n;
    return OK;
}

static bool
token_is_duration_call(const struct lex_token *t)
{
    return t->kind == LEX_STEP || t->kind == LEX_RANGE || t->kind == LEX_MAX_OF ||
           t->kind == LEX_MIN_OF;
}

/* step(), range(), max_of(a, b), min_of(a, b); p->token is the word. */
static struct err
parse_duration_call(struct parser *p, struct promql_node **ret_node)
{
    struct lex_token word = parser_take(p);
    bool pair = word.kind == LEX_MAX_OF || word.kind == LEX_MIN_OF;
    enum promql_duration_op kind = word.kind == LEX_STEP     ? PROMQL_DURATION_STEP
                                   : word.kind == LEX_RANGE  ? PROMQL_DURATION_RANGE
                                   : word.kind == LEX_MAX_OF ? PROMQL_DURATION_MAX_OF
                                                             : PROMQL_DURATION_MIN_OF;
    struct promql_node *n;

    TRY(duration_node(p, kind, range_of_token(&word), &n));
    TRY(parser_expect(p, LEX_LEFT_PAREN));
    if (pair) {
        TRY(parse_duration(p, 0, &n->duration.left));
        TRY(parser_expect(p, LEX_COMMA));
        TRY(parse_duration(p, 0, &n->duration.right));
        TRY(parser_adopt(p, n, n->duration.left));
        TRY(parser_adopt(p, n, n->duration.right));
    }
    TRY(parser_expect(p, LEX_RIGHT_PAREN));
    n->range.end = p->last_end;
    *ret_node = n;
    return OK;
}

/* ( duration ), not yet asked whether that is enabled. */
static struct err
parse_duration_paren(struct parser *p, struct promql_node **ret_node)
{
    struct promql_range range = {.start = parser_take(p).start};
    struct promql_node *inner;
    TRY(parse_duration(p, 0, &inner));
    TRY(parser_expect(p, LEX_RIGHT_PAREN));
    range.end = p->last_end;
    return wrap(p, range, inner, ret_node);
}

static struct err
parse_duration_operand(struct parser *p, struct promql_node **ret_node)
{
    TRY(parser_peek(p));
    if (token_is_sign(&p->token)) {
        struct lex_token sign = parser_take(p);
        struct promql_node *inner;
        TRY(parse_duration(p, promql_op_precedence(PROMQL_POW), &inner));
        return apply_sign(p, &sign, inner, ret_node);
    }
    if (token_is_number(&p->token))
        return parse_duration_literal(p, NULL, ret_node);
    if (token_is_duration_call(&p->token)) {
        TRY(parse_duration_call(p, ret_node));
        return require_expressions(p, (*ret_node)->range.start);
    }
    if (p->token.kind != LEX_LEFT_PAREN)
        return parser_unexpected(p);
    TRY(parse_duration_paren(p, ret_node));
    const struct promql_node *n = *ret_node;
    bool literal = n->duration.kind == PROMQL_DURATION_PLAIN;
    return require_expressions(p, literal ? n->duration.right->range.start : n->range.start);
}

/* Behind `left`, the operators that bind at least as tightly as `precedence`. */
static struct err
parse_duration_rest(struct parser *p, int precedence, struct promql_node *left,
                    struct promql_node **ret_node)
{
    struct promql_node *right, *n;
    for (;;) {
        TRY(parser_peek(p));
        if (p->token.kind != LEX_OPERATOR || promql_op_class(p->token.op) != PROMQL_OP_ARITHMETIC ||
            p->token.op == PROMQL_ATAN2 || promql_op_precedence(p->token.op) < precedence)
            break;
        struct lex_token op = parser_take(p);
        int level = promql_op_precedence(op.op);
        TRY(parse_duration(p, op.op == PROMQL_POW ? level : level + 1, &right));
        TRY(require_expressions(p, left->range.start));
        bool zero =
            right->duration.kind == PROMQL_DURATION_NUMBER && right->duration.number.value == 0;
        if (zero && (op.op == PROMQL_DIV || op.op == PROMQL_MOD))
            return parser_fail(p, op.start, "%s by zero",
                               op.op == PROMQL_DIV ? "division" : "modulo");
        struct promql_range range = {left->range.start, right->range.end};
        TRY(duration_node(p, PROMQL_DURATION_BINARY, range, &n));
        n->duration.op = op.op;
        n->duration.left = left;
        n->duration.right = right;
        TRY(parser_adopt(p, n, left));
        TRY(parser_adopt(p, n, right));
        left = n;
    }
    *ret_node = left;
    return OK;
}

static struct err
parse_duration(struct parser *p, int precedence, struct promql_node **ret_node)
{
    struct promql_node *left;
    TRY(parser_enter(p));
    TRY(parse_duration_operand(p, &left));
    TRY(parse_duration_rest(p, precedence, left, ret_node));
    parser_leave(p);
    return OK;
}

/* A range or a step: a literal goes to *ret_ms, what has to be computed to *ret_expr. */
static struct err
parse_positive_duration(struct parser *p, int64_t *ret_ms, struct promql_node **ret_expr)
{
    struct promql_node *n;
    TRY(parse_duration(p, 0, &n));
    if (n->duration.kind != PROMQL_DURATION_NUMBER) {
        *ret_expr = n;
        return OK;
    }
    *ret_ms = duration_ms(n->duration.number.value);
    if (*ret_ms <= 0)
        return parser_fail(p, n->range.start, "duration must be greater than 0");
    return OK;
}

static struct err
check_ranged(const struct parser *p, const struct promql_node *n, uint32_t bracket)
{
    const char *what = NULL;
    if (n->kind != PROMQL_VECTOR_SELECTOR)
        what = "ranges only allowed for vector selectors";
    else if (n->vector.offset.ms || n->vector.offset.expr)
        what = "no offset modifiers allowed before range";
    else if (n->vector.at.kind != PROMQL_AT_NONE)
        what = "no @ modifiers allowed before range";
    return what ? parser_fail(p, bracket, "%s", what) : OK;
}

/* Behind the colon. */
static struct err
parse_subquery(struct parser *p, struct promql_node *n)
{
    p->context =
        (struct parse_context){"subquery selector", "number, duration, step(), range(), or \"]\""};
    TRY(parser_peek(p));
    if (p->token.kind != LEX_RIGHT_BRACKET)
        TRY(parse_positive_duration(p, &n->subquery.step_ms, &n->subquery.step_expr));
    p->context.expected = "\"]\"";
    return parser_expect(p, LEX_RIGHT_BRACKET);
}

struct err
parse_brackets(struct parser *p, struct promql_node **node)
{
    struct parse_context outer = p->context;
    struct promql_node *inner = *node, *expr = NULL, *n;
    uint32_t bracket = parser_take(p).start;
    int64_t ms = 0;

    p->context = (struct parse_context){"subquery or range selector",
                                        "number, duration, step(), or range()"};
    TRY(parse_positive_duration(p, &ms, &expr));
    p->context = (struct parse_context){"subquery or range", "\":\" or \"]\""};
    TRY(parser_peek(p));
    bool subquery = p->token.kind == LEX_COLON;
    TRY(parser_expect(p, subquery ? LEX_COLON : LEX_RIGHT_BRACKET));
    if (!subquery)
        TRY(check_ranged(p, inner, bracket));
    TRY(parser_node(p, subquery ? PROMQL_SUBQUERY : PROMQL_MATRIX_SELECTOR, inner->range, &n));
    n->type = PROMQL_MATRIX;
    if (subquery) {
        n->subquery = (struct promql_subquery){.expr = inner, .range_ms = ms, .range_expr = expr};
        TRY(parse_subquery(p, n));
    } else {
        n->matrix =
            (struct promql_matrix_selector){.selector = inner, .range_ms = ms, .range_expr = expr};
    }
    p->context = outer;
    n->range.end = p->last_end;
    *node = n;
    return parser_adopt(p, n, inner);
}

/* Behind the first sign. */
static struct err
parse_signed_offset(struct parser *p, const struct lex_token *sign, struct promql_node **ret_node)
{
    struct promql_node *inner, *n;
    TRY(parser_peek(p));
    if (token_is_number(&p->token))
        return parse_duration_literal(p, sign, ret_node);
    if (p->token.kind == LEX_LEFT_PAREN) {
        TRY(parse_duration_paren(p, &inner));
        if (sign->op == PROMQL_ADD) /* it would be printed without the sign */
            TRY(require_expressions(p, sign->start));
        return apply_sign(p, sign, inner, ret_node);
    }
    if (token_is_duration_call(&p->token)) {
        TRY(parse_duration_call(p, &inner));
        TRY(require_expressions(p, sign->start));
        return apply_sign(p, sign, inner, ret_node);
    }
    if (!token_is_sign(&p->token))
        return parser_unexpected(p);
    TRY(parse_duration(p, promql_op_precedence(PROMQL_POW), &inner));
    TRY(apply_sign(p, sign, inner, &n));
    return parse_duration_rest(p, 0, n, ret_node);
}

static struct err
parse_offset_operand(struct parser *p, struct promql_node **ret_node)
{
    struct promql_node *left;
    TRY(parser_peek(p));
    if (token_is_sign(&p->token)) {
        struct lex_token sign = parser_take(p);
        return parse_signed_offset(p, &sign, ret_node);
    }
    TRY(parse_duration_operand(p, &left));
    if (!left->duration.wrapped) {
        *ret_node = left;
        return OK;
    }
    return parse_duration_rest(p, 0, left, ret_node);
}

struct err
parse_offset(struct parser *p, struct promql_node *n)
{
    struct parse_context outer = p->context;
    struct promql_node *d;
    parser_take(p);
    p->context = (struct parse_context){"offset", "number, duration, step(), or range()"};
    TRY(parse_offset_operand(p, &d));
    p->context = outer;
    bool literal = d->duration.kind == PROMQL_DURATION_NUMBER;
    int64_t ms = literal ? duration_ms(d->duration.number.value) : 0;
    return parse_set_offset(p, n, ms, literal ? NULL : d);
}
