/* golden.c - where golden rows are. */
#include "tests/querygw/golden.h"

#include <stdio.h>

#include "tests/harness.h"
#include "tests/querygw/shared.h"

static const char *
golden_path(const char *name, enum golden which)
{
    static char relative[128];
    snprintf(relative, sizeof relative, which == GOLDEN_OWN ? "querygw/%s" : "golden/json/%s",
             name);
    return which == GOLDEN_OWN ? test_data(relative) : shared_path(relative);
}

int
golden_count(const char *name)
{
    return golden_path(name, GOLDEN_SHARED) ? GOLDEN_COUNT : GOLDEN_SHARED;
}

json_t *
golden_load(const char *name, enum golden which)
{
    const char *path = golden_path(name, which);
    json_error_t error;
    ck_assert(path != NULL);
    json_t *root = json_load_file(path, JSON_ALLOW_NUL, &error);
    ck_assert_msg(root != NULL, "%s: %s", path, error.text);
    return root;
}

struct str
golden_text(const json_t *row, const char *key)
{
    const json_t *v = json_object_get(row, key);
    if (!v)
        return (struct str){0};
    return str_of(json_string_value(v), json_string_length(v));
}
