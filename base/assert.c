/* assert.c - the last words of a process with a bug. Must not allocate. */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

void
assert_fail(const char *file, int line, const char *func, const char *what)
{
    fprintf(stderr, "mneme: %s:%d: %s: assertion failed: %s\n", file, line, func, what);
    abort();
}
