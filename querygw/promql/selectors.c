/* selectors.c - one walk over the tree; its depth is bounded by PROMQL_DEPTH_MAX. */
#include "querygw/promql/selectors.h"

struct walk {
    struct arena *arena;
    struct promql_selectors found;
    size_t cap;
};

static void
visit(struct walk *w, const struct promql_node *n)
{
    if (n->kind == PROMQL_VECTOR_SELECTOR) {
        w->found.v = arena_more(w->arena, w->found.v, sizeof *w->found.v, w->found.n, &w->cap);
        w->found.v[w->found.n++] = n->vector.matchers;
    }
    const struct promql_node *child;
    for (size_t i = 0; (child = promql_child(n, i)); i++)
        visit(w, child);
}

struct promql_selectors
promql_selectors_of(struct arena *a, const struct promql_node *root)
{
    struct walk w = {.arena = a};
    visit(&w, root);
    return w.found;
}
