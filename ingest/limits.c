/* limits.c - the limits file: tables of keys, tenants over defaults.
 *
 * Limits of one tenant begin as a copy of the defaults, so that a key that is left out, or null,
 * counts as the default's. 0 and less mean: no limit. */
#include "ingest/limits.h"

#include "base/assert.h"
#include "conf/yaml_read.h"
#include "tsdb/tenant_name.h"

const struct tenant_limits tenant_unlimited = {.ooo_window_ms = LIMIT_OF_FLAG,
                                               .future_window_ms = LIMIT_OF_FLAG};

const char *
limit_name(enum limit_kind kind)
{
    static const char *const names[LIMIT_KIND_COUNT] = {
        [LIMIT_BODY_SIZE] = "body_size",
        [LIMIT_SERIES] = "series",
        [LIMIT_SAMPLES] = "samples",
        [LIMIT_HEAD_SERIES] = "head_series",
        [LIMIT_LABELS] = "labels",
        [LIMIT_LABEL_NAME] = "label_name_length",
        [LIMIT_LABEL_VALUE] = "label_value_length",
        [LIMIT_RATE] = "ingestion_rate",
        [LIMIT_TOO_OLD] = "out_of_order_window",
        [LIMIT_TOO_NEW] = "future_window",
    };
    ASSERT(kind < LIMIT_KIND_COUNT);
    return names[kind];
}

/* --- tables ----------------------------------------------------------------------------------- */

/* Of one tenant, or the defaults, as written. */
struct tenant_text {
    struct {
        int64_t size_bytes, series, samples;
    } request;
    int64_t head_series, labels, name_bytes, value_bytes;
    struct {
        int64_t rate, burst;
    } ingestion;
    int64_t ooo_window_ms, future_window_ms;
};

static const struct yaml_field request_fields[] = {
    YAML_FIELD(tenant_text, request.size_bytes, "size_bytes_limit", I64)
        YAML_FIELD(tenant_text, request.series, "series_limit", I64)
            YAML_FIELD(tenant_text, request.samples, "samples_limit", I64)};
static const struct yaml_field ingestion_fields[] = {
    YAML_FIELD(tenant_text, ingestion.rate, "samples_per_second", I64)
        YAML_FIELD(tenant_text, ingestion.burst, "burst", I64)};
/* Offsets of the inner tables count from the outer struct. */
static const struct yaml_field tenant_fields[] = {
    {.name = "request", .type = YAML_STRUCT, .fields = {request_fields, ARRAY_LEN(request_fields)}},
    YAML_FIELD(tenant_text, head_series, "head_series_limit", I64)
        YAML_FIELD(tenant_text, labels, "label_limit", I64)
            YAML_FIELD(tenant_text, name_bytes, "label_name_length_limit", I64)
                YAML_FIELD(tenant_text, value_bytes, "label_value_length_limit",
                           I64){.name = "ingestion_rate",
                                .type = YAML_STRUCT,
                                .fields = {ingestion_fields, ARRAY_LEN(ingestion_fields)}},
    YAML_FIELD(tenant_text, ooo_window_ms, "out_of_order_time_window", DURATION)
        YAML_FIELD(tenant_text, future_window_ms, "too_far_in_future_time_window", DURATION)};

/* Who answers for all receivers. Keys of transport_config that shape a pool of connections are
 * checked and mean nothing here: there is one request every 15 s. */
struct transport_text {
    int64_t number, wait_ms;
    bool flag;
};
struct client_text {
    struct http_client_opts opts;
    struct transport_text transport;
};
static const struct yaml_field tls_fields[] = {
    YAML_FIELD(client_text, opts.tls.ca_file, "ca_file", TEXT)
        YAML_FIELD(client_text, opts.tls.cert_file, "cert_file", TEXT)
            YAML_FIELD(client_text, opts.tls.key_file, "key_file", TEXT)
                YAML_FIELD(client_text, opts.tls.server_name, "server_name", TEXT)
                    YAML_FIELD(client_text, opts.tls.skip_verify, "insecure_skip_verify", BOOL)};
static const struct yaml_field transport_fields[] = {
    YAML_FIELD(client_text, transport.number, "max_idle_conns", I64)
        YAML_FIELD(client_text, transport.number, "max_idle_conns_per_host", I64)
            YAML_FIELD(client_text, transport.number, "max_conns_per_host", I64)
                YAML_FIELD(client_text, transport.wait_ms, "idle_conn_timeout", DURATION)
                    YAML_FIELD(client_text, transport.wait_ms, "response_header_timeout", DURATION)
                        YAML_FIELD(client_text, transport.wait_ms, "expect_continue_timeout",
                                   DURATION)
                            YAML_FIELD(client_text, transport.wait_ms, "tls_handshake_timeout",
                                       DURATION)
                                YAML_FIELD(client_text, transport.flag, "disable_compression",
                                           BOOL)};
static const struct yaml_field basic_auth_fields[] = {
    YAML_FIELD(client_text, opts.basic.user, "username", TEXT)
        YAML_FIELD(client_text, opts.basic.password, "password", TEXT)
            YAML_FIELD(client_text, opts.basic.password_file, "password_file", TEXT)};
static const struct yaml_field client_fields[] = {
    {.name = "basic_auth",
     .type = YAML_STRUCT,
     .fields = {basic_auth_fields, ARRAY_LEN(basic_auth_fields)}},
    YAML_FIELD(client_text, opts.bearer.token, "bearer_token", TEXT)
        YAML_FIELD(client_text, opts.bearer.token_file, "bearer_token_file", TEXT)
            YAML_FIELD(client_text, opts.proxy_url, "proxy_url", TEXT){
                .name = "tls_config",
                .type = YAML_STRUCT,
                .fields = {tls_fields, ARRAY_LEN(tls_fields)}},
    {.name = "transport_config",
     .type = YAML_STRUCT,
     .fields = {transport_fields, ARRAY_LEN(transport_fields)}},
};

struct file_text {
    int64_t concurrency_max;
    struct str url, query;
    struct client_text client;
    const struct yaml_node *others, *tenants;
};
static const struct yaml_field global_fields[] = {
    YAML_FIELD(file_text, concurrency_max, "max_concurrency", I64)
        YAML_FIELD(file_text, url, "meta_monitoring_url", TEXT)
            YAML_FIELD(file_text, client, "meta_monitoring_http_client", STRUCT,
                       .fields = {client_fields, ARRAY_LEN(client_fields)})
                YAML_FIELD(file_text, query, "meta_monitoring_limit_query", TEXT)};
static const struct yaml_field write_fields[] = {
    {.name = "global", .type = YAML_STRUCT, .fields = {global_fields, ARRAY_LEN(global_fields)}},
    YAML_FIELD(file_text, others, "default", ANY) YAML_FIELD(file_text, tenants, "tenants", ANY)};
static const struct yaml_field file_fields[] = {
    {.name = "write", .type = YAML_STRUCT, .fields = {write_fields, ARRAY_LEN(write_fields)}},
};

/* --- reading ---------------------------------------------------------------------------------- */

static uint64_t
limit_of(int64_t written)
{
    return written > 0 ? (uint64_t)written : 0;
}

static struct tenant_limits
limits_of_text(const struct tenant_text *t)
{
    return (struct tenant_limits){
        .size_bytes = limit_of(t->request.size_bytes),
        .series = limit_of(t->request.series),
        .samples = limit_of(t->request.samples),
        .head_series = limit_of(t->head_series),
        .labels = limit_of(t->labels),
        .name_bytes = limit_of(t->name_bytes),
        .value_bytes = limit_of(t->value_bytes),
        .rate = limit_of(t->ingestion.rate),
        .burst = limit_of(t->ingestion.burst),
        .ooo_window_ms = t->ooo_window_ms,
        .future_window_ms = t->future_window_ms,
    };
}

static void
note_kinds(struct limits *l, const struct tenant_limits *t)
{
    l->limits_labels |= t->labels > 0 || t->name_bytes > 0 || t->value_bytes > 0;
    l->limits_heads |= t->head_series > 0;
}

/* NULL and null stand for what is in *text already. */
static struct err
read_tenant(const struct yaml_node *n, struct arena *a, struct tenant_text *text)
{
    return n && yaml_is_null(n) ? OK : yaml_read(n, YAML_FIELDS(tenant_fields), a, text);
}

static struct err
read_tenants(struct limits *l, const struct yaml_node *tenants, const struct tenant_text *others)
{
    if (!tenants || yaml_is_null(tenants))
        return OK;
    if (tenants->kind != YAML_MAP)
        return yaml_err_at(tenants, ERR(ERR_INVALID, "tenants: a map of tenants is expected"));
    for (size_t i = 0; i < tenants->count; i++) {
        const struct yaml_node *name = tenants->pairs[i].key;
        struct tenant_text text = *others;
        struct err e = tenant_name_check(name->text);
        if (e.code != ERR_NONE)
            return yaml_err_at(name, e);
        TRY(read_tenant(tenants->pairs[i].value, &l->arena, &text));
        struct tenant_limits *t = ARENA_NEW(&l->arena, struct tenant_limits);
        *t = limits_of_text(&text);
        note_kinds(l, t);
        (void)map_put(&l->tenants, name->text, t); /* names are unique in a map */
    }
    return OK;
}

/* As Go's url.Parse with a scheme and a host. */
static struct err
check_url(struct str url)
{
    struct str rest = url;
    struct str scheme = str_split(&rest, ':');
    bool has_host = str_starts_with(rest, STR("//")) && rest.n > 2 && rest.p[2] != '/';
    if (url.n > 0 && (scheme.n == 0 || !has_host))
        return ERR(ERR_INVALID, "meta_monitoring_url: \"%.*s\" has no scheme or no host",
                   STR_FMT(url));
    return OK;
}

/* As Prometheus' client: a request has one Authorization. */
static struct err
check_client(const struct http_client_opts *c)
{
    bool basic = c->basic.user.n + c->basic.password.n + c->basic.password_file.n > 0;
    if (basic + (c->bearer.token.n > 0) + (c->bearer.token_file.n > 0) > 1)
        return ERR(ERR_INVALID, "meta_monitoring_http_client: at most one of basic_auth, "
                                "bearer_token and bearer_token_file can be set");
    if (c->basic.password.n > 0 && c->basic.password_file.n > 0)
        return ERR(ERR_INVALID, "meta_monitoring_http_client: at most one of password and "
                                "password_file can be set");
    if ((c->tls.cert_file.n > 0) != (c->tls.key_file.n > 0))
        return ERR(ERR_INVALID, "meta_monitoring_http_client: cert_file and key_file go together");
    return OK;
}

static struct err
read_monitoring(struct limits *l, const struct file_text *file)
{
    TRY(check_url(file->url));
    TRY(check_client(&file->client.opts));
    struct str rest = file->url;
    rest = str_split(&rest, '#');
    l->monitoring = (struct limits_monitoring){
        .url = str_split(&rest, '?'),
        .query = file->query.n > 0 ? file->query : STR(LIMITS_MONITORING_QUERY_DEFAULT),
        .client = file->client.opts,
    };
    return OK;
}

struct err
limits_parse(struct str yaml, struct limits **ret_limits)
{
    AUTO(limits_unref) struct limits *l = mem_alloc_zero(sizeof *l);
    struct file_text file = {.concurrency_max = 0};
    struct tenant_text others = {.ooo_window_ms = LIMIT_OF_FLAG, .future_window_ms = LIMIT_OF_FLAG};
    const struct yaml_node *root = NULL;
    atomic_store_explicit(&l->refs, 1, memory_order_relaxed);
    arena_init(&l->arena, 0); /* bounded by the text */
    map_init(&l->tenants, MAP_KEYS_BORROWED);
    TRY(yaml_parse(&l->arena, yaml, &root));
    TRY(yaml_read(root, YAML_FIELDS(file_fields), &l->arena, &file));
    TRY(read_monitoring(l, &file));
    TRY(read_tenant(file.others, &l->arena, &others));
    l->others = limits_of_text(&others);
    note_kinds(l, &l->others);
    TRY(read_tenants(l, file.tenants, &others));
    l->concurrency_max = limit_of(file.concurrency_max);
    *ret_limits = TAKE(l);
    return OK;
}

struct limits *
limits_none(void)
{
    struct limits *l = NULL;
    struct err e = limits_parse(STR(""), &l);
    ASSERT(e.code == ERR_NONE);
    return l;
}

struct limits *
limits_ref(struct limits *l)
{
    atomic_fetch_add_explicit(&l->refs, 1, memory_order_relaxed);
    return l;
}

void
limits_unref(struct limits *l)
{
    if (!l || atomic_fetch_sub_explicit(&l->refs, 1, memory_order_acq_rel) > 1)
        return;
    map_fini(&l->tenants);
    arena_fini(&l->arena);
    mem_free(l);
}

const struct tenant_limits *
limits_of(const struct limits *l, struct str tenant)
{
    const struct tenant_limits *t = l->tenants.count > 0 ? map_get(&l->tenants, tenant) : NULL;
    return t ? t : &l->others;
}

struct append_limits
limits_of_head(const struct tenant_limits *t)
{
    return (struct append_limits){
        .series_max = t->head_series,
        .ooo_window_ms = t->ooo_window_ms,
        .future_window_ms = t->future_window_ms,
    };
}
