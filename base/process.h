/* process.h - the figures of this process that every Prometheus client shows: process_*, and
 * those of the allocator as mneme_memory_*_bytes; and its limits.
 *
 * Read from /proc/self (proc(5)) at every exposition; where /proc cannot be read, a value
 * stays what it was. Threads: any. */
#pragma once
#include <stdint.h>

struct metrics;

/* Adds the families to `m` and a collector that lives as long as `m`. Call it once. */
void process_metrics_register(struct metrics *m);

/* Raises the soft limit of open files to the hard one, and returns what it is now: a process with
 * thousands of databases has thousands of files. */
uint64_t process_raise_open_files_limit(void);
