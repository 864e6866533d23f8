/* peer_rows.c - counted; written in full once, and packed once, if at all. */
#include "replication/peer_rows.h"

#include <stdatomic.h>

#include "base/codec.h"

static struct peer_rows *
open_rows(size_t plain_bytes, uint32_t tuple_count)
{
    struct peer_rows *r = mem_alloc_zero(sizeof *r);
    atomic_init(&r->refs, 1);
    r->plain_bytes = plain_bytes;
    r->tuple_count = tuple_count;
    lock_init(&r->lock, LOCK_RANK_LEAF);
    return r;
}

struct peer_rows *
peer_rows_new(struct shared *tuples, uint32_t tuple_count)
{
    struct peer_rows *r = open_rows(shared_bytes(tuples).n, tuple_count);
    r->tuples = tuples;
    return r;
}

struct peer_rows *
peer_rows_of_source(struct peer_rows_source source, size_t plain_bytes, uint32_t tuple_count)
{
    struct peer_rows *r = open_rows(plain_bytes, tuple_count);
    r->source = source;
    return r;
}

void
peer_rows_set_terse(struct peer_rows *r, uint64_t numbering, uint32_t *numbers, size_t number_count,
                    struct shared *terse, size_t terse_plain_bytes)
{
    r->numbering = numbering;
    r->numbers = numbers;
    r->number_count = number_count;
    r->terse = terse;
    r->terse_plain_bytes = terse_plain_bytes;
}

struct peer_rows *
peer_rows_ref(struct peer_rows *r)
{
    atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
    return r;
}

void
peer_rows_unref(struct peer_rows *r)
{
    if (!r || atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) > 1)
        return;
    if (!r->tuples)
        r->source.done(r->source.arg);
    shared_unref(r->tuples);
    shared_unref(r->terse);
    shared_unref(r->packed);
    mem_free(r->numbers);
    lock_fini(&r->lock);
    mem_free(r);
}

/* Whoever else wants it waits: it is what they would do themselves. */
static bool
write_tuples(struct peer_rows *r)
{
    LOCKED(&r->lock);
    if (r->tuples)
        return false;
    r->tuples = r->source.write(r->source.arg);
    return true;
}

struct shared *
peer_rows_tuples(struct peer_rows *r)
{
    if (write_tuples(r)) /* without the lock: others may be taken */
        r->source.done(r->source.arg);
    return r->tuples;
}

struct shared *
peer_rows_packed(struct peer_rows *r, struct zstd_encoder *e)
{
    struct str plain = shared_bytes(peer_rows_tuples(r));
    LOCKED(&r->lock);
    if (!r->packed) {
        AUTO(buf_fini) struct buf packed = BUF_INIT;
        zstd_encoder_encode(e, plain, &packed);
        r->packed = shared_new(buf_str(&packed)); /* of its size: the bound is far above */
    }
    return r->packed;
}
