/* What becomes of a batch: which rows go where, with which samples, and that a key is rewritten
 * once. */
#include "tests/harness.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/pool.h"
#include "ingest/rewrite.h"
#include "ingest/rewrite_cache.h"

enum { ROWS_MAX = 8 };

/* A batch of rows "a=1;b=2" with two samples each, times 10 * row and 10 * row + 1, and an exemplar
 * of time `row`. */
struct fixture {
    struct arena arena;
    struct append_row rows[ROWS_MAX];
    struct sample samples[2 * ROWS_MAX];
    struct exemplar exemplars[ROWS_MAX];
    struct family_metadata metadata[1];
    struct batch batch;
};

static struct str
key_of(struct arena *a, const char *text)
{
    AUTO(buf_fini) struct buf key = BUF_INIT;
    struct label v[16];
    size_t n = 0;
    for (struct str rest = str_of_cstr(text); rest.n > 0;) {
        struct str value = str_split(&rest, ';');
        struct str name = str_split(&value, '=');
        v[n++] = (struct label){name, value};
    }
    label_key_encode((struct labels){v, n}, &key);
    return arena_str(a, buf_str(&key));
}

static void
fixture_init(struct fixture *f, const char *const *rows)
{
    *f = (struct fixture){.batch = {.tenant = STR("own")}};
    size_t n = 0;
    for (; rows[n]; n++) {
        f->rows[n] = (struct append_row){.label_key = key_of(&f->arena, rows[n]),
                                         .first_sample = (uint32_t)(2 * n),
                                         .sample_count = 2,
                                         .first_exemplar = (uint32_t)n,
                                         .exemplar_count = 1};
        f->samples[2 * n].t_ms = (int64_t)(10 * n);
        f->samples[2 * n + 1].t_ms = (int64_t)(10 * n + 1);
        f->exemplars[n].t_ms = (int64_t)n;
    }
    f->batch.series_count = n;
    f->batch.request = (struct append_request){.rows = f->rows,
                                               .row_count = n,
                                               .samples = f->samples,
                                               .sample_count = 2 * n,
                                               .exemplars = f->exemplars,
                                               .exemplar_count = n,
                                               .metadata = f->metadata,
                                               .metadata_count = 1};
}

/* "own: a=1@0,1 e0 | t: ...". */
static void
print_row(struct arena *a, const struct append_request *r, const struct append_row *row,
          struct buf *to)
{
    struct labels l;
    ck_assert_int_eq(label_key_decode(a, row->label_key, &l), LABEL_FAULT_NONE);
    for (size_t i = 0; i < l.n; i++)
        buf_printf(to, "%s%.*s=%.*s", i ? ";" : " ", STR_FMT(l.v[i].name), STR_FMT(l.v[i].value));
    for (size_t i = 0; i < row->sample_count; i++)
        buf_printf(to, "%c%jd", i ? ',' : '@', (intmax_t)r->samples[row->first_sample + i].t_ms);
    for (size_t i = 0; i < row->exemplar_count; i++)
        buf_printf(to, "e%jd", (intmax_t)r->exemplars[row->first_exemplar + i].t_ms);
}

static void
print(struct arena *a, const struct rewritten *w, struct buf *to)
{
    for (size_t i = 0; i < w->count; i++) {
        const struct append_request *r = &w->batches[i].batch.request;
        buf_printf(to, "%s%.*s:", i ? " | " : "", STR_FMT(w->batches[i].batch.tenant));
        for (size_t k = 0; k < r->row_count; k++)
            print_row(a, r, &r->rows[k], to);
        ck_assert_uint_eq(r->metadata_count, i == 0);
        ck_assert_uint_eq(r->sample_count, 2 * r->row_count);
        ck_assert_uint_eq(w->batches[i].batch.series_count, r->row_count);
    }
}

static const struct rewrite_case {
    const char *name, *rules, *split, *limits;
    const char *rows[ROWS_MAX];
    const char *want;
    uint64_t dropped, too_many, too_long, bad_tenants;
} rewrite_cases[] = {
    {.name = "nothing to change",
     .rules = "- {regex: x, action: labeldrop}",
     .rows = {"a=1", "b=2"},
     .want = "own: a=1@0,1e0 b=2@10,11e1"},
    {.name = "one row changes",
     .rules = "- {source_labels: [b], regex: '(.+)', target_label: c}",
     .rows = {"a=1", "b=2", "d=3"},
     .want = "own: a=1@0,1e0 b=2;c=2@10,11e1 d=3@20,21e2"},
    {.name = "one row is dropped",
     .rules = "- {source_labels: [b], regex: '2', action: drop}",
     .rows = {"a=1", "b=2", "d=3"},
     .want = "own: a=1@0,1e0 d=3@20,21e2",
     .dropped = 1},
    {.name = "all rows are dropped",
     .rules = "- {regex: '', action: drop}",
     .rows = {"a=1", "b=2"},
     .want = "own:",
     .dropped = 2},
    {.name = "two become one",
     .rules = "- {regex: 'b', action: labeldrop}",
     .rows = {"a=1;b=1", "a=1;b=2"},
     .want = "own: a=1@0,1e0 a=1@10,11e1"},
    {.name = "tenants",
     .split = "t",
     .rows = {"a=1", "b=1;t=x", "c=1;t=y", "d=1;t=x", "e=1;t=own"},
     .want = "own: a=1@0,1e0 e=1@40,41e4 | x: b=1@10,11e1 d=1@30,31e3 | y: c=1@20,21e2"},
    {.name = "all to another tenant",
     .split = "t",
     .rows = {"b=1;t=x"},
     .want = "own: | x: b=1@0,1e0"},
    {.name = "bad tenants",
     .split = "t",
     .rows = {"a=1;t=..", "b=1", "c=1;t=x/y"},
     .want = "own: b=1@10,11e1",
     .bad_tenants = 2},
    {.name = "a rule makes the tenant",
     .rules = "- {source_labels: [a], target_label: t}",
     .split = "t",
     .rows = {"a=x", "b=1"},
     .want = "own: b=1@10,11e1 | x: a=x@0,1e0"},
    {.name = "limits of the own tenant",
     .limits = "write: {default: {label_limit: 2, label_name_length_limit: 3, "
               "label_value_length_limit: 4}}",
     .rows = {"a=1;b=2", "a=1;b=2;c=3", "abc=1", "abcd=1", "a=1234", "a=12345"},
     .want = "own: a=1;b=2@0,1e0 abc=1@20,21e2 a=1234@40,41e4",
     .too_many = 1,
     .too_long = 2},
    {.name = "limits of a row's tenant, for what is stored",
     .split = "t",
     .limits = "write: {tenants: {x: {label_limit: 1}}}",
     .rows = {"a=1;b=1;c=1", "a=1;t=x", "a=1;b=2;t=x"},
     .want = "own: a=1;b=1;c=1@0,1e0 | x: a=1@10,11e1",
     .too_many = 1},
    {.name = "past a limit by a rule",
     .rules = "- {regex: '(a?).*', action: labelmap}",
     .rows = {"a=1", "b=1"},
     .want = "own: a=1@0,1e0"},
};

static struct limits *
limits_of_text(const char *text)
{
    struct limits *l = NULL;
    CK_OK(limits_parse(str_of_cstr(text ? text : ""), &l));
    return l;
}

START_TEST(test_rewrite)
{
    const struct rewrite_case *c = &rewrite_cases[_i];
    AUTO(rewriter_close) struct rewriter *w = rewriter_open(0);
    AUTO(limits_unref) struct limits *limits = limits_of_text(c->limits);
    struct relabel_rules *rules = NULL;
    if (c->rules)
        CK_OK(relabel_parse(str_of_cstr(c->rules), &rules));
    rewriter_set(w, rules, str_of_cstr(c->split ? c->split : ""));
    for (int again = 0; again < 2; again++) { /* out of the cache */
        struct fixture f;
        AUTO(buf_fini) struct buf got = BUF_INIT;
        fixture_init(&f, c->rows);
        AUTO(rewrite_release) struct rewrite *r = rewrite_acquire(w, limits);
        struct rewritten result;
        ROW_ASSERT(c->name, r != NULL);
        CK_OK(rewrite_batch(r, &f.arena, &f.batch, limits, &result));
        print(&f.arena, &result, &got);
        ck_assert_msg(strcmp(buf_cstr(&got), c->want) == 0, "row \"%s\": %s", c->name,
                      buf_cstr(&got));
        ROW_ASSERT(c->name, result.dropped.rows == c->dropped);
        ROW_ASSERT(c->name, result.label_faults[LABEL_FAULT_TOO_MANY] == c->too_many);
        ROW_ASSERT(c->name, result.label_faults[LABEL_FAULT_TOO_LONG] == c->too_long);
        ROW_ASSERT(c->name, result.bad_tenant_rows == c->bad_tenants);
        ROW_ASSERT(c->name, c->bad_tenants == 0 || str_eq(result.bad_tenant, STR("..")));
        arena_fini(&f.arena);
    }
}
END_TEST

/* Without rules there is no snapshot to hold; a row that is malformed stays for the head. */
START_TEST(test_nothing_to_do)
{
    AUTO(rewriter_close) struct rewriter *w = rewriter_open(0);
    AUTO(limits_unref) struct limits *none = limits_of_text("");
    AUTO(limits_unref)
    struct limits *labels = limits_of_text("write: {tenants: {a: {label_limit: 1}}}");
    struct relabel_rules *empty = NULL;
    ck_assert_ptr_null(rewrite_acquire(w, none));
    CK_OK(relabel_parse(STR("[]"), &empty));
    rewriter_set(w, empty, STR(""));
    ck_assert_ptr_null(rewrite_acquire(w, none));
    AUTO(rewrite_release) struct rewrite *r = rewrite_acquire(w, labels);
    ck_assert_ptr_nonnull(r);
    static const char *const rows[] = {"a=1", NULL};
    struct fixture f;
    struct rewritten result;
    fixture_init(&f, rows);
    f.rows[0].label_key = STR("\x0a\x02rubbish");
    CK_OK(rewrite_batch(r, &f.arena, &f.batch, labels, &result));
    ck_assert_uint_eq(result.count, 1);
    ck_assert(str_eq(result.batches[0].batch.request.rows[0].label_key, f.rows[0].label_key));
    arena_fini(&f.arena);
}
END_TEST

/* A request goes on with the rules that it began with. */
START_TEST(test_reload)
{
    AUTO(rewriter_close) struct rewriter *w = rewriter_open(0);
    AUTO(limits_unref) struct limits *none = limits_of_text("");
    static const char *const rows[] = {"a=1", NULL};
    struct relabel_rules *rules = NULL;
    struct fixture f;
    struct rewritten result;
    fixture_init(&f, rows);
    CK_OK(relabel_parse(STR("- {target_label: b, replacement: old}"), &rules));
    rewriter_set(w, rules, STR(""));
    struct rewrite *old = rewrite_acquire(w, none);
    CK_OK(relabel_parse(STR("- {target_label: b, replacement: new}"), &rules));
    rewriter_set(w, rules, STR(""));
    struct rewrite *new = rewrite_acquire(w, none);
    for (int i = 0; i < 2; i++) {
        AUTO(buf_fini) struct buf got = BUF_INIT;
        CK_OK(rewrite_batch(i ? new : old, &f.arena, &f.batch, none, &result));
        print(&f.arena, &result, &got);
        ck_assert_str_eq(buf_cstr(&got), i ? "own: a=1;b=new@0,1e0" : "own: a=1;b=old@0,1e0");
        rewrite_release(i ? new : old);
    }
    arena_fini(&f.arena);
}
END_TEST

/* --- the cache ------------------------------------------------------------------------------- */

static struct hash128
hash_of(const struct rewrite_cache *c, const char *key)
{
    return rewrite_cache_hash(c, str_of_cstr(key));
}

START_TEST(test_cache)
{
    AUTO(rewrite_cache_close) struct rewrite_cache *c = rewrite_cache_open(0);
    char key[32], value[32];
    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof key, "key %d", i);
        snprintf(value, sizeof value, "value %d", i);
        ck_assert_ptr_null(rewrite_cache_find(c, hash_of(c, key)));
        rewrite_cache_add(
            c, hash_of(c, key),
            &(struct rewrite_entry){.verdict = REWRITE_CHANGED, .label_key = str_of_cstr(value)});
    }
    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof key, "key %d", i);
        snprintf(value, sizeof value, "value %d", i);
        const struct rewrite_entry *e = rewrite_cache_find(c, hash_of(c, key));
        ck_assert(e && str_eq(e->label_key, str_of_cstr(value)));
    }
    ck_assert(!rewrite_cache_is_stale(c));
}
END_TEST

struct crowd {
    struct rewrite_cache *cache;
    _Atomic(int) wrong;
};

/* Each thread adds all keys, and finds for each what some thread has added. */
static void
add_all(void *arg)
{
    struct crowd *crowd = arg;
    for (int i = 0; i < 3000; i++) {
        char key[32];
        snprintf(key, sizeof key, "key %d", i);
        struct hash128 hash = hash_of(crowd->cache, key);
        rewrite_cache_prefetch(crowd->cache, hash);
        const struct rewrite_entry *e = rewrite_cache_find(crowd->cache, hash);
        if (!e)
            e = rewrite_cache_add(crowd->cache, hash,
                                  &(struct rewrite_entry){.label_key = str_of_cstr(key)});
        crowd->wrong += !e || !str_eq(e->label_key, str_of_cstr(key));
        crowd->wrong += rewrite_cache_find(crowd->cache, hash) != e;
    }
}

START_TEST(test_cache_threads)
{
    enum { THREADS = 4 };
    struct crowd crowd = {.cache = rewrite_cache_open(0)};
    struct pool *pool;
    CK_OK(pool_start(&(struct pool_opts){.name = "c", .threads = THREADS, .queued_limit = THREADS},
                     &pool));
    for (int i = 0; i < THREADS; i++)
        ck_assert(pool_submit(pool, add_all, &crowd));
    pool_stop(pool);
    ck_assert_int_eq(crowd.wrong, 0);
    rewrite_cache_close(crowd.cache);
}
END_TEST

/* Full: nothing more is taken, and after as many misses as that is worth a new one is due. */
START_TEST(test_cache_bound)
{
    enum { VALUE_BYTES = 1 << 20, KEYS = 3 * REWRITE_CACHE_BYTES_MAX / VALUE_BYTES };
    AUTO(rewrite_cache_close) struct rewrite_cache *c = rewrite_cache_open(0);
    char key[32], *value = mem_alloc_zero(VALUE_BYTES);
    size_t known = 0;
    for (int i = 0; i < KEYS; i++) {
        snprintf(key, sizeof key, "key %d", i);
        rewrite_cache_add(c, hash_of(c, key),
                          &(struct rewrite_entry){.verdict = REWRITE_CHANGED,
                                                  .label_key = str_of(value, VALUE_BYTES)});
        known += rewrite_cache_find(c, hash_of(c, key)) != NULL;
    }
    ck_assert_uint_gt(known, KEYS / 12);
    ck_assert_uint_le(known, REWRITE_CACHE_BYTES_MAX / VALUE_BYTES);
    for (int i = 0; i < 10 * KEYS && !rewrite_cache_is_stale(c); i++)
        rewrite_cache_add(c, hash_of(c, "key other"),
                          &(struct rewrite_entry){.verdict = REWRITE_CHANGED,
                                                  .label_key = str_of(value, VALUE_BYTES)});
    ck_assert(rewrite_cache_is_stale(c));
    mem_free(value);
}
END_TEST

Suite *
rewrite_suite(void)
{
    Suite *s = suite_create("rewrite");
    TCase *t = tcase_create("rewrite");
    tcase_add_test(t, test_cache);
    tcase_add_test(t, test_cache_threads);
    tcase_add_test(t, test_cache_bound);
    tcase_add_loop_test(t, test_rewrite, 0, ARRAY_LEN(rewrite_cases));
    tcase_add_test(t, test_nothing_to_do);
    tcase_add_test(t, test_reload);
    suite_add_tcase(s, t);
    return s;
}
