/* trace_post.c - see trace_post.h. */
#include "net/trace/trace_post.h"

#include <curl/curl.h>

#include "base/assert.h"
#include "base/codec.h"
#include "base/mem.h"

struct trace_post {
    const struct trace_config *config;
    CURL *curl;
    struct curl_slist *headers;
    struct buf coded; /* reused */
    char why[CURL_ERROR_SIZE];
};

/* The answer tells nothing beyond its status. */
static size_t
throw_away(char *bytes, size_t size, size_t count, void *arg)
{
    (void)bytes, (void)arg;
    return size * count;
}

static void
add_header(struct trace_post *p, const char *line)
{
    struct curl_slist *longer = curl_slist_append(p->headers, line);
    ASSERT(longer); /* only memory can be missing */
    p->headers = longer;
}

static void
add_headers(struct trace_post *p)
{
    AUTO(buf_fini) struct buf line = BUF_INIT;
    add_header(p, "Content-Type: application/x-protobuf");
    add_header(p, "Expect:"); /* no round trip before a body of some kilobytes */
    if (p->config->gzip)
        add_header(p, "Content-Encoding: gzip");
    for (size_t i = 0; i < p->config->headers.n; i++) {
        const struct trace_pair *h = &p->config->headers.v[i];
        buf_clear(&line);
        /* An empty value is said with a semicolon; see CURLOPT_HTTPHEADER. */
        buf_printf(&line, h->value.n > 0 ? "%.*s: %.*s" : "%.*s;%.*s", STR_FMT(h->name),
                   STR_FMT(h->value));
        add_header(p, buf_cstr(&line));
    }
}

/* Views of arena texts end in NUL (trace_config.h). */
static void
set_options(struct trace_post *p)
{
    const struct trace_config *c = p->config;
    CURL *curl = p->curl;
    curl_easy_setopt(curl, CURLOPT_URL, c->url.p);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, p->headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, throw_away);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, p->why);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (c->tls.ca_file.n > 0)
        curl_easy_setopt(curl, CURLOPT_CAINFO, c->tls.ca_file.p);
    if (c->tls.cert_file.n > 0) {
        curl_easy_setopt(curl, CURLOPT_SSLCERT, c->tls.cert_file.p);
        curl_easy_setopt(curl, CURLOPT_SSLKEY, c->tls.key_file.p);
    }
    if (c->tls.skip_verify) {
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

struct err
trace_post_open(const struct trace_config *config, struct trace_post **ret_post)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return ERR(ERR_UNAVAILABLE, "libcurl cannot be used");
    CURL *curl = curl_easy_init();
    if (!curl)
        return ERR(ERR_UNAVAILABLE, "libcurl cannot be used");
    struct trace_post *p = mem_alloc_zero(sizeof *p);
    p->config = config;
    p->curl = curl;
    add_headers(p);
    set_options(p);
    *ret_post = p;
    return OK;
}

void
trace_post_close(struct trace_post *p)
{
    if (!p)
        return;
    curl_easy_cleanup(p->curl);
    curl_slist_free_all(p->headers);
    buf_fini(&p->coded);
    mem_free(p);
}

static struct err
check_status(long status)
{
    if (status >= 200 && status < 300)
        return OK;
    bool may_pass = status == 429 || (status >= 502 && status <= 504);
    return ERR(may_pass ? ERR_UNAVAILABLE : ERR_INVALID, "the collector answered %ld", status);
}

struct err
trace_post_send(struct trace_post *p, struct str message, int64_t timeout_ms)
{
    if (p->config->gzip) {
        buf_clear(&p->coded);
        gzip_encode(message, &p->coded);
        message = buf_str(&p->coded);
    }
    p->why[0] = '\0';
    curl_easy_setopt(p->curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(p->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)message.n);
    curl_easy_setopt(p->curl, CURLOPT_POSTFIELDS, message.p);
    CURLcode code = curl_easy_perform(p->curl);
    if (code != CURLE_OK)
        return ERR(ERR_UNAVAILABLE, "collector: %s", p->why[0] ? p->why : curl_easy_strerror(code));
    long status = 0;
    curl_easy_getinfo(p->curl, CURLINFO_RESPONSE_CODE, &status);
    return check_status(status);
}
