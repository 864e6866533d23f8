/* store_params.c - see store_params.h. */
#include "querygw/api/store_params.h"

#include <jansson.h>

#include "base/mem.h"

struct err
store_params_check(const struct params *p, struct arena *a)
{
    bool ignored;
    struct selectors stores;
    if (!p->flavour.reads_store_params)
        return OK;
    TRY(param_own_bool_or(p, "dedup", true, &ignored));
    TRY(param_any_selectors(p, "storeMatch[]", a, &stores));
    return param_own_bool_or(p, "partial_response", true, &ignored);
}

static struct err
check_resolution(const struct params *p)
{
    struct str text = param_text(p, "max_source_resolution");
    int64_t ns = 0;
    if (text.n > 0 && !str_eq(text, STR("auto")))
        TRY(param_own_duration(p, "max_source_resolution", &ns));
    if (ns < 0)
        return ERR(ERR_INVALID, "negative 'max_source_resolution' is not accepted. Try a positive "
                                "integer");
    return OK;
}

/* An absent member is zero; false when it has another type. */
static bool
take_integer(const json_t *object, const char *name, int64_t *ret_value)
{
    const json_t *v = json_object_get(object, name);
    *ret_value = json_integer_value(v);
    return !v || json_is_integer(v) || json_is_null(v);
}

static bool
take_labels(const json_t *object, struct arena *a, struct shard *to)
{
    const json_t *v = json_object_get(object, "labels");
    size_t n = json_array_size(v);
    if ((v && !json_is_array(v) && !json_is_null(v)) || n > SHARD_LABELS_MAX)
        return false;
    to->labels = ARENA_ARRAY(a, struct str, n);
    for (size_t i = 0; i < n; i++) {
        const json_t *name = json_array_get(v, i);
        if (!json_is_string(name))
            return false;
        struct str text = str_of(json_string_value(name), json_string_length(name));
        to->labels[to->label_count++] = arena_str(a, text);
    }
    return true;
}

static bool
take_shard(const json_t *object, struct arena *a, struct shard *to)
{
    const json_t *by = json_object_get(object, "by");
    to->by = json_is_true(by);
    return json_is_object(object) && take_integer(object, "shard_index", &to->index) &&
           take_integer(object, "total_shards", &to->total) &&
           (!by || json_is_boolean(by) || json_is_null(by)) && take_labels(object, a, to);
}

static struct err
read_shard(const struct params *p, struct arena *a, struct shard *ret_shard)
{
    struct str text = param_text(p, "shard_info");
    if (text.n == 0)
        return OK;
    json_error_t why;
    json_t *object = json_loadb(text.p, text.n, 0, &why);
    if (!object)
        return ERR(ERR_INVALID, "could not unmarshal parameter shard_info: %s", why.text);
    bool good = take_shard(object, a, ret_shard);
    json_decref(object);
    if (!good)
        return ERR(ERR_INVALID, "could not unmarshal parameter shard_info: a value of another type "
                                "than ShardInfo has");
    return OK;
}

struct err
store_params_read(const struct params *p, struct arena *a, struct store_params *ret_params)
{
    *ret_params = (struct store_params){.replica_labels = false};
    if (!p->flavour.reads_store_params)
        return OK;
    TRY(store_params_check(p, a));
    TRY(check_resolution(p));
    TRY(read_shard(p, a, &ret_params->shard));
    struct str engine = param_text(p, "engine");
    if (engine.n > 0 && !str_eq(engine, STR("prometheus")) && !str_eq(engine, STR("thanos")))
        return ERR(ERR_INVALID, "'%.*s' bad engine", STR_FMT(engine));
    ret_params->replica_labels = param_text(p, "replicaLabels[]").n > 0;
    return OK;
}
