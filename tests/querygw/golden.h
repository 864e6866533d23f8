/* golden.h - rows of JSON that Prometheus made: a few in tests/data/querygw, and all of them in
 * ../shared/golden/json beside the source tree where that exists. */
#pragma once
#include <jansson.h>

#include "base/str.h"

enum golden { GOLDEN_OWN, GOLDEN_SHARED, GOLDEN_COUNT };

/* How many of the two files there are. */
int golden_count(const char *name);
/* Free with json_decref(). */
json_t *golden_load(const char *name, enum golden which);
/* A text field of a row, or {NULL, 0}; it may hold NUL bytes. */
struct str golden_text(const json_t *row, const char *key);
