/* place_names.c - what a row is found by: its hash for the ring, its key, its number.
 *
 * A series that has a number is hashed once, by its key, and that hash goes to the head, too; its
 * place in the ring is known by the number. */
#include "replication/place_int.h"
#include "replication/ring_hash.h"

/* The tenant's rows, by their labels alone. */
static void
hash_row(struct placing *p, size_t b, const struct append_row *row, size_t at)
{
    struct err e = ring_hash(placing_tenant(p, b), row->label_key, &p->row_hash[at]);
    p->row_class[at] = 0;
    if (e.code == ERR_NONE)
        return;
    err_drop(e);
    p->row_class[at] = PLACED_NOWHERE;
    p->out->malformed_rows++;
}

void
place_name_rows(struct placing *p, size_t b, size_t first_row)
{
    enum { BATCH = 64 };
    const struct append_request *r = placing_request(p, b);
    struct hash128 tenant = {0, 0}, keys[BATCH];
    if (p->row_keys)
        tenant = hash128_secret(placing_tenant(p, b), p->opts.secret);
    for (size_t i = 0; i < r->row_count && !p->row_keys; i++)
        hash_row(p, b, &r->rows[i], first_row + i);
    for (size_t from = 0; from < r->row_count && p->row_keys; from += BATCH) {
        size_t n = size_min(r->row_count - from, BATCH), at = first_row + from;
        for (size_t i = 0; i < n; i++) {
            p->row_keys[at + i] = hash128_secret(r->rows[from + i].label_key, p->opts.secret);
            keys[i] = numbers_key(p->row_keys[at + i], tenant);
        }
        numbers_find(p->opts.numbers, keys, n, p->row_numbers + at, p->row_hash + at);
        for (size_t i = 0; i < n; i++) {
            p->row_class[at + i] = 0;
            if (p->row_numbers[at + i] != NUMBERS_NONE)
                continue;
            hash_row(p, b, &r->rows[from + i], at + i);
            if (p->row_class[at + i] != PLACED_NOWHERE)
                p->row_numbers[at + i] = numbers_add(p->opts.numbers, keys[i], p->row_hash[at + i]);
        }
    }
}
