/* ast_json.h - a tree as JSON, the data of parse_query.
 *
 * Objects with "type" and, sorted by name, the fields that Prometheus' UI reads. Source:
 * prometheus web/api/v1/translate_ast.go. An infinite or undefined fill value, which is no
 * number of JSON, becomes a string. Threads: any. */
#pragma once
#include "base/json.h"
#include "querygw/promql/ast.h"

/* Writes one value. */
void promql_write_json(const struct promql_node *n, struct json_writer *w);
