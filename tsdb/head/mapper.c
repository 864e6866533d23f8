/* mapper.c - moves finished chunks from the heap to chunks_head.
 *
 * Appends queue what they finish; the maintenance thread writes the queue out in one go, and
 * only when all of it is readable from the file does it switch the chunks over. A failed pass
 * changes nothing: the chunks stay on the heap, and the log has their samples anyway. */
#include "tsdb/head/head_int.h"

#include "base/assert.h"
#include "base/mem.h"

void
head_queue_finished(struct head *h, const struct finished_chunks *finished)
{
    if (finished->n == 0)
        return;
    LOCKED(&h->mapped_lock);
    vec_reserve(&h->finished, finished->n);
    for (size_t i = 0; i < finished->n; i++)
        h->finished.v[h->finished.n++] = finished->v[i];
}

static struct finished_chunks
take_queue(struct head *h)
{
    LOCKED(&h->mapped_lock);
    struct finished_chunks taken = h->finished;
    h->finished = (struct finished_chunks)VEC_INIT;
    return taken;
}

/* Writes all of them; ret_refs has room for each. */
static struct err
write_chunks(struct head *h, const struct finished_chunks *queue, head_chunk_ref *ret_refs)
{
    for (size_t i = 0; i < queue->n; i++) {
        const struct head_chunk *c = queue->v[i].chunk;
        ASSERT(!c->mapped); /* a chunk is queued once */
        struct chunk_view view = {
            .mint_ms = c->mint_ms,
            .maxt_ms = head_chunk_maxt_ms(c),
            .encoding = c->encoding,
            .data = str_of((const char *)c->data, c->bytes),
        };
        uint64_t series = series_ref(head_hot(h, queue->v[i].slot));
        TRY(head_chunks_write(h->chunks, series, &view, &ret_refs[i]));
    }
    return head_chunks_flush(h->chunks);
}

static void
switch_over(struct head *h, struct finished_chunk f, head_chunk_ref ref)
{
    struct series_hot *hot = head_hot(h, f.slot);
    spin_acquire(&hot->spin);
    uint8_t *heap = f.chunk->data;
    f.chunk->ref = ref;
    f.chunk->mapped = 1;
    spin_release(&hot->spin);
    epoch_retire(h->epoch, heap); /* a reader may be copying it */
}

struct err
head_map_finished(struct head *h)
{
    struct finished_chunks queue = take_queue(h);
    if (queue.n == 0)
        return OK;
    head_chunk_ref *refs = mem_array_zero(queue.n, sizeof *refs);
    struct err written = write_chunks(h, &queue, refs);
    if (written.code == ERR_NONE) {
        for (size_t i = 0; i < queue.n; i++)
            switch_over(h, queue.v[i], refs[i]);
        atomic_fetch_add_explicit(&h->chunks_mapped, queue.n, memory_order_relaxed);
    } else {
        head_queue_finished(h, &queue);
    }
    mem_free(refs);
    vec_fini(&queue);
    return written;
}
