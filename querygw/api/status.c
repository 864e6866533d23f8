/* status.c - /api/v1/status: what runs here. Grafana tells Prometheus from others by buildinfo. */
#include <unistd.h>

#include "base/cpu.h"
#include "base/regex.h"
#include "querygw/api/api_int.h"
#include "querygw/api/rfc3339.h"

static void
put_field(struct api_call *c, const char *key, struct str value)
{
    json_key(&c->out.w, str_of_cstr(key));
    json_str(&c->out.w, value);
}

struct err
call_status_build(struct api_call *c)
{
    const struct api_opts *o = &c->api->opts;
    call_begin_data(c);
    json_begin_object(&c->out.w);
    put_field(c, "version", str_of_cstr(o->version));
    put_field(c, "revision", str_of_cstr(o->revision));
    put_field(c, "branch", str_of_cstr(o->branch));
    put_field(c, "buildUser", str_of_cstr(o->build_user));
    put_field(c, "buildDate", str_of_cstr(o->build_date));
    put_field(c, "goVersion", STR(""));
    json_end_object(&c->out.w);
    return call_end_data(c);
}

static void
put_instant(struct api_call *c, const char *key, int64_t unix_s)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    rfc3339_format(unix_s, &text);
    put_field(c, key, buf_str(&text));
}

/* Only in Prometheus' answer. */
static void
put_host(struct api_call *c)
{
    char host[256];
    bool has_host = gethostname(host, sizeof host - 1) == 0;
    host[sizeof host - 1] = '\0';
    put_field(c, "hostname", has_host ? str_of_cstr(host) : STR(""));
    put_instant(c, "serverTime", clock_wall_ms(c->api->opts.clock) / 1000);
    struct reloads_state state = {true, c->api->started_s * 1000};
    if (c->api->opts.reloads)
        state = reloads_state(c->api->opts.reloads);
    json_key(&c->out.w, STR("reloadConfigSuccess"));
    json_bool(&c->out.w, state.successful);
    put_instant(c, "lastConfigTime", state.success_ms / 1000);
    json_key(&c->out.w, STR("corruptionCount"));
    json_u64(&c->out.w, 0);
}

struct err
call_status_runtime(struct api_call *c)
{
    char dir[4096];
    bool has_dir = getcwd(dir, sizeof dir) != NULL;
    call_begin_data(c);
    json_begin_object(&c->out.w);
    put_instant(c, "startTime", c->api->started_s);
    put_field(c, "CWD", has_dir ? str_of_cstr(dir) : STR(""));
    if (!c->params.flavour.short_runtime)
        put_host(c);
    json_key(&c->out.w, STR("goroutineCount"));
    json_u64(&c->out.w, pool_threads(c->api->opts.pool));
    json_key(&c->out.w, STR("GOMAXPROCS"));
    json_u64(&c->out.w, cpu_count());
    json_key(&c->out.w, STR("GOMEMLIMIT"));
    json_i64(&c->out.w, INT64_MAX); /* none */
    put_field(c, "GOGC", STR(""));
    put_field(c, "GODEBUG", STR(""));
    if (!c->params.flavour.short_runtime)
        put_field(c, "storageRetention", str_of_cstr(c->api->opts.retention));
    json_end_object(&c->out.w);
    return call_end_data(c);
}

struct err
call_status_config(struct api_call *c)
{
    AUTO(buf_fini) struct buf yaml = BUF_INIT;
    buf_append(&yaml, str_of_cstr(c->api->opts.config_yaml));
    if (c->api->opts.reloads)
        reloads_show(c->api->opts.reloads, &yaml);
    call_begin_data(c);
    json_begin_object(&c->out.w);
    put_field(c, "yaml", buf_str(&yaml));
    json_end_object(&c->out.w);
    return call_end_data(c);
}

static void
put_flag(void *arg, struct str name, struct str value)
{
    struct api_call *c = arg;
    json_key(&c->out.w, name);
    json_str(&c->out.w, value);
}

struct err
call_status_flags(struct api_call *c)
{
    const struct api_opts *o = &c->api->opts;
    call_begin_data(c);
    json_begin_object(&c->out.w);
    if (o->each_flag)
        o->each_flag(o->each_flag_arg, put_flag, c);
    json_end_object(&c->out.w);
    return call_end_data(c);
}

static bool
name_matches(void *regex, struct str name)
{
    return regex_match(regex, name);
}

struct err
call_status_self_metrics(struct api_call *c)
{
    struct str pattern = param_text(&c->params, "metric_name_pattern");
    AUTO(regex_free) struct regex *regex = NULL;
    AUTO(buf_fini) struct buf families = BUF_INIT;
    if (pattern.n > 0)
        TRY_IN(regex_compile(pattern, &regex), "invalid metric_name_pattern");
    if (c->api->opts.metrics)
        metrics_write_json(c->api->opts.metrics, regex ? name_matches : NULL, regex, &families);
    call_begin_data(c);
    json_raw(&c->out.w, families.n > 0 ? buf_str(&families) : STR("[]"));
    return call_end_data(c);
}
