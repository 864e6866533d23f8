/* head_kit.c - small write requests and query answers. */
#include "tests/tsdb/head_kit.h"

#include <stdio.h>

#include "base/bytes.h"
#include "tests/tsdb/histogram_kit.h"

void
kit_request_init(struct kit_request *k)
{
    *k = (struct kit_request){.rows = VEC_INIT,
                              .samples = VEC_INIT,
                              .histograms = VEC_INIT,
                              .exemplars = VEC_INIT,
                              .metadata = VEC_INIT};
    arena_init(&k->arena, 0);
}

void
kit_request_fini(struct kit_request *k)
{
    arena_fini(&k->arena);
    vec_fini(&k->rows);
    vec_fini(&k->samples);
    vec_fini(&k->histograms);
    vec_fini(&k->exemplars);
    vec_fini(&k->metadata);
}

void
kit_row_raw(struct kit_request *k, struct str key)
{
    struct append_row row = {.label_key = arena_str(&k->arena, key),
                             .first_sample = (uint32_t)k->samples.n,
                             .first_histogram = (uint32_t)k->histograms.n,
                             .first_exemplar = (uint32_t)k->exemplars.n};
    vec_push(&k->rows, row);
}

void
kit_row(struct kit_request *k, const char *labels)
{
    struct label v[64];
    size_t n = 0;
    for (struct str rest = str_of_cstr(labels); rest.n > 0; n++) {
        struct str pair = str_split(&rest, ',');
        v[n].name = str_split(&pair, '=');
        v[n].value = pair;
    }
    AUTO(buf_fini) struct buf key = BUF_INIT;
    label_key_encode((struct labels){v, n}, &key);
    kit_row_raw(k, buf_str(&key));
}

void
kit_sample(struct kit_request *k, int64_t t_ms, double value)
{
    struct sample s = {t_ms, bits_of_f64(value)};
    vec_push(&k->samples, s);
    vec_last(&k->rows)->sample_count++;
}

void
kit_histogram_sample(struct kit_request *k, int64_t t_ms, const char *text)
{
    struct histogram_sample s = {t_ms, kit_parse(text, &k->arena)};
    vec_push(&k->histograms, s);
    vec_last(&k->rows)->histogram_count++;
}

void
kit_exemplar(struct kit_request *k, int64_t t_ms, double value, const char *trace_id)
{
    struct label *l = ARENA_NEW(&k->arena, struct label);
    *l = (struct label){STR("trace_id"), str_of_cstr(trace_id)};
    vec_push(&k->exemplars, ((struct exemplar){t_ms, bits_of_f64(value), {l, 1}}));
    vec_last(&k->rows)->exemplar_count++;
}

void
kit_metadata(struct kit_request *k, const char *family, enum metric_kind kind, const char *help)
{
    struct family_metadata m = {str_of_cstr(family), {kind, str_of_cstr(help), STR("")}};
    vec_push(&k->metadata, m);
}

struct err
kit_append(struct kit_request *k, struct db *db, struct append_result *ret_result)
{
    struct append_request request = {.rows = k->rows.v,
                                     .row_count = k->rows.n,
                                     .samples = k->samples.v,
                                     .sample_count = k->samples.n,
                                     .histograms = k->histograms.v,
                                     .histogram_count = k->histograms.n,
                                     .exemplars = k->exemplars.v,
                                     .exemplar_count = k->exemplars.n,
                                     .metadata = k->metadata.v,
                                     .metadata_count = k->metadata.n,
                                     .limits = k->limits};
    return db_append(db, &request, &k->arena, ret_result);
}

void
kit_put(struct db *db, const char *labels, int64_t t_ms, double value)
{
    struct kit_request k;
    kit_request_init(&k);
    kit_row(&k, labels);
    kit_sample(&k, t_ms, value);
    struct append_result result;
    CK_OK(kit_append(&k, db, &result));
    ck_assert_msg(result.fates[SAMPLE_STORED] == 1, "%s at %jd: %.*s", labels, (intmax_t)t_ms,
                  STR_FMT(result.example));
    kit_request_fini(&k);
}

struct db_opts
kit_opts(struct fs *fs, const char *dir)
{
    struct db_opts o = db_opts_default();
    o.fs = fs;
    o.clock = clock_system();
    o.dir = dir;
    o.wal_segment_bytes = 256 << 10;
    return o;
}

struct db_opts
kit_late_opts(struct fs *fs, const char *dir)
{
    struct db_opts o = kit_opts(fs, dir);
    o.ooo_window_ms = 3 * INT64_C(3600000);
    o.ooo_chunk_max = 4;
    return o;
}

struct series_set *
kit_select_all(struct db *db, struct arena *a)
{
    struct matcher *m = ARENA_NEW(a, struct matcher);
    CK_OK(matcher_make(a, MATCH_REGEX, STR("__name__"), STR(".+"), m));
    struct select_query q = {.mint_ms = INT64_MIN, .maxt_ms = INT64_MAX, .want = SELECT_CHUNKS};
    struct series_set *set;
    CK_OK(db_select(db, &q, (struct matchers){m, 1}, a, &set));
    return set;
}

static void
histogram_text(int64_t t_ms, const struct histogram *h, struct buf *to)
{
    buf_printf(to, " %jd=%c ", (intmax_t)t_ms, h->kind == HISTOGRAM_INTEGER ? 'i' : 'f');
    if (histogram_is_stale(h))
        buf_append(to, STR("stale"));
    else if (h->kind == HISTOGRAM_INTEGER)
        buf_printf(to, "%ju/%g", (uintmax_t)h->count, f64_of_bits(h->sum));
    else
        buf_printf(to, "%g/%g", f64_of_bits(h->count), f64_of_bits(h->sum));
}

void
kit_chunk_text(const struct chunk_view *c, int64_t mint_ms, int64_t maxt_ms, struct buf *to)
{
    AUTO(sample_columns_fini) struct sample_columns floats = SAMPLE_COLUMNS_INIT;
    AUTO(histogram_columns_fini) struct histogram_columns histograms = HISTOGRAM_COLUMNS_INIT;
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    if (chunk_holds_histograms(c->encoding))
        CK_OK(chunk_decode_histograms(c, mint_ms, maxt_ms, &a, &histograms));
    else
        CK_OK(chunk_decode_floats(c, mint_ms, maxt_ms, &floats));
    for (size_t i = 0; i < floats.n; i++)
        buf_printf(to, " %jd=%g", (intmax_t)floats.t_ms[i], f64_of_bits(floats.bits[i]));
    for (size_t i = 0; i < histograms.n; i++)
        histogram_text(histograms.t_ms[i], &histograms.values[i], to);
}

const char *
kit_query(struct arena *a, struct db *db, enum matcher_type type, const char *name,
          const char *value, int64_t mint_ms, int64_t maxt_ms)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    struct matcher m;
    CK_OK(matcher_make(a, type, str_of_cstr(name), str_of_cstr(value), &m));
    struct select_query q = {.mint_ms = mint_ms, .maxt_ms = maxt_ms, .want = SELECT_CHUNKS};
    AUTO(series_set_close) struct series_set *set = NULL;
    CK_OK(db_select(db, &q, (struct matchers){&m, 1}, a, &set));
    struct series_view series;
    for (bool more = true;;) {
        CK_OK(series_set_next(set, &series, &more));
        if (!more)
            break;
        labels_format(series.labels, &text);
        buf_put_u8(&text, ':');
        for (size_t i = 0; i < series.chunk_count; i++)
            kit_chunk_text(&series.chunks[i], mint_ms, maxt_ms, &text);
        buf_append(&text, STR("; "));
    }
    return arena_str(a, buf_str(&text)).p;
}

struct delete_result
kit_delete(struct db *db, enum matcher_type type, const char *name, const char *value,
           int64_t mint_ms, int64_t maxt_ms)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct matcher m;
    struct delete_result r;
    CK_OK(matcher_make(&a, type, str_of_cstr(name), str_of_cstr(value), &m));
    CK_OK(db_delete(db, (struct matchers){&m, 1}, mint_ms, maxt_ms, &r));
    return r;
}

const char *
kit_dump(struct arena *a, struct db *db)
{
    return kit_query(a, db, MATCH_REGEX, "__name__", ".+", INT64_MIN, INT64_MAX);
}

const char *
kit_checked_dump(struct arena *a, struct db *db)
{
    CK_OK(db_check(db));
    return kit_dump(a, db);
}

void
kit_assert_dump(struct db *db, const char *want)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    ck_assert_str_eq(kit_checked_dump(&a, db), want);
}

struct db *
kit_open(const struct db_opts *opts)
{
    struct db *db = NULL;
    CK_OK(db_open(opts, &db));
    CK_OK(db_check(db));
    return db;
}

struct db_stats
kit_stats(struct db *db)
{
    struct db_stats s;
    db_stats(db, &s);
    return s;
}
