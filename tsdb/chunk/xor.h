/* xor.h - the XOR (Gorilla) chunk of floats, encoding 1.
 *
 * The appender keeps everything that the next sample needs outside the bytes, so an append
 * never reads the stream again: it lives in a series' hot cache line. Whole 8-byte words go to
 * the buffer; up to 63 bits wait in `acc` until xor_seal() or a reader's xor_snapshot().
 * Byte format: README.md (spec/tsdb.md section 4.2). Threads: the owner's lock. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "tsdb/model/sample.h"

enum {
    XOR_HEADER_BYTES = 2,      /* be16 count */
    XOR_SAMPLE_BYTES_MAX = 19, /* worst case of one sample */
    XOR_WINDOW_UNSET = 0xff,   /* `lead` before the first changed value */
};

/* 40 bytes. All zero but lead = XOR_WINDOW_UNSET: no sample yet (xor_init). */
struct xor_appender {
    int64_t t_ms;       /* of the newest sample */
    uint64_t bits;      /* value of the newest sample */
    uint64_t acc;       /* bits not yet in the buffer, left-aligned (MSB first) */
    int64_t delta_ms;   /* between the two newest samples */
    uint16_t count;     /* samples in the chunk */
    uint16_t used_bytes; /* whole bytes in the buffer, the 2 of the count included */
    uint8_t acc_bits;   /* 0..63 valid bits in acc */
    uint8_t lead, trail; /* current window */
    uint8_t flags;       /* of the owner; nothing here looks at them, but xor_init() clears them */
};
_Static_assert(sizeof(struct xor_appender) == 40, "part of a series' 64-byte hot line");

void xor_init(struct xor_appender *x);
/* Bytes that the finished chunk would have now. */
size_t xor_bytes(const struct xor_appender *x);
/* Appends; `buffer` must have room for used_bytes + XOR_SAMPLE_BYTES_MAX + 8 more bytes.
 * count must be below CHUNK_SAMPLES_MAX. The caller has checked t against the last sample;
 * the encoder itself takes any t. */
void xor_append(struct xor_appender *x, uint8_t *buffer, int64_t t_ms, uint64_t bits);
/* Writes count and the waiting bits into the buffer (room as above) and returns the length of
 * the finished chunk. The state stays valid for further appends. */
size_t xor_seal(const struct xor_appender *x, uint8_t *buffer);
/* Copies the finished chunk to `to` (xor_bytes() long) without touching the buffer. */
size_t xor_snapshot(const struct xor_appender *x, const uint8_t *buffer, uint8_t *to);
/* The state in which the appender of these bytes was, so that appending goes on: as if it had
 * never ended. The buffer that goes with it starts with all of `data`, room behind as above.
 * ERR_CORRUPT as xor_check(), ERR_LIMIT above XOR_REOPEN_BYTES_MAX. */
enum { XOR_REOPEN_BYTES_MAX = 32 << 10 }; /* the head cuts at 1 KiB */
struct err xor_reopen(struct str data, struct xor_appender *ret_x);
/* The same, and the time of the sample with this number, the first is 1; untouched when there are
 * fewer. */
struct err xor_reopen_marked(struct str data, size_t number, struct xor_appender *ret_x,
                             int64_t *ret_t_ms);

/* Decodes; see chunk_decode_floats(). Fast path for runs of unchanged deltas and values. */
struct err xor_decode(struct str data, int64_t mint_ms, int64_t maxt_ms, struct sample_columns *to);
/* First and last time without keeping samples, and a full check of the bytes: at least one
 * sample, nothing behind the last but one zero byte of an old writer. */
struct err xor_check(struct str data, int64_t *ret_mint_ms, int64_t *ret_maxt_ms);
