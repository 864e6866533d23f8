/* lists.c - postings lists of an index file: found, verified, byte-swapped. */
#include "base/assert.h"
#include "base/mem.h"
#include "tsdb/index/index_int.h"

/* Above every series number that the file can have. */
static uint32_t
file_bound(const struct index_reader *r)
{
    return u32_of_size(r->image.n / INDEX_SERIES_ALIGN);
}

struct err
index_list(const struct index_reader *r, uint64_t offset, struct arena *a,
           struct postings *ret_list)
{
    struct str body;
    TRY(index_section(r->image, offset, "postings list", &body));
    struct reader at = reader_of(body);
    uint32_t count = reader_be32(&at);
    if (at.code != ERR_NONE || reader_left(&at) != (uint64_t)count * sizeof count)
        return ERR(ERR_CORRUPT, "index: postings list at %ju: %u entries in %zu bytes",
                   (uintmax_t)offset, count, body.n);
    uint32_t *v = arena_alloc(a, count * sizeof *v);
    for (uint32_t i = 0; i < count; i++)
        v[i] = load_be32(at.p + i * sizeof *v);
    struct postings list = {v, count};
    if (!postings_check(list) || (count > 0 && v[count - 1] >= file_bound(r)))
        return ERR(ERR_CORRUPT, "index: postings list at %ju is not sorted or leaves the file",
                   (uintmax_t)offset);
    *ret_list = list;
    return OK;
}

static struct err
push_list(const struct index_reader *r, uint64_t offset, struct arena *a, struct postings_lists *to)
{
    struct postings list;
    TRY(index_list(r, offset, a, &list));
    vec_push(to, list);
    return OK;
}

static struct err
index_find(const struct postings_source *s, struct str name, struct str value, struct arena *a,
           struct postings_lists *to)
{
    const struct index_reader *r = index_reader_of(s);
    uint64_t offset;
    return index_table_find(&r->table, name, value, &offset) ? push_list(r, offset, a, to) : OK;
}

static struct err
index_try_values(const struct postings_source *s, const struct matcher *m, bool verdict,
                 struct arena *a, struct postings_lists *to)
{
    const struct index_reader *r = index_reader_of(s);
    const struct index_name *name = index_table_name(&r->table, m->name);
    if (!name)
        return OK;
    const struct str *prefixes;
    size_t count;
    matcher_prefixes(m, verdict ? MATCHER_SELECTS : MATCHER_REFUSES, &prefixes, &count);
    for (size_t i = 0; i < count; i++) { /* none starts with another: no value comes twice */
        struct index_values values = index_table_values(&r->table, name, prefixes[i]);
        struct index_entry e;
        while (index_values_next(&values, &e)) {
            if (matcher_match(m, e.value) == verdict)
                TRY(push_list(r, e.list_offset, a, to));
        }
    }
    return arena_check(a);
}

static struct err
index_all(const struct postings_source *s, struct arena *a, struct postings *ret_all)
{
    const struct index_reader *r = index_reader_of(s);
    *ret_all = (struct postings){NULL, 0};
    return r->table.all_offset == 0 ? OK : index_list(r, r->table.all_offset, a, ret_all);
}

static uint32_t
index_bound(const struct postings_source *s)
{
    return file_bound(index_reader_of(s));
}

/* A file never changes: one generation for good. */
static struct match_cache *
index_cache(const struct postings_source *s, uint64_t *ret_generation)
{
    *ret_generation = index_reader_of(s)->generation;
    return index_reader_of(s)->cache;
}

const struct postings_source_ops index_postings_ops = {
    .find = index_find,
    .try_values = index_try_values,
    .all = index_all,
    .bound = index_bound,
    .cache = index_cache,
};
