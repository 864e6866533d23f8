/* element.c - the operators that histograms have. */
#include "querygw/promql/element.h"

#include "base/mem.h"
#include "querygw/promql/arith.h"
#include "querygw/promql/histogram_point.h"

static struct err
refuse(struct exec *x, const struct plan_node *n, const struct element *left,
       const struct element *right, enum element_outcome *ret_outcome)
{
    const char *op = promql_op_text(n->binary.op);
    AUTO(buf_fini) struct buf text = BUF_INIT;
    buf_printf(&text,
               "PromQL info: incompatible sample types encountered for binary operator \"%s\": "
               "%s %s %s",
               op, left->histogram ? "histogram" : "float", op,
               right->histogram ? "histogram" : "float");
    *ret_outcome = ELEMENT_REFUSED;
    return notes_add(&x->notes, NOTE_INFO, n->range, buf_str(&text));
}

static void
of_floats(enum promql_op op, double left, double right, struct element *ret_element,
          enum element_outcome *ret_outcome)
{
    bool compares = promql_op_class(op) == PROMQL_OP_COMPARISON;
    double value = arith_scalar(op, left, right);
    ret_element->value = compares ? left : value;
    *ret_outcome = compares && value == 0 ? ELEMENT_UNTRUE : ELEMENT_KEPT;
}

/* *, /, </ and >/ with a number; false when there is no such operator. */
static bool
scale(enum promql_op op, const struct float_histogram *h, double number, struct arena *a,
      struct element *ret_element)
{
    struct float_histogram *to = float_histogram_copy(h, a);
    if (op == PROMQL_MUL)
        float_histogram_multiply(to, number);
    else if (op == PROMQL_DIV)
        float_histogram_divide(to, number);
    else if (op == PROMQL_TRIM_UPPER)
        float_histogram_trim(to, number, FLOAT_HISTOGRAM_ABOVE, a);
    else if (op == PROMQL_TRIM_LOWER)
        float_histogram_trim(to, number, FLOAT_HISTOGRAM_BELOW, a);
    else
        return false;
    if (op == PROMQL_MUL || op == PROMQL_DIV)
        float_histogram_compact(to, a);
    ret_element->histogram = to;
    return true;
}

static struct err
note_layouts(struct exec *x, const struct plan_node *n, enum element_outcome *ret_outcome)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    buf_printf(&text,
               "PromQL warning: incompatible bucket layout encountered for binary operator %s",
               promql_op_text(n->binary.op));
    *ret_outcome = ELEMENT_REFUSED;
    return notes_add(&x->notes, NOTE_WARNING, n->range, buf_str(&text));
}

/* A conflict between the hints of counters leaves no result. */
static struct err
combine(struct exec *x, const struct plan_node *n, struct arena *a,
        const struct float_histogram *left, const struct float_histogram *right,
        struct element *ret_element, enum element_outcome *ret_outcome)
{
    bool adds = n->binary.op == PROMQL_ADD;
    unsigned findings = 0;
    struct float_histogram *to = float_histogram_copy(left, a);
    bool fits = adds ? float_histogram_add(to, right, a, &findings)
                     : float_histogram_subtract(to, right, a, &findings);
    if (!fits)
        return note_layouts(x, n, ret_outcome);
    if (!adds)
        to->reset = HISTOGRAM_GAUGE;
    float_histogram_compact(to, a);
    ret_element->histogram = to;
    *ret_outcome = findings & FLOAT_HISTOGRAM_RESET_CONFLICT ? ELEMENT_REFUSED : ELEMENT_KEPT;
    return histogram_note_findings(x, findings, n->range, adds ? "addition" : "subtraction");
}

static struct err
of_histograms(struct exec *x, const struct plan_node *n, struct arena *a, struct element left,
              struct element right, struct element *ret_element, enum element_outcome *ret_outcome)
{
    enum promql_op op = n->binary.op;
    if (op == PROMQL_ADD || op == PROMQL_SUB)
        return combine(x, n, a, left.histogram, right.histogram, ret_element, ret_outcome);
    if (op != PROMQL_EQ && op != PROMQL_NE)
        return refuse(x, n, &left, &right, ret_outcome);
    bool equal = float_histogram_equal(left.histogram, right.histogram);
    *ret_element = left;
    *ret_outcome = equal == (op == PROMQL_EQ) ? ELEMENT_KEPT : ELEMENT_UNTRUE;
    return OK;
}

struct err
element_binary(struct exec *x, const struct plan_node *n, struct arena *a, struct element left,
               struct element right, struct element *ret_element, enum element_outcome *ret_outcome)
{
    enum promql_op op = n->binary.op;
    *ret_element = (struct element){0};
    *ret_outcome = ELEMENT_KEPT;
    if (left.histogram && right.histogram)
        return of_histograms(x, n, a, left, right, ret_element, ret_outcome);
    if (left.histogram && scale(op, left.histogram, right.value, a, ret_element))
        return OK;
    if (right.histogram && op == PROMQL_MUL &&
        scale(op, right.histogram, left.value, a, ret_element))
        return OK;
    if (left.histogram || right.histogram || promql_op_class(op) == PROMQL_OP_TRIM)
        return refuse(x, n, &left, &right, ret_outcome);
    of_floats(op, left.value, right.value, ret_element, ret_outcome);
    return OK;
}
