/* numtext_shim.h - the C door to <charconv>; only numtext.c includes it. Threads: any. */
#pragma once
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum numtext_shim_status { NUMTEXT_SHIM_OK, NUMTEXT_SHIM_MALFORMED, NUMTEXT_SHIM_RANGE };
enum numtext_shim_base { NUMTEXT_SHIM_DECIMAL, NUMTEXT_SHIM_HEX };

enum { NUMTEXT_SHIM_BYTES_MAX = 32 }; /* -1.7976931348623157e+308 has 24 */

/* Shortest digits as d[.ddd]e(+|-)dd[d]; `v` is finite. Returns how many bytes were written. */
size_t numtext_shim_scientific(double v, char to[NUMTEXT_SHIM_BYTES_MAX]);
/* The whole text, without sign and hex prefix. RANGE: too large or too small, which of both
 * is not said, and *ret_value stays. */
enum numtext_shim_status numtext_shim_parse(const char *p, size_t n, enum numtext_shim_base base,
                                            double *ret_value);

#ifdef __cplusplus
}
#endif
