/* record_exemplars.c - samples with labels of their own. */
#include "tsdb/wal/record_exemplars.h"

#include "tsdb/wal/record_int.h"

void
record_begin_exemplars(struct record_samples_writer *w, struct buf *to, uint64_t ref0,
                       int64_t t0_ms)
{
    record_put_bases(w, to, RECORD_EXEMPLARS, ref0, t0_ms);
}

void
record_put_exemplar(struct record_samples_writer *w, uint64_t ref, const struct exemplar *e)
{
    record_put_point(w, ref, e->t_ms);
    buf_put_be64(w->to, e->bits);
    record_put_labels(w->to, e->labels);
}

void
record_read_exemplars(struct record_cursor *c, struct str record)
{
    record_begin_points(c, record, 1u << RECORD_EXEMPLARS, "exemplars record");
}

bool
record_next_exemplar(struct record_cursor *c, struct arena *a, uint64_t *ret_ref,
                     struct exemplar *ret_exemplar)
{
    struct reader *r = &c->r;
    if (reader_left(r) == 0)
        return false;
    uint64_t ref;
    struct exemplar e;
    record_next_point(c, &ref, &e.t_ms);
    e.bits = reader_be64(r);
    e.labels = record_get_labels(r, a);
    if (r->code)
        return false;
    *ret_ref = ref;
    *ret_exemplar = e;
    return true;
}
