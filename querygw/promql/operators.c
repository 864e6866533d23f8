/* operators.c - the tables of operators.h as arrays. */
#include "querygw/promql/operators.h"

#include "base/assert.h"
#include "base/mem.h"

const char *
promql_type_text(enum promql_type type)
{
    static const char *const texts[] = {
#define X(name, text, documented) [name] = text,
        PROMQL_TYPES(X)
#undef X
    };
    ASSERT(type < ARRAY_LEN(texts));
    return texts[type];
}

const char *
promql_type_documented(enum promql_type type)
{
    static const char *const texts[] = {
#define X(name, text, documented) [name] = documented,
        PROMQL_TYPES(X)
#undef X
    };
    ASSERT(type < ARRAY_LEN(texts));
    return texts[type];
}

static const struct op_row {
    const char *text;
    enum promql_op_class class;
    int precedence;
} op_rows[] = {
#define X(name, text, class, precedence) [name] = {text, PROMQL_OP_##class, precedence},
    PROMQL_OPS(X)
#undef X
};

const char *
promql_op_text(enum promql_op op)
{
    ASSERT(op < PROMQL_OP_COUNT);
    return op_rows[op].text;
}

enum promql_op_class
promql_op_class(enum promql_op op)
{
    ASSERT(op < PROMQL_OP_COUNT);
    return op_rows[op].class;
}

int
promql_op_precedence(enum promql_op op)
{
    ASSERT(op < PROMQL_OP_COUNT);
    return op_rows[op].precedence;
}

static const struct promql_aggregator aggregators[] = {
#define X(name, text, param, experimental)                                                         \
    [name] = {name, STR_INIT(text), PROMQL_##param, experimental},
    PROMQL_AGGREGATORS(X)
#undef X
};

const struct promql_aggregator *
promql_aggregator(enum promql_agg id)
{
    ASSERT(id < PROMQL_AGG_COUNT_OF);
    return &aggregators[id];
}
