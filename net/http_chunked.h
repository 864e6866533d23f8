/* http_chunked.h - a body in chunks (RFC 9112 section 7.1), decoded as it arrives.
 *
 * Strict where smuggling hides: every line ends in CR LF, a size is 1 to 8 hex digits, and
 * extensions and trailers are dropped unread but bounded.
 * Pure. Threads: one at a time. */
#pragma once
#include "base/err.h"
#include "base/str.h"

enum {
    CHUNK_SIZE_DIGITS_MAX = 8,
    CHUNK_EXTENSION_BYTES_MAX = 4 << 10, /* of all chunks of one body */
    CHUNK_TRAILER_BYTES_MAX = 8 << 10,
};

enum chunk_state {
    CHUNK_SIZE,      /* hex digits of a size            */
    CHUNK_EXTENSION, /* from the first other byte to CR */
    CHUNK_SIZE_LF,
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    CHUNK_TRAILER, /* begin of a trailer line         */
    CHUNK_TRAILER_LINE,
    CHUNK_TRAILER_LF, /* after the CR of a trailer line  */
    CHUNK_END_LF,     /* after the CR of the empty line  */
    CHUNK_DONE,
};

struct chunk_reader {
    enum chunk_state state;
    unsigned digits;   /* of the size being read */
    size_t left_bytes; /* of the chunk being read */
    size_t extension_bytes, trailer_bytes;
};
#define CHUNK_READER_INIT                                                                          \
    {                                                                                              \
        .state = CHUNK_SIZE                                                                        \
    }

/* Eats bytes of *in and appends what they decode to *to, until *in is empty or the state is
 * CHUNK_DONE. ERR_TOO_LARGE when the announced chunks pass limit_bytes, ERR_INVALID when they
 * are malformed; the reader is of no use after either. */
struct err chunk_reader_feed(struct chunk_reader *r, struct str *in, size_t limit_bytes,
                             struct buf *to);
