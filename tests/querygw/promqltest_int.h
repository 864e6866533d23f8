/* promqltest_int.h - what one eval command expects, and the comparison with what it got. */
#pragma once
#include "base/vec.h"
#include "querygw/promql/engine.h"
#include "tests/querygw/series_notation.h"

enum expect_kind {
    EXPECT_FAIL,
    EXPECT_WARN,
    EXPECT_INFO,
    EXPECT_NO_WARN,
    EXPECT_NO_INFO,
    EXPECT_ORDERED,
    EXPECT_KIND_COUNT
};

enum match_kind { MATCH_ANY, MATCH_TEXT, MATCH_PATTERN };

struct expectation {
    enum expect_kind kind;
    enum match_kind match;
    struct str text;
};

/* One eval command. */
struct eval {
    size_t line;
    struct str query;
    bool instant;
    struct promql_span span;   /* of the query */
    int64_t start_ms, step_ms; /* of the expected points */
    VEC(struct expectation) expect;
    VEC(struct notation_series) series;
    bool expects_scalar, expects_string, expects_points;
    double scalar;
    struct str string;
};

/* Gives every selector and subquery without a time of its own the time at_ms; false when the
 * value depends on the evaluation time all the same. */
bool promqltest_fix_times(struct promql_node *ast, int64_t at_ms);

/* Something of this kind is expected. */
bool eval_wants(const struct eval *e, enum expect_kind kind);
bool expectation_met(const struct expectation *x, struct str text);
/* Each appends to *why and returns false when the result is another one.
 * `repeated`: it is a range around the time of an instant query. */
bool compare_result(const struct eval *e, const struct promql_result *r, bool repeated,
                    struct buf *why);
bool compare_notes(const struct eval *e, const struct promql_result *r, enum note_kind kind,
                   struct arena *a, struct buf *why);
