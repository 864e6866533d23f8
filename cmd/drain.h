/* drain.h - taking a node out of service: nothing new, what others are owed, what is in the heads.
 *
 *   POST /-/drain    begins, or does nothing when it has begun; 202 with the progress
 *   GET  /-/drain    200 with the progress
 *
 *   serving -> handing over -> flushing -> drained
 *
 * From the first step on writes get 503 and the node is not ready; queries go on. It ends with the
 * process: there is no way back but a restart, which finds everything as it was.
 * Threads: any, but for drain_step(): one at a time, where it may block. */
#pragma once
#include <stdatomic.h>

#include "net/router.h"

struct node;

enum drain_stage { DRAIN_SERVING, DRAIN_HANDING_OVER, DRAIN_FLUSHING, DRAIN_DONE };

struct drain {
    struct node *node;
    _Atomic(enum drain_stage) stage;
    _Atomic(size_t) tenants_left; /* whose heads are not empty, as far as is known */
};

void drain_add_routes(struct drain *d, struct node *n);
/* Often: a look whether the next stage is reached. */
void drain_step(struct drain *d);
