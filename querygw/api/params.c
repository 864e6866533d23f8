/* params.c - parameters of the HTTP API. */
#include "querygw/api/params.h"

#include <math.h>

#include "base/mem.h"
#include "base/numtext.h"
#include "base/quote.h"
#include "conf/units.h"
#include "querygw/api/rfc3339.h"
#include "querygw/promql/parse.h"

#define NS_A_SECOND 1000000000

/* Go's minTime and maxTime: time.Unix(MinInt64/1000 + 62135596801, 0) and its mirror. */
const int64_t PARAM_TIME_MIN_MS = INT64_C(-9223309901257974000);
const int64_t PARAM_TIME_MAX_MS = INT64_C(9223309901257974999);
/* Their texts, which no RFC 3339 parser reads. */
#define TIME_MIN_TEXT "-292273086-05-16T16:47:06Z"
#define TIME_MAX_TEXT "292277025-08-18T07:12:54.999999999Z"

static struct err
cannot_parse(struct str text, const char *what)
{
    AUTO(buf_fini) struct buf quoted = BUF_INIT;
    quote_text(text, &quoted);
    return ERR(ERR_INVALID, "cannot parse %s to a valid %s", buf_cstr(&quoted), what);
}

/* strconv.ParseFloat; the error does not matter. */
static bool
parse_float(struct str text, double *ret_value)
{
    struct err e = numtext_parse(text, ret_value);
    bool good = e.code == ERR_NONE;
    err_drop(e);
    return good;
}

/* Go's time.Unix(s, ns) for a fraction rounded to ms, and what is left of it in ms: the
 * nanoseconds are cut, not rounded, so 0.057 may give 56. */
static struct err
ms_of_seconds(double seconds, struct str text, int64_t *ret_ms)
{
    double whole, fraction = modf(seconds, &whole);
    if (!(fabs(whole) < (double)(INT64_MAX / 1000))) /* also NaN */
        return cannot_parse(text, "timestamp");
    fraction = round(fraction * 1000) / 1000;
    int64_t unix_s = (int64_t)whole, ns = (int64_t)(fraction * NS_A_SECOND);
    if (ns < 0 || ns >= NS_A_SECOND) {
        unix_s += ns < 0 ? -1 : 1;
        ns += ns < 0 ? NS_A_SECOND : -NS_A_SECOND;
    }
    *ret_ms = unix_s * 1000 + ns / 1000000;
    return OK;
}

struct err
param_parse_time(struct str text, int64_t *ret_ms)
{
    double seconds;
    if (parse_float(text, &seconds))
        return ms_of_seconds(seconds, text, ret_ms);
    struct instant at;
    struct err e = rfc3339_parse(text, &at);
    bool good = e.code == ERR_NONE;
    err_drop(e);
    if (good) {
        *ret_ms = at.unix_s * 1000 + at.nanos / 1000000;
        return OK;
    }
    if (str_eq(text, STR(TIME_MIN_TEXT)))
        *ret_ms = PARAM_TIME_MIN_MS;
    else if (str_eq(text, STR(TIME_MAX_TEXT)))
        *ret_ms = PARAM_TIME_MAX_MS;
    else
        return cannot_parse(text, "timestamp");
    return OK;
}

struct err
param_parse_duration(struct str text, int64_t *ret_ns)
{
    double seconds;
    if (parse_float(text, &seconds)) {
        double ns = seconds * NS_A_SECOND;
        if (!(fabs(ns) < 0x1p63)) {
            AUTO(buf_fini) struct buf quoted = BUF_INIT;
            quote_text(text, &quoted);
            return ERR(ERR_INVALID, "cannot parse %s to a valid duration. It overflows int64",
                       buf_cstr(&quoted));
        }
        *ret_ns = (int64_t)ns;
        return OK;
    }
    int64_t ms;
    struct err e = duration_parse(text, &ms);
    bool good = e.code == ERR_NONE;
    err_drop(e);
    if (!good)
        return cannot_parse(text, "duration");
    *ret_ns = ms * 1000000; /* fits: units.h refuses what Go's nanoseconds cannot hold */
    return OK;
}

bool
param_parse_integer(struct str text, int64_t *ret_value)
{
    struct str digits = text;
    if (text.n > 1 && text.p[0] == '+' && text.p[1] != '-')
        digits = str_skip(text, 1);
    struct err e = str_parse_i64(digits, ret_value);
    bool good = e.code == ERR_NONE;
    err_drop(e);
    return good;
}

struct err
param_parse_bool(struct str text, bool *ret_value)
{
    static const char *const texts[6][2] = {{"0", "1"},        {"f", "t"},
                                            {"F", "T"},        {"false", "true"},
                                            {"FALSE", "TRUE"}, {"False", "True"}};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        for (int value = 0; value < 2; value++) {
            if (str_eq(text, str_of_cstr(texts[i][value]))) {
                *ret_value = value;
                return OK;
            }
        }
    }
    AUTO(buf_fini) struct buf quoted = BUF_INIT;
    quote_text(text, &quoted);
    return ERR(ERR_INVALID, "strconv.ParseBool: parsing %s: invalid syntax", buf_cstr(&quoted));
}

struct err
param_parse_limit(struct str text, size_t *ret_limit)
{
    if (text.n == 0) {
        *ret_limit = 0;
        return OK;
    }
    int64_t limit;
    if (!param_parse_integer(text, &limit)) {
        AUTO(buf_fini) struct buf quoted = BUF_INIT;
        quote_text(text, &quoted);
        return ERR(ERR_INVALID, "strconv.Atoi: parsing %s: invalid syntax", buf_cstr(&quoted));
    }
    if (limit < 0)
        return ERR(ERR_INVALID, "limit must be non-negative");
    *ret_limit = (size_t)limit;
    return OK;
}

/* --- of a request ----------------------------------------------------------------------------- */

struct err
param_error(const struct params *p, const char *name, struct err e)
{
    bool named = e.code != ERR_NONE && p->flavour.names_parameters;
    return named ? err_wrap(e, "invalid parameter \"%s\"", name) : e;
}

struct err
param_time(const struct params *p, const char *name, int64_t *ret_ms)
{
    return param_error(p, name, param_parse_time(param_text(p, name), ret_ms));
}

struct err
param_time_or(const struct params *p, const char *name, int64_t absent_ms, int64_t *ret_ms)
{
    struct str text = param_text(p, name);
    *ret_ms = absent_ms;
    if (text.n == 0)
        return OK;
    struct err e = param_parse_time(text, ret_ms);
    if (e.code != ERR_NONE)
        e = err_wrap(e, "%s time value for '%s'",
                     p->flavour.names_parameters ? "invalid" : "Invalid", name);
    return param_error(p, name, e);
}

struct err
param_metadata_span(const struct params *p, int64_t *ret_start_ms, int64_t *ret_end_ms)
{
    struct err e = param_time_or(p, "start", PARAM_TIME_MIN_MS, ret_start_ms);
    if (e.code == ERR_NONE)
        e = param_time_or(p, "end", PARAM_TIME_MAX_MS, ret_end_ms);
    if (!p->flavour.checks_metadata_span)
        return e;
    if (e.code == ERR_NONE && *ret_end_ms < *ret_start_ms)
        e = ERR(ERR_INVALID, "end timestamp must not be before start time");
    return e.code == ERR_NONE ? e : err_wrap(e, "bad_data"); /* so Thanos wraps it */
}

struct err
param_duration(const struct params *p, const char *name, int64_t *ret_ns)
{
    return param_error(p, name, param_parse_duration(param_text(p, name), ret_ns));
}

struct err
param_own_duration(const struct params *p, const char *name, int64_t *ret_ns)
{
    TRY_IN(param_parse_duration(param_text(p, name), ret_ns), "'%s' parameter", name);
    return OK;
}

struct err
param_own_bool_or(const struct params *p, const char *name, bool absent, bool *ret_value)
{
    struct str text = param_text(p, name);
    *ret_value = absent;
    if (text.n > 0)
        TRY_IN(param_parse_bool(text, ret_value), "'%s' parameter", name);
    return OK;
}

struct err
param_limit(const struct params *p, size_t *ret_limit)
{
    struct str text = param_text(p, "limit");
    int64_t number;
    if (!p->flavour.names_parameters && text.n > 0 && !param_parse_integer(text, &number))
        return cannot_parse(text, "limit");
    return param_error(p, "limit", param_parse_limit(text, ret_limit));
}

struct err
param_any_selectors(const struct params *p, const char *name, struct arena *a,
                    struct selectors *ret_selectors)
{
    struct selectors s = {0};
    struct str wanted = str_of_cstr(name);
    for (size_t i = 0; i < p->list.n; i++)
        s.n += str_eq(p->list.v[i].name, wanted);
    if (s.n > PARAM_SELECTORS_MAX)
        return ERR(ERR_INVALID, "more than %d %s parameters", PARAM_SELECTORS_MAX, name);
    s.v = ARENA_ARRAY(a, struct matchers, s.n);
    size_t at = 0;
    for (size_t i = 0; i < p->list.n; i++) {
        if (str_eq(p->list.v[i].name, wanted))
            TRY(promql_parse_selector(a, p->list.v[i].value, &s.v[at++]));
    }
    *ret_selectors = s;
    return OK;
}

struct err
param_selectors(const struct params *p, struct arena *a, struct selectors *ret_selectors)
{
    struct selectors s;
    TRY(param_any_selectors(p, "match[]", a, &s));
    for (size_t i = 0; i < s.n; i++) {
        if (!promql_matchers_restrict(s.v[i]))
            return ERR(ERR_INVALID, "match[] must contain at least one non-empty matcher");
    }
    *ret_selectors = s;
    return OK;
}
