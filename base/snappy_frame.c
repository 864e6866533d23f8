/* snappy_frame.c - chunks, one after the other. */
#include "base/snappy_frame.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/codec.h"
#include "base/crc32c.h"
#include "base/mem.h"

/* A chunk: type, length of what follows (24 bits, little endian), then that. */
enum chunk_type {
    CHUNK_COMPRESSED = 0x00,
    CHUNK_PLAIN = 0x01,
    CHUNK_SKIPPABLE_MIN = 0x80, /* from here on; padding is one of them */
    CHUNK_IDENTIFIER = 0xff,
};
enum {
    CHUNK_HEAD_BYTES = 4,
    CHECKSUM_BYTES = 4,
    CHUNK_PLAIN_BYTES_MAX = 64 << 10,
    WORTH_PART = 8, /* a block is kept when it saves an eighth */
};
static const struct str identifier = STR_INIT("sNaPpY");

static uint32_t
masked_crc(struct str plain)
{
    uint32_t crc = crc32c(plain);
    return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

/* --- encoding --------------------------------------------------------------------------------- */

static void
put_chunk_head(char *at, enum chunk_type type, size_t bytes)
{
    store_le32(at, (uint32_t)type | u32_of_size(bytes) << 8);
}

static void
encode_chunk(struct str plain, struct buf *to)
{
    enum { PRELUDE = CHUNK_HEAD_BYTES + CHECKSUM_BYTES };
    size_t start = to->n;
    buf_reserve(to, PRELUDE);
    to->n += PRELUDE;
    snappy_encode(plain, to);
    enum chunk_type type = CHUNK_COMPRESSED;
    if (to->n - start - PRELUDE > plain.n - plain.n / WORTH_PART) {
        type = CHUNK_PLAIN;
        to->n = start + PRELUDE;
        buf_append(to, plain);
    }
    put_chunk_head(to->p + start, type, to->n - start - CHUNK_HEAD_BYTES);
    store_le32(to->p + start + CHUNK_HEAD_BYTES, masked_crc(plain));
}

void
snappy_frame_encode(struct str plain, struct buf *to)
{
    char head[CHUNK_HEAD_BYTES];
    put_chunk_head(head, CHUNK_IDENTIFIER, identifier.n);
    buf_append(to, str_of(head, sizeof head));
    buf_append(to, identifier);
    while (plain.n > 0)
        encode_chunk(str_take(&plain, size_min(plain.n, CHUNK_PLAIN_BYTES_MAX)), to);
}

/* --- decoding --------------------------------------------------------------------------------- */

struct chunk {
    enum chunk_type type; /* CHUNK_COMPRESSED or CHUNK_PLAIN */
    uint32_t checksum;
    struct str data;
    size_t plain_bytes; /* what `data` decodes to */
};

static struct err
malformed(const char *what)
{
    return ERR(ERR_INVALID, "snappy stream: %s", what);
}

static struct err
open_chunk(unsigned type, struct str body, struct chunk *ret_chunk)
{
    if (body.n < CHECKSUM_BYTES)
        return malformed("chunk without checksum");
    struct chunk c = {.type = (enum chunk_type)type, .checksum = load_le32(body.p)};
    c.data = str_skip(body, CHECKSUM_BYTES);
    c.plain_bytes = c.data.n;
    if (type == CHUNK_COMPRESSED)
        TRY(snappy_decoded_bytes(c.data, &c.plain_bytes));
    if (c.plain_bytes > CHUNK_PLAIN_BYTES_MAX)
        return malformed("chunk of more than 64 KiB");
    *ret_chunk = c;
    return OK;
}

/* The next chunk with data; false behind the last one. */
static struct err
next_chunk(struct str *rest, bool *identified, struct chunk *ret_chunk, bool *ret_found)
{
    while (rest->n > 0) {
        if (rest->n < CHUNK_HEAD_BYTES)
            return malformed("cut short");
        uint32_t head = load_le32(rest->p);
        unsigned type = head & 0xff;
        *rest = str_skip(*rest, CHUNK_HEAD_BYTES);
        if (head >> 8 > rest->n)
            return malformed("cut short");
        struct str body = str_take(rest, head >> 8);
        if (type == CHUNK_IDENTIFIER && !str_eq(body, identifier))
            return malformed("of another format");
        if (type != CHUNK_IDENTIFIER && !*identified)
            return malformed("no identifier at the start");
        *identified = true;
        if (type >= CHUNK_SKIPPABLE_MIN)
            continue;
        if (type > CHUNK_PLAIN)
            return malformed("chunk of a type that must not be skipped");
        *ret_found = true;
        return open_chunk(type, body, ret_chunk);
    }
    *ret_found = false;
    return OK;
}

struct err
snappy_frame_decoded_bytes(struct str stream, size_t *ret_bytes)
{
    struct chunk c;
    bool identified = false, found = false;
    size_t bytes = 0;
    for (;;) {
        TRY(next_chunk(&stream, &identified, &c, &found));
        if (!found)
            break;
        bytes += c.plain_bytes; /* 64 KiB a chunk of 8 bytes: no overflow */
    }
    *ret_bytes = bytes;
    return OK;
}

struct err
snappy_frame_decode(struct str stream, struct buf *to)
{
    struct chunk c;
    bool identified = false, found = false;
    for (;;) {
        TRY(next_chunk(&stream, &identified, &c, &found));
        if (!found)
            return OK;
        size_t start = to->n;
        if (c.type == CHUNK_PLAIN)
            buf_append(to, c.data);
        else
            TRY(snappy_decode(c.data, CHUNK_PLAIN_BYTES_MAX, to));
        if (masked_crc(str_of(to->p + start, to->n - start)) != c.checksum)
            return malformed("checksum does not match");
    }
}
