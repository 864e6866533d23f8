/* peer_batches.c - a tuple's rows stand one behind the other in the message's arrays; seen from the
 * first of them they are a request of their own. */
#include "ingest/peer_batches.h"

#include "tsdb/tenant_name.h"

/* Makes the rows begin at index 0 of each array, and counts what they have. */
static void
rebase(struct append_row *rows, size_t n, const struct write_message *all,
       struct append_request *to)
{
    size_t samples = 0, histograms = 0, exemplars = 0;
    for (size_t i = 0; i < n; i++) {
        if (rows[i].sample_count > 0 && !to->samples)
            to->samples = all->samples + rows[i].first_sample;
        if (rows[i].histogram_count > 0 && !to->histograms)
            to->histograms = all->histograms + rows[i].first_histogram;
        if (rows[i].exemplar_count > 0 && !to->exemplars)
            to->exemplars = all->exemplars + rows[i].first_exemplar;
        rows[i].first_sample = (uint32_t)samples;
        rows[i].first_histogram = (uint32_t)histograms;
        rows[i].first_exemplar = (uint32_t)exemplars;
        samples += rows[i].sample_count;
        histograms += rows[i].histogram_count;
        exemplars += rows[i].exemplar_count;
    }
    to->rows = rows;
    to->row_count = n;
    to->sample_count = samples;
    to->histogram_count = histograms;
    to->exemplar_count = exemplars;
}

static bool
is_tenant(struct str name)
{
    struct err e = tenant_name_check(name);
    bool yes = e.code == ERR_NONE;
    err_drop(e);
    return yes;
}

static struct batch
batch_of(const struct writeable_message *m, const struct writeable_tuple *t)
{
    struct batch b = {.tenant = t->tenant, .series_count = t->series_count};
    rebase(m->all.rows + t->first_row, t->row_count, &m->all, &b.request);
    b.request.metadata = m->all.metadata + t->first_metadata;
    b.request.metadata_count = t->metadata_count;
    return b;
}

struct err
ingest_decode_peer(struct arena *a, struct str message, struct peer_batches *ret_batches)
{
    struct writeable_message m;
    TRY(writeable_decode(a, message, &m));
    *ret_batches = (struct peer_batches){
        .batches = ARENA_ARRAY(a, struct batch, m.tuple_count),
        .bad_tenants = ARENA_ARRAY(a, bool, m.tuple_count),
        .count = m.tuple_count,
        .part_batches = m.part_tuples,
        .part_count = m.part_count,
        .replica = m.replica,
    };
    for (size_t i = 0; i < m.tuple_count; i++) {
        bool good = is_tenant(m.tuples[i].tenant);
        ret_batches->bad_tenants[i] = !good && m.tuples[i].row_count > 0;
        ret_batches->batches[i] =
            good ? batch_of(&m, &m.tuples[i]) : (struct batch){.tenant = m.tuples[i].tenant};
    }
    return OK;
}
