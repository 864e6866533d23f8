/* append_metadata.c - metadata of requests: kept by family, logged at a series of the family.
 *
 * The log names a series, not a family: metadata_family.h says which series may stand for one. A
 * family without any in the head is kept in memory only. Its record goes ahead of the request's
 * samples; should the log refuse it, memory has it nevertheless, and the next checkpoint logs all.
 * Threads: any. */
#include "tsdb/head/append_int.h"

#include "tsdb/head/metadata_family.h"
#include "tsdb/head/metadata_store.h"
#include "tsdb/wal/record_metadata.h"

enum { RECORD_BYTES_AIM = 1 << 20 }; /* behind it a record ends */

/* A living series of this name. Within an epoch. */
static bool
find_series_named(const struct head *h, struct str name, uint64_t *ret_ref)
{
    uint32_t pair;
    if (!pairs_find(&h->pairs, STR("__name__"), name, &pair))
        return false;
    struct postings series = id_list_view(&pairs_at(&h->pairs, pair)->series);
    for (size_t i = 0; i < series.n; i++) { /* the first one, unless the head forgets just now */
        uint32_t slot = id_map_slot(&h->ids, series.v[i]);
        if (slot == slot_none)
            continue;
        *ret_ref = series_ref(head_hot(h, slot));
        return true;
    }
    return false;
}

static void
encode_family(const struct head *h, const struct family_metadata *f, struct arena *a,
              struct record_list *to)
{
    struct metadata_metric_names names = metadata_metric_names(a, f->family, f->value.kind);
    uint64_t ref;
    for (size_t i = 0; i < names.n; i++) {
        if (!find_series_named(h, names.v[i], &ref))
            continue;
        if (to->starts.n == 0 || to->bytes.n - *vec_last(&to->starts) >= RECORD_BYTES_AIM) {
            record_list_begin(to);
            record_begin_metadata(&to->bytes);
        }
        record_put_metadata(&to->bytes, ref, &f->value);
        return;
    }
}

void
append_take_metadata(struct append *run, struct record_list *to)
{
    const struct append_request *request = run->request;
    run->metadata_told = true;
    for (size_t i = 0; i < request->metadata_count; i++) {
        switch (metadata_store_put(run->h->metadata, &request->metadata[i])) {
        case METADATA_CHANGED:
            encode_family(run->h, &request->metadata[i], run->arena, to);
            run->result->metadata_stored++;
            break;
        case METADATA_KNOWN:
            run->result->metadata_stored++;
            break;
        case METADATA_REFUSED:
            run->result->metadata_refused++;
            break;
        }
    }
}

struct err
head_put_metadata(struct head *h, struct wal *log)
{
    AUTO(arena_fini) struct arena a;
    AUTO(record_list_fini) struct record_list records = RECORD_LIST_INIT;
    struct family_metadata_list all;
    arena_init(&a, 0); /* bounded by METADATA_BYTES_MAX */
    TRY(metadata_store_list(h->metadata, STR(""), SIZE_MAX, &a, &all));
    struct epoch_guard guard = epoch_enter(h->epoch);
    for (size_t i = 0; i < all.n; i++)
        encode_family(h, &all.v[i], &a, &records);
    epoch_leave(h->epoch, guard);
    const struct str *views = record_list_views(&records, &a);
    for (size_t i = 0; i < records.starts.n; i++) { /* one by one: writers want the queue, too */
        wal_ticket ticket;
        TRY(wal_enqueue_dated(log, &views[i], 1, WAL_TIME_NONE, &ticket));
        TRY(wal_wait(log, ticket));
    }
    return OK;
}

struct err
head_log_metadata(struct head *h)
{
    return head_put_metadata(h, h->wal);
}
