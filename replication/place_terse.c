/* place_terse.c - the terse form of payloads: a number, a time and a value in the place of a row.
 *
 * Rows of more than one float, and those without a number, stand there in full. Beside it the
 * numbers of all rows, which go along with the full form, too: so receivers learn them. */
#include "base/mem.h"
#include "proto/series_encode.h"
#include "proto/writeable.h"
#include "proto/writeable_rows.h"
#include "replication/peer_wire.h"
#include "replication/place_int.h"

static struct err
begin(struct placing *p)
{
    size_t rows = 0;
    for (size_t i = 0; i < p->payload_count; i++)
        rows += p->payloads[i].terse->payload_rows;
    TRY(arena_admit(p->arena, rows * (2 * sizeof(uint32_t) + sizeof(struct numbered_sample))));
    for (size_t i = 0; i < p->payload_count; i++) {
        struct place_terse *t = p->payloads[i].terse;
        t->row_numbers = arena_alloc(p->arena, t->payload_rows * sizeof *t->row_numbers);
        t->samples = arena_alloc(p->arena, t->payload_rows * sizeof *t->samples);
        t->numbers = mem_alloc(t->payload_rows * sizeof *t->numbers);
    }
    return OK;
}

static bool
is_one_float(const struct append_row *row)
{
    return row->sample_count == 1 && row->histogram_count == 0 && row->exemplar_count == 0;
}

/* Row number `at` of all. */
static void
add_row(struct placing *p, struct place_terse *t, const struct append_request *r,
        const struct append_row *row, size_t at)
{
    uint32_t number = p->row_numbers[at];
    t->row_numbers[t->rows_done++] = number;
    if (number != NUMBERS_NONE)
        t->numbers[t->number_count++] = number;
    if (number != NUMBERS_NONE && is_one_float(row)) {
        t->samples[t->sample_count++] =
            (struct numbered_sample){number, r->samples[row->first_sample]};
        return;
    }
    buf_reserve(&t->others, series_field_bytes(p->row_bytes[at]));
    char *end =
        series_store(t->others.p + t->others.n, r, row, p->row_bytes[at], placing_rest(p, at));
    t->others.n = (size_t)(end - t->others.p);
}

static void
end_tuple(const struct placing *p, struct place_terse *t, struct str tenant)
{
    writeable_encode_numbered(&t->others, p->numbering, t->samples, t->sample_count);
    writeable_encode_content(&t->tuples, buf_str(&t->others), tenant);
    buf_clear(&t->others);
    t->sample_count = 0;
}

static void
add_batch(struct placing *p, size_t b, size_t first_row)
{
    const struct append_request *r = placing_request(p, b);
    for (size_t i = 0; i < r->row_count; i++) {
        uint32_t class_index = p->row_class[first_row + i];
        if (class_index == PLACED_NOWHERE)
            continue;
        const uint32_t *of = p->class_payloads + (size_t)class_index * p->owner_count;
        for (size_t k = 0; k < p->classes[class_index].payload_count; k++)
            add_row(p, p->payloads[of[k]].terse, r, &r->rows[i], first_row + i);
    }
}

struct err
place_terse(struct placing *p)
{
    size_t row = 0;
    if (p->numbering == 0)
        return OK;
    TRY(begin(p));
    for (size_t b = 0; b < p->in->count; b++) {
        add_batch(p, b, row);
        for (size_t i = 0; i < p->payload_count; i++) {
            struct place_terse *t = p->payloads[i].terse;
            if (t->rows_done > t->rows_told)
                end_tuple(p, t, placing_tenant(p, b));
            t->rows_told = t->rows_done;
        }
        row += placing_request(p, b)->row_count;
    }
    return OK;
}

void
place_give_terse(struct placing *p, struct payload *y)
{
    struct place_terse *t = y->terse;
    if (!t)
        return;
    peer_rows_set_terse(y->rows, p->numbering, t->numbers, t->number_count,
                        peer_wire_pack(p->opts.packers, buf_str(&t->tuples)), t->tuples.n);
    buf_fini(&t->others);
    buf_fini(&t->tuples);
}
