/* metadata_store.c - a map from family names to one piece of memory each. */
#include "tsdb/head/metadata_store.h"

#include <stdlib.h>

#include "base/lock.h"
#include "base/map.h"

struct family {
    struct family_metadata data; /* views into the text behind */
    char text[];
};

struct metadata_store {
    struct lock lock;
    struct map families GUARDED_BY(lock); /* name -> struct family, which owns the name */
    size_t bytes GUARDED_BY(lock);        /* of all texts */
};

struct metadata_store *
metadata_store_open(void)
{
    struct metadata_store *m = mem_alloc_zero(sizeof *m);
    lock_init(&m->lock, LOCK_RANK_HEAD_METADATA);
    map_init(&m->families, MAP_KEYS_BORROWED);
    return m;
}

void
metadata_store_close(struct metadata_store *m)
{
    if (!m)
        return;
    struct map_entry entry = MAP_START;
    while (map_next(&m->families, &entry))
        mem_free(entry.value);
    map_fini(&m->families);
    lock_fini(&m->lock);
    mem_free(m);
}

static size_t
text_bytes(const struct family_metadata *d)
{
    return d->family.n + d->value.help.n + d->value.unit.n;
}

static bool
same_metadata(const struct metadata *a, const struct metadata *b)
{
    return a->kind == b->kind && str_eq(a->help, b->help) && str_eq(a->unit, b->unit);
}

static struct family *
family_new(const struct family_metadata *d)
{
    struct family *f = mem_alloc(sizeof *f + text_bytes(d));
    char *at = f->text;
    f->data.family = str_copy_to(&at, d->family);
    f->data.value.kind = d->value.kind;
    f->data.value.help = str_copy_to(&at, d->value.help);
    f->data.value.unit = str_copy_to(&at, d->value.unit);
    return f;
}

enum metadata_outcome
metadata_store_put(struct metadata_store *m, const struct family_metadata *news)
{
    size_t bytes = text_bytes(news);
    if (news->family.n == 0 || !str_is_utf8(news->family) || bytes > METADATA_FAMILY_BYTES_MAX)
        return METADATA_REFUSED;
    LOCKED(&m->lock);
    struct family *old = map_get(&m->families, news->family);
    if (old && same_metadata(&old->data.value, &news->value))
        return METADATA_KNOWN;
    size_t rest = m->bytes - (old ? text_bytes(&old->data) : 0);
    if (rest + bytes > METADATA_BYTES_MAX || (!old && m->families.count == METADATA_FAMILIES_MAX))
        return METADATA_REFUSED;
    struct family *f = family_new(news);
    map_put(&m->families, f->data.family, f); /* the key is replaced, too */
    mem_free(old);
    m->bytes = rest + bytes;
    return METADATA_CHANGED;
}

static int
cmp_families(const void *a, const void *b)
{
    const struct family_metadata *one = a, *other = b;
    return str_cmp(one->family, other->family);
}

/* Views, in no order. */
static struct family_metadata_list
gather(const struct metadata_store *m, struct str family, struct arena *a) REQUIRES(m->lock)
{
    struct family_metadata_list l = {NULL, 0};
    if (family.n > 0) {
        const struct family *f = map_get(&m->families, family);
        l.v = ARENA_ARRAY(a, struct family_metadata, 1);
        if (f)
            l.v[l.n++] = f->data;
        return l;
    }
    l.v = ARENA_ARRAY(a, struct family_metadata, m->families.count);
    struct map_entry entry = MAP_START;
    while (map_next(&m->families, &entry))
        l.v[l.n++] = ((const struct family *)entry.value)->data;
    if (l.n > 0)
        qsort(l.v, l.n, sizeof *l.v, cmp_families);
    return l;
}

struct err
metadata_store_list(struct metadata_store *m, struct str family, size_t limit, struct arena *a,
                    struct family_metadata_list *ret_list)
{
    LOCKED(&m->lock);
    struct family_metadata_list l = gather(m, family, a);
    l.n = size_min(l.n, limit);
    for (size_t i = 0; i < l.n; i++) {
        l.v[i].family = arena_str(a, l.v[i].family);
        l.v[i].value.help = arena_str(a, l.v[i].value.help);
        l.v[i].value.unit = arena_str(a, l.v[i].value.unit);
    }
    TRY(arena_check(a));
    *ret_list = l;
    return OK;
}

size_t
metadata_store_count(struct metadata_store *m)
{
    LOCKED(&m->lock);
    return m->families.count;
}
