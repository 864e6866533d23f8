/* vector_fill.c - fill values as columns, so that a match computes with them as with others.
 *
 * Prometheus swaps the operands of group_right but not the fill values: fill_right always fills
 * the one side, fill_left the many side (promql/engine.go, VectorBinop). */
#include "querygw/promql/vector_fill.h"

static double *
constants(struct arena *a, double value, uint32_t steps)
{
    double *v = ARENA_ARRAY(a, double, steps);
    for (size_t i = 0; i < steps; i++)
        v[i] = value;
    return v;
}

void
vector_fill_init(struct vector_fill *f, struct arena *a, const struct plan_matching *m,
                 uint32_t steps)
{
    *f = (struct vector_fill){.matching = m, .steps = steps, .partner = m->result};
    f->partner.keeps_name = false;
    f->scratch.arena = a;
    if (m->fills_one) {
        f->one.end = steps;
        f->one.values = constants(a, m->fill_one, steps);
        f->one.present = ARENA_ARRAY(a, uint64_t, column_words(steps));
    }
    if (m->fills_many) {
        f->many.values = constants(a, m->fill_many, steps);
        f->many.present = ARENA_ARRAY(a, uint64_t, column_words(steps));
    }
}

struct held_column *
vector_fill_one(struct vector_fill *f, struct labels of, const uint64_t *present,
                struct held_column *next)
{
    for (size_t w = 0; w < column_words(f->steps); w++)
        f->one.present[w] = ~present[w]; /* past the last step no element has a bit */
    f->one.labels = labels_group(&f->scratch, &f->partner, of);
    f->one.next = next;
    return &f->one;
}

struct column *
vector_fill_many(struct vector_fill *f, const struct held_column *h, const uint64_t *met,
                 struct held_column **ret_partner)
{
    column_clear(&f->many, f->steps);
    for (size_t w = h->begin / 64; w < column_words(h->end); w++)
        f->many.present[w] = held_word(h, w) & ~met[w];
    if (!column_fit(&f->many, f->steps))
        return NULL;
    f->many.labels = labels_group(&f->scratch, &f->partner, h->labels);
    f->unmet = *h;
    f->unmet.next = NULL;
    *ret_partner = &f->unmet;
    return &f->many;
}
