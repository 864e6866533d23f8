/* codec.h - whole-buffer compression: snappy blocks, zstd, gzip, and what HTTP calls deflate.
 *
 * Decoders learn the decoded size before they allocate and refuse more than limit_bytes with
 * ERR_TOO_LARGE; malformed input is ERR_INVALID. All append to *to.
 * Snappy is the block format only. Threads: any. */
#pragma once
#include "base/err.h"
#include "base/str.h"

/* The length that a snappy block announces. */
struct err snappy_decoded_bytes(struct str block, size_t *ret_bytes);
struct err snappy_decode(struct str block, size_t limit_bytes, struct buf *to);
void snappy_encode(struct str bytes, struct buf *to);
/* The first byte of what a block decodes to, from its beginning; false when that cannot be told. */
bool snappy_first_byte(struct str block, uint8_t *ret_byte);

/* The length that all frames announce together; 0: one of them announces none. ERR_INVALID: it is
 * no frame. */
struct err zstd_decoded_bytes(struct str frame, size_t *ret_bytes);
struct err zstd_decode(struct str frame, size_t limit_bytes, struct buf *to);
void zstd_encode(struct str bytes, struct buf *to);
/* The same by an encoder that is kept, for who encodes much: it costs more to make than a small
 * text to encode. One thread at a time. */
enum zstd_effort {
    ZSTD_FAST,    /* one part in fifty less is gained */
    ZSTD_FASTEST, /* for what is short already: half as much is gained */
};
struct zstd_encoder;
struct zstd_encoder *zstd_encoder_open(enum zstd_effort effort);
void zstd_encoder_close(struct zstd_encoder *e); /* NULL is allowed */
void zstd_encoder_encode(struct zstd_encoder *e, struct str bytes, struct buf *to);

struct err gzip_decode(struct str bytes, size_t limit_bytes, struct buf *to);
void gzip_encode(struct str bytes, struct buf *to);

/* The zlib format (RFC 1950), as HTTP's "deflate" means it. */
struct err deflate_decode(struct str bytes, size_t limit_bytes, struct buf *to);

/* Streams for answers of unknown length. */
enum codec { CODEC_NONE, CODEC_GZIP, CODEC_DEFLATE, CODEC_ZSTD };
struct codec_stream;
/* The caller owns the result; CODEC_NONE copies. */
struct codec_stream *codec_stream_open(enum codec codec);
void codec_stream_close(struct codec_stream *s);
enum codec_flush { CODEC_MORE, CODEC_FINISH };
void codec_stream_write(struct codec_stream *s, struct str bytes, enum codec_flush flush,
                        struct buf *to);
/* The whole at once; not for CODEC_NONE. */
void codec_encode(enum codec codec, struct str bytes, struct buf *to);
