/* head_chunks.c - files of finished chunks: append, map, scan, heal.
 *
 * A file that is written is mapped at its full size from the start, so chunks become readable
 * as soon as their bytes are in the kernel and never move. After a failed write the file is cut
 * back to what was flushed and left; the next write starts a new one.
 * Format: README.md. Damage: everything from the first bad chunk on is deleted, last file first,
 * so that no crash leaves a gap. */
#include "tsdb/head/head_chunks.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/segarray.h"
#include "base/sort.h"
#include "tsdb/chunk/histogram_chunk.h"
#include "tsdb/head/head_chunks_scan.h"

enum {
    FLUSH_BYTES = 1 << 20, /* waiting bytes that are written without being asked */
    FILES_MAX = 1 << 20,
};

/* One file; by number - first_number in a segarray. */
struct mapped_file {
    _Atomic(const char *) bytes; /* pairs with the acquire in head_chunks_data() */
    struct fs_map map;           /* may be longer than the file */
    uint64_t file_bytes;
};

struct head_chunks {
    struct fs *fs;
    char *dir;
    struct segarray files;
    uint32_t first_number;        /* of the file at the start of `files` */
    uint32_t unmapped, forgotten; /* at the start of `files`: so many; unmapped <= forgotten */
    _Atomic(uint32_t) file_count; /* those included; readers only check against it */
    _Atomic(uint64_t) total_bytes;

    /* the writer's */
    struct file *out; /* NULL: the next chunk starts a new file */
    uint64_t flushed_bytes;
    head_chunk_ref readable_end; /* behind the newest flushed chunk */
    bool last_synced;            /* the last file is on the disk */
    struct buf waiting;
};

static struct mapped_file *
file_at(const struct head_chunks *h, uint32_t number)
{
    ASSERT(number - h->first_number < h->file_count);
    return segarray_at(&h->files, number - h->first_number);
}

static void
file_name(const struct head_chunks *h, uint32_t number, struct buf *path)
{
    buf_clear(path);
    buf_printf(path, "%s/%06u", h->dir, number);
}

/* --- reading ---------------------------------------------------------------------------------- */

static struct err
scan_file(const struct head_chunks *h, uint32_t number, head_chunks_visit visit, void *arg)
{
    return head_chunks_scan(file_at(h, number)->map.bytes, number, visit, arg);
}

struct str
head_chunks_data(const struct head_chunks *h, head_chunk_ref ref)
{
    const struct mapped_file *f = file_at(h, (uint32_t)(ref >> 32));
    const char *bytes = atomic_load_explicit(&f->bytes, memory_order_acquire);
    /* Checked when it was scanned, or written by this process: lengths are sound. */
    struct reader r = reader_of(
        str_of(bytes + (ref & UINT32_MAX) + HEAD_CHUNK_FRONT_BYTES, HEAD_CHUNKS_FILE_BYTES_MAX));
    return reader_ustr(&r);
}

/* --- opening and healing ---------------------------------------------------------------------- */

static struct err
map_file(struct head_chunks *h, uint32_t number, size_t reserve_bytes)
{
    AUTO(buf_fini) struct buf path = BUF_INIT;
    file_name(h, number, &path);
    segarray_ensure(&h->files, h->file_count);
    struct mapped_file *f = segarray_at(&h->files, h->file_count);
    TRY(fs_map_reserve(h->fs, buf_cstr(&path), reserve_bytes, &f->map));
    atomic_store_explicit(&f->bytes, f->map.bytes.p, memory_order_release);
    h->file_count++;
    return OK;
}

static void
unmap(struct head_chunks *h, uint32_t i)
{
    struct mapped_file *f = segarray_at(&h->files, i);
    atomic_store_explicit(&f->bytes, NULL, memory_order_relaxed);
    fs_unmap(h->fs, &f->map);
}

static void
unmap_last(struct head_chunks *h)
{
    unmap(h, --h->file_count);
}

static struct err
remove_last(struct head_chunks *h)
{
    AUTO(buf_fini) struct buf path = BUF_INIT;
    file_name(h, h->first_number + h->file_count - 1, &path);
    unmap_last(h);
    return fs_remove_file(h->fs, buf_cstr(&path));
}

VEC_TYPE(numbers, uint32_t);

static struct err
list_numbers(const struct head_chunks *h, struct numbers *to)
{
    AUTO(fs_list_fini) struct fs_list entries = VEC_INIT;
    TRY(fs_list_dir(h->fs, h->dir, &entries));
    vec_each (&entries, entry) {
        uint64_t number;
        struct err e = str_parse_u64(str_of_cstr(entry->name), &number);
        bool ours = e.code == ERR_NONE && entry->kind == FS_FILE && number <= UINT32_MAX;
        err_drop(e); /* other names are not ours */
        if (ours)
            vec_push(to, (uint32_t)number);
    }
    u32_sort(to->v, to->n);
    return OK;
}

/* Deletes the files numbers[from..), last first. */
static struct err
remove_numbers(struct head_chunks *h, const struct numbers *numbers, size_t from)
{
    AUTO(buf_fini) struct buf path = BUF_INIT;
    for (size_t i = numbers->n; i-- > from;) {
        file_name(h, numbers->v[i], &path);
        TRY(fs_remove_file(h->fs, buf_cstr(&path)));
    }
    return OK;
}

/* Maps the files up to the first gap in their numbers; those behind it cannot be trusted. */
static struct err
map_all(struct head_chunks *h, head_chunks_visit visit, void *arg, struct err *lost)
{
    struct numbers numbers = VEC_INIT;
    struct err e = list_numbers(h, &numbers);
    size_t good = 0;
    while (good < numbers.n && numbers.v[good] - numbers.v[0] == good)
        good++;
    if (e.code == ERR_NONE && good < numbers.n) {
        *lost = ERR(ERR_CORRUPT, "head chunk file %06u is missing", numbers.v[good - 1] + 1);
        e = visit(arg, NULL);
        if (e.code == ERR_NONE)
            e = remove_numbers(h, &numbers, good);
    }
    h->first_number = numbers.n > 0 ? numbers.v[0] : 1;
    for (size_t i = 0; e.code == ERR_NONE && i < good; i++)
        e = map_file(h, numbers.v[i], 0);
    vec_fini(&numbers);
    return e;
}

/* A crash between creating a file and writing its header leaves one without: no damage. */
static struct err
drop_headless_last(struct head_chunks *h)
{
    if (h->file_count == 0)
        return OK;
    struct str bytes = file_at(h, h->first_number + h->file_count - 1)->map.bytes;
    if (bytes.n >= sizeof(uint32_t) && load_be32(bytes.p) != 0)
        return OK;
    return remove_last(h);
}

/* Visits all; *ret_damaged is the first file that is not wholly good, with *lost saying why. */
static struct err
scan_all(struct head_chunks *h, head_chunks_visit visit, void *arg, struct err *lost,
         uint32_t *ret_damaged, bool *ret_found)
{
    *ret_found = false;
    for (uint32_t i = 0; i < h->file_count; i++) {
        struct err e = scan_file(h, h->first_number + i, visit, arg);
        if (e.code == ERR_CORRUPT) {
            err_drop(*lost);
            *lost = e;
            *ret_damaged = h->first_number + i;
            *ret_found = true;
            return OK;
        }
        TRY(e);
    }
    return OK;
}

static struct err
scan_and_heal(struct head_chunks *h, head_chunks_visit visit, void *arg, struct err *lost)
{
    for (;;) { /* ends: each round deletes a file */
        uint32_t damaged;
        bool found;
        TRY(scan_all(h, visit, arg, lost, &damaged, &found));
        if (!found)
            return OK;
        TRY(visit(arg, NULL));
        while (h->file_count > 0 && h->first_number + h->file_count > damaged)
            TRY(remove_last(h));
    }
}

struct err
head_chunks_open(struct fs *fs, const char *dir, head_chunks_visit visit, void *arg,
                 struct err *ret_lost, struct head_chunks **ret_chunks)
{
    AUTO(head_chunks_close) struct head_chunks *h = mem_alloc_zero(sizeof *h);
    h->fs = fs;
    h->dir = mem_dup_text(dir, strlen(dir));
    segarray_init(&h->files, sizeof(struct mapped_file), _Alignof(struct mapped_file));
    TRY(fs_make_dirs(fs, dir));
    struct err lost = OK;
    struct err e = map_all(h, visit, arg, &lost);
    if (e.code == ERR_NONE)
        e = drop_headless_last(h);
    if (e.code == ERR_NONE)
        e = scan_and_heal(h, visit, arg, &lost);
    if (e.code != ERR_NONE) {
        err_drop(lost);
        return e;
    }
    for (uint32_t i = 0; i < h->file_count; i++) {
        struct mapped_file *f = file_at(h, h->first_number + i);
        f->file_bytes = f->map.bytes.n;
        h->total_bytes += f->file_bytes;
    }
    *ret_lost = lost;
    *ret_chunks = TAKE(h);
    return OK;
}

void
head_chunks_close(struct head_chunks *h)
{
    if (!h)
        return;
    file_close(h->out);
    while (h->file_count > h->unmapped)
        unmap_last(h);
    segarray_fini(&h->files);
    buf_fini(&h->waiting);
    mem_free(h->dir);
    mem_free(h);
}

/* --- writing ---------------------------------------------------------------------------------- */

/* A file that a crash or a failed write has ended was never synced. It must be whole before
 * another is begun: a power cut that shortens it would leave no trace, and the log's samples of
 * the lost chunks are taken for known when a later file has newer ones. */
static struct err
sync_last(const struct head_chunks *h)
{
    if (h->file_count == h->forgotten || h->last_synced)
        return OK;
    AUTO(buf_fini) struct buf path = BUF_INIT;
    AUTO(file_close) struct file *f = NULL;
    file_name(h, h->first_number + h->file_count - 1, &path);
    TRY(fs_open(h->fs, buf_cstr(&path), FS_WRITE_KEEP, &f));
    return file_sync(f);
}

static struct err
start_file(struct head_chunks *h)
{
    AUTO(buf_fini) struct buf path = BUF_INIT;
    if (h->file_count >= FILES_MAX)
        return ERR(ERR_LIMIT, "%s: %u files, limit %d", h->dir, h->file_count, FILES_MAX);
    TRY(sync_last(h));
    uint32_t number = h->first_number + h->file_count;
    file_name(h, number, &path);
    AUTO(file_close) struct file *f = NULL;
    TRY(fs_open(h->fs, buf_cstr(&path), FS_WRITE_OVER, &f));
    TRY(map_file(h, number, HEAD_CHUNKS_FILE_BYTES_MAX));
    h->out = TAKE(f);
    h->last_synced = false;
    h->flushed_bytes = 0;
    buf_clear(&h->waiting);
    buf_put_be32(&h->waiting, HEAD_CHUNKS_MAGIC);
    buf_put_u8(&h->waiting, HEAD_CHUNKS_VERSION);
    buf_append(&h->waiting, STR("\0\0\0"));
    return OK;
}

/* After a failed write: nobody knows what reached the file, so it ends where it was sound. */
static void
give_up_file(struct head_chunks *h)
{
    err_drop(file_truncate(h->out, h->flushed_bytes)); /* if not: a damaged tail, healed on open */
    file_close(TAKE(h->out));
    buf_clear(&h->waiting);
    if (h->flushed_bytes == 0)
        err_drop(remove_last(h)); /* not even a header: its number is free again */
}

struct err
head_chunks_flush(struct head_chunks *h)
{
    if (!h->out || h->waiting.n == 0)
        return OK;
    struct err e = file_write_at(h->out, h->flushed_bytes, buf_str(&h->waiting));
    if (e.code != ERR_NONE) {
        give_up_file(h);
        return e;
    }
    h->flushed_bytes += h->waiting.n;
    h->readable_end = (uint64_t)(h->first_number + h->file_count - 1) << 32 | h->flushed_bytes;
    file_at(h, h->first_number + h->file_count - 1)->file_bytes = h->flushed_bytes;
    atomic_fetch_add_explicit(&h->total_bytes, h->waiting.n, memory_order_relaxed);
    buf_clear(&h->waiting);
    return OK;
}

bool
head_chunks_readable(const struct head_chunks *h, head_chunk_ref ref)
{
    return ref < h->readable_end;
}

struct err
head_chunks_finish(struct head_chunks *h)
{
    if (!h->out)
        return OK;
    TRY(head_chunks_flush(h));
    struct err e = file_sync(h->out);
    h->last_synced = e.code == ERR_NONE;
    file_close(TAKE(h->out));
    return e;
}

struct err
head_chunks_sync(struct head_chunks *h)
{
    TRY(head_chunks_finish(h));
    TRY(sync_last(h));
    h->last_synced = true;
    return fs_sync_dir(h->fs, h->dir);
}

/* `flags` go into the byte of the encoding. */
static struct err
write_chunk(struct head_chunks *h, uint64_t series_ref, const struct chunk_view *chunk,
            unsigned flags, head_chunk_ref *ret_ref)
{
    ASSERT(chunk->data.n <= HISTOGRAM_CHUNK_BYTES_MAX);
    ASSERT(series_ref != 0); /* zeros mark the end of a file */
    size_t frame =
        HEAD_CHUNK_FRONT_BYTES + UVARINT_BYTES_MAX + chunk->data.n + HEAD_CHUNK_CRC_BYTES;
    if (h->out && h->flushed_bytes + h->waiting.n + frame > HEAD_CHUNKS_FILE_BYTES_MAX)
        TRY(head_chunks_finish(h));
    if (!h->out)
        TRY(start_file(h));

    size_t start = h->waiting.n;
    uint32_t number = h->first_number + h->file_count - 1;
    *ret_ref = (uint64_t)number << 32 | (h->flushed_bytes + start);
    buf_put_be64(&h->waiting, series_ref);
    buf_put_be64(&h->waiting, (uint64_t)chunk->mint_ms);
    buf_put_be64(&h->waiting, (uint64_t)chunk->maxt_ms);
    buf_put_u8(&h->waiting, (uint8_t)((unsigned)chunk->encoding | flags));
    buf_put_ustr(&h->waiting, chunk->data);
    buf_put_be32(&h->waiting, crc32c(str_skip(buf_str(&h->waiting), start)));
    return h->waiting.n >= FLUSH_BYTES ? head_chunks_flush(h) : OK;
}

struct err
head_chunks_write(struct head_chunks *h, uint64_t series_ref, const struct chunk_view *chunk,
                  head_chunk_ref *ret_ref)
{
    return write_chunk(h, series_ref, chunk, 0, ret_ref);
}

struct err
head_chunks_write_late(struct head_chunks *h, uint64_t series_ref, const struct chunk_view *chunk,
                       head_chunk_ref *ret_ref)
{
    return write_chunk(h, series_ref, chunk, HEAD_CHUNK_LATE_BIT, ret_ref);
}

/* --- forgetting ------------------------------------------------------------------------------- */

/* The current file is ended, so that the next pass can delete it: chunks that are in it now are
 * as old as each other. */
struct err
head_chunks_forget(struct head_chunks *h, uint32_t first)
{
    AUTO(buf_fini) struct buf path = BUF_INIT;
    TRY(head_chunks_finish(h));
    while (h->forgotten < h->file_count && h->first_number + h->forgotten < first) {
        uint32_t number = h->first_number + h->forgotten;
        file_name(h, number, &path);
        TRY(fs_remove_file(h->fs, buf_cstr(&path)));
        atomic_fetch_sub_explicit(&h->total_bytes, file_at(h, number)->file_bytes,
                                  memory_order_relaxed);
        h->forgotten++;
    }
    return OK;
}

void
head_chunks_unmap_forgotten(struct head_chunks *h)
{
    while (h->unmapped < h->forgotten)
        unmap(h, h->unmapped++);
}

uint64_t
head_chunks_bytes(const struct head_chunks *h)
{
    return atomic_load_explicit(&h->total_bytes, memory_order_relaxed);
}
