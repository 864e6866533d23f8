/* api_int.h - what the routes share: one request from its parameters to its answer. */
#pragma once
#include "querygw/api/api.h"
#include "querygw/api/gate.h"
#include "querygw/api/json_out.h"
#include "querygw/api/params.h"
#include "querygw/promql/notes.h"

struct api {
    struct api_opts opts; /* immutable; its texts are owned */
    struct flavour flavour;
    struct gate *gate;          /* owned: of query and query_range */
    struct gate *read_gate;     /* owned: of remote reads */
    struct metric *range_spans; /* NULL: not counted */
    int64_t started_s; /* since 1970 */
    struct log_throttle log_errors;
};

/* One request; lives on the stack of its worker. */
struct api_call {
    struct api *api;
    struct http_request *r; /* NULL once it was answered */
    struct arena arena;     /* of the query: parameters, plan, result */
    struct params params;
    struct store *store; /* of the tenant; NULL: it has no series */
    struct notes notes;
    struct str query;    /* its text, for the positions of notes */
    struct json_out out; /* the answer of routes that speak JSON */
    bool streaming;      /* its first bytes are on their way */
};

#define X(name, path, methods, body_bytes_max, errors) struct err call_##name(struct api_call *c);
#include "querygw/api/routes.h"
#undef X

/* api_add_receive_routes() */
struct err call_tsdb_of_tenants(struct api_call *c);

/* Of another tenant than the request's; NULL: no such tenant. */
struct err call_store_of(struct api_call *c, struct str tenant, struct store **ret_store);
/* Answers for a route, which then returns OK: 204, or an error of which err_codes.h tells status or
 * type otherwise. */
void call_reply_nothing(struct api_call *c);
void call_reply_error(struct api_call *c, int status, const char *type, struct str text);
/* The expression c->query, with the features that are on. */
struct err call_parse(struct api_call *c, struct promql_node **ret_ast);
/* {"status":"success","data": - then the caller writes one value to c->out. */
void call_begin_data(struct api_call *c);
/* {"status":"success" - for an answer without data. */
void call_begin_no_data(struct api_call *c);
/* ,"warnings":[...],"infos":[...]} - then the request is answered. */
struct err call_end_data(struct api_call *c);
/* Sends 200 before the first bytes of an answer that comes in parts. */
void call_begin_stream(struct api_call *c, const char *content_type,
                       enum http_stream_coding coding);
