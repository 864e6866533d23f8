/* writeable_int.h - numbers of fields of thanos.WriteRequest, thanos.TimeSeriesTenantTuple and
 * thanos.WriteResponse. */
#pragma once
#include "base/pb.h"

enum {
    WRITEABLE_TENANT = 2,
    WRITEABLE_REPLICA = 3,
    WRITEABLE_TUPLES = 4,
    WRITEABLE_PARTS = 1000, /* ours */
};
enum {
    TUPLE_TENANT = 2,
    TUPLE_METADATA = 1001, /* ours, as the next: */
    TUPLE_NUMBERING = 1002,
    TUPLE_NUMBERS = 1003,
    TUPLE_NUMBERED = 1004,
};
enum { RESPONSE_OUTCOMES = 1000 /* ours */ };
