/* ast_json.c - see ast_json.h.
 *
 * A tree may be deeper than a json_writer counts: every node has a writer of its own, and its
 * parent's writer is only told that a value was written. */
#include "querygw/promql/ast_json.h"

#include <math.h>

#include "base/assert.h"
#include "base/numtext.h"

static void write_node(const struct promql_node *n, struct json_writer *parent);

static void
put_str(struct json_writer *w, const char *key, struct str value)
{
    json_key(w, str_of_cstr(key));
    json_str(w, value);
}

static void
put_text(struct json_writer *w, const char *key, const char *value)
{
    put_str(w, key, str_of_cstr(value));
}

static void
put_i64(struct json_writer *w, const char *key, int64_t value)
{
    json_key(w, str_of_cstr(key));
    json_i64(w, value);
}

static void
put_bool(struct json_writer *w, const char *key, bool value)
{
    json_key(w, str_of_cstr(key));
    json_bool(w, value);
}

/* null when there is no such node. */
static void
put_node(struct json_writer *w, const char *key, const struct promql_node *n)
{
    json_key(w, str_of_cstr(key));
    if (n)
        write_node(n, w);
    else
        json_null_value(w);
}

static void
put_labels(struct json_writer *w, const char *key, const struct promql_labels *labels)
{
    json_key(w, str_of_cstr(key));
    json_begin_array(w);
    for (size_t i = 0; i < labels->n; i++)
        json_str(w, labels->v[i]);
    json_end_array(w);
}

static void
put_number_text(struct json_writer *w, double value)
{
    char text[NUMTEXT_BYTES_MAX];
    put_str(w, "val", str_of(text, numtext_f(value, text)));
}

/* --- selectors ------------------------------------------------------------------------- */

static void
put_matchers(struct json_writer *w, const struct matchers *matchers)
{
    json_key(w, STR("matchers"));
    json_begin_array(w);
    for (size_t i = 0; i < matchers->n; i++) {
        const struct matcher *m = &matchers->v[i];
        json_begin_object(w);
        put_str(w, "name", m->name);
        put_text(w, "type", matcher_type_text(m->type));
        put_str(w, "value", m->value);
        json_end_object(w);
    }
    json_end_array(w);
}

static void
put_start_or_end(struct json_writer *w, const struct promql_at *at)
{
    bool set = at->kind == PROMQL_AT_START || at->kind == PROMQL_AT_END;
    json_key(w, STR("startOrEnd"));
    if (set)
        json_str(w, at->kind == PROMQL_AT_START ? STR("start") : STR("end"));
    else
        json_null_value(w);
}

static void
put_timestamp(struct json_writer *w, const struct promql_at *at)
{
    json_key(w, STR("timestamp"));
    if (at->kind == PROMQL_AT_TIMESTAMP)
        json_i64(w, at->timestamp_ms);
    else
        json_null_value(w);
}

/* `range` is NULL for an instant. */
static void
put_selector(struct json_writer *w, const struct promql_vector_selector *v,
             const struct promql_matrix_selector *range)
{
    put_bool(w, "anchored", v->anchored);
    put_matchers(w, &v->matchers);
    put_str(w, "name", v->name);
    put_i64(w, "offset", v->offset.ms);
    put_node(w, "offsetExpr", v->offset.expr);
    if (range) {
        put_i64(w, "range", range->range_ms);
        put_node(w, "rangeExpr", range->range_expr);
    }
    put_bool(w, "smoothed", v->smoothed);
    put_start_or_end(w, &v->at);
    put_timestamp(w, &v->at);
    put_text(w, "type", range ? "matrixSelector" : "vectorSelector");
}

static void
put_subquery(struct json_writer *w, const struct promql_subquery *s)
{
    put_node(w, "expr", s->expr);
    put_i64(w, "offset", s->offset.ms);
    put_node(w, "offsetExpr", s->offset.expr);
    put_i64(w, "range", s->range_ms);
    put_node(w, "rangeExpr", s->range_expr);
    put_start_or_end(w, &s->at);
    put_i64(w, "step", s->step_ms);
    put_node(w, "stepExpr", s->step_expr);
    put_timestamp(w, &s->at);
    put_text(w, "type", "subquery");
}

/* --- expressions ----------------------------------------------------------------------- */

static void
put_aggregate(struct json_writer *w, const struct promql_aggregate *a)
{
    put_node(w, "expr", a->expr);
    put_labels(w, "grouping", &a->grouping);
    put_str(w, "op", a->aggregator->name);
    put_node(w, "param", a->param);
    put_text(w, "type", "aggregation");
    put_bool(w, "without", a->without);
}

static void
put_fill(struct json_writer *w, const char *key, bool set, double value)
{
    char text[NUMTEXT_BYTES_MAX];
    struct str number = str_of(text, numtext_api(value, text));
    json_key(w, str_of_cstr(key));
    if (!set)
        json_null_value(w);
    else if (isfinite(value))
        json_raw(w, number);
    else
        json_str(w, number);
}

static void
put_matching(struct json_writer *w, const struct promql_matching *m)
{
    static const char *const cards[] = {[PROMQL_ONE_TO_ONE] = "one-to-one",
                                        [PROMQL_MANY_TO_ONE] = "many-to-one",
                                        [PROMQL_ONE_TO_MANY] = "one-to-many",
                                        [PROMQL_MANY_TO_MANY] = "many-to-many"};
    json_key(w, STR("matching"));
    if (!m) {
        json_null_value(w);
        return;
    }
    json_begin_object(w);
    put_text(w, "card", cards[m->card]);
    json_key(w, STR("fillValues"));
    json_begin_object(w);
    put_fill(w, "lhs", m->has_fill_left, m->fill_left);
    put_fill(w, "rhs", m->has_fill_right, m->fill_right);
    json_end_object(w);
    put_labels(w, "include", &m->include);
    put_labels(w, "labels", &m->labels);
    put_bool(w, "on", m->on);
    json_end_object(w);
}

static void
put_binary(struct json_writer *w, const struct promql_binary *b)
{
    put_bool(w, "bool", b->returns_bool);
    put_node(w, "lhs", b->left);
    put_matching(w, b->matching);
    put_text(w, "op", promql_op_text(b->op));
    put_node(w, "rhs", b->right);
    put_text(w, "type", "binaryExpr");
}

static void
put_call(struct json_writer *w, const struct promql_call *c)
{
    const struct promql_function *f = c->function;
    json_key(w, STR("args"));
    json_begin_array(w);
    for (size_t i = 0; i < c->arg_count; i++)
        write_node(c->args[i], w);
    json_end_array(w);
    json_key(w, STR("func"));
    json_begin_object(w);
    json_key(w, STR("argTypes"));
    json_begin_array(w);
    for (size_t i = 0; i < f->arg_count; i++)
        json_str(w, str_of_cstr(promql_type_text(f->args[i])));
    json_end_array(w);
    put_str(w, "name", f->name);
    put_text(w, "returnType", promql_type_text(f->returns));
    put_i64(w, "variadic", f->variadic);
    json_end_object(w);
    put_text(w, "type", "call");
}

static void
put_duration(struct json_writer *w, const struct promql_duration *d)
{
    static const char *const ops[] = {
        [PROMQL_DURATION_STEP] = "step",     [PROMQL_DURATION_RANGE] = "range",
        [PROMQL_DURATION_MIN_OF] = "min_of", [PROMQL_DURATION_MAX_OF] = "max_of",
        [PROMQL_DURATION_NEGATE] = "-",      [PROMQL_DURATION_PLAIN] = "+",
    };
    if (d->kind == PROMQL_DURATION_NUMBER) {
        put_bool(w, "duration", d->number.is_duration);
        put_text(w, "type", "numberLiteral");
        put_number_text(w, d->number.value);
        return;
    }
    put_node(w, "lhs", d->left);
    put_text(w, "op", d->kind == PROMQL_DURATION_BINARY ? promql_op_text(d->op) : ops[d->kind]);
    put_node(w, "rhs", d->right);
    put_text(w, "type", "durationExpr");
    put_bool(w, "wrapped", d->wrapped);
}

static void
put_fields(struct json_writer *w, const struct promql_node *n)
{
    switch (n->kind) {
    case PROMQL_NUMBER:
        put_text(w, "type", "numberLiteral");
        put_number_text(w, n->number.value);
        return;
    case PROMQL_TEXT:
        put_text(w, "type", "stringLiteral");
        put_str(w, "val", n->text);
        return;
    case PROMQL_VECTOR_SELECTOR:
        put_selector(w, &n->vector, NULL);
        return;
    case PROMQL_MATRIX_SELECTOR:
        put_selector(w, &n->matrix.selector->vector, &n->matrix);
        return;
    case PROMQL_SUBQUERY:
        put_subquery(w, &n->subquery);
        return;
    case PROMQL_PAREN:
        put_node(w, "expr", n->paren);
        put_text(w, "type", "parenExpr");
        return;
    case PROMQL_UNARY:
        put_node(w, "expr", n->unary.expr);
        put_text(w, "op", promql_op_text(n->unary.op));
        put_text(w, "type", "unaryExpr");
        return;
    case PROMQL_BINARY:
        put_binary(w, &n->binary);
        return;
    case PROMQL_AGGREGATE:
        put_aggregate(w, &n->aggregate);
        return;
    case PROMQL_CALL:
        put_call(w, &n->call);
        return;
    case PROMQL_DURATION:
        put_duration(w, &n->duration);
        return;
    }
    UNREACHABLE("every kind stands above");
}

/* Recursive: the depth of a tree is limited. */
static void
write_node(const struct promql_node *n, struct json_writer *parent)
{
    struct json_writer w;
    json_raw(parent, STR("")); /* the comma, and that a value follows */
    json_init(&w, parent->out, parent->escape);
    json_begin_object(&w);
    put_fields(&w, n);
    json_end_object(&w);
}

void
promql_write_json(const struct promql_node *n, struct json_writer *w)
{
    write_node(n, w);
}
