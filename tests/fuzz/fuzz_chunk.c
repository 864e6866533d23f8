/* Chunks of all encodings, named by the first byte: what is checked decodes to the same times, and
 * what decodes holds the same when it is written again. */
#include "base/assert.h"
#include "tests/fuzz/fuzz.h"
#include "tsdb/chunk/recode.h"

static void
check_again(const struct histogram_columns *want, struct arena *a)
{
    struct chunk_views chunks = VEC_INIT;
    AUTO(histogram_columns_fini) struct histogram_columns got = HISTOGRAM_COLUMNS_INIT;
    recode_histograms(want, a, &chunks);
    vec_each (&chunks, c)
        err_drop(chunk_decode_histograms(c, INT64_MIN, INT64_MAX, a, &got));
    vec_fini(&chunks);
    ASSERT(got.n == want->n);
    for (size_t i = 0; i < got.n; i++) {
        got.values[i].zero_threshold = want->values[i].zero_threshold; /* -0 becomes 0, */
        got.values[i].custom_bounds = want->values[i].custom_bounds;   /* here too      */
        ASSERT(histogram_equal(&got.values[i], &want->values[i]) && got.t_ms[i] == want->t_ms[i]);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 16 << 10) /* bounds time */
        return 0;
    struct chunk_view c = {INT64_MIN, INT64_MAX, (enum chunk_encoding)(1 + data[0] % 6),
                           str_of((const char *)data + 1, size - 1)};
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(sample_columns_fini) struct sample_columns f = SAMPLE_COLUMNS_INIT;
    AUTO(histogram_columns_fini) struct histogram_columns h = HISTOGRAM_COLUMNS_INIT;
    struct err e = chunk_holds_histograms(c.encoding)
                       ? chunk_decode_histograms(&c, INT64_MIN, INT64_MAX, &a, &h)
                       : chunk_decode_floats(&c, INT64_MIN, INT64_MAX, &f);
    int64_t mint, maxt, *t_ms = f.n > 0 ? f.t_ms : h.t_ms;
    struct err check = chunk_check(c.encoding, c.data, &mint, &maxt);
    if (check.code == ERR_NONE)
        ASSERT(e.code == ERR_NONE && t_ms[0] == mint && t_ms[f.n + h.n - 1] == maxt);
    check_again(&h, &a);
    err_drop(e);
    err_drop(check);
    return 0;
}
