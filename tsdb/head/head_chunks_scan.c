/* head_chunks_scan.c - from the bytes of one file to its chunks. Format: README.md. */
#include "tsdb/head/head_chunks_scan.h"

#include "base/bytes.h"
#include "base/crc32c.h"

enum { CHUNK_FRAME_BYTES_MIN = 34 }; /* Prometheus' least room for another chunk */

static bool
all_zero(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != 0)
            return false;
    }
    return true;
}

static struct err
bad_file(uint32_t number, size_t offset, const char *what)
{
    return ERR(ERR_CORRUPT, "head chunk file %06u, offset %zu: %s", number, offset, what);
}

/* One chunk at the reader; *ret_end at the zeros or the end behind the last one. */
static struct err
read_chunk(struct reader *r, uint32_t number, struct head_chunk_info *ret_info, bool *ret_end)
{
    size_t at = reader_offset(r);
    struct str left = str_of((const char *)r->p, reader_left(r));
    if (left.n < CHUNK_FRAME_BYTES_MIN && all_zero(left)) {
        *ret_end = true;
        return OK;
    }
    uint64_t series = reader_be64(r);
    int64_t mint = (int64_t)reader_be64(r), maxt = (int64_t)reader_be64(r);
    *ret_end = r->code == ERR_NONE && series == 0 && mint == 0 && maxt == 0;
    if (*ret_end)
        return OK;
    uint8_t encoding = reader_u8(r);
    uint64_t bytes = reader_uvarint(r);
    struct str data = reader_bytes(r, bytes); /* of any length: histograms pass CHUNK_BYTES_MAX */
    struct str covered = str_of(left.p, reader_offset(r) - at);
    uint32_t crc = reader_be32(r);
    if (r->code != ERR_NONE)
        return bad_file(number, at, "chunk cut off");
    if (crc != crc32c(covered))
        return bad_file(number, at, "chunk checksum differs");
    if (mint > maxt)
        return bad_file(number, at, "chunk ends before it starts");
    *ret_info = (struct head_chunk_info){
        .series_ref = series,
        .ref = (uint64_t)number << 32 | at,
        .chunk = {mint, maxt, encoding & ~HEAD_CHUNK_LATE_BIT, data},
        .out_of_order = (encoding & HEAD_CHUNK_LATE_BIT) != 0,
    };
    return OK;
}

struct err
head_chunks_scan(struct str image, uint32_t number, head_chunks_visit visit, void *arg)
{
    struct reader r = reader_of(image);
    uint32_t magic = reader_be32(&r);
    uint8_t version = reader_u8(&r);
    reader_bytes(&r, HEAD_CHUNKS_HEADER_BYTES - 5);
    if (r.code != ERR_NONE || magic != HEAD_CHUNKS_MAGIC)
        return bad_file(number, 0, "not a head chunk file");
    if (version != HEAD_CHUNKS_VERSION)
        return bad_file(number, 4, "unknown version");
    for (;;) {
        struct head_chunk_info info;
        bool end;
        TRY(read_chunk(&r, number, &info, &end));
        if (end)
            return OK;
        TRY(visit(arg, &info));
    }
}
