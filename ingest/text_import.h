/* text_import.h - a text of samples as a batch.
 *
 * A bad line is refused alone, with its place and reason; all others are kept.
 * Threads: any (pure). */
#pragma once
#include "ingest/batch.h"
#include "ingest/exposition.h"

/* Fills *ret_batch but for the tenant; it lives as long as the arena and `text`. Samples without a
 * timestamp get now_ms. ERR_TOO_LARGE above a limit of a batch: see batch_builder.h. */
struct err text_import(struct arena *a, enum exposition_format format, struct str text,
                       int64_t now_ms, struct batch *ret_batch);
