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

/* Memory that only this process can free: what is resident of no file. 0 where /proc cannot be
 * read. A read of one line: some microseconds. */
uint64_t process_anonymous_bytes(void);
/* What the kernel allows the control group of this process (memory.max, and of those above it), by
 * cgroups(7); 0: no limit, or none is known. */
uint64_t process_cgroup_memory_bytes(void);
