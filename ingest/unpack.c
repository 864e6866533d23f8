/* unpack.c - asks for memory by the announced size, then decodes.
 *
 * What announces nothing (gzip, some zstd) is tried with a modest size first, for most bodies fit
 * and asking for the largest one would refuse many that run beside it. */
#include "ingest/unpack.h"

#include "base/assert.h"
#include "base/codec.h"
#include "base/mem.h"

enum {
    RATIO_USUAL = 16,       /* few texts become longer than that */
    BYTES_FIRST = 64 << 10, /* at least */
    SNAPPY_RATIO_MAX = 22,  /* what claims more is refused before memory is taken */
};

static const struct coding_row {
    const char *name;
    struct err (*decode)(struct str bytes, size_t limit_bytes, struct buf *to);
    struct err (*announced)(struct str bytes, size_t *ret_bytes); /* NULL: none is; 0: unknown */
} codings[UNPACK_CODING_COUNT] = {
    [UNPACK_SNAPPY] = {"snappy", snappy_decode, snappy_decoded_bytes},
    [UNPACK_ZSTD] = {"zstd", zstd_decode, zstd_decoded_bytes},
    [UNPACK_GZIP] = {"gzip", gzip_decode, NULL},
};

const char *
unpack_coding_name(enum unpack_coding coding)
{
    ASSERT(coding < UNPACK_CODING_COUNT);
    return codings[coding].name;
}

static struct err
decode(const struct coding_row *row, struct str bytes, size_t limit_bytes, struct buf *to)
{
    TRY_IN(row->decode(bytes, limit_bytes, to), "%s decode error", row->name);
    return OK;
}

/* The size is known: *to grows once. */
static struct err
unpack_known(struct arena *a, const struct coding_row *row, struct str bytes, size_t size,
             size_t limit_bytes, struct buf *to)
{
    size_t possible =
        row == &codings[UNPACK_SNAPPY] ? size_min(size, SNAPPY_RATIO_MAX * bytes.n) : size;
    if (size <= limit_bytes)
        TRY(arena_admit(a, possible));
    return decode(row, bytes, limit_bytes, to);
}

/* *to grows as it comes, and moves: old and new place together take half as much again. */
static struct err
unpack_some(struct arena *a, const struct coding_row *row, struct str bytes, size_t limit_bytes,
            struct buf *to)
{
    TRY(arena_admit(a, limit_bytes + limit_bytes / 2));
    return decode(row, bytes, limit_bytes, to);
}

static struct err
unpack_unknown(struct arena *a, const struct coding_row *row, struct str bytes, size_t limit_bytes,
               struct buf *to)
{
    size_t first = size_min(limit_bytes, size_max(BYTES_FIRST, RATIO_USUAL * bytes.n));
    struct err e = unpack_some(a, row, bytes, first, to);
    if (e.code != ERR_TOO_LARGE || first == limit_bytes)
        return e;
    err_drop(e);
    buf_clear(to);
    return unpack_some(a, row, bytes, limit_bytes, to);
}

struct err
unpack(struct arena *a, enum unpack_coding coding, struct str bytes, size_t limit_bytes,
       struct buf *to)
{
    ASSERT(coding < UNPACK_CODING_COUNT);
    const struct coding_row *row = &codings[coding];
    size_t size = 0;
    buf_clear(to);
    if (row->announced)
        TRY_IN(row->announced(bytes, &size), "%s decode error", row->name);
    struct err e = size > 0 ? unpack_known(a, row, bytes, size, limit_bytes, to)
                            : unpack_unknown(a, row, bytes, limit_bytes, to);
    arena_charge(a, to->cap);
    return e;
}
