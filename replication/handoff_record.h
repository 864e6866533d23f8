/* handoff_record.h - what stands before each record of a queue. Threads: any (pure). */
#pragma once
#include "base/err.h"
#include "base/str.h"

struct handoff_head {
    uint64_t seq;
    int64_t at_ms; /* wall time from which its age counts */
};
/* Appends head and record. */
void handoff_record_put(struct buf *to, struct handoff_head head, struct str record);
/* Writes the number into a record that was put at `p`. */
void handoff_record_number(char *p, uint64_t seq);
/* *ret_record is a view of `stored`. ERR_CORRUPT: no record of ours. */
struct err handoff_record_open(struct str stored, struct handoff_head *ret_head,
                               struct str *ret_record);
