/* symbols.h - the symbols of several blocks as one sorted list, so that label sets of different
 * blocks can be compared by numbers.
 *
 * Threads: one. Texts are borrowed from the blocks. */
#pragma once
#include "base/vec.h"
#include "tsdb/index/index_reader.h"

struct merged_symbols {
    VEC(struct str) texts; /* ascending */
    VEC(uint32_t *) numbers; /* of each index: from its numbers to positions in texts; owned */
};
#define MERGED_SYMBOLS_INIT {.texts = VEC_INIT, .numbers = VEC_INIT}

/* At least one index. ERR_LIMIT above 2^32 - 1 symbols. */
struct err merge_symbols(const struct index_reader *const *indexes, size_t n,
                         struct merged_symbols *ret_merged);
void merged_symbols_fini(struct merged_symbols *m);
static inline void
auto_merged_symbols_fini(struct merged_symbols *m)
{
    merged_symbols_fini(m);
}
