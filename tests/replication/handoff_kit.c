/* handoff_kit.c - hand-off queues under test. */
#include "tests/replication/handoff_kit.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/fs_fault.h"
#include "base/mem.h"
#include "tests/harness.h"

void
handoff_kit_init(struct handoff_kit *k, struct fs *fs, const char *dir)
{
    *k = (struct handoff_kit){.hs = NULL};
    clock_manual_init(&k->clock, 1700000000000);
    k->metrics = metrics_open();
    k->opts = (struct handoffs_opts){
        .fs = fs,
        .dir = dir,
        .clock = &k->clock.clock,
        .metrics = k->metrics,
        .bytes_max = 1 << 20,
        .age_max_ms = 3600000,
        .segment_bytes = 2 * WAL_PAGE_BYTES,
    };
}

void
handoff_kit_open(struct handoff_kit *k)
{
    CK_OK(handoffs_open(&k->opts, &k->hs));
    CK_OK(handoffs_of(k->hs, STR("peer:1"), &k->h));
}

void
handoff_kit_close(struct handoff_kit *k)
{
    handoffs_close(TAKE(k->hs));
}

void
handoff_kit_reopen(struct handoff_kit *k)
{
    handoff_kit_close(k);
    handoff_kit_open(k);
}

void
handoff_kit_kill(struct handoff_kit *k, struct fs *fault)
{
    fs_fault_break(fault, FS_FAULT_MUTATING, 5);
    handoff_kit_close(k);
    fs_fault_heal(fault);
}

void
handoff_kit_fini(struct handoff_kit *k)
{
    handoff_kit_close(k);
    metrics_close(k->metrics);
}

struct str
handoff_kit_record(struct buf *to, uint64_t id, size_t bytes)
{
    ASSERT(bytes >= 8);
    buf_reserve(to, bytes);
    char *at = to->p + to->n;
    uint64_t x = id * 0x9e3779b97f4a7c15u + 1;
    for (size_t i = 8; i < bytes; i++) {
        if (i % 8 == 0)
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        at[i] = (char)(x >> i % 8 * 8);
    }
    store_le64(at, id);
    to->n += bytes;
    return str_of(at, bytes);
}

uint64_t
handoff_kit_id(struct str record)
{
    AUTO(buf_fini) struct buf b = BUF_INIT;
    ck_assert_uint_ge(record.n, 8);
    uint64_t id = load_le64(record.p);
    ck_assert_msg(str_eq(record, handoff_kit_record(&b, id, record.n)), "record %ju is damaged",
                  (uintmax_t)id);
    return id;
}

struct err
handoff_kit_append(struct handoff_kit *k, uint64_t id, size_t bytes)
{
    AUTO(buf_fini) struct buf b = BUF_INIT;
    struct str record = handoff_kit_record(&b, id, bytes);
    uint64_t seq;
    return handoff_append(k->h, &record, 1, clock_wall_ms(&k->clock.clock), &seq);
}

uint64_t
handoff_kit_expect(struct handoff_kit *k, uint64_t first, uint64_t last)
{
    uint64_t id = first, seq = 0;
    for (;;) {
        AUTO(arena_fini) struct arena a;
        arena_init(&a, 0);
        struct handoff_batch batch;
        CK_OK(handoff_read(k->h, &a, 50000, &batch));
        if (batch.count == 0)
            break;
        for (size_t i = 0; i < batch.count; i++) {
            ck_assert_uint_eq(handoff_kit_id(batch.records[i]), id++);
            ck_assert_uint_gt(batch.seqs[i], seq);
            seq = batch.seqs[i];
        }
    }
    ck_assert_uint_eq(id, first == 0 ? 0 : last + 1);
    return seq;
}
