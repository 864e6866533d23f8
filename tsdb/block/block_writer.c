/* block_writer.c - chunk files, index and meta.json of a new block. */
#include "tsdb/block/block_writer.h"

#include <stdio.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/json.h"
#include "base/mem.h"
#include "tsdb/block/segment.h"
#include "tsdb/block/tombstones.h"
#include "tsdb/index/file_writer.h"
#include "tsdb/index/index_writer.h"

struct writing {
    const struct block_writer_opts *o;
    char ulid[ULID_TEXT_BYTES + 1];
    struct buf dir; /* <ULID>.tmp-for-creation */
    struct file_writer segment;
    uint32_t segment_count;
    struct index_writer *index;
    VEC(struct index_chunk) chunks; /* of one series */
    uint64_t series, samples, chunk_count;
};

static void
auto_writing_fini(struct writing *w)
{
    file_writer_close(&w->segment);
    index_writer_close(w->index);
    buf_fini(&w->dir);
    vec_fini(&w->chunks);
}

static const char *
path_of(struct writing *w, struct buf *path, const char *name)
{
    buf_clear(path);
    buf_printf(path, "%s/%s", buf_cstr(&w->dir), name);
    return buf_cstr(path);
}

/* --- chunks ----------------------------------------------------------------------------------- */

static struct err
end_segment(struct writing *w)
{
    if (!w->segment.file)
        return OK;
    TRY(file_writer_finish(&w->segment));
    file_writer_close(&w->segment);
    return OK;
}

static struct err
begin_segment(struct writing *w)
{
    TRY(end_segment(w));
    if (w->segment_count >= SEGMENTS_MAX)
        return ERR(ERR_LIMIT, "more than %d chunk files", SEGMENTS_MAX);
    AUTO(buf_fini) struct buf path = BUF_INIT;
    char name[32];
    snprintf(name, sizeof name, "chunks/%06u", ++w->segment_count);
    TRY(file_writer_open(w->o->fs, path_of(w, &path, name), &w->segment));
    buf_put_be32(&w->segment.pending, SEGMENT_MAGIC);
    buf_put_u8(&w->segment.pending, SEGMENT_VERSION);
    buf_append(&w->segment.pending, STR("\0\0\0"));
    return OK;
}

static struct err
put_chunk(struct writing *w, const struct chunk_view *c)
{
    uint64_t limit = w->o->segment_bytes ? w->o->segment_bytes : BLOCK_SEGMENT_BYTES_MAX;
    uint64_t room = c->data.n + UVARINT_BYTES_MAX + 1 + sizeof(uint32_t);
    if (!w->segment.file || file_writer_at(&w->segment) + room > limit)
        TRY(begin_segment(w));
    if (c->mint_ms < w->o->mint_ms || c->maxt_ms >= w->o->maxt_ms)
        return ERR(ERR_INVALID, "chunk %jd to %jd leaves the block", (intmax_t)c->mint_ms,
                   (intmax_t)c->maxt_ms);
    size_t samples;
    TRY(chunk_sample_count(c, &samples));
    struct index_chunk at = {.mint_ms = c->mint_ms,
                             .maxt_ms = c->maxt_ms,
                             .ref = (uint64_t)(w->segment_count - 1) << 32 |
                                    file_writer_at(&w->segment)};
    struct buf *to = &w->segment.pending;
    buf_put_uvarint(to, c->data.n);
    size_t covered = to->n;
    buf_put_u8(to, (uint8_t)c->encoding);
    buf_append(to, c->data);
    buf_put_be32(to, crc32c(str_skip(buf_str(to), covered)));
    vec_push(&w->chunks, at);
    w->samples += samples;
    return file_writer_flush_full(&w->segment);
}

static struct err
put_series(struct writing *w, const struct series_view *s)
{
    vec_clear(&w->chunks);
    for (size_t i = 0; i < s->chunk_count; i++)
        TRY(put_chunk(w, &s->chunks[i]));
    if (w->chunks.n == 0)
        return OK;
    w->series++;
    w->chunk_count += w->chunks.n;
    return index_writer_add(w->index, s->labels, w->chunks.v, w->chunks.n);
}

/* --- the rest --------------------------------------------------------------------------------- */

static void
put_number(struct json_writer *j, struct str key, uint64_t value)
{
    json_key(j, key);
    json_u64(j, value);
}

static void
format_meta(const struct writing *w, struct buf *to)
{
    struct str ulid = str_of(w->ulid, ULID_TEXT_BYTES);
    struct json_writer j;
    json_init(&j, to, JSON_PLAIN);
    json_begin_object(&j);
    json_key(&j, STR("ulid"));
    json_str(&j, ulid);
    json_key(&j, STR("minTime"));
    json_i64(&j, w->o->mint_ms);
    json_key(&j, STR("maxTime"));
    json_i64(&j, w->o->maxt_ms);
    json_key(&j, STR("stats"));
    json_begin_object(&j);
    put_number(&j, STR("numSamples"), w->samples);
    put_number(&j, STR("numSeries"), w->series);
    put_number(&j, STR("numChunks"), w->chunk_count);
    json_end_object(&j);
    json_key(&j, STR("compaction"));
    json_begin_object(&j);
    put_number(&j, STR("level"), 1);
    json_key(&j, STR("sources"));
    json_begin_array(&j);
    json_str(&j, ulid);
    json_end_array(&j);
    json_end_object(&j);
    put_number(&j, STR("version"), BLOCK_META_VERSION);
    json_end_object(&j);
}

static struct err
write_small_files(struct writing *w)
{
    AUTO(buf_fini) struct buf path = BUF_INIT, meta = BUF_INIT, tombstones = BUF_INIT;
    format_meta(w, &meta);
    TRY(fs_write_file(w->o->fs, path_of(w, &path, "meta.json"), buf_str(&meta)));
    buf_put_be32(&tombstones, TOMBSTONES_MAGIC);
    buf_put_u8(&tombstones, TOMBSTONES_VERSION);
    buf_put_be32(&tombstones, crc32c(STR("")));
    return fs_write_file(w->o->fs, path_of(w, &path, "tombstones"), buf_str(&tombstones));
}

static struct err
publish(struct writing *w)
{
    AUTO(buf_fini) struct buf path = BUF_INIT;
    TRY(fs_sync_dir(w->o->fs, path_of(w, &path, "chunks")));
    TRY(fs_sync_dir(w->o->fs, buf_cstr(&w->dir)));
    buf_clear(&path);
    buf_printf(&path, "%s/%s", w->o->dir, w->ulid);
    TRY(fs_rename(w->o->fs, buf_cstr(&w->dir), buf_cstr(&path)));
    return fs_sync_dir(w->o->fs, w->o->dir);
}

static struct err
write_all(struct writing *w, struct series_set *set)
{
    AUTO(buf_fini) struct buf path = BUF_INIT;
    TRY(fs_remove_tree(w->o->fs, buf_cstr(&w->dir)));
    TRY(fs_make_dirs(w->o->fs, path_of(w, &path, "chunks")));
    struct series_view s;
    for (bool more;;) {
        TRY(series_set_next(set, &s, &more));
        if (!more)
            break;
        TRY(put_series(w, &s));
    }
    TRY(end_segment(w));
    if (w->series == 0)
        return fs_remove_tree(w->o->fs, buf_cstr(&w->dir));
    TRY(index_writer_finish(w->index, w->o->fs, path_of(w, &path, "index")));
    TRY(write_small_files(w));
    return publish(w);
}

struct err
block_write(const struct block_writer_opts *o, struct series_set *set, bool *ret_empty)
{
    __attribute__((cleanup(auto_writing_fini))) struct writing w = {
        .o = o, .dir = BUF_INIT, .segment = FILE_WRITER_INIT, .chunks = VEC_INIT};
    ulid_format(&o->ulid, w.ulid);
    buf_printf(&w.dir, "%s/%s.tmp-for-creation", o->dir, w.ulid);
    w.index = index_writer_open();
    struct err e = write_all(&w, set);
    if (e.code != ERR_NONE) { /* best effort: the next opening removes what is left */
        err_drop(fs_remove_tree(o->fs, buf_cstr(&w.dir)));
        AUTO(mem_free) char *published = fs_path_below(o->dir, str_of(w.ulid, ULID_TEXT_BYTES));
        err_drop(fs_remove_tree(o->fs, published)); /* renamed, but not for sure */
        return err_wrap(e, "new block %s", w.ulid);
    }
    *ret_empty = w.series == 0;
    return OK;
}
