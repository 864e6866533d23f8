/* web_config.c - the web file's tables, and what they cannot say. */
#include "conf/web_config.h"

#include "base/mem.h"
#include "conf/units.h"

/* clang-format off */
static const struct yaml_field tls_fields[] = {
    YAML_FIELD(web_tls, cert_file, "cert_file", TEXT)
    YAML_FIELD(web_tls, key_file, "key_file", TEXT)
    YAML_FIELD(web_tls, client_ca_file, "client_ca_file", TEXT)
    YAML_FIELD(web_tls, cert, "cert", TEXT)
    YAML_FIELD(web_tls, key, "key", TEXT)
    YAML_FIELD(web_tls, client_ca, "client_ca", TEXT)
    YAML_FIELD(web_tls, client_auth_type, "client_auth_type", TEXT)
    YAML_FIELD(web_tls, client_allowed_sans, "client_allowed_sans", TEXTS)
    YAML_FIELD(web_tls, min_version, "min_version", TEXT, .dflt = "TLS12")
    YAML_FIELD(web_tls, max_version, "max_version", TEXT, .dflt = "TLS13")
    YAML_FIELD(web_tls, cipher_suites, "cipher_suites", TEXTS)
    YAML_FIELD(web_tls, curve_preferences, "curve_preferences", TEXTS)
    YAML_FIELD(web_tls, prefer_server_cipher_suites, "prefer_server_cipher_suites", BOOL)
};

struct http_section {
    bool http2; /* accepted: there is no HTTP/2 to turn off */
    const struct yaml_node *headers;
};
static const struct yaml_field http_fields[] = {
    YAML_FIELD(http_section, http2, "http2", BOOL, .dflt = "true")
    YAML_FIELD(http_section, headers, "headers", ANY)
};

struct rate_section {
    struct str interval;
    int64_t burst;
};
static const struct yaml_field rate_fields[] = {
    YAML_FIELD(rate_section, interval, "interval", TEXT)
    YAML_FIELD(rate_section, burst, "burst", I64)
};

struct token_section {
    struct str name, token_file, sha256;
};
static const struct yaml_field token_fields[] = {
    YAML_FIELD(token_section, name, "name", TEXT, .notes = YAML_REQUIRED)
    YAML_FIELD(token_section, token_file, "token_file", TEXT)
    YAML_FIELD(token_section, sha256, "sha256", TEXT)
};

struct web_file {
    struct web_tls tls;
    struct http_section http;
    struct rate_section rate;
    const struct yaml_node *users, *tokens;
};
static const struct yaml_field file_fields[] = {
    YAML_FIELD(web_file, tls, "tls_server_config", STRUCT,
               .fields = {tls_fields, ARRAY_LEN(tls_fields)})
    YAML_FIELD(web_file, http, "http_server_config", STRUCT,
               .fields = {http_fields, ARRAY_LEN(http_fields)})
    YAML_FIELD(web_file, rate, "rate_limit", STRUCT,
               .fields = {rate_fields, ARRAY_LEN(rate_fields)})
    YAML_FIELD(web_file, users, "basic_auth_users", ANY)
    YAML_FIELD(web_file, tokens, "bearer_tokens", ANY)
};
/* clang-format on */

/* --- TLS -------------------------------------------------------------------------------------- */

static struct str
join_dir(struct arena *a, struct str dir, struct str path)
{
    if (path.n == 0 || path.p[0] == '/' || dir.n == 0)
        return path;
    return arena_printf(a, "%.*s/%.*s", STR_FMT(dir), STR_FMT(path));
}

bool
web_config_has_tls(const struct web_config *c)
{
    const struct web_tls *t = &c->tls;
    return t->cert_file.n + t->cert.n + t->key_file.n + t->key.n + t->client_ca_file.n +
               t->client_ca.n + t->client_auth_type.n >
           0;
}

/* After a null, too. */
static void
default_to(struct str *text, struct str value)
{
    if (text->n == 0)
        *text = value;
}

static struct err
finish_tls(struct arena *a, struct str dir, struct web_config *c)
{
    struct web_tls *t = &c->tls;
    default_to(&t->min_version, STR("TLS12"));
    default_to(&t->max_version, STR("TLS13"));
    t->cert_file = join_dir(a, dir, t->cert_file);
    t->key_file = join_dir(a, dir, t->key_file);
    t->client_ca_file = join_dir(a, dir, t->client_ca_file);
    if (!web_config_has_tls(c))
        return OK;
    if (t->cert_file.n + t->cert.n == 0)
        return ERR(ERR_INVALID, "tls_server_config: cert_file or cert is missing");
    if (t->key_file.n + t->key.n == 0)
        return ERR(ERR_INVALID, "tls_server_config: key_file or key is missing");
    bool asks_nobody =
        t->client_auth_type.n == 0 || str_eq(t->client_auth_type, STR("NoClientCert"));
    if (asks_nobody && t->client_ca_file.n + t->client_ca.n > 0)
        return ERR(ERR_INVALID, "tls_server_config: a client CA without a client_auth_type "
                                "that asks for certificates");
    return OK;
}

/* --- headers ---------------------------------------------------------------------------------- */

/* Those that the exporter toolkit lets a file set, and the values of those with a choice. */
static const struct {
    const char *name;
    const char *values[3];
} known_headers[] = {
    {"Strict-Transport-Security", {NULL}},
    {"X-Content-Type-Options", {"nosniff", NULL}},
    {"X-Frame-Options", {"deny", "sameorigin", NULL}},
    {"X-XSS-Protection", {NULL}},
    {"Content-Security-Policy", {NULL}},
};

static struct err
check_header(struct str name, struct str value)
{
    for (size_t i = 0; i < ARRAY_LEN(known_headers); i++) {
        if (!str_eq(name, str_of_cstr(known_headers[i].name)))
            continue;
        const char *const *values = known_headers[i].values;
        for (size_t k = 0; values[k]; k++) {
            if (str_eq(value, str_of_cstr(values[k])))
                return OK;
        }
        return values[0] ? ERR(ERR_INVALID, "\"%.*s\" is no value of header %s", STR_FMT(value),
                               known_headers[i].name)
                         : OK;
    }
    return ERR(ERR_INVALID, "header \"%.*s\" cannot be configured", STR_FMT(name));
}

/* A map of texts, or nothing. */
static struct err
check_map(const struct yaml_node *n, const char *name)
{
    if (!n || yaml_is_null(n))
        return OK;
    if (n->kind != YAML_MAP)
        return yaml_err_at(n, ERR(ERR_INVALID, "%s: a map is expected", name));
    if (n->count > WEB_ENTRIES_MAX)
        return yaml_err_at(n, ERR(ERR_INVALID, "%s: more than %d entries", name, WEB_ENTRIES_MAX));
    for (size_t i = 0; i < n->count; i++) {
        if (n->pairs[i].value->kind != YAML_SCALAR)
            return yaml_err_at(n->pairs[i].value, ERR(ERR_INVALID, "%s: a text is expected", name));
    }
    return OK;
}

static size_t
count_of(const struct yaml_node *n)
{
    return n && !yaml_is_null(n) ? n->count : 0;
}

static struct str
text_of(const struct yaml_node *n)
{
    return yaml_is_null(n) ? STR("") : n->text;
}

static struct err
read_headers(struct arena *a, const struct yaml_node *n, struct web_config *c)
{
    TRY(check_map(n, "headers"));
    c->headers = ARENA_ARRAY(a, struct web_header, count_of(n));
    for (size_t i = 0; i < count_of(n); i++) {
        struct web_header h = {n->pairs[i].key->text, text_of(n->pairs[i].value)};
        struct err e = check_header(h.name, h.value);
        if (e.code)
            return yaml_err_at(n->pairs[i].key, e);
        if (h.value.n > 0)
            c->headers[c->header_count++] = h;
    }
    return OK;
}

/* --- rate, users, tokens ---------------------------------------------------------------------- */

/* A bare number counts nanoseconds, as Go's yaml.v2 reads a duration. */
static struct err
read_rate(const struct rate_section *rate, struct web_config *c)
{
    c->rate_burst = rate->burst;
    if (rate->interval.n == 0)
        return OK;
    struct err e = str_parse_i64(rate->interval, &c->rate_interval_ns);
    if (e.code == ERR_NONE)
        return OK;
    err_drop(e);
    TRY_IN(duration_parse_go(rate->interval, &c->rate_interval_ns), "rate_limit: interval");
    return OK;
}

static struct err
read_users(struct arena *a, const struct yaml_node *n, struct web_config *c)
{
    TRY(check_map(n, "basic_auth_users"));
    c->user_count = count_of(n);
    c->users = ARENA_ARRAY(a, struct web_user, c->user_count);
    for (size_t i = 0; i < c->user_count; i++)
        c->users[i] = (struct web_user){n->pairs[i].key->text, text_of(n->pairs[i].value)};
    return OK;
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
parse_sha256(struct str hex, unsigned char ret_bytes[WEB_SHA256_BYTES])
{
    if (hex.n != 2 * WEB_SHA256_BYTES)
        return false;
    for (size_t i = 0; i < WEB_SHA256_BYTES; i++) {
        int high = hex_digit(hex.p[2 * i]), low = hex_digit(hex.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        ret_bytes[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

static struct err
read_token(struct arena *a, const struct yaml_node *n, struct str dir, struct web_token *ret_token)
{
    struct token_section s = {.name = STR("")};
    TRY(yaml_read(n, YAML_FIELDS(token_fields), a, &s));
    *ret_token = (struct web_token){.name = s.name, .file = join_dir(a, dir, s.token_file)};
    if (s.name.n == 0)
        return yaml_err_at(n, ERR(ERR_INVALID, "bearer_tokens: a name is empty"));
    if ((s.token_file.n > 0) == (s.sha256.n > 0))
        return yaml_err_at(n, ERR(ERR_INVALID, "bearer_tokens: one of token_file and sha256 is "
                                               "expected"));
    if (s.sha256.n > 0 && !parse_sha256(s.sha256, ret_token->sha256))
        return yaml_err_at(n,
                           ERR(ERR_INVALID, "bearer_tokens: sha256 wants 64 hexadecimal digits"));
    return OK;
}

static struct err
read_tokens(struct arena *a, const struct yaml_node *n, struct str dir, struct web_config *c)
{
    if (!n || yaml_is_null(n))
        return OK;
    if (n->kind != YAML_LIST)
        return yaml_err_at(n, ERR(ERR_INVALID, "bearer_tokens: a list is expected"));
    if (n->count > WEB_ENTRIES_MAX)
        return yaml_err_at(n, ERR(ERR_INVALID, "bearer_tokens: more than %d", WEB_ENTRIES_MAX));
    c->tokens = ARENA_ARRAY(a, struct web_token, n->count);
    for (; c->token_count < n->count; c->token_count++)
        TRY(read_token(a, n->items[c->token_count], dir, &c->tokens[c->token_count]));
    return OK;
}

struct err
web_config_parse(struct arena *a, struct str text, struct str dir, struct web_config *ret_config)
{
    const struct yaml_node *root = NULL;
    struct web_file file = {.tls.prefer_server_cipher_suites = true};
    TRY(yaml_parse(a, text, &root));
    TRY(yaml_read(root && yaml_is_null(root) ? NULL : root, YAML_FIELDS(file_fields), a, &file));
    struct web_config c = {.tls = file.tls};
    TRY(finish_tls(a, dir, &c));
    TRY(read_headers(a, file.http.headers, &c));
    TRY(read_rate(&file.rate, &c));
    TRY(read_users(a, file.users, &c));
    TRY(read_tokens(a, file.tokens, dir, &c));
    *ret_config = c;
    return OK;
}
