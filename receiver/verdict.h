/* verdict.h - what a sender is told about a write that was taken: all stored, or why not all.
 *
 * Whatever is good in a request is stored, whatever the verdict. Exemplars and metadata are told
 * by metrics alone: a sender would drop the samples that came with them. The two doors differ in
 * their statuses: /api/v1/receive answers as Thanos, /api/v1/write as Prometheus. Texts are
 * Thanos' where it has one: spec/receive.md 1.7.
 * Threads: any (pure). */
#pragma once
#include "base/arena.h"
#include "tsdb/head/append.h"

enum write_door { DOOR_RECEIVE, DOOR_WRITE };

struct verdict {
    int status;      /* of HTTP; 2xx means that everything was stored */
    struct str text; /* why not; empty when all was stored; in the arena */
};

struct verdict verdict_of(enum write_door door, const struct append_result *result,
                          struct arena *a);
/* The same, where series were refused because their own label names no valid tenant. */
struct verdict verdict_with_bad_tenants(struct verdict verdict, uint64_t rows, struct str example,
                                        struct arena *a);
