/* grpc_client_metrics.h - the `grpc_client_*` families, as Thanos exposes them.
 * Threads: loop (of the channel that has them); what they count into is shared. */
#pragma once
#include <stdint.h>

#include "base/metrics.h"
#include "base/str.h"
#include "net/grpc/grpc_status.h"

struct grpc_client_metrics;
struct grpc_client_method; /* of one method; lives as long as the former */

enum grpc_client_kind { GRPC_CLIENT_UNARY, GRPC_CLIENT_STREAM };

/* NULL for no metrics: everything below then does nothing. `m` is borrowed for life. */
struct grpc_client_metrics *grpc_client_metrics_open(struct metrics *m);
void grpc_client_metrics_close(struct grpc_client_metrics *c); /* NULL is allowed */
/* `method` is a path: "/package.Service/Method". NULL for NULL. */
struct grpc_client_method *grpc_client_metrics_method(struct grpc_client_metrics *c,
                                                      enum grpc_client_kind kind,
                                                      struct str method);

/* NULL is allowed. */
void grpc_client_count_started(struct grpc_client_method *m);
void grpc_client_count_sent(struct grpc_client_method *m);
void grpc_client_count_received(struct grpc_client_method *m);
void grpc_client_count_handled(struct grpc_client_method *m, enum grpc_code code, uint64_t took_ns);
