/* limits.h - what tenants may write: the limits file, parsed.
 *
 * Keys and their meaning are those of Thanos receive (spec/receive.md 3.1), and under each tenant
 * some of our own. Immutable once parsed. Threads: any. */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>

#include "base/map.h"
#include "base/mem.h"
#include "net/http_client.h"
#include "tsdb/head/append.h"

enum limit_kind {
    LIMIT_BODY_SIZE,
    LIMIT_SERIES,
    LIMIT_SAMPLES,
    LIMIT_HEAD_SERIES,
    LIMIT_LABELS,
    LIMIT_LABEL_NAME,
    LIMIT_LABEL_VALUE,
    LIMIT_RATE,
    LIMIT_TOO_OLD,
    LIMIT_TOO_NEW,
    LIMIT_KIND_COUNT
};
/* As a label of metrics. */
const char *limit_name(enum limit_kind kind);

/* 0: no limit, unless said otherwise. A value equal to its limit is admitted. */
struct tenant_limits {
    uint64_t size_bytes;      /* of a body, as sent and decompressed */
    uint64_t series;          /* TimeSeries of one request */
    uint64_t samples;         /* float samples of one request */
    uint64_t head_series;     /* living series of its head */
    uint64_t labels;          /* of one series */
    uint64_t name_bytes;      /* of each label name */
    uint64_t value_bytes;     /* of each label value */
    uint64_t rate;            /* samples a second, of all kinds; 0: any */
    uint64_t burst;           /* samples at once; 0: those of a second */
    int64_t ooo_window_ms;    /* LIMIT_OF_FLAG: what the flag says */
    int64_t future_window_ms; /* likewise */
};
#define LIMIT_OF_FLAG (-1)

/* Whom to ask how many series each tenant has everywhere. Texts live in the limits' arena. */
struct limits_monitoring {
    struct str url; /* without a query; empty: nobody */
    struct str query;
    struct http_client_opts client;
};
#define LIMITS_MONITORING_QUERY_DEFAULT "sum(prometheus_tsdb_head_series) by (tenant)"

/* Shared; immutable but for the references. */
struct limits {
    _Atomic(size_t) refs;
    struct arena arena;
    struct tenant_limits others; /* of tenants that are not named */
    struct map tenants;          /* name -> struct tenant_limits, in the arena */
    uint64_t concurrency_max;    /* writes at once; 0: any number */
    bool limits_labels;          /* some tenant's labels are limited */
    bool limits_heads;           /* some tenant's head series are limited */
    struct limits_monitoring monitoring;
};

/* A YAML text; one without a document limits nothing. ERR_INVALID with line and column for what is
 * not understood. The caller owns a reference. */
struct err limits_parse(struct str yaml, struct limits **ret_limits);
/* What an empty text says. */
struct limits *limits_none(void);
struct limits *limits_ref(struct limits *l); /* returns l */
void limits_unref(struct limits *l);         /* NULL is allowed */
DEFINE_AUTO(struct limits *, limits_unref)

/* Where there are no limits. */
extern const struct tenant_limits tenant_unlimited;
const struct tenant_limits *limits_of(const struct limits *l, struct str tenant);
/* Of one tenant's head. */
struct append_limits limits_of_head(const struct tenant_limits *t);
