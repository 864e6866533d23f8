/* regex.h - RE2: exactly Go's syntax (with the differences listed in README.md), linear time.
 * Patterns are compiled as Prometheus does: ^(?s:PATTERN)$, case as written.
 * Threads: a compiled regex is immutable: any. */
#pragma once
#include <stdbool.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

enum { REGEX_PATTERN_BYTES_MAX = 64 << 10, REGEX_MEMORY_BYTES_MAX = 8 << 20 };

struct regex;

/* ERR_INVALID with the position or reason. The caller owns *ret_regex. */
struct err regex_compile(struct str pattern, struct regex **ret_regex);
void regex_free(struct regex *r); /* NULL is allowed */
/* The whole text matches. */
bool regex_match(const struct regex *r, struct str text);
DEFINE_AUTO(struct regex *, regex_free)
