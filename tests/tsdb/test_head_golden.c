/* Directories that real Prometheus left when it was killed, opened as ours: samples of every kind,
 * exemplars and metadata are those that Prometheus itself finds there.
 *
 * Late samples are among them, and what the log deletes is not. */
#include "tests/tsdb/head_kit.h"

#include <jansson.h>
#include <stdio.h>

#include "base/bytes.h"
#include "tests/tsdb/golden.h"
#include "tests/tsdb/histogram_kit.h"
#include "tests/tsdb/verify_kit.h"
#include "tsdb/head/metadata_family.h"

struct golden_case {
    json_t *expected;
};

static json_t *
load(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "prometheus-3.14/%s.expected.json", name);
    json_t *root = json_load_file(golden_path(path), 0, NULL);
    ck_assert_ptr_nonnull(root);
    return root;
}

/* --- samples ---------------------------------------------------------------------------------- */

struct point {
    int64_t t_ms;
    bool is_histogram;
    uint64_t bits;
    struct histogram histogram;
};
VEC_TYPE(points, struct point);

static void
read_points(const struct chunk_view *c, struct arena *a, struct points *to)
{
    AUTO(sample_columns_fini) struct sample_columns floats = SAMPLE_COLUMNS_INIT;
    AUTO(histogram_columns_fini) struct histogram_columns histograms = HISTOGRAM_COLUMNS_INIT;
    if (chunk_holds_histograms(c->encoding))
        CK_OK(chunk_decode_histograms(c, INT64_MIN, INT64_MAX, a, &histograms));
    else
        CK_OK(chunk_decode_floats(c, INT64_MIN, INT64_MAX, &floats));
    for (size_t i = 0; i < floats.n; i++)
        vec_push(to, ((struct point){.t_ms = floats.t_ms[i], .bits = floats.bits[i]}));
    for (size_t i = 0; i < histograms.n; i++)
        vec_push(to, ((struct point){.t_ms = histograms.t_ms[i],
                                     .is_histogram = true,
                                     .histogram = histograms.values[i]}));
}

static bool
point_is(const struct point *p, json_t *want, struct arena *a)
{
    if (!p->is_histogram)
        return json_is_string(want) && golden_value_is(json_string_value(want), p->bits);
    if (!json_is_object(want))
        return false;
    struct histogram h = kit_histogram(want, a);
    return kit_counts_same(&h, &p->histogram);
}

static json_t *
labels_json(struct labels labels)
{
    json_t *list = json_array();
    for (size_t i = 0; i < labels.n; i++) {
        json_t *pair = json_array();
        json_array_append_new(pair, json_stringn(labels.v[i].name.p, labels.v[i].name.n));
        json_array_append_new(pair, json_stringn(labels.v[i].value.p, labels.v[i].value.n));
        json_array_append_new(list, pair);
    }
    return list;
}

/* How many were compared. */
static size_t
check_points(json_t *series, const struct points *got, struct arena *a)
{
    json_t *labels = json_object_get(series, "labels"), *sample;
    const char *name = json_string_value(json_array_get(json_array_get(labels, 0), 1));
    size_t i, at = 0, same = 0;
    json_array_foreach(json_object_get(series, "samples"), i, sample) {
        int64_t t_ms = json_integer_value(json_array_get(sample, 0));
        ck_assert_msg(at < got->n && got->v[at].t_ms == t_ms, "%s: not %jd, but %jd", name,
                      (intmax_t)t_ms, at < got->n ? (intmax_t)got->v[at].t_ms : -1);
        ck_assert_msg(point_is(&got->v[at++], json_array_get(sample, 1), a), "%s at %jd", name,
                      (intmax_t)t_ms);
        same++;
    }
    ck_assert_msg(at == got->n, "%s: %zu samples are too much", name, got->n - at);
    return same;
}

static json_t *
find_series(json_t *list, json_t *labels)
{
    json_t *one;
    size_t i;
    json_array_foreach(list, i, one) {
        if (json_equal(json_object_get(one, "labels"), labels))
            return one;
    }
    return NULL;
}

static size_t
check_series(const struct golden_case *g, struct db *db)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct matcher m;
    CK_OK(matcher_make(&a, MATCH_REGEX, STR("__name__"), STR(".+"), &m));
    struct select_query q = {.mint_ms = INT64_MIN, .maxt_ms = INT64_MAX, .want = SELECT_CHUNKS};
    AUTO(series_set_close) struct series_set *set = NULL;
    CK_OK(db_select(db, &q, (struct matchers){&m, 1}, &a, &set));
    json_t *expected = json_object_get(g->expected, "series");
    size_t found = 0, same = 0;
    for (;; found++) {
        struct series_view series;
        bool more;
        CK_OK(series_set_next(set, &series, &more));
        if (!more)
            break;
        json_t *labels = labels_json(series.labels);
        json_t *want = find_series(expected, labels);
        ck_assert_ptr_nonnull(want);
        json_decref(labels);
        struct points got = VEC_INIT;
        for (size_t i = 0; i < series.chunk_count; i++)
            read_points(&series.chunks[i], &a, &got);
        same += check_points(want, &got, &a);
        vec_fini(&got);
    }
    ck_assert_uint_eq(found, json_array_size(expected));
    return same;
}

/* --- exemplars, metadata ---------------------------------------------------------------------- */

static void
check_exemplars(const struct golden_case *g, struct db *db)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct matcher m;
    CK_OK(matcher_make(&a, MATCH_REGEX, STR("__name__"), STR(".+"), &m));
    struct matchers all = {&m, 1};
    struct exemplar_query q = {&all, 1, INT64_MIN, INT64_MAX};
    struct series_exemplars_list got;
    CK_OK(db_exemplars(db, &q, &a, &got));
    json_t *want = json_object_get(g->expected, "exemplars"), *series, *exemplar;
    ck_assert_uint_eq(got.n, json_array_size(want));
    size_t i, k;
    json_array_foreach(want, i, series) {
        json_t *labels = labels_json(got.v[i].labels), *list = json_object_get(series, "exemplars");
        ck_assert(json_equal(labels, json_object_get(series, "series")));
        ck_assert_uint_eq(got.v[i].n, json_array_size(list));
        json_array_foreach(list, k, exemplar) {
            const struct exemplar *e = &got.v[i].v[k];
            json_t *of_exemplar = labels_json(e->labels);
            ck_assert(json_equal(of_exemplar, json_object_get(exemplar, "labels")));
            ck_assert_int_eq(e->t_ms, json_integer_value(json_object_get(exemplar, "t")));
            ck_assert(
                golden_value_is(json_string_value(json_object_get(exemplar, "v")), e->bits));
            json_decref(of_exemplar);
        }
        json_decref(labels);
    }
}

static const char *
member(json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static enum metric_kind
kind_named(const char *text)
{
    enum metric_kind kind = METRIC_KIND_UNKNOWN;
    while (strcmp(metric_kind_text(kind), text) != 0)
        kind++;
    return kind;
}

/* Prometheus tells it a series; of one family the series logged last stays. */
static void
check_metadata(const struct golden_case *g, struct db *db)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct family_metadata_list got;
    CK_OK(db_metadata(db, STR(""), SIZE_MAX, &a, &got));
    json_t *want = json_object_get(g->expected, "metadata"), *one;
    ck_assert((got.n > 0) == (json_array_size(want) > 0));
    size_t i, families_told = 0;
    for (size_t k = 0; k < got.n; k++) {
        bool told = false;
        json_array_foreach(want, i, one) {
            json_t *name = json_array_get(json_array_get(json_object_get(one, "labels"), 0), 1);
            enum metric_kind kind = kind_named(member(one, "type"));
            told |= str_eq(metadata_family_of(str_of_cstr(json_string_value(name)), kind),
                           got.v[k].family) &&
                    kind == got.v[k].value.kind &&
                    str_eq(str_of_cstr(member(one, "help")), got.v[k].value.help) &&
                    str_eq(str_of_cstr(member(one, "unit")), got.v[k].value.unit);
        }
        ck_assert_msg(told, "metadata of %.*s", STR_FMT(got.v[k].family));
    }
    json_array_foreach(want, i, one) {
        json_t *name = json_array_get(json_array_get(json_object_get(one, "labels"), 0), 1);
        struct str family = metadata_family_of(str_of_cstr(json_string_value(name)),
                                               kind_named(member(one, "type")));
        for (size_t k = 0; k < got.n; k++)
            families_told += str_eq(got.v[k].family, family);
    }
    ck_assert_uint_eq(families_told, json_array_size(want));
}

/* --- directories ------------------------------------------------------------------------------ */

static const struct directory {
    const char *name;
    size_t same_min; /* samples that are compared */
} directories[] = {
    {"kill9-plain", 4000},
    {"kill9-zstd", 800},
    {"kill9-start-timestamps", 1300},
    {"kill9-checkpoint", 4900},
};

START_TEST(test_directory)
{
    const struct directory *d = &directories[_i];
    char path[256];
    snprintf(path, sizeof path, "prometheus-3.14/%s", d->name);
    const char *golden = golden_path(path);
    if (!golden)
        return;
    struct db_opts opts = kit_opts(fs_posix(), test_dir());
    opts.exemplars_max = 1000;
    opts.ooo_window_ms = 3 * 3600 * 1000; /* as Prometheus had */
    kit_copy_tree(golden, opts.dir);
    struct golden_case g = {.expected = load(d->name)};
    for (int again = 0; again < 2; again++) { /* our own chunks_head and segment join */
        AUTO(db_close) struct db *db = NULL;
        CK_OK(db_open(&opts, &db));
        CK_OK(db_check(db));
        size_t same = check_series(&g, db);
        ck_assert_msg(same >= d->same_min, "%s: only %zu samples", d->name, same);
        check_exemplars(&g, db);
        check_metadata(&g, db);
        CK_OK(db_finish(db));
    }
    json_decref(g.expected);
}
END_TEST

Suite *
head_golden_suite(void)
{
    Suite *s = suite_create("head_golden");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, test_directory, 0, ARRAY_LEN(directories));
    suite_add_tcase(s, t);
    return s;
}
