/* symbols.c - the sorted strings of an index file, found by number and by text.
 *
 * The place of every eighth is kept: half a byte a symbol in memory, and at most seven strings
 * to step over, which lie in a cache line or two. */
#include "base/mem.h"
#include "tsdb/index/index_int.h"

struct err
index_symbols_open(struct str section, struct index_symbols *ret_symbols)
{
    struct reader r = reader_of(section);
    uint32_t count = reader_be32(&r);
    if (r.code != ERR_NONE || count > reader_left(&r)) /* each takes a byte at least */
        return ERR(ERR_CORRUPT, "index: %u symbols in %zu bytes", count, section.n);
    struct index_symbols s = {.bytes = str_skip(section, sizeof count), .count = count};
    s.places = mem_array_zero(count / INDEX_SYMBOLS_SAMPLED + 1, sizeof *s.places);
    r = reader_of(s.bytes);
    struct str before = {NULL, 0};
    for (uint32_t i = 0; i < count; i++) {
        if (i % INDEX_SYMBOLS_SAMPLED == 0)
            s.places[i / INDEX_SYMBOLS_SAMPLED] = u32_of_size(reader_offset(&r));
        struct str text = reader_ustr(&r);
        bool ascends = i == 0 || str_cmp(before, text) < 0;
        if (r.code != ERR_NONE || !ascends) {
            mem_free(s.places);
            return ERR(ERR_CORRUPT, "index: symbol %u %s", i,
                       ascends ? "is cut off" : "is not sorted");
        }
        before = text;
    }
    *ret_symbols = s;
    return OK;
}

void
index_symbols_fini(struct index_symbols *s)
{
    mem_free(s->places);
    s->places = NULL;
}

/* A cursor at symbol `number`, which is a multiple of INDEX_SYMBOLS_SAMPLED. */
static struct reader
cursor_at(const struct index_symbols *s, uint32_t number)
{
    return reader_of(str_skip(s->bytes, s->places[number / INDEX_SYMBOLS_SAMPLED]));
}

bool
index_symbols_at(const struct index_symbols *s, uint64_t number, struct str *ret_text)
{
    if (number >= s->count)
        return false;
    uint32_t at = (uint32_t)number, skip = at % INDEX_SYMBOLS_SAMPLED;
    struct reader r = cursor_at(s, at - skip);
    while (skip-- > 0)
        reader_ustr(&r);
    *ret_text = reader_ustr(&r);
    return r.code == ERR_NONE;
}

bool
index_symbols_find(const struct index_symbols *s, struct str text, uint32_t *ret_number)
{
    uint32_t low = 0, high = s->count / INDEX_SYMBOLS_SAMPLED + 1; /* of places */
    while (high - low > 1) { /* the symbol at `low` is not behind text */
        uint32_t middle = low + (high - low) / 2;
        struct str at;
        bool behind = !index_symbols_at(s, (uint64_t)middle * INDEX_SYMBOLS_SAMPLED, &at) ||
                      str_cmp(at, text) > 0;
        if (behind)
            high = middle;
        else
            low = middle;
    }
    uint32_t number = low * INDEX_SYMBOLS_SAMPLED;
    struct reader r = cursor_at(s, number);
    for (; number < s->count && number < (low + 1) * INDEX_SYMBOLS_SAMPLED; number++) {
        if (!str_eq(reader_ustr(&r), text))
            continue;
        *ret_number = number;
        return true;
    }
    return false;
}
