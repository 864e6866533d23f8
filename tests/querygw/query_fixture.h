/* query_fixture.h - text to result in one call, over a fake store. */
#pragma once
#include "querygw/promql/engine.h"
#include "tests/querygw/fake_store.h"

struct query_fixture {
    struct fake_store store;
    struct arena arena; /* of plans and results; reset by hand */
    struct promql_limits limits;
};

void query_fixture_init(struct query_fixture *f);
void query_fixture_fini(struct query_fixture *f);
struct promql_span span_instant(int64_t at_ms);
struct promql_span span_range(int64_t start_ms, int64_t end_ms, int64_t step_ms);
struct err query_plan(struct query_fixture *f, const char *query, struct promql_span span,
                      struct promql_plan **ret_plan);
/* Parses, plans, evaluates, closes. */
struct err query_eval(struct query_fixture *f, const char *query, struct promql_span span,
                      struct promql_result **ret_result);
