/* writeable.c - tuples to batches: sorted by tenant, then copied where one tenant is not all. */
#include "ingest/writeable.h"

#include "base/assert.h"
#include "base/map.h"
#include "base/mem.h"
#include "ingest/batch_rows.h"
#include "tsdb/tenant_name.h"

struct sorting {
    struct arena *arena;
    struct writeable_rows *rows;
    struct map by_name;    /* name -> number of its batch + 1 */
    uint32_t *tuple_batch; /* of each tuple; UINT32_MAX: the name is none */
    size_t batches_cap;
    const struct hash128 *keys; /* of all rows; NULL: nobody wants them */
};

/* --- by tenant -------------------------------------------------------------------------------- */

static struct err
batch_of(struct sorting *s, struct str tenant, uint32_t *ret_batch)
{
    struct writeable_rows *rows = s->rows;
    uintptr_t known = (uintptr_t)map_get(&s->by_name, tenant);
    if (known == 0) {
        size_t n = rows->batch_count;
        TRY(arena_admit_item(s->arena, sizeof *rows->batches, n, s->batches_cap));
        rows->batches =
            arena_more(s->arena, rows->batches, sizeof *rows->batches, n, &s->batches_cap);
        rows->batches[n] = (struct batch){.tenant = tenant};
        known = ++rows->batch_count;
        (void)map_put(&s->by_name, tenant, (void *)known);
    }
    *ret_batch = u32_of_size(known - 1);
    return OK;
}

static struct err
sort_tuple(struct sorting *s, size_t i)
{
    const struct writeable_tuple *tuple = &s->rows->message.tuples[i];
    struct err e = tenant_name_check(tuple->tenant);
    if (e.code == ERR_NONE) {
        TRY(batch_of(s, tuple->tenant, &s->tuple_batch[i]));
        s->rows->batches[s->tuple_batch[i]].series_count += tuple->series_count;
        return OK;
    }
    err_drop(e);
    s->tuple_batch[i] = UINT32_MAX;
    if (!s->rows->bad_tenant.p)
        s->rows->bad_tenant = str_of(tuple->tenant.n ? tuple->tenant.p : "", tuple->tenant.n);
    return OK;
}

/* By counting: linear, whatever tenants and tuples there are. */
static struct err
list_by_batch(struct sorting *s)
{
    struct writeable_rows *rows = s->rows;
    size_t tuples = rows->message.tuple_count, lists = rows->batch_count + 1;
    TRY(arena_admit(s->arena, tuples * sizeof *rows->order + (lists + 2) * sizeof *rows->first));
    rows->order = ARENA_ARRAY(s->arena, uint32_t, tuples);
    /* one place further on while filling: what is first of b + 1 ends up first of b */
    rows->first = ARENA_ARRAY(s->arena, size_t, lists + 2);
    for (size_t i = 0; i < tuples; i++)
        rows->first[size_min(s->tuple_batch[i], rows->batch_count) + 2]++;
    for (size_t b = 2; b < lists + 2; b++)
        rows->first[b] += rows->first[b - 1];
    for (size_t i = 0; i < tuples; i++)
        rows->order[rows->first[size_min(s->tuple_batch[i], rows->batch_count) + 1]++] =
            (uint32_t)i;
    return OK;
}

/* --- batches ---------------------------------------------------------------------------------- */

static struct err
copy_metadata(const struct writeable_rows *rows, struct arena *a, size_t from, size_t to,
              size_t count, struct append_request *request)
{
    struct family_metadata *all;
    TRY(arena_admit(a, count * sizeof *all));
    all = ARENA_ARRAY(a, struct family_metadata, count);
    request->metadata = all;
    for (size_t i = from; i < to; i++) {
        const struct writeable_tuple *tuple = &rows->message.tuples[rows->order[i]];
        for (size_t k = 0; k < tuple->metadata_count; k++)
            all[request->metadata_count++] = rows->message.all.metadata[tuple->first_metadata + k];
    }
    return OK;
}

/* Rows and metadata of the tuples order[from] up to order[to], one behind the other. */
static struct err
copy_tuples(const struct sorting *s, size_t from, size_t to, struct append_request *ret_request)
{
    const struct writeable_rows *rows = s->rows;
    struct append_request all = write_message_request(&rows->message.all);
    struct batch_rows copy = {.has_keys = s->keys};
    all.row_keys = s->keys;
    size_t metadata = 0;
    for (size_t i = from; i < to; i++) {
        const struct writeable_tuple *tuple = &rows->message.tuples[rows->order[i]];
        metadata += tuple->metadata_count;
        for (size_t k = 0; k < tuple->row_count; k++)
            batch_rows_count(&copy, &all.rows[tuple->first_row + k]);
    }
    TRY(batch_rows_make(&copy, s->arena));
    for (size_t i = from; i < to; i++) {
        const struct writeable_tuple *tuple = &rows->message.tuples[rows->order[i]];
        for (size_t k = 0; k < tuple->row_count; k++) {
            const struct append_row *row = &all.rows[tuple->first_row + k];
            batch_rows_add(&copy, &all, row, row->label_key);
        }
    }
    TRY(copy_metadata(rows, s->arena, from, to, metadata, &copy.request));
    *ret_request = copy.request;
    return OK;
}

static struct err
make_batches(const struct sorting *s)
{
    struct writeable_rows *rows = s->rows;
    for (size_t b = 0; b < rows->batch_count; b++) {
        size_t from = rows->first[b], to = rows->first[b + 1];
        if (to - from < rows->message.tuple_count) {
            TRY(copy_tuples(s, from, to, &rows->batches[b].request));
        } else { /* the only tenant, as usual */
            rows->batches[b].request = write_message_request(&rows->message.all);
            rows->batches[b].request.row_keys = s->keys;
        }
    }
    return OK;
}

static struct err
sort(struct sorting *s)
{
    size_t tuples = s->rows->message.tuple_count;
    TRY(arena_admit(s->arena, tuples * sizeof *s->tuple_batch));
    s->tuple_batch = ARENA_ARRAY(s->arena, uint32_t, tuples);
    for (size_t i = 0; i < tuples; i++)
        TRY(sort_tuple(s, i));
    TRY(list_by_batch(s));
    return make_batches(s);
}

struct err
ingest_decode_writeable(struct arena *a, struct numberings *numberings, struct str message,
                        struct writeable_rows *ret_rows)
{
    struct writeable_rows rows = {.batch_count = 0};
    struct sorting s = {.arena = a, .rows = &rows};
    TRY(writeable_decode(a, message, &rows.message));
    if (numberings)
        TRY(numberings_keys(numberings, a, &rows.message, &s.keys));
    rows.unnumbered = !s.keys && (numberings || rows.message.has_untold);
    if (rows.unnumbered) {
        *ret_rows = rows;
        return OK;
    }
    map_init(&s.by_name, MAP_KEYS_BORROWED);
    struct err e = sort(&s);
    map_fini(&s.by_name);
    TRY(e);
    *ret_rows = rows;
    return OK;
}
