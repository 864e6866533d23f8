/* vector_set.c - and, or, unless: which elements of one vector have a partner in the other.
 *
 * Only presence bits are kept, one bitmap a match group. `and` and `unless` drain the right side
 * and let the left one pass; `or` lets the left side pass, then what is new on the right. */

#include "base/assert.h"
#include "querygw/promql/op.h"
#include "querygw/promql/series_key.h"

struct op_vector_set {
    struct op op;
    struct op *left, *right;
    bool first_done;        /* the side that fills the bitmaps was read to its end */
    struct key_map numbers; /* of groups */
    uint64_t **present;     /* a bitmap a group: the steps of the side read first */
    size_t count, cap;
    struct label_scratch scratch;
};

static struct hash128
set_key(struct op_vector_set *o, struct labels l)
{
    struct labels key = labels_group(&o->scratch, &o->op.plan->binary.matching->key, l);
    return labels_key(&o->scratch, key, o->op.x->hash_seed);
}

/* Adds the steps of `c` to its group. */
static struct err
set_mark(struct op_vector_set *o, const struct column *c)
{
    struct arena *a = o->op.x->arena;
    uint32_t number;
    bool is_new;
    TRY(key_map_find_or_add(&o->numbers, set_key(o, c->labels), &number, &is_new));
    if (is_new) {
        ASSERT(number == o->count);
        o->present = arena_more(a, o->present, sizeof(uint64_t *), o->count, &o->cap);
        o->present[o->count++] = ARENA_ARRAY(a, uint64_t, column_words(o->op.plan->grid.steps));
    }
    for (size_t w = c->begin / 64; w < column_words(c->end); w++)
        o->present[number][w] |= c->present[w];
    return arena_check(a);
}

enum set_keep { SET_KEEP_MARKED, SET_KEEP_OTHERS };

/* Takes steps out of `c`; false when none is left. */
static bool
set_filter(struct op_vector_set *o, struct column *c, enum set_keep keep)
{
    uint32_t number;
    bool marked = key_map_find(&o->numbers, set_key(o, c->labels), &number);
    if (!marked)
        return keep == SET_KEEP_OTHERS;
    uint64_t flip = keep == SET_KEEP_OTHERS ? ~UINT64_C(0) : 0;
    for (size_t w = c->begin / 64; w < column_words(c->end); w++)
        c->present[w] &= o->present[number][w] ^ flip;
    return column_fit(c, o->op.plan->grid.steps);
}

/* The next column of `side` that keeps a step; NULL behind the last. */
static struct err
set_filter_next(struct op_vector_set *o, struct op *side, enum set_keep keep,
                struct column **ret_column)
{
    struct column *c;
    do {
        TRY(op_next(side, &c));
        if (c)
            TRY(exec_work(o->op.x, (c->end - c->begin) / 64 + 1));
    } while (c && !set_filter(o, c, keep));
    *ret_column = c;
    return OK;
}

static struct err
or_next(struct op *op, struct column **ret_column)
{
    struct op_vector_set *o = (struct op_vector_set *)op;
    if (!o->first_done) {
        TRY(op_next(o->left, ret_column));
        if (*ret_column) {
            TRY(exec_work(op->x, op->plan->grid.steps / 64 + 1));
            return set_mark(o, *ret_column);
        }
        o->first_done = true;
    }
    return set_filter_next(o, o->right, SET_KEEP_OTHERS, ret_column);
}

/* and, unless */
static struct err
restrict_next(struct op *op, struct column **ret_column)
{
    struct op_vector_set *o = (struct op_vector_set *)op;
    while (!o->first_done) {
        struct column *c;
        TRY(op_next(o->right, &c));
        if (c) {
            TRY(exec_work(op->x, op->plan->grid.steps / 64 + 1));
            TRY(set_mark(o, c));
        }
        o->first_done = !c;
    }
    return set_filter_next(o, o->left,
                           op->plan->binary.op == PROMQL_AND ? SET_KEEP_MARKED : SET_KEEP_OTHERS,
                           ret_column);
}

static const struct op_ops or_ops = {or_next};
static const struct op_ops restrict_ops = {restrict_next};

struct op *
op_vector_set_open(struct exec *x, const struct plan_node *n)
{
    struct op_vector_set *o = ARENA_NEW(x->arena, struct op_vector_set);
    o->op = (struct op){n->binary.op == PROMQL_OR ? &or_ops : &restrict_ops, x, n};
    o->left = op_open(x, n->binary.left);
    o->right = op_open(x, n->binary.right);
    o->scratch.arena = x->arena;
    key_map_init(&o->numbers, x->arena);
    return &o->op;
}
