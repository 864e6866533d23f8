/* ranks.c - a bounded heap: its root is the least of what stays, the next one to go. */
#include "tsdb/model/ranks.h"

#include <stdlib.h>

void
ranks_fini(struct ranks *r)
{
    vec_fini(&r->kept);
}

/* Below 0: x stands before y. */
static int
compare(const struct rank *x, const struct rank *y)
{
    if (x->amount != y->amount)
        return x->amount > y->amount ? -1 : 1;
    int by_name = str_cmp(x->name, y->name);
    return by_name ? by_name : str_cmp(x->value, y->value);
}

static int
compare_items(const void *a, const void *b)
{
    return compare(a, b);
}

static void
swap(struct rank *x, struct rank *y)
{
    struct rank was = *x;
    *x = *y;
    *y = was;
}

static void
sift_up(struct ranks *r, size_t at)
{
    struct rank *v = r->kept.v;
    while (at > 0 && compare(&v[at], &v[(at - 1) / 2]) > 0) {
        swap(&v[at], &v[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

static void
sift_down(struct ranks *r)
{
    struct rank *v = r->kept.v;
    for (size_t at = 0, child; (child = 2 * at + 1) < r->kept.n; at = child) {
        if (child + 1 < r->kept.n && compare(&v[child + 1], &v[child]) > 0)
            child++;
        if (compare(&v[child], &v[at]) <= 0)
            return;
        swap(&v[at], &v[child]);
    }
}

void
ranks_add(struct ranks *r, struct rank item)
{
    if (r->kept.n < r->limit) {
        vec_push(&r->kept, item);
        sift_up(r, r->kept.n - 1);
        return;
    }
    if (r->limit == 0 || compare(&item, &r->kept.v[0]) > 0)
        return;
    r->kept.v[0] = item;
    sift_down(r);
}

void
ranks_sort(struct ranks *r)
{
    if (r->kept.n > 1)
        qsort(r->kept.v, r->kept.n, sizeof *r->kept.v, compare_items);
}

static struct str
text_of(const struct rank *item, struct arena *a)
{
    if (item->value.n == 0)
        return arena_str(a, item->name);
    size_t bytes = item->name.n + 1 + item->value.n;
    char *text = arena_alloc(a, bytes);
    memcpy(text, item->name.p, item->name.n);
    text[item->name.n] = '=';
    memcpy(text + item->name.n + 1, item->value.p, item->value.n);
    return (struct str){text, bytes};
}

struct rank_list
ranks_copy(struct ranks *r, struct arena *a)
{
    ranks_sort(r);
    struct rank *v = ARENA_ARRAY(a, struct rank, r->kept.n);
    for (size_t i = 0; i < r->kept.n; i++)
        v[i] = (struct rank){.name = text_of(&r->kept.v[i], a), .amount = r->kept.v[i].amount};
    return (struct rank_list){v, r->kept.n};
}
