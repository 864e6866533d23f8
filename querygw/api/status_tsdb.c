/* status_tsdb.c - /api/v1/status/tsdb: how large the head is, and what makes it so. */
#include "querygw/api/api_int.h"

enum { TSDB_LIMIT_DEFAULT = 10, TSDB_LIMIT_MAX = 10000 }; /* items a list */

static struct err
read_limit(const struct api_call *c, size_t *ret_limit)
{
    struct str text = param_text(&c->params, "limit");
    int64_t limit = TSDB_LIMIT_DEFAULT;
    if (text.n > 0 && (!param_parse_integer(text, &limit) || limit < 1))
        return ERR(ERR_INVALID, "limit must be a positive number");
    if (limit > TSDB_LIMIT_MAX)
        return ERR(ERR_INVALID, "limit must not exceed %d", TSDB_LIMIT_MAX);
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

struct err
call_status_tsdb(struct api_call *c)
{
    struct cardinality found = CARDINALITY_EMPTY;
    size_t limit = TSDB_LIMIT_DEFAULT;
    TRY(read_limit(c, &limit));
    if (c->store)
        TRY(c->store->ops->cardinality(c->store, limit, &c->arena, &found));
    call_begin_data(c);
    json_begin_object(&c->out.w);
    put_head(&c->out.w, &found);
    TRY(put_list(c, STR("seriesCountByMetricName"), found.series_by_metric));
    TRY(put_list(c, STR("labelValueCountByLabelName"), found.values_by_name));
    TRY(put_list(c, STR("memoryInBytesByLabelName"), found.bytes_by_name));
    TRY(put_list(c, STR("seriesCountByLabelValuePair"), found.series_by_pair));
    json_end_object(&c->out.w);
    return call_end_data(c);
}
