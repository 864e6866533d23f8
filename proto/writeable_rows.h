/* writeable_rows.h - rows whose series are told by number: between receivers that know them.
 *
 * Three columns: how many (uvarint), the numbers, the times (both as zigzag differences to the row
 * before), the values. A value that is a whole number below 2^51 is a uvarint of its zigzag form
 * times two; any other is the byte 1 and its eight bytes, little endian. A format of our own.
 * Threads: any (pure). */
#pragma once
#include "base/err.h"
#include "base/str.h"
#include "tsdb/model/sample.h"

struct numbered_sample {
    uint32_t number;
    struct sample sample;
};

enum {
    NUMBERED_COUNT_BYTES_MAX = 5,
    NUMBERED_SAMPLE_BYTES_MAX = 5 + 10 + 9,
    NUMBERED_SAMPLE_BYTES_MIN = 3,
};

/* Stores them at `at`, where there is room for NUMBERED_COUNT_BYTES_MAX and n times
 * NUMBERED_SAMPLE_BYTES_MAX; returns their end. */
char *numbered_samples_store(char *at, const struct numbered_sample *samples, size_t n);

/* How many there are, at most a third of the bytes; ERR_INVALID. */
struct err numbered_samples_count(struct str bytes, size_t *ret_count);
/* Into room for so many. ERR_INVALID for bytes that are none. */
struct err numbered_samples_load(struct str bytes, struct numbered_sample *samples, size_t count);
