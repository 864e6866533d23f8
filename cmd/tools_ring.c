/* tools_ring.c - reading what the tools of hashrings are given. */
#include "cmd/tools_ring.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "base/fs.h"
#include "base/mem.h"
#include "replication/ring_config.h"
#include "tsdb/model/label_key.h"

enum { STDIN_BYTES = 1 << 16 };

struct err
tools_ring_open(const char *path, struct str algorithm, uint64_t replication_factor,
                struct ring **ret_ring)
{
    AUTO(buf_fini) struct buf json = BUF_INIT;
    TRY(fs_read_file(fs_posix(), path, RING_JSON_BYTES_MAX, &json));
    struct ring_opts opts = {.json = buf_str(&json),
                             .algorithm = ring_algorithm_of(algorithm),
                             .replication_factor = (unsigned)replication_factor};
    TRY_IN(ring_open(&opts, ret_ring), "%s", path);
    return OK;
}

static void
auto_tree(json_t **tree)
{
    json_decref(*tree);
}

static struct err
parse_labels(struct arena *a, const json_t *object, struct labels *ret_labels)
{
    if (!json_is_object(object))
        return ERR(ERR_INVALID, "\"labels\" must be an object");
    size_t n = json_object_size(object);
    if (n > SERIES_LABELS_MAX)
        return ERR(ERR_INVALID, "%zu labels, at most %d", n, SERIES_LABELS_MAX);
    struct label *v = ARENA_ARRAY(a, struct label, n + 1), *at = v;
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)object, name, value)
    {
        if (!json_is_string(value))
            return ERR(ERR_INVALID, "label \"%s\" must be a text", name);
        at->name = arena_str(a, str_of_cstr(name));
        at->value = arena_str(a, str_of(json_string_value(value), json_string_length(value)));
        at++;
    }
    labels_sort(v, n);
    *ret_labels = (struct labels){v, n};
    return OK;
}

static struct err
parse_line(struct arena *a, struct str text, struct str default_tenant, struct series_line *ret)
{
    json_error_t error;
    __attribute__((cleanup(auto_tree))) json_t *tree =
        json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!json_is_object(tree))
        return ERR(ERR_INVALID, "no JSON object: %s", tree ? "an array" : error.text);
    const json_t *tenant = json_object_get(tree, "tenant");
    if (tenant && !json_is_string(tenant))
        return ERR(ERR_INVALID, "\"tenant\" must be a text");
    ret->tenant = default_tenant;
    if (tenant)
        ret->tenant = arena_str(a, str_of(json_string_value(tenant), json_string_length(tenant)));
    return parse_labels(a, json_object_get(tree, "labels"), &ret->labels);
}

struct reading {
    struct arena arena; /* of one line */
    struct buf key;
    struct str default_tenant;
    struct err (*visit)(void *arg, const struct series_line *line);
    void *arg;
};

static struct err
read_line(struct reading *r, struct str text)
{
    text = str_trim(text);
    if (text.n == 0)
        return OK;
    struct series_line line;
    arena_reset(&r->arena);
    buf_clear(&r->key);
    TRY(parse_line(&r->arena, text, r->default_tenant, &line));
    label_key_encode(line.labels, &r->key);
    line.label_key = buf_str(&r->key);
    return r->visit(r->arg, &line);
}

/* Whole lines at the front of *text, which are cut off; at the end also one without a line end. */
static struct err
read_lines(struct reading *r, struct buf *text, bool at_end, size_t *number)
{
    struct str rest = buf_str(text);
    while (rest.n > 0 && (at_end || str_find_byte(rest, '\n') < rest.n)) {
        ++*number;
        TRY_IN(read_line(r, str_split(&rest, '\n')), "line %zu", *number);
    }
    if (rest.n > SERIES_LINE_BYTES_MAX)
        return ERR(ERR_INVALID, "line %zu: longer than %d bytes", *number + 1,
                   SERIES_LINE_BYTES_MAX);
    memmove(text->p, rest.p, rest.n);
    text->n = rest.n;
    return OK;
}

static void
auto_reading_fini(struct reading *r)
{
    arena_fini(&r->arena);
    buf_fini(&r->key);
}

struct err
series_lines_read(struct str default_tenant,
                  struct err (*visit)(void *arg, const struct series_line *line), void *arg)
{
    __attribute__((cleanup(auto_reading_fini))) struct reading r = {
        .key = BUF_INIT, .default_tenant = default_tenant, .visit = visit, .arg = arg};
    arena_init(&r.arena, 0);
    AUTO(buf_fini) struct buf text = BUF_INIT;
    size_t number = 0;
    for (bool at_end = false; !at_end;) {
        buf_reserve(&text, STDIN_BYTES);
        size_t got = fread(text.p + text.n, 1, STDIN_BYTES, stdin);
        text.n += got;
        at_end = got == 0;
        if (ferror(stdin))
            return err_errno(errno, "standard input");
        TRY(read_lines(&r, &text, at_end, &number));
    }
    return OK;
}
