/* A tree keeps the limits that yaml.h names, and reading it by a table ends well or in an error
 * with a place. */
#include "base/assert.h"
#include "base/mem.h"
#include "conf/yaml_read.h"
#include "tests/fuzz/fuzz.h"

struct sample {
    struct str text;
    bool flag;
    int64_t number, wait_ms;
    double share;
    struct yaml_texts texts;
};
static const struct yaml_field sample_fields[] = {
    YAML_FIELD(sample, text, "t", TEXT, .dflt = "") YAML_FIELD(sample, flag, "b", BOOL)
        YAML_FIELD(sample, number, "n", I64) YAML_FIELD(sample, wait_ms, "d", DURATION)
            YAML_FIELD(sample, share, "f", F64) YAML_FIELD(sample, texts, "l", TEXTS)};

static size_t
count(const struct yaml_node *n, unsigned depth)
{
    size_t sum = 1;
    ASSERT(depth <= YAML_DEPTH_MAX + 1);
    ASSERT(n->line > 0 && n->column > 0);
    for (size_t i = 0; i < n->count; i++) {
        if (n->kind == YAML_MAP)
            ASSERT(yaml_get(n, n->pairs[i].key->text) == n->pairs[i].value || i > 64);
        sum += count(n->kind == YAML_MAP ? n->pairs[i].value : n->items[i], depth + 1);
    }
    return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_fini) struct arena a = {0};
    struct sample s = {.flag = false};
    const struct yaml_node *root = NULL;
    struct err e = yaml_parse(&a, str_of((const char *)data, size), &root);
    if (!e.code && root)
        ASSERT(count(root, 1) <= YAML_NODES_MAX);
    err_drop(e);
    e = yaml_read(root, YAML_FIELDS(sample_fields), &a, &s);
    ASSERT(!e.code || (root && str_starts_with(str_of_cstr(err_text(&e)), STR("line "))));
    err_drop(e);
    return 0;
}
