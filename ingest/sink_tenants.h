/* sink_tenants.h - the sink of this machine: each batch goes to its tenant's database.
 *
 * Threads: any. */
#pragma once
#include "ingest/sink.h"

struct tenants;

struct sink_tenants {
    struct sink sink; /* pass &s.sink on */
    struct tenants *tenants;
};

/* Borrows `tenants` for life; nothing to free. A tenant that is new is created. */
void sink_tenants_init(struct sink_tenants *s, struct tenants *tenants);
