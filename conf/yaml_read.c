/* yaml_read.c - one reader a type of field, and what a map as a whole must hold. */
#include "conf/yaml_read.h"

#include <math.h>

#include "base/assert.h"
#include "base/mem.h"
#include "base/numtext.h"
#include "conf/nearest.h"
#include "conf/units.h"

struct err
yaml_err_at(const struct yaml_node *n, struct err e)
{
    return err_wrap(e, "line %u, column %u", n->line, n->column);
}

/* --- scalars ---------------------------------------------------------------------------------- */

static struct err
read_bool(struct str text, bool *ret_value)
{
    static const char *const words[2][11] = {
        {"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"},
        {"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"},
    };
    for (size_t value = 0; value < 2; value++) {
        for (size_t i = 0; i < ARRAY_LEN(words[value]); i++) {
            if (str_eq(text, str_of_cstr(words[value][i]))) {
                *ret_value = value == 1;
                return OK;
            }
        }
    }
    return ERR(ERR_INVALID, "\"%.*s\" is neither true nor false", STR_FMT(text));
}

/* Without the "_" that YAML 1.1 allows in numbers. */
static struct str
bare_number(struct str text, struct buf *room)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '_')
            buf_put_u8(room, (uint8_t)text.p[i]);
    }
    return buf_str(room);
}

static struct err
not_a_number(struct str text, const char *what)
{
    return ERR(ERR_INVALID, "\"%.*s\" is not %s", STR_FMT(text), what);
}

/* Also 1e6, which is whole. */
static struct err
read_i64(struct str text, int64_t *ret_value)
{
    AUTO(buf_fini) struct buf room = BUF_INIT;
    struct str bare = bare_number(text, &room);
    struct err e = str_parse_i64(bare, ret_value);
    if (e.code == ERR_NONE)
        return OK;
    err_drop(e);
    double v = NAN;
    err_drop(numtext_parse(bare, &v));
    if (!(v > -0x1p63 && v < 0x1p63) || v != floor(v))
        return not_a_number(text, "a whole number of 64 bits");
    *ret_value = (int64_t)v;
    return OK;
}

static struct err
read_u64(struct str text, uint64_t *ret_value)
{
    AUTO(buf_fini) struct buf room = BUF_INIT;
    struct err e = str_parse_u64(bare_number(text, &room), ret_value);
    if (e.code == ERR_NONE)
        return OK;
    err_drop(e);
    int64_t v = -1;
    err_drop(read_i64(text, &v));
    if (v < 0)
        return not_a_number(text, "a whole number from 0 on");
    *ret_value = (uint64_t)v;
    return OK;
}

static struct err
read_f64(struct str text, double *ret_value)
{
    AUTO(buf_fini) struct buf room = BUF_INIT;
    double v = NAN;
    err_drop(numtext_parse(bare_number(text, &room), &v));
    if (!isfinite(v))
        return not_a_number(text, "a finite number");
    *ret_value = v;
    return OK;
}

static struct err
check_range(const struct yaml_field *f, double v, struct str text)
{
    if (f->min == f->max || (v >= f->min && v <= f->max))
        return OK;
    return ERR(ERR_INVALID, "%.*s is not within %.15g and %.15g", STR_FMT(text), f->min, f->max);
}

static struct err
read_scalar(const struct yaml_field *f, struct str text, void *field)
{
    switch (f->type) {
    case YAML_TEXT:
        *(struct str *)field = text;
        return OK;
    case YAML_BOOL:
        return read_bool(text, field);
    case YAML_I64:
        TRY(read_i64(text, field));
        return check_range(f, (double)*(int64_t *)field, text);
    case YAML_U64:
        TRY(read_u64(text, field));
        return check_range(f, (double)*(uint64_t *)field, text);
    case YAML_F64:
        TRY(read_f64(text, field));
        return check_range(f, *(double *)field, text);
    case YAML_DURATION:
        TRY(duration_parse(text, field));
        return check_range(f, (double)*(int64_t *)field, text);
    case YAML_TEXTS:
    case YAML_STRUCT:
    case YAML_ANY:
        break;
    }
    UNREACHABLE("not a scalar");
}

/* --- values ----------------------------------------------------------------------------------- */

static struct err
read_texts(const struct yaml_node *n, struct arena *a, struct yaml_texts *ret_texts)
{
    if (n->kind != YAML_LIST)
        return yaml_err_at(n, ERR(ERR_INVALID, "a list is expected"));
    struct str *v = ARENA_ARRAY(a, struct str, n->count);
    for (size_t i = 0; i < n->count; i++) {
        if (n->items[i]->kind != YAML_SCALAR)
            return yaml_err_at(n->items[i], ERR(ERR_INVALID, "a text is expected"));
        v[i] = n->items[i]->text;
    }
    *ret_texts = (struct yaml_texts){v, n->count};
    return OK;
}

static void
read_null(const struct yaml_field *f, void *field)
{
    if (f->type == YAML_TEXT)
        *(struct str *)field = STR("");
    if (f->type == YAML_TEXTS)
        *(struct yaml_texts *)field = (struct yaml_texts){NULL, 0};
}

static struct err
read_value(const struct yaml_field *f, const struct yaml_node *n, struct arena *a, void *field)
{
    if (f->type == YAML_ANY) {
        *(const struct yaml_node **)field = n;
        return OK;
    }
    if (yaml_is_null(n)) {
        read_null(f, field);
        return OK;
    }
    if (f->type == YAML_STRUCT)
        return yaml_read(n, f->fields, a, field);
    if (f->type == YAML_TEXTS)
        return read_texts(n, a, field);
    if (n->kind != YAML_SCALAR)
        return yaml_err_at(n, ERR(ERR_INVALID, "%s: a %s where a single value is expected", f->name,
                                  n->kind == YAML_LIST ? "list" : "map"));
    struct err e = read_scalar(f, n->text, field);
    return e.code == ERR_NONE ? OK : yaml_err_at(n, err_wrap(e, "%s", f->name));
}

/* --- the map ---------------------------------------------------------------------------------- */

static struct err
unknown_key(const struct yaml_node *key, struct yaml_fields fields)
{
    struct nearest near = nearest_init(key->text);
    for (size_t i = 0; i < fields.n; i++)
        nearest_offer(&near, str_of_cstr(fields.v[i].name));
    struct err e = near.best.n > 0
                       ? ERR(ERR_INVALID, "unknown key \"%.*s\", did you mean \"%.*s\"?",
                             STR_FMT(key->text), STR_FMT(near.best))
                       : ERR(ERR_INVALID, "unknown key \"%.*s\"", STR_FMT(key->text));
    return yaml_err_at(key, e);
}

static struct err
check_keys(const struct yaml_node *node, struct yaml_fields fields)
{
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_node *key = node->pairs[i].key;
        bool known = false;
        for (size_t k = 0; k < fields.n && !known; k++)
            known = str_eq(key->text, str_of_cstr(fields.v[k].name));
        if (!known)
            return unknown_key(key, fields);
    }
    return OK;
}

static struct err
read_absent(const struct yaml_field *f, const struct yaml_node *node, struct arena *a, void *field)
{
    if (f->notes & YAML_REQUIRED) {
        struct err e = ERR(ERR_INVALID, "\"%s\" is missing", f->name);
        return node ? yaml_err_at(node, e) : e;
    }
    if (f->dflt) {
        struct err e = read_scalar(f, str_of_cstr(f->dflt), field);
        ASSERT(e.code == ERR_NONE); /* the table is ours */
    }
    return f->type == YAML_STRUCT ? yaml_read(NULL, f->fields, a, field) : OK;
}

struct err
yaml_read(const struct yaml_node *node, struct yaml_fields fields, struct arena *a, void *to)
{
    if (node && node->kind != YAML_MAP)
        return yaml_err_at(node, ERR(ERR_INVALID, "a map of keys and values is expected"));
    if (node)
        TRY(check_keys(node, fields));
    for (size_t i = 0; i < fields.n; i++) {
        const struct yaml_field *f = &fields.v[i];
        void *field = (char *)to + f->offset;
        const struct yaml_node *value = node ? yaml_get(node, str_of_cstr(f->name)) : NULL;
        TRY(value ? read_value(f, value, a, field) : read_absent(f, node, a, field));
    }
    return OK;
}
