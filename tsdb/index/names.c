/* names.c - label names and values of an index file, and of some of its series.
 *
 * For series found by matchers the symbols that occur are marked in a bitmap: symbols are
 * sorted, so the marks in order are the answer. */
#include "base/mem.h"
#include "tsdb/index/index_int.h"

struct err
index_reader_names(const struct index_reader *r, struct arena *a, struct str_list *ret_names)
{
    struct str_list names = {ARENA_ARRAY(a, struct str, r->table.names.n), 0};
    for (size_t i = 0; i < r->table.names.n; i++)
        names.v[names.n++] = r->table.names.v[i].text;
    *ret_names = names;
    return arena_check(a);
}

struct err
index_reader_values(const struct index_reader *r, struct str name, struct arena *a,
                    struct str_list *ret_values)
{
    *ret_values = (struct str_list){NULL, 0};
    const struct index_name *n = index_table_name(&r->table, name);
    if (!n)
        return OK;
    struct str_list values = {ARENA_ARRAY(a, struct str, n->value_count), 0};
    struct index_values all = index_table_values(&r->table, n, STR(""));
    struct index_entry e;
    while (index_values_next(&all, &e))
        values.v[values.n++] = e.value;
    *ret_values = values;
    return arena_check(a);
}

/* Which symbols occur. */
struct marks {
    uint64_t *bits; /* one a symbol */
    size_t count;   /* of set bits */
};

static void
mark(struct marks *m, uint64_t symbol)
{
    uint64_t mask = UINT64_C(1) << (symbol % 64);
    m->count += (m->bits[symbol / 64] & mask) == 0;
    m->bits[symbol / 64] |= mask;
}

/* Marks the names of a series, or with `only` set the value of that one name. */
static struct err
mark_series(const struct index_reader *r, uint32_t id, const uint32_t *only, struct marks *m)
{
    struct reader body;
    TRY(index_series_entry(r, id, &body));
    uint64_t count = reader_uvarint(&body);
    for (uint64_t i = 0; i < count && body.code == ERR_NONE; i++) {
        uint64_t name = reader_uvarint(&body), value = reader_uvarint(&body);
        if (name >= r->symbols.count || value >= r->symbols.count)
            return ERR(ERR_CORRUPT, "index: series %u has a label without a symbol", id);
        if (!only)
            mark(m, name);
        else if (name == *only)
            mark(m, value);
    }
    return reader_check(&body, "index: labels of a series");
}

static struct err
marked_symbols(const struct index_reader *r, struct postings found, const uint32_t *only,
               struct arena *a, struct str_list *ret_list)
{
    size_t words = r->symbols.count / 64 + 1;
    AUTO(mem_free) uint64_t *bits = mem_array_zero(words, sizeof *bits);
    struct marks m = {bits, 0};
    for (size_t i = 0; i < found.n; i++)
        TRY(mark_series(r, found.v[i], only, &m));
    struct str_list list = {ARENA_ARRAY(a, struct str, m.count), 0};
    for (size_t w = 0; w < words; w++) {
        for (uint64_t rest = bits[w]; rest != 0; rest &= rest - 1) {
            struct str text = {NULL, 0};
            (void)index_symbols_at(&r->symbols, w * 64 + (size_t)__builtin_ctzll(rest), &text);
            list.v[list.n++] = text;
        }
    }
    *ret_list = list;
    return arena_check(a);
}

struct err
index_reader_names_of(const struct index_reader *r, struct postings found, struct arena *a,
                      struct str_list *ret_names)
{
    return marked_symbols(r, found, NULL, a, ret_names);
}

struct err
index_reader_values_of(const struct index_reader *r, struct str name, struct postings found,
                       struct arena *a, struct str_list *ret_values)
{
    uint32_t symbol;
    *ret_values = (struct str_list){NULL, 0};
    if (!index_symbols_find(&r->symbols, name, &symbol))
        return OK;
    return marked_symbols(r, found, &symbol, a, ret_values);
}
