/* write_http.c - the doors for writes over HTTP: what of a request makes a write. */
#include "base/mem.h"
#include "ingest/tenant.h"
#include "receiver/write_job.h"

static struct str
certificate_value(const struct http_request *r, enum tenant_field field)
{
    switch (field) {
    case TENANT_FIELD_ORGANIZATION:
        return http_peer_subject(r, TLS_SUBJECT_ORGANIZATION);
    case TENANT_FIELD_UNIT:
        return http_peer_subject(r, TLS_SUBJECT_ORGANIZATIONAL_UNIT);
    case TENANT_FIELD_NAME:
        return http_peer_subject(r, TLS_SUBJECT_COMMON_NAME);
    case TENANT_FIELD_NONE:
    case TENANT_FIELD_COUNT:
        break;
    }
    return STR("");
}

static struct write_protocol
protocol_of(const struct receiver *v, enum write_protocol_kind kind)
{
    return (struct write_protocol){kind, &v->otlp,
                                   kind == WRITE_TEXT ? clock_wall_ms(v->clock) : 0};
}

static struct write
write_of(struct receiver *v, struct http_request *r, struct scratch *s)
{
    return (struct write){
        .tenant = {.field = v->tenant_field,
                   .certificate = certificate_value(r, v->tenant_field),
                   .by_token = v->tenant_by_token,
                   .token = http_identity(r),
                   .header = http_header(r, v->tenant_header),
                   .thanos_header = http_header(r, TENANT_HEADER_DEFAULT),
                   .fallback = str_of_cstr(v->default_tenant)},
        .body = {.bytes = http_body(r),
                 .content_type = http_header(r, "Content-Type"),
                 .content_encoding = http_header(r, "Content-Encoding"),
                 .decoded_bytes_max = v->decoded_bytes_max},
        .limits = &v->limits,
        .policy = v->policy,
        .memory = v->memory,
        .arena = &s->arena,
        .trace = http_trace(r),
        .decoded = &s->decoded,
    };
}

static void
serve(struct receiver *v, enum write_door door, enum write_protocol_kind protocol,
      struct http_request *r)
{
    struct scratch *s = scratch_acquire(&v->scratches, http_body(r).n);
    struct write q = write_of(v, r, s);
    q.protocol = protocol_of(v, protocol);
    write_job_run(write_job_open(v, r, door, s, &q));
}

void
write_http_receive(void *arg, struct http_request *r)
{
    serve(arg, DOOR_RECEIVE, WRITE_REMOTE, r);
}

void
write_http_write(void *arg, struct http_request *r)
{
    serve(arg, DOOR_WRITE, WRITE_REMOTE, r);
}

void
write_http_otlp(void *arg, struct http_request *r)
{
    serve(arg, DOOR_WRITE, WRITE_OTLP, r);
}

void
write_http_import(void *arg, struct http_request *r)
{
    serve(arg, DOOR_WRITE, WRITE_TEXT, r);
}
