/* tools_text.h - times, durations, sizes and tables as promtool prints them. */
#pragma once
#include "base/str.h"

/* Go's time.Duration.String(): 2h0m0s, 1.5s, 250ms, 0s. */
void text_put_duration(struct buf *to, int64_t ms);
/* Go's time.Time.String() of whole seconds: 2024-06-01 02:00:00 +0000 UTC. */
void text_put_time(struct buf *to, int64_t ms);
/* 15KiB251B, 512B */
void text_put_bytes(struct buf *to, uint64_t bytes);
/* Cells, ended by '\t' but for the last of a line, as text/tabwriter with cells of at least 13
 * columns aligns them. Appends to *to. */
void text_put_table(struct buf *to, struct str cells);
