/* verify_block.c - one block: meta.json, chunk files, index, deletions, and that they agree. */
#include "base/bytes.h"
#include "base/mem.h"
#include "tsdb/block/segment.h"
#include "tsdb/block/tombstones.h"
#include "tsdb/index/index_reader.h"
#include "tsdb/inspect/verify_int.h"

VEC_TYPE(verify_files, struct verify_file);

struct block_check {
    struct verify *v;
    const struct database_block *block;
    struct verify_file meta, index;
    struct verify_files chunks; /* mapped */
    uint64_t series, chunk_count, samples;
    uint64_t last_ref; /* of the chunk before, 0 at first */
    bool chunks_whole; /* all chunk files could be mapped and had a header */
    unsigned unknown;  /* encoding that could not be looked into, 0: none */
};

/* --- one chunk -------------------------------------------------------------------------------- */

struct err
verify_chunk(unsigned encoding, struct str data, int64_t mint_ms, int64_t maxt_ms,
             size_t *ret_samples, bool *ret_known)
{
    struct chunk_view view = {mint_ms, maxt_ms, (enum chunk_encoding)encoding, data};
    *ret_known = encoding >= CHUNK_XOR && encoding <= CHUNK_FLOAT_HISTOGRAM_ST;
    *ret_samples = 0;
    if (!*ret_known)
        return OK;
    TRY(chunk_sample_count(&view, ret_samples));
    if (*ret_samples == 0)
        return ERR(ERR_CORRUPT, "chunk without samples");
    int64_t first_ms, last_ms;
    TRY(chunk_check(view.encoding, data, &first_ms, &last_ms));
    if (first_ms != mint_ms || last_ms != maxt_ms)
        return ERR(ERR_CORRUPT, "samples from %jd to %jd, but the chunk is said to have %jd to %jd",
                   (intmax_t)first_ms, (intmax_t)last_ms, (intmax_t)mint_ms, (intmax_t)maxt_ms);
    return OK;
}

/* Bytes of the chunk: what is wrong is told of its file, and the walk over the index goes on. */
static struct err
check_chunk_bytes(struct block_check *b, uint32_t id, const struct index_chunk *c)
{
    struct verify_file *f = vec_at(&b->chunks, c->ref >> 32);
    struct chunk_view view = {.mint_ms = c->mint_ms, .maxt_ms = c->maxt_ms};
    uint64_t offset = c->ref & UINT32_MAX, end;
    struct err e = segment_chunk(f->map.bytes, offset, &view, &end);
    if (e.code == ERR_CORRUPT)
        return broken_by(f, RULE_V8, offset, err_wrap(e, "series %u", id));
    TRY(e);
    size_t samples;
    bool known;
    e = verify_chunk(view.encoding, view.data, c->mint_ms, c->maxt_ms, &samples, &known);
    if (e.code == ERR_CORRUPT)
        return broken_by(f, RULE_V9, offset, err_wrap(e, "series %u", id));
    TRY(e);
    b->samples += samples;
    if (!known)
        b->unknown = view.encoding;
    return OK;
}

static struct err
check_chunk(struct block_check *b, uint32_t id, uint64_t at, const struct index_chunk *c)
{
    const struct block_meta *m = &b->block->meta;
    bool meta_known = b->block->unreadable.code == ERR_NONE;
    if (meta_known && (c->mint_ms < m->mint_ms || c->maxt_ms >= m->maxt_ms))
        TRY(broken(&b->index, RULE_V10, at,
                   "series %u: chunk from %jd to %jd leaves the block's range %jd to %jd", id,
                   (intmax_t)c->mint_ms, (intmax_t)c->maxt_ms, (intmax_t)m->mint_ms,
                   (intmax_t)m->maxt_ms));
    if (b->chunk_count > 0 && c->ref == b->last_ref)
        TRY(broken(&b->index, RULE_V8, at, "series %u: chunk %jx is named twice", id,
                   (uintmax_t)c->ref));
    b->last_ref = c->ref;
    b->chunk_count++;
    if (c->ref >> 32 < b->chunks.n) {
        struct err e = check_chunk_bytes(b, id, c);
        if (e.code != ERR_CANCELED)
            return e;
        err_drop(e);
        return OK;
    }
    return b->chunks_whole
               ? broken(&b->index, RULE_V8, at, "series %u: chunk %jx in a file that is not there",
                        id, (uintmax_t)c->ref)
               : OK;
}

static struct err
check_series(void *arg, uint32_t id, uint64_t at, const struct index_series *s)
{
    struct block_check *b = arg;
    b->series++;
    if (s->chunk_count == 0)
        TRY(broken(&b->index, RULE_V8, at, "series %u has no chunk", id));
    for (size_t i = 0; i < s->chunk_count; i++) {
        const struct index_chunk *c = &s->chunks[i], *before = i > 0 ? c - 1 : NULL;
        if (before && before->mint_ms == c->mint_ms && before->maxt_ms == c->maxt_ms)
            TRY(broken(&b->index, RULE_B2, at, "series %u: two chunks from %jd to %jd", id,
                       (intmax_t)c->mint_ms, (intmax_t)c->maxt_ms));
        else if (before && c->mint_ms <= before->maxt_ms)
            TRY(broken(&b->index, RULE_B2, at,
                       "series %u: chunk from %jd begins before the one in front ends at %jd", id,
                       (intmax_t)c->mint_ms, (intmax_t)before->maxt_ms));
        TRY(check_chunk(b, id, at, c));
    }
    return OK;
}

/* --- files ------------------------------------------------------------------------------------ */

static struct err
check_meta(struct block_check *b)
{
    const struct database_block *block = b->block;
    struct ulid named;
    if (block->unreadable.code != ERR_NONE)
        return broken(&b->meta, RULE_V5, FINDING_NO_OFFSET, "%s", err_text(&block->unreadable));
    TRY(ulid_parse(str_of_cstr(block->name), &named));
    if (ulid_cmp(&named, &block->meta.ulid) != 0)
        TRY(broken(&b->meta, RULE_V5, FINDING_NO_OFFSET, "names another block than its directory"));
    return OK;
}

static struct err
check_chunk_file(struct block_check *b, const char *name)
{
    struct verify_file f;
    verify_file_init(&f, b->v, "%s/chunks/%s", b->block->name, name);
    f.absence = ABSENCE_IS_BROKEN;
    struct err e = verify_file_map(&f);
    if (e.code == ERR_NONE) {
        vec_push(&b->chunks, f);
        e = segment_check_header(f.map.bytes);
        return verify_file_end(vec_last(&b->chunks), e, RULE_V7);
    }
    b->chunks_whole = false;
    e = verify_file_end(&f, e, RULE_V7);
    verify_file_fini(&f);
    return e;
}

/* 000001, 000002, ...: a missing one would shift what the index calls the following ones. */
static struct err
check_chunk_files(struct block_check *b)
{
    AUTO(fs_list_fini) struct fs_list names = VEC_INIT;
    AUTO(verify_file_fini) struct verify_file dir;
    verify_file_init(&dir, b->v, "%s/chunks", b->block->name);
    dir.absence = ABSENCE_IS_BROKEN;
    struct err e = fs_list_dir(b->v->fs, dir.path, &names);
    b->chunks_whole = e.code == ERR_NONE;
    if (e.code != ERR_NONE)
        return verify_file_end(&dir, e, RULE_V7);
    uint64_t expected = 1;
    vec_each (&names, entry) {
        uint64_t number;
        struct err other = str_parse_u64(str_of_cstr(entry->name), &number);
        bool is_number = other.code == ERR_NONE && entry->kind == FS_FILE;
        err_drop(other);
        if (!is_number)
            continue;
        if (number != expected)
            TRY(verify_file_end(&dir,
                                broken(&dir, RULE_V7, FINDING_NO_OFFSET, "file %06ju is missing",
                                       (uintmax_t)expected),
                                RULE_V7));
        expected = number + 1;
        TRY(check_chunk_file(b, entry->name));
    }
    return OK;
}

static struct err
check_tombstones(struct block_check *b, struct verify_file *f, struct str ids)
{
    AUTO(buf_fini) struct buf image = BUF_INIT;
    AUTO(tombstones_fini) struct tombstones t = TOMBSTONES_INIT;
    struct err e = fs_read_file(b->v->fs, f->path, TOMBSTONES_BYTES_MAX, &image);
    if (e.code == ERR_NOT_FOUND) { /* nothing was deleted */
        err_drop(e);
        return OK;
    }
    TRY(e);
    TRY(tombstones_parse(buf_str(&image), &t));
    vec_each (&t.series, series) {
        if (ids.n > 0 && !verify_ids_have(ids, series->id))
            TRY(broken(f, RULE_V11, FINDING_NO_OFFSET,
                       "deletes from series %ju, which is not there", (uintmax_t)series->id));
    }
    return OK;
}

/* What meta.json counts; only when everything could be counted. */
static struct err
check_counts(struct block_check *b)
{
    const struct block_meta *m = &b->block->meta;
    if (b->unknown != 0)
        told(&b->index, FINDING_NO_OFFSET, "chunks of encoding %u are not looked into", b->unknown);
    bool samples_differ = b->unknown == 0 && b->samples != m->samples;
    if (b->series == m->series && b->chunk_count == m->chunks && !samples_differ)
        return OK;
    return broken(&b->meta, RULE_V6, FINDING_NO_OFFSET,
                  "counts %ju series, %ju chunks, %ju samples; found %ju, %ju, %ju",
                  (uintmax_t)m->series, (uintmax_t)m->chunks, (uintmax_t)m->samples,
                  (uintmax_t)b->series, (uintmax_t)b->chunk_count, (uintmax_t)b->samples);
}

static struct err
check_block(struct block_check *b)
{
    AUTO(verify_file_fini) struct verify_file tombstones;
    verify_file_init(&tombstones, b->v, "%s/tombstones", b->block->name);
    struct str ids = STR("");
    TRY(verify_file_end(&b->meta, check_meta(b), RULE_V5));
    TRY(check_chunk_files(b));
    uint64_t broken_before = b->v->broken;
    struct err e = verify_file_map(&b->index);
    if (e.code == ERR_NONE)
        e = verify_index(&b->index, &(struct index_visitor){check_series, b}, &ids);
    bool counted = e.code == ERR_NONE && b->v->broken == broken_before && b->chunks_whole &&
                   b->block->unreadable.code == ERR_NONE;
    TRY(verify_file_end(&b->index, e, RULE_V1));
    TRY(verify_file_end(&tombstones, check_tombstones(b, &tombstones, ids), RULE_V11));
    return counted ? verify_file_end(&b->meta, check_counts(b), RULE_V6) : OK;
}

struct err
verify_block(struct verify *v, const struct database_block *block)
{
    struct block_check b = {.v = v, .block = block, .chunks = VEC_INIT};
    verify_file_init(&b.meta, v, "%s/meta.json", block->name);
    verify_file_init(&b.index, v, "%s/index", block->name);
    b.index.absence = ABSENCE_IS_BROKEN;
    struct err e = check_block(&b);
    vec_each (&b.chunks, f)
        verify_file_fini(f);
    vec_fini(&b.chunks);
    verify_file_fini(&b.index);
    verify_file_fini(&b.meta);
    return e;
}
