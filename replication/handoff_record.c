/* handoff_record.c - what stands before each record of a queue.
 *
 *   offset  bytes
 *   0       1      1
 *   1       8      seq, big endian, not 0
 *   9       8      wall time in ms, big endian
 *   17             the record */
#include "replication/handoff_record.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "replication/handoff.h"

enum { KIND = 1 };

void
handoff_record_put(struct buf *to, struct handoff_head head, struct str record)
{
    buf_reserve(to, HANDOFF_HEAD_BYTES + record.n);
    char *p = to->p + to->n;
    p[0] = KIND;
    handoff_record_number(p, head.seq);
    store_be64(p + 9, (uint64_t)head.at_ms);
    to->n += HANDOFF_HEAD_BYTES;
    buf_append(to, record);
}

void
handoff_record_number(char *p, uint64_t seq)
{
    store_be64(p + 1, seq);
}

struct err
handoff_record_open(struct str stored, struct handoff_head *ret_head, struct str *ret_record)
{
    if (stored.n < HANDOFF_HEAD_BYTES || stored.p[0] != KIND)
        return ERR(ERR_CORRUPT, "no record of a hand-off queue");
    uint64_t seq = load_be64(stored.p + 1);
    if (seq == 0 || seq == UINT64_MAX)
        return ERR(ERR_CORRUPT, "a record without a number");
    *ret_head = (struct handoff_head){seq, (int64_t)load_be64(stored.p + 9)};
    *ret_record = str_skip(stored, HANDOFF_HEAD_BYTES);
    return OK;
}
