/* place_kit.c - see place_kit.h. */
#include "tests/replication/place_kit.h"

#include "base/mem.h"
#include "tests/harness.h"

/* --- random writes ---------------------------------------------------------------------------- */

static struct str
random_key(struct rand_gen *g, struct arena *a)
{
    AUTO(buf_fini) struct buf key = BUF_INIT;
    struct label labels[] = {{STR("__name__"), arena_printf(a, "m%ju", rand_below(g, 1000))},
                             {STR("pod"), arena_printf(a, "p%ju", rand_below(g, 1000))}};
    label_key_encode((struct labels){labels, 2}, &key);
    return arena_str(a, buf_str(&key));
}

static struct histogram_sample
random_histogram(struct rand_gen *g, struct arena *a)
{
    struct histogram_span *span = ARENA_NEW(a, struct histogram_span);
    uint64_t *buckets = ARENA_ARRAY(a, uint64_t, 2);
    bool custom = rand_below(g, 3) == 0, is_float = rand_below(g, 2) == 0;
    *span = (struct histogram_span){custom ? 0 : -3, 2};
    buckets[0] = is_float ? bits_of_f64(1.5) : 2;
    buckets[1] = is_float ? bits_of_f64(2.5) : (uint64_t)-1;
    return (struct histogram_sample){
        .t_ms = (int64_t)rand_below(g, 5000),
        .value = {.kind = is_float ? HISTOGRAM_FLOAT : HISTOGRAM_INTEGER,
                  .schema = custom ? -53 : 3,
                  .count = is_float ? bits_of_f64(4) : 3,
                  .sum = bits_of_f64(7),
                  .positive_spans = {span, 1},
                  .positive = {buckets, 2},
                  .custom_bounds = {custom ? buckets : NULL, custom ? 2 : 0}},
    };
}

struct append_request
place_kit_request(struct rand_gen *g, struct arena *a, size_t rows, bool floats_only)
{
    struct append_row *row = ARENA_ARRAY(a, struct append_row, rows);
    struct sample *samples = ARENA_ARRAY(a, struct sample, 3 * rows);
    struct histogram_sample *histograms = ARENA_ARRAY(a, struct histogram_sample, rows);
    struct exemplar *exemplars = ARENA_ARRAY(a, struct exemplar, rows);
    struct append_request r = {.rows = row,
                               .row_count = rows,
                               .samples = samples,
                               .histograms = histograms,
                               .exemplars = exemplars};
    for (size_t i = 0; i < rows; i++) {
        bool rest = !floats_only && rand_below(g, 5) == 0;
        row[i] = (struct append_row){.label_key = random_key(g, a),
                                     .first_sample = (uint32_t)r.sample_count,
                                     .sample_count = (uint32_t)rand_below(g, 4),
                                     .first_histogram = (uint32_t)r.histogram_count,
                                     .histogram_count = rest ? (uint32_t)rand_below(g, 2) : 0,
                                     .first_exemplar = (uint32_t)r.exemplar_count,
                                     .exemplar_count = rest ? (uint32_t)rand_below(g, 2) : 0};
        if (row[i].sample_count + row[i].histogram_count + row[i].exemplar_count == 0)
            row[i].sample_count = 1;
        for (size_t k = 0; k < row[i].sample_count; k++)
            samples[r.sample_count++] = (struct sample){(int64_t)rand_below(g, 5000),
                                                        bits_of_f64((double)rand_below(g, 3))};
        if (row[i].histogram_count > 0)
            histograms[r.histogram_count++] = random_histogram(g, a);
        if (row[i].exemplar_count > 0)
            exemplars[r.exemplar_count++] = (struct exemplar){.t_ms = 7, .bits = bits_of_f64(1)};
    }
    return r;
}

struct rewritten
place_kit_write(struct rand_gen *g, struct arena *a)
{
    static const struct tenant_limits none;
    struct rewritten w = {.count = 1 + rand_below(g, PLACE_BATCHES_MAX)};
    struct rewritten_batch *batches = ARENA_ARRAY(a, struct rewritten_batch, w.count);
    bool floats_only = rand_below(g, 3) == 0;
    for (size_t b = 0; b < w.count; b++) {
        batches[b].limits = &none;
        batches[b].batch.tenant = arena_printf(a, "tenant-%zu", b);
        batches[b].batch.request =
            place_kit_request(g, a, rand_below(g, PLACE_ROWS_MAX), floats_only);
    }
    w.batches = batches;
    return w;
}

void
place_kit_metadata(struct arena *a, struct rewritten *w, size_t b)
{
    struct family_metadata *m = ARENA_ARRAY(a, struct family_metadata, 2);
    m[0] = (struct family_metadata){STR("up"), {METRIC_KIND_GAUGE, STR("bool"), STR("Is it?")}};
    m[1] = (struct family_metadata){STR("down"), {METRIC_KIND_COUNTER, STR(""), STR("Is it not?")}};
    struct append_request *r = (struct append_request *)(uintptr_t)&w->batches[b].batch.request;
    r->metadata = m;
    r->metadata_count = 2;
}

/* --- rings ------------------------------------------------------------------------------------ */

struct ring *
place_kit_ring(const struct place_case *c)
{
    AUTO(buf_fini) struct buf json = BUF_INIT;
    buf_append(&json, STR("[{\"endpoints\":["));
    for (size_t i = 0; i < c->nodes; i++) {
        buf_printf(&json, "%s{\"address\":\"node-%zu:10901\"", i ? "," : "", i);
        if (c->zones > 0)
            buf_printf(&json, ",\"az\":\"z%zu\"", i % c->zones);
        buf_append(&json, STR("}"));
    }
    buf_append(&json, STR("]}]"));
    struct ring *ring = NULL;
    CK_OK(ring_open(&(struct ring_opts){.json = buf_str(&json),
                                        .algorithm = c->algorithm,
                                        .replication_factor = c->copies},
                    &ring));
    return ring;
}

struct place_opts
place_kit_opts(const struct place_case *c, struct arena *a, struct ring *ring)
{
    uint8_t *traits = ARENA_ARRAY(a, uint8_t, ring_node_count(ring));
    for (size_t i = 0; i < ring_node_count(ring); i++) {
        if (i == c->local || (c->mneme_of > 0 && i % c->mneme_of == 0))
            traits[i] = VOTES_NODE_WHOLE;
    }
    struct votes_opts votes = {.owner_count = c->replica > 0 ? 1 : c->copies,
                               .replica_first = c->replica > 0 ? c->replica - 1 : 0,
                               .node_count = ring_node_count(ring),
                               .node_traits = traits};
    return (struct place_opts){.ring = ring,
                               .local = c->local,
                               .replica = c->replica,
                               .node_traits = traits,
                               .plan = votes_plan_new(a, &votes)};
}
