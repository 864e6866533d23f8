/* golden.c - finding and reading them. */
#include "tests/replication/golden.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tsdb/model/label_key.h"

json_t *
golden_load(const char *name, enum golden which)
{
    static const char *const places[] = {"../shared", "../../shared"}; /* a tree, a worktree */
    const char *srcdir = getenv("srcdir");
    char path[1024];
    snprintf(path, sizeof path, "ring/%s", name);
    if (which == GOLDEN_OWN)
        snprintf(path, sizeof path, "%s", test_data(path));
    for (size_t i = 0; which == GOLDEN_SHARED && i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s/golden/ring/%s", srcdir ? srcdir : ".", places[i], name);
        if (access(path, R_OK) == 0)
            break;
    }
    if (which == GOLDEN_SHARED && access(path, R_OK) != 0) {
        printf("skip: no golden data %s\n", name);
        return NULL;
    }
    json_error_t error;
    json_t *root = json_load_file(path, 0, &error);
    ck_assert_msg(root != NULL, "%s: %s", path, error.text);
    return root;
}

struct str
golden_text(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);
    ck_assert_msg(json_is_string(v), "no text %s", key);
    return str_of(json_string_value(v), json_string_length(v));
}

uint64_t
golden_hex(const json_t *object, const char *key)
{
    struct str s = golden_text(object, key);
    ck_assert(s.n == 16);
    return strtoull(s.p, NULL, 16);
}

void
golden_label_key(const json_t *labels, struct buf *to)
{
    size_t n = json_array_size(labels);
    struct label *v = calloc(n + 1, sizeof *v);
    for (size_t i = 0; i < n; i++) {
        const json_t *name = json_array_get(json_array_get(labels, i), 0);
        const json_t *value = json_array_get(json_array_get(labels, i), 1);
        v[i].name = str_of(json_string_value(name), json_string_length(name));
        v[i].value = str_of(json_string_value(value), json_string_length(value));
    }
    label_key_encode((struct labels){v, n}, to);
    free(v);
}
