/* Chunks that Prometheus wrote decode to what its own tools say, and our appender makes the
 * same bytes out of the samples. */
#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "tests/tsdb/golden.h"
#include "tsdb/chunk/chunk.h"
#include "tsdb/chunk/xor.h"

enum { GOLDEN_BYTES_MAX = 16 << 20, SEGMENT_HEADER_BYTES = 8 };

/* The whole file; the harness' own reader, so that these tests need no fs. */
static struct buf
read_file(const char *path)
{
    struct buf b = BUF_INIT;
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "cannot open %s", path);
    buf_reserve(&b, GOLDEN_BYTES_MAX);
    b.n = fread(b.p, 1, GOLDEN_BYTES_MAX, f);
    fclose(f);
    return b;
}

/* The next chunk of a block's chunk segment: uvarint length, encoding, data, CRC. */
static bool
next_chunk(struct reader *r, struct chunk_view *ret_chunk)
{
    if (reader_left(r) == 0)
        return false;
    size_t n = reader_uvarint(r);
    uint8_t encoding = reader_u8(r);
    *ret_chunk = (struct chunk_view){.mint_ms = INT64_MIN,
                                     .maxt_ms = INT64_MAX,
                                     .encoding = encoding,
                                     .data = reader_bytes(r, n)};
    reader_be32(r);
    ck_assert_int_eq(r->code, ERR_NONE);
    return true;
}

static void
check_same_bytes(struct str data, const struct sample_columns *samples)
{
    uint8_t *buffer = mem_alloc(samples->n * XOR_SAMPLE_BYTES_MAX + 64);
    struct xor_appender x;
    xor_init(&x);
    for (size_t i = 0; i < samples->n; i++)
        xor_append(&x, buffer, samples->t_ms[i], samples->bits[i]);
    size_t bytes = xor_seal(&x, buffer);
    if (data.n == bytes + 1 && data.p[bytes] == 0) /* Prometheus 2 leaves a byte when bits end
                                                      at one: chunk/README.md */
        data.n--;
    ck_assert_uint_eq(bytes, data.n);
    ck_assert(memcmp(buffer, data.p, bytes) == 0);
    mem_free(buffer);
}

/* Decodes and re-encodes every XOR chunk of a segment; returns how many, with their samples. */
static size_t
check_segment(struct str bytes, struct sample_columns *to)
{
    ck_assert_uint_gt(bytes.n, SEGMENT_HEADER_BYTES);
    struct reader r = reader_of(str_skip(bytes, SEGMENT_HEADER_BYTES));
    struct chunk_view c;
    size_t chunks = 0;
    while (next_chunk(&r, &c)) {
        AUTO(sample_columns_fini) struct sample_columns one = SAMPLE_COLUMNS_INIT;
        size_t count;
        CK_OK(chunk_sample_count(&c, &count));
        if (c.encoding != CHUNK_XOR) {
            CK_ERR(ERR_UNIMPLEMENTED, chunk_decode_floats(&c, INT64_MIN, INT64_MAX, &one));
            continue;
        }
        CK_OK(chunk_decode_floats(&c, INT64_MIN, INT64_MAX, &one));
        ck_assert_uint_eq(one.n, count);
        check_same_bytes(c.data, &one);
        CK_OK(chunk_decode_floats(&c, INT64_MIN, INT64_MAX, to));
        chunks++;
    }
    return chunks;
}

/* Line for line what `promtool tsdb dump` says: {labels} value time. */
START_TEST(test_promtool_block)
{
    AUTO(buf_fini) struct buf segment = read_file(test_data("tsdb/block/chunks/000001"));
    AUTO(buf_fini) struct buf dump = read_file(test_data("tsdb/block-samples.txt"));
    AUTO(sample_columns_fini) struct sample_columns got = SAMPLE_COLUMNS_INIT;
    check_segment(buf_str(&segment), &got);
    struct str rest = buf_str(&dump);
    size_t i = 0;
    for (; rest.n > 0; i++) {
        struct str line = str_split(&rest, '\n');
        line = str_skip(line, str_find_byte(line, '}') + 2);
        struct str value = str_split(&line, ' ');
        char text[64];
        snprintf(text, sizeof text, "%.*s", STR_FMT(value));
        int64_t t;
        CK_OK(str_parse_i64(line, &t));
        ck_assert_uint_lt(i, got.n);
        ck_assert_int_eq(got.t_ms[i], t);
        double want = strtod(text, NULL), have = f64_of_bits(got.bits[i]);
        ck_assert_msg(want == have ? bits_of_f64(want) == got.bits[i]
                                   : want != want && have != have,
                      "line %zu: %s", i + 1, text);
    }
    ck_assert_uint_eq(i, got.n);
}
END_TEST

static const char *const golden_segments[] = {
    "prometheus-3.14/kill9-checkpoint/01M831V9ZD0YSZNJHN12B5Z4QT/chunks/000001",
    "prometheus-3.14/kill9-checkpoint/01M831V9ZRK170A5F4YEESGKAD/chunks/000001",
    "prometheus-3.14/kill9-checkpoint/01M831V9Z39YAP2VN16VCP7CBK/chunks/000001",
    "prometheus-3.14/kill9-checkpoint/01M831V9YSQH69Z36Z3RFZRBSG/chunks/000001",
};

START_TEST(test_golden_block)
{
    const char *path = golden_path(golden_segments[_i]);
    if (!path)
        return;
    AUTO(buf_fini) struct buf segment = read_file(path);
    AUTO(sample_columns_fini) struct sample_columns got = SAMPLE_COLUMNS_INIT;
    ck_assert_uint_gt(check_segment(buf_str(&segment), &got), 0);
}
END_TEST

static const struct count_case {
    const char *name;
    enum chunk_encoding encoding;
    struct str data;
    enum err_code code;
    size_t want;
} count_cases[] = {
    {"xor", CHUNK_XOR, STR_INIT("\x01\x02..."), ERR_NONE, 258},
    {"histogram", CHUNK_HISTOGRAM, STR_INIT("\xff\xff..."), ERR_NONE, 65535},
    {"xor2", CHUNK_XOR2, STR_INIT("\x00\x02..."), ERR_NONE, 2},
    {"14 bits", CHUNK_HISTOGRAM_ST, STR_INIT("\xc0\x02..."), ERR_NONE, 2},
    {"14 bits of floats", CHUNK_FLOAT_HISTOGRAM_ST, STR_INIT("\xff\xff..."), ERR_NONE, 0x3fff},
    {"empty", CHUNK_XOR, STR_INIT(""), ERR_CORRUPT, 0},
    {"one byte", CHUNK_FLOAT_HISTOGRAM, STR_INIT("\x01"), ERR_CORRUPT, 0},
    {"no encoding", CHUNK_NONE, STR_INIT("\x00\x02..."), ERR_CORRUPT, 0},
    {"encoding of the future", 7, STR_INIT("\x00\x02..."), ERR_UNIMPLEMENTED, 0},
    {"encoding with a mark", 0x81, STR_INIT("\x00\x02..."), ERR_UNIMPLEMENTED, 0},
};

START_TEST(test_count)
{
    const struct count_case *c = &count_cases[_i];
    struct chunk_view chunk = {.encoding = c->encoding, .data = c->data};
    size_t got = 0;
    struct err e = chunk_sample_count(&chunk, &got);
    ROW_ASSERT(c->name, e.code == c->code);
    ROW_ASSERT(c->name, got == c->want);
    err_drop(e);
}
END_TEST

/* Trusting the view's times saves a pass, and changes nothing for a true view. */
START_TEST(test_floats_range)
{
    uint8_t buffer[256];
    struct xor_appender x;
    xor_init(&x);
    for (int i = 1; i <= 10; i++)
        xor_append(&x, buffer, i, (uint64_t)i);
    struct chunk_view c = {1, 10, CHUNK_XOR, str_of((char *)buffer, xor_seal(&x, buffer))};
    static const struct {
        int64_t mint, maxt;
        size_t want;
    } rows[] = {{1, 10, 10}, {0, 11, 10}, {2, 10, 9}, {1, 9, 9},
                {5, 5, 1},   {11, 20, 0}, {-5, 0, 0}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(sample_columns_fini) struct sample_columns got = SAMPLE_COLUMNS_INIT;
        CK_OK(chunk_decode_floats(&c, rows[i].mint, rows[i].maxt, &got));
        ck_assert_uint_eq(got.n, rows[i].want);
    }
}
END_TEST

Suite *
chunk_suite(void)
{
    Suite *s = suite_create("chunk");
    TCase *t = tcase_create("chunk");
    tcase_add_loop_test(t, test_count, 0, ARRAY_LEN(count_cases));
    tcase_add_test(t, test_floats_range);
    tcase_add_test(t, test_promtool_block);
    tcase_add_loop_test(t, test_golden_block, 0, ARRAY_LEN(golden_segments));
    suite_add_tcase(s, t);
    return s;
}
