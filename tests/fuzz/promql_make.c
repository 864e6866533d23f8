/* promql_make.c - a grammar with two kinds of vectors: exact ones and others. */
#include "tests/fuzz/promql_make.h"

#include "base/mem.h"

size_t
choose(struct choices *c, size_t count)
{
    if (c->n == 0)
        return 0;
    c->n--;
    return *c->v++ % count;
}

struct maker {
    struct choices *c;
    struct buf *to;
    bool fixed; /* @ occurs: parameters must not depend on time, Prometheus asks them once */
};

static void exact(struct maker *m, int depth);
static void rough(struct maker *m, int depth);

#define PICK(m, ...)                                                                               \
    pick(m, (const char *const[]){__VA_ARGS__},                                                    \
         sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void
put(struct maker *m, const char *text)
{
    buf_append(m->to, str_of_cstr(text));
}

static void
pick(struct maker *m, const char *const *texts, size_t count)
{
    put(m, texts[choose(m->c, count)]);
}

/* --- leaves -------------------------------------------------------------------------------- */

static void
modifiers(struct maker *m)
{
    PICK(m, "", "", "", " offset 10s", " offset -7s", " offset 1m");
    if (m->fixed)
        PICK(m, "", " @ 100", " @ 250.5", " @ 0");
}

static void
bare_selector(struct maker *m)
{
    PICK(m, "m", "n", "m", "{__name__=~\"m|n\"}", "m{instance=\"1\"}", "{le=~\".+\"}",
         "{job!=\"x\",instance!=\"\"}", "target_info", "{job=\"x\"}", "nothing",
         "m{instance=~\"1|2\"}", "{instance=\"2\"}");
}

static void
selector(struct maker *m)
{
    bare_selector(m);
    modifiers(m);
}

/* A range of exact values. */
static void
matrix(struct maker *m, int depth)
{
    if (depth > 0 && choose(m->c, 3) == 0) {
        put(m, "(");
        exact(m, depth - 1);
        PICK(m, ")[1m:10s]", ")[30s:7s]", ")[2m:1m]", ")[10s:]", ")[5s:20s]", ")[5s * 4:2s + 5s]");
    } else {
        bare_selector(m);
        PICK(m, "[10s]", "[30s]", "[1m]", "[95s]", "[5m]", "[1ms]", "[max_of(20s, 1m / 2)]");
    }
    modifiers(m);
}

static void
number(struct maker *m)
{
    PICK(m, "0", "1", "2", "-1", "3", "NaN", "Inf", "8");
}

/* A scalar without rounding. */
static void
scalar(struct maker *m, int depth)
{
    if (m->fixed || depth <= 0 || choose(m->c, 3)) {
        number(m);
        return;
    }
    put(m, "scalar(");
    exact(m, depth - 1);
    put(m, ")");
}

/* --- vectors ------------------------------------------------------------------------------- */

static void
grouping(struct maker *m)
{
    PICK(m, " ", " by (instance) ", " by (job, le) ", " without (instance) ", " by (__name__) ",
         " without (job, le) ");
}

static void
call(struct maker *m, const char *function, void (*arg)(struct maker *m, int depth), int depth)
{
    put(m, function);
    put(m, "(");
    arg(m, depth);
    put(m, ")");
}

static void
pair(struct maker *m, void (*side)(struct maker *m, int depth), int depth, bool set)
{
    static const char *const sets[] = {"and", "or", "unless"};
    static const char *const plain[] = {"+", "-"};
    static const char *const compare[] = {"==", "!=", ">", "<=", "> bool", "!= bool"};
    bool compares = side == exact && choose(m->c, 2);
    put(m, "(");
    side(m, depth - 1);
    put(m, " ");
    if (set)
        pick(m, sets, 3);
    else
        pick(m, compares ? compare : plain, compares ? 6 : 2);
    PICK(m, " ", " on (instance) ", " ignoring (job) ", " on () ", " ignoring (le, instance) ");
    if (!set && m->to->p[m->to->n - 2] == ')') /* behind on or ignoring */
        PICK(m, "", "", "group_left () ", "group_right () ", "group_left (job) ", "fill (0) ",
             "fill_left (1) ", "fill_right (NaN) ");
    side(m, depth - 1);
    put(m, ")");
}

/* Aggregations with a parameter, over selectors: no two elements come in another order there. */
static void
aggregate_selector(struct maker *m, int depth)
{
    static const char *const names[] = {"topk", "bottomk", "quantile"};
    size_t which = choose(m->c, 4);
    if (which == 3) {
        put(m, "count_values(\"v\", ");
    } else {
        put(m, names[which]);
        grouping(m);
        put(m, "(");
        scalar(m, which == 2 ? depth - 1 : 0);
        put(m, ", ");
    }
    selector(m);
    put(m, ")");
}

static void
relabel(struct maker *m, int depth)
{
    bool join = choose(m->c, 2);
    put(m, join ? "label_join(" : "label_replace(");
    exact(m, depth - 1);
    if (join)
        PICK(m, ", \"j\", \"-\", \"job\", \"le\")", ", \"le\", \"\", \"instance\")");
    else
        PICK(m, ", \"j\", \"$1\", \"job\", \"(.*)\")", ", \"le\", \"$1\", \"instance\", \"(1|2)\")",
             ", \"instance\", \"\", \"le\", \".+\")", ", \"job\", \"x\", \"\", \"\")");
}

static void
exact_window(struct maker *m, int depth)
{
    static const char *const names[] = {
        "sum_over_time",    "min_over_time", "max_over_time",   "count_over_time",
        "last_over_time",   "changes",       "resets",          "present_over_time",
        "absent_over_time", "idelta",        "first_over_time", "ts_of_max_over_time"};
    call(m, names[choose(m->c, 12)], matrix, depth);
}

static void
exact_map(struct maker *m, int depth)
{
    static const char *const names[] = {"abs", "ceil", "sgn", "absent", "-", "timestamp", "round"};
    if (choose(m->c, 8) == 7) {
        put(m, "start_timestamp(");
        selector(m);
        put(m, ")");
        return;
    }
    call(m, names[choose(m->c, 7)], exact, depth - 1);
}

static void
exact_scalar(struct maker *m, int depth)
{
    put(m, "(");
    exact(m, depth - 1);
    PICK(m, " + ", " - ", " * ", " > ", " == bool ", " < ");
    scalar(m, depth - 1);
    put(m, ")");
}

/* Small whole numbers, NaN and infinities. */
static void
exact(struct maker *m, int depth)
{
    size_t kind = choose(m->c, depth > 0 ? 11 : 1);
    switch (kind) {
    case 1:
    case 2:
        exact_window(m, depth);
        break;
    case 3:
        PICK(m, "sum", "min", "max", "count", "group");
        grouping(m);
        call(m, "", exact, depth - 1);
        break;
    case 4:
    case 5:
        pair(m, exact, depth, kind == 4);
        break;
    case 6:
        exact_map(m, depth);
        break;
    case 7:
        exact_scalar(m, depth);
        break;
    case 8:
        aggregate_selector(m, depth);
        break;
    case 9:
        relabel(m, depth);
        break;
    case 10:
        put(m, "info(");
        selector(m);
        PICK(m, ")", ", {le=~\".+\"})", ", {__name__=~\"n|target_info\"})");
        break;
    default:
        selector(m);
    }
}

/* rate(m[1m] anchored) */
static void
extended_window(struct maker *m)
{
    bool smoothed = choose(m->c, 2);
    if (smoothed)
        PICK(m, "rate", "increase", "delta");
    else
        PICK(m, "rate", "increase", "delta", "changes", "resets");
    put(m, "(");
    bare_selector(m);
    PICK(m, "[10s]", "[1m]", "[95s]");
    put(m, smoothed ? " smoothed" : " anchored");
    PICK(m, ")", ")", " offset (2s ^ 2))"); /* behind which no operator may follow */
}

static void
rough_window(struct maker *m, int depth)
{
    static const char *const names[] = {"rate",
                                        "increase",
                                        "delta",
                                        "irate",
                                        "avg_over_time",
                                        "stddev_over_time",
                                        "stdvar_over_time",
                                        "deriv",
                                        "mad_over_time"};
    size_t which = choose(m->c, 13);
    if (which > 10) {
        extended_window(m);
        return;
    }
    if (which < 9) {
        call(m, names[which], matrix, depth);
        return;
    }
    put(m, which == 9 ? "quantile_over_time(" : "predict_linear(");
    if (which == 9) {
        scalar(m, depth - 1);
        put(m, ", ");
    }
    matrix(m, depth);
    put(m, which == 9 ? ")" : ", 60)");
}

static void
histogram(struct maker *m, int depth)
{
    size_t kind = choose(m->c, 3);
    if (kind == 1) {
        PICK(m, "histogram_stddev", "histogram_stdvar");
        call(m, "", rough, depth - 1);
        return;
    }
    if (kind == 2) { /* hints of resets depend on earlier samples then, and what + and - make */
        PICK(m, "histogram_count(", "histogram_sum(", "histogram_avg(");
        if (choose(m->c, 2))
            selector(m);
        else
            rough_window(m, 0);
        put(m, ")");
        return;
    }
    put(m, "(");
    rough(m, depth - 1);
    PICK(m, " </ 1)", " >/ 1)", " * 2)", " / 2)");
}

static void
smoothed(struct maker *m)
{
    bare_selector(m);
    put(m, " smoothed");
    modifiers(m);
}

static void
buckets(struct maker *m, int depth)
{
    static const char *const heads[] = {"histogram_quantile(", "histogram_fraction(0, "};
    bool fraction = choose(m->c, 2);
    put(m, heads[fraction]);
    scalar(m, depth - 1);
    put(m, ", ");
    exact(m, depth - 1);
    put(m, ")");
}

/* Any number, so that the last digits may differ. */
static void
rough(struct maker *m, int depth)
{
    size_t kind = choose(m->c, depth > 0 ? 11 : 1);
    switch (kind) {
    case 1:
    case 2:
        rough_window(m, depth);
        break;
    case 3:
        PICK(m, "sum", "avg", "max", "stddev", "stdvar");
        grouping(m);
        call(m, "", rough, depth - 1);
        break;
    case 4:
    case 5:
        pair(m, rough, depth, kind == 4);
        break;
    case 6:
        PICK(m, "abs", "-", "atan", "deg");
        call(m, "", rough, depth - 1);
        break;
    case 7:
        buckets(m, depth);
        break;
    case 8:
    case 9:
        histogram(m, depth);
        break;
    case 10:
        smoothed(m);
        break;
    default:
        exact(m, depth);
    }
}

void
promql_make(struct choices *c, struct buf *to)
{
    struct maker m = {.c = c, .to = to, .fixed = choose(c, 3) == 0};
    if (choose(c, 8) == 7) {
        put(&m, "scalar(");
        rough(&m, 3);
        put(&m, ") + time()");
        return;
    }
    rough(&m, 4);
}
