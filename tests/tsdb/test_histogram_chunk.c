/* Our histogram chunks are byte for byte those of Prometheus' encoders for the same samples, with
 * chunks cut at the same places and the same flags; they decode to what went in. */
#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/vec.h"
#include "tests/tsdb/golden.h"
#include "tests/tsdb/histogram_kit.h"
#include "tsdb/chunk/histogram_chunk.h"

/* --- chunks of Prometheus ----------------------------------------------------------------- */

static struct buf
bytes_of_hex(const char *hex)
{
    struct buf b = BUF_INIT;
    for (; hex[0] && hex[1]; hex += 2) {
        char byte[3] = {hex[0], hex[1], 0};
        buf_put_u8(&b, (uint8_t)strtoul(byte, NULL, 16));
    }
    return b;
}

static bool
without_starts(int encoding)
{
    return encoding == CHUNK_HISTOGRAM || encoding == CHUNK_FLOAT_HISTOGRAM;
}

VEC_TYPE(appenders, struct histogram_appender *);

/* What the samples of a line make of our appenders. */
static void
append_series(json_t *samples, struct arena *a, struct appenders *to)
{
    size_t i;
    json_t *sample;
    json_array_foreach(samples, i, sample)
    {
        int64_t t_ms = json_integer_value(json_array_get(sample, 0));
        const char *action = json_string_value(json_array_get(sample, 2));
        struct histogram h = kit_histogram(json_array_get(sample, 3), a);
        CK_OK(histogram_validate(&h));
        struct histogram_appender *last = to->n ? *vec_last(to) : NULL, *next;
        if (strcmp(action, "") != 0)
            next = histogram_appender_open(strcmp(action, "cut") == 0 ? last : NULL, t_ms, &h);
        else
            next = histogram_append(last, t_ms, &h);
        if (next != last)
            vec_push(to, next);
    }
}

static void
check_appended(const char *name, json_t *line, struct arena *a)
{
    struct appenders got = VEC_INIT;
    json_t *chunks = json_object_get(line, "chunks");
    append_series(json_object_get(line, "samples"), a, &got);
    ck_assert_msg(got.n == json_array_size(chunks), "%s: %zu chunks", name, got.n);
    for (size_t i = 0; i < got.n; i++) {
        AUTO(buf_fini) struct buf want = bytes_of_hex(json_string_value(json_array_get(chunks, i)));
        struct chunk_view c = histogram_appender_seal(got.v[i]);
        ROW_ASSERT(name, histogram_appender_flag(got.v[i]) == (uint8_t)want.p[2] >> 6);
        ROW_ASSERT(name, histogram_appender_count(got.v[i]) == load_be16(want.p));
        ck_assert_msg(str_eq(c.data, buf_str(&want)), "%s: chunk %zu has other bytes", name, i);
        histogram_appender_close(got.v[i]);
    }
    vec_fini(&got);
}

/* The chunks of a line hold its samples, hints and start timestamps. */
static void
check_decoded(const char *name, json_t *line, struct arena *a)
{
    AUTO(histogram_columns_fini) struct histogram_columns got = HISTOGRAM_COLUMNS_INIT;
    int encoding = (int)json_integer_value(json_object_get(line, "encoding"));
    size_t i, at = 0;
    json_t *text, *samples = json_object_get(line, "samples");
    json_array_foreach(json_object_get(line, "chunks"), i, text)
    {
        AUTO(buf_fini) struct buf bytes = bytes_of_hex(json_string_value(text));
        struct chunk_view c = {INT64_MIN, INT64_MAX, (enum chunk_encoding)encoding,
                               buf_str(&bytes)};
        size_t from = got.n, count;
        int64_t mint, maxt;
        CK_OK(chunk_decode_histograms(&c, INT64_MIN, INT64_MAX, a, &got));
        CK_OK(chunk_sample_count(&c, &count));
        CK_OK(chunk_check(c.encoding, c.data, &mint, &maxt));
        ROW_ASSERT(name, from + count == got.n);
        ROW_ASSERT(name, mint == got.t_ms[from] && maxt == got.t_ms[got.n - 1]);
        bool gauge = chunk_histogram_flag(&c) == CHUNK_FLAG_GAUGE;
        for (at = from; at < got.n; at++) {
            enum histogram_reset hint = histogram_is_stale(&got.values[at])
                                            ? HISTOGRAM_RESET_UNKNOWN
                                        : gauge     ? HISTOGRAM_GAUGE
                                        : at > from ? HISTOGRAM_RESET_NO
                                                    : HISTOGRAM_RESET_UNKNOWN;
            ROW_ASSERT(name, got.values[at].reset == hint);
        }
    }
    ROW_ASSERT(name, got.n == json_array_size(samples));
    for (i = 0; i < got.n; i++) {
        json_t *sample = json_array_get(samples, i);
        struct histogram want = kit_histogram(json_array_get(sample, 3), a);
        ck_assert_msg(kit_counts_same(&want, &got.values[i]), "%s: sample %zu", name, i);
        ROW_ASSERT(name, got.t_ms[i] == json_integer_value(json_array_get(sample, 0)));
        int64_t start = json_integer_value(json_array_get(sample, 1));
        ROW_ASSERT(name, got.start_ms[i] == (without_starts(encoding) ? 0 : start));
    }
}

START_TEST(test_prometheus_chunks)
{
    FILE *f = fopen(test_data("tsdb/histogram-chunks.json"), "r");
    ck_assert(f != NULL);
    char *text = NULL;
    size_t cap = 0, lines = 0;
    while (getline(&text, &cap, f) > 0) {
        json_t *line = json_loads(text, 0, NULL);
        ck_assert(line != NULL);
        int encoding = (int)json_integer_value(json_object_get(line, "encoding"));
        char name[64];
        snprintf(name, sizeof name, "line %zu: %s, encoding %d", ++lines,
                 json_string_value(json_object_get(line, "name")), encoding);
        AUTO(arena_fini) struct arena a;
        arena_init(&a, 0);
        if (without_starts(encoding))
            check_appended(name, line, &a);
        if (encoding != CHUNK_XOR2)
            check_decoded(name, line, &a);
        json_decref(line);
    }
    ck_assert_uint_gt(lines, 12);
    free(text);
    fclose(f);
}
END_TEST

START_TEST(test_readme_example)
{
    static const uint8_t want[] = {0x00, 0x02, 0x00, 0xf3, 0x46, 0x51, 0x78, 0xfa, 0x29,
                                   0x13, 0xff, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x08,
                                   0xc7, 0x1f, 0x26, 0x12, 0xff, 0xfc, 0x40};
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct histogram h = kit_parse("i n=4 zt=0.5 zc=1 sum=1 p=1:1,2", &a);
    AUTO(histogram_appender_close)
    struct histogram_appender *x = histogram_appender_open(NULL, 1000, &h);
    h = kit_parse("i n=6 zt=0.5 zc=1 sum=2 p=1:2,3", &a);
    ck_assert_ptr_eq(histogram_append(x, 1015, &h), x);
    struct chunk_view c = histogram_appender_seal(x);
    ck_assert_uint_eq(c.data.n, sizeof want);
    ck_assert_mem_eq(c.data.p, want, sizeof want);
}
END_TEST

Suite *
histogram_chunk_suite(void)
{
    Suite *s = suite_create("histogram_chunk");
    TCase *t = tcase_create("core");
    tcase_add_test(t, test_readme_example);
    tcase_add_test(t, test_prometheus_chunks);
    suite_add_tcase(s, t);
    return s;
}
