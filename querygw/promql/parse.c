/* parse.c - recursive descent for expressions; precedence climbing for their operators.
 *
 *   expression = operand { operator [bool] [on|ignoring [group_left|group_right]] [fill] operand }
 *   operand    = sign expression | primary { [range] | offset d | @ t | anchored | smoothed }
 *   primary    = number | string | ( expression ) | call | aggregation | selector
 * A sign binds as * does: -a^b is -(a^b), -a*b is (-a)*b. What follows a primary binds
 * tightest. The file ends with the parser's own services, see parse_int.h. */
#include "querygw/promql/parse.h"

#include "querygw/promql/parse_int.h"

static const char trailing_comma[] = "trailing commas not allowed in function call args";

static bool
is_call_word(enum lex_kind kind)
{
    return kind >= LEX_START && kind <= LEX_MIN_OF;
}

static bool
starts_expression(const struct lex_token *t)
{
    return token_names_metric(t) || token_is_sign(t) || token_is_number(t) ||
           t->kind == LEX_STRING || t->kind == LEX_LEFT_PAREN || t->kind == LEX_LEFT_BRACE;
}

static struct err
parse_literal(struct parser *p, struct promql_node **ret_node)
{
    bool text = p->token.kind == LEX_STRING;
    TRY(parser_node(p, text ? PROMQL_TEXT : PROMQL_NUMBER, range_of_token(&p->token), ret_node));
    (*ret_node)->type = text ? PROMQL_STRING : PROMQL_SCALAR;
    if (!text)
        return parse_number(p, &(*ret_node)->number);
    (*ret_node)->text = lex_unquote(p->arena, parser_take(p).text);
    return OK;
}

static struct err
parse_paren(struct parser *p, struct promql_node **ret_node)
{
    struct promql_range range = {.start = parser_take(p).start};
    struct promql_node *inner;
    TRY(parse_expression(p, 0, &inner));
    TRY(parser_expect(p, LEX_RIGHT_PAREN));
    range.end = p->last_end;
    TRY(parser_node(p, PROMQL_PAREN, range, ret_node));
    (*ret_node)->paren = inner;
    (*ret_node)->type = inner->type;
    return parser_adopt(p, *ret_node, inner);
}

/* p->token is the opening parenthesis. */
static struct err
parse_arguments(struct parser *p, struct promql_node ***ret_args, size_t *ret_count)
{
    struct promql_node **args = NULL;
    size_t n = 0, cap = 0;

    TRY(parser_expect(p, LEX_LEFT_PAREN));
    TRY(parser_peek(p));
    while (p->token.kind != LEX_RIGHT_PAREN) {
        args = parser_grow(p, args, n, &cap, sizeof *args);
        TRY(parse_expression(p, 0, &args[n]));
        n++;
        TRY(parser_peek(p));
        if (p->token.kind == LEX_RIGHT_PAREN)
            break;
        if (p->token.kind != LEX_COMMA)
            return parser_unexpected(p);
        uint32_t comma = parser_take(p).start;
        TRY(parser_peek(p));
        if (!starts_expression(&p->token))
            return parser_fail(p, comma, "%s", trailing_comma);
    }
    parser_take(p);
    *ret_args = args;
    *ret_count = n;
    return OK;
}

static struct err
parse_call(struct parser *p, const struct lex_token *name, struct promql_node **ret_node)
{
    struct promql_node **args, *n;
    size_t count;
    TRY(parse_arguments(p, &args, &count));

    const struct promql_function *f = promql_function_find(name->text);
    if (!f)
        return parser_fail_quoted(p, name->start, "unknown function with name ", name->text, "");
    if (f->experimental && !p->opts.experimental_functions)
        return parser_fail_quoted(p, name->start, "function ", name->text, " is not enabled");
    TRY(parser_node(p, PROMQL_CALL, (struct promql_range){name->start, p->last_end}, &n));
    n->type = f->returns;
    n->call = (struct promql_call){.function = f, .args = args, .arg_count = count};
    for (size_t i = 0; i < count; i++)
        TRY(parser_adopt(p, n, args[i]));
    *ret_node = n;
    return OK;
}

/* by (...) or without (...); p->token is the keyword. */
static struct err
parse_aggregate_modifier(struct parser *p, struct promql_aggregate *aggregate)
{
    aggregate->without = parser_take(p).kind == LEX_WITHOUT;
    return parse_grouping(p, &aggregate->grouping);
}

static bool
token_groups(const struct lex_token *t)
{
    return t->kind == LEX_BY || t->kind == LEX_WITHOUT;
}

/* Parameter and expression out of the arguments. */
static struct err
set_aggregate_arguments(struct parser *p, struct promql_node *n, struct promql_node **args,
                        size_t count)
{
    const struct promql_aggregator *aggregator = n->aggregate.aggregator;
    size_t want = aggregator->param == PROMQL_NONE ? 1 : 2;
    if (count == 0)
        return parser_fail(p, n->range.start, "no arguments for aggregate expression provided");
    if (aggregator->experimental && !p->opts.experimental_functions)
        return parser_fail(p, n->range.start,
                           "%.*s() is experimental and must be enabled with "
                           "--enable-feature=promql-experimental-functions",
                           STR_FMT(aggregator->name));
    if (count != want)
        return parser_fail(p, n->range.start,
                           "wrong number of arguments for aggregate expression provided, "
                           "expected %zu, got %zu",
                           want, count);
    n->aggregate.expr = args[want - 1];
    n->aggregate.param = want == 2 ? args[0] : NULL;
    TRY(parser_adopt(p, n, n->aggregate.expr));
    return parser_adopt(p, n, n->aggregate.param);
}

/* Behind the name of the aggregator; p->token is by, without or a parenthesis. */
static struct err
parse_aggregate(struct parser *p, const struct lex_token *name, struct promql_node **ret_node)
{
    struct parse_context outer = p->context;
    struct promql_node **args, *n;
    size_t count;

    TRY(parser_node(p, PROMQL_AGGREGATE, range_of_token(name), &n));
    n->type = PROMQL_VECTOR;
    n->aggregate.aggregator = promql_aggregator(name->aggregator);
    p->context = (struct parse_context){.place = "aggregation"};
    bool leading = token_groups(&p->token);
    if (leading)
        TRY(parse_aggregate_modifier(p, &n->aggregate));
    TRY(parse_arguments(p, &args, &count));
    if (!leading) {
        n->range.end = p->last_end;
        TRY(parser_peek(p));
        if (token_groups(&p->token))
            TRY(parse_aggregate_modifier(p, &n->aggregate));
    }
    p->context = outer;
    n->range.end = p->last_end;
    *ret_node = n;
    return set_aggregate_arguments(p, n, args, count);
}

static struct err
parse_primary(struct parser *p, struct promql_node **ret_node)
{
    TRY(parser_peek(p));
    if (token_is_number(&p->token) || p->token.kind == LEX_STRING)
        return parse_literal(p, ret_node);
    if (p->token.kind == LEX_LEFT_PAREN)
        return parse_paren(p, ret_node);
    if (p->token.kind == LEX_LEFT_BRACE)
        return parse_selector(p, NULL, ret_node);
    if (!token_names_metric(&p->token))
        return parser_unexpected(p);

    struct lex_token name = parser_take(p);
    TRY(parser_peek(p));
    if (name.kind == LEX_AGGREGATOR && (p->token.kind == LEX_LEFT_PAREN || token_groups(&p->token)))
        return parse_aggregate(p, &name, ret_node);
    if ((name.kind == LEX_IDENTIFIER || is_call_word(name.kind)) && p->token.kind == LEX_LEFT_PAREN)
        return parse_call(p, &name, ret_node);
    return parse_selector(p, &name, ret_node);
}

static struct err
parse_postfix(struct parser *p, struct promql_node **ret_node)
{
    TRY(parse_primary(p, ret_node));
    for (;;) {
        TRY(parser_peek(p));
        if (p->token.kind == LEX_LEFT_BRACKET)
            TRY(parse_brackets(p, ret_node));
        else if (p->token.kind == LEX_OFFSET)
            TRY(parse_offset(p, *ret_node));
        else if (p->token.kind == LEX_AT)
            TRY(parse_at(p, *ret_node));
        else if (p->token.kind == LEX_ANCHORED || p->token.kind == LEX_SMOOTHED)
            TRY(parse_extended(p, *ret_node));
        else
            return OK;
    }
}

static struct err
parse_operand(struct parser *p, struct promql_node **ret_node)
{
    TRY(parser_peek(p));
    if (!token_is_sign(&p->token))
        return parse_postfix(p, ret_node);

    struct lex_token sign = parser_take(p);
    struct promql_node *inner, *n;
    TRY(parse_expression(p, promql_op_precedence(PROMQL_POW), &inner));
    if (inner->kind == PROMQL_NUMBER) {
        if (sign.op == PROMQL_SUB)
            inner->number.value = -inner->number.value;
        inner->range.start = sign.start;
        *ret_node = inner;
        return OK;
    }
    struct promql_range range = {sign.start, inner->range.end};
    TRY(parser_node(p, PROMQL_UNARY, range, &n));
    n->type = inner->type;
    n->unary = (struct promql_unary){.op = sign.op, .expr = inner};
    *ret_node = n;
    return parser_adopt(p, n, inner);
}

/* One label of by, on and the like; p->token. */
static struct err
parse_grouping_label(struct parser *p, struct str *ret_label)
{
    const struct lex_token *t = &p->token;
    bool word = t->kind == LEX_IDENTIFIER || t->kind == LEX_METRIC_IDENTIFIER ||
                t->kind == LEX_AGGREGATOR || (t->kind >= LEX_BOOL && t->kind <= LEX_MIN_OF) ||
                (t->kind == LEX_OPERATOR && lex_is_alpha((uint8_t)t->text.p[0]));
    if (word) {
        *ret_label = arena_str(p->arena, parser_take(p).text);
        return OK;
    }
    if (t->kind != LEX_STRING)
        return parser_unexpected_in(p, "grouping opts", "label");
    struct lex_token text = parser_take(p);
    *ret_label = lex_unquote(p->arena, text.text);
    if (ret_label->n == 0 || !str_is_utf8(*ret_label))
        return parser_fail_quoted(p, text.start, "invalid label name for grouping: ", *ret_label,
                                  "");
    return OK;
}

struct err
parse_grouping(struct parser *p, struct promql_labels *ret_labels)
{
    struct str *labels = NULL;
    size_t n = 0, cap = 0;

    TRY(parser_peek(p));
    if (p->token.kind != LEX_LEFT_PAREN)
        return parser_unexpected_in(p, "grouping opts", "\"(\"");
    parser_take(p);
    TRY(parser_peek(p));
    while (p->token.kind != LEX_RIGHT_PAREN) {
        labels = parser_grow(p, labels, n, &cap, sizeof *labels);
        TRY(parser_count(p));
        TRY(parse_grouping_label(p, &labels[n]));
        n++;
        TRY(parser_peek(p));
        if (p->token.kind == LEX_RIGHT_PAREN)
            break;
        if (p->token.kind != LEX_COMMA)
            return parser_unexpected_in(p, "grouping opts", "\",\" or \")\"");
        parser_take(p);
        TRY(parser_peek(p));
    }
    parser_take(p);
    *ret_labels = (struct promql_labels){.v = labels, .n = n};
    return OK;
}

/* group_left or group_right is p->token; its labels may be absent. */
static struct err
parse_group_side(struct parser *p, struct promql_matching *m)
{
    m->card = parser_take(p).kind == LEX_GROUP_LEFT ? PROMQL_MANY_TO_ONE : PROMQL_ONE_TO_MANY;
    TRY(parser_peek(p));
    bool fills = p->token.kind >= LEX_FILL && p->token.kind <= LEX_FILL_RIGHT;
    if (p->token.kind != LEX_LEFT_PAREN && (fills || starts_expression(&p->token)))
        return OK;
    return parse_grouping(p, &m->include);
}

/* (number) behind fill. */
static struct err
parse_fill_value(struct parser *p, double *ret_value)
{
    struct promql_number number;
    bool negative = false;
    TRY(parser_expect(p, LEX_LEFT_PAREN));
    TRY(parser_peek(p));
    if (token_is_sign(&p->token)) {
        negative = parser_take(p).op == PROMQL_SUB;
        TRY(parser_peek(p));
    }
    if (!token_is_number(&p->token))
        return parser_unexpected(p);
    TRY(parse_number(p, &number));
    *ret_value = negative ? -number.value : number.value;
    return parser_expect(p, LEX_RIGHT_PAREN);
}

/* fill (x), or fill_left (x) and fill_right (x) in any order; all may be absent. */
static struct err
parse_fill(struct parser *p, struct promql_matching *m)
{
    TRY(parser_peek(p));
    if (p->token.kind == LEX_FILL) {
        parser_take(p);
        TRY(parse_fill_value(p, &m->fill_left));
        m->fill_right = m->fill_left;
        m->has_fill_left = m->has_fill_right = true;
        return OK;
    }
    while ((p->token.kind == LEX_FILL_LEFT && !m->has_fill_left) ||
           (p->token.kind == LEX_FILL_RIGHT && !m->has_fill_right)) {
        bool left = parser_take(p).kind == LEX_FILL_LEFT;
        TRY(parse_fill_value(p, left ? &m->fill_left : &m->fill_right));
        *(left ? &m->has_fill_left : &m->has_fill_right) = true;
        TRY(parser_peek(p));
    }
    return OK;
}

static struct err
parse_matching(struct parser *p, struct promql_binary *b)
{
    struct promql_matching *m = b->matching = ARENA_NEW(p->arena, struct promql_matching);
    TRY(parser_peek(p));
    if (p->token.kind == LEX_BOOL) {
        parser_take(p);
        b->returns_bool = true;
        TRY(parser_peek(p));
    }
    if (p->token.kind == LEX_ON || p->token.kind == LEX_IGNORING) {
        m->on = parser_take(p).kind == LEX_ON;
        TRY(parse_grouping(p, &m->labels));
        TRY(parser_peek(p));
        if (p->token.kind == LEX_GROUP_LEFT || p->token.kind == LEX_GROUP_RIGHT)
            TRY(parse_group_side(p, m));
    }
    return parse_fill(p, m);
}

/* Behind the operator; *node is the left operand and becomes the whole. */
static struct err
parse_binary(struct parser *p, enum promql_op op, struct promql_node **node)
{
    struct promql_node *left = *node, *right, *n;
    int precedence = promql_op_precedence(op);

    TRY(parser_node(p, PROMQL_BINARY, left->range, &n));
    n->binary = (struct promql_binary){.op = op, .left = left};
    TRY(parse_matching(p, &n->binary));
    TRY(parse_expression(p, op == PROMQL_POW ? precedence : precedence + 1, &right));
    if ((n->binary.matching->has_fill_left || n->binary.matching->has_fill_right) &&
        !p->opts.fill_modifiers)
        return parser_fail(p, left->range.start,
                           "binop fill modifiers are experimental and not enabled");
    n->range.end = right->range.end;
    n->binary.right = right;
    bool scalar = left->type == PROMQL_SCALAR && right->type == PROMQL_SCALAR;
    n->type = scalar ? PROMQL_SCALAR : PROMQL_VECTOR;
    *node = n;
    TRY(parser_adopt(p, n, left));
    return parser_adopt(p, n, right);
}

struct err
parse_expression(struct parser *p, int precedence, struct promql_node **ret_node)
{
    TRY(parser_enter(p));
    TRY(parse_operand(p, ret_node));
    for (;;) {
        TRY(parser_peek(p));
        if (p->token.kind != LEX_OPERATOR || promql_op_precedence(p->token.op) < precedence)
            break;
        TRY(parse_binary(p, parser_take(p).op, ret_node));
    }
    parser_leave(p);
    return OK;
}

static struct err
parser_init(struct parser *p, struct arena *a, struct str text,
            const struct promql_parse_opts *opts)
{
    if (text.n > PROMQL_TEXT_BYTES_MAX)
        return ERR(ERR_LIMIT, "expression of %zu bytes, limit %d", text.n, PROMQL_TEXT_BYTES_MAX);
    *p = (struct parser){.arena = a, .text = text};
    if (opts)
        p->opts = *opts;
    lex_init(&p->lexer, a, text);
    return OK;
}

struct err
promql_parse(struct arena *a, struct str text, const struct promql_parse_opts *opts,
             struct promql_node **ret_root)
{
    struct parser p;
    struct promql_node *root;
    TRY(parser_init(&p, a, text, opts));
    TRY(parser_peek(&p));
    if (p.token.kind == LEX_EOF)
        return parser_fail(&p, 0, "no expression found in input");
    TRY(parse_expression(&p, 0, &root));
    if (p.token.kind != LEX_EOF)
        return parser_unexpected(&p);
    TRY(check_tree(&p, root));
    *ret_root = root;
    return OK;
}

struct err
promql_parse_selector(struct arena *a, struct str text, struct matchers *ret_matchers)
{
    struct parser p;
    struct promql_node *n;
    struct lex_token name;
    TRY(parser_init(&p, a, text, NULL));
    TRY(parser_peek(&p));
    bool named = token_names_metric(&p.token);
    if (!named && p.token.kind != LEX_LEFT_BRACE)
        return parser_unexpected(&p);
    if (named)
        name = parser_take(&p);
    TRY(parse_selector(&p, named ? &name : NULL, &n));
    TRY(parser_peek(&p));
    if (p.token.kind != LEX_EOF)
        return parser_unexpected(&p);
    *ret_matchers = n->vector.matchers;
    return OK;
}

bool
promql_matchers_restrict(struct matchers m)
{
    for (size_t i = 0; i < m.n; i++) {
        if (!matcher_match(&m.v[i], STR("")))
            return true;
    }
    return false;
}
