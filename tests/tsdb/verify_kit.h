/* verify_kit.h - findings of a verification as text, and files to break. */
#pragma once
#include "base/fs.h"
#include "tests/harness.h"
#include "tsdb/inspect/verify.h"

/* A line a finding: "broken|told FILE RULE at OFFSET: TEXT\n" ("-" where there is none). */
void kit_verify(const char *dir, enum verify_depth depth, struct buf *to, uint64_t *ret_broken);

/* dir/name; one of four static buffers. */
const char *kit_path(const char *dir, const char *name);
void kit_load(struct buf *to, const char *dir, const char *name);
void kit_store(const char *dir, const char *name, struct str bytes);
/* A copy of a whole tree. */
void kit_copy_tree(const char *from, const char *to);

/* One expected finding: no other may be broken. `offset` may be FINDING_NO_OFFSET. */
void kit_expect(const char *row, const char *dir, enum verify_rule rule, const char *file,
                uint64_t offset, const char *text);

/* A log of these records, not compressed, in dir/below; each call is another segment. */
void kit_write_log(const char *dir, const char *below, const struct str *records, size_t n);

/* Records. */
/* clang-format off */
/* be64 ref 1, a=b; then ref 2, a=c */
#define SERIES_1 "\1" "\0\0\0\0\0\0\0\1" "\1\1a\1b"
#define SERIES_2 "\1" "\0\0\0\0\0\0\0\2" "\1\1a\1c"
#define SAMPLE_OF(ref) "\2" "\0\0\0\0\0\0\0" ref "\0\0\0\0\0\0\0\7" "\0\0" "valuebit"
#define BASE_OF(type, ref) type "\0\0\0\0\0\0\0" ref "\0\0\0\0\0\0\0\7"
/* Hint, schema 0, threshold, zero count, count, sum, one positive span of two, two buckets. */
#define HISTOGRAM "\0\0" "threshol" "\1\2" "sumasf64" "\1\0\2" "\0" "\2\2\2" "\0"
#define FLOAT_HISTOGRAM \
    "\0\0" "threshol" "zerocoun" "count---" "sumasf64" "\1\0\2" "\0" "\2" "bucket-1" "bucket-2" "\0"
/* Schema -53 with a bound. */
#define CUSTOM_HISTOGRAM \
    "\0\151" "threshol" "\0\2" "sumasf64" "\1\0\1" "\0" "\1\2" "\0" "\1" "bound--1"
/* clang-format on */
