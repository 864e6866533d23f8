/* A request of remote write 2.0, compressed (first byte odd) or plain: every row of what decodes is
 * inside the arrays, and encodes to a request that decodes and encodes to the same. */
#include "base/assert.h"
#include "base/codec.h"
#include "base/mem.h"
#include "proto/remote_write2.h"
#include "tests/fuzz/fuzz.h"

static void
encode(const struct write_message *m, struct buf *to)
{
    AUTO(remote_write2_fini) struct remote_write2 w;
    remote_write2_init(&w);
    for (size_t i = 0; i < m->row_count; i++) {
        const struct append_row *row = &m->rows[i];
        ASSERT((size_t)row->first_sample + row->sample_count <= m->sample_count);
        ASSERT((size_t)row->first_histogram + row->histogram_count <= m->histogram_count);
        ASSERT((size_t)row->first_exemplar + row->exemplar_count <= m->exemplar_count);
        ASSERT(row->sample_count + row->histogram_count > 0);
        const struct metadata *metadata =
            i < m->metadata_count ? &m->metadata[i].value : NULL; /* some; it belongs to another */
        remote_write2_add(&w, m, row, (struct remote_write2_extras){.metadata = metadata});
    }
    remote_write2_encode(&w, to);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf decoded = BUF_INIT, whole = BUF_INIT;
    AUTO(buf_fini) struct buf once = BUF_INIT, twice = BUF_INIT;
    struct str message = str_of((const char *)data + (size > 0), size - (size > 0));
    bool packed = size > 0 && data[0] & 1;
    struct write_message m = {0}, again = {0};
    if (packed)
        err_drop(snappy_decode(message, 1 << 20, &decoded));
    err_drop(remote_write2_decode(&a, packed ? buf_str(&decoded) : message, &m));
    for (size_t i = 0; i < m.metadata_count; i++)
        ASSERT(m.metadata[i].family.n > 0);
    m.metadata_count = size_min(m.metadata_count, m.row_count);
    encode(&m, &whole);
    ASSERT(remote_write2_decode(&a, buf_str(&whole), &again).code == ERR_NONE);
    ASSERT(again.row_count == m.row_count);
    struct write_message plain = m, plain_again = again; /* what is told once is told another way */
    plain.metadata_count = plain_again.metadata_count = 0;
    encode(&plain, &once);
    encode(&plain_again, &twice);
    ASSERT(str_eq(buf_str(&once), buf_str(&twice)));
    return 0;
}
