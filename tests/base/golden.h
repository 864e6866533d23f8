/* golden.h - rows of JSON made by other programs: a few in tests/data/base, and all of them
 * in ../shared/golden/json beside the source tree where that exists. */
#pragma once
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/harness.h"

enum golden { GOLDEN_OWN, GOLDEN_SHARED, GOLDEN_COUNT };

static inline void
golden_path(const char *name, enum golden which, char *to, size_t room)
{
    const char *srcdir = getenv("srcdir");
    char relative[128];
    snprintf(relative, sizeof relative, "base/%s", name);
    if (which == GOLDEN_OWN)
        snprintf(to, room, "%s", test_data(relative));
    else
        snprintf(to, room, "%s/../shared/golden/json/%s", srcdir ? srcdir : ".", name);
}

/* How many of the two files there are. */
static inline int
golden_count(const char *name)
{
    char path[1024];
    golden_path(name, GOLDEN_SHARED, path, sizeof path);
    return access(path, R_OK) == 0 ? GOLDEN_COUNT : GOLDEN_SHARED;
}

/* Free with json_decref(). */
static inline json_t *
golden_load(const char *name, enum golden which)
{
    char path[1024];
    golden_path(name, which, path, sizeof path);
    json_error_t error;
    json_t *root = json_load_file(path, 0, &error);
    ck_assert_msg(root != NULL, "%s: %s", path, error.text);
    return root;
}
