/* print.c - canonical text. One function a kind of node; see print.h for the rules. */
#include "querygw/promql/print.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/numtext.h"
#include "base/quote.h"
#include "base/vec.h"
#include "conf/units.h"
#include "tsdb/model/labels.h"

static void
put_text(struct buf *to, const char *text)
{
    buf_append(to, str_of_cstr(text));
}

/* A duration of the language has no sign of its own: -5m is a sign and a duration. */
static void
put_duration(int64_t ms, struct buf *to)
{
    if (ms < 0)
        buf_put_u8(to, '-');
    duration_format(ms < 0 ? -ms : ms, to);
}

static void
put_number(const struct promql_number *number, struct buf *to)
{
    char text[NUMTEXT_BYTES_MAX];
    if (number->is_duration && fabs(number->value) * 1000 < 0x1p62)
        put_duration((int64_t)round(number->value * 1000), to);
    else
        buf_append(to, str_of(text, numtext_f(number->value, text)));
}

/* A word that the lexer would take for a number has to be quoted, too. */
static void
put_labels(const struct promql_labels *labels, struct buf *to)
{
    for (size_t i = 0; i < labels->n; i++) {
        struct str label = labels->v[i];
        if (i > 0)
            put_text(to, ", ");
        if (label_is_legacy_name(label) && !str_eq_nocase(label, STR("inf")) &&
            !str_eq_nocase(label, STR("nan")))
            buf_append(to, label);
        else
            quote_text(label, to);
    }
}

static void
put_fill(const char *word, double value, struct buf *to)
{
    char text[NUMTEXT_BYTES_MAX];
    buf_printf(to, " %s (", word);
    buf_append(to, str_of(text, numtext_g(value, text)));
    buf_put_u8(to, ')');
}

/* With a space in front of each part; nothing for a plain one-to-one match. `m` may be NULL. */
static void
put_matching(const struct promql_matching *m, struct buf *to)
{
    if (!m)
        return;
    bool grouped = m->card == PROMQL_MANY_TO_ONE || m->card == PROMQL_ONE_TO_MANY;
    if (m->labels.n > 0 || m->on || grouped) {
        put_text(to, m->on ? " on (" : " ignoring (");
        put_labels(&m->labels, to);
        buf_put_u8(to, ')');
    }
    if (grouped) {
        put_text(to, m->card == PROMQL_MANY_TO_ONE ? " group_left (" : " group_right (");
        put_labels(&m->include, to);
        buf_put_u8(to, ')');
    }
    if (m->has_fill_left && m->has_fill_right && m->fill_left == m->fill_right) {
        put_fill("fill", m->fill_left, to);
        return;
    }
    if (m->has_fill_left)
        put_fill("fill_left", m->fill_left, to);
    if (m->has_fill_right)
        put_fill("fill_right", m->fill_right, to);
}

/* --- durations ------------------------------------------------------------------------- */

/* A literal, or the expression where there is one. */
static void
put_span(int64_t ms, const struct promql_node *expr, struct buf *to)
{
    if (expr)
        promql_print(expr, to);
    else
        put_duration(ms, to);
}

static void
put_pair(const char *word, const struct promql_duration *d, struct buf *to)
{
    put_text(to, word);
    promql_print(d->left, to);
    put_text(to, ", ");
    promql_print(d->right, to);
    buf_put_u8(to, ')');
}

static void
put_duration_node(const struct promql_duration *d, struct buf *to)
{
    if (d->wrapped)
        buf_put_u8(to, '(');
    switch (d->kind) {
    case PROMQL_DURATION_NUMBER:
        put_number(&d->number, to);
        break;
    case PROMQL_DURATION_STEP:
        put_text(to, "step()");
        break;
    case PROMQL_DURATION_RANGE:
        put_text(to, "range()");
        break;
    case PROMQL_DURATION_MIN_OF:
        put_pair("min_of(", d, to);
        break;
    case PROMQL_DURATION_MAX_OF:
        put_pair("max_of(", d, to);
        break;
    case PROMQL_DURATION_BINARY:
        promql_print(d->left, to);
        buf_printf(to, " %s ", promql_op_text(d->op));
        promql_print(d->right, to);
        break;
    case PROMQL_DURATION_NEGATE:
        buf_put_u8(to, '-');
        promql_print(d->right, to);
        break;
    case PROMQL_DURATION_PLAIN:
        promql_print(d->right, to);
        break;
    }
    if (d->wrapped)
        buf_put_u8(to, ')');
}

/* Behind offset the parser stops reading as early as it can, see parse_duration.c: not before
 * all operators were read when the text begins with a parenthesis or with two signs. */
static bool
begins_open(const struct promql_node *n)
{
    const struct promql_duration *d = &n->duration;
    while (d->kind == PROMQL_DURATION_BINARY && !d->wrapped)
        d = &d->left->duration;
    if (d->wrapped || d->kind != PROMQL_DURATION_NEGATE)
        return d->wrapped;
    return d->right->duration.kind == PROMQL_DURATION_NEGATE && !d->right->duration.wrapped;
}

/* The parser would stop within this expression: it needs parentheses. */
static bool
is_cut_short(const struct promql_node *n)
{
    const struct promql_duration *d = &n->duration;
    if (d->wrapped)
        return false;
    if (d->kind == PROMQL_DURATION_NEGATE)
        return d->right->duration.kind == PROMQL_DURATION_BINARY && !d->right->duration.wrapped;
    return d->kind == PROMQL_DURATION_BINARY && !begins_open(n);
}

/* The text of n ends in an offset to which the parser would count an operator behind it. */
static bool
ends_open(const struct promql_node *n)
{
    while (n->kind == PROMQL_BINARY || n->kind == PROMQL_UNARY)
        n = n->kind == PROMQL_BINARY ? n->binary.right : n->unary.expr;
    if (n->kind == PROMQL_MATRIX_SELECTOR)
        n = n->matrix.selector;
    const struct promql_node *expr = n->kind == PROMQL_VECTOR_SELECTOR ? n->vector.offset.expr
                                     : n->kind == PROMQL_SUBQUERY      ? n->subquery.offset.expr
                                                                       : NULL;
    return expr && (begins_open(expr) || is_cut_short(expr));
}

/* --- selectors ------------------------------------------------------------------------- */

static void
put_offset(const struct promql_offset *offset, struct buf *to)
{
    if (offset->ms == 0 && !offset->expr)
        return;
    bool wrapped = offset->expr && is_cut_short(offset->expr);
    put_text(to, wrapped ? " offset (" : " offset ");
    put_span(offset->ms, offset->expr, to);
    put_text(to, wrapped ? ")" : "");
}

static void
put_at(const struct promql_at *at, struct buf *to)
{
    int64_t ms = at->timestamp_ms;
    switch (at->kind) {
    case PROMQL_AT_NONE:
        break;
    case PROMQL_AT_START:
        put_text(to, " @ start()");
        break;
    case PROMQL_AT_END:
        put_text(to, " @ end()");
        break;
    case PROMQL_AT_TIMESTAMP:
        buf_printf(to, " @ %s%" PRIu64 ".%03" PRIu64, ms < 0 ? "-" : "",
                   (ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms) / 1000,
                   (ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms) % 1000);
        break;
    }
}

static void
put_extended(const struct promql_vector_selector *v, struct buf *to)
{
    if (v->anchored)
        put_text(to, " anchored");
    else if (v->smoothed)
        put_text(to, " smoothed");
}

static int
compare_texts(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* The name in front covers its own matcher. */
static bool
is_shown(const struct promql_vector_selector *v, const struct matcher *m)
{
    return m->type != MATCH_EQUAL || m->value.n == 0 || !str_eq(m->name, STR("__name__")) ||
           !str_eq(m->value, v->name);
}

/* Name and matchers, sorted by their texts. */
static void
put_selector(const struct promql_vector_selector *v, struct buf *to)
{
    AUTO(buf_fini) struct buf texts = BUF_INIT;
    VEC(size_t) ends = VEC_INIT;
    VEC(struct str) sorted = VEC_INIT;

    for (size_t i = 0; i < v->matchers.n; i++) {
        if (!is_shown(v, &v->matchers.v[i]))
            continue;
        matcher_format(&v->matchers.v[i], &texts);
        vec_push(&ends, texts.n);
    }
    for (size_t i = 0, start = 0; i < ends.n; start = ends.v[i++])
        vec_push(&sorted, str_of(texts.p + start, ends.v[i] - start));
    if (sorted.n > 1)
        qsort(sorted.v, sorted.n, sizeof *sorted.v, compare_texts);

    buf_append(to, v->name);
    for (size_t i = 0; i < sorted.n; i++) {
        buf_put_u8(to, i == 0 ? '{' : ',');
        buf_append(to, sorted.v[i]);
    }
    if (sorted.n > 0)
        buf_put_u8(to, '}');
    else if (v->name.n == 0)
        put_text(to, "{}"); /* only info() takes it */
    vec_fini(&ends);
    vec_fini(&sorted);
}

static void
put_vector_selector(const struct promql_vector_selector *v, struct buf *to)
{
    put_selector(v, to);
    put_at(&v->at, to);
    put_extended(v, to);
    put_offset(&v->offset, to);
}

static void
put_matrix_selector(const struct promql_matrix_selector *m, struct buf *to)
{
    const struct promql_vector_selector *v = &m->selector->vector;
    put_selector(v, to);
    buf_put_u8(to, '[');
    put_span(m->range_ms, m->range_expr, to);
    buf_put_u8(to, ']');
    put_extended(v, to);
    put_at(&v->at, to);
    put_offset(&v->offset, to);
}

void
promql_print_subquery_suffix(const struct promql_subquery *s, struct buf *to)
{
    buf_put_u8(to, '[');
    put_span(s->range_ms, s->range_expr, to);
    buf_put_u8(to, ':');
    if (s->step_ms || s->step_expr)
        put_span(s->step_ms, s->step_expr, to);
    buf_put_u8(to, ']');
    put_at(&s->at, to);
    put_offset(&s->offset, to);
}

/* --- expressions ----------------------------------------------------------------------- */

void
promql_print_aggregate_head(const struct promql_aggregate *a, struct buf *to)
{
    buf_append(to, a->aggregator->name);
    if (!a->without && a->grouping.n == 0)
        return;
    put_text(to, a->without ? " without (" : " by (");
    put_labels(&a->grouping, to);
    put_text(to, ") ");
}

static void
put_aggregate(const struct promql_aggregate *a, struct buf *to)
{
    promql_print_aggregate_head(a, to);
    buf_put_u8(to, '(');
    if (a->param) {
        promql_print(a->param, to);
        put_text(to, ", ");
    }
    promql_print(a->expr, to);
    buf_put_u8(to, ')');
}

void
promql_print_operator(const struct promql_binary *b, struct buf *to)
{
    put_text(to, promql_op_text(b->op));
    put_text(to, b->returns_bool ? " bool" : "");
    put_matching(b->matching, to);
}

static void
put_binary(const struct promql_binary *b, struct buf *to)
{
    const struct promql_node *left = b->left;
    bool wrapped =
        promql_op_class(b->op) == PROMQL_OP_ARITHMETIC && b->op != PROMQL_ATAN2 && ends_open(left);

    put_text(to, wrapped ? "(" : "");
    /* A sign would take the whole power. */
    if (b->op == PROMQL_POW && left->kind == PROMQL_NUMBER && isinf(left->number.value))
        put_text(to, "Inf");
    else
        promql_print(left, to);
    put_text(to, wrapped ? ")" : "");
    buf_put_u8(to, ' ');
    promql_print_operator(b, to);
    buf_put_u8(to, ' ');
    promql_print(b->right, to);
}

static void
put_call(const struct promql_call *c, struct buf *to)
{
    buf_append(to, c->function->name);
    buf_put_u8(to, '(');
    for (size_t i = 0; i < c->arg_count; i++) {
        put_text(to, i > 0 ? ", " : "");
        promql_print(c->args[i], to);
    }
    buf_put_u8(to, ')');
}

/* Recursive: the depth of a tree is limited. */
void
promql_print(const struct promql_node *n, struct buf *to)
{
    switch (n->kind) {
    case PROMQL_NUMBER:
        put_number(&n->number, to);
        return;
    case PROMQL_TEXT:
        quote_text(n->text, to);
        return;
    case PROMQL_VECTOR_SELECTOR:
        put_vector_selector(&n->vector, to);
        return;
    case PROMQL_MATRIX_SELECTOR:
        put_matrix_selector(&n->matrix, to);
        return;
    case PROMQL_SUBQUERY:
        promql_print(n->subquery.expr, to);
        promql_print_subquery_suffix(&n->subquery, to);
        return;
    case PROMQL_PAREN:
        buf_put_u8(to, '(');
        promql_print(n->paren, to);
        buf_put_u8(to, ')');
        return;
    case PROMQL_UNARY:
        put_text(to, promql_op_text(n->unary.op));
        promql_print(n->unary.expr, to);
        return;
    case PROMQL_BINARY:
        put_binary(&n->binary, to);
        return;
    case PROMQL_AGGREGATE:
        put_aggregate(&n->aggregate, to);
        return;
    case PROMQL_CALL:
        put_call(&n->call, to);
        return;
    case PROMQL_DURATION:
        put_duration_node(&n->duration, to);
        return;
    }
    UNREACHABLE("every kind stands above");
}
