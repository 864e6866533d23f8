/* trace_config.c - a table a provider; Thanos' names, strictly.
 * Source: thanos pkg/tracing, docs/tracing.md. */
#include "net/trace/trace_config.h"

#include "base/mem.h"
#include "base/numtext.h"
#include "conf/units.h"
#include "conf/yaml_read.h"

enum { TRACE_PAIRS_MAX = 128 };

static const char over_grpc[] =
    "OTLP over gRPC is not exported by this version; client_type: http, to the collector's port "
    "for OTLP over HTTP (4318), is";
static const char not_otlp[] =
    "only OTLP over HTTP is exported; this provider takes it, too, or its collector does: "
    "type: OTLP, client_type: http";

/* --- OTLP ---------------------------------------------------------------------------------------
 */

struct otlp_retry {
    bool enabled;
    struct str first, pause_max, total;
};
struct otlp_tls {
    struct str ca_file, cert_file, key_file, server_name;
    bool skip_verify;
};
struct otlp {
    struct str client_type, service_name, reconnection_period, compression, endpoint, url_path;
    struct str timeout, sampler_type, sampler_param;
    bool insecure;
    struct otlp_retry retry;
    struct otlp_tls tls;
    const struct yaml_node *attributes, *headers;
};

/* clang-format off */
static const struct yaml_field retry_fields[] = {
    YAML_FIELD(otlp_retry, enabled, "retry_enabled", BOOL)
    YAML_FIELD(otlp_retry, first, "retry_initial_interval", TEXT)
    YAML_FIELD(otlp_retry, pause_max, "retry_max_interval", TEXT)
    YAML_FIELD(otlp_retry, total, "retry_max_elapsed_time", TEXT)
};
static const struct yaml_field tls_fields[] = {
    YAML_FIELD(otlp_tls, ca_file, "ca_file", TEXT)
    YAML_FIELD(otlp_tls, cert_file, "cert_file", TEXT)
    YAML_FIELD(otlp_tls, key_file, "key_file", TEXT)
    YAML_FIELD(otlp_tls, server_name, "server_name", TEXT)
    YAML_FIELD(otlp_tls, skip_verify, "insecure_skip_verify", BOOL)
};
static const struct yaml_field otlp_fields[] = {
    YAML_FIELD(otlp, client_type, "client_type", TEXT, .notes = YAML_REQUIRED)
    YAML_FIELD(otlp, service_name, "service_name", TEXT)
    YAML_FIELD(otlp, attributes, "resource_attributes", ANY)
    YAML_FIELD(otlp, reconnection_period, "reconnection_period", TEXT)
    YAML_FIELD(otlp, compression, "compression", TEXT)
    YAML_FIELD(otlp, insecure, "insecure", BOOL)
    YAML_FIELD(otlp, endpoint, "endpoint", TEXT)
    YAML_FIELD(otlp, url_path, "url_path", TEXT)
    YAML_FIELD(otlp, timeout, "timeout", TEXT)
    YAML_FIELD(otlp, retry, "retry_config", STRUCT, .fields = YAML_FIELDS(retry_fields))
    YAML_FIELD(otlp, headers, "headers", ANY)
    YAML_FIELD(otlp, tls, "tls_config", STRUCT, .fields = YAML_FIELDS(tls_fields))
    YAML_FIELD(otlp, sampler_type, "sampler_type", TEXT)
    YAML_FIELD(otlp, sampler_param, "sampler_param", TEXT)
};
/* clang-format on */

/* Go's form; nothing and 0 stand for the default. */
static struct err
read_duration(const char *key, struct str text, int64_t dflt_ms, int64_t *ret_ms)
{
    int64_t ms = 0;
    if (text.n > 0)
        TRY_IN(duration_parse_flag(text, &ms), "%s", key);
    if (ms < 0)
        return ERR(ERR_INVALID, "%s: a time that is not negative is expected", key);
    *ret_ms = ms > 0 ? ms : dflt_ms;
    return OK;
}

/* Neither the header nor the protobuf takes more; what is sent on is not interpreted. */
static bool
is_printable(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
            return false;
    }
    return str_is_utf8(text);
}

static struct err
read_pairs(struct arena *a, const char *key, const struct yaml_node *map,
           struct trace_pairs *ret_pairs)
{
    if (!map || yaml_is_null(map))
        return OK;
    if (map->kind != YAML_MAP || map->count > TRACE_PAIRS_MAX)
        return yaml_err_at(map, ERR(ERR_INVALID, "%s: a map of at most %d texts is expected", key,
                                    TRACE_PAIRS_MAX));
    struct trace_pair *v = ARENA_ARRAY(a, struct trace_pair, map->count);
    for (size_t i = 0; i < map->count; i++) {
        const struct yaml_pair *pair = &map->pairs[i];
        if (pair->value->kind != YAML_SCALAR || !is_printable(pair->key->text) ||
            !is_printable(pair->value->text))
            return yaml_err_at(pair->key,
                               ERR(ERR_INVALID, "%s: a printable text is expected", key));
        v[i] = (struct trace_pair){arena_str(a, pair->key->text), arena_str(a, pair->value->text)};
    }
    *ret_pairs = (struct trace_pairs){v, map->count};
    return OK;
}

/* Field names of HTTP: RFC 9110 section 5.1. */
static struct err
check_headers(const struct trace_pairs *headers)
{
    for (size_t i = 0; i < headers->n; i++) {
        struct str name = headers->v[i].name;
        bool good = name.n > 0 && str_is_ascii(name);
        for (size_t j = 0; good && j < name.n; j++)
            good = name.p[j] > ' ' && !memchr("()<>@,;:\\\"/[]?={}", name.p[j], 17);
        if (!good)
            return ERR(ERR_INVALID, "headers: \"%.*s\" is no name of a header", STR_FMT(name));
    }
    return OK;
}

static const struct sampler_row {
    const char *name;
    enum trace_sampler sampler;
    bool parent_based;
} sampler_rows[] = {
    {"alwayssample", TRACE_SAMPLE_ALWAYS, false},
    {"neversample", TRACE_SAMPLE_NEVER, false},
    {"traceidratiobased", TRACE_SAMPLE_RATIO, false},
    {"parentbasedalwayssample", TRACE_SAMPLE_ALWAYS, true},
    {"parentbasedneversample", TRACE_SAMPLE_NEVER, true},
    {"parentbasedtraceidratiobased", TRACE_SAMPLE_RATIO, true},
    {"", TRACE_SAMPLE_ALWAYS, true}, /* as Thanos without one */
};

static struct err
read_sampler(const struct otlp *o, struct trace_config *to)
{
    const struct sampler_row *row = NULL;
    for (size_t i = 0; i < ARRAY_LEN(sampler_rows) && !row; i++)
        row = str_eq_nocase(o->sampler_type, str_of_cstr(sampler_rows[i].name)) ? &sampler_rows[i]
                                                                                : NULL;
    if (!row)
        return ERR(ERR_INVALID, "sampler_type: \"%.*s\" is none of those of Thanos",
                   STR_FMT(o->sampler_type));
    to->sampler = row->sampler;
    to->parent_based = row->parent_based;
    if (row->sampler != TRACE_SAMPLE_RATIO)
        return OK;
    TRY_IN(numtext_parse(o->sampler_param, &to->ratio), "sampler_param");
    if (!(to->ratio >= 0 && to->ratio <= 1))
        return ERR(ERR_INVALID, "sampler_param: a ratio between 0 and 1 is expected");
    return OK;
}

/* host, host:port or [v6]:port; what would end the host in a URL is refused. */
static struct err
read_url(struct arena *a, const struct otlp *o, struct trace_config *to)
{
    struct str endpoint = o->endpoint.n > 0 ? o->endpoint : STR("localhost:4318");
    struct str path = o->url_path.n > 0 ? o->url_path : STR("/v1/traces");
    for (size_t i = 0; i < endpoint.n; i++) {
        if (endpoint.p[i] <= ' ' || memchr("/?#@\\\x7f", endpoint.p[i], 6))
            return ERR(ERR_INVALID, "endpoint: \"%.*s\" is not of the form host:port",
                       STR_FMT(endpoint));
    }
    if (!is_printable(path) || memchr(path.p, ' ', path.n))
        return ERR(ERR_INVALID, "url_path: a path without blanks is expected");
    to->url = arena_printf(a, "%s://%.*s%s%.*s", o->insecure ? "http" : "https", STR_FMT(endpoint),
                           path.p[0] == '/' ? "" : "/", STR_FMT(path));
    return OK;
}

static struct err
read_tls(struct arena *a, const struct otlp_tls *t, struct trace_config *to)
{
    if ((t->cert_file.n > 0) != (t->key_file.n > 0))
        return ERR(ERR_INVALID, "tls_config: cert_file and key_file go together");
    if (t->server_name.n > 0)
        return ERR(ERR_INVALID, "tls_config: server_name is not supported, the name in `endpoint` "
                                "is what is verified");
    if (!is_printable(t->ca_file) || !is_printable(t->cert_file) || !is_printable(t->key_file))
        return ERR(ERR_INVALID, "tls_config: a printable path is expected");
    to->tls.ca_file = arena_str(a, t->ca_file);
    to->tls.cert_file = arena_str(a, t->cert_file);
    to->tls.key_file = arena_str(a, t->key_file);
    to->tls.skip_verify = t->skip_verify;
    return OK;
}

static struct err
read_otlp(struct arena *a, const struct yaml_node *node, struct trace_config *to)
{
    struct otlp o = {.insecure = false};
    int64_t unused_ms;
    TRY(yaml_read(node, YAML_FIELDS(otlp_fields), a, &o));
    bool http = str_eq(o.client_type, STR("http"));
    if (!http && !str_eq(o.client_type, STR("grpc")))
        return ERR(ERR_INVALID, "client_type: \"%.*s\" is neither http nor grpc",
                   STR_FMT(o.client_type));
    to->unsupported = http ? NULL : over_grpc;
    to->service_name = arena_str(a, o.service_name);
    to->gzip = str_eq(o.compression, STR("gzip"));
    if (!to->gzip && o.compression.n > 0 && !str_eq(o.compression, STR("none")))
        return ERR(ERR_INVALID, "compression: \"%.*s\" is neither gzip nor none",
                   STR_FMT(o.compression));
    TRY(read_pairs(a, "resource_attributes", o.attributes, &to->attributes));
    TRY(read_pairs(a, "headers", o.headers, &to->headers));
    TRY(check_headers(&to->headers));
    TRY(read_duration("timeout", o.timeout, TRACE_TIMEOUT_MS_DEFAULT, &to->timeout_ms));
    TRY(read_duration("reconnection_period", o.reconnection_period, 0, &unused_ms)); /* gRPC's */
    TRY(read_duration("retry_initial_interval", o.retry.first, TRACE_RETRY_FIRST_MS_DEFAULT,
                      &to->retry.first_ms));
    TRY(read_duration("retry_max_interval", o.retry.pause_max, TRACE_RETRY_PAUSE_MS_DEFAULT,
                      &to->retry.pause_max_ms));
    TRY(read_duration("retry_max_elapsed_time", o.retry.total, TRACE_RETRY_TOTAL_MS_DEFAULT,
                      &to->retry.total_ms));
    TRY(read_tls(a, &o.tls, to));
    TRY(read_sampler(&o, to));
    return read_url(a, &o, to);
}

/* --- the others: read, so that a mistake is told, and not exported to ----------------------------
 */

struct jaeger_parent {
    bool local, remote;
};
struct other {
    struct str texts[8];
    double share;
    int64_t numbers[4];
    bool flags[8];
    struct jaeger_parent parent;
    const struct yaml_node *any[2];
};

/* clang-format off */
static const struct yaml_field jaeger_parent_fields[] = {
    YAML_FIELD(jaeger_parent, local, "local_parent_sampled", BOOL)
    YAML_FIELD(jaeger_parent, remote, "remote_parent_sampled", BOOL)
};
static const struct yaml_field jaeger_fields[] = {
    YAML_FIELD(other, texts[0], "service_name", TEXT)
    YAML_FIELD(other, flags[0], "disabled", BOOL)
    YAML_FIELD(other, flags[1], "rpc_metrics", BOOL)
    YAML_FIELD(other, texts[1], "tags", TEXT)
    YAML_FIELD(other, texts[2], "sampler_type", TEXT)
    YAML_FIELD(other, share, "sampler_param", F64)
    YAML_FIELD(other, texts[3], "sampler_manager_host_port", TEXT)
    YAML_FIELD(other, numbers[0], "sampler_max_operations", I64)
    YAML_FIELD(other, texts[4], "sampler_refresh_interval", TEXT)
    YAML_FIELD(other, parent, "sampler_parent_config", STRUCT,
               .fields = YAML_FIELDS(jaeger_parent_fields))
    YAML_FIELD(other, texts[4], "sampling_server_url", TEXT)
    YAML_FIELD(other, flags[2], "operation_name_late_binding", BOOL)
    YAML_FIELD(other, share, "initial_sampler_rate", F64)
    YAML_FIELD(other, numbers[1], "reporter_max_queue_size", I64)
    YAML_FIELD(other, texts[5], "reporter_flush_interval", TEXT)
    YAML_FIELD(other, flags[3], "reporter_log_spans", BOOL)
    YAML_FIELD(other, flags[4], "reporter_disable_attempt_reconnecting", BOOL)
    YAML_FIELD(other, texts[5], "reporter_attempt_reconnect_interval", TEXT)
    YAML_FIELD(other, texts[6], "endpoint", TEXT)
    YAML_FIELD(other, texts[7], "user", TEXT)
    YAML_FIELD(other, texts[7], "password", TEXT)
    YAML_FIELD(other, texts[7], "agent_host", TEXT)
    YAML_FIELD(other, numbers[2], "agent_port", I64)
    YAML_FIELD(other, flags[5], "traceid_128bit", BOOL)
};
static const struct yaml_field google_fields[] = {
    YAML_FIELD(other, texts[0], "service_name", TEXT)
    YAML_FIELD(other, texts[1], "project_id", TEXT)
    YAML_FIELD(other, numbers[0], "sample_factor", I64)
};
static const struct yaml_field elastic_fields[] = {
    YAML_FIELD(other, texts[0], "service_name", TEXT)
    YAML_FIELD(other, texts[1], "service_version", TEXT)
    YAML_FIELD(other, texts[2], "service_environment", TEXT)
    YAML_FIELD(other, share, "sample_rate", F64)
};
static const struct yaml_field lightstep_fields[] = {
    YAML_FIELD(other, texts[0], "access_token", TEXT)
    YAML_FIELD(other, any[0], "collector", ANY)
    YAML_FIELD(other, any[1], "tags", ANY)
};
/* clang-format on */

static const struct provider {
    const char *type;
    struct yaml_fields fields; /* none: OTLP */
} providers[] = {
    {"OTLP", {NULL, 0}},
    {"JAEGER", YAML_FIELDS(jaeger_fields)},
    {"GOOGLE_CLOUD", YAML_FIELDS(google_fields)},
    {"STACKDRIVER", YAML_FIELDS(google_fields)},
    {"ELASTIC_APM", YAML_FIELDS(elastic_fields)},
    {"LIGHTSTEP", YAML_FIELDS(lightstep_fields)},
};

struct outer {
    struct str type;
    const struct yaml_node *config;
};
static const struct yaml_field outer_fields[] = {YAML_FIELD(
    outer, type, "type", TEXT, .notes = YAML_REQUIRED) YAML_FIELD(outer, config, "config", ANY)};

static struct err
read_provider(struct arena *a, const struct outer *outer, struct trace_config *to)
{
    for (size_t i = 0; i < ARRAY_LEN(providers); i++) {
        const struct provider *p = &providers[i];
        if (!str_eq_nocase(outer->type, str_of_cstr(p->type)))
            continue;
        if (!p->fields.v)
            return read_otlp(a, outer->config, to);
        struct other other = {.share = 0};
        to->unsupported = not_otlp;
        return yaml_read(outer->config, p->fields, a, &other);
    }
    return ERR(ERR_INVALID, "tracing with type %.*s is not supported", STR_FMT(outer->type));
}

struct err
trace_config_read(struct arena *a, struct str yaml, struct trace_config *ret_config)
{
    const struct yaml_node *root;
    struct outer outer = {.config = NULL};
    struct trace_config config = {.gzip = false};
    TRY(yaml_parse(a, yaml, &root));
    TRY(yaml_read(root, YAML_FIELDS(outer_fields), a, &outer));
    TRY(read_provider(a, &outer, &config));
    *ret_config = config;
    return OK;
}
