/* meta.c - reads meta.json. */
#include <jansson.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "tsdb/block/meta_int.h"

static void
json_release(json_t **root)
{
    json_decref(*root);
}

/* An optional member of `object`, which may be NULL; another type than wanted is an error. */
static struct err
member(json_t *object, const char *key, json_type type, json_t **ret_value)
{
    json_t *value = json_object_get(object, key);
    if (json_is_null(value))
        value = NULL;
    bool is_bool = type == JSON_TRUE && json_is_boolean(value);
    if (value && !is_bool && json_typeof(value) != type)
        return ERR(ERR_CORRUPT, "meta.json: \"%s\" has a value of the wrong kind", key);
    *ret_value = value;
    return OK;
}

static struct err
get_i64(json_t *object, const char *key, int64_t min, int64_t max, int64_t *ret_value)
{
    json_t *value;
    TRY(member(object, key, JSON_INTEGER, &value));
    int64_t n = json_integer_value(value); /* 0 when absent */
    if (value && (n < min || n > max))
        return ERR(ERR_CORRUPT, "meta.json: \"%s\" is %jd, allowed %jd to %jd", key, (intmax_t)n,
                   (intmax_t)min, (intmax_t)max);
    *ret_value = n;
    return OK;
}

static struct err
get_count(json_t *object, const char *key, uint64_t *ret_value)
{
    int64_t n;
    TRY(get_i64(object, key, 0, INT64_MAX, &n));
    *ret_value = (uint64_t)n;
    return OK;
}

/* Of a string; of anything else, NULL included, ERR_INVALID. */
static struct err
ulid_of_json(const json_t *value, struct ulid *ret_ulid)
{
    return ulid_parse(str_of(json_string_value(value), json_string_length(value)), ret_ulid);
}

static struct err
get_ulid(json_t *object, struct ulid *ret_ulid)
{
    json_t *value;
    TRY(member(object, "ulid", JSON_STRING, &value));
    TRY_IN(ulid_of_json(value, ret_ulid), "meta.json: \"ulid\"");
    return OK;
}

static struct err
get_sources(json_t *compaction, struct block_meta *m)
{
    json_t *sources, *source;
    size_t i;
    TRY(member(compaction, "sources", JSON_ARRAY, &sources));
    json_array_foreach(sources, i, source) {
        struct ulid u;
        TRY_IN(ulid_of_json(source, &u), "meta.json: source %zu", i);
        vec_push(&m->sources, u);
    }
    return OK;
}

static struct err
get_parents(json_t *compaction, struct block_meta *m)
{
    json_t *parents, *parent;
    size_t i;
    TRY(member(compaction, "parents", JSON_ARRAY, &parents));
    json_array_foreach(parents, i, parent) {
        struct block_parent p;
        TRY_IN(get_ulid(parent, &p.ulid), "parent %zu", i);
        TRY_IN(get_i64(parent, "minTime", INT64_MIN, INT64_MAX, &p.mint_ms), "parent %zu", i);
        TRY_IN(get_i64(parent, "maxTime", INT64_MIN, INT64_MAX, &p.maxt_ms), "parent %zu", i);
        vec_push(&m->parents, p);
    }
    return OK;
}

static struct err
get_hints(json_t *compaction, struct block_meta *m)
{
    json_t *hints, *hint;
    size_t i;
    TRY(member(compaction, "hints", JSON_ARRAY, &hints));
    json_array_foreach(hints, i, hint) {
        const char *text = json_string_value(hint);
        for (size_t k = 0; text && k < block_hint_name_count; k++) {
            if (strcmp(text, block_hint_names[k].text.p) == 0)
                m->hints |= block_hint_names[k].hint;
        }
    }
    return OK;
}

static struct err
get_compaction(json_t *root, struct block_meta *m)
{
    json_t *compaction, *deletable, *failed;
    int64_t level;
    TRY(member(root, "compaction", JSON_OBJECT, &compaction));
    TRY(get_i64(compaction, "level", 0, BLOCK_LEVEL_MAX, &level));
    m->level = (uint32_t)level;
    TRY(member(compaction, "deletable", JSON_TRUE, &deletable));
    m->deletable = json_is_true(deletable);
    TRY(member(compaction, "failed", JSON_TRUE, &failed));
    m->failed = json_is_true(failed);
    TRY(get_sources(compaction, m));
    TRY(get_parents(compaction, m));
    return get_hints(compaction, m);
}

static struct err
get_stats(json_t *root, struct block_meta *m)
{
    json_t *stats;
    TRY(member(root, "stats", JSON_OBJECT, &stats));
    TRY(get_count(stats, "numSamples", &m->samples));
    TRY(get_count(stats, "numFloatSamples", &m->float_samples));
    TRY(get_count(stats, "numHistogramSamples", &m->histogram_samples));
    TRY(get_count(stats, "numSeries", &m->series));
    TRY(get_count(stats, "numChunks", &m->chunks));
    return get_count(stats, "numTombstones", &m->deletions);
}

static struct err
get_all(json_t *root, struct block_meta *m)
{
    if (!json_is_object(root))
        return ERR(ERR_CORRUPT, "meta.json: not an object");
    int64_t version;
    TRY(get_i64(root, "version", INT64_MIN, INT64_MAX, &version));
    if (version != BLOCK_META_VERSION)
        return ERR(ERR_CORRUPT, "meta.json: version %jd, known is %d", (intmax_t)version,
                   BLOCK_META_VERSION);
    TRY(get_ulid(root, &m->ulid));
    TRY(get_i64(root, "minTime", INT64_MIN, INT64_MAX, &m->mint_ms));
    TRY(get_i64(root, "maxTime", INT64_MIN + 1, INT64_MAX, &m->maxt_ms));
    if (m->mint_ms > m->maxt_ms)
        return ERR(ERR_CORRUPT, "meta.json: minTime %jd is behind maxTime %jd",
                   (intmax_t)m->mint_ms, (intmax_t)m->maxt_ms);
    TRY(get_stats(root, m));
    return get_compaction(root, m);
}

struct err
block_meta_parse(struct str text, struct block_meta *ret_meta)
{
    json_error_t problem;
    __attribute__((cleanup(json_release))) json_t *root =
        json_loadb(text.n ? text.p : "", text.n, JSON_ALLOW_NUL, &problem);
    if (!root)
        return ERR(ERR_CORRUPT, "meta.json: line %d: %s", problem.line, problem.text);
    struct block_meta m = {.level = 0};
    struct err e = get_all(root, &m);
    if (e.code == ERR_NONE)
        block_meta_keep_unknown(text, &m);
    if (e.code != ERR_NONE) {
        block_meta_fini(&m);
        return e;
    }
    *ret_meta = m;
    return OK;
}

struct err
block_meta_load(struct fs *fs, const char *dir, struct block_meta *ret_meta)
{
    AUTO(buf_fini) struct buf path = BUF_INIT, text = BUF_INIT;
    buf_printf(&path, "%s/meta.json", dir);
    TRY(fs_read_file(fs, buf_cstr(&path), BLOCK_META_BYTES_MAX, &text));
    return block_meta_parse(buf_str(&text), ret_meta);
}

void
block_meta_fini(struct block_meta *m)
{
    vec_fini(&m->sources);
    vec_fini(&m->parents);
    buf_fini(&m->unknown);
    buf_fini(&m->unknown_stats);
    buf_fini(&m->unknown_compaction);
    buf_fini(&m->unknown_hints);
}
