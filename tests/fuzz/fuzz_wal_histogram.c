/* Records of histograms: what is usable of them encodes, and decodes to the same. */
#include "base/assert.h"
#include "base/mem.h"
#include "tests/fuzz/fuzz.h"
#include "tsdb/wal/record_histograms.h"

static void
encode(struct buf *to, uint64_t ref, const struct histogram_sample *s)
{
    struct record_samples_writer w;
    record_begin_histograms(&w, to, record_histogram_type(&s->value), ref, s->t_ms);
    record_put_histogram(&w, ref, s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct record_cursor c, again;
    uint64_t ref, ref_again;
    struct histogram_sample s, s_again;
    enum record_histogram_use use;
    record_read_histograms(&c, str_of((const char *)data, size));
    while (record_next_histogram(&c, &a, &ref, &s, &use)) {
        ASSERT(s.value.positive.n <= size && s.value.positive_spans.n <= size / 2);
        if (use != RECORD_HISTOGRAM_USABLE)
            continue;
        AUTO(buf_fini) struct buf first = BUF_INIT, second = BUF_INIT;
        encode(&first, ref, &s);
        record_read_histograms(&again, buf_str(&first));
        ASSERT(record_next_histogram(&again, &a, &ref_again, &s_again, &use));
        ASSERT(ref == ref_again && reader_left(&again.r) == 0);
        encode(&second, ref_again, &s_again);
        ASSERT(str_eq(buf_str(&first), buf_str(&second)));
    }
    err_drop(record_cursor_check(&c));
    return 0;
}
