/* golden.h - what Thanos' own hashring code answered: a few cases of each file in tests/data/ring,
 * all of them in ../shared/golden/ring beside the source tree where that exists. */
#pragma once
#include <check.h>
#include <jansson.h>
#include <stdint.h>

#include "base/str.h"
#include "tests/harness.h"

enum golden { GOLDEN_OWN, GOLDEN_SHARED, GOLDEN_COUNT };

/* NULL, with a line on stdout that says "skip", when it is not there: only GOLDEN_SHARED may be
 * missing. Free with json_decref(). */
json_t *golden_load(const char *name, enum golden which);
/* The text of a member, which must be there; borrowed. */
struct str golden_text(const json_t *object, const char *key);
/* A member of 16 hex digits. */
uint64_t golden_hex(const json_t *object, const char *key);
/* The label key of [[name, value], ...], in that order. */
void golden_label_key(const json_t *labels, struct buf *to);
