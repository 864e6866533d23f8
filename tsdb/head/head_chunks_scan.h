/* head_chunks_scan.h - the chunks inside the bytes of one chunks_head file. Pure: no files.
 * Threads: any. */
#pragma once
#include "tsdb/head/head_chunks.h"

enum {
    HEAD_CHUNKS_MAGIC = 0x0130bc91,
    HEAD_CHUNKS_VERSION = 1,
    HEAD_CHUNKS_HEADER_BYTES = 8,
    HEAD_CHUNK_FRONT_BYTES = 25, /* series, mint, maxt, encoding */
    HEAD_CHUNK_CRC_BYTES = 4,
    HEAD_CHUNK_LATE_BIT = 0x80, /* of the encoding: out-of-order samples */
};

/* Visits every chunk of file `number` up to the zeros behind the last. ERR_CORRUPT with the
 * offset of the first damage; an error of `visit` is returned as it is. */
struct err head_chunks_scan(struct str image, uint32_t number, head_chunks_visit visit, void *arg);
