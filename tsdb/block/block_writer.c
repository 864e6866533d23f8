/* block_writer.c - chunk files, index and meta.json of a new block. */
#include "tsdb/block/block_writer.h"

#include <stdio.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "tsdb/block/block_delete.h"
#include "tsdb/block/segment.h"
#include "tsdb/block/tombstones.h"
#include "tsdb/index/file_writer.h"

enum { CRC_BYTES = 4 };

enum state { WRITING, FAILED, PUBLISHED };

struct block_writer {
    struct block_writer_opts o;
    struct block_meta meta; /* counts grow */
    char ulid[ULID_TEXT_BYTES + 1];
    char *tmp_dir; /* <ULID>.tmp-for-creation; owned */
    enum state state;
    struct file_writer segment;
    uint32_t segment_count;
    struct index_writer *index;
    VEC(struct index_chunk) chunks; /* of the series that has not ended yet */
};

static char *
path_of(const struct block_writer *w, const char *name)
{
    return fs_path_below(w->tmp_dir, str_of_cstr(name));
}

/* --- opening ---------------------------------------------------------------------------------- */

static void
fill_meta(const struct block_writer_opts *o, struct block_meta *m)
{
    m->ulid = o->ulid;
    m->mint_ms = o->mint_ms;
    m->maxt_ms = o->maxt_ms;
    m->level = o->level > 0 ? o->level : 1;
    m->hints = o->hints;
    for (size_t i = 0; i < o->source_count; i++)
        vec_push(&m->sources, o->sources[i]);
    if (o->source_count == 0)
        vec_push(&m->sources, o->ulid);
    for (size_t i = 0; i < o->parent_count; i++)
        vec_push(&m->parents, o->parents[i]);
    if (o->base) {
        struct block_parent p = {o->base->ulid, o->base->mint_ms, o->base->maxt_ms};
        vec_push(&m->parents, p);
        m->hints |= o->base->hints;
    }
}

static struct err
make_dirs(const struct block_writer *w)
{
    AUTO(mem_free) char *chunks = path_of(w, "chunks");
    TRY(fs_remove_tree(w->o.fs, w->tmp_dir));
    return fs_make_dirs(w->o.fs, chunks);
}

struct err
block_writer_open(const struct block_writer_opts *o, struct block_writer **ret_writer)
{
    AUTO(block_writer_close) struct block_writer *w = mem_alloc_zero(sizeof *w);
    AUTO(buf_fini) struct buf path = BUF_INIT;
    w->o = *o;
    ulid_format(&o->ulid, w->ulid);
    buf_printf(&path, "%s/%s.tmp-for-creation", o->dir, w->ulid);
    w->tmp_dir = mem_dup_text(path.p, path.n);
    w->index = index_writer_open();
    if (o->borrows_labels)
        index_writer_borrow(w->index);
    fill_meta(o, &w->meta);
    TRY_IN(make_dirs(w), "new block %s", w->ulid);
    *ret_writer = TAKE(w);
    return OK;
}

void
block_writer_close(struct block_writer *w)
{
    if (!w)
        return;
    file_writer_close(&w->segment);
    index_writer_close(w->index);
    if (w->state != PUBLISHED) /* best effort: the next opening removes what is left */
        err_drop(fs_remove_tree(w->o.fs, w->tmp_dir));
    block_meta_fini(&w->meta);
    vec_fini(&w->chunks);
    mem_free(w->tmp_dir);
    mem_free(w);
}

/* The result of a step: after a failure nothing more is done. */
static struct err
step(struct block_writer *w, struct err e)
{
    if (e.code == ERR_NONE)
        return e;
    w->state = FAILED;
    return err_wrap(e, "new block %s", w->ulid);
}

/* --- chunks ----------------------------------------------------------------------------------- */

static struct err
end_segment(struct block_writer *w)
{
    if (!w->segment.file)
        return OK;
    TRY(file_writer_finish(&w->segment));
    file_writer_close(&w->segment);
    return OK;
}

static struct err
begin_segment(struct block_writer *w)
{
    TRY(end_segment(w));
    if (w->segment_count >= SEGMENTS_MAX)
        return ERR(ERR_LIMIT, "more than %d chunk files", SEGMENTS_MAX);
    char name[32];
    snprintf(name, sizeof name, "chunks/%06u", ++w->segment_count);
    AUTO(mem_free) char *path = path_of(w, name);
    TRY(file_writer_open(w->o.fs, path, &w->segment));
    buf_put_be32(&w->segment.pending, SEGMENT_MAGIC);
    buf_put_u8(&w->segment.pending, SEGMENT_VERSION);
    buf_append(&w->segment.pending, STR("\0\0\0"));
    return OK;
}

static struct err
count_samples(struct block_writer *w, const struct chunk_view *c)
{
    size_t samples;
    TRY(chunk_sample_count(c, &samples));
    bool floats = c->encoding == CHUNK_XOR || c->encoding == CHUNK_XOR2;
    w->meta.samples += samples;
    *(floats ? &w->meta.float_samples : &w->meta.histogram_samples) += samples;
    return OK;
}

static void
span_chunk(struct block_meta *m, const struct chunk_view *c)
{
    int64_t behind_ms = c->maxt_ms == INT64_MAX ? INT64_MAX : c->maxt_ms + 1;
    bool first = m->samples == 0;
    m->mint_ms = first ? c->mint_ms : i64_min(m->mint_ms, c->mint_ms);
    m->maxt_ms = first ? behind_ms : i64_max(m->maxt_ms, behind_ms);
}

/* Everything but the bytes: there is room for them afterwards. */
static struct err
begin_chunk(struct block_writer *w, const struct chunk_view *c)
{
    ASSERT(w->state == WRITING);
    uint64_t limit = w->o.segment_bytes ? w->o.segment_bytes : BLOCK_SEGMENT_BYTES_MAX;
    uint64_t room = c->data.n + UVARINT_BYTES_MAX + 1 + CRC_BYTES;
    if (!w->segment.file || file_writer_at(&w->segment) + room > limit)
        TRY(begin_segment(w));
    if (w->o.span_of_chunks)
        span_chunk(&w->meta, c);
    else if (c->mint_ms < w->o.mint_ms || c->maxt_ms >= w->o.maxt_ms)
        return ERR(ERR_INVALID, "chunk %jd to %jd leaves the block", (intmax_t)c->mint_ms,
                   (intmax_t)c->maxt_ms);
    TRY(count_samples(w, c));
    struct index_chunk at = {.mint_ms = c->mint_ms,
                             .maxt_ms = c->maxt_ms,
                             .ref = (uint64_t)(w->segment_count - 1) << 32 |
                                    file_writer_at(&w->segment)};
    vec_push(&w->chunks, at);
    buf_reserve(&w->segment.pending, room);
    buf_put_uvarint(&w->segment.pending, c->data.n);
    return OK;
}

static struct err
put_chunk(struct block_writer *w, const struct chunk_view *c)
{
    TRY(begin_chunk(w, c));
    struct buf *to = &w->segment.pending;
    size_t covered = to->n;
    buf_put_u8(to, (uint8_t)c->encoding);
    buf_append(to, c->data);
    buf_put_be32(to, crc32c(str_skip(buf_str(to), covered)));
    return file_writer_flush_full(&w->segment);
}

static struct err
put_framed_chunk(struct block_writer *w, const struct chunk_view *c)
{
    TRY(begin_chunk(w, c));
    ASSERT((uint8_t)c->data.p[-1] == (uint8_t)c->encoding);
    buf_append(&w->segment.pending, str_of(c->data.p - 1, c->data.n + 1 + CRC_BYTES));
    return file_writer_flush_full(&w->segment);
}

struct err
block_writer_chunk(struct block_writer *w, const struct chunk_view *c)
{
    return step(w, put_chunk(w, c));
}

struct err
block_writer_framed_chunk(struct block_writer *w, const struct chunk_view *c)
{
    return step(w, put_framed_chunk(w, c));
}

/* --- series ----------------------------------------------------------------------------------- */

/* After the index has taken the series, or has not. */
static struct err
end_series(struct block_writer *w, struct err added)
{
    w->meta.series++;
    w->meta.chunks += w->chunks.n;
    vec_clear(&w->chunks);
    return step(w, added);
}

struct err
block_writer_series(struct block_writer *w, struct labels labels)
{
    ASSERT(w->state == WRITING);
    if (w->chunks.n == 0)
        return OK;
    return end_series(w, index_writer_add(w->index, labels, w->chunks.v, w->chunks.n));
}

void
block_writer_symbols(struct block_writer *w, const struct str *sorted, size_t count)
{
    index_writer_symbols(w->index, sorted, count);
}

struct err
block_writer_series_numbered(struct block_writer *w, const struct index_pair *pairs, size_t count)
{
    ASSERT(w->state == WRITING);
    if (w->chunks.n == 0)
        return OK;
    return end_series(
        w, index_writer_add_numbered(w->index, pairs, count, w->chunks.v, w->chunks.n));
}

/* --- the end ---------------------------------------------------------------------------------- */

static struct err
write_index(struct block_writer *w)
{
    AUTO(mem_free) char *path = path_of(w, "index");
    return index_writer_finish(w->index, w->o.fs, path);
}

/* The block gets its name; a directory that could not be synced afterwards is taken back, for
 * the caller would write it again. */
static struct err
publish(struct block_writer *w)
{
    AUTO(mem_free) char *chunks = path_of(w, "chunks");
    AUTO(mem_free) char *final = fs_path_below(w->o.dir, str_of_cstr(w->ulid));
    TRY(fs_sync_dir(w->o.fs, chunks));
    TRY(fs_sync_dir(w->o.fs, w->tmp_dir));
    TRY(fs_rename(w->o.fs, w->tmp_dir, final));
    struct err e = fs_sync_dir(w->o.fs, w->o.dir);
    if (e.code != ERR_NONE)
        err_drop(block_delete(w->o.fs, w->o.dir, &w->o.ulid));
    return e;
}

static struct err
finish(struct block_writer *w)
{
    const struct tombstones none = TOMBSTONES_INIT;
    TRY(end_segment(w));
    if (w->meta.series == 0)
        return fs_remove_tree(w->o.fs, w->tmp_dir);
    TRY(write_index(w));
    TRY(block_meta_write(w->o.fs, w->tmp_dir, &w->meta));
    TRY(tombstones_write(w->o.fs, w->tmp_dir, &none));
    return publish(w);
}

struct err
block_writer_finish(struct block_writer *w, bool *ret_empty)
{
    ASSERT(w->state == WRITING && w->chunks.n == 0); /* the last series has ended */
    TRY(step(w, finish(w)));
    w->state = PUBLISHED;
    *ret_empty = w->meta.series == 0;
    return OK;
}

struct err
block_write(const struct block_writer_opts *o, struct series_set *set, bool *ret_empty)
{
    AUTO(block_writer_close) struct block_writer *w = NULL;
    TRY(block_writer_open(o, &w));
    struct series_view s;
    for (bool more;;) {
        TRY(step(w, series_set_next(set, &s, &more)));
        if (!more)
            return block_writer_finish(w, ret_empty);
        for (size_t i = 0; i < s.chunk_count; i++)
            TRY(block_writer_chunk(w, &s.chunks[i]));
        TRY(block_writer_series(w, s.labels));
    }
}
