/* Writes and rings of which it is known what comes of them: payloads that are shared, metadata,
 * rows that no node could store, limits. */
#include "tests/harness.h"

#include "base/budget.h"
#include "base/mem.h"
#include "proto/writeable.h"
#include "tests/replication/place_kit.h"

/* As many nodes as copies, all of our kind: one payload for all. */
START_TEST(test_shared_by_all)
{
    struct place_case c = {
        .algorithm = RING_KETAMA, .copies = 3, .nodes = 3, .local = 1, .mneme_of = 1};
    struct rand_gen g = rand_gen_of(1);
    AUTO(arena_fini) struct arena a = {0};
    AUTO(ring_unref) struct ring *ring = place_kit_ring(&c);
    AUTO(placed_fini) struct placed p = {0};
    struct place_opts opts = place_kit_opts(&c, &a, ring);
    struct rewritten w = place_kit_write(&g, &a);
    CK_OK(place_rows(&a, &opts, &w, &p));
    ck_assert_uint_eq(p.part_count, 2);
    ck_assert_ptr_eq(peer_rows_tuples(p.parts[0].rows), peer_rows_tuples(p.parts[1].rows));
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
    AUTO(ring_unref) struct ring *ring = place_kit_ring(&c);
    AUTO(placed_fini) struct placed p = {0};
    struct place_opts opts = place_kit_opts(&c, &a, ring);
    struct rewritten w = place_kit_write(&g, &a);
    CK_OK(place_rows(&a, &opts, &w, &p));
    ck_assert_uint_eq(p.part_count, 9);
    for (size_t i = 0; i < p.part_count; i++) {
        size_t same = 0;
        for (size_t k = 0; k < p.part_count; k++)
            same += peer_rows_tuples(p.parts[k].rows) == peer_rows_tuples(p.parts[i].rows);
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
        struct place_opts opts = place_kit_opts(&c, &a, ring);
        struct rewritten_batch batch = {
            .batch = {.tenant = STR("t"), .request = place_kit_request(&g, &a, 5, true)}};
        struct rewritten w = {.batches = &batch, .count = 1};
        CK_OK(place_rows(&a, &opts, &w, &p));
        ck_assert_uint_eq(p.part_count, mneme ? 1 : 2);
        for (size_t i = 0; i < p.part_count; i++)
            ck_assert_uint_eq(p.parts[i].row_count, 5);
        ck_assert_ptr_eq(peer_rows_tuples(p.parts[0].rows),
                         peer_rows_tuples(p.parts[p.part_count - 1].rows));
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
        AUTO(ring_unref) struct ring *ring = place_kit_ring(&c);
        AUTO(placed_fini) struct placed p = {0};
        struct place_opts opts = place_kit_opts(&c, &a, ring);
        struct rewritten_batch batch = {
            .batch = {.tenant = STR("t"), .request = place_kit_request(&g, &a, local, true)}};
        struct rewritten w = {.batches = &batch, .count = 1};
        place_kit_metadata(&a, &w, 0);
        CK_OK(place_rows(&a, &opts, &w, &p));
        kept += p.local.batches[0].batch.request.metadata_count == 2;
        for (size_t i = 0; i < p.part_count; i++) {
            struct writeable_message m;
            if (p.parts[i].ballot != PLACED_NOWHERE)
                continue;
            CK_OK(writeable_decode(&a, shared_bytes(peer_rows_tuples(p.parts[i].rows)), &m));
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
    AUTO(ring_unref) struct ring *ring = place_kit_ring(&c);
    AUTO(placed_fini) struct placed p = {0};
    struct place_opts opts = place_kit_opts(&c, &a, ring);
    struct rewritten w = place_kit_write(&g, &a);
    place_kit_metadata(&a, &w, w.count - 1);
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
    AUTO(ring_unref) struct ring *ring = place_kit_ring(&c);
    AUTO(placed_fini) struct placed p = {0};
    struct place_opts opts = place_kit_opts(&c, &a, ring);
    struct rewritten_batch batch = {
        .batch = {.tenant = STR("t"), .request = place_kit_request(&g, &a, 3, true)}};
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
    AUTO(ring_unref) struct ring *ring = place_kit_ring(&c);
    struct placed p = {0};
    struct place_opts opts = place_kit_opts(&c, &a, ring);
    struct rewritten w = place_kit_write(&g, &a);
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
    AUTO(ring_unref) struct ring *ring = place_kit_ring(&c);
    struct rewritten_batch batch = {
        .batch = {.tenant = STR("t"), .request = place_kit_request(&g, &texts, 100, true)}};
    struct rewritten w = {.batches = &batch, .count = 1};
    struct shared *last = NULL;
    {
        AUTO(arena_fini) struct arena a;
        AUTO(placed_fini) struct placed p = {0};
        arena_init_shared(&a, 0, &budget);
        struct place_opts opts = place_kit_opts(&c, &texts, ring);
        CK_OK(place_rows(&a, &opts, &w, &p));
        last = shared_ref(peer_rows_tuples(p.parts[0].rows));
    }
    ck_assert_uint_eq(budget_used(&budget), shared_bytes(last).n);
    shared_unref(last);
    ck_assert_uint_eq(budget_used(&budget), 0);

    size_t refused = 0;
    for (size_t bytes = 1 << 10; bytes < 1 << 16; bytes += 1 << 10) { /* wherever it ends */
        AUTO(arena_fini) struct arena a;
        AUTO(placed_fini) struct placed p = {0};
        arena_init_shared(&a, bytes, &budget);
        struct place_opts opts = place_kit_opts(&c, &texts, ring);
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
place_cases_suite(void)
{
    Suite *s = suite_create("place_cases");
    TCase *t = tcase_create("place_cases");
    tcase_set_timeout(t, 60);
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
