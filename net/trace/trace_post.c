/* trace_post.c - see trace_post.h. */
#include "net/trace/trace_post.h"

#include "base/codec.h"
#include "base/mem.h"
#include "net/http_client.h"

enum { ANSWER_BYTES_MAX = 1 << 20 }; /* it tells nothing beyond its status */

struct trace_post {
    const struct trace_config *config;
    struct http_client *client;
    struct buf coded; /* reused */
};

struct err
trace_post_open(const struct trace_config *config, struct trace_post **ret_post)
{
    size_t n = 0;
    struct http_client *client;
    struct http_client_header *headers = mem_array_zero(config->headers.n + 2, sizeof *headers);
    headers[n++] = (struct http_client_header){STR("Content-Type"), STR("application/x-protobuf")};
    if (config->gzip)
        headers[n++] = (struct http_client_header){STR("Content-Encoding"), STR("gzip")};
    for (size_t i = 0; i < config->headers.n; i++)
        headers[n++] =
            (struct http_client_header){config->headers.v[i].name, config->headers.v[i].value};
    struct http_client_opts opts = {.headers = headers,
                                    .header_count = n,
                                    .environment_proxy = true,
                                    .tls = {.ca_file = config->tls.ca_file,
                                            .cert_file = config->tls.cert_file,
                                            .key_file = config->tls.key_file,
                                            .skip_verify = config->tls.skip_verify}};
    struct err e = http_client_open(&opts, &client);
    mem_free(headers);
    TRY(e);
    struct trace_post *p = mem_alloc_zero(sizeof *p);
    p->config = config;
    p->client = client;
    *ret_post = p;
    return OK;
}

void
trace_post_close(struct trace_post *p)
{
    if (!p)
        return;
    http_client_close(p->client);
    buf_fini(&p->coded);
    mem_free(p);
}

static struct err
check_status(int status)
{
    if (status >= 200 && status < 300)
        return OK;
    bool may_pass = status == 429 || (status >= 502 && status <= 504);
    return ERR(may_pass ? ERR_UNAVAILABLE : ERR_INVALID, "the collector answered %d", status);
}

struct err
trace_post_send(struct trace_post *p, struct str message, int64_t timeout_ms)
{
    int status = 0;
    if (p->config->gzip) {
        buf_clear(&p->coded);
        gzip_encode(message, &p->coded);
        message = buf_str(&p->coded);
    }
    struct http_client_request q = {.url = p->config->url,
                                    .post = message,
                                    .timeout_ms = timeout_ms,
                                    .answer_bytes_max = ANSWER_BYTES_MAX};
    TRY_IN(http_client_send(p->client, &q, &status, NULL), "collector");
    return check_status(status);
}
