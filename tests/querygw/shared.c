/* shared.c - see shared.h. */
#include "tests/querygw/shared.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char path[1024];

const char *
shared_path(const char *relative)
{
    static const char *const places[] = {"../shared", "../../shared"}; /* a tree, a worktree */
    const char *srcdir = getenv("srcdir");
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        snprintf(path, sizeof path, "%s/%s/%s", srcdir ? srcdir : ".", places[i], relative);
        if (access(path, R_OK) == 0)
            return path;
    }
    printf("skip: no shared data %s\n", relative);
    return NULL;
}
