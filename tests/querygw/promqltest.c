/* promqltest.c - the interpreter of PromQL's test scripts. */
#include "tests/querygw/promqltest.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "conf/units.h"
#include "querygw/promql/parse.h"
#include "tests/querygw/nhcb.h"
#include "tests/querygw/promqltest_int.h"

enum { RANGE_STEP_MS = 60000 }; /* of the range query that an instant one is repeated in */

static const char *const expect_texts[EXPECT_KIND_COUNT] = {"fail",    "warn",    "info",
                                                            "no_warn", "no_info", "ordered"};

struct script {
    const char *name;
    struct str rest;
    size_t line; /* of the line last taken, from 1 */
    struct fake_store store;
    struct arena arena; /* of the current command */
    struct promqltest_report *report;
    struct pool *pool;
    bool delays_names;
};

/* --- lines --------------------------------------------------------------------------------- */

/* The next line without blanks around it; comments become empty. False at the end. */
static bool
take_line(struct script *s, struct str *ret_line)
{
    if (s->rest.n == 0)
        return false;
    s->line++;
    struct str line = str_trim(str_split(&s->rest, '\n'));
    *ret_line = line.n && line.p[0] == '#' ? STR("") : line;
    return true;
}

/* The word at the start of *rest, which is cut off with the blanks behind it. */
static struct str
take_word(struct str *rest)
{
    size_t n = 0;
    while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\t')
        n++;
    struct str word = str_take(rest, n);
    *rest = str_trim(*rest);
    return word;
}

static void
fail(struct script *s, const struct eval *e, const char *mode, struct str why)
{
    s->report->failed++;
    buf_printf(&s->report->failures, "%s:%zu: %.*s%s: %.*s\n", s->name, e->line, STR_FMT(e->query),
               mode, STR_FMT(why));
}

/* --- commands ------------------------------------------------------------------------------ */

static struct err
run_load(struct script *s, struct str line)
{
    struct str rest = line;
    bool nhcb = str_eq(take_word(&rest), STR("load_with_nhcb"));
    int64_t step_ms;
    TRY(duration_parse(rest, &step_ms));
    struct notation_series *loaded = NULL;
    size_t count = 0, cap = 0;
    struct str starts = {0}; /* the line above, with the start timestamps of this series */
    while (take_line(s, &line) && line.n) {
        struct notation_series series;
        if (notation_is_starts(line)) {
            starts = line;
            continue;
        }
        TRY_IN(notation_parse(&s->arena, line, &series), "line %zu", s->line);
        if (starts.n)
            TRY_IN(notation_parse_starts(&s->arena, starts, &series), "line %zu", s->line);
        notation_load(&s->store, &series, 0, step_ms);
        loaded = arena_more(&s->arena, loaded, sizeof *loaded, count, &cap);
        loaded[count++] = series;
        starts.n = 0;
    }
    return nhcb ? nhcb_load(&s->store, &s->arena, loaded, count, step_ms) : OK;
}

static struct err
parse_times(struct str text, int64_t *ret_ms)
{
    double seconds;
    if (notation_number(text, &seconds)) {
        *ret_ms = (int64_t)(seconds * 1000);
        return OK;
    }
    bool negative = text.n && text.p[0] == '-';
    TRY(duration_parse(negative ? str_skip(text, 1) : text, ret_ms));
    *ret_ms = negative ? -*ret_ms : *ret_ms;
    return OK;
}

/* "from A to B step C" */
static struct err
parse_range(struct str *rest, int64_t *ret_start_ms, int64_t *ret_end_ms, int64_t *ret_step_ms)
{
    if (!str_eq(take_word(rest), STR("from")))
        return ERR(ERR_INVALID, "no 'from'");
    TRY(parse_times(take_word(rest), ret_start_ms));
    if (!str_eq(take_word(rest), STR("to")))
        return ERR(ERR_INVALID, "no 'to'");
    TRY(parse_times(take_word(rest), ret_end_ms));
    if (!str_eq(take_word(rest), STR("step")))
        return ERR(ERR_INVALID, "no 'step'");
    return parse_times(take_word(rest), ret_step_ms);
}

static struct err
parse_head(struct eval *e, struct str line)
{
    struct str rest = line;
    struct str command = take_word(&rest), kind = take_word(&rest);
    e->span.lookback_ms = PROMQL_LOOKBACK_MS_DEFAULT;
    e->instant = str_eq(kind, STR("instant"));
    if (e->instant) {
        if (str_starts_with(rest, STR("at "))) {
            take_word(&rest);
            TRY(parse_times(take_word(&rest), &e->span.start_ms));
        }
        e->span.end_ms = e->span.start_ms;
        e->step_ms = 1;
    } else {
        TRY(parse_range(&rest, &e->span.start_ms, &e->span.end_ms, &e->span.step_ms));
        e->step_ms = e->span.step_ms;
    }
    e->start_ms = e->span.start_ms;
    e->query = rest;
    struct str mode = command;
    str_split(&mode, '_');
    for (size_t i = 0; i < EXPECT_KIND_COUNT; i++)
        if (str_eq(mode, str_of_cstr(expect_texts[i])))
            vec_push(&e->expect, ((struct expectation){.kind = (enum expect_kind)i}));
    return OK;
}

/* A quoted text loses its quotes. */
static struct str
unquote(struct str s)
{
    if (s.n >= 2 && (s.p[0] == '"' || s.p[0] == '`') && s.p[s.n - 1] == s.p[0])
        return str_of(s.p + 1, s.n - 2);
    return s;
}

static struct err
parse_expect(struct eval *e, struct str rest)
{
    if (str_starts_with(rest, STR("range vector "))) {
        int64_t end_ms;
        rest = str_skip(rest, strlen("range vector "));
        TRY(parse_range(&rest, &e->start_ms, &end_ms, &e->step_ms));
        e->expects_points = true;
        return OK;
    }
    struct str kind = take_word(&rest);
    if (str_eq(kind, STR("string"))) {
        e->expects_string = true;
        e->string = unquote(rest);
        return OK;
    }
    struct expectation x = {.kind = EXPECT_KIND_COUNT};
    for (size_t i = 0; i < EXPECT_KIND_COUNT; i++)
        if (str_eq(kind, str_of_cstr(expect_texts[i])))
            x.kind = (enum expect_kind)i;
    if (x.kind == EXPECT_KIND_COUNT)
        return ERR(ERR_INVALID, "unknown expectation %.*s", STR_FMT(kind));
    if (rest.n) {
        x.match = str_starts_with(rest, STR("msg:")) ? MATCH_TEXT : MATCH_PATTERN;
        str_split(&rest, ':');
        x.text = unquote(str_trim(rest));
    }
    vec_push(&e->expect, x);
    return OK;
}

static struct err
parse_body(struct script *s, struct eval *e)
{
    struct str line;
    while (take_line(s, &line) && line.n) {
        struct str rest = line;
        double number;
        if (str_starts_with(line, STR("expected_fail_"))) {
            struct str word = take_word(&rest);
            vec_last(&e->expect)->match =
                str_ends_with(word, STR("message")) ? MATCH_TEXT : MATCH_PATTERN;
            vec_last(&e->expect)->text = rest;
        } else if (str_eq(take_word(&rest), STR("expect"))) {
            TRY(parse_expect(e, rest));
        } else if (notation_number(line, &number)) {
            e->expects_scalar = true;
            e->scalar = number;
        } else {
            struct notation_series series;
            TRY(notation_parse(&s->arena, line, &series));
            vec_push(&e->series, series);
        }
    }
    return OK;
}

/* --- running ------------------------------------------------------------------------------- */

/* How a query is run: at its own time, or otherwise with the same result. */
struct mode {
    const char *name; /* for reports */
    struct promql_span span;
    bool fixes_times; /* its selectors are @ its own time */
    bool parallel;    /* a thread takes one series at a time */
};

/* *ret_result is NULL where the times of the query cannot be fixed. */
static struct err
evaluate(struct script *s, const struct eval *e, const struct mode *mode,
         struct promql_result **ret_result)
{
    const struct promql_parse_opts opts = {true, true, true, true};
    struct promql_limits limits = {.delays_names = s->delays_names, .use_start_timestamps = true};
    if (mode->parallel) {
        limits.pool = s->pool;
        limits.batch_series = 1;
    }
    struct promql_node *ast;
    struct promql_plan *plan;
    AUTO(promql_close) struct promql_run *run = NULL;
    *ret_result = NULL;
    TRY(promql_parse(&s->arena, e->query, &opts, &ast));
    if (mode->fixes_times && !promqltest_fix_times(ast, e->span.start_ms))
        return OK;
    TRY(promql_plan(&s->arena, ast, &mode->span, &plan));
    TRY(promql_open(&s->arena, plan, &s->store.store, &limits, &run));
    return promql_eval(run, ret_result);
}

/* The error was expected. */
static bool
judge_error(struct script *s, const struct eval *e, struct err *error, const char *mode)
{
    struct str text = str_of_cstr(err_text(error));
    for (size_t i = 0; i < e->expect.n && error->code != ERR_UNIMPLEMENTED; i++)
        if (e->expect.v[i].kind == EXPECT_FAIL && expectation_met(&e->expect.v[i], text))
            return true;
    fail(s, e, mode, text);
    return false;
}

/* False behind fail(), as all that follow. */
static bool
run_once(struct script *s, const struct eval *e, const struct mode *mode)
{
    struct promql_result *r;
    bool repeated = e->instant && mode->span.step_ms;
    AUTO(buf_fini) struct buf why = BUF_INIT;
    struct err error = evaluate(s, e, mode, &r);
    if (error.code) {
        bool passed = judge_error(s, e, &error, mode->name);
        err_drop(error);
        return passed;
    }
    if (!r)
        return true;
    if (eval_wants(e, EXPECT_FAIL))
        buf_printf(&why, "did not fail");
    if (why.n == 0 && !repeated && compare_notes(e, r, NOTE_WARNING, &s->arena, &why))
        compare_notes(e, r, NOTE_INFO, &s->arena, &why);
    struct eval at = *e;
    if (mode->fixes_times)
        at.span = mode->span;
    if (why.n == 0 && compare_result(&at, r, repeated, &why))
        return true;
    fail(s, e, mode->name, buf_str(&why));
    return false;
}

/* With all selectors @ its own time an instant query gives the same at any other. */
static bool
run_elsewhere(struct script *s, const struct eval *e)
{
    int64_t t = e->span.start_ms;
    const int64_t others[] = {-10 * t, 0, t / 5, t, 10 * t, t - 1000, t + 1000};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        struct mode m = {.name = " (at another time)", .span = e->span, .fixes_times = true};
        m.span.start_ms = m.span.end_ms = others[i];
        if (!run_once(s, e, &m))
            return false;
    }
    return true;
}

/* Asks anywhere for the query's own times, which a range query changes. */
static bool
asks_for_span(struct str query)
{
    static const char *const names[] = {"start()", "end()", "step()", "range()"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        for (size_t at = 0; at < query.n; at++)
            if (str_starts_with(str_skip(query, at), str_of_cstr(names[i])))
                return true;
    return false;
}

static void
run_eval(struct script *s, const struct eval *e)
{
    bool passed =
        run_once(s, e, &(struct mode){.name = "", .span = e->span}) &&
        run_once(s, e, &(struct mode){.name = " (parallel)", .span = e->span, .parallel = true});
    bool repeat = e->instant && !asks_for_span(e->query) && !e->expects_string &&
                  !e->expects_points && !eval_wants(e, EXPECT_FAIL) &&
                  !eval_wants(e, EXPECT_ORDERED);
    if (passed && repeat) {
        struct mode around = {.name = " (as a range)", .span = e->span};
        around.span.start_ms -= RANGE_STEP_MS;
        around.span.end_ms += RANGE_STEP_MS;
        around.span.step_ms = RANGE_STEP_MS;
        passed = run_once(s, e, &around);
    }
    if (passed && e->instant)
        passed = run_elsewhere(s, e);
    s->report->passed += passed;
}

static struct err
run_command(struct script *s, struct str line)
{
    struct eval e = {.line = s->line};
    struct err error = OK;
    if (str_starts_with(line, STR("load"))) {
        error = run_load(s, line);
    } else if (str_eq(line, STR("clear"))) {
        fake_store_clear(&s->store);
    } else if (str_starts_with(line, STR("eval"))) {
        error = parse_head(&e, line);
        if (!error.code)
            error = parse_body(s, &e);
        if (!error.code)
            run_eval(s, &e);
    } else {
        error = ERR(ERR_INVALID, "unknown command %.*s", STR_FMT(line));
    }
    vec_fini(&e.expect);
    vec_fini(&e.series);
    return error;
}

void
promqltest_run(const char *name, struct str text, enum promqltest_names names,
               struct promqltest_report *report)
{
    struct script s = {.name = name,
                       .rest = text,
                       .report = report,
                       .delays_names = names == PROMQLTEST_NAMES_DELAY};
    fake_store_init(&s.store);
    arena_init(&s.arena, 0);
    struct err started =
        pool_start(&(struct pool_opts){.name = "eval", .threads = 2, .queued_limit = 64}, &s.pool);
    ASSERT(!started.code);
    struct str line;
    while (take_line(&s, &line)) {
        if (line.n == 0)
            continue;
        size_t at = s.line;
        struct err e = run_command(&s, line);
        if (e.code) {
            report->failed++;
            buf_printf(&report->failures, "%s:%zu: %s\n", name, at, err_text(&e));
        }
        err_drop(e);
        arena_reset(&s.arena);
    }
    pool_stop(s.pool);
    arena_fini(&s.arena);
    fake_store_fini(&s.store);
}

void
promqltest_report_fini(struct promqltest_report *report)
{
    buf_fini(&report->failures);
}
