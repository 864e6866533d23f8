/* parse_int.h - the parser that parse.c, parse_selector.c and parse_duration.c share.
 *
 * One token is read ahead, and only when it is needed: so errors come in the order in which
 * Prometheus finds them. Its grammar has error rules at a few places; `context` is the one
 * that would catch a syntax error now, and says what stands in the message. */
#pragma once
#include "querygw/promql/lex.h"
#include "querygw/promql/parse.h"

struct parse_context {
    const char *place;    /* "in ..."; NULL for none */
    const char *expected; /* NULL for none */
};

struct parser {
    struct promql_parse_opts opts;
    struct arena *arena;
    struct str text; /* borrowed */
    struct lexer lexer;
    struct lex_token token; /* the next one when has_token */
    bool has_token;
    uint32_t last_end;            /* where the last token taken ends */
    struct parse_context context; /* see above */
    unsigned nesting;             /* open calls of parse_expression() and parse_duration() */
    size_t nodes, matchers;       /* made so far */
};

/* p->token becomes the next token; a lexical error is returned. */
struct err parser_peek(struct parser *p);
/* Takes p->token, which must be there. */
struct lex_token parser_take(struct parser *p);
/* p->token must be of this kind, and is taken; otherwise a syntax error. */
struct err parser_expect(struct parser *p, enum lex_kind kind);
/* A parse error at byte `start` of the query. */
struct err parser_fail(const struct parser *p, uint32_t start, const char *fmt, ...)
    PRINTF_LIKE(3, 4) MUST_USE;
/* The same with a quoted text at the end. */
struct err parser_fail_quoted(const struct parser *p, uint32_t start, const char *before,
                              struct str quoted, const char *after) MUST_USE;
/* The error of a token that the grammar does not allow here. */
struct err parser_unexpected(const struct parser *p);
struct err parser_unexpected_in(struct parser *p, const char *place, const char *expected);

/* Counts something of the tree against PROMQL_NODES_MAX and the arena's budget. */
struct err parser_count(struct parser *p);
/* Enters one more level of nested input; parser_leave() on success. */
struct err parser_enter(struct parser *p);
static inline void
parser_leave(struct parser *p)
{
    p->nesting--;
}
/* A zeroed node; depth 1. */
struct err parser_node(struct parser *p, enum promql_node_kind kind, struct promql_range range,
                       struct promql_node **ret_node);
/* Puts `child` below n: n->depth. `child` may be NULL. */
struct err parser_adopt(const struct parser *p, struct promql_node *n,
                        const struct promql_node *child);
/* Room for one more item behind the n of an array in the arena; *cap is 0 at first. */
void *parser_grow(struct parser *p, void *items, size_t n, size_t *cap, size_t item_bytes);

static inline struct promql_range
range_of_token(const struct lex_token *t)
{
    return (struct promql_range){t->start, t->start + (uint32_t)t->text.n};
}

static inline bool
token_is_sign(const struct lex_token *t)
{
    return t->kind == LEX_OPERATOR && (t->op == PROMQL_ADD || t->op == PROMQL_SUB);
}

static inline bool
token_is_number(const struct lex_token *t)
{
    return t->kind == LEX_NUMBER || t->kind == LEX_DURATION;
}

/* parse.c: operators that bind at least as tightly as `precedence`; 0 for all. */
struct err parse_expression(struct parser *p, int precedence, struct promql_node **ret_node);
/* (label, "label", ...) */
struct err parse_grouping(struct parser *p, struct promql_labels *ret_labels);

/* parse_number.c: p->token, a number or a duration, is taken. */
struct err parse_number(struct parser *p, struct promql_number *ret_number);

/* parse_selector.c */
bool token_names_metric(const struct lex_token *t);
/* `name` is NULL, or the token taken before; braces may follow, without a name they must. */
struct err parse_selector(struct parser *p, const struct lex_token *name,
                          struct promql_node **ret_node);

/* parse_duration.c: what follows an operand. The first token is p->token; *node is changed in
 * place or replaced. */
struct err parse_brackets(struct parser *p, struct promql_node **node);
struct err parse_offset(struct parser *p, struct promql_node *n);
/* parse_modifier.c */
struct err parse_at(struct parser *p, struct promql_node *n);
struct err parse_extended(struct parser *p, struct promql_node *n);
/* `expr` may be NULL. */
struct err parse_set_offset(struct parser *p, struct promql_node *n, int64_t ms,
                            struct promql_node *expr);

/* check.c: types the tree below `n` and refuses what does not fit. */
struct err check_tree(const struct parser *p, struct promql_node *n);
