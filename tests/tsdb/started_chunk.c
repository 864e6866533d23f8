/* started_chunk.c - each sample in the form that fits all: tsdb/chunk/README.md has the formats. */
#include "tests/tsdb/started_chunk.h"

#include "base/assert.h"
#include "base/mem.h"
#include "tsdb/chunk/histogram_layout.h"
#include "tsdb/chunk/start_times.h"
#include "tsdb/chunk/varbit.h"
#include "tsdb/model/sample.h"

static void
put_uvarint(struct bit_out *o, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        bit_out_put(o, (v & 0x7f) | 0x80, 8);
    bit_out_put(o, v, 8);
}

static void
put_varint(struct bit_out *o, int64_t v)
{
    put_uvarint(o, (uint64_t)v << 1 ^ (uint64_t)(v >> 63));
}

/* 0 the same | 110 a new window, here of all 64 bits | 111 stale. */
static void
put_value(struct bit_out *o, uint64_t *baseline, uint64_t bits)
{
    if (bits == STALE_NAN_BITS) {
        bit_out_put(o, 7, 3);
    } else if (bits == *baseline) {
        bit_out_put(o, 0, 1);
    } else {
        bit_out_put(o, 6, 3);
        bit_out_put(o, 0, 5 + 6);
        bit_out_put(o, bits ^ *baseline, 64);
        *baseline = bits;
    }
}

/* Of the second sample the time since the first, of others what that changes by. */
static void
put_time(struct bit_out *o, size_t i, int64_t delta_ms, int64_t delta_before_ms)
{
    if (i == 1) {
        put_uvarint(o, (uint64_t)delta_ms);
        return;
    }
    bit_out_put(o, 0x1e, 5); /* 64 bits follow, then the value */
    bit_out_put(o, (uint64_t)(delta_ms - delta_before_ms), 64);
}

static struct str
seal(struct bit_out *o, struct arena *a)
{
    size_t n = bit_out_bytes(o);
    bit_out_put(o, 0, 64); /* whole words: what is pending goes to the bytes */
    struct str bytes = arena_str(a, str_of((const char *)o->bytes.p, n));
    buf_fini(&o->bytes);
    return bytes;
}

struct str
xor2_encode(struct arena *a, const struct started_sample *v, size_t count)
{
    struct bit_out o = {.acc = 0};
    uint64_t baseline = v[0].bits == STALE_NAN_BITS ? 0 : v[0].bits;
    ASSERT(count > 0 && count <= CHUNK_SAMPLES_MAX);
    bit_out_put(&o, count, 16);
    bit_out_put(&o, (v[0].start_ms ? START_FIRST_KNOWN : 0) | (count > 1), 8);
    put_varint(&o, v[0].t_ms);
    bit_out_put(&o, v[0].bits, 64);
    if (v[0].start_ms)
        put_varint(&o, v[0].t_ms - v[0].start_ms);
    int64_t delta_ms = 0, difference_ms = 0;
    for (size_t i = 1; i < count; i++) {
        const struct started_sample *s = &v[i], *before = s - 1;
        put_time(&o, i, s->t_ms - before->t_ms, delta_ms);
        delta_ms = s->t_ms - before->t_ms;
        put_value(&o, &baseline, s->bits);
        int64_t difference = before->t_ms - s->start_ms;
        varbit_put_int(&o, difference - difference_ms);
        difference_ms = difference;
    }
    return seal(&o, a);
}

struct str
started_histogram_encode(struct arena *a, int64_t t_ms, int64_t start_ms, const struct histogram *h)
{
    struct bit_out o = {.acc = 0};
    ASSERT(h->kind == HISTOGRAM_FLOAT);
    bit_out_put(&o, 1, 16);
    bit_out_put(&o, start_ms ? START_FIRST_KNOWN : 0, 8);
    histogram_layout_put(&o, h);
    varbit_put_int(&o, t_ms);
    const uint64_t numbers[] = {h->count, h->zero_count, h->sum};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        bit_out_put(&o, numbers[i], 64);
    for (size_t i = 0; i < h->positive.n; i++)
        bit_out_put(&o, h->positive.v[i], 64);
    for (size_t i = 0; i < h->negative.n; i++)
        bit_out_put(&o, h->negative.v[i], 64);
    if (start_ms)
        put_varint(&o, t_ms - start_ms);
    return seal(&o, a);
}
