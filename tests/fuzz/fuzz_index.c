/* An index image is refused, or every question about it is answered or refused. */
#include "base/assert.h"
#include "tests/fuzz/fuzz.h"
#include "tsdb/index/index_reader.h"

static void
ask(const struct index_reader *r, struct arena *a)
{
    static const struct matcher all = {MATCH_NOT_EQUAL, STR_INIT("no"), STR_INIT("no"), NULL};
    struct str_list list;
    struct postings found;
    struct index_series s;
    err_drop(index_reader_check(r));
    err_drop(index_reader_names(r, a, &list));
    err_drop(index_reader_values(r, STR("__name__"), a, &list));
    struct err e = postings_match(index_reader_postings(r), (struct matchers){&all, 1}, a, &found);
    if (e.code == ERR_NONE) {
        ASSERT(postings_check(found));
        for (size_t i = 0; i < found.n; i++)
            err_drop(index_reader_series(r, found.v[i], a, &s));
        err_drop(index_reader_names_of(r, found, a, &list));
        err_drop(index_reader_values_of(r, STR("__name__"), found, a, &list));
    }
    err_drop(e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(index_reader_close) struct index_reader *r = NULL;
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct err e = index_reader_open(str_of((const char *)data, size), &r);
    if (e.code == ERR_NONE)
        ask(r, &a);
    err_drop(e);
    return 0;
}
