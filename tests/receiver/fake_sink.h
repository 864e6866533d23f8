/* fake_sink.h - a sink that remembers what it was given and answers what a test wants. */
#pragma once
#include "base/lock.h"
#include "ingest/sink.h"

struct fake_sink {
    struct sink sink;
    struct lock lock;
    size_t calls, rows, samples; /* in all */
    char tenant[200];            /* of the last batch */
    struct append_limits limits; /* likewise */
    enum err_code fail;          /* ERR_NONE: take the batch and give `result` */
    const char *fail_text;       /* may be NULL */
    struct append_result result;
};

void fake_sink_init(struct fake_sink *f);
void fake_sink_fini(struct fake_sink *f);
