/* wal_frames.c - from pages and fragments to records.
 *
 *   page      32 KiB: fragments, then zeros
 *   fragment  kind | flags, be16 length, be32 CRC-32C of the data, data */
#include "tsdb/wal/wal_frames.h"

#include "base/bytes.h"
#include "base/codec.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "tsdb/wal/wal_int.h"

struct fragment {
    enum wal_fragment_kind kind;
    unsigned flags;
    struct str data; /* a view into the image */
};

void
wal_frames_fini(struct wal_frames *f)
{
    buf_fini(&f->joined);
    buf_fini(&f->plain);
}

void
wal_frames_begin(struct wal_frames *f, struct str image)
{
    f->image = image;
    f->at = f->record_at = 0;
}

void
wal_frames_skip(struct wal_frames *f, uint64_t offset)
{
    f->at = f->record_at = (size_t)u64_min(offset, f->image.n);
}

static struct err
corrupt(const struct wal_frames *f, const char *what)
{
    return ERR(ERR_CORRUPT, "offset %zu: %s", f->at, what);
}

/* Moves to the next page over what must be zeros. */
static struct err
skip_padding(struct wal_frames *f)
{
    size_t page_end = f->at - f->at % WAL_PAGE_BYTES + WAL_PAGE_BYTES;
    size_t end = size_min(page_end, f->image.n);
    for (size_t i = f->at; i < end; i++) {
        if (f->image.p[i] != 0)
            return corrupt(f, "padding of a page is not zero");
    }
    f->at = end;
    return OK;
}

/* The fragment at f->at, where at least one byte is. */
static struct err
take_fragment(struct wal_frames *f, struct fragment *ret_fragment)
{
    struct str left = str_skip(f->image, f->at);
    size_t page_left = WAL_PAGE_BYTES - f->at % WAL_PAGE_BYTES;
    unsigned head = (uint8_t)left.p[0];
    if (head & ~(unsigned)(WAL_KIND_MASK | WAL_FLAG_SNAPPY | WAL_FLAG_ZSTD))
        return corrupt(f, "unknown flag of a fragment");
    if ((head & WAL_KIND_MASK) > WAL_LAST || (head & WAL_KIND_MASK) == WAL_PAGE_END)
        return corrupt(f, "unknown kind of fragment");
    if (left.n < WAL_FRAGMENT_HEADER_BYTES)
        return corrupt(f, "fragment header is cut off");
    size_t bytes = load_be16(left.p + 1);
    if (bytes + WAL_FRAGMENT_HEADER_BYTES > page_left)
        return corrupt(f, "fragment is longer than its page");
    if (bytes + WAL_FRAGMENT_HEADER_BYTES > left.n)
        return corrupt(f, "fragment is cut off");
    struct str data = str_of(left.p + WAL_FRAGMENT_HEADER_BYTES, bytes);
    if (crc32c(data) != load_be32(left.p + 3))
        return corrupt(f, "checksum mismatch");
    *ret_fragment = (struct fragment){
        .kind = (enum wal_fragment_kind)(head & WAL_KIND_MASK),
        .flags = head & ~(unsigned)WAL_KIND_MASK,
        .data = data,
    };
    return OK;
}

/* By its first fragment. */
static bool
is_unwanted(const struct wal_frames *f, const struct fragment *first)
{
    uint8_t type;
    if (f->unwanted == 0 || first->data.n == 0 || first->flags & WAL_FLAG_ZSTD)
        return false;
    if (!(first->flags & WAL_FLAG_SNAPPY))
        type = (uint8_t)first->data.p[0];
    else if (!snappy_first_byte(first->data, &type))
        return false;
    return type < 32 && f->unwanted >> type & 1;
}

/* The stored bytes of the next record and the flags of its last fragment. */
static struct err
take_stored(struct wal_frames *f, struct str *ret_stored, unsigned *ret_flags, bool *ret_more)
{
    bool inside = false; /* a first fragment was seen */
    bool unwanted = false;
    for (;;) {
        size_t page_left = WAL_PAGE_BYTES - f->at % WAL_PAGE_BYTES;
        if (!inside)
            f->record_at = f->at;
        if (f->at == f->image.n) {
            *ret_flags = 0;
            *ret_more = false;
            return inside ? corrupt(f, "last record is torn") : OK;
        }
        if (f->image.p[f->at] == WAL_PAGE_END || page_left < WAL_FRAGMENT_HEADER_BYTES) {
            TRY(skip_padding(f));
            continue;
        }
        struct fragment part = {.kind = WAL_PAGE_END};
        TRY(take_fragment(f, &part));
        bool starts = part.kind == WAL_FULL || part.kind == WAL_FIRST;
        if (starts == inside)
            return corrupt(f, starts ? "record begins inside another" : "record without beginning");
        f->at += WAL_FRAGMENT_HEADER_BYTES + part.data.n;
        *ret_flags = part.flags;
        unwanted = starts ? is_unwanted(f, &part) : unwanted;
        if (unwanted) {
            inside = part.kind == WAL_FIRST || part.kind == WAL_MIDDLE;
            continue;
        }
        if (part.kind == WAL_FULL) {
            *ret_stored = part.data;
            return OK;
        }
        if (starts)
            buf_clear(&f->joined);
        if (f->joined.n + part.data.n > WAL_RECORD_BYTES_MAX)
            return ERR(ERR_LIMIT, "offset %zu: record above %d bytes", f->record_at,
                       WAL_RECORD_BYTES_MAX);
        buf_append(&f->joined, part.data);
        inside = true;
        if (part.kind == WAL_LAST) {
            *ret_stored = buf_str(&f->joined);
            return OK;
        }
    }
}

static struct err
decompress(struct wal_frames *f, struct str stored, unsigned flags)
{
    buf_clear(&f->plain);
    struct err e = flags & WAL_FLAG_SNAPPY /* wins when both are set */
                       ? snappy_decode(stored, WAL_RECORD_BYTES_MAX, &f->plain)
                       : zstd_decode(stored, WAL_RECORD_BYTES_MAX, &f->plain);
    if (e.code == ERR_INVALID)
        e.code = ERR_CORRUPT;
    else if (e.code == ERR_TOO_LARGE)
        e.code = ERR_LIMIT;
    TRY_IN(e, "offset %zu", f->record_at);
    return OK;
}

struct err
wal_frames_next(struct wal_frames *f, struct str *ret_record, bool *ret_more)
{
    struct str stored = STR("");
    unsigned flags = 0;
    bool more = true;
    TRY(take_stored(f, &stored, &flags, &more));
    if (flags & (WAL_FLAG_SNAPPY | WAL_FLAG_ZSTD)) {
        TRY(decompress(f, stored, flags));
        stored = buf_str(&f->plain);
    }
    *ret_record = stored;
    *ret_more = more;
    return OK;
}
