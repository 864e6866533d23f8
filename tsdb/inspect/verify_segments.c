/* verify_segments.c - the records of one directory of segments, and what tore its end. */
#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "tsdb/inspect/verify_int.h"
#include "tsdb/wal/wal.h"
#include "tsdb/wal/wal_reader.h"

enum { FRAGMENT_HEADER_BYTES = 7, KIND_MASK = 7 };
enum { KIND_NONE = 0, KIND_FULL = 1, KIND_FIRST = 2, KIND_LAST = 4 };

/* The record that begins at `at` is sound as far as it goes, and the segment ends inside it. */
static bool
is_torn(struct str image, uint64_t at)
{
    for (bool first = true;; first = false) {
        size_t page_left = WAL_PAGE_BYTES - at % WAL_PAGE_BYTES;
        if (at >= image.n)
            return !first;
        unsigned kind = (uint8_t)image.p[at] & KIND_MASK;
        if (kind == KIND_NONE || page_left < FRAGMENT_HEADER_BYTES) {
            if (first)
                return false;
            at += page_left;
            continue;
        }
        if (first && kind > KIND_FIRST)
            return false; /* a record without its beginning */
        if (image.n - at < FRAGMENT_HEADER_BYTES)
            return true;
        size_t bytes = load_be16(image.p + at + 1);
        if (bytes + FRAGMENT_HEADER_BYTES > page_left)
            return false;
        if (bytes + FRAGMENT_HEADER_BYTES > image.n - at)
            return true;
        struct str data = str_of(image.p + at + FRAGMENT_HEADER_BYTES, bytes);
        if (crc32c(data) != load_be32(image.p + at + 3) || kind == KIND_FULL || kind == KIND_LAST)
            return false;
        at += FRAGMENT_HEADER_BYTES + bytes;
    }
}

/* The file of the segment that the reader is in; it changes with the reader. */
struct walk {
    struct verify *v;
    const char *below;
    struct verify_file file;
    bool open;
    uint64_t segment, last;
    bool *whole; /* the caller's */
};

static void
walk_to(struct walk *w, uint64_t segment)
{
    if (w->open && w->segment == segment)
        return;
    if (w->open)
        verify_file_fini(&w->file);
    verify_file_init(&w->file, w->v, "%s/%08ju", w->below, (uintmax_t)segment);
    w->open = true;
    w->segment = segment;
}

/* The reader's message without directory, segment and offset, which a finding tells itself. */
static const char *
cause_of(const struct err *e)
{
    static const char mark[] = ": offset ";
    const char *text = err_text(e), *at = strstr(text, mark);
    const char *cause = at ? strstr(at + strlen(mark), ": ") : NULL;
    return cause ? cause + 2 : text;
}

/* A fault of the framing at `offset`; what follows in the segment cannot be found. */
static struct err
bad_segment(struct walk *w, uint64_t offset, struct err e)
{
    struct err mapped = verify_file_map(&w->file);
    bool torn =
        mapped.code == ERR_NONE && w->segment == w->last && is_torn(w->file.map.bytes, offset);
    err_drop(mapped);
    if (torn) {
        told(&w->file, offset, "last record is torn: its writer stopped, or is writing it");
        err_drop(e);
        return OK;
    }
    *w->whole = false;
    struct err left = broken(&w->file, RULE_W1, offset, "%s", cause_of(&e));
    err_drop(e);
    return verify_file_end(&w->file, left, RULE_W1);
}

/* Segments from `first` on up to the first fault; *ret_next is the one behind the fault. */
static struct err
walk_from(struct walk *w, const char *dir, uint64_t first,
          struct err (*record)(void *arg, struct verify_file *f, uint64_t offset,
                               struct str record),
          void *arg, uint64_t *ret_next)
{
    AUTO(wal_reader_close) struct wal_reader *reader = NULL;
    TRY(wal_reader_open(w->v->fs, dir, first, &reader));
    for (uint64_t left = UINT64_MAX;;) { /* `left`: a segment whose records are not looked at */
        struct str bytes;
        bool more;
        uint64_t segment, offset;
        struct err e = wal_reader_next(reader, &bytes, &more);
        if (e.code == ERR_NONE && !more)
            return OK;
        wal_reader_where(reader, &segment, &offset);
        walk_to(w, segment);
        if (e.code == ERR_CORRUPT || e.code == ERR_LIMIT) {
            *ret_next = segment + 1;
            return bad_segment(w, offset, e);
        }
        TRY(e);
        if (segment == left)
            continue;
        e = record(arg, &w->file, offset, bytes);
        if (e.code == ERR_CANCELED)
            left = segment;
        TRY(verify_file_end(&w->file, e, RULE_V13));
    }
}

struct err
verify_segments(struct verify *v, const char *below, uint64_t first,
                struct err (*record)(void *arg, struct verify_file *f, uint64_t offset,
                                     struct str record),
                void *arg, bool *whole)
{
    AUTO(verify_file_fini) struct verify_file dir;
    verify_file_init(&dir, v, "%s", below);
    struct walk w = {.v = v, .below = below, .whole = whole};
    uint64_t lowest = 0;
    bool none = true;
    struct err e = wal_segments(v->fs, dir.path, &lowest, &w.last, &none);
    if (e.code != ERR_NONE) {
        *whole = false;
        return verify_file_end(&dir, e, RULE_V12);
    }
    uint64_t next = u64_max(first, lowest);
    while (!none && next <= w.last && e.code == ERR_NONE) {
        uint64_t from = next;
        next = w.last + 1;
        e = walk_from(&w, dir.path, from, record, arg, &next);
    }
    if (w.open)
        verify_file_fini(&w.file);
    return e;
}
