/* parse_selector.c - vector selectors: name{label="value", ...}, {"name", ...}.
 *
 * Most keywords may name a metric; within braces there are none. A quoted string without an
 * operator is a metric name. Whether the name stands twice is for check.c to say. */
#include "base/assert.h"
#include "querygw/promql/parse_int.h"

enum { MATCHERS_MAX = 10000 }; /* of one expression: a regex may hold some memory */

static const char place[] = "label matching";

bool
token_names_metric(const struct lex_token *t)
{
    switch ((int)t->kind) {
    case LEX_IDENTIFIER:
    case LEX_METRIC_IDENTIFIER:
    case LEX_AGGREGATOR:
    case LEX_BY:
    case LEX_WITHOUT:
    case LEX_FILL:
    case LEX_FILL_LEFT:
    case LEX_FILL_RIGHT:
    case LEX_OFFSET:
    case LEX_ANCHORED:
    case LEX_SMOOTHED:
    case LEX_START:
    case LEX_END:
    case LEX_STEP:
    case LEX_RANGE:
    case LEX_MAX_OF:
    case LEX_MIN_OF:
        return true;
    case LEX_OPERATOR:
        return promql_op_class(t->op) == PROMQL_OP_SET;
    default:
        return false;
    }
}

/* p->token is an operator of matchers. */
static bool
match_operator(const struct lex_token *t, enum matcher_type *ret_type)
{
    if (t->kind == LEX_ASSIGN)
        *ret_type = MATCH_EQUAL;
    else if (t->kind == LEX_OPERATOR && t->op == PROMQL_NE)
        *ret_type = MATCH_NOT_EQUAL;
    else if (t->kind == LEX_MATCH_REGEX)
        *ret_type = MATCH_REGEX;
    else if (t->kind == LEX_MATCH_NOT_REGEX)
        *ret_type = MATCH_NOT_REGEX;
    else
        return false;
    return true;
}

static struct err
make_matcher(struct parser *p, uint32_t start, enum matcher_type type, struct str name,
             struct str value, struct matcher *ret_matcher)
{
    if (++p->matchers > MATCHERS_MAX)
        return ERR(ERR_LIMIT, "expression has more than %d label matchers", MATCHERS_MAX);
    struct err e = matcher_make(p->arena, type, name, value, ret_matcher);
    if (e.code == ERR_NONE)
        return OK;
    struct err positioned = parser_fail(p, start, "%s", err_text(&e));
    err_drop(e);
    return positioned;
}

/* One part of the list; p->token. */
static struct err
parse_matcher(struct parser *p, struct matcher *ret_matcher)
{
    if (p->token.kind != LEX_IDENTIFIER && p->token.kind != LEX_STRING)
        return parser_unexpected_in(p, place, "identifier or \"}\"");
    struct lex_token label = parser_take(p);
    bool quoted = label.kind == LEX_STRING;
    struct str name = quoted ? lex_unquote(p->arena, label.text) : label.text;
    enum matcher_type type;

    TRY(parser_peek(p));
    if (!match_operator(&p->token, &type)) {
        if (!quoted)
            return parser_unexpected_in(p, place, "label matching operator");
        return make_matcher(p, label.start, MATCH_EQUAL, STR("__name__"), name, ret_matcher);
    }
    parser_take(p);
    TRY(parser_peek(p));
    if (p->token.kind != LEX_STRING)
        return parser_unexpected_in(p, place, "string");
    struct str value = lex_unquote(p->arena, parser_take(p).text);
    return make_matcher(p, label.start, type, name, value, ret_matcher);
}

struct matcher_list {
    struct matcher *v; /* in the arena */
    size_t n, cap;
};

static struct matcher *
next_matcher(struct parser *p, struct matcher_list *list)
{
    list->v = parser_grow(p, list->v, list->n, &list->cap, sizeof *list->v);
    return &list->v[list->n++];
}

/* p->token is the opening brace. */
static struct err
parse_matchers(struct parser *p, struct matcher_list *list)
{
    parser_take(p);
    TRY(parser_peek(p));
    while (p->token.kind != LEX_RIGHT_BRACE) {
        TRY(parser_count(p));
        TRY(parse_matcher(p, next_matcher(p, list)));
        TRY(parser_peek(p));
        if (p->token.kind == LEX_RIGHT_BRACE)
            break;
        if (p->token.kind != LEX_COMMA)
            return parser_unexpected_in(p, place, "\",\" or \"}\"");
        parser_take(p);
        TRY(parser_peek(p));
    }
    parser_take(p);
    return OK;
}

struct err
parse_selector(struct parser *p, const struct lex_token *name, struct promql_node **ret_node)
{
    struct matcher_list list = {NULL, 0, 0};
    struct promql_node *n;

    TRY(parser_peek(p));
    ASSERT(name || p->token.kind == LEX_LEFT_BRACE);
    TRY(parser_node(p, PROMQL_VECTOR_SELECTOR, range_of_token(name ? name : &p->token), &n));
    n->type = PROMQL_VECTOR;
    if (p->token.kind == LEX_LEFT_BRACE)
        TRY(parse_matchers(p, &list));
    if (name) {
        n->vector.name = arena_str(p->arena, name->text);
        TRY(make_matcher(p, name->start, MATCH_EQUAL, STR("__name__"), name->text,
                         next_matcher(p, &list)));
    }
    n->vector.matchers = (struct matchers){.v = list.v, .n = list.n};
    n->range.end = p->last_end;
    *ret_node = n;
    return OK;
}
