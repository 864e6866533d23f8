/* symbols.c - merges sorted lists of strings. */
#include "tsdb/compact/symbols.h"

#include "base/assert.h"
#include "base/mem.h"
#include "tsdb/compact/tournament.h"

/* One index on its way through its symbols. */
struct cursor {
    struct reader rest;
    uint32_t at, count;
    struct str text; /* number `at` */
};

static void
next_symbol(struct cursor *c)
{
    if (++c->at < c->count)
        c->text = reader_ustr(&c->rest);
}

static bool
symbol_before(const void *owner, size_t x, size_t y)
{
    const struct cursor *v = owner;
    bool x_ended = v[x].at >= v[x].count, y_ended = v[y].at >= v[y].count;
    if (x_ended || y_ended)
        return x_ended == y_ended ? x < y : y_ended;
    int c = str_cmp(v[x].text, v[y].text);
    return c < 0 || (c == 0 && x < y);
}

static struct err
merge_all(struct cursor *cursors, struct tournament *t, struct merged_symbols *to)
{
    for (;;) {
        size_t winner = tournament_winner(t);
        struct cursor *c = &cursors[winner];
        if (c->at >= c->count)
            return OK;
        if (to->texts.n == 0 || !str_eq(*vec_last(&to->texts), c->text))
            vec_push(&to->texts, c->text);
        if (to->texts.n > UINT32_MAX)
            return ERR(ERR_LIMIT, "more than %u symbols in blocks to compact", UINT32_MAX);
        to->numbers.v[winner][c->at] = (uint32_t)(to->texts.n - 1);
        next_symbol(c);
        tournament_replay(t);
    }
}

struct err
merge_symbols(const struct index_reader *const *indexes, size_t n,
              struct merged_symbols *ret_merged)
{
    struct merged_symbols m = MERGED_SYMBOLS_INIT;
    AUTO(mem_free) struct cursor *cursors = mem_array_zero(n, sizeof *cursors);
    for (size_t i = 0; i < n; i++) {
        struct cursor *c = &cursors[i];
        c->rest = index_reader_symbols(indexes[i], &c->count);
        c->text = c->count > 0 ? reader_ustr(&c->rest) : STR("");
        vec_push(&m.numbers, mem_array_zero(c->count, sizeof(uint32_t)));
    }
    struct tournament t;
    tournament_init(&t, n, symbol_before, cursors);
    struct err e = merge_all(cursors, &t, &m);
    tournament_fini(&t);
    if (e.code != ERR_NONE) {
        merged_symbols_fini(&m);
        return e;
    }
    *ret_merged = m;
    return OK;
}

void
merged_symbols_fini(struct merged_symbols *m)
{
    vec_each (&m->numbers, v)
        mem_free(*v);
    vec_fini(&m->numbers);
    vec_fini(&m->texts);
}
