/* XOR2 chunks that Prometheus wrote decode to what went in, start timestamps too; damage is
 * refused. */
#include "tests/harness.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "tests/tsdb/golden.h"
#include "tests/tsdb/histogram_kit.h"
#include "tsdb/chunk/chunk.h"

static const struct {
    const char *name;
    struct str chunk;
    enum err_code code;
    size_t n;
    int64_t t_ms, start_ms; /* of the last sample */
    uint64_t bits;
} bytes_cases[] = {
/* count, no start, t0 = 1, v0 = 1.0 */
#define FIRST(count) "\x00" count "\x00\x02\x3f\xf0\0\0\0\0\0\0"
    {"no samples", STR_INIT("\0\0\0"), ERR_NONE, 0, 0, 0, 0},
    {"one sample", STR_INIT(FIRST("\1")), ERR_NONE, 1, 1, 0, UINT64_C(0x3ff0000000000000)},
    {"a start", STR_INIT("\0\1\x80\x02\0\0\0\0\0\0\0\0\x0a"), ERR_NONE, 1, 1, -4, 0},
    {"a start of zero, announced", STR_INIT("\0\1\x80\x02\0\0\0\0\0\0\0\0\x02"), ERR_NONE, 1, 1, 0,
     0},
    {"same value", STR_INIT(FIRST("\2") "\x05\x00"), ERR_NONE, 2, 6, 0,
     UINT64_C(0x3ff0000000000000)},
    {"stale, then the value before", STR_INIT(FIRST("\3") "\x05\xe0"), ERR_NONE, 3, 11, 0,
     UINT64_C(0x3ff0000000000000)},
    {"stale at once, by its five bits", STR_INIT(FIRST("\3") "\x05\x7c"), ERR_NONE, 3, 11, 0,
     STALE_NAN_BITS},
    {"stale first: the baseline is 0", STR_INIT("\0\2\0\x02\x7f\xf0\0\0\0\0\0\2\x05\0"), ERR_NONE,
     2, 6, 0, 0},
    {"13 bits are two's complement", /* 0 | 110 1111111111111 0 */
     STR_INIT(FIRST("\3") "\x05\x6f\xff\x80"), ERR_NONE, 3, 10, 0, UINT64_C(0x3ff0000000000000)},
    {"a changed start at sample 1", /* 0 | 10 111: 1 - (-1) */
     STR_INIT("\0\2\1\x02\x3f\xf0\0\0\0\0\0\0\x05\x5c"), ERR_NONE, 2, 6, 2,
     UINT64_C(0x3ff0000000000000)},
    {"empty", STR_INIT(""), ERR_CORRUPT, 0, 0, 0, 0},
    {"half a header", STR_INIT("\0\1"), ERR_CORRUPT, 0, 0, 0, 0},
    {"no first sample", STR_INIT("\0\1\0"), ERR_CORRUPT, 0, 0, 0, 0},
    {"half a first value", STR_INIT("\0\1\0\2\0\0\0\0"), ERR_CORRUPT, 0, 0, 0, 0},
    {"a start that is not there", STR_INIT("\0\1\x80\x02\0\0\0\0\0\0\0\0"), ERR_CORRUPT, 0, 0, 0,
     0},
    {"an endless start",
     STR_INIT("\0\1\x80\x02\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
     ERR_CORRUPT, 0, 0, 0, 0},
    {"no second delta", STR_INIT(FIRST("\2")), ERR_CORRUPT, 0, 0, 0, 0},
    {"no second value", STR_INIT(FIRST("\2") "\x05"), ERR_CORRUPT, 0, 0, 0, 0},
    {"a window of 31 + 63 bits",
     STR_INIT(FIRST("\2") "\x05\xdf\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), ERR_CORRUPT, 0, 0, 0,
     0},
    {"a count above what bits can hold", STR_INIT("\xff\xff\0\x02\0\0\0\0\0\0\0\0\x05\0\0\0"),
     ERR_CORRUPT, 0, 0, 0, 0},
    {"64 bits of time cut", STR_INIT(FIRST("\3") "\x05\x78\0\0\0\0\0\0"), ERR_CORRUPT, 0, 0, 0, 0},
};

/* A copy whose end ASan knows. */
static struct chunk_view
exact_copy(struct str bytes)
{
    char *copy = mem_alloc(bytes.n);
    memcpy(copy, bytes.p, bytes.n);
    return (struct chunk_view){INT64_MIN, INT64_MAX, CHUNK_XOR2, str_of(copy, bytes.n)};
}

START_TEST(test_bytes)
{
    const char *name = bytes_cases[_i].name;
    AUTO(sample_columns_fini) struct sample_columns got = SAMPLE_COLUMNS_INIT;
    struct start_column starts = VEC_INIT;
    struct chunk_view c = exact_copy(bytes_cases[_i].chunk);
    struct err e = chunk_decode_floats_starts(&c, INT64_MIN, INT64_MAX, &got, &starts);
    ck_assert_msg(e.code == bytes_cases[_i].code, "%s: %s", name, err_text(&e));
    ROW_ASSERT(name, got.n == bytes_cases[_i].n && starts.n == got.n);
    if (got.n) {
        ck_assert_msg(got.t_ms[got.n - 1] == bytes_cases[_i].t_ms, "%s: %jd", name,
                      (intmax_t)got.t_ms[got.n - 1]);
        ROW_ASSERT(name, got.bits[got.n - 1] == bytes_cases[_i].bits);
        ck_assert_msg(starts.v[got.n - 1] == bytes_cases[_i].start_ms, "%s: start %jd", name,
                      (intmax_t)starts.v[got.n - 1]);
    }
    err_drop(e);
    int64_t mint = 7, maxt = 7;
    e = chunk_check(c.encoding, c.data, &mint, &maxt);
    ROW_ASSERT(name, e.code == (got.n ? ERR_NONE : ERR_CORRUPT));
    ROW_ASSERT(name, e.code == ERR_NONE || (mint == 7 && maxt == 7));
    err_drop(e);
    vec_fini(&starts);
    mem_free((void *)c.data.p);
}
END_TEST

/* --- chunks of Prometheus ----------------------------------------------------------------- */

/* The XOR2 lines of the file; free the result. */
static struct buf
chunk_of(json_t *line)
{
    struct buf bytes = BUF_INIT;
    const char *hex = json_string_value(json_array_get(json_object_get(line, "chunks"), 0));
    for (; hex[0]; hex += 2) {
        char byte[3] = {hex[0], hex[1], 0};
        buf_put_u8(&bytes, (uint8_t)strtoul(byte, NULL, 16));
    }
    return bytes;
}

static void
check_line(json_t *line)
{
    const char *name = json_string_value(json_object_get(line, "name"));
    json_t *samples = json_object_get(line, "samples");
    AUTO(buf_fini) struct buf bytes = chunk_of(line);
    AUTO(sample_columns_fini) struct sample_columns got = SAMPLE_COLUMNS_INIT;
    struct start_column starts = VEC_INIT;
    struct chunk_view c = exact_copy(buf_str(&bytes));
    CK_OK(chunk_decode_floats_starts(&c, INT64_MIN, INT64_MAX, &got, &starts));
    ROW_ASSERT(name, got.n == json_array_size(samples) && starts.n == got.n);
    for (size_t i = 0; i < got.n; i++) {
        json_t *sample = json_array_get(samples, i);
        uint64_t bits = strtoull(json_string_value(json_array_get(sample, 3)), NULL, 16);
        ROW_ASSERT(name, got.t_ms[i] == json_integer_value(json_array_get(sample, 0)));
        ROW_ASSERT(name, starts.v[i] == json_integer_value(json_array_get(sample, 1)));
        ROW_ASSERT(name, got.bits[i] == bits);
    }
    int64_t mint, maxt;
    CK_OK(chunk_check(c.encoding, c.data, &mint, &maxt));
    ROW_ASSERT(name, mint == got.t_ms[0] && maxt == got.t_ms[got.n - 1]);
    size_t n = got.n; /* a range, behind what is there */
    CK_OK(chunk_decode_floats_starts(&c, got.t_ms[3], got.t_ms[7], &got, &starts));
    ROW_ASSERT(name, got.n == n + 5 && starts.n == got.n);
    ROW_ASSERT(name, got.t_ms[n] == got.t_ms[3] && starts.v[n + 4] == starts.v[7]);
    CK_OK(chunk_decode_floats(&c, got.t_ms[3], got.t_ms[3], &got)); /* without the column */
    ROW_ASSERT(name, got.n == n + 6 && got.bits[n + 5] == got.bits[3]);
    n = got.n;
    for (size_t cut = 0; cut < c.data.n; cut++) {
        struct chunk_view part = exact_copy(str_of(c.data.p, cut));
        CK_ERR(ERR_CORRUPT, chunk_decode_floats(&part, INT64_MIN, INT64_MAX, &got));
        CK_ERR(ERR_CORRUPT, chunk_check(part.encoding, part.data, &mint, &maxt));
        mem_free((void *)part.data.p);
    }
    ROW_ASSERT(name, got.n == n);
    vec_fini(&starts);
    mem_free((void *)c.data.p);
}

static void
each_line(void (*check)(json_t *line))
{
    FILE *f = fopen(test_data("tsdb/histogram-chunks.json"), "r");
    ck_assert(f != NULL);
    char *text = NULL;
    size_t cap = 0, lines = 0;
    while (getline(&text, &cap, f) > 0) {
        json_t *line = json_loads(text, 0, NULL);
        if (json_integer_value(json_object_get(line, "encoding")) == CHUNK_XOR2) {
            check(line);
            lines++;
        }
        json_decref(line);
    }
    ck_assert_uint_eq(lines, 4);
    free(text);
    fclose(f);
}

START_TEST(test_prometheus_chunks)
{
    each_line(check_line);
}
END_TEST

/* Any answer but a crash or a read outside; checks and decodes agree. */
static void
damage_line(json_t *line)
{
    AUTO(buf_fini) struct buf bytes = chunk_of(line);
    AUTO(sample_columns_fini) struct sample_columns got = SAMPLE_COLUMNS_INIT;
    uint64_t seed = 3;
    for (int round = 0; round < 500; round++) {
        struct chunk_view bad = exact_copy(buf_str(&bytes));
        for (uint64_t flips = 1 + kit_random(&seed) % 4; flips > 0; flips--)
            ((char *)bad.data.p)[kit_random(&seed) % bad.data.n] = (char)kit_random(&seed);
        got.n = 0;
        struct err e = chunk_decode_floats(&bad, INT64_MIN, INT64_MAX, &got);
        ck_assert(e.code == ERR_NONE || e.code == ERR_CORRUPT);
        int64_t mint, maxt;
        struct err check = chunk_check(bad.encoding, bad.data, &mint, &maxt);
        if (check.code == ERR_NONE)
            ck_assert(e.code == ERR_NONE && got.t_ms[0] == mint && got.t_ms[got.n - 1] == maxt);
        err_drop(e);
        err_drop(check);
        mem_free((void *)bad.data.p);
    }
}

START_TEST(test_damage)
{
    each_line(damage_line);
}
END_TEST

START_TEST(test_readme_example)
{
    struct chunk_view c = {1000, 1030, CHUNK_XOR2,
                           STR("\x00\x03\x80\xd0\x0f\x3f\xf0\x00\x00\x00\x00\x00\x00\xc8\x01"
                               "\x0f\x50\x97\xff\xc0")};
    AUTO(sample_columns_fini) struct sample_columns got = SAMPLE_COLUMNS_INIT;
    struct start_column starts = VEC_INIT;
    CK_OK(chunk_decode_floats_starts(&c, INT64_MIN, INT64_MAX, &got, &starts));
    ck_assert_uint_eq(got.n, 3);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(got.t_ms[i], 1000 + 15 * i);
        ck_assert_int_eq(starts.v[i], 900);
        ck_assert(f64_of_bits(got.bits[i]) == (i < 2 ? 1 : 2));
    }
    vec_fini(&starts);
}
END_TEST

Suite *
xor2_suite(void)
{
    Suite *s = suite_create("xor2");
    TCase *t = tcase_create("core");
    tcase_add_loop_test(t, test_bytes, 0, ARRAY_LEN(bytes_cases));
    tcase_add_test(t, test_prometheus_chunks);
    tcase_add_test(t, test_damage);
    tcase_add_test(t, test_readme_example);
    suite_add_tcase(s, t);
    return s;
}
