/* lifecycle.h - what an operator tells a running process over HTTP, as Prometheus spells it.
 *
 * POST or PUT /-/reload loads all that can be reloaded: 200, or 500 with the reasons. It is always
 * served (Prometheus: --web.enable-lifecycle; Thanos' ruler: always), for it only reads files again
 * that the process reads by itself when they change.
 * Threads: building the router. */
#pragma once
#include "conf/reload.h"
#include "net/router.h"

void lifecycle_add_routes(struct reloads *reloads, struct pool *pool, struct router *router);
