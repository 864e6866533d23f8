/* Random writes placed on rings of every kind: each node gets the rows that a naive walk over
 * copies and owners gives it, and no other. */
#include "tests/harness.h"

#include "base/budget.h"
#include "base/mem.h"
#include "base/rand.h"
#include "proto/series_encode.h"
#include "proto/writeable.h"
#include "replication/place.h"
#include "replication/ring_hash.h"

enum { NODES_MAX = 12, ROWS_MAX = 60, BATCHES_MAX = 3 };

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

/* Rows of floats; every fifth has something else, too. `with` may turn that off. */
static struct append_request
random_request(struct rand_gen *g, struct arena *a, size_t rows, bool floats_only)
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

static struct rewritten
random_write(struct rand_gen *g, struct arena *a)
{
    static const struct tenant_limits none;
    struct rewritten w = {.count = 1 + rand_below(g, BATCHES_MAX)};
    struct rewritten_batch *batches = ARENA_ARRAY(a, struct rewritten_batch, w.count);
    bool floats_only = rand_below(g, 3) == 0;
    for (size_t b = 0; b < w.count; b++) {
        batches[b].limits = &none;
        batches[b].batch.tenant = arena_printf(a, "tenant-%zu", b);
        batches[b].batch.request = random_request(g, a, rand_below(g, ROWS_MAX), floats_only);
    }
    w.batches = batches;
    return w;
}

static void
add_metadata(struct arena *a, struct rewritten *w, size_t b)
{
    struct family_metadata *m = ARENA_ARRAY(a, struct family_metadata, 2);
    m[0] = (struct family_metadata){STR("up"), {METRIC_KIND_GAUGE, STR("bool"), STR("Is it?")}};
    m[1] = (struct family_metadata){STR("down"), {METRIC_KIND_COUNTER, STR(""), STR("Is it not?")}};
    struct append_request *r = (struct append_request *)(uintptr_t)&w->batches[b].batch.request;
    r->metadata = m;
    r->metadata_count = 2;
}

/* --- rings ------------------------------------------------------------------------------------ */

struct place_case {
    enum ring_algorithm algorithm;
    unsigned copies;
    size_t nodes, zones; /* zones 0: none are named */
    uint16_t local;
    unsigned replica;
    unsigned mneme_of; /* every so manieth node is of our kind; 0: none */
};

static struct ring *
make_ring(const struct place_case *c)
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

static struct place_opts
opts_of(const struct place_case *c, struct arena *a, struct ring *ring)
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

/* --- the naive walk --------------------------------------------------------------------------- */

struct naive_row {
    struct str tenant;
    const struct append_request *request;
    const struct append_row *row;
};
struct naive {
    struct naive_row rows[BATCHES_MAX * ROWS_MAX];
    size_t n, samples;
    int64_t newest_ms;
};

static void
naive_add(struct naive *to, const struct batch *batch, const struct append_row *row)
{
    const struct append_request *r = &batch->request;
    to->rows[to->n++] = (struct naive_row){batch->tenant, r, row};
    for (size_t i = 0; i < row->sample_count; i++, to->samples++)
        to->newest_ms = i64_max(to->newest_ms, r->samples[row->first_sample + i].t_ms);
    for (size_t i = 0; i < row->histogram_count; i++, to->samples++)
        to->newest_ms = i64_max(to->newest_ms, r->histograms[row->first_histogram + i].t_ms);
}

/* What a node gets; replica 0: whatever the number, each row once. */
static void
naive_walk(const struct place_case *c, const struct place_opts *opts, const struct rewritten *w,
           uint16_t node, unsigned replica, struct naive *to)
{
    to->n = to->samples = 0;
    to->newest_ms = INT64_MIN;
    for (size_t b = 0; b < w->count; b++) {
        const struct batch *batch = &w->batches[b].batch;
        const struct ring_part *part = NULL;
        CK_OK(ring_part(opts->ring, batch->tenant, &part));
        for (size_t i = 0; i < batch->request.row_count; i++) {
            const uint16_t *owners;
            uint64_t hash;
            CK_OK(ring_hash(batch->tenant, batch->request.rows[i].label_key, &hash));
            CK_OK(ring_owners(part, hash, &owners));
            bool owned = false;
            for (unsigned n = 1; n <= c->copies; n++)
                owned |= owners[n - 1] == node && (replica == 0 || replica == n) &&
                         (c->replica == 0 || c->replica == n);
            if (owned)
                naive_add(to, batch, &batch->request.rows[i]);
        }
        ring_part_unref(part);
    }
}

static void
check_row(const struct naive_row *want, const struct append_request *got_request,
          const struct append_row *got)
{
    AUTO(buf_fini) struct buf x = BUF_INIT, y = BUF_INIT;
    series_encode(&x, want->request, want->row);
    series_encode(&y, got_request, got);
    ck_assert(str_eq(buf_str(&x), buf_str(&y)));
}

static void
check_part(struct arena *a, const struct placed_part *part, const struct naive *want)
{
    struct writeable_message m;
    CK_OK(writeable_decode(a, shared_bytes(part->tuples), &m));
    struct append_request got = write_message_request(&m.all);
    ck_assert_uint_eq(m.tuple_count, part->tuple_count);
    ck_assert_uint_eq(got.row_count, want->n);
    ck_assert_uint_eq(part->row_count, want->n);
    ck_assert_uint_eq(part->sample_count, want->samples);
    ck_assert_int_eq(part->newest_ms, want->newest_ms);
    size_t row = 0;
    for (size_t t = 0; t < m.tuple_count; t++) {
        ck_assert_uint_gt(m.tuples[t].row_count, 0);
        for (size_t i = 0; i < m.tuples[t].row_count; i++, row++) {
            ck_assert(str_eq(m.tuples[t].tenant, want->rows[row].tenant));
            check_row(&want->rows[row], &got, &got.rows[row]);
        }
    }
}

static void
check_local(const struct rewritten *local, const struct rewritten *all, const struct naive *want)
{
    size_t row = 0;
    ck_assert_uint_eq(local->count, all->count);
    for (size_t b = 0; b < local->count; b++) {
        const struct append_request *r = &local->batches[b].batch.request;
        ck_assert(str_eq(local->batches[b].batch.tenant, all->batches[b].batch.tenant));
        if (r->row_count == all->batches[b].batch.request.row_count) /* nothing is copied */
            ck_assert_ptr_eq(r->rows, all->batches[b].batch.request.rows);
        for (size_t i = 0; i < r->row_count; i++, row++)
            check_row(&want->rows[row], r, &r->rows[i]);
    }
    ck_assert_uint_eq(row, want->n);
}

/* Each class has the ballots of its owners, and a part for each ballot but the local one. */
static void
check_votes(const struct place_case *c, const struct place_opts *opts, const struct rewritten *w,
            const struct placed *p)
{
    size_t row = 0;
    for (size_t b = 0; b < w->count; b++) {
        const struct batch *batch = &w->batches[b].batch;
        const struct ring_part *part = NULL;
        CK_OK(ring_part(opts->ring, batch->tenant, &part));
        for (size_t i = 0; i < batch->request.row_count; i++, row++) {
            const uint16_t *owners;
            uint64_t hash;
            CK_OK(ring_hash(batch->tenant, batch->request.rows[i].label_key, &hash));
            CK_OK(ring_owners(part, hash, &owners));
            const uint32_t *ballots = votes_plan_class_ballots(opts->plan, p->row_class[row]);
            for (unsigned n = 0; n < (c->replica > 0 ? 1 : c->copies); n++)
                ck_assert_uint_eq(votes_plan_ballot(opts->plan, ballots[n]).node,
                                  owners[c->replica > 0 ? c->replica - 1 : n]);
        }
        ring_part_unref(part);
    }
    size_t remote = votes_plan_ballot_count(opts->plan) - (p->local_ballot != PLACED_NOWHERE);
    ck_assert_uint_eq(p->part_count, remote);
}

static void
check_case(const struct place_case *c, struct rand_gen *g)
{
    AUTO(arena_fini) struct arena a = {0};
    AUTO(ring_unref) struct ring *ring = make_ring(c);
    AUTO(placed_fini) struct placed p = {0};
    struct place_opts opts = opts_of(c, &a, ring);
    struct rewritten w = random_write(g, &a);
    struct naive *want = ARENA_NEW(&a, struct naive);
    size_t parts = 0;
    CK_OK(place_rows(&a, &opts, &w, &p));
    ck_assert_uint_eq(p.malformed_rows, 0);
    for (size_t i = 0; i < p.part_count; i++) {
        const struct placed_part *part = &p.parts[i];
        struct votes_ballot ballot = votes_plan_ballot(opts.plan, part->ballot);
        bool whole = opts.node_traits[part->node] & VOTES_NODE_WHOLE;
        ck_assert_uint_eq(part->node, ballot.node);
        ck_assert_uint_eq(part->replica, whole ? 0 : ballot.replica + 1u);
        ck_assert_uint_ne(part->node, c->local);
        naive_walk(c, &opts, &w, part->node, part->replica, want);
        ck_assert_uint_gt(want->n, 0);
        check_part(&a, part, want);
    }
    for (uint16_t node = 0; node < c->nodes; node++) { /* nobody is left out */
        bool whole = opts.node_traits[node] & VOTES_NODE_WHOLE;
        for (unsigned n = whole ? 0 : 1; node != c->local && n <= (whole ? 0 : c->copies); n++) {
            naive_walk(c, &opts, &w, node, n, want);
            parts += want->n > 0;
        }
    }
    ck_assert_uint_eq(p.part_count, parts);
    naive_walk(c, &opts, &w, c->local, 0, want);
    check_local(&p.local, &w, want);
    ck_assert_int_eq(p.local_ballot != PLACED_NOWHERE, want->n > 0);
    check_votes(c, &opts, &w, &p);
}

START_TEST(test_random)
{
    struct rand_gen g = rand_gen_of(11 + (uint64_t)_i);
    for (size_t round = 0; round < 40; round++) {
        struct place_case c = {.algorithm = rand_below(&g, 2) ? RING_KETAMA : RING_HASHMOD,
                               .copies = 1 + (unsigned)rand_below(&g, 5)};
        c.nodes = c.copies + rand_below(&g, NODES_MAX - c.copies + 1);
        if (c.algorithm == RING_KETAMA && c.nodes % 3 == 0 && c.copies <= 3)
            c.zones = 3;
        c.local = rand_below(&g, 4) ? (uint16_t)rand_below(&g, c.nodes) : RING_NODE_NONE;
        c.replica = rand_below(&g, 3) ? 0 : 1 + (unsigned)rand_below(&g, c.copies);
        c.mneme_of = (unsigned)rand_below(&g, 4);
        check_case(&c, &g);
    }
}
END_TEST

/* --- particular ones -------------------------------------------------------------------------- */

/* As many nodes as copies, all of our kind: one payload for all. */
START_TEST(test_shared_by_all)
{
    struct place_case c = {
        .algorithm = RING_KETAMA, .copies = 3, .nodes = 3, .local = 1, .mneme_of = 1};
    struct rand_gen g = rand_gen_of(1);
    AUTO(arena_fini) struct arena a = {0};
    AUTO(ring_unref) struct ring *ring = make_ring(&c);
    AUTO(placed_fini) struct placed p = {0};
    struct place_opts opts = opts_of(&c, &a, ring);
    struct rewritten w = random_write(&g, &a);
    CK_OK(place_rows(&a, &opts, &w, &p));
    ck_assert_uint_eq(p.part_count, 2);
    ck_assert_ptr_eq(p.parts[0].tuples, p.parts[1].tuples);
    for (size_t b = 0; b < w.count; b++)
        ck_assert_ptr_eq(p.local.batches[b].batch.request.rows, w.batches[b].batch.request.rows);
}
END_TEST

/* Thanos' messages have one replica number; with hashmod and as many nodes as copies, the rows that
 * have their first copy on one node are those that have their second on the next. */
START_TEST(test_shared_by_numbers)
{
    struct place_case c = {
        .algorithm = RING_HASHMOD, .copies = 3, .nodes = 3, .local = RING_NODE_NONE};
    struct rand_gen g = rand_gen_of(2);
    AUTO(arena_fini) struct arena a = {0};
    AUTO(ring_unref) struct ring *ring = make_ring(&c);
    AUTO(placed_fini) struct placed p = {0};
    struct place_opts opts = opts_of(&c, &a, ring);
    struct rewritten w = random_write(&g, &a);
    CK_OK(place_rows(&a, &opts, &w, &p));
    ck_assert_uint_eq(p.part_count, 9);
    for (size_t i = 0; i < p.part_count; i++) {
        size_t same = 0;
        for (size_t k = 0; k < p.part_count; k++)
            same += p.parts[k].tuples == p.parts[i].tuples;
        ck_assert_uint_eq(same, 3);
    }
}
END_TEST

/* An endpoint that stands twice: two messages for Thanos, one part with each row once for us. */
START_TEST(test_endpoint_twice)
{
    for (int mneme = 0; mneme < 2; mneme++) {
        AUTO(arena_fini) struct arena a = {0};
        AUTO(placed_fini) struct placed p = {0};
        AUTO(ring_unref) struct ring *ring = NULL;
        CK_OK(ring_open(&(struct ring_opts){.json = STR("[{\"endpoints\":[\"a:1\",\"a:1\"]}]"),
                                            .algorithm = RING_HASHMOD,
                                            .replication_factor = 2},
                        &ring));
        struct place_case c = {
            .copies = 2, .nodes = 1, .local = RING_NODE_NONE, .mneme_of = (unsigned)mneme};
        struct rand_gen g = rand_gen_of(3);
        struct place_opts opts = opts_of(&c, &a, ring);
        struct rewritten_batch batch = {
            .batch = {.tenant = STR("t"), .request = random_request(&g, &a, 5, true)}};
        struct rewritten w = {.batches = &batch, .count = 1};
        CK_OK(place_rows(&a, &opts, &w, &p));
        ck_assert_uint_eq(p.part_count, mneme ? 1 : 2);
        for (size_t i = 0; i < p.part_count; i++)
            ck_assert_uint_eq(p.parts[i].row_count, 5);
        ck_assert_ptr_eq(p.parts[0].tuples, p.parts[p.part_count - 1].tuples);
    }
}
END_TEST

/* Metadata goes to the owners of the tenant's empty label set, as far as they are of our kind. */
START_TEST(test_metadata)
{
    size_t kept = 0, sent = 0;
    for (uint16_t local = 0; local < 4; local++) {
        struct place_case c = {
            .algorithm = RING_KETAMA, .copies = 2, .nodes = 4, .local = local, .mneme_of = 1};
        struct rand_gen g = rand_gen_of(4);
        AUTO(arena_fini) struct arena a = {0};
        AUTO(ring_unref) struct ring *ring = make_ring(&c);
        AUTO(placed_fini) struct placed p = {0};
        struct place_opts opts = opts_of(&c, &a, ring);
        struct rewritten_batch batch = {
            .batch = {.tenant = STR("t"), .request = random_request(&g, &a, local, true)}};
        struct rewritten w = {.batches = &batch, .count = 1};
        add_metadata(&a, &w, 0);
        CK_OK(place_rows(&a, &opts, &w, &p));
        kept += p.local.batches[0].batch.request.metadata_count == 2;
        for (size_t i = 0; i < p.part_count; i++) {
            struct writeable_message m;
            if (p.parts[i].ballot != PLACED_NOWHERE)
                continue;
            CK_OK(writeable_decode(&a, shared_bytes(p.parts[i].tuples), &m));
            ck_assert_uint_eq(m.all.row_count, 0);
            ck_assert_uint_eq(m.tuple_count, 1);
            ck_assert_uint_eq(m.all.metadata_count, 2);
            ck_assert(str_eq(m.all.metadata[1].family, STR("down")));
            ck_assert(str_eq(m.tuples[0].tenant, STR("t")));
            sent++;
        }
    }
    ck_assert_uint_eq(kept, 2); /* two of the four own it */
    ck_assert_uint_eq(sent, 2 * 1 + 2 * 2);
}
END_TEST

START_TEST(test_metadata_not_to_thanos)
{
    struct place_case c = {
        .algorithm = RING_KETAMA, .copies = 3, .nodes = 4, .local = RING_NODE_NONE};
    struct rand_gen g = rand_gen_of(4);
    AUTO(arena_fini) struct arena a = {0};
    AUTO(ring_unref) struct ring *ring = make_ring(&c);
    AUTO(placed_fini) struct placed p = {0};
    struct place_opts opts = opts_of(&c, &a, ring);
    struct rewritten w = random_write(&g, &a);
    add_metadata(&a, &w, w.count - 1);
    CK_OK(place_rows(&a, &opts, &w, &p));
    for (size_t i = 0; i < p.part_count; i++)
        ck_assert_uint_ne(p.parts[i].ballot, PLACED_NOWHERE);
    ck_assert_uint_eq(p.local.batches[w.count - 1].batch.request.metadata_count, 0);
}
END_TEST

/* What no node could store goes to none, and is counted. */
START_TEST(test_malformed_row)
{
    struct place_case c = {.algorithm = RING_HASHMOD, .copies = 1, .nodes = 1, .local = 0};
    struct rand_gen g = rand_gen_of(5);
    AUTO(arena_fini) struct arena a = {0};
    AUTO(ring_unref) struct ring *ring = make_ring(&c);
    AUTO(placed_fini) struct placed p = {0};
    struct place_opts opts = opts_of(&c, &a, ring);
    struct rewritten_batch batch = {
        .batch = {.tenant = STR("t"), .request = random_request(&g, &a, 3, true)}};
    struct rewritten w = {.batches = &batch, .count = 1};
    ((struct append_row *)(uintptr_t)batch.batch.request.rows)[1].label_key = STR("\x0a\x09x");
    CK_OK(place_rows(&a, &opts, &w, &p));
    ck_assert_uint_eq(p.malformed_rows, 1);
    ck_assert_uint_eq(p.row_class[1], PLACED_NOWHERE);
    ck_assert_uint_eq(p.local.batches[0].batch.request.row_count, 2);
}
END_TEST

START_TEST(test_refused)
{
    struct place_case c = {.algorithm = RING_HASHMOD, .copies = 2, .nodes = 2, .local = 0};
    struct rand_gen g = rand_gen_of(6);
    AUTO(arena_fini) struct arena a = {0};
    AUTO(ring_unref) struct ring *ring = make_ring(&c);
    struct placed p = {0};
    struct place_opts opts = opts_of(&c, &a, ring);
    struct rewritten w = random_write(&g, &a);
    opts.replica = 3;
    CK_ERR(ERR_INVALID, place_rows(&a, &opts, &w, &p));
}
END_TEST

/* Payloads count in the budget of the arena for as long as somebody holds one, and are not begun
 * when there is no room for them. */
START_TEST(test_budget)
{
    struct place_case c = {
        .algorithm = RING_HASHMOD, .copies = 2, .nodes = 4, .local = RING_NODE_NONE};
    struct rand_gen g = rand_gen_of(7);
    struct budget budget = {.limit_bytes = 1 << 20};
    AUTO(arena_fini) struct arena texts = {0};
    AUTO(ring_unref) struct ring *ring = make_ring(&c);
    struct rewritten_batch batch = {
        .batch = {.tenant = STR("t"), .request = random_request(&g, &texts, 100, true)}};
    struct rewritten w = {.batches = &batch, .count = 1};
    struct shared *last = NULL;
    {
        AUTO(arena_fini) struct arena a;
        AUTO(placed_fini) struct placed p = {0};
        arena_init_shared(&a, 0, &budget);
        struct place_opts opts = opts_of(&c, &texts, ring);
        CK_OK(place_rows(&a, &opts, &w, &p));
        last = shared_ref(p.parts[0].tuples);
    }
    ck_assert_uint_eq(budget_used(&budget), shared_bytes(last).n);
    shared_unref(last);
    ck_assert_uint_eq(budget_used(&budget), 0);

    size_t refused = 0;
    for (size_t bytes = 1 << 10; bytes < 1 << 16; bytes += 1 << 10) { /* wherever it ends */
        AUTO(arena_fini) struct arena a;
        AUTO(placed_fini) struct placed p = {0};
        arena_init_shared(&a, bytes, &budget);
        struct place_opts opts = opts_of(&c, &texts, ring);
        struct err e = place_rows(&a, &opts, &w, &p);
        ck_assert(e.code == ERR_NONE || e.code == ERR_TOO_LARGE);
        refused += e.code != ERR_NONE;
        err_drop(e);
    }
    ck_assert_uint_gt(refused, 0);
    ck_assert_uint_eq(budget_used(&budget), 0);
}
END_TEST

Suite *
place_suite(void)
{
    Suite *s = suite_create("place");
    TCase *t = tcase_create("place");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, test_random, 0, 10);
    tcase_add_test(t, test_shared_by_all);
    tcase_add_test(t, test_shared_by_numbers);
    tcase_add_test(t, test_endpoint_twice);
    tcase_add_test(t, test_metadata);
    tcase_add_test(t, test_metadata_not_to_thanos);
    tcase_add_test(t, test_malformed_row);
    tcase_add_test(t, test_refused);
    tcase_add_test(t, test_budget);
    suite_add_tcase(s, t);
    return s;
}
