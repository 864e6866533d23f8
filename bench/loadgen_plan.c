/* loadgen_plan.c - cuts the load into requests. */
#include "bench/loadgen_plan.h"

#include "base/codec.h"
#include "base/mem.h"
#include "bench/loadgen_otlp.h"
#include "proto/remote_write2.h"

static uint64_t
ceil_div(uint64_t a, uint64_t b)
{
    return (a + b - 1) / b;
}

/* A run of series that travel together, and their keys while the names stay the same. */
struct group {
    uint64_t first, last;
    uint64_t number; /* among all runs */
    struct buf keys;
    VEC(size_t) ends; /* of each key in `keys` */
    uint64_t generation;
};

static void
group_fini(struct group *g)
{
    buf_fini(&g->keys);
    vec_fini(&g->ends);
}

static void
auto_group_fini(struct group *g)
{
    group_fini(g);
}

static void
group_name(const struct load_spec *load, uint64_t first_sample, struct group *g)
{
    uint64_t generation = load->churn_percent ? first_sample / load->churn_every : 0;
    if (g->ends.n > 0 && g->generation == generation)
        return;
    g->generation = generation;
    buf_clear(&g->keys);
    vec_clear(&g->ends);
    for (uint64_t i = g->first; i <= g->last; i++) {
        load_label_key(load, i, first_sample, &g->keys);
        vec_push(&g->ends, g->keys.n);
    }
}

/* Calls put(arg, m) for each series of a request; `m` has one row. */
static void
each_row(const struct loadgen_opts *o, struct group *g, const struct planned *p,
         void (*put)(void *arg, const struct write_message *m), void *arg)
{
    group_name(&o->load, p->first_sample, g);
    struct sample *samples = mem_array_zero(o->samples_per_row, sizeof *samples);
    for (uint64_t i = g->first, start = 0; i <= g->last; i++) {
        size_t end = *vec_at(&g->ends, i - g->first), n = 0;
        for (uint64_t j = p->first_sample; j <= p->last_sample; j++)
            samples[n++] = load_sample(&o->load, i, j);
        struct append_row row = {.label_key = str_of(g->keys.p + start, end - start),
                                 .sample_count = (uint32_t)n};
        put(arg, &(struct write_message){
                     .rows = &row, .row_count = 1, .samples = samples, .sample_count = n});
        start = end;
    }
    mem_free(samples);
}

static void
put_row_1(void *to, const struct write_message *m)
{
    remote_write_encode_series(to, m->rows[0].label_key, m->samples, m->sample_count);
}

static void
put_row_2(void *to, const struct write_message *m)
{
    remote_write2_add(to, m, &m->rows[0], (struct remote_write2_extras){.start_ms = 0});
}

static void
put_rows_1(const struct loadgen_opts *o, struct group *g, const struct planned *p, struct buf *to)
{
    each_row(o, g, p, put_row_1, to);
}

static void
put_rows_2(const struct loadgen_opts *o, struct group *g, const struct planned *p, struct buf *to)
{
    AUTO(remote_write2_fini) struct remote_write2 request;
    remote_write2_init(&request);
    each_row(o, g, p, put_row_2, &request);
    remote_write2_encode(&request, to);
}

static void
put_otlp(const struct loadgen_opts *o, struct group *g, const struct planned *p, struct buf *to)
{
    loadgen_otlp_encode(&o->load, g->first, g->last, p->first_sample, p->last_sample, to);
}

static const struct protocol {
    void (*encode)(const struct loadgen_opts *o, struct group *g, const struct planned *p,
                   struct buf *to);
    bool snappy; /* OTLP's senders do without gzip unless told */
    const char *headers;
} protocols[] = {
    [LOAD_REMOTE_WRITE_1] = {put_rows_1, true,
                             "Content-Type: application/x-protobuf\r\n"
                             "Content-Encoding: snappy\r\n"
                             "X-Prometheus-Remote-Write-Version: 0.1.0\r\n"},
    [LOAD_REMOTE_WRITE_2] = {put_rows_2, true,
                             "Content-Type: application/x-protobuf;"
                             "proto=io.prometheus.write.v2.Request\r\n"
                             "Content-Encoding: snappy\r\n"
                             "X-Prometheus-Remote-Write-Version: 2.0.0\r\n"},
    [LOAD_OTLP] = {put_otlp, false, "Content-Type: application/x-protobuf\r\n"},
};

static void
encode(const struct loadgen_opts *o, struct group *g, struct planned *p)
{
    AUTO(buf_fini) struct buf message = BUF_INIT, body = BUF_INIT;
    const struct protocol *protocol = &protocols[o->protocol];
    protocol->encode(o, g, p, &message);
    if (protocol->snappy)
        snappy_encode(buf_str(&message), &body);
    else
        buf_append(&body, buf_str(&message));
    buf_printf(&p->bytes,
               "POST %s HTTP/1.1\r\nHost: %s:%s\r\nUser-Agent: mneme-loadgen\r\n"
               "%sContent-Length: %zu\r\n",
               o->targets[0].path, o->targets[0].host, o->targets[0].port, protocol->headers,
               body.n);
    if (o->tenant.n > 0)
        buf_printf(&p->bytes, "THANOS-TENANT: %.*s", STR_FMT(o->tenant));
    if (o->tenants > 1)
        buf_printf(&p->bytes, "-%ju", (uintmax_t)(g->number % o->tenants));
    if (o->tenant.n > 0)
        buf_append(&p->bytes, STR("\r\n"));
    buf_append(&p->bytes, STR("\r\n"));
    buf_append(&p->bytes, buf_str(&body));
}

struct err
plan_build(const struct loadgen_opts *o, uint64_t index, struct plan *ret_plan)
{
    AUTO(plan_fini) struct plan plan = VEC_INIT;
    uint64_t group_series = o->request_samples / o->samples_per_row;
    uint64_t group_count = ceil_div(o->series, group_series);
    uint64_t rounds = ceil_div(o->samples_per_series, o->samples_per_row);
    uint64_t mine = group_count > index ? ceil_div(group_count - index, o->connections) : 0;
    uint64_t bytes = 0, bytes_max = ((uint64_t)PLAN_GIB_MAX << 30) / o->connections;
    plan.n = plan.cap = mine * rounds;
    plan.v = mem_array_zero(plan.n, sizeof *plan.v);
    for (uint64_t m = 0; m < mine; m++) {
        uint64_t number = index + m * o->connections, at = number * group_series;
        AUTO(group_fini) struct group g = {.first = o->first_series + at, .number = number};
        g.last = o->first_series + u64_min(at + group_series, o->series) - 1;
        for (uint64_t round = 0; round < rounds; round++) {
            struct planned *p = vec_at(&plan, round * mine + m); /* rounds are the outer order */
            uint64_t done = round * o->samples_per_row;
            *p = (struct planned){.first_series = g.first, .last_series = g.last, .round = round};
            p->first_sample = o->first_sample + done;
            p->last_sample =
                o->first_sample - 1 + u64_min(done + o->samples_per_row, o->samples_per_series);
            encode(o, &g, p);
            bytes += p->bytes.cap;
            if (bytes > bytes_max)
                return ERR(ERR_LIMIT,
                           "the requests take more than %d GiB: lower --series or "
                           "--samples-per-series",
                           PLAN_GIB_MAX);
        }
    }
    *ret_plan = plan;
    plan = (struct plan)VEC_INIT;
    return OK;
}

void
plan_fini(struct plan *p)
{
    vec_each (p, planned)
        buf_fini(&planned->bytes);
    vec_fini(p);
}
