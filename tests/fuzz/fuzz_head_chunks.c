/* A chunks_head file visits chunks that lie in it, in order, and decode or are refused. */
#include "base/assert.h"
#include "base/mem.h"
#include "tests/fuzz/fuzz.h"
#include "tsdb/head/head_chunks_scan.h"

struct seen {
    struct str image;
    head_chunk_ref last;
};

static struct err
see(void *arg, const struct head_chunk_info *info)
{
    struct seen *s = arg;
    ASSERT(info->ref > s->last && info->ref >> 32 == 7);
    ASSERT(info->chunk.data.p >= s->image.p);
    ASSERT(info->chunk.data.p + info->chunk.data.n <= s->image.p + s->image.n);
    ASSERT(info->chunk.mint_ms <= info->chunk.maxt_ms);
    s->last = info->ref;
    AUTO(sample_columns_fini) struct sample_columns got = SAMPLE_COLUMNS_INIT;
    err_drop(chunk_decode_floats(&info->chunk, INT64_MIN, INT64_MAX, &got));
    return OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen s = {.image = str_of((const char *)data, size)};
    struct err e = head_chunks_scan(s.image, 7, see, &s);
    ASSERT(e.code == ERR_NONE || e.code == ERR_CORRUPT);
    err_drop(e);
    return 0;
}
