/* meta.json is refused, or says when its block begins and ends; what is written reads the same. */
#include "base/assert.h"
#include "tests/fuzz/fuzz.h"
#include "tsdb/block/meta.h"

/* What was read is written as text that is written as itself. */
static void
rewrite(const struct block_meta *m)
{
    struct buf text = BUF_INIT, again = BUF_INIT;
    struct block_meta back;
    block_meta_format(m, &text);
    struct err e = block_meta_parse(buf_str(&text), &back);
    ASSERT(e.code == ERR_NONE);
    block_meta_format(&back, &again);
    ASSERT(str_eq(buf_str(&text), buf_str(&again)));
    block_meta_fini(&back);
    buf_fini(&text);
    buf_fini(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct block_meta m;
    struct err e = block_meta_parse(str_of((const char *)data, size), &m);
    ASSERT(e.code == ERR_NONE || e.code == ERR_CORRUPT || e.code == ERR_INVALID);
    if (e.code == ERR_NONE) {
        ASSERT(m.mint_ms <= m.maxt_ms);
        rewrite(&m);
        block_meta_fini(&m);
    }
    err_drop(e);
    return 0;
}
