/* admin.c - /api/v1/admin/tsdb: deletes series, cleans deletions off the disk, makes snapshots.
 *
 * Of the request's tenant alone. A process must be told to serve them at all, for whoever can
 * reach the API can then delete. Source: prometheus web/api/v1/api.go. */
#include "querygw/api/api_int.h"

/* *ret_admin is NULL when there is nothing to be done: no such tenant. */
static struct err
find_admin(const struct api_call *c, const struct store_admin_ops **ret_admin)
{
    *ret_admin = c->store ? c->store->ops->admin : NULL;
    if (c->store && !*ret_admin)
        return ERR(ERR_UNIMPLEMENTED, "the data of this tenant can only be read");
    return OK;
}

/* Prometheus answers 500 "unavailable". */
static struct err
refuse_disabled(struct api_call *c)
{
    call_reply_error(c, 500, "unavailable", STR("admin APIs disabled"));
    return OK;
}

struct err
call_delete_series(struct api_call *c)
{
    if (!c->api->opts.admin)
        return refuse_disabled(c);
    const struct store_admin_ops *admin;
    int64_t start_ms, end_ms;
    if (!param_text(&c->params, "match[]").p)
        return ERR(ERR_INVALID, "no match[] parameter provided");
    TRY(param_time_or(&c->params, "start", PARAM_TIME_MIN_MS, &start_ms));
    TRY(param_time_or(&c->params, "end", PARAM_TIME_MAX_MS, &end_ms));
    struct selectors selectors;
    TRY(param_error(&c->params, "match[]",
                    param_any_selectors(&c->params, "match[]", &c->arena, &selectors)));
    TRY(find_admin(c, &admin));
    for (size_t i = 0; admin && i < selectors.n; i++)
        TRY(admin->delete_series(c->store, selectors.v[i], start_ms, end_ms));
    call_reply_nothing(c);
    return OK;
}

struct err
call_clean_tombstones(struct api_call *c)
{
    if (!c->api->opts.admin)
        return refuse_disabled(c);
    const struct store_admin_ops *admin;
    TRY(find_admin(c, &admin));
    if (admin)
        TRY(admin->clean_deletions(c->store));
    call_reply_nothing(c);
    return OK;
}

static struct err
read_scope(const struct api_call *c, enum snapshot_scope *ret_scope)
{
    struct str text = param_text(&c->params, "skip_head");
    bool skip_head = false;
    if (text.n > 0)
        TRY_IN(param_parse_bool(text, &skip_head), "unable to parse boolean");
    *ret_scope = skip_head ? SNAPSHOT_BLOCKS : SNAPSHOT_WITH_HEAD;
    return OK;
}

struct err
call_snapshot(struct api_call *c)
{
    if (!c->api->opts.admin)
        return refuse_disabled(c);
    const struct store_admin_ops *admin;
    enum snapshot_scope scope = SNAPSHOT_WITH_HEAD;
    struct str name;
    TRY(param_error(&c->params, "skip_head", read_scope(c, &scope)));
    TRY(find_admin(c, &admin));
    if (!admin)
        return ERR(ERR_NOT_FOUND, "no such tenant");
    TRY(admin->snapshot(c->store, scope, &c->arena, &name));
    call_begin_data(c);
    json_begin_object(&c->out.w);
    json_key(&c->out.w, STR("name"));
    json_str(&c->out.w, name);
    json_end_object(&c->out.w);
    return call_end_data(c);
}
