/* params.h - the texts of request parameters: times, durations, limits, selectors.
 *
 * Accepted and refused as Prometheus does (web/api/v1/api.go), with its messages; but times
 * and durations that are not finite or do not fit are refused, where Go lets them wrap.
 * Threads: any. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "net/http.h"
#include "tsdb/model/matcher.h"

/* Seconds since 1970 as a float, or RFC 3339; rounded to ms as Prometheus does. */
struct err param_parse_time(struct str text, int64_t *ret_ms);
/* Seconds as a float, or 1h30m. */
struct err param_parse_duration(struct str text, int64_t *ret_ns);
/* As strconv.Atoi; false when it would fail. */
bool param_parse_integer(struct str text, int64_t *ret_value);
/* 0 or "": none. */
struct err param_parse_limit(struct str text, size_t *ret_limit);

/* What stands for "all of time" where a time is optional. */
extern const int64_t PARAM_TIME_MIN_MS, PARAM_TIME_MAX_MS;

/* The parameter `name`, with `invalid parameter "name": ` in front of errors. */
struct err param_time(const struct http_params *p, const char *name, int64_t *ret_ms);
/* An absent or empty one gives `absent_ms`. */
struct err param_time_or(const struct http_params *p, const char *name, int64_t absent_ms,
                         int64_t *ret_ms);
/* As strconv.ParseBool; an absent or empty one gives `absent`. Errors without the name. */
struct err param_bool_or(const struct http_params *p, const char *name, bool absent,
                         bool *ret_value);
struct err param_duration(const struct http_params *p, const char *name, int64_t *ret_ns);
struct err param_limit(const struct http_params *p, size_t *ret_limit);

enum { PARAM_SELECTORS_MAX = 1000 };

struct selectors {
    struct matchers *v; /* one a match[] parameter */
    size_t n;
};
/* All match[] parameters. */
struct err param_any_selectors(const struct http_params *p, struct arena *a,
                               struct selectors *ret_selectors);
/* The same; each must have a matcher that refuses the empty value. */
struct err param_selectors(const struct http_params *p, struct arena *a,
                           struct selectors *ret_selectors);
