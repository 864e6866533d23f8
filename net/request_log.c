/* request_log.c - see request_log.h. Source: thanos pkg/logging, docs/logging.md. */
#include "net/request_log.h"

#include "base/mem.h"
#include "conf/yaml_read.h"

struct request_log {
    const struct request_log_config *config;
    struct log *log;
    struct log_throttle throttle;
};

/* --- the configuration ------------------------------------------------------------------------ */

struct decision {
    bool start, end;
};
struct options {
    struct str level;
    struct decision decision;
};
struct protocol {
    struct options options;
    const struct yaml_node *config; /* a list */
};
struct whole {
    struct protocol http, grpc;
    struct options options;
};
struct http_rule {
    struct str path;
    uint64_t port;
};
struct grpc_rule {
    struct str service, method;
};

/* clang-format off */
static const struct yaml_field decision_fields[] = {
    YAML_FIELD(decision, start, "log_start", BOOL)
    YAML_FIELD(decision, end, "log_end", BOOL)
};
static const struct yaml_field options_fields[] = {
    YAML_FIELD(options, level, "level", TEXT)
    YAML_FIELD(options, decision, "decision", STRUCT, .fields = YAML_FIELDS(decision_fields))
};
static const struct yaml_field protocol_fields[] = {
    YAML_FIELD(protocol, options, "options", STRUCT, .fields = YAML_FIELDS(options_fields))
    YAML_FIELD(protocol, config, "config", ANY)
};
static const struct yaml_field whole_fields[] = {
    YAML_FIELD(whole, http, "http", STRUCT, .fields = YAML_FIELDS(protocol_fields))
    YAML_FIELD(whole, grpc, "grpc", STRUCT, .fields = YAML_FIELDS(protocol_fields))
    YAML_FIELD(whole, options, "options", STRUCT, .fields = YAML_FIELDS(options_fields))
};
static const struct yaml_field http_rule_fields[] = {
    YAML_FIELD(http_rule, path, "path", TEXT)
    YAML_FIELD(http_rule, port, "port", U64, .min = 0, .max = 65535)
};
static const struct yaml_field grpc_rule_fields[] = {
    YAML_FIELD(grpc_rule, service, "service", TEXT)
    YAML_FIELD(grpc_rule, method, "method", TEXT)
};
/* clang-format on */

/* Thanos reads WARNING as "everything"; here it is what it says. */
static struct err
read_level(struct str text, enum log_level *ret_level)
{
    static const struct {
        const char *name;
        enum log_level level;
    } rows[] = {
        {"DEBUG", LOG_DEBUG}, {"INFO", LOG_INFO}, {"WARNING", LOG_WARN}, {"ERROR", LOG_ERROR}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (str_eq(text, str_of_cstr(rows[i].name))) {
            *ret_level = rows[i].level;
            return OK;
        }
    }
    return ERR(ERR_INVALID,
               "the format of level is invalid. Expected INFO/DEBUG/ERROR/WARNING, got this %.*s",
               STR_FMT(text));
}

/* The protocol's own options go before those of all; both are checked. */
static struct err
choose_options(const struct options *all, const struct options *own,
               enum request_log_decision *ret_decision, enum log_level *ret_level)
{
    const struct options *const both[] = {all, own};
    enum request_log_decision decision = REQUEST_LOG_NOTHING;
    enum log_level level = LOG_ERROR;
    for (size_t i = 0; i < 2; i++) {
        const struct options *o = both[i];
        if (o->level.n == 0) {
            if (o->decision.start || o->decision.end)
                return ERR(ERR_INVALID, "level field is empty");
            continue;
        }
        TRY(read_level(o->level, &level));
        if (o->decision.start && !o->decision.end)
            return ERR(ERR_INVALID, "log start call is not supported");
        decision = o->decision.start ? REQUEST_LOG_START_AND_END
                   : o->decision.end ? REQUEST_LOG_END
                                     : REQUEST_LOG_NOTHING;
    }
    *ret_decision = decision;
    *ret_level = level;
    return OK;
}

static struct err
check_list(const struct yaml_node *list)
{
    if (list->kind != YAML_LIST || list->count > REQUEST_LOG_RULES_MAX)
        return yaml_err_at(list, ERR(ERR_INVALID, "config: a list of at most %d maps is expected",
                                     REQUEST_LOG_RULES_MAX));
    return OK;
}

static struct err
read_http_rules(struct arena *a, const struct yaml_node *list, struct request_log_config *to)
{
    if (!list || yaml_is_null(list))
        return OK;
    TRY(check_list(list));
    to->rules = ARENA_ARRAY(a, struct request_log_rule, list->count);
    for (size_t i = 0; i < list->count; i++) {
        struct http_rule rule = {.port = 0};
        TRY(yaml_read(list->items[i], YAML_FIELDS(http_rule_fields), a, &rule));
        to->rules[to->rule_count++] = (struct request_log_rule){rule.path, rule.port};
    }
    return OK;
}

static struct err
check_grpc_rules(struct arena *a, const struct yaml_node *list)
{
    if (!list || yaml_is_null(list))
        return OK;
    TRY(check_list(list));
    for (size_t i = 0; i < list->count; i++) {
        struct grpc_rule rule;
        TRY(yaml_read(list->items[i], YAML_FIELDS(grpc_rule_fields), a, &rule));
    }
    return OK;
}

struct err
request_log_config_read(struct arena *a, struct str yaml, struct request_log_config *ret_config)
{
    const struct yaml_node *root;
    struct whole whole = {.http.config = NULL};
    struct request_log_config config = {.rule_count = 0}, grpc;
    TRY(yaml_parse(a, yaml, &root));
    TRY(yaml_read(root, YAML_FIELDS(whole_fields), a, &whole));
    TRY_IN(choose_options(&whole.options, &whole.http.options, &config.decision, &config.level),
           "http");
    TRY_IN(choose_options(&whole.options, &whole.grpc.options, &grpc.decision, &grpc.level),
           "grpc");
    TRY(read_http_rules(a, whole.http.config, &config));
    TRY(check_grpc_rules(a, whole.grpc.config));
    *ret_config = config;
    return OK;
}

/* Thanos compares with the port that the client names in Host, and with the query string; both
 * make rules miss. */
enum request_log_decision
request_log_decide(const struct request_log_config *c, struct str path, unsigned port)
{
    if (c->decision == REQUEST_LOG_NOTHING || c->rule_count == 0)
        return c->decision;
    for (size_t i = 0; i < c->rule_count; i++) {
        const struct request_log_rule *rule = &c->rules[i];
        if (str_eq(rule->path, path) && (rule->port == 0 || rule->port == port))
            return c->decision;
    }
    return REQUEST_LOG_NOTHING;
}

/* --- lines --------------------------------------------------------------------------------------
 */

struct request_log *
request_log_open(const struct request_log_config *config, struct log *log)
{
    struct request_log *l = mem_alloc_zero(sizeof *l);
    l->config = config;
    l->log = log;
    return l;
}

void
request_log_close(struct request_log *l)
{
    mem_free(l);
}

enum request_log_decision
request_log_wants(const struct request_log *l, struct str path, unsigned port)
{
    return l ? request_log_decide(l->config, path, port) : REQUEST_LOG_NOTHING;
}

static struct str
cut(struct str text)
{
    return str_of(text.p, size_min(text.n, REQUEST_LOG_VALUE_BYTES_MAX));
}

static bool
passes(struct request_log *l, enum log_level level, uint32_t *ret_dropped)
{
    return level >= l->config->level && log_writes(l->log, level) &&
           log_throttle_pass(&l->throttle, l->log, REQUEST_LOG_LINES_MAX, ret_dropped);
}

enum { LINE_PAIRS_MAX = 12 };

/* What both lines have. */
static size_t
put_common(const struct request_log_line *line, struct buf *method, struct log_kv *kv)
{
    size_t n = 0;
    buf_printf(method, "%.*s %.*s", STR_FMT(line->method), STR_FMT(cut(line->path)));
    kv[n++] = KV_CSTR("protocol", "http");
    kv[n++] = KV_CSTR("http.component", "server");
    kv[n++] = KV_STR("http.method", buf_str(method));
    kv[n++] = KV_STR("http.request_id", cut(line->request_id));
    kv[n++] = KV_STR("http.user_agent", cut(line->user_agent));
    kv[n++] = KV_CSTR("thanos.method_name", line->handler);
    kv[n++] = KV_STR("peer", line->peer);
    if (line->trace_id.n > 0)
        kv[n++] = KV_STR("traceID", line->trace_id);
    return n;
}

void
request_log_start(struct request_log *l, const struct request_log_line *line)
{
    uint32_t dropped = 0;
    if (!passes(l, LOG_DEBUG, &dropped))
        return;
    AUTO(buf_fini) struct buf method = BUF_INIT;
    struct log_kv kv[LINE_PAIRS_MAX];
    size_t n = put_common(line, &method, kv);
    if (dropped > 0)
        kv[n++] = KV_U64("lines_dropped", dropped);
    log_line(l->log, LOG_DEBUG, __FILE__, __LINE__, "started call", kv, n);
}

void
request_log_end(struct request_log *l, const struct request_log_line *line, int status,
                uint64_t duration_ns)
{
    enum log_level level = status >= 500 ? LOG_ERROR : LOG_DEBUG;
    uint32_t dropped = 0;
    if (!passes(l, level, &dropped))
        return;
    AUTO(buf_fini) struct buf method = BUF_INIT;
    struct log_kv kv[LINE_PAIRS_MAX];
    size_t n = put_common(line, &method, kv);
    kv[n++] = KV_I64("http.status_code", status);
    kv[n++] = KV_F64("http.time_ms", (double)(duration_ns / 1000) / 1000);
    kv[n++] = KV_STR("http.remote_addr",
                     line->forwarded_for.n > 0 ? cut(line->forwarded_for) : line->peer);
    if (dropped > 0)
        kv[n++] = KV_U64("lines_dropped", dropped);
    log_line(l->log, level, __FILE__, __LINE__, "finished call", kv, n);
}
