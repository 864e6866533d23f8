/* tsdb_decode.c - decoding XOR chunks of 120 samples, into columns that are reused.
 *
 * Many different chunks, so that the processor cannot learn them. Times are 15 s apart to the
 * millisecond, as scrapes of Prometheus are made to look, or off by up to 5 ms. */
#include <stdio.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "base/rand.h"
#include "bench/tsdb_bench.h"
#include "tsdb/chunk/xor.h"

enum { SAMPLES = 120, CHUNKS = 2000, ROUNDS = 9, INTERVAL_MS = 15000, JITTER_MS = 5 };

enum kind { CONSTANT, RARE, COUNTER, FRACTIONS, GAUGE, NOISE, JITTER, KINDS };
static const char *const names[KINDS] = {
    [CONSTANT] = "constant", /* never changes */
    [RARE] = "rare",         /* now and then: most series of a fleet */
    [COUNTER] = "counter",   /* whole steps of about 100 */
    [FRACTIONS] = "seconds", /* a counter of seconds: steps of any fraction */
    [GAUGE] = "gauge",       /* two decimals, jumps about */
    [NOISE] = "noise",       /* all bits of the value's fraction change */
    [JITTER] = "jitter",     /* the counter, scraped a little early or late */
};

static struct str
make_chunk(struct arena *a, struct rand_gen *gen, enum kind kind)
{
    uint8_t *bytes = arena_alloc(a, (SAMPLES + 1) * (XOR_SAMPLE_BYTES_MAX + 8));
    struct xor_appender x;
    xor_init(&x);
    double v = (double)rand_below(gen, 100000);
    for (int64_t i = 0; i < SAMPLES; i++) {
        int64_t t = INT64_C(1700000000000) + i * INTERVAL_MS;
        switch (kind) {
        case CONSTANT:
            break;
        case RARE:
            v += rand_below(gen, 20) == 0 ? 1 : 0;
            break;
        case JITTER:
            t += (int64_t)rand_below(gen, 2 * JITTER_MS + 1);
            v += (double)(50 + rand_below(gen, 100));
            break;
        case COUNTER:
            v += (double)(50 + rand_below(gen, 100));
            break;
        case FRACTIONS:
            v += rand_f64(gen);
            break;
        case GAUGE:
            v = (double)rand_below(gen, 10000) / 100;
            break;
        case NOISE:
            v = 1 + rand_f64(gen);
            break;
        case KINDS:
            break;
        }
        xor_append(&x, bytes, t, bits_of_f64(v));
    }
    return str_of((const char *)bytes, xor_seal(&x, bytes));
}

static struct err
measure(struct bench *b, enum kind kind)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct rand_gen gen = rand_gen_of(11 + kind);
    struct str *chunks = arena_alloc(&a, CHUNKS * sizeof *chunks);
    size_t bytes = 0;
    for (size_t i = 0; i < CHUNKS; i++) {
        chunks[i] = make_chunk(&a, &gen, kind);
        bytes += chunks[i].n;
    }
    AUTO(sample_columns_fini) struct sample_columns columns = SAMPLE_COLUMNS_INIT;
    uint64_t best_ns = UINT64_MAX;
    for (int round = 0; round < ROUNDS; round++) {
        struct bench_timer start = bench_start();
        for (size_t i = 0; i < CHUNKS; i++) {
            columns.n = 0;
            TRY(xor_decode(chunks[i], INT64_MIN, INT64_MAX, &columns));
        }
        best_ns = u64_min(best_ns, bench_since(start).cpu_ns);
    }
    char name[64];
    (void)snprintf(name, sizeof name, "decode_%s_m_samples_per_s", names[kind]);
    bench_figure(b, name, (double)CHUNKS * SAMPLES * 1e3 / (double)best_ns);
    (void)snprintf(name, sizeof name, "decode_%s_bytes_a_sample", names[kind]);
    bench_figure(b, name, (double)bytes / CHUNKS / SAMPLES);
    return OK;
}

struct err
bench_decode(struct bench *b)
{
    for (int kind = 0; kind < KINDS; kind++)
        TRY(measure(b, (enum kind)kind));
    return OK;
}
