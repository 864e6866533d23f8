/* yaml_show.c - see yaml_show.h. */
#include "conf/yaml_show.h"

#include "base/mem.h"
#include "base/quote.h"

struct show {
    struct buf *to;
    size_t end; /* of the text */
};

/* Keys of Prometheus' and Thanos' HTTP clients, of tracing and of buckets. */
static bool
is_secret_key(struct str key)
{
    static const char *const names[] = {
        "access_key",  "access_token",    "account_key", "api_key",  "bearer_token",
        "credentials", "client_secret",   "headers",     "password", "secret",
        "secret_key",  "service_account", "sse_config",  "token",    "authorization",
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_eq_nocase(key, str_of_cstr(names[i])))
            return true;
    }
    return false;
}

/* scheme://user@host, scheme://user:password@host */
static bool
is_secret_text(struct str text)
{
    return memmem(text.p, text.n, "://", 3) && str_find_byte(text, '@') < text.n;
}

/* Letters and signs that mean nothing to YAML, so that a plain scalar stays what it is. */
static bool
is_bare(const struct yaml_node *n)
{
    if (!n->plain)
        return false;
    if (str_eq(n->text, STR("<secret>"))) /* shown once more */
        return true;
    for (size_t i = 0; i < n->text.n; i++) {
        char c = n->text.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && !strchr(i == 0 ? "._/~" : "._/~+-", c))
            return false;
    }
    return true;
}

static void
put_scalar(struct show *s, const struct yaml_node *n)
{
    if (is_secret_text(n->text))
        buf_append(s->to, STR("<secret>"));
    else if (is_bare(n))
        buf_append(s->to, n->text);
    else
        quote_text(n->text, s->to);
}

static void put_block(struct show *s, const struct yaml_node *n, unsigned indent);

/* Behind "key:" or "-". */
static void
put_value(struct show *s, const struct yaml_node *n, unsigned indent)
{
    if (n->kind != YAML_SCALAR && n->count > 0) {
        buf_put_u8(s->to, '\n');
        put_block(s, n, indent + 2);
        return;
    }
    if (n->kind != YAML_SCALAR || n->text.n > 0 || !n->plain)
        buf_put_u8(s->to, ' ');
    if (n->kind == YAML_SCALAR)
        put_scalar(s, n);
    else
        buf_append(s->to, n->kind == YAML_LIST ? STR("[]") : STR("{}"));
    buf_put_u8(s->to, '\n');
}

/* A list or a map that is not empty. */
static void
put_block(struct show *s, const struct yaml_node *n, unsigned indent)
{
    for (size_t i = 0; i < n->count && s->to->n < s->end; i++) {
        buf_printf(s->to, "%*s", (int)indent, "");
        if (n->kind == YAML_LIST) {
            buf_put_u8(s->to, '-');
            put_value(s, n->items[i], indent);
            continue;
        }
        put_scalar(s, n->pairs[i].key);
        buf_put_u8(s->to, ':');
        if (is_secret_key(n->pairs[i].key->text) && !yaml_is_null(n->pairs[i].value))
            buf_append(s->to, STR(" <secret>\n"));
        else
            put_value(s, n->pairs[i].value, indent);
    }
}

void
yaml_show(const struct yaml_node *root, struct buf *to)
{
    struct show s = {to, to->n + YAML_SHOW_BYTES_MAX};
    if (!root)
        return;
    if (root->kind != YAML_SCALAR && root->count > 0) {
        put_block(&s, root, 0);
    } else if (root->kind == YAML_SCALAR) {
        put_scalar(&s, root);
        buf_put_u8(to, '\n');
    } else {
        buf_append(to, root->kind == YAML_LIST ? STR("[]\n") : STR("{}\n"));
    }
    if (to->n >= s.end)
        buf_append(to, STR("# cut: the rest is too long to be shown\n"));
}
