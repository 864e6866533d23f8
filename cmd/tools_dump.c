/* tools_dump.c - `mneme tools tsdb dump`: every sample, series by series.
 *
 * Line forms are promtool's `tsdb dump` and `dump-openmetrics` (prometheus cmd/promtool/tsdb.go);
 * histograms are printed as Prometheus 3 does (tsdb/model/histogram_text.h): older ones end there.
 * Where we differ: staleness markers are left out of OpenMetrics, as promtool's help says and its
 * code does not, and names that are no legacy names are quoted there. */
#include <stdio.h>

#include "base/bytes.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/numtext.h"
#include "base/quote.h"
#include "cmd/tools.h"
#include "cmd/tools_db.h"
#include "conf/tools_flags.h"
#include "querygw/promql/parse.h"
#include "tsdb/chunk/chunk.h"
#include "tsdb/model/histogram_text.h"

enum { OUT_BYTES = 1 << 16, MATCH_MAX = 1000 };

struct dump {
    const struct tools_dump_flags *flags;
    struct matchers *matchers; /* one a --match; in the command's arena */
    size_t matcher_count;
    void (*put_series)(struct dump *d, struct labels labels); /* what stands before each sample */
    struct err (*put_chunk)(struct dump *d, const struct chunk_view *chunk);
    struct buf front, out;
    struct sample_columns samples; /* of the chunk that is printed, as the next */
    struct histogram_columns histograms;
    struct arena arrays; /* of the histograms */
    uint64_t unprinted;  /* chunks of encodings that cannot be decoded */
};

static void
auto_dump_fini(struct dump *d)
{
    buf_fini(&d->front);
    buf_fini(&d->out);
    sample_columns_fini(&d->samples);
    histogram_columns_fini(&d->histograms);
    arena_fini(&d->arrays);
}

static void
put_number(struct buf *to, uint64_t bits)
{
    char text[NUMTEXT_BYTES_MAX];
    buf_append(to, str_of(text, numtext_g(f64_of_bits(bits), text)));
}

/* --- prom ------------------------------------------------------------------------------------- */

static void
prom_series(struct dump *d, struct labels labels)
{
    labels_format_braces(labels, &d->front);
    buf_put_u8(&d->front, ' ');
}

static struct err
decode(struct dump *d, const struct chunk_view *chunk)
{
    int64_t mint_ms = d->flags->mint_ms, maxt_ms = d->flags->maxt_ms;
    if (!chunk_holds_histograms(chunk->encoding))
        return chunk_decode_floats(chunk, mint_ms, maxt_ms, &d->samples);
    return chunk_decode_histograms(chunk, mint_ms, maxt_ms, &d->arrays, &d->histograms);
}

/* Fills d->samples or d->histograms. Chunks of unknown encodings are counted, and the dump ends as
 * one that is not whole. */
static struct err
read_chunk(struct dump *d, const struct chunk_view *chunk)
{
    d->samples.n = d->histograms.n = 0;
    arena_reset(&d->arrays);
    struct err e = decode(d, chunk);
    if (e.code != ERR_UNIMPLEMENTED)
        return e;
    d->unprinted++;
    err_drop(e);
    return OK;
}

static struct err
prom_chunk(struct dump *d, const struct chunk_view *chunk)
{
    TRY(read_chunk(d, chunk));
    for (size_t i = 0; i < d->samples.n; i++) {
        buf_append(&d->out, buf_str(&d->front));
        put_number(&d->out, d->samples.bits[i]);
        buf_printf(&d->out, " %jd\n", (intmax_t)d->samples.t_ms[i]);
    }
    for (size_t i = 0; i < d->histograms.n; i++) {
        struct histogram h; /* of a schema that readers reduce, as Prometheus' do */
        TRY(histogram_reduce(&d->histograms.values[i], &d->arrays, &h));
        buf_append(&d->out, buf_str(&d->front));
        histogram_format(&h, &d->out);
        buf_printf(&d->out, " %jd\n", (intmax_t)d->histograms.t_ms[i]);
    }
    return OK;
}

/* --- OpenMetrics ------------------------------------------------------------------------------ */

static void
put_name(struct buf *to, struct str name)
{
    if (label_is_legacy_name(name))
        buf_append(to, name);
    else
        quote_text(name, to);
}

static void
openmetrics_series(struct dump *d, struct labels labels)
{
    struct str metric = labels_get(labels, STR(LABEL_METRIC_NAME));
    bool inside = metric.n > 0 && !label_is_legacy_metric_name(metric), first = !inside;
    if (!inside)
        buf_append(&d->front, metric);
    buf_put_u8(&d->front, '{');
    if (inside)
        quote_text(metric, &d->front);
    for (size_t i = 0; i < labels.n; i++) {
        if (str_eq(labels.v[i].name, STR(LABEL_METRIC_NAME)))
            continue;
        if (!first)
            buf_put_u8(&d->front, ',');
        first = false;
        put_name(&d->front, labels.v[i].name);
        buf_put_u8(&d->front, '=');
        quote_text(labels.v[i].value, &d->front);
    }
    buf_append(&d->front, STR("} "));
}

static struct err
openmetrics_chunk(struct dump *d, const struct chunk_view *chunk)
{
    if (chunk_holds_histograms(chunk->encoding))
        return OK; /* they have no such form */
    TRY(read_chunk(d, chunk));
    for (size_t i = 0; i < d->samples.n; i++) {
        if (d->samples.bits[i] == STALE_NAN_BITS)
            continue;
        buf_append(&d->out, buf_str(&d->front));
        put_number(&d->out, d->samples.bits[i]);
        buf_printf(&d->out, " %.3f\n", (double)d->samples.t_ms[i] / 1000);
    }
    return OK;
}

/* --- labels alone ----------------------------------------------------------------------------- */

static void
json_series(struct dump *d, struct labels labels)
{
    struct json_writer w;
    json_init(&w, &d->out, JSON_HTML);
    json_begin_object(&w);
    for (size_t i = 0; i < labels.n; i++) {
        json_key(&w, labels.v[i].name);
        json_str(&w, labels.v[i].value);
    }
    json_end_object(&w);
    buf_put_u8(&d->out, '\n');
}

/* --- the walk over series --------------------------------------------------------------------- */

static struct err
dump_series(struct dump *d, const struct series_view *series)
{
    buf_clear(&d->front);
    d->put_series(d, series->labels);
    for (size_t i = 0; i < series->chunk_count && d->put_chunk; i++) {
        struct err e = d->put_chunk(d, &series->chunks[i]);
        if (e.code != ERR_NONE) {
            AUTO(buf_fini) struct buf name = BUF_INIT;
            labels_format(series->labels, &name);
            return err_wrap(e, "series %s", buf_cstr(&name));
        }
        if (d->out.n >= OUT_BYTES)
            tools_print(&d->out);
    }
    return OK;
}

/* One --match after the other would print series out of order, and twice when two select them:
 * their sets are walked side by side, and of equal series the first is taken. */
struct side {
    struct series_set *set;
    struct series_view series;
    bool more;
};
VEC_TYPE(sides, struct side);

static void
auto_sides_close(struct sides *s)
{
    vec_each (s, side)
        series_set_close(side->set);
    vec_fini(s);
}

static struct err
dump_sides(struct dump *d, struct sides *sides)
{
    vec_each (sides, side)
        TRY(series_set_next(side->set, &side->series, &side->more));
    for (;;) {
        struct side *least = NULL;
        vec_each (sides, side) {
            if (side->more && (!least || labels_cmp(side->series.labels, least->series.labels) < 0))
                least = side;
        }
        if (!least)
            return OK;
        TRY(dump_series(d, &least->series));
        vec_each (sides, side) { /* those equal to it, and it last: its labels are compared */
            if (side != least && side->more && labels_eq(side->series.labels, least->series.labels))
                TRY(series_set_next(side->set, &side->series, &side->more));
        }
        TRY(series_set_next(least->set, &least->series, &least->more));
    }
}

static struct err
dump_database(struct dump *d, const char *dir)
{
    AUTO(tools_db_close) struct tools_db t = TOOLS_DB_INIT;
    TRY(tools_db_open(dir, NULL, 0, &t));
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct select_query q = {.mint_ms = d->flags->mint_ms,
                             .maxt_ms = d->flags->maxt_ms,
                             .want = d->put_chunk ? SELECT_CHUNKS : SELECT_LABELS};
    __attribute__((cleanup(auto_sides_close))) struct sides sides = VEC_INIT;
    for (size_t i = 0; i < d->matcher_count; i++) {
        struct side side = {.more = false};
        TRY(db_select(t.db, &q, d->matchers[i], &a, &side.set));
        vec_push(&sides, side);
    }
    struct err e = dump_sides(d, &sides);
    tools_print(&d->out);
    return e;
}

/* --- the command ------------------------------------------------------------------------------ */

static struct err
parse_matchers(struct dump *d, struct arena *a)
{
    const struct flag_list *match = &d->flags->match;
    if (match->n > MATCH_MAX)
        return ERR(ERR_INVALID, "flag --match: more than %d", MATCH_MAX);
    d->matchers = ARENA_ARRAY(a, struct matchers, match->n);
    for (size_t i = 0; i < match->n; i++)
        TRY_IN(promql_parse_selector(a, match->v[i], &d->matchers[i]), "flag --match");
    d->matcher_count = match->n;
    return OK;
}

static void
choose_format(struct dump *d, struct str name)
{
    d->put_series = prom_series;
    d->put_chunk = prom_chunk;
    if (str_eq(name, STR("openmetrics"))) {
        d->put_series = openmetrics_series;
        d->put_chunk = openmetrics_chunk;
    } else if (str_eq(name, STR("seriesjson"))) {
        d->put_series = json_series;
        d->put_chunk = NULL;
    }
}

struct err
tools_dump_run(const struct command_line *line, enum tool_status *status)
{
    struct tools_dump_flags f = {.mint_ms = 0};
    TRY(flags_parse(line->flags, fs_posix(), line->argc, line->argv, line->first, line->arena, &f));
    __attribute__((cleanup(auto_dump_fini))) struct dump d = {
        .flags = &f,
        .front = BUF_INIT,
        .out = BUF_INIT,
        .samples = SAMPLE_COLUMNS_INIT,
        .histograms = HISTOGRAM_COLUMNS_INIT};
    arena_init(&d.arrays, 0);
    TRY(parse_matchers(&d, line->arena));
    choose_format(&d, f.format);
    AUTO(database_places_fini) struct database_places places = VEC_INIT;
    TRY(database_find(fs_posix(), f.dir.p, f.tenant, &places));
    if (places.n > 1 && d.put_chunk != prom_chunk) /* these forms have no place for a name */
        return ERR(ERR_INVALID, "%s has %zu databases: choose one with --tenant=NAME", f.dir.p,
                   places.n);
    *status = TOOL_FOUND;
    vec_each (&places, place) {
        if (places.n > 1)
            printf("# tenant %s\n", place->tenant);
        TRY(dump_database(&d, place->dir));
    }
    if (str_eq(f.format, STR("openmetrics")))
        printf("# EOF\n");
    if (d.unprinted > 0)
        return ERR(ERR_UNIMPLEMENTED,
                   "%ju chunks are not printed: their kind of samples cannot be read yet",
                   (uintmax_t)d.unprinted);
    *status = TOOL_FINE;
    return OK;
}
