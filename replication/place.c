/* place.c - each row to its class, then classes to parts. */
#include "replication/place_int.h"

#include "base/assert.h"
#include "proto/series_encode.h"
#include "proto/writeable.h"

/* --- rows ------------------------------------------------------------------------------------- */

/* The class's share of the batch. */
static struct err
share_of(struct placing *p, size_t b, uint32_t class_index, struct share **ret_share)
{
    if (class_index >= p->class_count) {
        TRY(arena_admit_item(p->arena, sizeof *p->classes, class_index, p->classes_cap));
        p->classes =
            arena_more(p->arena, p->classes, sizeof *p->classes, class_index, &p->classes_cap);
        p->classes[class_index] = (struct place_class){.newest_ms = INT64_MIN};
        p->class_count = (size_t)class_index + 1;
    }
    struct place_class *c = &p->classes[class_index];
    if (c->batch != b + 1) {
        TRY(arena_admit_item(p->arena, sizeof *p->shares, p->share_count, p->shares_cap));
        p->shares =
            arena_more(p->arena, p->shares, sizeof *p->shares, p->share_count, &p->shares_cap);
        c->batch = b + 1;
        c->share = p->share_count++;
        p->shares[c->share] = (struct share){.class_index = class_index};
    }
    *ret_share = &p->shares[c->share];
    return OK;
}

/* What the row has beside labels and floats, encoded. */
static struct err
encode_rest(struct placing *p, const struct append_request *r, const struct append_row *row,
            struct str *ret_rest)
{
    AUTO(buf_fini) struct buf rest = BUF_INIT;
    series_encode_rest(&rest, r, row);
    TRY(arena_admit(p->arena, rest.n));
    *ret_rest = arena_str(p->arena, buf_str(&rest));
    return OK;
}

static int64_t
newest_of(const struct append_request *r, const struct append_row *row)
{
    int64_t newest_ms = INT64_MIN;
    for (size_t i = 0; i < row->sample_count; i++)
        newest_ms = i64_max(newest_ms, r->samples[row->first_sample + i].t_ms);
    for (size_t i = 0; i < row->histogram_count; i++)
        newest_ms = i64_max(newest_ms, r->histograms[row->first_histogram + i].t_ms);
    return newest_ms;
}

/* Row number `at` of all belongs to the class. */
static struct err
take_row(struct placing *p, size_t b, const struct append_row *row, size_t at, uint32_t class_index)
{
    const struct append_request *r = placing_request(p, b);
    struct str rest = STR("");
    struct share *share;
    TRY(share_of(p, b, class_index, &share));
    if (series_has_rest(row)) {
        TRY(encode_rest(p, r, row, &rest));
        p->row_rest[at] = rest;
    }
    size_t bytes = series_bytes(r, row, rest.n);
    if (bytes > WRITEABLE_BYTES_MAX)
        return ERR(ERR_TOO_LARGE, "a series of %zu bytes: receivers take %zu", bytes,
                   WRITEABLE_BYTES_MAX);
    p->row_class[at] = class_index;
    p->row_bytes[at] = (uint32_t)bytes;
    share->row_count++;
    share->bytes += series_field_bytes(bytes);
    struct place_class *c = &p->classes[class_index];
    c->row_count++;
    c->sample_count += row->sample_count + row->histogram_count;
    c->newest_ms = i64_max(c->newest_ms, newest_of(r, row));
    return OK;
}

static struct err
place_batch(struct placing *p, size_t b, size_t first_row)
{
    const struct append_request *r = placing_request(p, b);
    struct str tenant = placing_tenant(p, b);
    unsigned first_owner = p->opts.replica > 0 ? p->opts.replica - 1 : 0;
    if (r->row_count == 0)
        return OK;
    AUTO(ring_part_unref) const struct ring_part *part = NULL;
    TRY(ring_part(p->opts.ring, tenant, &part));
    place_name_rows(p, b, first_row);
    for (size_t i = 0; i < r->row_count; i++) {
        const uint16_t *owners;
        if (p->row_class[first_row + i] == PLACED_NOWHERE) /* no node could store it */
            continue;
        TRY(ring_owners(part, p->row_hash[first_row + i], &owners));
        uint32_t class_index = votes_plan_class(p->opts.plan, owners + first_owner);
        TRY(take_row(p, b, &r->rows[i], first_row + i, class_index));
    }
    return arena_admit(p->arena, 0); /* the plan has taken of it unasked */
}

/* --- the spine -------------------------------------------------------------------------------- */

static struct err
begin(struct placing *p)
{
    bool rests = false;
    for (size_t b = 0; b < p->in->count; b++) {
        const struct append_request *r = placing_request(p, b);
        p->row_count += r->row_count;
        rests |= r->histogram_count > 0 || r->exemplar_count > 0;
    }
    size_t row_bytes = sizeof *p->row_class + sizeof *p->row_bytes + sizeof *p->row_hash;
    if (p->opts.numbers)
        row_bytes += sizeof *p->row_keys + sizeof *p->row_numbers;
    TRY(arena_admit(p->arena, p->row_count * (row_bytes + (rests ? sizeof *p->row_rest : 0)) +
                                  (p->in->count + 1) * sizeof *p->first_share));
    p->row_class = arena_alloc(p->arena, p->row_count * sizeof *p->row_class);
    p->row_bytes = arena_alloc(p->arena, p->row_count * sizeof *p->row_bytes);
    p->row_hash = arena_alloc(p->arena, p->row_count * sizeof *p->row_hash);
    if (p->opts.numbers) {
        p->row_keys = arena_alloc(p->arena, p->row_count * sizeof *p->row_keys);
        p->row_numbers = arena_alloc(p->arena, p->row_count * sizeof *p->row_numbers);
    }
    if (rests)
        p->row_rest = ARENA_ARRAY(p->arena, struct str, p->row_count);
    p->first_share = ARENA_ARRAY(p->arena, size_t, p->in->count + 1);
    p->out->row_class = p->row_class;
    return OK;
}

static struct err
place_batches(struct placing *p)
{
    size_t row = 0;
    for (size_t b = 0; b < p->in->count; b++) {
        p->first_share[b] = p->share_count;
        TRY(place_batch(p, b, row));
        row += placing_request(p, b)->row_count;
    }
    p->first_share[p->in->count] = p->share_count;
    return OK;
}

static struct err
run(struct placing *p)
{
    TRY(begin(p));
    TRY(place_batches(p));
    TRY(place_plan_payloads(p));
    TRY(place_keep_local(p));
    TRY(place_make_parts(p));
    return place_metadata(p);
}

struct err
place_rows(struct arena *a, const struct place_opts *opts, const struct rewritten *in,
           struct placed *ret_placed)
{
    unsigned copies = ring_replication_factor(opts->ring);
    struct placed out = {.local_ballot = PLACED_NOWHERE};
    struct placing *p = ARENA_NEW(a, struct placing); /* rows may be written from it later */
    *p = (struct placing){
        .arena = a,
        .opts = *opts,
        .in = in,
        .out = &out,
        .owner_count = opts->replica > 0 ? 1 : copies,
        .numbering = opts->numbers ? numbers_id(opts->numbers) : 0,
    };
    if (opts->replica > copies)
        return ERR(ERR_INVALID, "replica number %u: there are %u copies", opts->replica, copies);
    struct err e = run(p);
    if (e.code != ERR_NONE) {
        placed_fini(&out);
        return e;
    }
    *ret_placed = out;
    return OK;
}

void
placed_fini(struct placed *p)
{
    for (size_t i = 0; i < p->part_count; i++) {
        peer_rows_unref(p->parts[i].rows);
        p->parts[i].rows = NULL;
    }
}
