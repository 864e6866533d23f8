/* A request, compressed (first byte odd) or plain: every row of what decodes is inside the
 * arrays, and encodes to a request that decodes to the same. */
#include "base/assert.h"
#include "base/codec.h"
#include "base/mem.h"
#include "proto/remote_write.h"
#include "tests/fuzz/fuzz.h"

static void
check(struct arena *a, const struct write_message *m)
{
    AUTO(buf_fini) struct buf again = BUF_INIT;
    for (size_t i = 0; i < m->row_count; i++) {
        ASSERT(m->rows[i].first_sample + (size_t)m->rows[i].sample_count <= m->sample_count);
        remote_write_encode_series(&again, m->rows[i].label_key,
                                   m->samples + m->rows[i].first_sample, m->rows[i].sample_count);
    }
    struct write_message copy = {0};
    err_drop(remote_write_decode(a, buf_str(&again), &copy));
    ASSERT(copy.row_count == m->row_count && copy.sample_count == m->sample_count);
    for (size_t i = 0; i < m->row_count; i++)
        ASSERT(str_eq(copy.rows[i].label_key, m->rows[i].label_key));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf decoded = BUF_INIT;
    struct str message = str_of((const char *)data + (size > 0), size - (size > 0));
    bool packed = size > 0 && data[0] & 1;
    struct err e = packed ? snappy_decode(message, 1 << 20, &decoded) : OK;
    struct write_message m = {0};
    if (e.code == ERR_NONE)
        e = remote_write_decode(&a, packed ? buf_str(&decoded) : message, &m);
    check(&a, &m);
    err_drop(e);
    return 0;
}
