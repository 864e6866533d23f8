/* query_fixture.c - the read spine without HTTP. */
#include "tests/querygw/query_fixture.h"

#include <string.h>

#include "querygw/promql/parse.h"

void
query_fixture_init(struct query_fixture *f)
{
    memset(f, 0, sizeof *f);
    fake_store_init(&f->store);
    arena_init(&f->arena, 0);
}

void
query_fixture_fini(struct query_fixture *f)
{
    arena_fini(&f->arena);
    fake_store_fini(&f->store);
}

struct promql_span
span_instant(int64_t at_ms)
{
    return (struct promql_span){at_ms, at_ms, 0, PROMQL_LOOKBACK_MS_DEFAULT};
}

struct promql_span
span_range(int64_t start_ms, int64_t end_ms, int64_t step_ms)
{
    return (struct promql_span){start_ms, end_ms, step_ms, PROMQL_LOOKBACK_MS_DEFAULT};
}

struct err
query_plan(struct query_fixture *f, const char *query, struct promql_span span,
           struct promql_plan **ret_plan)
{
    const struct promql_parse_opts opts = {true, true, true, true};
    struct promql_node *ast;
    TRY(promql_parse(&f->arena, str_of_cstr(query), &opts, &ast));
    return promql_plan(&f->arena, ast, &span, ret_plan);
}

struct err
query_eval(struct query_fixture *f, const char *query, struct promql_span span,
           struct promql_result **ret_result)
{
    struct promql_plan *plan;
    AUTO(promql_close) struct promql_run *run = NULL;
    TRY(query_plan(f, query, span, &plan));
    TRY(promql_open(&f->arena, plan, &f->store.store, &f->limits, &run));
    return promql_eval(run, ret_result);
}
