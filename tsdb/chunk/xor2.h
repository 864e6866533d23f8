/* xor2.h - XOR2 chunks of floats with start timestamps, encoding 4: read, never written.
 *
 * Byte format: README.md. Source: spec/tsdb.md section 4.3 (prometheus tsdb/chunkenc/xor2.go).
 * Threads: any. */
#pragma once
#include "tsdb/chunk/chunk.h"

/* See chunk_decode_floats(); `starts` may be NULL. */
struct err xor2_decode(struct str data, int64_t mint_ms, int64_t maxt_ms, struct sample_columns *to,
                       struct start_column *starts);
/* See chunk_check(). */
struct err xor2_check(struct str data, int64_t *ret_mint_ms, int64_t *ret_maxt_ms);
