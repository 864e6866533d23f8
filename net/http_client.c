/* http_client.c - options of libcurl. */
#include "net/http_client.h"

#include <curl/curl.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "base/assert.h"
#include "base/fs.h"

struct http_client {
    CURL *curl;
    struct curl_slist *headers;
    struct arena arena; /* texts below, each with a NUL behind it; empty: "" */
    const char *user, *password, *password_file, *token, *token_file, *server_name;
    _Atomic(bool) canceled; /* relaxed: nothing is read along with it */
    char why[CURL_ERROR_SIZE];
};

/* Of one answer. */
struct sink {
    struct buf *to; /* NULL: thrown away */
    size_t bytes, bytes_max;
};

static size_t
take_bytes(char *bytes, size_t size, size_t count, void *arg)
{
    struct sink *sink = arg;
    sink->bytes += size * count;
    if (sink->bytes > sink->bytes_max)
        return 0; /* ends the transfer */
    if (sink->to)
        buf_append(sink->to, str_of(bytes, size * count));
    return size * count;
}

static int
look_for_cancel(void *arg, curl_off_t to_get, curl_off_t got, curl_off_t to_put, curl_off_t put)
{
    struct http_client *c = arg;
    (void)to_get, (void)got, (void)to_put, (void)put;
    return atomic_load_explicit(&c->canceled, memory_order_relaxed);
}

static void
add_line(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);
    ASSERT(longer); /* only memory can be missing */
    *list = longer;
}

static void
add_headers(struct http_client *c, const struct http_client_opts *opts)
{
    AUTO(buf_fini) struct buf line = BUF_INIT;
    add_line(&c->headers, "Expect:"); /* no round trip before a body of some kilobytes */
    for (size_t i = 0; i < opts->header_count; i++) {
        const struct http_client_header *h = &opts->headers[i];
        buf_clear(&line);
        /* An empty value is said with a semicolon; see CURLOPT_HTTPHEADER. */
        buf_printf(&line, h->value.n > 0 ? "%.*s: %.*s" : "%.*s;%.*s", STR_FMT(h->name),
                   STR_FMT(h->value));
        add_line(&c->headers, buf_cstr(&line));
    }
}

/* libcurl copies texts. */
static void
set_text(struct http_client *c, CURLoption option, struct str text)
{
    if (text.n > 0)
        curl_easy_setopt(c->curl, option, arena_str(&c->arena, text).p);
}

static void
set_options(struct http_client *c, const struct http_client_opts *opts)
{
    CURL *curl = c->curl;
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)HTTP_CLIENT_CONNECT_MS_MAX);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look_for_cancel);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, c);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, c->why);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    set_text(c, CURLOPT_CAINFO, opts->tls.ca_file);
    set_text(c, CURLOPT_SSLCERT, opts->tls.cert_file);
    set_text(c, CURLOPT_SSLKEY, opts->tls.key_file);
    if (opts->tls.skip_verify) {
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (opts->proxy_url.n > 0)
        set_text(c, CURLOPT_PROXY, opts->proxy_url);
    else if (!opts->environment_proxy)
        curl_easy_setopt(curl, CURLOPT_PROXY, "");
}

struct err
http_client_open(const struct http_client_opts *opts, struct http_client **ret_client)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return ERR(ERR_UNAVAILABLE, "libcurl cannot be used");
    CURL *curl = curl_easy_init();
    if (!curl)
        return ERR(ERR_UNAVAILABLE, "libcurl cannot be used");
    struct http_client *c = mem_alloc_zero(sizeof *c);
    c->curl = curl;
    arena_init(&c->arena, 0);
    c->user = arena_str(&c->arena, opts->basic.user).p;
    c->password = arena_str(&c->arena, opts->basic.password).p;
    c->password_file = arena_str(&c->arena, opts->basic.password_file).p;
    c->token = arena_str(&c->arena, opts->bearer.token).p;
    c->token_file = arena_str(&c->arena, opts->bearer.token_file).p;
    c->server_name = arena_str(&c->arena, opts->tls.server_name).p;
    add_headers(c, opts);
    set_options(c, opts);
    *ret_client = c;
    return OK;
}

void
http_client_close(struct http_client *c)
{
    if (!c)
        return;
    curl_easy_cleanup(c->curl);
    curl_slist_free_all(c->headers);
    arena_fini(&c->arena);
    mem_free(c);
}

/* --- one request ------------------------------------------------------------------------------ */

/* What belongs to one request, until it is over. */
struct transfer {
    struct curl_slist *headers, *connect_to; /* of a server_name */
    struct buf secret;
};

static void
transfer_fini(struct transfer *t)
{
    curl_slist_free_all(t->headers);
    curl_slist_free_all(t->connect_to);
    if (t->secret.n > 0)
        explicit_bzero(t->secret.p, t->secret.n);
    buf_fini(&t->secret);
}

static inline void
auto_transfer_fini(struct transfer *t)
{
    transfer_fini(t);
}

/* The secret, or what stands in its file without white space around it. */
static struct err
read_secret(const char *secret, const char *file, struct buf *to)
{
    if (file[0] == '\0') {
        buf_append(to, str_of_cstr(secret));
        return OK;
    }
    TRY(fs_read_file(fs_posix(), file, HTTP_CLIENT_SECRET_BYTES_MAX, to));
    struct str trimmed = str_trim(buf_str(to));
    memmove(to->p, trimmed.p, trimmed.n);
    to->n = trimmed.n;
    return OK;
}

static struct err
authorize(struct http_client *c, struct transfer *t)
{
    if (c->user[0] != '\0') {
        TRY(read_secret(c->password, c->password_file, &t->secret));
        curl_easy_setopt(c->curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
        curl_easy_setopt(c->curl, CURLOPT_USERNAME, c->user);
        curl_easy_setopt(c->curl, CURLOPT_PASSWORD, buf_cstr(&t->secret));
    } else if (c->token[0] != '\0' || c->token_file[0] != '\0') {
        TRY(read_secret(c->token, c->token_file, &t->secret));
        curl_easy_setopt(c->curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
        curl_easy_setopt(c->curl, CURLOPT_XOAUTH2_BEARER, buf_cstr(&t->secret));
    }
    return OK;
}

/* libcurl expects the URL's host in the certificate: the name becomes that host, and the connection
 * and the field Host stay with the real one. */
static struct err
go_by_server_name(struct http_client *c, CURLU *url, struct transfer *t)
{
    AUTO(buf_fini) struct buf line = BUF_INIT;
    char *host = NULL, *port = NULL;
    bool good = curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                curl_url_set(url, CURLUPART_HOST, c->server_name, 0) == CURLUE_OK;
    if (good) {
        buf_printf(&line, "%s:%s:%s:%s", c->server_name, port, host, port);
        add_line(&t->connect_to, buf_cstr(&line));
        buf_clear(&line);
        buf_printf(&line, "Host: %s:%s", host, port);
        for (const struct curl_slist *h = c->headers; h; h = h->next)
            add_line(&t->headers, h->data);
        add_line(&t->headers, buf_cstr(&line));
    }
    curl_free(host);
    curl_free(port);
    return good ? OK : ERR(ERR_INVALID, "the URL cannot be used with a server name");
}

static struct err
go_to(struct http_client *c, CURLU *url, const struct http_client_request *q, struct transfer *t)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    char *whole = NULL;
    buf_append(&text, q->url);
    if (curl_url_set(url, CURLUPART_URL, buf_cstr(&text), 0) != CURLUE_OK)
        return ERR(ERR_INVALID, "not a URL that can be used");
    if (c->server_name[0] != '\0' && str_starts_with_nocase(q->url, STR("https:")))
        TRY(go_by_server_name(c, url, t));
    if (curl_url_get(url, CURLUPART_URL, &whole, 0) != CURLUE_OK)
        return ERR(ERR_INVALID, "not a URL that can be used");
    curl_easy_setopt(c->curl, CURLOPT_URL, whole); /* copied */
    curl_free(whole);
    curl_easy_setopt(c->curl, CURLOPT_CONNECT_TO, t->connect_to);
    curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, t->headers ? t->headers : c->headers);
    return OK;
}

DEFINE_AUTO(CURLU *, curl_url_cleanup)

struct err
http_client_send(struct http_client *c, const struct http_client_request *q, int *ret_status,
                 struct buf *ret_answer)
{
    AUTO(transfer_fini) struct transfer t = {0};
    AUTO(curl_url_cleanup) CURLU *url = curl_url();
    struct sink sink = {.to = ret_answer, .bytes_max = q->answer_bytes_max};
    ASSERT(url);
    TRY(go_to(c, url, q, &t));
    TRY(authorize(c, &t));
    c->why[0] = '\0';
    curl_easy_setopt(c->curl, CURLOPT_TIMEOUT_MS, (long)q->timeout_ms);
    curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, &sink);
    if (q->post.p) {
        curl_easy_setopt(c->curl, CURLOPT_POST, 1L);
        curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->post.n);
        curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, q->post.p);
    } else {
        curl_easy_setopt(c->curl, CURLOPT_HTTPGET, 1L);
    }
    CURLcode code = curl_easy_perform(c->curl);
    if (sink.bytes > sink.bytes_max)
        return ERR(ERR_TOO_LARGE, "an answer of more than %zu bytes", sink.bytes_max);
    if (code != CURLE_OK)
        return ERR(ERR_UNAVAILABLE, "%s", c->why[0] ? c->why : curl_easy_strerror(code));
    long status = 0;
    curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
    *ret_status = (int)status;
    return OK;
}

void
http_client_cancel(struct http_client *c)
{
    atomic_store_explicit(&c->canceled, true, memory_order_relaxed);
}
