/* functions.c - the table of functions.h as an array, and the search in it. */
#include "querygw/promql/functions.h"

#include "base/assert.h"
#include "base/mem.h"

#define FUNCTION_ARGS_(...)                                                                        \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

/* In the order of names: promql_function_find() halves it. */
static const struct promql_function functions[] = {
#define X(name, text, returns, count, args, variadic, experimental)                                \
    [name] = {name,     STR_INIT(text), PROMQL_##returns, count, FUNCTION_ARGS_ args,              \
              variadic, experimental},
    PROMQL_FUNCTIONS(X)
#undef X
};

const struct promql_function *
promql_function_find(struct str name)
{
    size_t low = 0, high = ARRAY_LEN(functions);
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = str_cmp(name, functions[mid].name);
        if (order == 0)
            return &functions[mid];
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

const struct promql_function *
promql_function(enum promql_fn id)
{
    ASSERT(id < PROMQL_FN_COUNT_OF);
    return &functions[id];
}
