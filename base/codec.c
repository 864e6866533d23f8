/* codec.c - whole-buffer decoders that know their limit, and streaming encoders.
 *
 * A decoder looks at the announced size first (snappy always has one, zstd often, gzip never)
 * and otherwise grows its output in steps, so that a small lying input cannot make it take
 * more than limit_bytes and one step. On failure *to may hold a decoded prefix. */
#include "base/codec.h"

#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "base/snappy_block.h"

enum {
    SNAPPY_EXPANSION_MAX = 22,  /* a copy of 64 bytes takes 3: the densest that exists */
    STEP_BYTES = 64 << 10,      /* room that a streaming coder is given at least */
    ZLIB_BYTES_MAX = 1 << 30,   /* zlib counts in 32 bits: more is fed in parts */
    ZLIB_WINDOW_BITS = 15,      /* 32 KiB, and the zlib wrapping */
    GZIP_WINDOW_BITS = 15 + 16, /* the same, and the gzip wrapping */
    GZIP_MEM_LEVEL = 8,         /* zlib's default */
    ZSTD_LEVEL = 3,             /* zstd's default */
    ZSTD_LEVEL_FAST = 1,
    ZSTD_LEVEL_FASTEST = -10,
    ZSTD_WINDOW_LOG_MAX = 23, /* 8 MiB: the most that levels 1-19 and Go's encoder use */
};

static struct err
too_large(const char *what, size_t limit_bytes)
{
    return ERR(ERR_TOO_LARGE, "%s: more than %zu bytes when decoded", what, limit_bytes);
}

/* --- snappy ------------------------------------------------------------------------------- */

struct err
snappy_decoded_bytes(struct str block, size_t *ret_bytes)
{
    size_t bytes;
    if (block.n == 0 || snappy_uncompressed_length(block.p, block.n, &bytes) != SNAPPY_OK)
        return ERR(ERR_INVALID, "snappy: malformed length");
    *ret_bytes = bytes;
    return OK;
}

struct err
snappy_decode(struct str block, size_t limit_bytes, struct buf *to)
{
    size_t bytes = 0;
    TRY(snappy_decoded_bytes(block, &bytes));
    if (bytes > limit_bytes)
        return ERR(ERR_TOO_LARGE, "snappy: %zu bytes when decoded, limit %zu", bytes, limit_bytes);
    if (bytes / SNAPPY_EXPANSION_MAX > block.n)
        return ERR(ERR_INVALID, "snappy: %zu bytes cannot become %zu", block.n, bytes);
    buf_reserve(to, size_max(bytes, 1));
    struct reader length = reader_of(block);
    (void)reader_uvarint(&length);
    struct str elements = str_skip(block, reader_offset(&length));
    if (!snappy_block_decode(elements, to->p + to->n, bytes))
        return ERR(ERR_INVALID, "snappy: malformed block");
    to->n += bytes;
    return OK;
}

void
snappy_encode(struct str bytes, struct buf *to)
{
    size_t n = snappy_max_compressed_length(bytes.n);
    buf_reserve(to, n);
    snappy_status status = snappy_compress(bytes.n ? bytes.p : "", bytes.n, to->p + to->n, &n);
    ASSERT(status == SNAPPY_OK);
    to->n += n;
}

/* A block is a uvarint length, then elements; the first must be a literal. Source: google/snappy
 * format_description.txt, sections 1 and 2.1. */
bool
snappy_first_byte(struct str block, uint8_t *ret_byte)
{
    struct reader r = reader_of(block);
    if (reader_uvarint(&r) == 0)
        return false;
    unsigned tag = reader_u8(&r), length = tag >> 2;
    if ((tag & 3) != 0)
        return false;
    if (length >= 60) /* stands behind the tag, in 1 to 4 bytes */
        (void)reader_bytes(&r, length - 59);
    *ret_byte = reader_u8(&r);
    return r.code == ERR_NONE;
}

/* --- zstd --------------------------------------------------------------------------------- */

static struct err
zstd_error(size_t result)
{
    return ERR(ERR_INVALID, "zstd: %s", ZSTD_getErrorName(result));
}

/* Room behind to->n for a decoder that has appended `done` bytes: one byte more than the limit
 * allows, so that passing it is seen. */
static size_t
decode_room(struct buf *to, size_t done, size_t limit_bytes)
{
    ASSERT(done <= limit_bytes);
    size_t allowed = limit_bytes - done;
    size_t room = size_min(size_max(STEP_BYTES, done), allowed) + 1;
    buf_reserve(to, room);
    return room;
}

static struct err
zstd_decode_stream(ZSTD_DStream *stream, struct str frame, size_t limit_bytes, struct buf *to)
{
    ZSTD_inBuffer in = {frame.p, frame.n, 0};
    size_t start = to->n;
    for (;;) {
        size_t room = decode_room(to, to->n - start, limit_bytes);
        ZSTD_outBuffer out = {to->p + to->n, room, 0};
        size_t left = ZSTD_decompressStream(stream, &out, &in);
        if (ZSTD_isError(left))
            return ZSTD_getErrorCode(left) == ZSTD_error_frameParameter_windowTooLarge
                       ? ERR(ERR_TOO_LARGE, "zstd: window above %d bytes", 1 << ZSTD_WINDOW_LOG_MAX)
                       : zstd_error(left);
        to->n += out.pos;
        if (to->n - start > limit_bytes)
            return too_large("zstd", limit_bytes);
        if (in.pos == in.size && left == 0)
            return OK;
        if (in.pos == in.size && out.pos < room)
            return ERR(ERR_INVALID, "zstd: cut short");
    }
}

/* Of the first frame; ZSTD_CONTENTSIZE_UNKNOWN: it has none. */
/* What all frames announce together; ZSTD_CONTENTSIZE_UNKNOWN if one of them announces nothing.
 * ERR_INVALID: what is there is no frame, or is cut short. */
static struct err
content_size(struct str frames, unsigned long long *ret_bytes)
{
    *ret_bytes = 0;
    if (frames.n == 0)
        return ERR(ERR_INVALID, "zstd: empty input");
    while (frames.n > 0) {
        unsigned long long bytes = ZSTD_getFrameContentSize(frames.p, frames.n);
        if (bytes == ZSTD_CONTENTSIZE_ERROR)
            return ERR(ERR_INVALID, "zstd: no frame");
        size_t stored = ZSTD_findFrameCompressedSize(frames.p, frames.n);
        if (bytes == ZSTD_CONTENTSIZE_UNKNOWN || ZSTD_isError(stored) ||
            __builtin_add_overflow(*ret_bytes, bytes, ret_bytes)) {
            *ret_bytes = ZSTD_CONTENTSIZE_UNKNOWN; /* the decoder will say what is wrong */
            return OK;
        }
        frames = str_skip(frames, stored);
    }
    return OK;
}

struct err
zstd_decoded_bytes(struct str frame, size_t *ret_bytes)
{
    unsigned long long bytes = 0;
    TRY(content_size(frame, &bytes));
    *ret_bytes = bytes != ZSTD_CONTENTSIZE_UNKNOWN ? (size_t)bytes : 0;
    return OK;
}

struct err
zstd_decode(struct str frame, size_t limit_bytes, struct buf *to)
{
    unsigned long long bytes = 0;
    TRY(content_size(frame, &bytes));
    if (bytes != ZSTD_CONTENTSIZE_UNKNOWN && bytes > limit_bytes)
        return ERR(ERR_TOO_LARGE, "zstd: %llu bytes when decoded, limit %zu", bytes, limit_bytes);
    if (bytes != ZSTD_CONTENTSIZE_UNKNOWN) {
        buf_reserve(to, size_max((size_t)bytes, 1));
        size_t n = ZSTD_decompress(to->p + to->n, (size_t)bytes, frame.p, frame.n);
        if (ZSTD_isError(n))
            return zstd_error(n);
        to->n += n;
        return OK;
    }
    ZSTD_DStream *stream = ZSTD_createDStream();
    ASSERT(stream);
    size_t set = ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
    ASSERT(!ZSTD_isError(set));
    struct err e = zstd_decode_stream(stream, frame, limit_bytes, to);
    ZSTD_freeDStream(stream);
    return e;
}

void
zstd_encode(struct str bytes, struct buf *to)
{
    size_t bound = ZSTD_compressBound(bytes.n);
    buf_reserve(to, bound);
    size_t n = ZSTD_compress(to->p + to->n, bound, bytes.p, bytes.n, ZSTD_LEVEL);
    ASSERT(!ZSTD_isError(n));
    to->n += n;
}

struct zstd_encoder {
    ZSTD_CCtx *context;
    int level;
};

struct zstd_encoder *
zstd_encoder_open(enum zstd_effort effort)
{
    struct zstd_encoder *e = mem_alloc(sizeof *e);
    e->level = effort == ZSTD_FAST ? ZSTD_LEVEL_FAST : ZSTD_LEVEL_FASTEST;
    e->context = ZSTD_createCCtx();
    ASSERT(e->context);
    return e;
}

void
zstd_encoder_close(struct zstd_encoder *e)
{
    if (!e)
        return;
    ZSTD_freeCCtx(e->context);
    mem_free(e);
}

void
zstd_encoder_encode(struct zstd_encoder *e, struct str bytes, struct buf *to)
{
    size_t bound = ZSTD_compressBound(bytes.n);
    buf_reserve(to, bound);
    size_t n = ZSTD_compressCCtx(e->context, to->p + to->n, bound, bytes.p, bytes.n, e->level);
    ASSERT(!ZSTD_isError(n));
    to->n += n;
}

/* --- gzip --------------------------------------------------------------------------------- */

/* Members may follow each other (RFC 1952 section 2.2); anything else behind one is refused. */
static struct err
inflate_all(z_stream *z, const char *what, struct str bytes, size_t limit_bytes, struct buf *to)
{
    size_t start = to->n;
    struct str rest = bytes;
    for (;;) {
        size_t room = size_min(decode_room(to, to->n - start, limit_bytes), ZLIB_BYTES_MAX);
        size_t part = size_min(rest.n, ZLIB_BYTES_MAX);
        z->next_in = (Bytef *)(uintptr_t)rest.p; /* zlib does not write there */
        z->avail_in = (uInt)part;
        z->next_out = (Bytef *)to->p + to->n;
        z->avail_out = (uInt)room;
        int status = inflate(z, Z_NO_FLUSH);
        to->n += room - z->avail_out;
        rest = str_skip(rest, part - z->avail_in);
        if (to->n - start > limit_bytes)
            return too_large(what, limit_bytes);
        if (status == Z_STREAM_END && rest.n == 0)
            return OK;
        if (status == Z_STREAM_END && inflateReset(z) == Z_OK)
            continue;
        if (status == Z_MEM_ERROR)
            UNREACHABLE("out of memory");
        if (status != Z_OK && status != Z_BUF_ERROR)
            return ERR(ERR_INVALID, "%s: %s", what, z->msg ? z->msg : "malformed");
        if (rest.n == 0 && z->avail_out > 0)
            return ERR(ERR_INVALID, "%s: cut short", what);
    }
}

static struct err
decode_zlib(const char *what, int window_bits, struct str bytes, size_t limit_bytes, struct buf *to)
{
    if (bytes.n == 0)
        return ERR(ERR_INVALID, "%s: empty input", what);
    z_stream z = {0};
    int status = inflateInit2(&z, window_bits);
    ASSERT(status == Z_OK);
    struct err e = inflate_all(&z, what, bytes, limit_bytes, to);
    inflateEnd(&z);
    return e;
}

struct err
gzip_decode(struct str bytes, size_t limit_bytes, struct buf *to)
{
    return decode_zlib("gzip", GZIP_WINDOW_BITS, bytes, limit_bytes, to);
}

struct err
deflate_decode(struct str bytes, size_t limit_bytes, struct buf *to)
{
    return decode_zlib("deflate", ZLIB_WINDOW_BITS, bytes, limit_bytes, to);
}

void
gzip_encode(struct str bytes, struct buf *to)
{
    codec_encode(CODEC_GZIP, bytes, to);
}

/* --- streams ------------------------------------------------------------------------------ */

struct codec_stream {
    enum codec codec;
    z_stream z;      /* CODEC_GZIP, CODEC_DEFLATE */
    ZSTD_CCtx *zstd; /* CODEC_ZSTD */
};

struct codec_stream *
codec_stream_open(enum codec codec)
{
    struct codec_stream *s = mem_alloc_zero(sizeof *s);
    s->codec = codec;
    if (codec == CODEC_GZIP || codec == CODEC_DEFLATE) {
        int bits = codec == CODEC_GZIP ? GZIP_WINDOW_BITS : ZLIB_WINDOW_BITS;
        int status = deflateInit2(&s->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, bits, GZIP_MEM_LEVEL,
                                  Z_DEFAULT_STRATEGY);
        ASSERT(status == Z_OK);
    }
    if (codec == CODEC_ZSTD) {
        s->zstd = ZSTD_createCCtx();
        ASSERT(s->zstd);
        size_t set = ZSTD_CCtx_setParameter(s->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL);
        ASSERT(!ZSTD_isError(set));
    }
    return s;
}

void
codec_stream_close(struct codec_stream *s)
{
    if (!s)
        return;
    if (s->codec == CODEC_GZIP || s->codec == CODEC_DEFLATE)
        deflateEnd(&s->z);
    ZSTD_freeCCtx(s->zstd);
    mem_free(s);
}

static void
zlib_write(struct codec_stream *s, struct str bytes, enum codec_flush flush, struct buf *to)
{
    do {
        struct str part = str_take(&bytes, size_min(bytes.n, ZLIB_BYTES_MAX));
        s->z.next_in = (Bytef *)(uintptr_t)part.p; /* zlib does not write there */
        s->z.avail_in = (uInt)part.n;
        do {
            buf_reserve(to, STEP_BYTES);
            s->z.next_out = (Bytef *)to->p + to->n;
            s->z.avail_out = STEP_BYTES;
            bool finish = flush == CODEC_FINISH && bytes.n == 0;
            int status = deflate(&s->z, finish ? Z_FINISH : Z_NO_FLUSH);
            ASSERT(status != Z_STREAM_ERROR);
            to->n += STEP_BYTES - s->z.avail_out;
        } while (s->z.avail_out == 0);
        ASSERT(s->z.avail_in == 0);
    } while (bytes.n > 0);
}

static void
zstd_write(struct codec_stream *s, struct str bytes, enum codec_flush flush, struct buf *to)
{
    ZSTD_inBuffer in = {bytes.p, bytes.n, 0};
    ZSTD_EndDirective end = flush == CODEC_FINISH ? ZSTD_e_end : ZSTD_e_continue;
    size_t left;
    do {
        buf_reserve(to, STEP_BYTES);
        ZSTD_outBuffer out = {to->p + to->n, STEP_BYTES, 0};
        left = ZSTD_compressStream2(s->zstd, &out, &in, end);
        ASSERT(!ZSTD_isError(left));
        to->n += out.pos;
    } while (in.pos < in.size || (flush == CODEC_FINISH && left > 0));
}

void
codec_stream_write(struct codec_stream *s, struct str bytes, enum codec_flush flush, struct buf *to)
{
    switch (s->codec) {
    case CODEC_NONE:
        buf_append(to, bytes);
        return;
    case CODEC_GZIP:
    case CODEC_DEFLATE:
        zlib_write(s, bytes, flush, to);
        return;
    case CODEC_ZSTD:
        zstd_write(s, bytes, flush, to);
        return;
    }
    UNREACHABLE("every codec stands above");
}

void
codec_encode(enum codec codec, struct str bytes, struct buf *to)
{
    ASSERT(codec != CODEC_NONE);
    if (codec == CODEC_ZSTD) {
        zstd_encode(bytes, to); /* writes the size into the frame */
        return;
    }
    struct codec_stream *s = codec_stream_open(codec);
    codec_stream_write(s, bytes, CODEC_FINISH, to);
    codec_stream_close(s);
}
