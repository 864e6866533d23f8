/* snappy_block.h - the elements of a snappy block, decoded.
 *
 * libsnappy, which makes all blocks, decodes too, but calls memmove() for every literal: the blocks
 * that we see (label sets, samples of a log) are of short ones, and their decoding was the largest
 * cost of a restart and one of the largest of a write. This does the same twice as fast, and is
 * held against the library by tests and by fuzzing.
 * Source: google/snappy format_description.txt, section 2. Pure. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* `elements` is a block without its length; they must decode to exactly `bytes` bytes, which `to`
 * has room for. False when they do not, or are malformed; `to` may be written to then. */
bool snappy_block_decode(struct str elements, char *to, size_t bytes);
