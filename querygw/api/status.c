/* status.c - /api/v1/status: what runs here. Grafana tells Prometheus from others by buildinfo. */
#include <unistd.h>

#include "base/cpu.h"
#include "querygw/api/api_int.h"
#include "querygw/api/rfc3339.h"

static void
put_field(struct api_call *c, const char *key, struct str value)
{
    json_key(&c->out.w, str_of_cstr(key));
    json_str(&c->out.w, value);
}

struct err
call_status_buildinfo(struct api_call *c)
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

struct err
call_status_runtimeinfo(struct api_call *c)
{
    AUTO(buf_fini) struct buf started = BUF_INIT, now = BUF_INIT;
    rfc3339_format(c->api->started_s, &started);
    rfc3339_format(clock_wall_ms(c->api->opts.clock) / 1000, &now);
    char dir[4096], host[256];
    bool has_dir = getcwd(dir, sizeof dir) != NULL;
    bool has_host = gethostname(host, sizeof host - 1) == 0;
    host[sizeof host - 1] = '\0';

    call_begin_data(c);
    json_begin_object(&c->out.w);
    put_field(c, "startTime", buf_str(&started));
    put_field(c, "CWD", has_dir ? str_of_cstr(dir) : STR(""));
    put_field(c, "hostname", has_host ? str_of_cstr(host) : STR(""));
    put_field(c, "serverTime", buf_str(&now));
    json_key(&c->out.w, STR("goroutineCount"));
    json_u64(&c->out.w, pool_threads(c->api->opts.pool));
    json_key(&c->out.w, STR("GOMAXPROCS"));
    json_u64(&c->out.w, cpu_count());
    put_field(c, "GOGC", STR(""));
    put_field(c, "GODEBUG", STR(""));
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
