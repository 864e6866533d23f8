/* segment.c - maps chunk files and hands out verified chunks. */
#include "tsdb/block/segment.h"

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/mem.h"

struct segment {
    struct fs_map map;
};

struct segments {
    struct fs *fs; /* borrowed for life */
    char *dir;     /* owned */
    VEC(struct segment) files;
};

struct err
segment_check_header(struct str image)
{
    struct reader r = reader_of(image);
    uint32_t magic = reader_be32(&r);
    uint8_t version = reader_u8(&r);
    reader_bytes(&r, SEGMENT_HEADER_BYTES - 5);
    if (r.code != ERR_NONE || magic != SEGMENT_MAGIC)
        return ERR(ERR_CORRUPT, "not a chunk file");
    if (version != SEGMENT_VERSION)
        return ERR(ERR_UNIMPLEMENTED, "chunk file of version %u", version);
    return OK;
}

struct err
segment_chunk(struct str image, uint64_t offset, struct chunk_view *chunk, uint64_t *ret_end)
{
    if (offset < SEGMENT_HEADER_BYTES || offset >= image.n)
        return ERR(ERR_CORRUPT, "no chunk at %ju: the file has %zu bytes", (uintmax_t)offset,
                   image.n);
    struct reader r = reader_of(str_skip(image, offset));
    uint64_t bytes = reader_uvarint(&r);
    struct str covered = {(const char *)r.p, 0};
    uint8_t encoding = reader_u8(&r);
    struct str data = reader_bytes(&r, bytes);
    covered.n = data.n + 1;
    uint32_t crc = reader_be32(&r);
    if (r.code != ERR_NONE)
        return ERR(ERR_CORRUPT, "chunk at %ju is cut off", (uintmax_t)offset);
    if (crc != crc32c(covered))
        return ERR(ERR_CORRUPT, "chunk at %ju has another checksum", (uintmax_t)offset);
    chunk->encoding = (enum chunk_encoding)encoding;
    chunk->data = data;
    *ret_end = offset + reader_offset(&r);
    return OK;
}

static bool
is_number(const char *name)
{
    return name[0] != '\0' && strspn(name, "0123456789") == strlen(name);
}

static struct err
add_file(struct segments *s, const char *name)
{
    if (s->files.n >= SEGMENTS_MAX)
        return ERR(ERR_LIMIT, "more than %d files", SEGMENTS_MAX);
    AUTO(buf_fini) struct buf path = BUF_INIT;
    buf_printf(&path, "%s/%s", s->dir, name);
    struct segment file;
    TRY(fs_map(s->fs, buf_cstr(&path), &file.map));
    vec_push(&s->files, file); /* from here on segments_close() unmaps it */
    TRY_IN(segment_check_header(file.map.bytes), "%s", buf_cstr(&path));
    return OK;
}

struct err
segments_open(struct fs *fs, const char *dir, struct segments **ret_segments)
{
    AUTO(fs_list_fini) struct fs_list names = VEC_INIT;
    TRY(fs_list_dir(fs, dir, &names));
    AUTO(segments_close) struct segments *s = mem_alloc_zero(sizeof *s);
    s->fs = fs;
    s->dir = mem_dup_text(dir, strlen(dir));
    vec_each (&names, name) {
        if (name->kind == FS_FILE && is_number(name->name))
            TRY(add_file(s, name->name));
    }
    *ret_segments = TAKE(s);
    return OK;
}

void
segments_close(struct segments *s)
{
    if (!s)
        return;
    vec_each (&s->files, file)
        fs_unmap(s->fs, &file->map);
    vec_fini(&s->files);
    mem_free(s->dir);
    mem_free(s);
}

struct err
segments_fetch(const struct segments *s, uint64_t ref, struct chunk_view *chunk)
{
    uint64_t file = ref >> 32, end;
    if (file >= s->files.n)
        return ERR(ERR_CORRUPT, "%s: no file %ju, there are %zu", s->dir, (uintmax_t)file,
                   s->files.n);
    TRY_IN(segment_chunk(s->files.v[file].map.bytes, ref & UINT32_MAX, chunk, &end),
           "%s: file %ju", s->dir, (uintmax_t)file + 1);
    return OK;
}
