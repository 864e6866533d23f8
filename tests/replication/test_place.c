/* Random writes placed on rings of every kind: each node gets the rows that a naive walk over
 * copies and owners gives it, and no other. */
#include "tests/harness.h"

#include "base/mem.h"
#include "proto/series_encode.h"
#include "proto/writeable.h"
#include "replication/ring_hash.h"
#include "tests/replication/place_kit.h"

enum { NODES_MAX = 12 };

/* --- the naive walk --------------------------------------------------------------------------- */

struct naive_row {
    struct str tenant;
    const struct append_request *request;
    const struct append_row *row;
};
struct naive {
    struct naive_row rows[PLACE_BATCHES_MAX * PLACE_ROWS_MAX];
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
    CK_OK(writeable_decode(a, shared_bytes(peer_rows_tuples(part->rows)), &m));
    struct append_request got = write_message_request(&m.all);
    ck_assert_uint_eq(m.tuple_count, part->rows->tuple_count);
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

/* A row of this machine is refused: its class is, and no other. */
static void
check_judged(const struct place_opts *opts, const struct placed *p, struct rand_gen *g)
{
    uint8_t outcomes[PLACE_BATCHES_MAX * PLACE_ROWS_MAX] = {VOTE_OK},
                                         want[PLACE_BATCHES_MAX * PLACE_ROWS_MAX] = {VOTE_OK};
    uint8_t marks[PLACE_BATCHES_MAX][PLACE_ROWS_MAX] = {{ROW_TAKEN}};
    const uint8_t *refusals[PLACE_BATCHES_MAX];
    const uint32_t *row_class = p->row_class;
    for (size_t b = 0; b < p->all->count; b++) {
        const struct append_request *all = &p->all->batches[b].batch.request;
        const struct append_request *local = &p->local.batches[b].batch.request;
        refusals[b] = marks[b];
        for (size_t i = 0, k = 0; k < local->row_count; i++) { /* keys tell which row it is */
            if (!str_eq(all->rows[i].label_key, local->rows[k].label_key))
                continue;
            marks[b][k] = (uint8_t)(rand_below(g, 20) == 0 ? 1 + rand_below(g, 2) : ROW_TAKEN);
            uint8_t vote = marks[b][k++] == ROW_INVALID ? VOTE_INVALID : VOTE_CONFLICT;
            if (marks[b][k - 1] != ROW_TAKEN && want[row_class[i]] < vote)
                want[row_class[i]] = vote;
        }
        row_class += all->row_count;
    }
    placed_judge_local(p, refusals, outcomes);
    for (size_t c = 0; c < votes_plan_class_count(opts->plan); c++)
        ck_assert_uint_eq(outcomes[c], want[c]);
}

static void
check_case(const struct place_case *c, struct rand_gen *g)
{
    AUTO(arena_fini) struct arena a = {0};
    AUTO(ring_unref) struct ring *ring = place_kit_ring(c);
    AUTO(placed_fini) struct placed p = {0};
    struct place_opts opts = place_kit_opts(c, &a, ring);
    struct rewritten w = place_kit_write(g, &a);
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
    check_judged(&opts, &p, g);
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

Suite *
place_suite(void)
{
    Suite *s = suite_create("place");
    TCase *t = tcase_create("place");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, test_random, 0, 10);
    suite_add_tcase(s, t);
    return s;
}
