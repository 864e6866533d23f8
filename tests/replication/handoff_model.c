/* handoff_model.c - a queue against a naive list. */
#include "tests/replication/handoff_model.h"

#include "base/mem.h"
#include "tests/harness.h"

void
handoff_model_fini(struct handoff_model *m)
{
    vec_fini(&m->entries);
}

struct err
handoff_model_append(struct handoff_model *m, size_t count, size_t bytes, bool dying)
{
    AUTO(buf_fini) struct buf b = BUF_INIT;
    struct str records[8];
    ck_assert_uint_le(count, ARRAY_LEN(records));
    buf_reserve(&b, count * bytes);
    for (size_t i = 0; i < count; i++)
        records[i] = handoff_kit_record(&b, m->entries.n + i + 1, bytes);
    uint64_t seq = 0;
    struct err e =
        handoff_append(m->kit->h, records, count, clock_wall_ms(&m->kit->clock.clock), &seq);
    if (e.code != ERR_NONE && !dying)
        return e;
    for (size_t i = 0; i < count; i++)
        vec_push(&m->entries,
                 ((struct handoff_entry){.fate = e.code ? HANDOFF_MAYBE : HANDOFF_STORED,
                                         .seq = e.code ? 0 : seq - count + i + 1}));
    return e;
}

bool
handoff_model_read(struct handoff_model *m, size_t bytes_max)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct handoff_batch batch;
    CK_OK(handoff_read(m->kit->h, &a, bytes_max, &batch));
    for (size_t i = 0; i < batch.count; i++) {
        uint64_t id = handoff_kit_id(batch.records[i]);
        ck_assert_uint_gt(id, m->last_id);
        ck_assert_uint_le(id, m->entries.n);
        struct handoff_entry *entry = &m->entries.v[id - 1];
        ck_assert(entry->seq == 0 || entry->seq == batch.seqs[i]);
        entry->seq = batch.seqs[i];
        entry->seen = true;
        m->last_id = id;
    }
    return batch.count > 0;
}

void
handoff_model_ack(struct handoff_model *m, uint64_t id)
{
    ck_assert_uint_gt(m->entries.v[id - 1].seq, 0);
    handoff_ack(m->kit->h, m->entries.v[id - 1].seq);
    for (uint64_t i = 0; i < id; i++)
        m->entries.v[i].acked = true;
}

void
handoff_model_rewind(struct handoff_model *m)
{
    handoff_rewind(m->kit->h);
    m->last_id = 0;
}

uint64_t
handoff_model_drain(struct handoff_model *m, uint64_t lost)
{
    handoff_model_rewind(m);
    for (size_t i = 0; i < m->entries.n; i++)
        m->entries.v[i].seen = false;
    while (handoff_model_read(m, 30000))
        ;
    uint64_t missing = 0;
    for (size_t i = 0; i < m->entries.n; i++) {
        const struct handoff_entry *entry = &m->entries.v[i];
        if (entry->fate == HANDOFF_STORED && !entry->acked && !entry->seen)
            missing++;
    }
    ck_assert_msg(missing <= lost, "%ju records did not come, %ju may be lost", (uintmax_t)missing,
                  (uintmax_t)lost);
    return missing;
}
