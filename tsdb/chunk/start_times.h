/* start_times.h - the start timestamp behind each sample of XOR2 and histogram ST chunks.
 *
 * A header byte says what is there: bit 7, sample 0 has a varint t - start; the low 7 bits, the
 * index of the first sample with a changed start, 0 for none. From that sample on each has a
 * varbit_int: there prevT - start, later the change of that difference. A start of 0 is none.
 * Source: spec/tsdb.md section 4.3 (prometheus tsdb/chunkenc/st.go). Threads: any (values). */
#pragma once
#include <stdbool.h>

#include "tsdb/chunk/varbit.h"

enum { START_FIRST_KNOWN = 0x80, START_CHANGE_MASK = 0x7f };

struct start_reader {
    uint64_t start_ms, difference_ms; /* of the newest sample */
    uint8_t header;
};

/* Behind the values of sample `index`; before_ms is the time of the sample before. */
static inline void
start_reader_take(struct start_reader *s, struct bit_reader *r, size_t index, uint64_t t_ms,
                  uint64_t before_ms)
{
    size_t change_at = s->header & START_CHANGE_MASK;
    if (index == 0) {
        if (s->header & START_FIRST_KNOWN)
            s->start_ms = t_ms - (uint64_t)bit_reader_take_varint(r);
        return;
    }
    if (change_at == 0 || index < change_at)
        return;
    uint64_t change = (uint64_t)varbit_take_int(r);
    s->difference_ms = index == change_at ? change : s->difference_ms + change;
    s->start_ms = before_ms - s->difference_ms;
}
