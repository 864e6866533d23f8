/* ooo_chunk.c - inserting into and encoding the open chunk of late samples. */
#include "tsdb/head/ooo_chunk.h"

#include "base/assert.h"
#include "base/mem.h"
#include "tsdb/chunk/xor.h"

enum { ROOM_MIN = 4 }; /* most series with late samples have few of them */

/* Where a sample at t belongs: behind all that are older. Late samples mostly come in order
 * among themselves, so the search starts at the end. */
static size_t
place_of(const struct ooo_chunk *c, int64_t t_ms)
{
    size_t i = c->count;
    while (i > 0 && c->samples[i - 1].t_ms >= t_ms)
        i--;
    return i;
}

static void
grow(struct ooo_chunk *c, unsigned capacity)
{
    size_t room = size_min(size_max(2u * c->room, ROOM_MIN), capacity);
    c->samples = mem_realloc(c->samples, room * sizeof *c->samples);
    c->room = (uint8_t)room;
}

enum ooo_insert
ooo_chunk_insert(struct ooo_chunk *c, unsigned capacity, struct sample s)
{
    ASSERT(capacity > 0 && capacity <= OOO_SAMPLES_MAX);
    if (c->count >= capacity)
        return OOO_FULL;
    size_t at = place_of(c, s.t_ms);
    if (at < c->count && c->samples[at].t_ms == s.t_ms)
        return OOO_DUPLICATE;
    if (c->count == c->room)
        grow(c, capacity);
    memmove(c->samples + at + 1, c->samples + at, (c->count - at) * sizeof *c->samples);
    c->samples[at] = s;
    c->count++;
    return OOO_STORED;
}

void
ooo_chunk_clear(struct ooo_chunk *c)
{
    mem_free(c->samples);
    *c = (struct ooo_chunk){0};
}

/* All samples from the next one on: floats of any number fit one chunk. */
bool
ooo_encoder_next(struct ooo_encoder *e, struct chunk_view *ret_chunk)
{
    const struct sample *samples = e->chunk->samples + e->next;
    size_t count = e->chunk->count - e->next;
    if (count == 0)
        return false;
    buf_clear(&e->bytes);
    buf_reserve(&e->bytes, XOR_HEADER_BYTES + count * XOR_SAMPLE_BYTES_MAX + 2 * sizeof(uint64_t));
    uint8_t *bytes = (uint8_t *)e->bytes.p;
    struct xor_appender x;
    xor_init(&x);
    for (size_t i = 0; i < count; i++)
        xor_append(&x, bytes, samples[i].t_ms, samples[i].bits);
    e->bytes.n = xor_seal(&x, bytes);
    e->next += count;
    *ret_chunk = (struct chunk_view){
        .mint_ms = samples[0].t_ms,
        .maxt_ms = samples[count - 1].t_ms,
        .encoding = CHUNK_XOR,
        .data = buf_str(&e->bytes),
    };
    return true;
}
