/* sample.c - growing columns of samples. */
#include "tsdb/model/sample.h"

#include "base/assert.h"
#include "base/mem.h"

enum { COLUMNS_CAP_MIN = 128 }; /* a usual chunk */

void
sample_columns_reserve(struct sample_columns *c, size_t more)
{
    ASSERT(c->n + more >= c->n);
    if (c->n + more <= c->cap)
        return;
    c->cap = size_max(size_max(c->n + more, c->cap * 2), COLUMNS_CAP_MIN);
    c->t_ms = mem_realloc(c->t_ms, c->cap * sizeof *c->t_ms);
    c->bits = mem_realloc(c->bits, c->cap * sizeof *c->bits);
}

void
sample_columns_fini(struct sample_columns *c)
{
    mem_free(c->t_ms);
    mem_free(c->bits);
    *c = (struct sample_columns)SAMPLE_COLUMNS_INIT;
}
