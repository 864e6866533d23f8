/* relabel_call.c - label_replace(), label_join(): one label set from others, values untouched. */
#include "querygw/promql/op.h"
#include "querygw/promql/series_key.h"

struct op_relabel {
    struct op op;
    struct op *child;
    struct buf *value; /* of the label that is set; released with the arena */
    struct label_scratch labels;
    struct label_guard guard;
};

static void
release_buf(void *buf)
{
    buf_fini(buf);
}

static void
relabel(struct op_relabel *o, struct column *c)
{
    const struct plan_node *n = o->op.plan;
    buf_clear(o->value);
    if (n->relabel.regex) {
        struct str source = labels_get(c->labels, n->relabel.sources[0]);
        if (!regex_expand(n->relabel.regex, source, n->relabel.text, o->value))
            return;
    }
    for (size_t i = 0; !n->relabel.regex && i < n->relabel.source_count; i++) {
        if (i > 0)
            buf_append(o->value, n->relabel.text);
        buf_append(o->value, labels_get(c->labels, n->relabel.sources[i]));
    }
    c->labels = labels_set(&o->labels, c->labels, n->relabel.target, buf_str(o->value));
    if (str_eq(n->relabel.target, STR(LABEL_METRIC_NAME)))
        c->drop_name = false; /* a name that was asked for stays */
}

static struct err
relabel_next(struct op *op, struct column **ret_column)
{
    struct op_relabel *o = (struct op_relabel *)op;
    struct column *c;
    TRY(op_next(o->child, &c));
    *ret_column = c;
    if (!c)
        return OK;
    TRY(exec_work(op->x, 1));
    relabel(o, c);
    return label_guard_pass(&o->guard, c);
}

static const struct op_ops relabel_ops = {relabel_next};

struct op *
op_relabel_open(struct exec *x, const struct plan_node *n)
{
    struct op_relabel *o = ARENA_NEW(x->arena, struct op_relabel);
    o->op = (struct op){&relabel_ops, x, n};
    o->child = op_open(x, n->relabel.child);
    o->value = ARENA_NEW(x->arena, struct buf);
    arena_defer(x->arena, release_buf, o->value);
    o->labels.arena = x->arena;
    label_guard_init(&o->guard, x, LABEL_GUARD_DISJOINT, n->grid.steps);
    return &o->op;
}
