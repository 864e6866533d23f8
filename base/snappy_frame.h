/* snappy_frame.h - the framing format of snappy: a stream of chunks with checksums, which gRPC
 * means by "snappy".
 *
 * A stream begins with its identifier; chunks hold at most 64 KiB, as a snappy block or as they
 * are, with a masked CRC-32C of what they decode to. Padding and chunks that may be skipped are.
 * Source: google/snappy framing_format.txt. An empty input is an empty stream, as Go's writers
 * make it. Pure. */
#pragma once
#include "base/err.h"
#include "base/str.h"

/* Appends a whole stream. */
void snappy_frame_encode(struct str plain, struct buf *to);
/* What the chunks of a stream announce together; ERR_INVALID: not well-formed. No memory is taken.
 */
struct err snappy_frame_decoded_bytes(struct str stream, size_t *ret_bytes);
/* Appends what a stream decodes to; on failure *to may hold a part of it. The caller has compared
 * snappy_frame_decoded_bytes() with a limit. */
struct err snappy_frame_decode(struct str stream, struct buf *to);
