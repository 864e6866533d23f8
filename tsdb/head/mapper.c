/* mapper.c - moves finished chunks from the heap to chunks_head.
 *
 * Appends queue the series in which they finished chunks; the maintenance thread writes what it
 * finds there, the oldest of a series first (a replay takes all before a mapped chunk for
 * mapped), and switches over those that are readable from the file. The others stay on the
 * heap, and the log has their samples anyway. */
#include "tsdb/head/late.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/sort.h"

/* A finished chunk on its way to chunks_head. */
struct mapping {
    uint32_t slot;
    struct head_chunk *chunk;
    head_chunk_ref ref; /* 0: not written */
};
VEC_TYPE(mappings, struct mapping);

void
head_queue_finished(struct head *h, const struct slot_list *finished)
{
    if (finished->n == 0)
        return;
    LOCKED(&h->mapped_lock);
    vec_reserve(&h->finished, finished->n);
    for (size_t i = 0; i < finished->n; i++)
        h->finished.v[h->finished.n++] = finished->v[i];
}

size_t
head_finished_count(struct head *h)
{
    LOCKED(&h->mapped_lock);
    return h->finished.n;
}

static struct slot_list
take_queue(struct head *h)
{
    LOCKED(&h->mapped_lock);
    struct slot_list taken = h->finished;
    h->finished = (struct slot_list)VEC_INIT;
    return taken;
}

/* All chunks of a series that are on the heap, oldest first. Only this thread maps, and chunks
 * are never unlinked: the spin is for the head of the list alone. */
static void
gather_series(struct head *h, uint32_t slot, struct mappings *to)
{
    struct series_hot *hot = head_hot(h, slot);
    spin_acquire(&hot->spin);
    struct head_chunk *newest = head_cold(h, slot)->newest;
    spin_release(&hot->spin);
    size_t first = to->n;
    for (struct head_chunk *c = newest; c && !c->mapped; c = c->older)
        vec_push(to, ((struct mapping){slot, c, 0}));
    for (size_t i = first, j = to->n; i + 1 < j; i++) {
        struct mapping last = to->v[--j];
        to->v[j] = to->v[i];
        to->v[i] = last;
    }
}

static struct mappings
gather(struct head *h, struct slot_list *queue)
{
    struct mappings found = VEC_INIT;
    u32_sort(queue->v, queue->n);
    for (size_t i = 0; i < queue->n; i++) {
        if (i == 0 || queue->v[i] != queue->v[i - 1])
            gather_series(h, queue->v[i], &found);
    }
    return found;
}

static struct err
write_chunks(struct head *h, struct mappings *found)
{
    vec_each (found, m) {
        const struct head_chunk *c = m->chunk;
        struct chunk_view view = {
            .mint_ms = c->mint_ms,
            .maxt_ms = head_chunk_maxt_ms(c),
            .encoding = c->encoding,
            .data = str_of((const char *)c->data, c->bytes),
        };
        uint64_t series = series_ref(head_hot(h, m->slot));
        TRY(head_chunks_write(h->chunks, series, &view, &m->ref));
    }
    return head_chunks_flush(h->chunks);
}

static void
switch_over(struct head *h, const struct mapping *m)
{
    struct series_hot *hot = head_hot(h, m->slot);
    spin_acquire(&hot->spin);
    uint8_t *heap = m->chunk->data;
    m->chunk->ref = m->ref;
    m->chunk->mapped = 1;
    spin_release(&hot->spin);
    epoch_retire(h->epoch, heap); /* a reader may be copying it */
}

struct err
head_map_finished(struct head *h)
{
    struct slot_list queue = take_queue(h);
    if (queue.n == 0)
        return OK;
    struct mappings found = gather(h, &queue);
    struct err written = write_chunks(h, &found);
    size_t mapped = 0;
    vec_each (&found, m) {
        if (m->ref == 0 || !head_chunks_readable(h->chunks, m->ref))
            continue; /* as all behind it */
        switch_over(h, m);
        mapped++;
    }
    if (written.code == ERR_NONE)
        written = late_map(h, &queue, &mapped); /* sorted by gather() */
    atomic_fetch_add_explicit(&h->chunks_mapped, mapped, memory_order_relaxed);
    if (written.code != ERR_NONE)
        head_queue_finished(h, &queue); /* whoever is done has nothing to map next time */
    vec_fini(&found);
    vec_fini(&queue);
    return written;
}
