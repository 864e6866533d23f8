/* parse_modifier.c - what offset, @, anchored and smoothed change, and where they may stand.
 *
 * Behind a range they belong to its vector selector. */
#include <math.h>

#include "querygw/promql/parse_int.h"

/* The fields that a modifier behind n sets; false when n takes none. */
static bool
modified(struct promql_node *n, struct promql_offset **ret_offset, struct promql_at **ret_at)
{
    if (n->kind == PROMQL_SUBQUERY) {
        *ret_offset = &n->subquery.offset;
        *ret_at = &n->subquery.at;
        return true;
    }
    if (n->kind == PROMQL_MATRIX_SELECTOR)
        n = n->matrix.selector;
    if (n->kind != PROMQL_VECTOR_SELECTOR)
        return false;
    *ret_offset = &n->vector.offset;
    *ret_at = &n->vector.at;
    return true;
}

struct err
parse_set_offset(struct parser *p, struct promql_node *n, int64_t ms, struct promql_node *expr)
{
    struct promql_offset *offset;
    struct promql_at *at;
    if (!modified(n, &offset, &at))
        return parser_fail(p, n->range.start,
                           "offset modifier must be preceded by an instant vector selector or "
                           "range vector selector or a subquery");
    if (offset->ms != 0 || offset->expr)
        return parser_fail(p, n->range.start, "offset may not be set multiple times");
    *offset = (struct promql_offset){.ms = ms, .expr = expr};
    n->range.end = p->last_end;
    return OK;
}

static struct err
set_at(struct parser *p, struct promql_node *n, struct promql_at value)
{
    struct promql_offset *offset;
    struct promql_at *at;
    if (!modified(n, &offset, &at))
        return parser_fail(p, n->range.start,
                           "@ modifier must be preceded by an instant vector selector or range "
                           "vector selector or a subquery");
    if (at->kind != PROMQL_AT_NONE)
        return parser_fail(p, n->range.start, "@ <timestamp> may not be set multiple times");
    *at = value;
    n->range.end = p->last_end;
    return OK;
}

/* Infinities and NaN as Go's %f writes them. */
static struct err
fail_timestamp(const struct parser *p, const struct promql_node *n, double seconds)
{
    static const char what[] = "timestamp out of bounds for @ modifier: ";
    if (isfinite(seconds))
        return parser_fail(p, n->range.start, "%s%f", what, seconds);
    const char *text = isnan(seconds) ? "NaN" : seconds < 0 ? "-Inf" : "+Inf";
    return parser_fail(p, n->range.start, "%s%s", what, text);
}

/* p->token begins the time. */
static struct err
parse_timestamp(struct parser *p, struct promql_node *n)
{
    struct promql_number number;
    bool negative = false;
    if (token_is_sign(&p->token)) {
        negative = parser_take(p).op == PROMQL_SUB;
        TRY(parser_peek(p));
        if (!token_is_number(&p->token))
            return parser_unexpected(p);
    }
    TRY(parse_number(p, &number));
    double seconds = negative ? -number.value : number.value;
    if (!(fabs(seconds) < 0x1p63 / 1000))
        return fail_timestamp(p, n, seconds);
    int64_t ms = (int64_t)round(seconds * 1000);
    return set_at(p, n, (struct promql_at){.kind = PROMQL_AT_TIMESTAMP, .timestamp_ms = ms});
}

struct err
parse_at(struct parser *p, struct promql_node *n)
{
    struct parse_context outer = p->context;
    parser_take(p);
    p->context = (struct parse_context){"@", "timestamp"};
    TRY(parser_peek(p));
    if (token_is_sign(&p->token) || token_is_number(&p->token)) {
        TRY(parse_timestamp(p, n));
    } else if (p->token.kind == LEX_START || p->token.kind == LEX_END) {
        enum promql_at_kind kind =
            parser_take(p).kind == LEX_START ? PROMQL_AT_START : PROMQL_AT_END;
        TRY(parser_expect(p, LEX_LEFT_PAREN));
        TRY(parser_expect(p, LEX_RIGHT_PAREN));
        TRY(set_at(p, n, (struct promql_at){.kind = kind}));
    } else {
        return parser_unexpected(p);
    }
    p->context = outer;
    return OK;
}

struct err
parse_extended(struct parser *p, struct promql_node *n)
{
    bool anchored = parser_take(p).kind == LEX_ANCHORED;
    const char *word = anchored ? "anchored" : "smoothed";
    uint32_t start = n->range.start;
    if (!p->opts.extended_range_selectors)
        return parser_fail(p, start, "%s modifier is experimental and not enabled", word);
    if (n->kind == PROMQL_SUBQUERY)
        return parser_fail(p, start, "%s modifier is not supported for subqueries", word);
    struct promql_node *selector = n->kind == PROMQL_MATRIX_SELECTOR ? n->matrix.selector : n;
    if (selector->kind != PROMQL_VECTOR_SELECTOR)
        return parser_fail(p, start, "%s modifier not implemented", word);
    *(anchored ? &selector->vector.anchored : &selector->vector.smoothed) = true;
    if (selector->vector.anchored && selector->vector.smoothed)
        return parser_fail(p, start, "anchored and smoothed modifiers cannot be used together");
    n->range.end = p->last_end;
    return OK;
}
