/* order.h - series in the order of their labels, by numbers instead of texts.
 *
 * The pairs that occur are sorted once and ranked; label sets then compare as sequences of ranks,
 * several of them in one 64-bit key. The order is that of labels_cmp().
 * Threads: any (pure). */
#pragma once
#include "tsdb/model/labels.h"

/* A series to be sorted. */
struct order_item {
    uint64_t key;     /* of the sort; what it was before does not matter */
    const void *of;   /* its pairs, borrowed: uint32_t count, then pair numbers by label name */
    uint32_t payload; /* the caller's */
    uint32_t left;    /* as key */
};
_Static_assert(sizeof(struct order_item) == 24, "all that is needed for a series");

/* Who knows the pairs. No two numbers stand for the same text. */
struct order_source {
    const void *arg;
    struct label (*label)(const void *arg, uint32_t pair);
};

/* Sorts in place; label sets that are equal end up next to each other in any order. Takes four
 * bytes of address space a pair number below the highest one (resident where pairs occur), and
 * 24 bytes a pair that occurs while those are ranked. n is below 2^32. */
void order_by_labels(struct order_item *items, size_t n, struct order_source source);
