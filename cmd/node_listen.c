/* node_listen.c - both listeners: TLS, users and tokens in front, limits of connections. */
#include "base/cpu.h"
#include "base/mem.h"
#include "cmd/node_int.h"

enum { PASSWORD_CPUS = 4 }; /* one thread of password checks for so many processors */

/* TLS of the write listener by flags; false: none. */
static bool
write_tls_opts(const struct node_opts *o, struct tls_server_opts *ret_opts)
{
    if (o->write_tls.cert_file[0] == '\0' && o->write_tls.key_file[0] == '\0')
        return false;
    *ret_opts = (struct tls_server_opts){
        .cert.file = o->write_tls.cert_file,
        .key.file = o->write_tls.key_file,
        .client_ca.file = o->write_tls.client_ca_file,
        .client_auth = o->write_tls.client_ca_file[0] ? "RequireAndVerifyClientCert" : NULL,
        .min_version = o->write_tls.min_version,
        .ciphers = o->write_tls.ciphers,
        .curves = o->write_tls.curves,
    };
    return true;
}

static struct err
reload_guard(void *arg)
{
    return http_guard_reload(arg);
}

static void
each_guard_file(void *arg, reload_file_visit visit, void *visit_arg)
{
    http_guard_each_file(arg, visit, visit_arg);
}

/* Added when it is loaded: only then its files are known. */
static void
watch_guard(struct node *n, const char *name, struct http_guard *g)
{
    reloads_add(n->reloads,
                &(struct reloadable){
                    .name = name, .load = reload_guard, .arg = g, .each_file = each_guard_file});
}

static struct err
reload_jwt(void *arg)
{
    return jwt_guard_reload(arg);
}

/* Where a token binds its sender to one tenant, nothing else may name one. */
static struct err
open_jwt_guard(struct node *n)
{
    const struct node_opts *o = n->opts;
    bool has_file = o->tenant_jwt.key_file[0] != '\0';
    if (o->tenant_jwt.claim.n == 0 && !has_file && o->tenant_jwt.issuer.n == 0 &&
        o->tenant_jwt.audience.n == 0)
        return OK;
    if (o->tenant_jwt.claim.n == 0 || !has_file)
        return ERR(ERR_INVALID, "--receive.tenant-jwt-claim and --receive.tenant-jwt-key-file go "
                                "together");
    if (o->tenant_certificate_field.n > 0 || o->split_tenant_label.n > 0)
        return ERR(ERR_INVALID, "--receive.tenant-jwt-claim binds senders to a tenant: neither "
                                "--receive.tenant-certificate-field nor "
                                "--receive.split-tenant-label-name can name another beside it");
    struct jwt_guard_opts opts = {
        .key_file = o->tenant_jwt.key_file,
        .want = {o->tenant_jwt.claim, o->tenant_jwt.issuer, o->tenant_jwt.audience},
        .metrics = n->metrics,
        .clock = clock_system(),
        .threads = size_max(1, cpu_count() / PASSWORD_CPUS),
    };
    TRY_IN(jwt_guard_open(&opts, &n->jwt_guard), "--receive.tenant-jwt-key-file");
    reloads_add(n->reloads, &(struct reloadable){.name = "receive.tenant-jwt-key-file",
                                                 .load = reload_jwt,
                                                 .arg = n->jwt_guard,
                                                 .files = {o->tenant_jwt.key_file}});
    return OK;
}

struct err
node_open_guards(struct node *n)
{
    TRY(open_jwt_guard(n));
    const struct node_opts *o = n->opts;
    struct tls_server_opts tls;
    struct http_guard_opts http = {
        .web_file = o->http_web_file,
        .metrics = n->metrics,
        .clock = clock_system(),
        .password_threads = size_max(1, cpu_count() / PASSWORD_CPUS),
    };
    struct http_guard_opts write = http;
    write.web_file = o->write_web_file;
    write.tls = write_tls_opts(o, &tls) ? &tls : NULL;
    write.jwt = n->jwt_guard;
    TRY_IN(http_guard_open(&http, &n->http_guard), "TLS and users of http-address");
    watch_guard(n, "TLS and users of http-address", n->http_guard);
    TRY_IN(http_guard_open(&write, &n->write_guard), "TLS and users of remote-write.address");
    watch_guard(n, "TLS and users of remote-write.address", n->write_guard);
    return OK;
}

/* What both listeners have in common. */
static struct http_server_opts
server_opts(struct node *n)
{
    const struct node_opts *o = n->opts;
    return (struct http_server_opts){
        .loops = n->loops,
        .memory = &n->memory,
        .metrics = n->metrics,
        .log = n->log,
        .clock = clock_system(),
        .read_timeout_ms = (uint64_t)o->http_limits.read_timeout_ms,
        .write_timeout_ms = (uint64_t)o->http_limits.write_timeout_ms,
        .idle_timeout_ms = (uint64_t)o->http_limits.idle_timeout_ms,
        .connections_max = o->http_limits.connections_max,
        .request_log = n->observe.request_log,
        .tracer = n->observe.tracer,
    };
}

struct err
node_start_servers(struct node *n)
{
    const struct node_opts *o = n->opts;
    struct http_server_opts http = server_opts(n);
    http.address = o->http_address;
    http.router = n->http_router;
    http.guard = n->http_guard;
    http.tls = http_guard_tls(n->http_guard);
    http.request_timeout_ms = (uint64_t)o->query_timeout_ms;
    http.tenant_header = o->query_tenant_header;
    http.default_tenant = o->query_default_tenant;
    TRY_IN(http_server_start(&http, &n->http_server), "http-address");
    struct http_server_opts write = server_opts(n);
    write.address = o->write_address;
    write.router = n->write_router;
    write.guard = n->write_guard;
    write.tls = http_guard_tls(n->write_guard);
    write.tenant_header = o->write_tenant_header;
    write.default_tenant = o->write_default_tenant;
    TRY_IN(http_server_start(&write, &n->write_server), "remote-write.address");
    return OK;
}
