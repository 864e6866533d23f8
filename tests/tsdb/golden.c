/* golden.c - finds the golden data beside a tree, or beside a worktree of it. */
#include "tests/tsdb/golden.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "tsdb/model/sample.h"

static char path[1024];

const char *
golden_path(const char *relative)
{
    const char *srcdir = getenv("srcdir");
    static const char *const places[] = {"../shared",
                                         "../../shared"}; /* a tree, a worktree of it */
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        snprintf(path, sizeof path, "%s/%s/golden/%s", srcdir ? srcdir : ".", places[i], relative);
        if (access(path, R_OK) == 0)
            return path;
    }
    printf("skip: no golden data %s\n", relative);
    return NULL;
}

bool
golden_value_is(const char *text, uint64_t bits)
{
    double have = f64_of_bits(bits);
    if (strcmp(text, "stale") == 0)
        return bits == STALE_NAN_BITS;
    if (strcmp(text, "NaN") == 0)
        return have != have && bits != STALE_NAN_BITS;
    return bits == bits_of_f64(strtod(text, NULL));
}
