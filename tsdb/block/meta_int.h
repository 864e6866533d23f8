/* meta_int.h - shared by the readers and the writer of meta.json. */
#pragma once
#include "tsdb/block/meta.h"

struct block_hint_name {
    struct str text;
    enum block_hint hint;
};
/* In the order in which they are written: sorted. */
extern const struct block_hint_name block_hint_names[];
extern const size_t block_hint_name_count;

/* Collects what meta.h does not name from a text that is a JSON object. */
void block_meta_keep_unknown(struct str text, struct block_meta *m);
