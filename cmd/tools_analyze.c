/* tools_analyze.c - `mneme tools tsdb analyze`: which labels make up a block, or the head.
 *
 * Lines are those of promtool 3 (prometheus cmd/promtool/tsdb.go); of equal amounts the order is
 * by name here and none there. Series of a block are taken from its index as they stand, deleted
 * samples included, as promtool takes them; those of the head as a server would read them. */
#include <stdio.h>

#include "base/mem.h"
#include "cmd/tools.h"
#include "cmd/tools_db.h"
#include "cmd/tools_text.h"
#include "conf/tools_flags.h"
#include "querygw/promql/parse.h"
#include "tsdb/block/segment.h"
#include "tsdb/index/index_reader.h"
#include "tsdb/inspect/label_stats.h"
#include "tsdb/model/ranks.h"

struct analysis {
    const struct tools_analyze_flags *flags;
    struct matchers matchers; /* none: every series */
    const char *id;           /* of the block, or "head" */
    int64_t mint_ms, maxt_ms; /* of the block; of the samples in the head */
    uint64_t series_total;    /* with those that do not match */
    struct label_stats stats;
    uint64_t chunks;
    struct distribution float_samples, float_bytes, histogram_samples, histogram_bytes;
    struct distribution all_samples;
    struct buf text;
};

static void
analysis_init(struct analysis *a, const struct tools_analyze_flags *flags, struct matchers m)
{
    *a = (struct analysis){
        .flags = flags, .matchers = m, .mint_ms = INT64_MAX, .maxt_ms = INT64_MIN};
    label_stats_init(&a->stats);
}

static void
auto_analysis_fini(struct analysis *a)
{
    label_stats_fini(&a->stats);
    distribution_fini(&a->float_samples);
    distribution_fini(&a->float_bytes);
    distribution_fini(&a->histogram_samples);
    distribution_fini(&a->histogram_bytes);
    distribution_fini(&a->all_samples);
    buf_fini(&a->text);
}

static struct err
add_chunk(struct analysis *a, const struct chunk_view *chunk)
{
    bool is_float = chunk->encoding == CHUNK_XOR || chunk->encoding == CHUNK_XOR2;
    size_t samples;
    TRY(chunk_sample_count(chunk, &samples));
    a->chunks++;
    distribution_add(&a->all_samples, samples);
    distribution_add(is_float ? &a->float_samples : &a->histogram_samples, samples);
    distribution_add(is_float ? &a->float_bytes : &a->histogram_bytes, chunk->data.n);
    return OK;
}

/* --- a block ---------------------------------------------------------------------------------- */

struct open_block {
    struct fs_map map;
    bool mapped;
    struct index_reader *index;
    struct segments *segments; /* NULL unless --extended */
};

static void
auto_open_block_close(struct open_block *b)
{
    index_reader_close(b->index);
    segments_close(b->segments);
    if (b->mapped)
        fs_unmap(fs_posix(), &b->map);
}

static struct err
open_block(struct open_block *b, const char *dir, const struct analysis *a)
{
    AUTO(buf_fini) struct buf path = BUF_INIT;
    buf_printf(&path, "%s/index", dir);
    TRY(fs_map(fs_posix(), buf_cstr(&path), &b->map));
    b->mapped = true;
    TRY(index_reader_open(b->map.bytes, &b->index));
    buf_clear(&path);
    buf_printf(&path, "%s/chunks", dir);
    return a->flags->extended ? segments_open(fs_posix(), buf_cstr(&path), &b->segments) : OK;
}

static struct err
add_indexed(struct analysis *a, const struct open_block *b, uint32_t id, struct arena *row)
{
    struct index_series s;
    arena_reset(row);
    TRY(index_reader_series(b->index, id, row, &s));
    if (s.chunk_count == 0)
        return OK;
    label_stats_add(&a->stats, s.labels, s.chunks[0].mint_ms, s.chunks[s.chunk_count - 1].maxt_ms);
    for (size_t i = 0; i < s.chunk_count && b->segments; i++) {
        struct chunk_view view = {.mint_ms = s.chunks[i].mint_ms, .maxt_ms = s.chunks[i].maxt_ms};
        TRY(segments_fetch(b->segments, s.chunks[i].ref, &view));
        TRY(add_chunk(a, &view));
    }
    return OK;
}

static struct err
analyze_block(struct analysis *a, const char *dir, const struct database_block *block)
{
    __attribute__((cleanup(auto_open_block_close))) struct open_block b = {.mapped = false};
    char *path = fs_path_below(dir, str_of_cstr(block->name));
    struct err e = open_block(&b, path, a);
    mem_free(path);
    TRY_IN(e, "block %s", block->name);
    AUTO(arena_fini) struct arena lists, row;
    arena_init(&lists, 0);
    arena_init(&row, 0);
    const struct postings_source *source = index_reader_postings(b.index);
    struct postings found;
    if (a->matchers.n > 0)
        TRY_IN(postings_match(source, a->matchers, &lists, &found), "block %s", block->name);
    else
        TRY_IN(source->ops->all(source, &lists, &found), "block %s", block->name);
    for (size_t i = 0; i < found.n; i++)
        TRY_IN(add_indexed(a, &b, found.v[i], &row), "block %s", block->name);
    a->id = block->name;
    a->mint_ms = block->meta.mint_ms;
    a->maxt_ms = block->meta.maxt_ms;
    a->series_total = block->meta.series;
    return OK;
}

/* --- the head --------------------------------------------------------------------------------- */

static struct err
add_set(struct analysis *a, struct series_set *set)
{
    for (;;) {
        struct series_view s;
        bool more;
        TRY(series_set_next(set, &s, &more));
        if (!more)
            return OK;
        if (s.chunk_count == 0)
            continue;
        int64_t mint_ms = s.chunks[0].mint_ms, maxt_ms = s.chunks[0].maxt_ms;
        for (size_t i = 0; i < s.chunk_count; i++) {
            maxt_ms = i64_max(maxt_ms, s.chunks[i].maxt_ms);
            if (a->flags->extended)
                TRY(add_chunk(a, &s.chunks[i]));
        }
        label_stats_add(&a->stats, s.labels, mint_ms, maxt_ms);
        a->mint_ms = i64_min(a->mint_ms, mint_ms);
        a->maxt_ms = i64_max(a->maxt_ms, maxt_ms);
    }
}

/* Blocks of late samples lie over the time of the head: they are hidden, and of the others it is
 * known where they end, which is where the head begins. */
static struct err
analyze_head(struct analysis *a, const char *dir, struct database *d)
{
    AUTO(tools_db_close) struct tools_db t = TOOLS_DB_INIT;
    AUTO(arena_fini) struct arena lists;
    arena_init(&lists, 0);
    struct str *hidden = ARENA_ARRAY(&lists, struct str, d->blocks.n);
    size_t hidden_count = 0;
    struct select_query q = {.mint_ms = INT64_MIN, .maxt_ms = INT64_MAX, .want = SELECT_CHUNKS};
    vec_each (&d->blocks, block) {
        if (block->meta.hints != 0)
            hidden[hidden_count++] = str_of_cstr(block->name);
        else if (block->unreadable.code == ERR_NONE)
            q.mint_ms = i64_max(q.mint_ms, block->meta.maxt_ms);
    }
    TRY(tools_db_open(dir, hidden, hidden_count, &t));
    struct matcher every;
    TRY(matcher_make(&lists, MATCH_REGEX, STR(LABEL_METRIC_NAME), STR(".*"), &every));
    struct db_stats stats;
    db_stats(t.db, &stats);
    AUTO(series_set_close) struct series_set *set = NULL;
    TRY(db_select(t.db, &q, a->matchers.n > 0 ? a->matchers : (struct matchers){&every, 1}, &lists,
                  &set));
    TRY(add_set(a, set));
    a->id = "head";
    a->series_total = stats.series;
    if (a->stats.series == 0)
        a->mint_ms = a->maxt_ms = 0;
    return OK;
}

/* --- output ----------------------------------------------------------------------------------- */

enum rank_by { BY_CHURN, BY_SERIES, BY_VALUES, BY_VALUE_BYTES };

static uint64_t
amount_of(const struct analysis *a, const struct label_stat *stat, enum rank_by by)
{
    switch (by) {
    case BY_CHURN:
        return label_stat_churn(stat, (uint64_t)a->maxt_ms - (uint64_t)a->mint_ms);
    case BY_SERIES:
        return stat->series;
    case BY_VALUES:
        return stat->values;
    case BY_VALUE_BYTES:
        break;
    }
    return stat->value_bytes;
}

/* `prefix` is left out of the keys, and keys without it are. */
static void
put_ranks(struct analysis *a, const char *title, const struct map *in, enum rank_by by,
          struct str prefix)
{
    AUTO(ranks_fini) struct ranks ranks = RANKS_INIT(a->flags->limit);
    struct map_entry e = MAP_START;
    while (map_next(in, &e)) {
        if (str_starts_with(e.key, prefix))
            ranks_add(&ranks, (struct rank){.name = str_skip(e.key, prefix.n),
                                            .amount = amount_of(a, e.value, by)});
    }
    ranks_sort(&ranks);
    buf_printf(&a->text, "\n%s:\n", title);
    vec_each (&ranks.kept, rank)
        buf_printf(&a->text, "%ju %.*s\n", (uintmax_t)rank->amount, STR_FMT(rank->name));
    tools_print(&a->text);
}

static void
put_front(struct analysis *a)
{
    struct buf *to = &a->text;
    buf_printf(to, "Block ID: %s\nDuration: ", a->id);
    text_put_duration(to, (int64_t)((uint64_t)a->maxt_ms - (uint64_t)a->mint_ms));
    buf_printf(to, "\nTotal Series: %ju\n", (uintmax_t)a->series_total);
    if (a->matchers.n > 0)
        buf_printf(to, "Matcher: %.*s\n", STR_FMT(a->flags->match));
    buf_printf(to, "Label names: %zu\n", a->stats.names.count);
    if (a->matchers.n > 0)
        buf_printf(to, "Matched series: %ju\n", (uintmax_t)a->stats.series);
    buf_printf(to, "Postings (unique label pairs): %zu\n", a->stats.pairs.count);
    buf_printf(to, "Postings entries (total label pairs): %ju\n", (uintmax_t)a->stats.entries);
}

static void
put_chunks(struct analysis *a)
{
    struct buf *to = &a->text;
    buf_append(to, STR("\nCompaction analysis:\n"));
    distribution_format_fullness(&a->all_samples, a->chunks, to);
    buf_put_u8(to, '\n');
    distribution_format(&a->float_samples, "samples per float chunk", a->chunks, to);
    distribution_format(&a->float_bytes, "bytes per float chunk", a->chunks, to);
    distribution_format(&a->histogram_samples, "samples per histogram chunk", a->chunks, to);
    distribution_format(&a->histogram_bytes, "bytes per histogram chunk", a->chunks, to);
    tools_print(to);
}

static void
put_analysis(struct analysis *a)
{
    const struct str all = STR("");
    const struct map *pairs = &a->stats.pairs, *names = &a->stats.names;
    put_front(a);
    put_ranks(a, "Label pairs most involved in churning", pairs, BY_CHURN, all);
    put_ranks(a, "Label names most involved in churning", names, BY_CHURN, all);
    put_ranks(a, "Most common label pairs", pairs, BY_SERIES, all);
    put_ranks(a, "Label names with highest cumulative label value length", names, BY_VALUE_BYTES,
              all);
    put_ranks(a, "Highest cardinality labels", names, BY_VALUES, all);
    put_ranks(a, "Highest cardinality metric names", pairs, BY_SERIES, STR(LABEL_METRIC_NAME "="));
    if (a->flags->extended)
        put_chunks(a);
}

/* --- the command ------------------------------------------------------------------------------ */

/* The block that is asked for; NULL for the head, which is also what there is without blocks. */
static struct err
choose_block(struct str id, const char *dir, struct database *d, struct database_block **ret_block)
{
    *ret_block = NULL;
    if (str_eq(id, STR("head")) || (id.n == 0 && d->blocks.n == 0))
        return OK;
    *ret_block = id.n == 0 ? vec_last(&d->blocks) : NULL;
    vec_each (&d->blocks, block) {
        if (str_eq(id, str_of_cstr(block->name)))
            *ret_block = block;
    }
    if (!*ret_block)
        return ERR(ERR_NOT_FOUND, "%s: no block %.*s", dir, STR_FMT(id));
    struct err *e = &(*ret_block)->unreadable;
    return e->code == ERR_NONE ? OK : ERR(e->code, "block %s: %s", (*ret_block)->name, err_text(e));
}

static struct err
analyze_database(const struct tools_analyze_flags *flags, struct matchers matchers, const char *dir)
{
    AUTO(database_fini) struct database d = DATABASE_INIT;
    __attribute__((cleanup(auto_analysis_fini))) struct analysis a;
    struct database_block *block;
    analysis_init(&a, flags, matchers);
    TRY(database_scan(fs_posix(), dir, &d));
    TRY(choose_block(flags->block, dir, &d, &block));
    TRY(block ? analyze_block(&a, dir, block) : analyze_head(&a, dir, &d));
    put_analysis(&a);
    return OK;
}

struct err
tools_analyze_run(const struct command_line *line, enum tool_status *status)
{
    struct tools_analyze_flags f = {.limit = 0};
    struct matchers matchers = {NULL, 0};
    TRY(flags_parse(line->flags, fs_posix(), line->argc, line->argv, line->first, line->arena, &f));
    if (f.match.n > 0)
        TRY_IN(promql_parse_selector(line->arena, f.match, &matchers), "flag --match");
    AUTO(database_places_fini) struct database_places places = VEC_INIT;
    TRY(database_find(fs_posix(), f.dir.p, f.tenant, &places));
    *status = TOOL_FOUND;
    for (size_t i = 0; i < places.n; i++) {
        tools_print_tenant(&places.v[i], i);
        TRY(analyze_database(&f, matchers, places.v[i].dir));
    }
    *status = TOOL_FINE;
    return OK;
}
