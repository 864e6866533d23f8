/* verdict.h - what a sender is told about a write that was taken: all stored, or why not all.
 *
 * Whatever is good in a request is stored, whatever the verdict. With remote write 1.0 the two
 * doors differ in their statuses: /api/v1/receive answers as Thanos, /api/v1/write as Prometheus;
 * exemplars are told by metrics alone, for a sender would drop the samples that came with them.
 * With 2.0 both answer by its specification, where an exemplar that is not stored is an error, and
 * numbers tell what was stored nonetheless. Metadata is told by metrics. Texts are Thanos' where it
 * has one: spec/receive.md 1.7.
 * Threads: any (pure). */
#pragma once
#include "base/arena.h"
#include "proto/remote_write.h"
#include "ingest/rewrite.h"
#include "tsdb/head/append.h"

/* Whose rules an answer follows. */
enum write_rules { RULES_THANOS, RULES_PROMETHEUS, RULES_REMOTE_WRITE_2 };

struct verdict {
    int status;      /* of HTTP; 2xx means that everything was stored */
    struct str text; /* why not; empty when all was stored; in the arena */
};

struct verdict verdict_of(enum write_rules rules, const struct append_result *result,
                          const struct write_refusals *refused, struct arena *a);
/* The same, where series were refused because their own label names no valid tenant. */
struct verdict verdict_with_bad_tenants(struct verdict verdict, uint64_t rows, struct str example,
                                        struct arena *a);

/* What of a request is stored now. What was there already, the same to the last bit, is stored: a
 * sender that repeats a request learns that all of it arrived. What rules have dropped counts, too:
 * it is as its receiver wants it. */
struct written {
    uint64_t samples, histograms, exemplars;
};
struct written written_of(const struct append_result *result,
                          const struct rewrite_dropped *dropped);
