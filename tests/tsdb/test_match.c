/* What matchers name is looked up and never searched for; what was found is found again in the
 * cache, as long as its generation lasts and its room does. */
#include "tests/harness.h"

#include <pthread.h>

#include "base/mem.h"
#include "base/rand.h"
#include "tests/tsdb/block_kit.h"
#include "tsdb/index/match.h"
#include "tsdb/index/match_cache.h"

/* --- a source that counts what it is asked ---------------------------------------------------- */

enum { VALUES = 10, SERIES = VALUES * 3 };

/* Label "n" has the values "0" to "9"; series i, below VALUES * 2, has the value i % VALUES, the
 * others have no such label. */
struct counting_source {
    struct postings_source source;
    struct match_cache *cache;
    uint64_t generation;
    unsigned finds, tries, alls;
};

static struct counting_source *
counting(const struct postings_source *s)
{
    return container_of(s, struct counting_source, source);
}

static void
push_value(uint32_t value, struct arena *a, struct postings_lists *to)
{
    uint32_t *v = arena_alloc(a, 2 * sizeof *v);
    v[0] = value;
    v[1] = value + VALUES;
    vec_push(to, ((struct postings){v, 2}));
}

static struct err
find(const struct postings_source *s, struct str name, struct str value, struct arena *a,
     struct postings_lists *to)
{
    counting(s)->finds++;
    if (str_eq(name, STR("n")) && value.n == 1 && value.p[0] >= '0' && value.p[0] <= '9')
        push_value((uint32_t)(value.p[0] - '0'), a, to);
    return OK;
}

static struct err
try_values(const struct postings_source *s, const struct matcher *m, bool verdict, struct arena *a,
           struct postings_lists *to)
{
    counting(s)->tries++;
    for (uint32_t i = 0; str_eq(m->name, STR("n")) && i < VALUES; i++) {
        char digit = (char)('0' + i);
        if (matcher_match(m, str_of(&digit, 1)) == verdict)
            push_value(i, a, to);
    }
    return OK;
}

static struct err
all(const struct postings_source *s, struct arena *a, struct postings *ret_all)
{
    counting(s)->alls++;
    *ret_all = postings_all(a, SERIES);
    return OK;
}

static uint32_t
bound(const struct postings_source *s)
{
    (void)s;
    return SERIES;
}

static struct match_cache *
cache(const struct postings_source *s, uint64_t *ret_generation)
{
    *ret_generation = counting(s)->generation;
    return counting(s)->cache;
}

static const struct postings_source_ops ops = {find, try_values, all, bound, cache};

/* --- which way matchers go -------------------------------------------------------------------- */

static const struct way_case {
    const char *name;
    struct {
        enum matcher_type type;
        const char *label, *value;
    } m[2]; /* the second one may have no label */
    unsigned finds, tries, alls;
    size_t want;
} way_cases[] = {
    {"equal", {{MATCH_EQUAL, "n", "3"}}, 1, 0, 0, 2},
    {"unknown value", {{MATCH_EQUAL, "n", "x"}}, 1, 0, 0, 0},
    {"alternatives", {{MATCH_REGEX, "n", "1|[57]|x"}}, 4, 0, 0, 6},
    {"not equal", {{MATCH_NOT_EQUAL, "n", "3"}}, 1, 0, 1, SERIES - 2},
    {"not one of", {{MATCH_NOT_REGEX, "n", "1|3|x"}}, 3, 0, 1, SERIES - 4},
    {"anything", {{MATCH_REGEX, "n", ".*"}}, 0, 0, 1, SERIES},
    {"not anything", {{MATCH_NOT_REGEX, "n", ".*"}}, 0, 0, 0, 0},
    {"present", {{MATCH_REGEX, "n", ".+"}}, 0, 1, 0, 2 * VALUES},
    {"present otherwise", {{MATCH_NOT_EQUAL, "n", ""}}, 0, 1, 0, 2 * VALUES},
    {"absent", {{MATCH_EQUAL, "n", ""}}, 0, 1, 1, VALUES},
    {"absent or one", {{MATCH_REGEX, "n", "4?"}}, 0, 1, 1, VALUES + 2},
    {"neither absent nor one", {{MATCH_NOT_REGEX, "n", "|4"}}, 0, 1, 0, 2 * VALUES - 2},
    {"a regex", {{MATCH_REGEX, "n", "[0-4]+"}}, 0, 1, 0, 10},
    {"not a regex", {{MATCH_NOT_REGEX, "n", "[0-4]+"}}, 0, 1, 1, SERIES - 10},
    {"a name nobody has", {{MATCH_EQUAL, "x", "y"}}, 1, 0, 0, 0},
    {"nothing left to try", {{MATCH_REGEX, "n", "[0-4]+"}, {MATCH_EQUAL, "n", "x"}}, 1, 0, 0, 0},
    {"both", {{MATCH_REGEX, "n", "[0-4]+"}, {MATCH_NOT_EQUAL, "n", "2"}}, 1, 1, 0, 8},
    {"two that drop",
     {{MATCH_NOT_EQUAL, "n", "1"}, {MATCH_NOT_EQUAL, "n", "2"}},
     2,
     0,
     1,
     SERIES - 4},
};

static size_t
make_matchers(struct arena *a, const struct way_case *c, struct matcher *to)
{
    size_t n = 0;
    for (; n < ARRAY_LEN(c->m) && c->m[n].label; n++)
        to[n] = kit_matcher(a, c->m[n].type, c->m[n].label, c->m[n].value);
    return n;
}

START_TEST(test_ways)
{
    const struct way_case *c = &way_cases[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct counting_source s = {.source = {&ops}};
    struct matcher m[2];
    size_t n = make_matchers(&a, c, m);
    struct postings found;
    CK_OK(postings_match(&s.source, (struct matchers){m, n}, &a, &found));
    ROW_ASSERT(c->name, found.n == c->want && postings_check(found));
    ROW_ASSERT(c->name, s.finds == c->finds && s.tries == c->tries && s.alls == c->alls);
    for (size_t i = 0; i < found.n; i++) {
        char digit = (char)('0' + found.v[i] % VALUES);
        struct str none = STR(""), value = found.v[i] < 2 * VALUES ? str_of(&digit, 1) : STR("");
        for (size_t k = 0; k < n; k++)
            ROW_ASSERT(c->name, matcher_match(&m[k], str_eq(m[k].name, STR("n")) ? value : none));
    }
}
END_TEST

/* What is tried is tried once in a generation. */
START_TEST(test_ways_with_cache)
{
    const struct way_case *c = &way_cases[_i];
    AUTO(match_cache_close) struct match_cache *kept = match_cache_open(1 << 20);
    struct counting_source s = {.source = {&ops}, .cache = kept};
    s.generation = match_cache_generation(kept);
    for (unsigned round = 1; round <= 4; round++) {
        AUTO(arena_fini) struct arena a;
        arena_init(&a, 0);
        struct matcher m[2];
        size_t n = make_matchers(&a, c, m);
        struct postings found;
        CK_OK(postings_match(&s.source, (struct matchers){m, n}, &a, &found));
        ROW_ASSERT(c->name, found.n == c->want && postings_check(found));
        ROW_ASSERT(c->name, s.tries == c->tries * (1 + (round > 3)));
        if (round == 3)
            s.generation = match_cache_generation(kept);
    }
    struct match_cache_stats stats;
    match_cache_stats(kept, &stats);
    ROW_ASSERT(c->name, stats.hits == c->tries * 2 && stats.misses == c->tries * 2);
}
END_TEST

/* --- the cache -------------------------------------------------------------------------------- */

static const uint32_t numbers[] = {3, 5, 8, 13};

/* Whether the matcher is there, with the numbers that were put. */
static bool
has(struct match_cache *c, uint64_t generation, const struct matcher *m)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct postings found;
    if (!match_cache_find(c, generation, m, MATCHER_SELECTS, &a, &found))
        return false;
    ck_assert_uint_eq(found.n, ARRAY_LEN(numbers));
    ck_assert(memcmp(found.v, numbers, sizeof numbers) == 0);
    return true;
}

static void
put(struct match_cache *c, uint64_t generation, const struct matcher *m)
{
    match_cache_put(c, generation, m, MATCHER_SELECTS,
                    (struct postings){numbers, ARRAY_LEN(numbers)});
}

/* Every part of a key tells entries apart. */
START_TEST(test_keys)
{
    AUTO(match_cache_close) struct match_cache *c = match_cache_open(1 << 20);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    uint64_t one = match_cache_generation(c), two = match_cache_generation(c);
    ck_assert_uint_ne(one, two);
    struct matcher m = kit_matcher(&a, MATCH_REGEX, "ab", "c");
    put(c, one, &m);
    ck_assert(has(c, one, &m));
    ck_assert(!has(c, two, &m));
    struct postings found;
    ck_assert(!match_cache_find(c, one, &m, MATCHER_REFUSES, &a, &found));
    static const struct {
        enum matcher_type type;
        const char *label, *value;
    } others[] = {{MATCH_NOT_REGEX, "ab", "c"}, {MATCH_EQUAL, "ab", "c"}, {MATCH_REGEX, "a", "bc"},
                  {MATCH_REGEX, "abc", ""},     {MATCH_REGEX, "ab", ""},  {MATCH_REGEX, "", "abc"}};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        struct matcher other = kit_matcher(&a, others[i].type, others[i].label, others[i].value);
        ck_assert(!has(c, one, &other));
    }
    struct matcher same = kit_matcher(&a, MATCH_REGEX, "ab", "c");
    put(c, one, &same); /* again: nothing changes */
    ck_assert(has(c, one, &same));
    struct match_cache_stats s;
    match_cache_stats(c, &s);
    ck_assert_uint_eq(s.entries, 1);
    ck_assert_uint_eq(s.hits, 2);
    ck_assert_uint_eq(s.misses, 2 + ARRAY_LEN(others));
    /* that there are none is an answer, too */
    match_cache_put(c, two, &m, MATCHER_REFUSES, (struct postings){NULL, 0});
    ck_assert(match_cache_find(c, two, &m, MATCHER_REFUSES, &a, &found));
    ck_assert_uint_eq(found.n, 0);
}
END_TEST

/* What was used last stays; the bytes never pass the limit. */
START_TEST(test_eviction)
{
    enum { BYTES_MAX = 4096, MATCHERS = 200 };
    AUTO(match_cache_close) struct match_cache *c = match_cache_open(BYTES_MAX);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct matcher m[MATCHERS];
    struct match_cache_stats s;
    for (size_t i = 0; i < MATCHERS; i++) {
        m[i] = kit_matcher(&a, MATCH_REGEX, "n", arena_printf(&a, "%zu.*", i).p);
        put(c, 0, &m[i]);
        ck_assert(has(c, 0, &m[0])); /* used all the time */
        match_cache_stats(c, &s);
        ck_assert_uint_le(s.bytes, BYTES_MAX);
    }
    ck_assert_uint_eq(s.entries + s.evicted, MATCHERS);
    ck_assert_uint_gt(s.entries, 10);
    ck_assert_uint_gt(s.evicted, 10);
    size_t first = MATCHERS - (s.entries - 1); /* all behind it were put after those that left */
    for (size_t i = 1; i < MATCHERS; i++)
        ck_assert_msg(has(c, 0, &m[i]) == (i >= first), "matcher %zu", i);
}
END_TEST

START_TEST(test_too_large)
{
    enum { BYTES_MAX = 8192 };
    AUTO(match_cache_close) struct match_cache *c = match_cache_open(BYTES_MAX);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct matcher m = kit_matcher(&a, MATCH_REGEX, "n", "a.*");
    struct postings all_of = postings_all(&a, BYTES_MAX / MATCH_CACHE_ENTRY_PART / 4), found;
    match_cache_put(c, 0, &m, MATCHER_SELECTS, all_of);
    ck_assert(!match_cache_find(c, 0, &m, MATCHER_SELECTS, &a, &found));
    match_cache_put(c, 0, &m, MATCHER_SELECTS, (struct postings){all_of.v, all_of.n / 2});
    ck_assert(match_cache_find(c, 0, &m, MATCHER_SELECTS, &a, &found));
    ck_assert_uint_eq(found.n, all_of.n / 2);
}
END_TEST

/* A list that was found outlives its entry, and the cache. */
START_TEST(test_lifetime)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct match_cache *c = match_cache_open(2048);
    struct matcher m = kit_matcher(&a, MATCH_REGEX, "n", "a.*");
    struct postings found;
    put(c, 0, &m);
    ck_assert(match_cache_find(c, 0, &m, MATCHER_SELECTS, &a, &found));
    for (uint64_t generation = 1; generation < 100; generation++)
        put(c, generation, &m);
    ck_assert(!has(c, 0, &m));
    match_cache_close(c);
    ck_assert_uint_eq(found.n, ARRAY_LEN(numbers));
    ck_assert(memcmp(found.v, numbers, sizeof numbers) == 0);
}
END_TEST

/* Several threads over few matchers and little room; every list says whose it is. */
struct crowd {
    struct match_cache *cache;
    uint64_t seed;
};

static void *
crowd_main(void *arg)
{
    enum { ROUNDS = 3000, GENERATIONS = 40 };
    const struct crowd *w = arg;
    struct rand_gen gen = rand_gen_of(w->seed);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct matcher m = kit_matcher(&a, MATCH_REGEX, "n", "a.*");
    for (int i = 0; i < ROUNDS; i++) {
        AUTO(arena_fini) struct arena query;
        arena_init(&query, 0);
        uint64_t generation = rand_below(&gen, GENERATIONS);
        uint32_t v[] = {(uint32_t)generation, 99};
        struct postings found;
        if (match_cache_find(w->cache, generation, &m, MATCHER_SELECTS, &query, &found))
            ASSERT(found.n == 2 && found.v[0] == generation && found.v[1] == 99);
        else
            match_cache_put(w->cache, generation, &m, MATCHER_SELECTS, (struct postings){v, 2});
    }
    return NULL;
}

START_TEST(test_threads)
{
    enum { THREADS = 4 };
    AUTO(match_cache_close) struct match_cache *c = match_cache_open(2048);
    struct crowd crowd[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        crowd[i] = (struct crowd){c, 100 + (uint64_t)i};
        ck_assert(pthread_create(&threads[i], NULL, crowd_main, &crowd[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    struct match_cache_stats s;
    match_cache_stats(c, &s);
    ck_assert_uint_gt(s.hits, 0);
    ck_assert_uint_gt(s.evicted, 0);
    ck_assert_uint_le(s.bytes, 2048);
}
END_TEST

/* Two files with other series under the same labels do not mix, and give the same every time. */
START_TEST(test_files)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(match_cache_close) struct match_cache *c = match_cache_open(1 << 20);
    struct buf images[2] = {BUF_INIT, BUF_INIT};
    struct index_reader *readers[2];
    for (size_t i = 0; i < 2; i++) {
        size_t n = 40 + 30 * i;
        kit_index(&images[i], kit_label_sets(&a, n), n);
        CK_OK(index_reader_open(buf_str(&images[i]), &readers[i]));
        index_reader_use_cache(readers[i], c);
    }
    struct matcher m = kit_matcher(&a, MATCH_REGEX, "i", "00.[0-4]+");
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 2; i++) {
            struct postings found;
            CK_OK(postings_match(index_reader_postings(readers[i]), (struct matchers){&m, 1}, &a,
                                 &found));
            ck_assert_uint_eq(found.n, (40 + 30 * i) / 2);
        }
    }
    struct match_cache_stats s;
    match_cache_stats(c, &s);
    ck_assert_uint_eq(s.misses, 2);
    ck_assert_uint_eq(s.hits, 4);
    for (size_t i = 0; i < 2; i++) {
        index_reader_close(readers[i]);
        buf_fini(&images[i]);
    }
}
END_TEST

Suite *
match_suite(void)
{
    Suite *s = suite_create("match");
    TCase *t = tcase_create("match");
    tcase_add_loop_test(t, test_ways, 0, ARRAY_LEN(way_cases));
    tcase_add_loop_test(t, test_ways_with_cache, 0, ARRAY_LEN(way_cases));
    tcase_add_test(t, test_keys);
    tcase_add_test(t, test_eviction);
    tcase_add_test(t, test_too_large);
    tcase_add_test(t, test_lifetime);
    tcase_add_test(t, test_threads);
    tcase_add_test(t, test_files);
    suite_add_tcase(s, t);
    return s;
}
