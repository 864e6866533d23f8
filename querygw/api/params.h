/* params.h - the texts of request parameters: times, durations, limits, selectors.
 *
 * Accepted and refused as Prometheus (web/api/v1/api.go) or Thanos (pkg/api/query/v1.go) do, with
 * their messages; but times and durations that are not finite or do not fit are refused, where Go
 * lets them wrap. Threads: any. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "net/http.h"
#include "querygw/api/flavour.h"
#include "tsdb/model/matcher.h"

/* Seconds since 1970 as a float, or RFC 3339; rounded to ms as Prometheus does. */
struct err param_parse_time(struct str text, int64_t *ret_ms);
/* Seconds as a float, or 1h30m. */
struct err param_parse_duration(struct str text, int64_t *ret_ns);
/* As strconv.Atoi; false when it would fail. */
bool param_parse_integer(struct str text, int64_t *ret_value);
/* strconv.ParseBool. */
struct err param_parse_bool(struct str text, bool *ret_value);
/* 0 or "": none. As Prometheus tells errors. */
struct err param_parse_limit(struct str text, size_t *ret_limit);

/* What stands for "all of time" where a time is optional. */
extern const int64_t PARAM_TIME_MIN_MS, PARAM_TIME_MAX_MS;

/* Those of one request. */
struct params {
    struct http_params list; /* of its arena */
    struct flavour flavour;
};

/* The first value of `name`, or {NULL, 0}. */
static inline struct str
param_text(const struct params *p, const char *name)
{
    return http_param(&p->list, name);
}
/* An error about the parameter `name`, as the flavour tells them. */
struct err param_error(const struct params *p, const char *name, struct err e);

/* Errors of these name the parameter where the flavour wants that. */
struct err param_time(const struct params *p, const char *name, int64_t *ret_ms);
/* An absent or empty one gives `absent_ms`. */
struct err param_time_or(const struct params *p, const char *name, int64_t absent_ms,
                         int64_t *ret_ms);
struct err param_duration(const struct params *p, const char *name, int64_t *ret_ns);
struct err param_limit(const struct params *p, size_t *ret_limit);
/* start and end, each all of time when absent, of a request about series and not samples. */
struct err param_metadata_span(const struct params *p, int64_t *ret_start_ms, int64_t *ret_end_ms);

/* The other form of error, of Thanos and for what it has alone: `'x' parameter: `. */
struct err param_own_duration(const struct params *p, const char *name, int64_t *ret_ns);
struct err param_own_bool_or(const struct params *p, const char *name, bool absent,
                             bool *ret_value);

enum { PARAM_SELECTORS_MAX = 1000 };

struct selectors {
    struct matchers *v; /* one a parameter */
    size_t n;
};
/* All parameters called `name`, which may be match[]. */
struct err param_any_selectors(const struct params *p, const char *name, struct arena *a,
                               struct selectors *ret_selectors);
/* All match[]; each must have a matcher that refuses the empty value. */
struct err param_selectors(const struct params *p, struct arena *a,
                           struct selectors *ret_selectors);
