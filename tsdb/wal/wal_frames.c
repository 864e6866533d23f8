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

bool
wal_stored_type(const struct wal_stored *s, uint8_t *ret_type)
{
    if (s->flags & WAL_FLAG_SNAPPY) /* wins when both are set */
        return snappy_first_byte(s->bytes, ret_type);
    if (s->bytes.n == 0 || s->flags & WAL_FLAG_ZSTD)
        return false;
    *ret_type = (uint8_t)s->bytes.p[0];
    return true;
}

/* By its first fragment. */
static bool
is_unwanted(const struct wal_frames *f, const struct fragment *first)
{
    struct wal_stored beginning = {first->data, first->flags};
    uint8_t type;
    return f->unwanted != 0 && wal_stored_type(&beginning, &type) && type < 32 &&
           f->unwanted >> type & 1;
}

/* The flags are those of the last fragment. */
struct err
wal_frames_next_stored(struct wal_frames *f, struct wal_stored *ret_stored, bool *ret_more)
{
    bool inside = false; /* a first fragment was seen */
    bool unwanted = false;
    for (;;) {
        size_t page_left = WAL_PAGE_BYTES - f->at % WAL_PAGE_BYTES;
        if (!inside)
            f->record_at = f->at;
        if (f->at == f->image.n) {
            *ret_stored = (struct wal_stored){STR(""), 0};
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
        unwanted = starts ? is_unwanted(f, &part) : unwanted;
        if (unwanted) {
            inside = part.kind == WAL_FIRST || part.kind == WAL_MIDDLE;
            continue;
        }
        if (part.kind == WAL_FULL) {
            *ret_stored = (struct wal_stored){part.data, part.flags};
            *ret_more = true;
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
            *ret_stored = (struct wal_stored){buf_str(&f->joined), part.flags};
            *ret_more = true;
            return OK;
        }
    }
}

/* A fragment that can be read says where the next one is; else that is the beginning of the next
 * page. */
void
wal_frames_resync(struct wal_frames *f)
{
    while (f->at < f->image.n) {
        size_t page_left = WAL_PAGE_BYTES - f->at % WAL_PAGE_BYTES;
        struct fragment part = {.kind = WAL_PAGE_END};
        if (f->image.p[f->at] != WAL_PAGE_END && page_left >= WAL_FRAGMENT_HEADER_BYTES)
            err_drop(take_fragment(f, &part));
        if (part.kind == WAL_FULL || part.kind == WAL_FIRST)
            break;
        f->at += part.kind == WAL_PAGE_END ? size_min(page_left, f->image.n - f->at)
                                           : WAL_FRAGMENT_HEADER_BYTES + part.data.n;
    }
    f->record_at = f->at;
}

struct err
wal_stored_open(const struct wal_stored *s, struct buf *plain, struct str *ret_record)
{
    *ret_record = s->bytes;
    if (!(s->flags & (WAL_FLAG_SNAPPY | WAL_FLAG_ZSTD)))
        return OK;
    size_t before = plain->n;
    struct err e = s->flags & WAL_FLAG_SNAPPY ? snappy_decode(s->bytes, WAL_RECORD_BYTES_MAX, plain)
                                              : zstd_decode(s->bytes, WAL_RECORD_BYTES_MAX, plain);
    if (e.code == ERR_INVALID)
        e.code = ERR_CORRUPT;
    else if (e.code == ERR_TOO_LARGE)
        e.code = ERR_LIMIT;
    *ret_record = str_of(plain->p + before, plain->n - before);
    return e;
}

struct err
wal_frames_open(struct wal_frames *f, const struct wal_stored *stored, struct str *ret_record)
{
    buf_clear(&f->plain);
    TRY_IN(wal_stored_open(stored, &f->plain, ret_record), "offset %zu", f->record_at);
    return OK;
}

struct err
wal_frames_next(struct wal_frames *f, struct str *ret_record, bool *ret_more)
{
    struct wal_stored stored;
    bool more;
    TRY(wal_frames_next_stored(f, &stored, &more));
    TRY(wal_frames_open(f, &stored, ret_record));
    *ret_more = more;
    return OK;
}
