/* label_rows.c - label sets by number. */
#include "querygw/promql/label_rows.h"

#include "base/assert.h"

void
label_rows_init(struct label_rows *r, struct exec *x)
{
    *r = (struct label_rows){.x = x, .scratch.arena = x->arena};
    key_map_init(&r->numbers, x->arena);
}

struct err
label_rows_add(struct label_rows *r, struct labels l, uint32_t *ret_number)
{
    if (r->count == UINT32_MAX)
        return ERR(ERR_LIMIT, "query: more than %u series", UINT32_MAX);
    r->v = arena_more(r->x->arena, r->v, sizeof *r->v, r->count, &r->cap);
    r->drop_name = arena_more(r->x->arena, r->drop_name, sizeof(bool), r->count, &r->drop_cap);
    r->drop_name[r->count] = false;
    r->v[r->count] = labels_copy(r->x->arena, l);
    *ret_number = (uint32_t)r->count++;
    return arena_check(r->x->arena);
}

struct err
label_rows_find(struct label_rows *r, struct labels l, uint32_t *ret_number)
{
    bool is_new;
    struct hash128 key = labels_key(&r->scratch, l, r->x->hash_seed);
    TRY(key_map_find_or_add(&r->numbers, key, ret_number, &is_new));
    if (!is_new)
        return OK;
    ASSERT(*ret_number == r->count); /* nothing was added without a key */
    return label_rows_add(r, l, ret_number);
}
