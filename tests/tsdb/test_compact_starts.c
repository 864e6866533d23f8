/* Start timestamps of chunks that Prometheus wrote (encodings 4 to 6) survive a compaction, since
 * such chunks are copied byte for byte; where they overlap others they cannot. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "tests/tsdb/compact_kit.h"
#include "tsdb/block/block_writer.h"
#include "tsdb/chunk/recode.h"
#include "tsdb/compact/compact.h"
#include "tsdb/model/histogram.h"

enum { SERIES_MAX = 32, CHUNKS_MAX = 64, STARTS_LEAST = 100 };

/* A line of histogram-chunks.json with start timestamps, as a series {__name__="s", n="NN"}. */
struct started {
    struct chunk_view chunks[CHUNKS_MAX]; /* of encodings that our appenders never write */
    size_t chunk_count;
};
struct story {
    struct arena arena;
    struct started series[SERIES_MAX];
    size_t series_count;
    int64_t mint_ms, maxt_ms;
};

static struct str
bytes_of_hex(struct arena *a, const char *hex)
{
    size_t n = strlen(hex) / 2;
    char *v = arena_alloc(a, n);
    for (size_t i = 0; i < n; i++) {
        const char byte[3] = {hex[2 * i], hex[2 * i + 1], 0};
        v[i] = (char)strtoul(byte, NULL, 16);
    }
    return str_of(v, n);
}

static void
add_line(struct story *s, json_t *line)
{
    ck_assert_uint_lt(s->series_count, SERIES_MAX);
    struct started *to = &s->series[s->series_count++];
    size_t i;
    json_t *hex;
    json_array_foreach(json_object_get(line, "chunks"), i, hex)
    {
        ck_assert_uint_lt(i, CHUNKS_MAX);
        struct chunk_view *c = &to->chunks[to->chunk_count++];
        c->encoding = (enum chunk_encoding)json_integer_value(json_object_get(line, "encoding"));
        c->data = bytes_of_hex(&s->arena, json_string_value(hex));
        CK_OK(chunk_check(c->encoding, c->data, &c->mint_ms, &c->maxt_ms));
        s->mint_ms = i64_min(s->mint_ms, c->mint_ms);
        s->maxt_ms = i64_max(s->maxt_ms, c->maxt_ms);
    }
}

static void
story_init(struct story *s)
{
    *s = (struct story){.series_count = 0, .mint_ms = INT64_MAX, .maxt_ms = INT64_MIN};
    arena_init(&s->arena, 0);
    FILE *f = fopen(test_data("tsdb/histogram-chunks.json"), "r");
    ck_assert_ptr_nonnull(f);
    char *text = NULL;
    size_t cap = 0;
    while (getline(&text, &cap, f) > 0) {
        json_t *line = json_loads(text, 0, NULL);
        if (json_integer_value(json_object_get(line, "encoding")) >= CHUNK_XOR2)
            add_line(s, line);
        json_decref(line);
    }
    free(text);
    fclose(f);
}

static struct labels
labels_of(struct arena *a, size_t series)
{
    struct label *v = ARENA_ARRAY(a, struct label, 2);
    v[0] = (struct label){STR("__name__"), STR("s")};
    v[1] = (struct label){STR("n"), arena_printf(a, "%02zu", series)};
    return (struct labels){v, 2};
}

/* Which chunks of a series with n of them a block has. */
enum part { FIRST_PART, SECOND_PART };

static size_t
part_begin(enum part part, size_t n)
{
    return part == FIRST_PART ? 0 : (n + 1) / 2;
}

static void
write_part(struct story *s, const char *dir, enum part part)
{
    struct block_writer_opts o = {.fs = fs_posix(),
                                  .dir = dir,
                                  .ulid = kit_ulid((uint8_t)part),
                                  .mint_ms = s->mint_ms,
                                  .maxt_ms = s->maxt_ms + 1};
    AUTO(block_writer_close) struct block_writer *w = NULL;
    CK_OK(block_writer_open(&o, &w));
    for (size_t i = 0; i < s->series_count; i++) {
        const struct started *from = &s->series[i];
        size_t end = part == FIRST_PART ? part_begin(SECOND_PART, from->chunk_count)
                                        : from->chunk_count;
        for (size_t k = part_begin(part, from->chunk_count); k < end; k++)
            CK_OK(block_writer_chunk(w, &from->chunks[k]));
        CK_OK(block_writer_series(w, labels_of(&s->arena, i)));
    }
    bool empty;
    CK_OK(block_writer_finish(w, &empty));
    ck_assert(!empty);
}

/* Of blocks 0 and 1, opened. */
static struct block *
compact_both(const char *dir)
{
    enum { MADE = 9 };
    struct block *in[2], *made;
    kit_open_block(dir, 0, &in[0]);
    kit_open_block(dir, 1, &in[1]);
    struct compact_opts o = {.fs = fs_posix(), .dir = dir, .ulid = kit_ulid(MADE)};
    bool empty;
    CK_OK(compact_blocks(&o, (const struct block *const *)in, 2, &empty));
    ck_assert(!empty);
    kit_open_block(dir, MADE, &made);
    CK_OK(block_check(made));
    block_close(in[0]);
    block_close(in[1]);
    return made;
}

static struct series_set *
select_all(struct arena *a, const struct block *b)
{
    struct matcher m = kit_matcher(a, MATCH_EQUAL, "__name__", "s");
    struct select_query q = {INT64_MIN, INT64_MAX, SELECT_CHUNKS, 0};
    struct series_set *set;
    CK_OK(block_select(b, &q, (struct matchers){&m, 1}, a, &set));
    return set;
}

/* How many samples of a chunk say when they began. */
static size_t
count_starts(const struct chunk_view *c, struct arena *a)
{
    AUTO(sample_columns_fini) struct sample_columns floats = SAMPLE_COLUMNS_INIT;
    AUTO(histogram_columns_fini) struct histogram_columns histograms = HISTOGRAM_COLUMNS_INIT;
    struct start_column starts = VEC_INIT;
    size_t n = 0;
    if (chunk_holds_histograms(c->encoding))
        CK_OK(chunk_decode_histograms(c, INT64_MIN, INT64_MAX, a, &histograms));
    else
        CK_OK(chunk_decode_floats_starts(c, INT64_MIN, INT64_MAX, &floats, &starts));
    for (size_t i = 0; i < histograms.n; i++)
        n += histograms.start_ms[i] != 0;
    vec_each (&starts, start)
        n += *start != 0;
    vec_fini(&starts);
    return n;
}

/* Each chunk of either block is in the new one, with the same bytes. */
START_TEST(test_copied)
{
    struct story s;
    story_init(&s);
    const char *dir = test_dir();
    write_part(&s, dir, FIRST_PART);
    write_part(&s, dir, SECOND_PART);
    AUTO(block_close) struct block *made = compact_both(dir);
    AUTO(series_set_close) struct series_set *set = select_all(&s.arena, made);
    size_t starts = 0, of_encoding[CHUNK_FLOAT_HISTOGRAM_ST + 1] = {0};
    for (size_t i = 0; i < s.series_count; i++) {
        struct series_view got;
        bool more;
        CK_OK(series_set_next(set, &got, &more));
        ck_assert(more && labels_eq(got.labels, labels_of(&s.arena, i)));
        ck_assert_uint_eq(got.chunk_count, s.series[i].chunk_count);
        for (size_t k = 0; k < got.chunk_count; k++) {
            const struct chunk_view *c = &got.chunks[k], *want = &s.series[i].chunks[k];
            ck_assert_msg(c->encoding == want->encoding && str_eq(c->data, want->data),
                          "series %zu, chunk %zu has other bytes", i, k);
            of_encoding[c->encoding]++;
            starts += count_starts(c, &s.arena);
        }
    }
    ck_assert_uint_gt(starts, STARTS_LEAST);
    for (int encoding = CHUNK_XOR2; encoding <= CHUNK_FLOAT_HISTOGRAM_ST; encoding++)
        ck_assert_msg(of_encoding[encoding] > 1, "encoding %d: too few chunks", encoding);
    arena_fini(&s.arena);
}
END_TEST

/* A float within each series' first chunk: samples are encoded anew, in what every
 * version reads, and have no starts any more; chunks that nothing overlaps stay. */
static void
write_between(struct story *s, const char *dir)
{
    struct block_writer_opts o = {.fs = fs_posix(),
                                  .dir = dir,
                                  .ulid = kit_ulid(1),
                                  .mint_ms = s->mint_ms,
                                  .maxt_ms = s->maxt_ms + 1};
    AUTO(block_writer_close) struct block_writer *w = NULL;
    CK_OK(block_writer_open(&o, &w));
    for (size_t i = 0; i < s->series_count; i++) {
        AUTO(sample_columns_fini) struct sample_columns one = SAMPLE_COLUMNS_INIT;
        struct chunk_views views = VEC_INIT;
        sample_columns_reserve(&one, 1);
        const struct chunk_view *first = &s->series[i].chunks[0];
        one.t_ms[one.n++] = i64_min(first->mint_ms + 1, first->maxt_ms);
        one.bits[0] = bits_of_f64(42);
        recode_floats(&one, &s->arena, &views);
        CK_OK(block_writer_chunk(w, &views.v[0]));
        CK_OK(block_writer_series(w, labels_of(&s->arena, i)));
        vec_fini(&views);
    }
    bool empty;
    CK_OK(block_writer_finish(w, &empty));
}

START_TEST(test_overlapped)
{
    struct story s;
    story_init(&s);
    const char *dir = test_dir();
    write_part(&s, dir, FIRST_PART);
    write_between(&s, dir);
    AUTO(block_close) struct block *made = compact_both(dir);
    AUTO(series_set_close) struct series_set *set = select_all(&s.arena, made);
    for (size_t i = 0; i < s.series_count; i++) {
        const struct started *from = &s.series[i];
        size_t kept = part_begin(SECOND_PART, from->chunk_count) - 1; /* all but the first */
        struct series_view got;
        bool more;
        CK_OK(series_set_next(set, &got, &more));
        ck_assert(more);
        ck_assert_uint_gt(got.chunk_count, kept);
        for (size_t k = 0; k < got.chunk_count; k++) {
            const struct chunk_view *c = &got.chunks[k];
            bool anew = k < got.chunk_count - kept;
            ck_assert_msg((c->encoding < CHUNK_XOR2) == anew, "series %zu, chunk %zu: encoding %d",
                          i, k, (int)c->encoding);
            ck_assert(!anew || count_starts(c, &s.arena) == 0);
            if (!anew)
                ck_assert(str_eq(c->data, from->chunks[k - (got.chunk_count - kept) + 1].data));
        }
    }
    arena_fini(&s.arena);
}
END_TEST

Suite *
compact_starts_suite(void)
{
    Suite *s = suite_create("compact_starts");
    TCase *t = tcase_create("all");
    tcase_add_test(t, test_copied);
    tcase_add_test(t, test_overlapped);
    suite_add_tcase(s, t);
    return s;
}
