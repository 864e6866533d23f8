/* place_terse.c - the terse form of payloads: a number, a time and a value in the place of a row.
 *
 * Rows of more than one float, and those without a number, stand there in full. Beside it the
 * numbers of all rows, which go along with the full form, too: so receivers learn them. */
#include "base/mem.h"
#include "proto/writeable.h"
#include "proto/writeable_rows.h"
#include "replication/peer_wire.h"
#include "replication/place_int.h"

struct err
place_begin_terse(struct placing *p)
{
    size_t rows = 0;
    for (size_t i = 0; i < p->payload_count && p->row_numbers; i++)
        rows += p->payloads[i].terse->payload_rows;
    TRY(arena_admit(p->arena, rows * (2 * sizeof(uint32_t) + sizeof(struct numbered_sample))));
    for (size_t i = 0; i < p->payload_count && p->row_numbers; i++) {
        struct place_terse *t = p->payloads[i].terse;
        size_t n = t->payload_rows;
        t->tuple_numbers = arena_alloc(p->arena, n * sizeof *t->tuple_numbers);
        t->samples = arena_alloc(p->arena, n * sizeof *t->samples);
        t->numbers = mem_alloc(n * sizeof *t->numbers);
    }
    return OK;
}

/* `field`: the row in full. */
void
place_terse_row(struct placing *p, struct payload *y, const struct append_request *r,
                const struct append_row *row, size_t at, struct str field)
{
    struct place_terse *t = y->terse;
    uint32_t number = p->row_numbers[at];
    t->tuple_numbers[t->tuple_rows++] = number;
    if (number != NUMBERS_NONE)
        t->numbers[t->number_count++] = number;
    if (number != NUMBERS_NONE && row->sample_count == 1 && row->histogram_count == 0 &&
        row->exemplar_count == 0)
        t->samples[t->sample_count++] =
            (struct numbered_sample){number, r->samples[row->first_sample]};
    else
        buf_append(&t->others, field);
}

/* The tuple's rows are all there: its numbers in full, its terse form. */
void
place_terse_tuple(struct placing *p, struct payload *y, struct str tenant)
{
    struct place_terse *t = y->terse;
    uint64_t numbering = numbers_id(p->opts->numbers);
    y->at = writeable_store_numbers(y->at, numbering, t->tuple_numbers, t->tuple_rows);
    writeable_encode_numbered(&t->others, numbering, t->samples, t->sample_count);
    writeable_encode_content(&t->tuples, buf_str(&t->others), tenant);
    buf_clear(&t->others);
    t->tuple_rows = t->sample_count = 0;
}

void
place_end_terse(struct placing *p, struct payload *y)
{
    struct place_terse *t = y->terse;
    peer_rows_set_terse(y->rows, numbers_id(p->opts->numbers), t->numbers, t->number_count,
                        peer_wire_pack(p->opts->packers, buf_str(&t->tuples)), t->tuples.n);
    buf_fini(&t->others);
    buf_fini(&t->tuples);
}
