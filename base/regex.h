/* regex.h - RE2: Go's syntax, linear time.
 *
 * Patterns are compiled as Prometheus does: ^(?s:PATTERN)$, case as written. What RE2 does
 * otherwise is evened out: (?<name>x) is accepted, \C is refused, a malformed byte of the text
 * counts as U+FFFD. Left over: Unicode tables of version 14, Go's are newer.
 * Threads: a compiled regex is immutable: any. */
#pragma once
#include <stdbool.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

enum { REGEX_PATTERN_BYTES_MAX = 64 << 10, REGEX_MEMORY_BYTES_MAX = 8 << 20 };

struct regex;

/* ERR_INVALID with Go's text ("error parsing regexp: ..."). The caller owns *ret_regex. */
struct err regex_compile(struct str pattern, struct regex **ret_regex);
void regex_free(struct regex *r); /* NULL is allowed */
/* The whole text matches. */
bool regex_match(const struct regex *r, struct str text);
/* The values that match when the pattern is nothing but literals joined by "|" (in brackets or
 * not), sorted, each once; NULL for all other patterns. Borrowed from r. */
const struct str *regex_set(const struct regex *r, size_t *ret_count);
/* What every matching text starts with; often empty. Borrowed from r. */
struct str regex_prefix(const struct regex *r);
DEFINE_AUTO(struct regex *, regex_free)

enum { REGEX_GROUPS_MAX = 100 };

/* As regex_compile(), for regex_expand(). ERR_INVALID also past REGEX_GROUPS_MAX. */
struct err regex_compile_groups(struct str pattern, struct regex **ret_regex);
/* Where the whole text matches: appends the template, in which $1, ${1}, $name and ${name} stand
 * for what that group matched and $$ for a dollar, as Go's Regexp.Expand does it. False, and
 * nothing is appended, otherwise. r must come from regex_compile_groups(). */
bool regex_expand(const struct regex *r, struct str text, struct str template, struct buf *to);
