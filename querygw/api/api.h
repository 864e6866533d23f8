/* api.h - the HTTP query API of Prometheus (v1) over stores, one a tenant.
 *
 * Every route runs on the query pool. Queries wait for one of `queries_max` places there, so the
 * pool has some workers more, for them and for other routes.
 * A request chooses its tenant by a header; a tenant that is not known answers with empty
 * results, as if it had no series yet. Format and messages: spec/query.md section 3.
 * Threads: open and close by the owner; the routes any worker. */
#pragma once
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/memory_limit.h"
#include "base/metrics.h"
#include "base/pool.h"
#include "conf/reload.h"
#include "net/router.h"
#include "querygw/api/features.h"
#include "querygw/api/flavour.h"
#include "querygw/store/store.h"

struct active_queries;
struct api;

enum {
    API_BODY_BYTES_MAX = 4 << 20,       /* of a query: the form of a POST */
    API_READS_MAX = 10,
    API_READ_FRAME_BYTES_MAX = 1 << 20,
    API_READ_BODY_BYTES_MAX = 32 << 20, /* of a remote read, before and after decompression */
};

struct api_opts {
    /* The store of a tenant, which may live in the request's arena; NULL when there is no such
     * tenant. `tenant` has passed tenant_name_check(). Called on workers, any number at once. */
    struct store *(*store_of_tenant)(void *arg, struct arena *a, struct str tenant);
    /* The names of all tenants; NULL: api_add_receive_routes() is not called. */
    struct err (*list_tenants)(void *arg, struct arena *a, struct str_list *ret_names);
    void *arg;
    const char *tenant_header;  /* copied; "THANOS-TENANT" */
    const char *default_tenant; /* copied; for requests without the header */
    const char *write_tenant_header, *write_default_tenant; /* the same of a receiver's route */
    struct pool *pool;          /* of queries; borrowed for life, as clock and log */
    struct pool *eval_pool;     /* of series: helps every query; NULL: none */
    const struct clock *clock;
    struct log *log;         /* may be NULL */
    struct metrics *metrics; /* the same: of the process, shown by /status */
    enum api_flavour flavour;
    bool cors;               /* pages of other origins may ask */
    bool admin;              /* whoever can reach the API may delete, clean and copy data */
    struct api_features features; /* api_features_default() and what was switched on */
    size_t queries_max;      /* evaluated at once; 0: as many as the pool has workers */
    struct active_queries *active_queries; /* borrowed for life; has as many places; NULL: none */
    int64_t lookback_ms;     /* 0: 5 minutes */
    size_t samples_max;      /* in memory, a query; 0: 50 million */
    size_t query_bytes_max;  /* arena of a query; 0: API_QUERY_BYTES_MAX */
    struct memory_limit *memory; /* its `queries`: the arenas of all; NULL: any */
    size_t read_samples_max; /* of a remote read; 0: 50 million */
    size_t reads_max;        /* remote reads at once; 0: API_READS_MAX */
    size_t read_frame_bytes_max;   /* of its frames, but for a single chunk; 0: 1 MiB */
    struct labels external_labels; /* in answers to remote reads; sorted; borrowed for life */
    /* For /status; texts copied, NULL shows as "". */
    const char *version, *revision, *branch, *build_user, *build_date;
    const char *config_yaml; /* what Prometheus would have in its file */
    struct reloads *reloads; /* shown behind it, and by runtimeinfo; may be NULL */
    const char *retention;   /* "15d" */
    /* Calls visit for every flag; NULL: no flags are shown. */
    void (*each_flag)(void *arg, void (*visit)(void *visit_arg, struct str name, struct str value),
                      void *visit_arg);
    void *each_flag_arg;
};
#define API_QUERY_BYTES_MAX (UINT64_C(1) << 30)

/* The caller owns the result. */
struct api *api_open(const struct api_opts *opts);
/* No request may be in flight. NULL is allowed. */
void api_close(struct api *api);
DEFINE_AUTO(struct api *, api_close)
/* `api` must outlive the router's last request. */
void api_add_routes(struct api *api, struct router *router);
/* The one route of the API that a Thanos receiver has, beside its doors for writes: the figures of
 * the heads of one tenant, chosen by the header of writes, or of all. */
void api_add_receive_routes(struct api *api, struct router *router);
