/* routes.h - every route of the query API.
 * X(name, path, methods, largest body, how errors are told)
 * `name` is the handler label of the http_* metrics, as Thanos has it, and call_<name>() the
 * function.
 * No include guard: define X before, undefine it after. */
X(query, "/api/v1/query", ROUTE_GET | ROUTE_POST, API_BODY_BYTES_MAX, API_ERRORS_JSON)
X(query_range, "/api/v1/query_range", ROUTE_GET | ROUTE_POST, API_BODY_BYTES_MAX, API_ERRORS_JSON)
X(format_query, "/api/v1/format_query", ROUTE_GET | ROUTE_POST, API_BODY_BYTES_MAX, API_ERRORS_JSON)
X(parse_query, "/api/v1/parse_query", ROUTE_GET | ROUTE_POST, API_BODY_BYTES_MAX, API_ERRORS_JSON)
X(series, "/api/v1/series", ROUTE_GET | ROUTE_POST, API_BODY_BYTES_MAX, API_ERRORS_JSON)
X(label_names, "/api/v1/labels", ROUTE_GET | ROUTE_POST, API_BODY_BYTES_MAX, API_ERRORS_JSON)
X(label_values, "/api/v1/label/:name/values", ROUTE_GET, 0, API_ERRORS_JSON)
X(exemplars, "/api/v1/query_exemplars", ROUTE_GET | ROUTE_POST, API_BODY_BYTES_MAX, \
  API_ERRORS_JSON)
X(metadata, "/api/v1/metadata", ROUTE_GET, 0, API_ERRORS_JSON)
X(delete_series, "/api/v1/admin/tsdb/delete_series", ROUTE_POST | ROUTE_PUT, API_BODY_BYTES_MAX, \
  API_ERRORS_JSON)
X(clean_tombstones, "/api/v1/admin/tsdb/clean_tombstones", ROUTE_POST | ROUTE_PUT, \
  API_BODY_BYTES_MAX, API_ERRORS_JSON)
X(snapshot, "/api/v1/admin/tsdb/snapshot", ROUTE_POST | ROUTE_PUT, API_BODY_BYTES_MAX, \
  API_ERRORS_JSON)
X(remote_read, "/api/v1/read", ROUTE_POST, API_READ_BODY_BYTES_MAX, API_ERRORS_TEXT)
X(status_build, "/api/v1/status/buildinfo", ROUTE_GET, 0, API_ERRORS_JSON)
X(status_runtime, "/api/v1/status/runtimeinfo", ROUTE_GET, 0, API_ERRORS_JSON)
X(status_flags, "/api/v1/status/flags", ROUTE_GET, 0, API_ERRORS_JSON)
X(status_tsdb, "/api/v1/status/tsdb", ROUTE_GET, 0, API_ERRORS_JSON)
X(status_tsdb_blocks, "/api/v1/status/tsdb/blocks", ROUTE_GET, 0, API_ERRORS_JSON)
X(status_walreplay, "/api/v1/status/walreplay", ROUTE_GET, 0, API_ERRORS_JSON)
X(status_config, "/api/v1/status/config", ROUTE_GET, 0, API_ERRORS_JSON)
X(features, "/api/v1/features", ROUTE_GET, 0, API_ERRORS_JSON)
X(notifications, "/api/v1/notifications", ROUTE_GET, 0, API_ERRORS_JSON)
X(notifications_live, "/api/v1/notifications/live", ROUTE_GET, 0, API_ERRORS_JSON)
X(rules, "/api/v1/rules", ROUTE_GET, 0, API_ERRORS_JSON)
X(alerts, "/api/v1/alerts", ROUTE_GET, 0, API_ERRORS_JSON)
X(alertmanagers, "/api/v1/alertmanagers", ROUTE_GET, 0, API_ERRORS_JSON)
X(targets, "/api/v1/targets", ROUTE_GET, 0, API_ERRORS_JSON)
X(targets_metadata, "/api/v1/targets/metadata", ROUTE_GET, 0, API_ERRORS_JSON)
X(relabel_steps, "/api/v1/targets/relabel_steps", ROUTE_GET, 0, API_ERRORS_JSON)
X(scrape_pools, "/api/v1/scrape_pools", ROUTE_GET, 0, API_ERRORS_JSON)
X(scrape_pool_config, "/api/v1/scrape_pools/config", ROUTE_GET, 0, API_ERRORS_JSON)
X(stores, "/api/v1/stores", ROUTE_GET, 0, API_ERRORS_JSON)
X(query_explain, "/api/v1/query_explain", ROUTE_GET | ROUTE_POST, API_BODY_BYTES_MAX, \
  API_ERRORS_JSON)
X(query_range_explain, "/api/v1/query_range_explain", ROUTE_GET | ROUTE_POST, API_BODY_BYTES_MAX, \
  API_ERRORS_JSON)
X(status_self_metrics, "/api/v1/status/self_metrics", ROUTE_GET, 0, API_ERRORS_JSON)
X(search_metric_names, "/api/v1/search/metric_names", ROUTE_GET | ROUTE_POST, API_BODY_BYTES_MAX, \
  API_ERRORS_JSON)
X(search_label_names, "/api/v1/search/label_names", ROUTE_GET | ROUTE_POST, API_BODY_BYTES_MAX, \
  API_ERRORS_JSON)
X(search_label_values, "/api/v1/search/label_values", ROUTE_GET | ROUTE_POST, API_BODY_BYTES_MAX, \
  API_ERRORS_JSON)
