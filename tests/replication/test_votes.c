/* Vote boxes: every sequence of votes of up to five owners against an oracle that tries all ways
 * in which it can go on; classes, ballots, regions; many threads at once. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "replication/votes.h"
#include "tests/harness.h"

/* --- the oracle --------------------------------------------------------------------------------
 */

enum { OWNERS_MAX = 5 };

static unsigned
naive_needed(enum votes_quorum quorum, unsigned n)
{
    if (quorum == VOTES_QUORUM_ONE || n <= 2)
        return quorum == VOTES_QUORUM_ALL ? n : 1;
    return quorum == VOTES_QUORUM_ALL ? n : (n + 2 - n % 2) / 2;
}

/* What a full count says: VOTE_OK, VOTE_CONFLICT for a refusal of any kind, VOTE_UNAVAILABLE. */
static enum vote_outcome
naive_count(unsigned n, unsigned needed, const enum vote_outcome *votes)
{
    unsigned ok = 0, refused = 0;
    for (unsigned i = 0; i < n; i++) {
        ok += votes[i] == VOTE_OK;
        refused += votes[i] == VOTE_CONFLICT || votes[i] == VOTE_INVALID;
    }
    if (ok >= needed)
        return VOTE_OK;
    return n - refused < needed ? VOTE_CONFLICT : VOTE_UNAVAILABLE;
}

/* The answer that all ways to go on from `known` votes lead to, or VOTE_OUTCOME_COUNT. */
static enum vote_outcome
naive_answer(unsigned n, unsigned needed, enum vote_outcome *votes, unsigned known)
{
    if (known == n)
        return naive_count(n, needed, votes);
    static const enum vote_outcome ways[] = {VOTE_OK, VOTE_CONFLICT, VOTE_UNAVAILABLE};
    enum vote_outcome answers[3];
    enum vote_outcome was = votes[known];
    for (size_t i = 0; i < 3; i++) {
        votes[known] = ways[i];
        answers[i] = naive_answer(n, needed, votes, known + 1);
    }
    votes[known] = was;
    return answers[0] == answers[1] && answers[1] == answers[2] ? answers[0] : VOTE_OUTCOME_COUNT;
}

static enum vote_outcome
worst_refusal(const enum vote_outcome *votes, unsigned known)
{
    enum vote_outcome worst = VOTE_OK;
    for (unsigned i = 0; i < known; i++) {
        if (votes[i] <= VOTE_INVALID && votes[i] > worst)
            worst = votes[i];
    }
    return worst;
}

static struct votes *
box_of(unsigned n, enum votes_quorum quorum)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    uint16_t owners[OWNERS_MAX] = {0, 1, 2, 3, 4};
    struct votes_opts opts = {.owner_count = n, .quorum = quorum, .node_count = n};
    struct votes_plan *p = votes_plan_new(&a, &opts);
    ck_assert_uint_eq(votes_plan_class(p, owners), 0);
    return votes_open(p);
}

/* All votes of `votes`, in that order, owner (i + shift) % n as the i-th. */
static void
check_sequence(unsigned n, enum votes_quorum quorum, enum vote_outcome *votes, unsigned shift)
{
    unsigned needed = naive_needed(quorum, n);
    AUTO(votes_unref) struct votes *v = box_of(n, quorum);
    bool decided = false;
    for (unsigned i = 0; i < n; i++) {
        bool decides = votes_cast(v, (i + shift) % n, votes[i], STR("cause"));
        enum vote_outcome want = naive_answer(n, needed, votes, i + 1);
        ck_assert_msg(decides == (want != VOTE_OUTCOME_COUNT && !decided),
                      "%u owners, quorum %d, vote %u", n, (int)quorum, i);
        if (decides) {
            if (want == VOTE_CONFLICT)
                want = worst_refusal(votes, i + 1);
            struct votes_answer got = votes_answer(v);
            ck_assert_uint_eq(got.outcome, want);
            ck_assert(got.text.n == (want == VOTE_OK ? 0 : 5));
        }
        decided |= decides;
        ck_assert(votes_is_decided(v) == decided);
    }
    ck_assert(decided);
    ck_assert(!votes_expire(v, STR("late")));
}

START_TEST(test_all_sequences)
{
    unsigned n = (unsigned)_i + 1;
    unsigned combinations = 1;
    for (unsigned i = 0; i < n; i++)
        combinations *= VOTE_OUTCOME_COUNT;
    for (unsigned c = 0; c < combinations; c++) {
        enum vote_outcome votes[OWNERS_MAX];
        unsigned rest = c;
        for (unsigned i = 0; i < n; i++, rest /= VOTE_OUTCOME_COUNT)
            votes[i] = (enum vote_outcome)(rest % VOTE_OUTCOME_COUNT);
        check_sequence(n, VOTES_QUORUM_MAJORITY, votes, c % n);
        check_sequence(n, VOTES_QUORUM_ONE, votes, c % n);
        check_sequence(n, VOTES_QUORUM_ALL, votes, c % n);
    }
}
END_TEST

/* --- policy, by name ---------------------------------------------------------------------------
 */

#define OK_ VOTE_OK
#define CON VOTE_CONFLICT
#define INV VOTE_INVALID
#define UNA VOTE_UNAVAILABLE
#define FAI VOTE_FAILED
#define END VOTE_OUTCOME_COUNT
static const struct policy_case {
    const char *name;
    unsigned owners;
    enum vote_outcome votes[OWNERS_MAX + 1]; /* END: no more; then the deadline */
    bool decided;                            /* before the deadline */
    enum vote_outcome want;
} policy_cases[] = {
    {"two of three are enough", 3, {OK_, OK_, END}, true, VOTE_OK},
    {"one of three is not", 3, {OK_, END}, false, VOTE_UNAVAILABLE},
    {"one is down", 3, {UNA, OK_, OK_, END}, true, VOTE_OK},
    {"two are down: no use to wait", 3, {UNA, UNA, END}, true, VOTE_UNAVAILABLE},
    {"a fault is as good as down", 3, {FAI, FAI, END}, true, VOTE_UNAVAILABLE},
    {"two conflicts", 3, {CON, CON, END}, true, VOTE_CONFLICT},
    {"two conflicts, one down", 3, {UNA, CON, CON, END}, true, VOTE_CONFLICT},
    {"one conflict, one down, one stored", 3, {CON, UNA, OK_, END}, true, VOTE_UNAVAILABLE},
    {"one conflict, one down, one silent", 3, {CON, UNA, END}, false, VOTE_UNAVAILABLE},
    {"one conflict, two stored", 3, {CON, OK_, OK_, END}, true, VOTE_OK},
    {"the worst refusal", 3, {CON, INV, END}, true, VOTE_INVALID},
    {"one of two is enough", 2, {OK_, END}, true, VOTE_OK},
    {"one conflict, one down of two", 2, {CON, UNA, END}, true, VOTE_UNAVAILABLE},
    {"one stored, one conflict of two", 2, {CON, OK_, END}, true, VOTE_OK},
    {"three of four", 4, {OK_, OK_, END}, false, VOTE_UNAVAILABLE},
    {"two of four are down", 4, {UNA, UNA, OK_, END}, true, VOTE_UNAVAILABLE},
    {"two conflicts of four", 4, {CON, CON, END}, true, VOTE_CONFLICT},
    {"alone", 1, {INV, END}, true, VOTE_INVALID},
    {"alone and down", 1, {UNA, END}, true, VOTE_UNAVAILABLE},
};

START_TEST(test_policy)
{
    const struct policy_case *c = &policy_cases[_i];
    AUTO(votes_unref) struct votes *v = box_of(c->owners, VOTES_QUORUM_MAJORITY);
    unsigned decisions = 0;
    for (unsigned i = 0; c->votes[i] != END; i++)
        decisions += votes_cast(v, i, c->votes[i], STR("x"));
    ROW_ASSERT(c->name, decisions == c->decided);
    ROW_ASSERT(c->name, votes_expire(v, STR("deadline")) == !c->decided);
    ROW_ASSERT(c->name, votes_answer(v).outcome == c->want);
}
END_TEST

/* --- classes and ballots -----------------------------------------------------------------------
 */

struct plan_kit {
    struct arena arena;
    struct votes_plan *plan;
    uint32_t classes[3];
};

/* Three rows: owners 0 1 2, 1 0 2, 0 1 3. */
static void
plan_three(struct plan_kit *k, const uint8_t *traits)
{
    static const uint16_t owners[][3] = {{0, 1, 2}, {1, 0, 2}, {0, 1, 3}};
    arena_init(&k->arena, 0);
    struct votes_opts opts = {.owner_count = 3, .node_count = 4, .node_traits = traits};
    k->plan = votes_plan_new(&k->arena, &opts);
    for (size_t turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < 3; i++)
            k->classes[i] = votes_plan_class(k->plan, owners[i]);
    }
    ck_assert_uint_eq(votes_plan_class_count(k->plan), 3);
}

static uint32_t
ballot_of(const struct plan_kit *k, uint16_t node, uint16_t replica)
{
    for (uint32_t b = 0; b < votes_plan_ballot_count(k->plan); b++) {
        struct votes_ballot got = votes_plan_ballot(k->plan, b);
        if (got.node == node && got.replica == replica)
            return b;
    }
    ck_abort_msg("no ballot of node %u, replica %u", node, replica);
}

START_TEST(test_ballots)
{
    struct plan_kit k;
    uint8_t traits[4] = {VOTES_NODE_WHOLE, 0, 0, 0};
    plan_three(&k, traits);
    ck_assert_uint_eq(votes_plan_ballot_count(k.plan), 5); /* 0, 1 as first and second, 2, 3 */
    const uint32_t *of_second = votes_plan_class_ballots(k.plan, k.classes[1]);
    ck_assert_uint_eq(of_second[0], ballot_of(&k, 1, 0));
    ck_assert_uint_eq(of_second[1], ballot_of(&k, 0, VOTES_REPLICA_ANY));
    ck_assert_uint_eq(of_second[2], ballot_of(&k, 2, 2));

    AUTO(votes_unref) struct votes *v = votes_open(k.plan);
    ck_assert(!votes_cast(v, ballot_of(&k, 0, VOTES_REPLICA_ANY), VOTE_OK, STR("")));
    ck_assert(!votes_cast(v, ballot_of(&k, 1, 1), VOTE_OK, STR(""))); /* first and third class */
    ck_assert(!votes_cast(v, ballot_of(&k, 1, 1), VOTE_OK, STR(""))); /* counts once */
    ck_assert(!votes_cast(v, ballot_of(&k, 3, 2), VOTE_FAILED, STR("")));
    ck_assert(votes_cast(v, ballot_of(&k, 2, 2), VOTE_OK, STR("")));
    ck_assert_uint_eq(votes_answer(v).outcome, VOTE_OK);
    arena_fini(&k.arena);
}
END_TEST

/* Of the local store: some classes have a row that is refused. */
START_TEST(test_classes_apart)
{
    struct plan_kit k;
    uint8_t traits[4] = {VOTES_NODE_WHOLE, VOTES_NODE_WHOLE, VOTES_NODE_WHOLE, VOTES_NODE_WHOLE};
    plan_three(&k, traits);
    ck_assert_uint_eq(votes_plan_ballot_count(k.plan), 4);
    AUTO(votes_unref) struct votes *v = votes_open(k.plan);
    const uint8_t outcomes[3] = {VOTE_OK, VOTE_OK, VOTE_CONFLICT};
    ck_assert(!votes_cast_classes(v, ballot_of(&k, 0, VOTES_REPLICA_ANY), outcomes, STR("old")));
    ck_assert(!votes_cast(v, ballot_of(&k, 2, VOTES_REPLICA_ANY), VOTE_OK, STR("")));
    /* The third class: one conflict, and one that is down. */
    ck_assert(!votes_cast(v, ballot_of(&k, 3, VOTES_REPLICA_ANY), VOTE_UNAVAILABLE, STR("down")));
    ck_assert(votes_cast(v, ballot_of(&k, 1, VOTES_REPLICA_ANY), VOTE_CONFLICT, STR("older")));
    ck_assert_uint_eq(votes_answer(v).outcome, VOTE_CONFLICT);
    ck_assert(str_eq(votes_answer(v).text, STR("old")));
    arena_fini(&k.arena);
}
END_TEST

/* Unavailable wins over a refusal of another class. */
START_TEST(test_worst_class)
{
    struct plan_kit k;
    uint8_t traits[4] = {VOTES_NODE_WHOLE, VOTES_NODE_WHOLE, VOTES_NODE_WHOLE, VOTES_NODE_WHOLE};
    plan_three(&k, traits);
    AUTO(votes_unref) struct votes *v = votes_open(k.plan);
    const uint8_t outcomes[3] = {VOTE_CONFLICT, VOTE_OK, VOTE_OK};
    votes_cast_classes(v, ballot_of(&k, 0, VOTES_REPLICA_ANY), outcomes, STR("zero"));
    votes_cast_classes(v, ballot_of(&k, 2, VOTES_REPLICA_ANY), outcomes, STR("two"));
    ck_assert(!votes_cast(v, ballot_of(&k, 1, VOTES_REPLICA_ANY), VOTE_UNAVAILABLE, STR("one")));
    ck_assert(votes_cast(v, ballot_of(&k, 3, VOTES_REPLICA_ANY), VOTE_UNAVAILABLE, STR("three")));
    ck_assert_uint_eq(votes_answer(v).outcome, VOTE_UNAVAILABLE);
    ck_assert(str_eq(votes_answer(v).text, STR("one")));
    arena_fini(&k.arena);
}
END_TEST

/* --- regions -----------------------------------------------------------------------------------
 */

START_TEST(test_regions)
{
    struct plan_kit k;
    uint8_t traits[4] = {0, VOTES_NODE_REMOTE, VOTES_NODE_REMOTE, VOTES_NODE_REMOTE};
    plan_three(&k, traits); /* node 0 owns of all rows, alone in its region */
    AUTO(votes_unref) struct votes *v = votes_open(k.plan);
    ck_assert(!votes_cast(v, ballot_of(&k, 1, 0), VOTE_UNAVAILABLE, STR("far")));
    ck_assert(!votes_cast(v, ballot_of(&k, 1, 1), VOTE_CONFLICT, STR("far")));
    ck_assert(!votes_cast(v, ballot_of(&k, 0, 0), VOTE_OK, STR("")));
    ck_assert(votes_cast(v, ballot_of(&k, 0, 1), VOTE_OK, STR("")));
    ck_assert_uint_eq(votes_answer(v).outcome, VOTE_OK);
    arena_fini(&k.arena);
}
END_TEST

START_TEST(test_region_without_owner)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    uint8_t traits[4] = {0, VOTES_NODE_REMOTE, VOTES_NODE_REMOTE, VOTES_NODE_REMOTE};
    struct votes_opts opts = {.owner_count = 3, .node_count = 4, .node_traits = traits};
    struct votes_plan *p = votes_plan_new(&a, &opts);
    uint32_t class_index = votes_plan_class(p, (const uint16_t[]){1, 2, 3});
    const uint32_t *ballots = votes_plan_class_ballots(p, class_index);
    AUTO(votes_unref) struct votes *v = votes_open(p);
    ck_assert(!votes_cast(v, ballots[2], VOTE_OK, STR("")));
    ck_assert(votes_cast(v, ballots[1], VOTE_OK, STR("")));
    ck_assert_uint_eq(votes_answer(v).outcome, VOTE_OK);
}
END_TEST

/* Rows that are replicated already: one owner, whose number is not 0. */
START_TEST(test_replicated_already)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct votes_opts opts = {.owner_count = 1, .replica_first = 2, .node_count = 9};
    struct votes_plan *p = votes_plan_new(&a, &opts);
    votes_plan_class(p, (const uint16_t[]){7});
    ck_assert_uint_eq(votes_plan_ballot(p, 0).node, 7);
    ck_assert_uint_eq(votes_plan_ballot(p, 0).replica, 2);
    AUTO(votes_unref) struct votes *v = votes_open(p);
    ck_assert(votes_cast(v, 0, VOTE_OK, STR("")));
}
END_TEST

START_TEST(test_many_classes)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    enum { NODES = 40 };
    struct votes_opts opts = {.owner_count = 2, .quorum = VOTES_QUORUM_ALL, .node_count = NODES};
    struct votes_plan *p = votes_plan_new(&a, &opts);
    for (int turn = 0; turn < 2; turn++) {
        for (uint16_t i = 0; i < NODES; i++) {
            for (uint16_t k = 0; k < NODES; k++) {
                uint32_t c = votes_plan_class(p, (const uint16_t[]){i, k});
                ck_assert_uint_eq(c, (uint32_t)i * NODES + k);
            }
        }
    }
    ck_assert_uint_eq(votes_plan_ballot_count(p), 2 * NODES);
    AUTO(votes_unref) struct votes *v = votes_open(p);
    for (uint32_t b = 0; b < 2 * NODES; b++)
        ck_assert(votes_cast(v, b, VOTE_OK, STR("")) == (b + 1 == 2 * NODES));
}
END_TEST

/* --- threads -----------------------------------------------------------------------------------
 */

enum { THREADS = 4, ROUNDS = 300 };

struct voters {
    struct votes *boxes[ROUNDS];
    _Atomic(unsigned) decisions;
};

struct voter {
    struct voters *all;
    unsigned number;
};

static void *
vote_on_all(void *arg)
{
    struct voter *me = arg;
    for (size_t i = 0; i < ROUNDS; i++) {
        struct votes *v = me->all->boxes[i];
        bool decides = me->number == 0 && i % 3 == 0
                           ? votes_expire(v, STR("deadline"))
                           : votes_cast(v, me->number, (enum vote_outcome)(i % 5), STR("why"));
        if (decides && votes_answer(v).outcome < VOTE_OUTCOME_COUNT)
            atomic_fetch_add(&me->all->decisions, 1);
        votes_unref(v);
    }
    return NULL;
}

START_TEST(test_threads)
{
    struct voters all = {0};
    struct voter voters[THREADS];
    pthread_t threads[THREADS];
    for (size_t i = 0; i < ROUNDS; i++) {
        all.boxes[i] = box_of(THREADS, VOTES_QUORUM_MAJORITY);
        for (size_t k = 1; k < THREADS; k++)
            votes_ref(all.boxes[i]);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        voters[i] = (struct voter){&all, i};
        ck_assert(pthread_create(&threads[i], NULL, vote_on_all, &voters[i]) == 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(atomic_load(&all.decisions), ROUNDS);
}
END_TEST

Suite *
votes_suite(void)
{
    Suite *s = suite_create("votes");
    TCase *t = tcase_create("votes");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, test_all_sequences, 0, OWNERS_MAX);
    tcase_add_loop_test(t, test_policy, 0, (int)ARRAY_LEN(policy_cases));
    tcase_add_test(t, test_ballots);
    tcase_add_test(t, test_classes_apart);
    tcase_add_test(t, test_worst_class);
    tcase_add_test(t, test_regions);
    tcase_add_test(t, test_region_without_owner);
    tcase_add_test(t, test_replicated_already);
    tcase_add_test(t, test_many_classes);
    tcase_add_test(t, test_threads);
    suite_add_tcase(s, t);
    return s;
}
