/* place_full.c - a payload's rows with their labels: tuples, one a batch, with numbers behind them.
 *
 * Peers that know all series by number never want them. So where the write's memory can be kept
 * they are written by the first who asks, on its thread: all that they come from stays as it is. */
#include "base/assert.h"
#include "base/mem.h"
#include "proto/series_encode.h"
#include "proto/writeable.h"
#include "replication/place_int.h"

/* One tuple. */
struct tuple {
    size_t content, row_count;
};

static struct tuple
size_tuple(const struct placing *p, size_t payload, size_t b)
{
    struct tuple t = {0, 0};
    for (size_t s = p->first_share[b]; s < p->first_share[b + 1]; s++) {
        const struct share *share = &p->shares[s];
        if (!placing_class_has(p, share->class_index, payload))
            continue;
        t.content += share->bytes;
        t.row_count += share->row_count;
    }
    if (t.row_count > 0 && p->numbering != 0)
        t.content += writeable_numbers_bytes(t.row_count);
    return t;
}

static char *
store_rows(const struct placing *p, size_t payload, size_t b, size_t first_row, char *at)
{
    const struct append_request *r = placing_request(p, b);
    for (size_t i = 0; i < r->row_count; i++) {
        size_t row = first_row + i;
        if (p->row_class[row] != PLACED_NOWHERE && placing_class_has(p, p->row_class[row], payload))
            at = series_store(at, r, &r->rows[i], p->row_bytes[row], placing_rest(p, row));
    }
    return at;
}

static struct shared *
write_payload(const struct placing *p, size_t payload)
{
    const struct payload *y = &p->payloads[payload];
    struct buf buf = {mem_alloc(y->bytes), y->bytes, y->bytes};
    char *at = buf.p;
    size_t row = 0, numbered = 0;
    for (size_t b = 0; b < p->in->count; b++) {
        struct tuple t = size_tuple(p, payload, b);
        if (t.row_count > 0) {
            at = writeable_store_head(at, t.content, placing_tenant(p, b));
            at = store_rows(p, payload, b, row, at);
            if (p->numbering != 0)
                at = writeable_store_numbers(at, p->numbering, y->terse->row_numbers + numbered,
                                             t.row_count);
            at = writeable_store_tenant(at, placing_tenant(p, b));
        }
        numbered += t.row_count;
        row += placing_request(p, b)->row_count;
    }
    ASSERT(at == buf.p + buf.n);
    return shared_take_charged(&buf, p->arena->shared);
}

/* --- later ------------------------------------------------------------------------------------ */

struct later {
    const struct placing *placing;
    size_t payload;
};

static struct shared *
write_later(void *arg)
{
    const struct later *l = arg;
    return write_payload(l->placing, l->payload);
}

static void
let_go(void *arg)
{
    const struct later *l = arg;
    struct place_keeper keeper = l->placing->opts.keeper;
    keeper.let_go(keeper.arg); /* and all of this is gone, perhaps */
}

struct peer_rows *
place_full(struct placing *p, size_t payload)
{
    const struct payload *y = &p->payloads[payload];
    if (p->numbering == 0 || !p->opts.keeper.hold)
        return peer_rows_new(write_payload(p, payload), y->tuple_count);
    struct later *l = ARENA_NEW(p->arena, struct later);
    *l = (struct later){p, payload};
    p->opts.keeper.hold(p->opts.keeper.arg);
    return peer_rows_of_source((struct peer_rows_source){write_later, let_go, l}, y->bytes,
                               y->tuple_count);
}
