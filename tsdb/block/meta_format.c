/* meta_format.c - writes meta.json.
 *
 * Order and omissions are those of Go's encoding of Prometheus' BlockMeta: counts of zero and
 * empty lists are left out, the objects around them are not. */
#include "base/json.h"
#include "base/mem.h"
#include "tsdb/block/meta_int.h"

const struct block_hint_name block_hint_names[] = {
    {STR_INIT("from-out-of-order"), BLOCK_FROM_OUT_OF_ORDER},
    {STR_INIT("from-selected-series"), BLOCK_FROM_SELECTED_SERIES},
    {STR_INIT("from-stale-series"), BLOCK_FROM_STALE_SERIES},
};
const size_t block_hint_name_count = ARRAY_LEN(block_hint_names);

static void
put_ulid(struct json_writer *j, const struct ulid *u)
{
    char text[ULID_TEXT_BYTES];
    ulid_format(u, text);
    json_str(j, str_of(text, sizeof text));
}

static void
put_name_and_times(struct json_writer *j, const struct ulid *u, int64_t mint_ms, int64_t maxt_ms)
{
    json_key(j, STR("ulid"));
    put_ulid(j, u);
    json_key(j, STR("minTime"));
    json_i64(j, mint_ms);
    json_key(j, STR("maxTime"));
    json_i64(j, maxt_ms);
}

static void
put_rest(struct json_writer *j, const struct buf *members)
{
    if (members->n > 0)
        json_raw(j, buf_str(members));
}

static void
put_stats(struct json_writer *j, const struct block_meta *m)
{
    const struct {
        struct str key;
        uint64_t count;
    } rows[] = {{STR_INIT("numSamples"), m->samples},
                {STR_INIT("numFloatSamples"), m->float_samples},
                {STR_INIT("numHistogramSamples"), m->histogram_samples},
                {STR_INIT("numSeries"), m->series},
                {STR_INIT("numChunks"), m->chunks},
                {STR_INIT("numTombstones"), m->deletions}};
    json_key(j, STR("stats"));
    json_begin_object(j);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].count == 0)
            continue;
        json_key(j, rows[i].key);
        json_u64(j, rows[i].count);
    }
    put_rest(j, &m->unknown_stats);
    json_end_object(j);
}

static void
put_flag(struct json_writer *j, struct str key, const bool *flag)
{
    if (!*flag)
        return;
    json_key(j, key);
    json_bool(j, true);
}

static void
put_hints(struct json_writer *j, const struct block_meta *m)
{
    if (m->hints == 0 && m->unknown_hints.n == 0)
        return;
    json_key(j, STR("hints"));
    json_begin_array(j);
    for (size_t i = 0; i < block_hint_name_count; i++) {
        if (m->hints & block_hint_names[i].hint)
            json_str(j, block_hint_names[i].text);
    }
    put_rest(j, &m->unknown_hints);
    json_end_array(j);
}

static void
put_compaction(struct json_writer *j, const struct block_meta *m)
{
    json_key(j, STR("compaction"));
    json_begin_object(j);
    json_key(j, STR("level"));
    json_u64(j, m->level);
    if (m->sources.n > 0) {
        json_key(j, STR("sources"));
        json_begin_array(j);
        for (size_t i = 0; i < m->sources.n; i++)
            put_ulid(j, &m->sources.v[i]);
        json_end_array(j);
    }
    put_flag(j, STR("deletable"), &m->deletable);
    if (m->parents.n > 0) {
        json_key(j, STR("parents"));
        json_begin_array(j);
        for (size_t i = 0; i < m->parents.n; i++) {
            const struct block_parent *p = &m->parents.v[i];
            json_begin_object(j);
            put_name_and_times(j, &p->ulid, p->mint_ms, p->maxt_ms);
            json_end_object(j);
        }
        json_end_array(j);
    }
    put_flag(j, STR("failed"), &m->failed);
    put_hints(j, m);
    put_rest(j, &m->unknown_compaction);
    json_end_object(j);
}

static void
put_meta(struct json_writer *j, const struct block_meta *m)
{
    json_begin_object(j);
    put_name_and_times(j, &m->ulid, m->mint_ms, m->maxt_ms);
    put_stats(j, m);
    put_compaction(j, m);
    json_key(j, STR("version"));
    json_u64(j, BLOCK_META_VERSION);
    put_rest(j, &m->unknown);
    json_end_object(j);
}

void
block_meta_format_line(const struct block_meta *m, struct buf *to)
{
    struct json_writer j;
    struct block_meta known = *m; /* borrows */
    known.unknown = known.unknown_stats = known.unknown_compaction = known.unknown_hints =
        (struct buf)BUF_INIT;
    json_init(&j, to, JSON_HTML);
    put_meta(&j, &known);
}

void
block_meta_format(const struct block_meta *m, struct buf *to)
{
    struct json_writer j;
    json_init_tabs(&j, to, JSON_HTML);
    put_meta(&j, m);
    if (m->line_end)
        buf_put_u8(to, '\n');
}

struct err
block_meta_write(struct fs *fs, const char *dir, const struct block_meta *m)
{
    AUTO(mem_free) char *path = fs_path_below(dir, STR("meta.json"));
    AUTO(buf_fini) struct buf text = BUF_INIT;
    block_meta_format(m, &text);
    return fs_write_file(fs, path, buf_str(&text));
}

struct err
block_meta_mark(struct fs *fs, const char *dir, enum block_mark mark)
{
    AUTO(block_meta_fini) struct block_meta m = {.level = 0};
    TRY(block_meta_load(fs, dir, &m));
    m.failed = m.failed || mark == BLOCK_MARK_FAILED;
    m.deletable = m.deletable || mark == BLOCK_MARK_DELETABLE;
    return block_meta_write(fs, dir, &m);
}
