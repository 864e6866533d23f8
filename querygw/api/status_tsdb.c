/* status_tsdb.c - /api/v1/status/tsdb: how large the head is, and what makes it so; and which
 * blocks and log there are. In the shape of Prometheus, and in that of Thanos' receiver: a list of
 * tenants. Source: prometheus web/api/v1/api.go, thanos pkg/api/status/v1.go,
 * pkg/receive/handler.go. */
#include "base/quote.h"
#include "querygw/api/api_int.h"
#include "querygw/api/store_params.h"

enum { TSDB_LIMIT_DEFAULT = 10, TSDB_LIMIT_MAX = 10000 }; /* items a list */

static struct err
check_limit_max(int64_t limit)
{
    if (limit > TSDB_LIMIT_MAX)
        return ERR(ERR_INVALID, "limit must not exceed %d", TSDB_LIMIT_MAX);
    return OK;
}

static struct err
read_limit(const struct api_call *c, size_t *ret_limit)
{
    struct str text = param_text(&c->params, "limit");
    int64_t limit = TSDB_LIMIT_DEFAULT;
    size_t given;
    if (c->params.flavour.mends_tsdb_limit) {
        TRY(param_limit(&c->params, &given));
        limit = given < 1 ? TSDB_LIMIT_DEFAULT : (int64_t)given;
    } else if (text.n > 0 && (!param_parse_integer(text, &limit) || limit < 1)) {
        return ERR(ERR_INVALID, "limit must be a positive number");
    }
    TRY(check_limit_max(limit));
    *ret_limit = (size_t)limit;
    return OK;
}

static void
put_head(struct json_writer *w, const struct cardinality *found)
{
    json_key(w, STR("headStats"));
    json_begin_object(w);
    json_key(w, STR("numSeries"));
    json_u64(w, found->series);
    json_key(w, STR("numLabelPairs"));
    json_u64(w, found->pairs);
    json_key(w, STR("chunkCount"));
    json_u64(w, found->chunks);
    json_key(w, STR("minTime"));
    json_i64(w, found->mint_ms);
    json_key(w, STR("maxTime"));
    json_i64(w, found->maxt_ms);
    json_end_object(w);
}

static struct err
put_list(struct api_call *c, struct str key, struct rank_list list)
{
    struct json_writer *w = &c->out.w;
    json_key(w, key);
    json_begin_array(w);
    for (size_t i = 0; i < list.n; i++) {
        json_begin_object(w);
        json_key(w, STR("name"));
        json_str(w, list.v[i].name);
        json_key(w, STR("value"));
        json_u64(w, list.v[i].amount);
        json_end_object(w);
        TRY(json_out_check(&c->out));
    }
    json_end_array(w);
    return OK;
}

/* The members of one object. */
static struct err
put_figures(struct api_call *c, const struct cardinality *found)
{
    put_head(&c->out.w, found);
    TRY(put_list(c, STR("seriesCountByMetricName"), found->series_by_metric));
    TRY(put_list(c, STR("labelValueCountByLabelName"), found->values_by_name));
    TRY(put_list(c, STR("memoryInBytesByLabelName"), found->bytes_by_name));
    return put_list(c, STR("seriesCountByLabelValuePair"), found->series_by_pair);
}

struct err
call_status_tsdb(struct api_call *c)
{
    struct cardinality found = CARDINALITY_EMPTY;
    struct selectors selectors;
    size_t limit = TSDB_LIMIT_DEFAULT;
    TRY(read_limit(c, &limit));
    if (c->params.flavour.mends_tsdb_limit) /* of tenants' external labels: here is only one */
        TRY(param_any_selectors(&c->params, "match[]", &c->arena, &selectors));
    if (c->store)
        TRY(c->store->ops->cardinality(c->store, limit, &c->arena, &found));
    call_begin_data(c);
    json_begin_object(&c->out.w);
    TRY(put_figures(c, &found));
    json_end_object(&c->out.w);
    return call_end_data(c);
}

/* --- of tenants, as Thanos' receiver ---------------------------------------------------------- */

static struct err
read_receive_limit(const struct api_call *c, size_t *ret_limit)
{
    struct str text = param_text(&c->params, "limit");
    int64_t limit = TSDB_LIMIT_DEFAULT;
    if (text.n > 0 && !param_parse_integer(text, &limit)) {
        AUTO(buf_fini) struct buf quoted = BUF_INIT;
        quote_text(text, &quoted);
        return ERR(
            ERR_INVALID,
            "unable to parse 'limit' parameter: strconv.ParseInt: parsing %s: invalid syntax",
            buf_cstr(&quoted));
    }
    TRY(check_limit_max(limit));
    *ret_limit = (size_t)i64_max(limit, 0);
    return OK;
}

/* A sender that its token binds to a tenant sees that one. */
static struct err
find_own_tenant(struct str identity, struct str header, bool all, struct str_list names)
{
    if (all || (header.n > 0 && !str_eq(header, identity)))
        return ERR(ERR_FORBIDDEN, "the token is not one of other tenants");
    names.v[0] = identity;
    return OK;
}

static struct err
find_tenants(struct api_call *c, struct str_list *ret_names)
{
    const struct api_opts *o = &c->api->opts;
    struct str *one = ARENA_NEW(&c->arena, struct str);
    bool all = str_eq(param_text(&c->params, "all_tenants"), STR("true"));
    *one = http_header(c->r, o->write_tenant_header);
    *ret_names = (struct str_list){one, 1};
    struct str identity = http_identity(c->r);
    if (identity.n > 0)
        return find_own_tenant(identity, *one, all, *ret_names);
    if (all && one->n > 0)
        return ERR(ERR_INVALID,
                   "using both the all_tenants parameter and the %s header is not supported",
                   o->write_tenant_header);
    if (all)
        return o->list_tenants(o->arg, &c->arena, ret_names);
    if (one->n == 0)
        *one = str_of_cstr(o->write_default_tenant);
    return OK;
}

/* Found before any is written, so that a failure can still be told. */
struct tenant_figures {
    struct str tenant;
    struct cardinality found;
};

static struct err
find_figures(struct api_call *c, struct str_list names, size_t limit, struct tenant_figures *to,
             size_t *ret_count)
{
    size_t n = 0;
    for (size_t i = 0; i < names.n; i++) {
        struct store *store;
        TRY(call_store_of(c, names.v[i], &store));
        if (!store)
            continue; /* unknown, or removed by now */
        to[n] = (struct tenant_figures){names.v[i], CARDINALITY_EMPTY};
        TRY(store->ops->cardinality(store, limit, &c->arena, &to[n++].found));
        TRY(arena_check(&c->arena));
    }
    *ret_count = n;
    return OK;
}

struct err
call_tsdb_of_tenants(struct api_call *c)
{
    struct str_list names;
    size_t limit = TSDB_LIMIT_DEFAULT, count;
    TRY(find_tenants(c, &names));
    TRY(read_receive_limit(c, &limit));
    struct tenant_figures *figures = ARENA_ARRAY(&c->arena, struct tenant_figures, names.n);
    TRY(find_figures(c, names, limit, figures, &count));
    call_begin_data(c);
    json_begin_array(&c->out.w);
    for (size_t i = 0; i < count; i++) {
        json_begin_object(&c->out.w);
        json_key(&c->out.w, STR("tenant"));
        json_str(&c->out.w, figures[i].tenant);
        TRY(put_figures(c, &figures[i].found));
        json_end_object(&c->out.w);
    }
    json_end_array(&c->out.w);
    return call_end_data(c);
}

/* --- files ------------------------------------------------------------------------------------ */

static struct err
find_files(struct api_call *c, struct store_files *ret_files)
{
    *ret_files = (struct store_files){.wal_segment = 0};
    return c->store ? c->store->ops->files(c->store, &c->arena, ret_files) : OK;
}

struct err
call_status_tsdb_blocks(struct api_call *c)
{
    struct store_files files;
    TRY(find_files(c, &files));
    call_begin_data(c);
    json_begin_object(&c->out.w);
    json_key(&c->out.w, STR("blocks"));
    json_begin_array(&c->out.w);
    for (size_t i = 0; i < files.blocks.n; i++) {
        json_raw(&c->out.w, files.blocks.v[i]);
        TRY(json_out_check(&c->out));
    }
    json_end_array(&c->out.w);
    json_end_object(&c->out.w);
    return call_end_data(c);
}

/* Once the log was replayed all of it was; before, nothing is known. */
struct err
call_status_walreplay(struct api_call *c)
{
    struct store_files files;
    TRY(find_files(c, &files));
    call_begin_data(c);
    json_begin_object(&c->out.w);
    json_key(&c->out.w, STR("min"));
    json_u64(&c->out.w, 0);
    json_key(&c->out.w, STR("max"));
    json_u64(&c->out.w, files.wal_segment);
    json_key(&c->out.w, STR("current"));
    json_u64(&c->out.w, files.wal_segment);
    json_end_object(&c->out.w);
    return call_end_data(c);
}
