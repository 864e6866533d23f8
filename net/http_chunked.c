/* http_chunked.c - the chunk decoder: one byte a step in the lines, whole runs in the data.
 *
 *   SIZE -> [EXTENSION] -> SIZE_LF -> DATA -> DATA_CR -> DATA_LF -> SIZE ...
 *                             `- size 0 -> TRAILER -> END_LF -> DONE
 *                                   TRAILER -> TRAILER_LINE -> TRAILER_LF -> TRAILER      */
#include "net/http_chunked.h"

#include "base/assert.h"
#include "base/mem.h"
#include "net/url.h"

static struct err
bad_chunk(const char *what)
{
    return ERR(ERR_INVALID, "malformed chunked encoding: %s", what);
}

static struct err
feed_size(struct chunk_reader *r, char c)
{
    int digit = url_hex_digit(c);
    if (digit >= 0) {
        if (r->digits == CHUNK_SIZE_DIGITS_MAX)
            return bad_chunk("size of too many digits");
        r->left_bytes = r->left_bytes << 4 | (size_t)digit;
        r->digits++;
        return OK;
    }
    if (r->digits == 0)
        return bad_chunk("size is not a hex number");
    if (c != '\r' && c != ';' && c != ' ' && c != '\t')
        return bad_chunk("bad byte behind a size");
    r->state = c == '\r' ? CHUNK_SIZE_LF : CHUNK_EXTENSION;
    return OK;
}

static struct err
feed_extension(struct chunk_reader *r, char c)
{
    if (c == '\n')
        return bad_chunk("bare LF");
    if (++r->extension_bytes > CHUNK_EXTENSION_BYTES_MAX)
        return bad_chunk("too many bytes of extensions");
    if (c == '\r')
        r->state = CHUNK_SIZE_LF;
    return OK;
}

static struct err
feed_size_end(struct chunk_reader *r, char c, size_t limit_bytes, size_t have_bytes)
{
    if (c != '\n')
        return bad_chunk("bare CR");
    if (r->left_bytes > limit_bytes - have_bytes)
        return ERR(ERR_TOO_LARGE, "http: request body too large");
    r->state = r->left_bytes > 0 ? CHUNK_DATA : CHUNK_TRAILER;
    return OK;
}

static struct err
feed_trailer(struct chunk_reader *r, char c)
{
    if (++r->trailer_bytes > CHUNK_TRAILER_BYTES_MAX)
        return bad_chunk("too many bytes of trailers");
    switch (r->state) {
    case CHUNK_TRAILER:
        r->state = c == '\r' ? CHUNK_END_LF : CHUNK_TRAILER_LINE;
        return c == '\n' ? bad_chunk("bare LF") : OK;
    case CHUNK_TRAILER_LINE:
        if (c == '\r')
            r->state = CHUNK_TRAILER_LF;
        return c == '\n' ? bad_chunk("bare LF") : OK;
    case CHUNK_TRAILER_LF:
    case CHUNK_END_LF:
        if (c != '\n')
            return bad_chunk("bare CR");
        r->state = r->state == CHUNK_END_LF ? CHUNK_DONE : CHUNK_TRAILER;
        return OK;
    case CHUNK_SIZE:
    case CHUNK_EXTENSION:
    case CHUNK_SIZE_LF:
    case CHUNK_DATA:
    case CHUNK_DATA_CR:
    case CHUNK_DATA_LF:
    case CHUNK_DONE:
        break;
    }
    UNREACHABLE("not a trailer state");
}

static struct err
feed_line_byte(struct chunk_reader *r, char c, size_t limit_bytes, size_t have_bytes)
{
    switch (r->state) {
    case CHUNK_SIZE:
        return feed_size(r, c);
    case CHUNK_EXTENSION:
        return feed_extension(r, c);
    case CHUNK_SIZE_LF:
        return feed_size_end(r, c, limit_bytes, have_bytes);
    case CHUNK_DATA_CR:
        r->state = CHUNK_DATA_LF;
        return c == '\r' ? OK : bad_chunk("chunk longer than its size");
    case CHUNK_DATA_LF:
        r->state = CHUNK_SIZE;
        r->digits = 0;
        return c == '\n' ? OK : bad_chunk("bare CR");
    case CHUNK_TRAILER:
    case CHUNK_TRAILER_LINE:
    case CHUNK_TRAILER_LF:
    case CHUNK_END_LF:
        return feed_trailer(r, c);
    case CHUNK_DATA:
    case CHUNK_DONE:
        break;
    }
    UNREACHABLE("not a state of lines");
}

struct err
chunk_reader_feed(struct chunk_reader *r, struct str *in, size_t limit_bytes, struct buf *to)
{
    while (in->n > 0 && r->state != CHUNK_DONE) {
        ASSERT(to->n <= limit_bytes);
        if (r->state == CHUNK_DATA) {
            struct str run = str_take(in, size_min(in->n, r->left_bytes));
            buf_append(to, run);
            r->left_bytes -= run.n;
            if (r->left_bytes == 0)
                r->state = CHUNK_DATA_CR;
            continue;
        }
        char c = str_take(in, 1).p[0];
        TRY(feed_line_byte(r, c, limit_bytes, to->n));
    }
    return OK;
}
