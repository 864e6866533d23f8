/* head_kit.c - small write requests and query answers. */
#include "tests/tsdb/head_kit.h"

#include <stdio.h>

#include "base/bytes.h"

void
kit_request_init(struct kit_request *k)
{
    *k = (struct kit_request){.rows = VEC_INIT, .samples = VEC_INIT};
    arena_init(&k->arena, 0);
}

void
kit_request_fini(struct kit_request *k)
{
    arena_fini(&k->arena);
    vec_fini(&k->rows);
    vec_fini(&k->samples);
}

void
kit_row_raw(struct kit_request *k, struct str key)
{
    struct append_row row = {.label_key = arena_str(&k->arena, key),
                             .first_sample = (uint32_t)k->samples.n};
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

struct err
kit_append(struct kit_request *k, struct db *db, struct append_result *ret_result)
{
    struct append_request request = {.rows = k->rows.v,
                                     .row_count = k->rows.n,
                                     .samples = k->samples.v,
                                     .sample_count = k->samples.n};
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
    struct sample_columns columns = SAMPLE_COLUMNS_INIT;
    struct series_view series;
    for (bool more = true;;) {
        CK_OK(series_set_next(set, &series, &more));
        if (!more)
            break;
        labels_format(series.labels, &text);
        buf_put_u8(&text, ':');
        columns.n = 0;
        for (size_t i = 0; i < series.chunk_count; i++)
            CK_OK(chunk_decode_floats(&series.chunks[i], mint_ms, maxt_ms, &columns));
        for (size_t i = 0; i < columns.n; i++)
            buf_printf(&text, " %jd=%g", (intmax_t)columns.t_ms[i], f64_of_bits(columns.bits[i]));
        buf_append(&text, STR("; "));
    }
    sample_columns_fini(&columns);
    return arena_str(a, buf_str(&text)).p;
}

const char *
kit_dump(struct arena *a, struct db *db)
{
    return kit_query(a, db, MATCH_REGEX, "__name__", ".+", INT64_MIN, INT64_MAX);
}
