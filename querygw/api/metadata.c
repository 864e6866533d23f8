/* metadata.c - /api/v1/metadata: type, unit and help of metric families.
 *
 * A family has one of each here, the newest, so that any `limit_per_metric` is kept. */
#include "querygw/api/api_int.h"

/* A negative or absent limit is none; 0 is a limit. */
static struct err
read_limit(const struct api_call *c, const char *name, size_t *ret_limit)
{
    struct str text = param_text(&c->params, name);
    int64_t limit = -1;
    if (text.n > 0 && !param_parse_integer(text, &limit))
        return c->params.flavour.names_parameters
                   ? ERR(ERR_INVALID, "%s must be a number", name)
                   : ERR(ERR_INVALID,
                         "invalid metric metadata limit='0'"); /* so Thanos prints it */
    *ret_limit = limit < 0 ? SIZE_MAX : (size_t)limit;
    return OK;
}

static void
put_family(struct json_writer *w, const struct family_metadata *m)
{
    json_key(w, m->family);
    json_begin_array(w);
    json_begin_object(w);
    json_key(w, STR("type"));
    json_str(w, str_of_cstr(metric_kind_text(m->value.kind)));
    json_key(w, STR("unit"));
    json_str(w, m->value.unit);
    json_key(w, STR("help"));
    json_str(w, m->value.help);
    json_end_object(w);
    json_end_array(w);
}

struct err
call_metadata(struct api_call *c)
{
    size_t limit, limit_per_metric;
    struct family_metadata_list found = {NULL, 0};
    TRY(read_limit(c, "limit", &limit));
    TRY(read_limit(c, "limit_per_metric", &limit_per_metric));
    struct str family = param_text(&c->params, "metric");
    if (c->store)
        TRY(c->store->ops->metadata(c->store, family, limit, &c->arena, &found));
    call_begin_data(c);
    json_begin_object(&c->out.w);
    for (size_t i = 0; i < found.n; i++) {
        put_family(&c->out.w, &found.v[i]);
        TRY(json_out_check(&c->out));
    }
    json_end_object(&c->out.w);
    return call_end_data(c);
}
