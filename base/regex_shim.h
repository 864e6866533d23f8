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

/* What one group matched; p is NULL when it took no part. */
struct regex_shim_group {
    const char *p;
    size_t n;
};
/* As regex_shim_match(); the first `count` groups, of which number 0 is the whole text, go to
 * ret_groups. */
bool regex_shim_match_groups(const struct regex_shim *r, const char *text, size_t n,
                             struct regex_shim_group *ret_groups, size_t count);
/* How many groups there are beside number 0. */
size_t regex_shim_group_count(const struct regex_shim *r);
/* The number of a named group, 0 when there is none. */
size_t regex_shim_group_find(const struct regex_shim *r, const char *name, size_t n);

#ifdef __cplusplus
}
#endif
