/* parser.c - tokens, errors and nodes for the parse files; see parse_int.h. */
#include "base/assert.h"
#include "base/mem.h"
#include "base/quote.h"
#include "querygw/promql/parse_int.h"

struct err
parser_peek(struct parser *p)
{
    if (p->has_token)
        return OK;
    p->token = lex_next(&p->lexer);
    p->has_token = true;
    if (p->token.kind == LEX_ERROR)
        return parser_fail(p, p->token.start, "%.*s", STR_FMT(p->token.text));
    return OK;
}

struct lex_token
parser_take(struct parser *p)
{
    ASSERT(p->has_token && p->token.kind != LEX_EOF);
    p->has_token = false;
    p->last_end = range_of_token(&p->token).end;
    return p->token;
}

struct err
parser_expect(struct parser *p, enum lex_kind kind)
{
    TRY(parser_peek(p));
    if (p->token.kind != kind)
        return parser_unexpected(p);
    parser_take(p);
    return OK;
}

struct err
parser_fail(const struct parser *p, uint32_t start, const char *fmt, ...)
{
    AUTO(buf_fini) struct buf message = BUF_INIT;
    va_list ap;
    lex_position(p->text, start, &message);
    buf_append(&message, STR(": parse error: "));
    va_start(ap, fmt);
    buf_vprintf(&message, fmt, ap);
    va_end(ap);
    return ERR(ERR_INVALID, "%s", buf_cstr(&message));
}

struct err
parser_fail_quoted(const struct parser *p, uint32_t start, const char *before, struct str quoted,
                   const char *after)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    quote_text(quoted, &text);
    return parser_fail(p, start, "%s%s%s", before, buf_cstr(&text), after);
}

struct err
parser_unexpected(const struct parser *p)
{
    AUTO(buf_fini) struct buf message = BUF_INIT;
    lex_describe(&p->token, &message);
    if (p->context.place)
        buf_printf(&message, " in %s", p->context.place);
    if (p->context.expected)
        buf_printf(&message, ", expected %s", p->context.expected);
    return parser_fail(p, p->token.start, "unexpected %s", buf_cstr(&message));
}

struct err
parser_unexpected_in(struct parser *p, const char *place, const char *expected)
{
    p->context = (struct parse_context){place, expected};
    return parser_unexpected(p);
}

struct err
parser_count(struct parser *p)
{
    if (++p->nodes > PROMQL_NODES_MAX)
        return ERR(ERR_LIMIT, "expression has more than %d parts", PROMQL_NODES_MAX);
    return arena_check(p->arena);
}

static struct err
too_deep(void)
{
    return ERR(ERR_LIMIT, "expression is nested more than %d levels deep", PROMQL_DEPTH_MAX);
}

struct err
parser_enter(struct parser *p)
{
    return ++p->nesting > PROMQL_DEPTH_MAX ? too_deep() : OK;
}

struct err
parser_node(struct parser *p, enum promql_node_kind kind, struct promql_range range,
            struct promql_node **ret_node)
{
    TRY(parser_count(p));
    struct promql_node *n = ARENA_NEW(p->arena, struct promql_node);
    n->kind = kind;
    n->range = range;
    n->depth = 1;
    *ret_node = n;
    return OK;
}

struct err
parser_adopt(const struct parser *p, struct promql_node *n, const struct promql_node *child)
{
    (void)p;
    if (child && child->depth >= n->depth)
        n->depth = child->depth + 1;
    return n->depth > PROMQL_DEPTH_MAX ? too_deep() : OK;
}

void *
parser_grow(struct parser *p, void *items, size_t n, size_t *cap, size_t item_bytes)
{
    if (n < *cap)
        return items;
    *cap = *cap ? *cap * 2 : 4;
    void *wider = arena_array(p->arena, *cap, item_bytes);
    if (n > 0)
        memcpy(wider, items, n * item_bytes);
    return wider;
}
