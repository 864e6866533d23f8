/* status.h - /metrics, /-/healthy and /-/ready, the same on every component.
 * Threads: any. */
#pragma once
#include "base/metrics.h"
#include "net/router.h"

struct status;

struct status *status_open(struct metrics *metrics, const char *component);
void status_close(struct status *s);
/* Where the metrics page is made; before status_add_routes(). Without it: on the loop, which
 * then stands still for the milliseconds that a large page takes. */
void status_use_pool(struct status *s, struct pool *pool);
void status_add_routes(struct status *s, struct router *router);
enum status_state { STATUS_NO, STATUS_YES };
/* Also sets thanos_status{component,check}. */
void status_set_healthy(struct status *s, enum status_state state);
void status_set_ready(struct status *s, enum status_state state);
