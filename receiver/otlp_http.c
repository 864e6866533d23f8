/* otlp_http.c - ExportMetricsServiceResponse for a success, google.rpc.Status for anything else.
 *
 * Source: opentelemetry.io/docs/specs/otlp, "OTLP/HTTP response". Thanos answers with texts. */
#include "receiver/otlp_http.h"

#include "base/mem.h"

static const char *const content_types[] = {
    [OTLP_PROTOBUF] = "application/x-protobuf", [OTLP_JSON] = "application/json"};

/* The code of gRPC that OTLP gives a status which is no error of ours. */
static int
grpc_code(int status)
{
    return err_grpc_status(status == err_http_status(ERR_OVERLOAD) ? ERR_OVERLOAD : ERR_INVALID);
}

void
otlp_http_reply(struct http_request *r, struct err e, const struct partial *p)
{
    enum otlp_encoding encoding = ingest_otlp_encoding(http_header(r, "Content-Type"));
    AUTO(buf_fini) struct buf body = BUF_INIT;
    int status = p->verdict.status;
    if (e.code != ERR_NONE) {
        status = err_http_status(e.code);
        otlp_encode_status(encoding, err_grpc_status(e.code), str_of_cstr(err_text(&e)), &body);
    } else if (status / 100 != 2) {
        otlp_encode_status(encoding, grpc_code(status), p->verdict.text, &body);
    } else {
        otlp_encode_answer(encoding, p->refused, p->verdict.text, &body);
    }
    if (body.n == 0) /* an empty message has its type, too */
        http_set_header(r, "Content-Type", str_of_cstr(content_types[encoding]));
    err_drop(e);
    http_reply_buf(r, status, content_types[encoding], &body);
}
