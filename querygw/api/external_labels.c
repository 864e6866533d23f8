/* external_labels.c - see external_labels.h. */
#include "querygw/api/external_labels.h"

#include "base/assert.h"
#include "base/mem.h"

struct matchers
external_labels_strip(struct arena *a, struct matchers matchers, struct labels external)
{
    if (external.n == 0)
        return matchers;
    struct matcher *v = ARENA_ARRAY(a, struct matcher, matchers.n);
    for (size_t i = 0; i < matchers.n; i++) {
        const struct matcher *m = &matchers.v[i];
        struct str value = labels_get(external, m->name);
        v[i] = *m;
        if (m->type == MATCH_EQUAL && value.n > 0 && str_eq(value, m->value))
            v[i].value = STR("");
    }
    return (struct matchers){v, matchers.n};
}

struct labels
external_labels_merge(struct label_list *scratch, struct labels stored, struct labels external)
{
    if (external.n == 0)
        return stored;
    scratch->n = 0;
    size_t i = 0, k = 0;
    while (i < stored.n || k < external.n) {
        int order = i == stored.n     ? 1
                    : k == external.n ? -1
                                      : str_cmp(stored.v[i].name, external.v[k].name);
        vec_push(scratch, order <= 0 ? stored.v[i] : external.v[k]);
        i += order <= 0;
        k += order >= 0;
    }
    return (struct labels){scratch->v, scratch->n};
}
