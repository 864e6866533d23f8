/* replay_others.c - exemplars and metadata of a log.
 *
 * Both are about series that the log names before; of others there is nothing to keep them by.
 * Threads: the one that reads the log. */
#include "tsdb/head/replay_int.h"

#include "base/mem.h"
#include "tsdb/head/exemplars.h"
#include "tsdb/head/metadata_family.h"
#include "tsdb/head/metadata_store.h"
#include "tsdb/wal/record_exemplars.h"
#include "tsdb/wal/record_metadata.h"

struct err
replay_exemplars(struct replay *r, struct str record)
{
    struct record_cursor c;
    record_read_exemplars(&c, record);
    for (;;) {
        uint64_t ref;
        struct exemplar e;
        arena_reset(&r->scratch);
        if (!record_next_exemplar(&c, &r->scratch, &ref, &e))
            return record_cursor_check(&c);
        uint32_t slot = replay_slot_of(r, ref);
        r->count.unknown_refs += slot == slot_none;
        if (slot == slot_none || e.t_ms < r->min_valid_ms)
            continue;
        uint8_t fate = EXEMPLAR_STORED; /* or not: the log may repeat itself behind a checkpoint */
        exemplars_append(r->h->exemplars, head_labels(r->h, slot, &r->scratch), &e, 1, &fate);
    }
}

struct err
replay_metadata(struct replay *r, struct str record)
{
    struct record_cursor c;
    record_read_metadata(&c, record);
    for (;;) {
        uint64_t ref;
        struct family_metadata m;
        arena_reset(&r->scratch);
        if (!record_next_metadata(&c, &ref, &m.value))
            return record_cursor_check(&c);
        uint32_t slot = replay_slot_of(r, ref);
        if (slot == slot_none)
            continue;
        struct labels labels = head_labels(r->h, slot, &r->scratch);
        m.family = metadata_family_of(labels_get(labels, STR("__name__")), m.value.kind);
        metadata_store_put(r->h->metadata, &m); /* refused: above a limit that was lowered */
    }
}
