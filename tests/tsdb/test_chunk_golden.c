/* Chunks of every encoding out of blocks and head files of Prometheus 3.14 hold the samples that
 * its own reader listed; histogram chunks become the same bytes when they are appended again. */
#include "tests/harness.h"

#include <jansson.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "tests/tsdb/golden.h"
#include "tests/tsdb/histogram_kit.h"
#include "tsdb/block/segment.h"
#include "tsdb/chunk/histogram_chunk.h"
#include "tsdb/head/head_chunks_scan.h"

enum { GOLDEN_BYTES_MAX = 16 << 20 };

/* The whole file; false when there is no golden data. */
static bool
read_golden(const char *relative, struct buf *b)
{
    const char *path = golden_path(relative);
    if (!path)
        return false;
    FILE *f = fopen(path, "rb");
    ck_assert(f != NULL);
    buf_reserve(b, GOLDEN_BYTES_MAX);
    b->n = fread(b->p, 1, GOLDEN_BYTES_MAX, f);
    fclose(f);
    return true;
}

static json_t *
load_golden(const char *relative)
{
    const char *path = golden_path(relative);
    json_t *json = path ? json_load_file(path, 0, NULL) : NULL;
    ck_assert(!path || json != NULL);
    return json;
}

/* --- a decoded chunk ---------------------------------------------------------------------- */

struct decoded {
    struct sample_columns floats;
    struct start_column float_starts;
    struct histogram_columns histograms;
    size_t n;
};

static void
decode(const struct chunk_view *c, struct arena *a, struct decoded *d)
{
    size_t count;
    int64_t mint, maxt;
    *d = (struct decoded){.n = 0};
    if (chunk_holds_histograms(c->encoding))
        CK_OK(chunk_decode_histograms(c, INT64_MIN, INT64_MAX, a, &d->histograms));
    else
        CK_OK(chunk_decode_floats_starts(c, INT64_MIN, INT64_MAX, &d->floats, &d->float_starts));
    d->n = d->floats.n + d->histograms.n;
    CK_OK(chunk_sample_count(c, &count));
    CK_OK(chunk_check(c->encoding, c->data, &mint, &maxt));
    ck_assert_uint_eq(d->n, count);
    ck_assert(mint == c->mint_ms && maxt == c->maxt_ms);
}

static void
decoded_fini(struct decoded *d)
{
    sample_columns_fini(&d->floats);
    histogram_columns_fini(&d->histograms);
    vec_fini(&d->float_starts);
}

static int64_t
time_of(const struct decoded *d, size_t i)
{
    return d->floats.n ? d->floats.t_ms[i] : d->histograms.t_ms[i];
}

/* [t, value] or [t, value, start]. */
static bool
sample_is(const struct decoded *d, size_t i, json_t *want, struct arena *a)
{
    json_t *value = json_array_get(want, 1);
    int64_t start = json_integer_value(json_array_get(want, 2)); /* 0 when it is not there */
    if (time_of(d, i) != json_integer_value(json_array_get(want, 0)))
        return false;
    if (d->floats.n)
        return json_is_string(value) && start == d->float_starts.v[i] &&
               golden_value_is(json_string_value(value), d->floats.bits[i]);
    if (!json_is_object(value) || start != d->histograms.start_ms[i])
        return false;
    struct histogram h = kit_histogram(value, a);
    return kit_counts_same(&h, &d->histograms.values[i]);
}

/* --- blocks ------------------------------------------------------------------------------- */

static void
check_hints(const struct decoded *d, json_t *samples, struct arena *a)
{
    for (size_t i = 0; i < d->histograms.n; i++) {
        json_t *value = json_array_get(json_array_get(samples, i), 1);
        struct histogram want = kit_histogram(value, a);
        ck_assert_int_eq(d->histograms.values[i].reset, want.reset);
        ck_assert(histogram_equal(&d->histograms.values[i], &want));
    }
}

static void
check_same_bytes(const struct chunk_view *c)
{
    AUTO(histogram_appender_close) struct histogram_appender *x = NULL;
    CK_OK(histogram_appender_reopen(c, &x));
    ck_assert(str_eq(histogram_appender_seal(x).data, c->data));
    AUTO(mem_free) uint8_t *copy = mem_alloc(c->data.n);
    ck_assert_uint_eq(histogram_appender_bytes(x), c->data.n);
    histogram_appender_snapshot(x, copy);
    ck_assert_mem_eq(copy, c->data.p, c->data.n);
}

static void
check_block_chunk(struct str segment, json_t *want, struct arena *a)
{
    uint64_t ref = (uint64_t)json_integer_value(json_object_get(want, "ref")), end;
    struct chunk_view c = {.mint_ms = json_integer_value(json_object_get(want, "mint")),
                           .maxt_ms = json_integer_value(json_object_get(want, "maxt"))};
    struct decoded d;
    json_t *samples = json_object_get(want, "samples");
    CK_OK(segment_chunk(segment, ref, &c, &end)); /* one file: the high half is 0 */
    ck_assert_uint_eq(c.data.n, (size_t)json_integer_value(json_object_get(want, "bytes")));
    decode(&c, a, &d);
    ck_assert_uint_eq(d.n, json_array_size(samples));
    for (size_t i = 0; i < d.n; i++)
        ck_assert_msg(sample_is(&d, i, json_array_get(samples, i), a), "ref %ju, sample %zu",
                      (uintmax_t)ref, i);
    check_hints(&d, samples, a);
    if (c.encoding == CHUNK_HISTOGRAM || c.encoding == CHUNK_FLOAT_HISTOGRAM)
        check_same_bytes(&c);
    decoded_fini(&d);
}

static const struct block_case {
    const char *listing, *segment;
    size_t chunks;
} block_cases[] = {
    {"blocks/histogram.json", "blocks/histogram/01M8320MXP4JED2ZZ0DFDPP30B/chunks/000001", 18},
    {"blocks/float.json", "blocks/float/01M8320MX8CB0DF75D2TENW2DR/chunks/000001", 18},
    {"blocks/xor2-start-timestamps.json",
     "blocks/xor2-start-timestamps/01M8320N1GRX297B5W4CJ0GQG5/chunks/000001", 13},
};

START_TEST(test_blocks)
{
    const struct block_case *c = &block_cases[_i];
    AUTO(buf_fini) struct buf segment = BUF_INIT;
    json_t *listing = load_golden(c->listing), *series, *chunk;
    if (!listing || !read_golden(c->segment, &segment))
        return;
    size_t i, k, chunks = 0;
    json_array_foreach(json_object_get(listing, "series"), i, series)
    {
        AUTO(arena_fini) struct arena a;
        arena_init(&a, 0);
        json_array_foreach(json_object_get(series, "chunks"), k, chunk)
        {
            check_block_chunk(buf_str(&segment), chunk, &a);
            chunks++;
        }
    }
    ck_assert_uint_eq(chunks, c->chunks);
    json_decref(listing);
}
END_TEST

/* --- head files --------------------------------------------------------------------------- */

struct head_golden {
    json_t *records, *expected;
    size_t chunks[CHUNK_FLOAT_HISTOGRAM_ST + 1]; /* of each encoding */
    size_t deleted; /* samples that a tombstone hides from the listing */
};

static json_t *
labels_of(struct head_golden *g, uint64_t ref)
{
    size_t i;
    json_t *pair;
    json_array_foreach(json_object_get(g->records, "series_refs"), i, pair)
    {
        if ((uint64_t)json_integer_value(json_array_get(pair, 0)) == ref)
            return json_array_get(pair, 1);
    }
    ck_abort_msg("no series %ju", (uintmax_t)ref);
}

static json_t *
samples_of(struct head_golden *g, uint64_t ref)
{
    size_t i;
    json_t *series, *labels = labels_of(g, ref);
    json_array_foreach(json_object_get(g->expected, "series"), i, series)
    {
        if (json_equal(json_object_get(series, "labels"), labels))
            return json_object_get(series, "samples");
    }
    return NULL; /* all of it is deleted */
}

static bool
is_deleted(struct head_golden *g, uint64_t ref, int64_t t_ms)
{
    size_t i, k, m;
    json_t *record, *stone, *interval;
    json_array_foreach(json_object_get(g->records, "records"), i, record)
    {
        json_array_foreach(json_object_get(record, "tombstones"), k, stone)
        {
            if ((uint64_t)json_integer_value(json_object_get(stone, "ref")) != ref)
                continue;
            json_array_foreach(json_object_get(stone, "intervals"), m, interval)
            {
                if (t_ms >= json_integer_value(json_object_get(interval, "Mint")) &&
                    t_ms <= json_integer_value(json_object_get(interval, "Maxt")))
                    return true;
            }
        }
    }
    return false;
}

/* The listing is in time order. */
static json_t *
find_sample(json_t *samples, int64_t t_ms)
{
    size_t low = 0, high = json_array_size(samples);
    while (low < high) {
        size_t middle = (low + high) / 2;
        json_t *sample = json_array_get(samples, middle);
        int64_t t = json_integer_value(json_array_get(sample, 0));
        if (t == t_ms)
            return sample;
        if (t < t_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static struct err
check_head_chunk(void *arg, const struct head_chunk_info *info)
{
    struct head_golden *g = arg;
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct decoded d;
    json_t *samples = samples_of(g, info->series_ref);
    decode(&info->chunk, &a, &d);
    for (size_t i = 0; i < d.n; i++) {
        json_t *want = find_sample(samples, time_of(&d, i));
        bool deleted = is_deleted(g, info->series_ref, time_of(&d, i));
        ck_assert_msg((want != NULL) != deleted, "series %ju at %jd", (uintmax_t)info->series_ref,
                      (intmax_t)time_of(&d, i));
        g->deleted += deleted;
        ck_assert_msg(!want || sample_is(&d, i, want, &a), "series %ju at %jd",
                      (uintmax_t)info->series_ref, (intmax_t)time_of(&d, i));
    }
    enum chunk_encoding e = info->chunk.encoding;
    if (e == CHUNK_HISTOGRAM || e == CHUNK_FLOAT_HISTOGRAM)
        check_same_bytes(&info->chunk);
    g->chunks[e]++;
    decoded_fini(&d);
    return OK;
}

/* Files with a chunk in them; the others only have a header. */
static const struct head_case {
    const char *name;
    size_t floats, integers, float_histograms, deleted;
} head_cases[] = {
    {"kill9-plain", 16, 7, 5, 0},
    {"clean-snapshot", 16, 5, 3, 20},
};

START_TEST(test_heads)
{
    const struct head_case *c = &head_cases[_i];
    char path[256];
    AUTO(buf_fini) struct buf file = BUF_INIT;
    struct head_golden g = {.deleted = 0};
    snprintf(path, sizeof path, "prometheus-3.14/%s/chunks_head/000001", c->name);
    if (!read_golden(path, &file))
        return;
    snprintf(path, sizeof path, "prometheus-3.14/%s.records.json", c->name);
    g.records = load_golden(path);
    snprintf(path, sizeof path, "prometheus-3.14/%s.expected.json", c->name);
    g.expected = load_golden(path);
    CK_OK(head_chunks_scan(buf_str(&file), 1, check_head_chunk, &g));
    ck_assert_uint_eq(g.chunks[CHUNK_XOR], c->floats);
    ck_assert_uint_eq(g.chunks[CHUNK_HISTOGRAM], c->integers);
    ck_assert_uint_eq(g.chunks[CHUNK_FLOAT_HISTOGRAM], c->float_histograms);
    ck_assert_uint_eq(g.deleted, c->deleted);
    json_decref(g.records);
    json_decref(g.expected);
}
END_TEST

Suite *
chunk_golden_suite(void)
{
    Suite *s = suite_create("chunk_golden");
    TCase *t = tcase_create("core");
    tcase_add_loop_test(t, test_blocks, 0, ARRAY_LEN(block_cases));
    tcase_add_loop_test(t, test_heads, 0, ARRAY_LEN(head_cases));
    suite_add_tcase(s, t);
    return s;
}
