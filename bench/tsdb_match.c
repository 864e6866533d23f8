/* tsdb_match.c - label matchers over 200,000 values of one name, in a head and then in the block
 * that it becomes, then in that block with a cache. Each selects few series, so that finding them
 * is what is measured. */
#include <stdio.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "bench/tsdb_load.h"
#include "tsdb/index/match_cache.h"
#include "tsdb/model/label_key.h"

enum {
    VALUES = 200000,
    A_REQUEST = 2000,
    ROUNDS = 9,
    PASSES_MAX = 100,
    CACHE_BYTES = 32 << 20,
};

static const struct row {
    const char *name;
    enum matcher_type type;
    const char *value;
} rows[] = {
    {"prefix", MATCH_REGEX, "pod-12345.*"},
    {"prefixes", MATCH_REGEX, "pod-(12345|54321|00077).*"},
    {"contains", MATCH_REGEX, ".*12345.*"},
    {"dots", MATCH_REGEX, "pod-1234.."},
    {"class", MATCH_REGEX, "pod-01234[0-9]"},
    {"regex", MATCH_REGEX, "pod-1234[0-9]+"},
    {"regex_anywhere", MATCH_REGEX, "[a-z]+-1234[0-9]+"},
    {"not_equal", MATCH_NOT_EQUAL, "pod-000001"},
    {"not_alternatives", MATCH_NOT_REGEX, "pod-000001|pod-000002"},
    {"not_prefix", MATCH_NOT_REGEX, "pod-12345.*"},
    {"everything", MATCH_REGEX, ".*"},
};

static struct err
fill(struct db *db, int64_t t_ms)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    for (size_t base = 0; base < VALUES; base += A_REQUEST) {
        struct append_row made[A_REQUEST];
        struct sample samples[A_REQUEST];
        arena_reset(&a);
        for (size_t i = 0; i < A_REQUEST; i++) {
            AUTO(buf_fini) struct buf key = BUF_INIT;
            struct label labels[] = {{STR("__name__"), STR("up")},
                                     {STR("pod"), arena_printf(&a, "pod-%06zu", base + i)}};
            label_key_encode((struct labels){labels, ARRAY_LEN(labels)}, &key);
            made[i] = (struct append_row){
                .label_key = arena_str(&a, buf_str(&key)),
                .first_sample = (uint32_t)i,
                .sample_count = 1,
            };
            samples[i] = (struct sample){t_ms, bits_of_f64(1)};
        }
        struct append_request request = {
            .rows = made,
            .row_count = A_REQUEST,
            .samples = samples,
            .sample_count = A_REQUEST,
        };
        struct append_result result;
        TRY(db_append(db, &request, &a, &result));
    }
    return OK;
}

static struct err
find(struct db *db, struct matchers matchers, uint64_t *ret_ns)
{
    struct select_query q = {.mint_ms = 0, .maxt_ms = INT64_MAX, .want = SELECT_LABELS};
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct str_list names;
    struct bench_timer start = bench_start();
    TRY(db_label_names(db, &q, matchers, &a, &names));
    *ret_ns = bench_since(start).cpu_ns;
    return OK;
}

/* A matcher that selects nearly all goes with one that selects a single series. */
static struct err
measure(struct bench *b, struct db *db, const char *where)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct matcher m[2];
        TRY(matcher_make(&a, rows[i].type, STR("pod"), str_of_cstr(rows[i].value), &m[0]));
        TRY(matcher_make(&a, MATCH_EQUAL, STR("pod"), STR("pod-077777"), &m[1]));
        size_t n = matcher_match(&m[0], STR("pod-077777")) ? 2 : 1;
        uint64_t best_ns = UINT64_MAX, ns;
        for (int round = 0; round < ROUNDS; round++) {
            TRY(find(db, (struct matchers){m, n}, &ns));
            best_ns = u64_min(best_ns, ns);
        }
        char name[64];
        (void)snprintf(name, sizeof name, "match_%s_%s_us", where, rows[i].name);
        bench_figure(b, name, (double)best_ns / 1e3);
    }
    return OK;
}

static struct err
make_block(struct bench *b)
{
    AUTO(db_close) struct db *db = NULL;
    TRY(bench_db_open(b, &db));
    TRY(fill(db, clock_wall_ms(clock_system())));
    TRY(measure(b, db, "head"));
    bool empty = false;
    for (int pass = 0; !empty && pass < PASSES_MAX; pass++)
        TRY(db_flush(db, &empty));
    return db_finish(db);
}

static struct err
measure_block(struct bench *b, const char *where)
{
    AUTO(db_close) struct db *db = NULL;
    TRY(bench_db_open(b, &db));
    TRY(measure(b, db, where));
    return db_finish(db);
}

struct err
bench_match(struct bench *b)
{
    TRY(make_block(b));
    TRY(measure_block(b, "block"));
    AUTO(match_cache_close) struct match_cache *cache = match_cache_open(CACHE_BYTES);
    b->match_cache = cache;
    struct err e = measure_block(b, "block_cached");
    b->match_cache = NULL;
    TRY(e);
    return bench_db_remove(b);
}
