/* Bodies of records, each tried as every type but histograms: views stay within the record, and
 * no item takes less than two bytes. */
#include "base/assert.h"
#include "base/mem.h"
#include "tests/fuzz/fuzz.h"
#include "tsdb/wal/record_exemplars.h"
#include "tsdb/wal/record_metadata.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str record = str_of((const char *)data, size);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct record_cursor c[6];
    uint64_t ref, chunk_ref;
    int64_t mint, maxt;
    struct labels l;
    struct sample s;
    struct exemplar e;
    struct metadata m;
    size_t items = 0;
    for (record_read_series(&c[0], record); record_next_series(&c[0], &a, &ref, &l); items++)
        ASSERT(l.n == 0 || l.v[l.n - 1].value.p + l.v[l.n - 1].value.n <= record.p + size);
    for (record_read_samples(&c[1], record); record_next_sample(&c[1], &ref, &s);)
        items++;
    for (record_read_tombstones(&c[2], record); record_next_tombstone(&c[2], &ref, &mint, &maxt);)
        items++;
    for (record_read_exemplars(&c[3], record); record_next_exemplar(&c[3], &a, &ref, &e); items++)
        ASSERT(e.labels.n <= size / 2);
    for (record_read_mmap_markers(&c[4], record); record_next_mmap_marker(&c[4], &ref, &chunk_ref);)
        items++;
    for (record_read_metadata(&c[5], record); record_next_metadata(&c[5], &ref, &m); items++)
        ASSERT(m.help.n + m.unit.n < size && m.kind <= METRIC_KIND_STATESET);
    ASSERT(items * 2 <= size);
    for (size_t i = 0; i < ARRAY_LEN(c); i++)
        err_drop(record_cursor_check(&c[i]));
    return 0;
}
