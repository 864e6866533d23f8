/* jwt_json.h - JSON from strangers, for tokens and key sets.
 * Threads: any. */
#pragma once
#include <jansson.h>

#include "base/mem.h"

/* An object, or NULL: no JSON, nested more than JWT_JSON_DEPTH_MAX deep, a name given twice. The
 * caller owns it. */
json_t *jwt_json_object(struct str text);
/* A view that lives as long as `object`; {NULL, 0} when there is no such text. */
struct str jwt_json_text(const json_t *object, const char *name);

DEFINE_AUTO(json_t *, json_decref)
