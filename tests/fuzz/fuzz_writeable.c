/* A request between receivers, or the answer (first byte odd): what decodes has its rows in one
 * tuple each, and encodes to a request that decodes and encodes to the same. */
#include "base/assert.h"
#include "base/mem.h"
#include "proto/writeable.h"
#include "tests/fuzz/fuzz.h"

static void
encode(const struct writeable_message *m, struct buf *to)
{
    size_t rows = 0, metadata = 0, tuples = 0;
    writeable_encode_replica(to, m->replica);
    for (size_t i = 0; i < m->tuple_count; i++) {
        const struct writeable_tuple *t = &m->tuples[i];
        struct append_request r = write_message_request(&m->all);
        ASSERT(t->first_row == rows && t->first_metadata == metadata);
        r.row_count = t->row_count;
        r.metadata_count = t->metadata_count;
        if (r.row_count > 0)
            r.rows += rows;
        if (r.metadata_count > 0)
            r.metadata += metadata;
        rows += r.row_count;
        metadata += r.metadata_count;
        writeable_encode_tuple(to, t->tenant, &r);
    }
    ASSERT(rows == m->all.row_count && metadata == m->all.metadata_count);
    writeable_encode_parts(to, m->part_tuples, m->part_count);
    for (size_t i = 0; i < m->part_count; i++)
        tuples += m->part_tuples[i];
    ASSERT(m->part_count == 0 || tuples == m->tuple_count);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf once = BUF_INIT, twice = BUF_INIT;
    struct str message = str_of((const char *)data + (size > 0), size - (size > 0));
    enum writeable_outcome outcomes[8];
    size_t count = 0;
    if (size > 0 && data[0] & 1) {
        err_drop(writeable_decode_outcomes(message, outcomes, data[0] >> 1 & 7, &count));
        writeable_encode_outcomes(&once, outcomes, count);
        ASSERT(writeable_decode_outcomes(buf_str(&once), outcomes, count, &count).code == ERR_NONE);
        return 0;
    }
    struct writeable_message m = {0}, again = {0};
    err_drop(writeable_decode(&a, message, &m));
    encode(&m, &once);
    ASSERT(writeable_decode(&a, buf_str(&once), &again).code == ERR_NONE);
    encode(&again, &twice);
    ASSERT(str_eq(buf_str(&once), buf_str(&twice)));
    return 0;
}
