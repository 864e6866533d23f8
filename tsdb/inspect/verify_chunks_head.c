/* verify_chunks_head.c - the files of the head's finished chunks. */
#include "base/bytes.h"
#include "base/mem.h"
#include "tsdb/head/head_chunks_scan.h"
#include "tsdb/inspect/verify_int.h"

enum { NAME_DIGITS = 6, OFFSET_BITS = 32 };

struct chunks_check {
    struct verify *v;
    struct ref_table ends; /* a series' newest maxt_ms: word_of_time() */
    struct verify_file *file;
    uint64_t at;  /* behind the last chunk that was visited */
    bool is_last; /* file of the directory */
    unsigned unknown;
};

/* A time as a word in the order of times; never 0, for 0 says that there is none. */
static uint64_t
word_of_time(int64_t t_ms)
{
    uint64_t word = (uint64_t)t_ms ^ UINT64_C(1) << 63;
    return word == UINT64_MAX ? word : word + 1; /* the last two milliseconds all fall together */
}

static struct err
check_order(struct chunks_check *c, const struct head_chunk_info *info, uint64_t offset)
{
    uint64_t *end;
    TRY(ref_table_at(&c->ends, info->series_ref, &end));
    uint64_t mint = word_of_time(info->chunk.mint_ms), maxt = word_of_time(info->chunk.maxt_ms);
    if (*end != 0 && mint <= *end)
        TRY(broken(c->file, RULE_H5, offset,
                   "series %ju: chunk from %jd begins before the one in front ended",
                   (uintmax_t)info->series_ref, (intmax_t)info->chunk.mint_ms));
    *end = u64_max(*end, maxt);
    return OK;
}

static struct err
check_chunk(void *arg, const struct head_chunk_info *info)
{
    struct chunks_check *c = arg;
    const struct chunk_view *chunk = &info->chunk;
    uint64_t offset = info->ref & UINT32_MAX;
    size_t samples;
    bool known;
    c->at = offset + 1;
    struct err e = verify_chunk(chunk->encoding, chunk->data, chunk->mint_ms, chunk->maxt_ms,
                                &samples, &known);
    if (e.code == ERR_CORRUPT)
        e = broken_by(c->file, RULE_V9, offset, e);
    TRY(e);
    if (!known)
        c->unknown = chunk->encoding;
    return info->out_of_order ? OK : check_order(c, info, offset);
}

static bool
is_zero_from(struct str image, size_t at)
{
    for (; at < image.n; at++) {
        if (image.p[at] != 0)
            return false;
    }
    return true;
}

/* A chunk that was being written: the file ends inside it, or what its last bytes would be is
 * still the zeros of a file that was made longer in advance. */
static bool
is_torn(struct str image, uint64_t offset)
{
    struct reader r = reader_of(str_skip(image, offset));
    (void)reader_bytes(&r, HEAD_CHUNK_FRONT_BYTES);
    (void)reader_bytes(&r, reader_uvarint(&r));
    (void)reader_be32(&r);
    if (r.code != ERR_NONE)
        return true;
    return is_zero_from(image, offset + reader_offset(&r) - HEAD_CHUNK_CRC_BYTES);
}

/* The offset of the chunk behind the one visited last: the scan stopped there. */
static uint64_t
fault_offset(const struct chunks_check *c, struct str image)
{
    if (c->at == 0)
        return HEAD_CHUNKS_HEADER_BYTES;
    struct reader r = reader_of(str_skip(image, c->at - 1));
    (void)reader_bytes(&r, HEAD_CHUNK_FRONT_BYTES);
    (void)reader_bytes(&r, reader_uvarint(&r));
    (void)reader_be32(&r);
    return c->at - 1 + reader_offset(&r);
}

static struct err
check_bytes(struct chunks_check *c, uint32_t number)
{
    struct str image = c->file->map.bytes;
    bool headless = image.n < sizeof(uint32_t) || load_be32(image.p) == 0;
    if (headless && c->is_last) {
        told(c->file, 0, "has no header: its writer stopped as it made the file");
        return OK;
    }
    if (image.n < HEAD_CHUNKS_HEADER_BYTES || load_be32(image.p) != HEAD_CHUNKS_MAGIC ||
        (uint8_t)image.p[sizeof(uint32_t)] != HEAD_CHUNKS_VERSION)
        return broken_end(c->file, RULE_V15, 0, "not a head chunk file of version %d",
                          HEAD_CHUNKS_VERSION);
    struct err e = head_chunks_scan(image, number, check_chunk, c);
    if (e.code != ERR_CORRUPT)
        return e;
    uint64_t offset = fault_offset(c, image);
    if (!c->is_last || !is_torn(image, offset))
        return broken_by(c->file, RULE_V16, offset, e);
    told(c->file, offset, "last chunk is torn: its writer stopped, or is writing it");
    err_drop(e);
    return OK;
}

static struct err
check_file(struct chunks_check *c, uint32_t number)
{
    AUTO(verify_file_fini) struct verify_file f;
    verify_file_init(&f, c->v, "chunks_head/%0*u", NAME_DIGITS, number);
    c->file = &f;
    c->at = 0;
    struct err e = verify_file_map(&f);
    if (e.code == ERR_NONE)
        e = check_bytes(c, number);
    return verify_file_end(&f, e, RULE_V16);
}

VEC_TYPE(numbers, uint32_t);

static struct err
check_files(struct chunks_check *c, struct verify_file *dir, const struct numbers *numbers)
{
    for (size_t i = 0; i < numbers->n; i++) {
        uint32_t number = numbers->v[i];
        c->is_last = i + 1 == numbers->n;
        if (i > 0 && number != numbers->v[i - 1] + 1)
            TRY(verify_file_end(dir,
                                broken(dir, RULE_V15, FINDING_NO_OFFSET, "file %0*u is missing",
                                       NAME_DIGITS, numbers->v[i - 1] + 1),
                                RULE_V15));
        TRY(check_file(c, number));
    }
    if (c->unknown != 0)
        told(dir, FINDING_NO_OFFSET, "chunks of encoding %u are not looked into", c->unknown);
    return OK;
}

/* Names of equal length ascend as their numbers do, and the list is sorted by name. */
static void
find_numbers(struct fs_list *entries, struct numbers *to)
{
    vec_each (entries, entry) {
        uint64_t number;
        struct err e = str_parse_u64(str_of_cstr(entry->name), &number);
        bool is = e.code == ERR_NONE && entry->kind == FS_FILE && number <= UINT32_MAX;
        err_drop(e);
        if (is)
            vec_push(to, (uint32_t)number);
    }
}

struct err
verify_chunks_head(struct verify *v)
{
    AUTO(fs_list_fini) struct fs_list entries = VEC_INIT;
    AUTO(verify_file_fini) struct verify_file dir;
    verify_file_init(&dir, v, "chunks_head");
    TRY(fs_missing_is_fine(fs_list_dir(v->fs, dir.path, &entries)));
    struct numbers numbers = VEC_INIT;
    struct chunks_check c = {.v = v};
    ref_table_init(&c.ends);
    find_numbers(&entries, &numbers);
    struct err e = check_files(&c, &dir, &numbers);
    ref_table_fini(&c.ends);
    vec_fini(&numbers);
    return e;
}
