/* regex_shim.h - the C door to RE2; only regex.c includes it. Threads: any. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct regex_shim;

/* Never NULL; regex_shim_reason() says whether the pattern was good. */
struct regex_shim *regex_shim_new(const char *pattern, size_t n, int64_t memory_bytes);
void regex_shim_free(struct regex_shim *r); /* NULL is allowed */
/* NULL, or why the pattern was refused in Go's words (static). */
const char *regex_shim_reason(const struct regex_shim *r);
/* The part of the pattern at fault; borrowed from r. */
const char *regex_shim_fault(const struct regex_shim *r, size_t *ret_n);
/* The whole text, valid UTF-8, matches. */
bool regex_shim_match(const struct regex_shim *r, const char *text, size_t n);

#ifdef __cplusplus
}
#endif
