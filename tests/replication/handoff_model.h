/* handoff_model.h - a queue against a naive list: what was appended, what the consumer saw. */
#pragma once
#include "base/vec.h"
#include "tests/replication/handoff_kit.h"

enum handoff_fate {
    HANDOFF_STORED, /* the append succeeded: it has to come */
    HANDOFF_MAYBE,  /* the process died while it was appended */
};
struct handoff_entry {
    enum handoff_fate fate;
    uint64_t seq; /* 0: not known */
    bool seen, acked;
};
/* Records have their index + 1 for an id. */
struct handoff_model {
    struct handoff_kit *kit;
    VEC(struct handoff_entry) entries;
    uint64_t last_id; /* seen last in this pass */
};
void handoff_model_fini(struct handoff_model *m);
static inline void
auto_handoff_model_fini(struct handoff_model *m)
{
    handoff_model_fini(m);
}
/* `count` records of that size at once. A failure is returned; its records are on no list, or
 * HANDOFF_MAYBE on it when `dying`. */
struct err handoff_model_append(struct handoff_model *m, size_t count, size_t bytes, bool dying);
/* One handoff_read(); false when there was nothing. Ids ascend. */
bool handoff_model_read(struct handoff_model *m, size_t bytes_max);
/* Acknowledges up to the record of that id, which was seen and has a number. */
void handoff_model_ack(struct handoff_model *m, uint64_t id);
void handoff_model_rewind(struct handoff_model *m);
/* Reads from the beginning to the end; every record that was stored and not acknowledged must come,
 * but for `lost` at most. Returns how many did not. */
uint64_t handoff_model_drain(struct handoff_model *m, uint64_t lost);
