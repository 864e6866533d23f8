/* The figures of a head against counting its label sets one by one; while series come and go. */
#include "tests/tsdb/head_kit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/rand.h"

enum { HOUR_MS = 3600 * 1000 };
static const int64_t t0 = INT64_C(1700000000000) / 7200000 * 7200000; /* a range begins */

static struct db *
open_db(void)
{
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    struct db *db = NULL;
    CK_OK(db_open(&opts, &db));
    return db;
}

static void
put_list(struct buf *to, const char *title, struct rank_list list)
{
    buf_printf(to, "%s:", title);
    for (size_t i = 0; i < list.n; i++)
        buf_printf(to, " %.*s %ju", STR_FMT(list.v[i].name), (uintmax_t)list.v[i].amount);
    buf_printf(to, "\n");
}

static void
put_all(struct buf *to, const struct cardinality *c)
{
    buf_printf(to, "series %ju pairs %ju\n", (uintmax_t)c->series, (uintmax_t)c->pairs);
    put_list(to, "metrics", c->series_by_metric);
    put_list(to, "values", c->values_by_name);
    put_list(to, "bytes", c->bytes_by_name);
    put_list(to, "pairs", c->series_by_pair);
}

static struct cardinality
ask(struct db *db, size_t limit, struct arena *a)
{
    struct cardinality c;
    CK_OK(db_cardinality(db, limit, a, &c));
    return c;
}

static void
assert_figures(struct db *db, size_t limit, const char *want)
{
    AUTO(arena_fini) struct arena a;
    AUTO(buf_fini) struct buf text = BUF_INIT;
    arena_init(&a, 0);
    struct cardinality c = ask(db, limit, &a);
    put_all(&text, &c);
    ck_assert_str_eq(buf_cstr(&text), want);
}

static uint64_t
chunks_of(struct db *db)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    return ask(db, 1, &a).chunks;
}

/* --- counts ----------------------------------------------------------------------------------- */

#define NOTHING "series 0 pairs 0\nmetrics:\nvalues:\nbytes:\npairs:\n"

START_TEST(test_empty)
{
    AUTO(db_close) struct db *db = open_db();
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct cardinality c = ask(db, 10, &a);
    ck_assert_int_eq(c.mint_ms, INT64_MAX);
    ck_assert_int_eq(c.maxt_ms, INT64_MIN);
    ck_assert_uint_eq(c.chunks, 0);
    assert_figures(db, 10, NOTHING);
}
END_TEST

static const struct limit_case {
    const char *name;
    size_t limit;
    const char *want;
} limit_cases[] = {
    {"all", 10, "series 3 pairs 4\nmetrics: up 2 down 1\nvalues: __name__ 2 job 2\n"
                "bytes: __name__ 38 job 20\npairs: __name__=up 2 job=a 2 __name__=down 1 "
                "job=bcd 1\n"},
    {"some", 1, "series 3 pairs 4\nmetrics: up 2\nvalues: __name__ 2\nbytes: __name__ 38\n"
                "pairs: __name__=up 2\n"},
    {"none", 0, "series 3 pairs 4\nmetrics:\nvalues:\nbytes:\npairs:\n"},
};

START_TEST(test_limits)
{
    const struct limit_case *c = &limit_cases[_i];
    AUTO(db_close) struct db *db = open_db();
    kit_put(db, "__name__=up,job=a", t0 + 5, 1);
    kit_put(db, "__name__=up,job=bcd", t0 + 7, 1);
    kit_put(db, "__name__=down,job=a", t0 + 6, 1);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct cardinality found = ask(db, c->limit, &a);
    ROW_ASSERT(c->name, found.mint_ms == t0 + 5 && found.maxt_ms == t0 + 7 && found.chunks == 3);
    AUTO(buf_fini) struct buf text = BUF_INIT;
    put_all(&text, &found);
    ck_assert_msg(strcmp(buf_cstr(&text), c->want) == 0, "%s: %s", c->name, buf_cstr(&text));
}
END_TEST

/* A length above 254 takes four bytes. */
START_TEST(test_long_values)
{
    static const size_t lengths[] = {254, 255};
    AUTO(db_close) struct db *db = open_db();
    uint64_t want = 0;
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        char labels[300] = "n=";
        memset(labels + 2, 'x', lengths[i]);
        kit_put(db, labels, t0, 1);
        want += 1 + 1 + lengths[i] + (lengths[i] > 254 ? 4 : 1);
    }
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct cardinality c = ask(db, 10, &a);
    ck_assert_uint_eq(c.bytes_by_name.v[0].amount, want);
    ck_assert_uint_eq(c.series_by_metric.n, 0);
    ck_assert_uint_eq(c.series_by_pair.v[0].name.n, 2 + 254);
}
END_TEST

/* An answer above the arena's budget is refused. */
START_TEST(test_budget)
{
    AUTO(db_close) struct db *db = open_db();
    kit_put(db, "__name__=up,job=a", t0, 1);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 16);
    struct cardinality c;
    CK_ERR(ERR_LIMIT, db_cardinality(db, 10, &a, &c));
}
END_TEST

/* --- against a naive count -------------------------------------------------------------------- */

enum { NAMES = 6, VALUES = 9, SERIES_MAX = 400 };

/* Series i has value sets[i][k] - 1 of the k-th name; 0: not that name. */
struct naive {
    uint8_t sets[SERIES_MAX][NAMES];
    size_t n;
};

static const char *const names[NAMES] = {"__name__", "a", "b", "cc", "job", "zone"};

static void
put_value(char *to, size_t cap, size_t value)
{
    snprintf(to, cap, "%.*s", (int)(value % 4 + 1), &"vwxyzabcdefgh"[value]);
}

static bool
naive_add(struct naive *n, const uint8_t *set)
{
    for (size_t i = 0; i < n->n; i++)
        if (memcmp(n->sets[i], set, NAMES) == 0)
            return false;
    memcpy(n->sets[n->n++], set, NAMES);
    return true;
}

static void
naive_put(const uint8_t *set, struct db *db, int64_t t_ms)
{
    char labels[128] = "", value[8];
    for (size_t k = 0; k < NAMES; k++) {
        if (set[k] == 0)
            continue;
        put_value(value, sizeof value, set[k] - 1u);
        size_t used = strlen(labels);
        snprintf(labels + used, sizeof labels - used, "%s%s=%s", used ? "," : "", names[k], value);
    }
    kit_put(db, labels, t_ms, 1);
}

static size_t
naive_count(const struct naive *n, size_t name, size_t value)
{
    size_t count = 0;
    for (size_t i = 0; i < n->n; i++)
        count += n->sets[i][name] == value + 1;
    return count;
}

struct naive_lists {
    struct ranks metrics, values, bytes, pairs;
};

static void
naive_name(const struct naive *n, size_t k, struct naive_lists *to, struct cardinality *c,
           struct arena *a)
{
    struct str name = str_of_cstr(names[k]);
    uint64_t values = 0, bytes = 0;
    for (size_t v = 0; v < VALUES; v++) {
        uint64_t series = naive_count(n, k, v);
        if (series == 0)
            continue;
        char text[8];
        put_value(text, sizeof text, v);
        struct str value = arena_str(a, str_of_cstr(text));
        values++;
        bytes += series * (2 + name.n + value.n);
        ranks_add(&to->pairs, (struct rank){name, value, series});
        if (k == 0)
            ranks_add(&to->metrics, (struct rank){.name = value, .amount = series});
    }
    c->pairs += values;
    if (values == 0)
        return;
    ranks_add(&to->values, (struct rank){.name = name, .amount = values});
    ranks_add(&to->bytes, (struct rank){.name = name, .amount = bytes});
}

static void
naive_assert(const struct naive *n, struct db *db)
{
    AUTO(arena_fini) struct arena a;
    AUTO(buf_fini) struct buf text = BUF_INIT;
    arena_init(&a, 0);
    for (size_t limit = 1; limit <= 64; limit *= 4) {
        struct naive_lists l = {RANKS_INIT(limit), RANKS_INIT(limit), RANKS_INIT(limit),
                                RANKS_INIT(limit)};
        struct cardinality c = {.series = n->n};
        for (size_t k = 0; k < NAMES; k++)
            naive_name(n, k, &l, &c, &a);
        c.series_by_metric = ranks_copy(&l.metrics, &a);
        c.values_by_name = ranks_copy(&l.values, &a);
        c.bytes_by_name = ranks_copy(&l.bytes, &a);
        c.series_by_pair = ranks_copy(&l.pairs, &a);
        ranks_fini(&l.metrics);
        ranks_fini(&l.values);
        ranks_fini(&l.bytes);
        ranks_fini(&l.pairs);
        buf_clear(&text);
        put_all(&text, &c);
        assert_figures(db, limit, buf_cstr(&text));
    }
}

static void
random_set(struct rand_gen *g, uint8_t *to)
{
    memset(to, 0, NAMES);
    to[rand_below(g, NAMES)] = 1;
    for (size_t k = 0; k < NAMES; k++)
        if (rand_below(g, 3) > 0)
            to[k] = (uint8_t)(1 + rand_below(g, rand_below(g, VALUES) + 1));
}

static void
maintain_until_quiet(struct db *db)
{
    for (int i = 0; i < 8; i++)
        CK_OK(db_maintain(db));
    CK_OK(db_check(db));
}

/* Random series; then most of them are forgotten, new ones come, and some come back. */
START_TEST(test_churn)
{
    AUTO(db_close) struct db *db = open_db();
    struct rand_gen g = rand_gen_of((uint64_t)_i);
    uint8_t set[NAMES];
    static struct naive early, late;
    early.n = late.n = 0;
    for (int i = 0; i < 150; i++) {
        random_set(&g, set);
        if (naive_add(&early, set))
            naive_put(set, db, t0 + i);
    }
    naive_assert(&early, db);
    for (int i = 0; i < 100; i++) {
        random_set(&g, set);
        const uint8_t *chosen = i % 3 ? set : early.sets[rand_below(&g, early.n)];
        if (naive_add(&late, chosen))
            naive_put(chosen, db, t0 + 4 * HOUR_MS + i);
    }
    maintain_until_quiet(db);
    naive_assert(&late, db);
    ck_assert_uint_eq(chunks_of(db), late.n);
    for (size_t i = 0; i < early.n; i++) { /* new numbers for old names, values, slots */
        if (naive_add(&late, early.sets[i]))
            naive_put(early.sets[i], db, t0 + 5 * HOUR_MS);
    }
    naive_assert(&late, db);
}
END_TEST

/* Open, finished, mapped, gone. */
START_TEST(test_chunks)
{
    AUTO(db_close) struct db *db = open_db();
    kit_put(db, "__name__=a", t0, 1);
    kit_put(db, "__name__=b", t0, 1);
    ck_assert_uint_eq(chunks_of(db), 2);
    kit_put(db, "__name__=a", t0 + 2 * HOUR_MS, 1);
    kit_put(db, "__name__=a", t0 + 2 * HOUR_MS + 1, 1);
    ck_assert_uint_eq(chunks_of(db), 3);
    CK_OK(db_maintain(db));
    ck_assert_uint_eq(chunks_of(db), 3);
    kit_put(db, "__name__=a", t0 + 4 * HOUR_MS, 1);
    ck_assert_uint_eq(chunks_of(db), 4);
    maintain_until_quiet(db);
    ck_assert_uint_eq(chunks_of(db), 2);
}
END_TEST

/* --- while others append and forget ----------------------------------------------------------- */

struct crowd {
    struct db *db;
    _Atomic(bool) done;
};

static void *
ask_on(void *arg)
{
    struct crowd *c = arg;
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    while (!atomic_load(&c->done)) {
        struct cardinality found = ask(c->db, 5, &a);
        ck_assert_uint_le(found.values_by_name.n, 2);
        for (size_t i = 0; i < found.values_by_name.n; i++)
            ck_assert(str_eq(found.values_by_name.v[i].name, STR("__name__")) ||
                      str_eq(found.values_by_name.v[i].name, STR("pod")));
        for (size_t i = 1; i < found.series_by_pair.n; i++)
            ck_assert(found.series_by_pair.v[i - 1].amount >= found.series_by_pair.v[i].amount);
        arena_reset(&a);
    }
    return NULL;
}

START_TEST(test_crowd)
{
    enum { ROUNDS = 12, PODS = 40 };
    struct crowd c = {.db = open_db()};
    pthread_t asker;
    ck_assert_int_eq(pthread_create(&asker, NULL, ask_on, &c), 0);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < PODS; i++) {
            char labels[64];
            snprintf(labels, sizeof labels, "__name__=m,pod=%d", round * PODS + i);
            kit_put(c.db, labels, t0 + round * (int64_t)HOUR_MS + i, i);
        }
        CK_OK(db_maintain(c.db));
        CK_OK(db_maintain(c.db));
    }
    atomic_store(&c.done, true);
    pthread_join(asker, NULL);
    maintain_until_quiet(c.db);
    struct db_stats s;
    db_stats(c.db, &s);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct cardinality found = ask(c.db, 5, &a);
    ck_assert(s.series < ROUNDS * PODS); /* some were forgotten */
    ck_assert_uint_eq(found.series, s.series);
    ck_assert_uint_eq(found.series_by_pair.v[0].amount, s.series);
    ck_assert_uint_eq(found.pairs, s.series + 1);
    db_close(c.db);
}
END_TEST

Suite *
cardinality_suite(void)
{
    Suite *s = suite_create("cardinality");
    TCase *t = tcase_create("all");
    tcase_add_test(t, test_empty);
    tcase_add_loop_test(t, test_limits, 0, ARRAY_LEN(limit_cases));
    tcase_add_test(t, test_long_values);
    tcase_add_test(t, test_budget);
    tcase_add_loop_test(t, test_churn, 0, 6);
    tcase_add_test(t, test_chunks);
    tcase_add_test(t, test_crowd);
    suite_add_tcase(s, t);
    return s;
}
