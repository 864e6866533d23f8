/* log_facts.h - what a log says, as lines of text: one a series, sample, deletion, ..., in the
 * order of the log; then the newest metadata of each series. Two logs that give the same lines
 * replay the same. */
#pragma once
#include "base/fs.h"
#include "base/str.h"
#include "base/vec.h"
#include "tsdb/wal/checkpoint.h"

struct metadata_fact {
    uint64_t ref;
    char *text; /* owned */
};
struct log_facts {
    struct buf text;
    VEC(struct metadata_fact) metadata;
};
#define LOG_FACTS_INIT                                                                             \
    {                                                                                              \
        .text = BUF_INIT, .metadata = VEC_INIT                                                     \
    }
void log_facts_fini(struct log_facts *f);
static inline void
auto_log_facts_fini(struct log_facts *f)
{
    log_facts_fini(f);
}

/* Records of the segments first .. end-1 of a directory, which must be sound; of them what the
 * filter, if any, lets through. */
void log_facts_add(struct log_facts *f, const char *dir, uint64_t first, uint64_t end,
                   const struct checkpoint_filter *filter);
/* The newest checkpoint and all segments behind it. */
void log_facts_add_log(struct log_facts *f, const char *dir);
/* The newest checkpoint and segments up to `last` filtered, all behind as they are: what a
 * checkpoint has to leave. */
void log_facts_add_filtered(struct log_facts *f, const char *dir, uint64_t last,
                            const struct checkpoint_filter *filter);
/* Call once all is added. */
void log_facts_end(struct log_facts *f);
/* Lines without their order. */
void log_facts_sort(struct log_facts *f);
size_t log_facts_count(const struct log_facts *f);
