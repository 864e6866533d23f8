/* fuzz_api_form.c - a form as requests carry it, with all parameters that have a syntax of their
 * own: what is refused is the client's error; selectors that are accepted match no series without
 * labels, and their matchers read back as a selector. */
#include "base/assert.h"
#include "base/mem.h"
#include "querygw/api/params.h"
#include "querygw/promql/parse.h"
#include "tests/fuzz/fuzz.h"

static void
check_refusal(struct err e)
{
    ASSERT(!e.code || e.code == ERR_INVALID || e.code == ERR_LIMIT);
    err_drop(e);
}

static void
check_selector(struct arena *a, struct matchers m)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    struct matchers again;
    bool restricts = false;
    for (size_t i = 0; i < m.n; i++) {
        restricts = restricts || !matcher_match(&m.v[i], STR(""));
        buf_put_u8(&text, i ? ',' : '{');
        matcher_format(&m.v[i], &text);
    }
    buf_put_u8(&text, '}');
    ASSERT(restricts);
    struct err e = promql_parse_selector(a, buf_str(&text), &again);
    ASSERT(e.code == ERR_LIMIT || (!e.code && again.n == m.n)); /* escapes may pass the limit */
    for (size_t i = 0; !e.code && i < m.n; i++)
        ASSERT(again.v[i].type == m.v[i].type && str_eq(again.v[i].value, m.v[i].value));
    err_drop(e);
}

static void
check_form(struct str form, enum api_flavour which)
{
    AUTO(arena_fini) struct arena a;
    struct params p = {.flavour = flavour_of(which)};
    struct selectors s = {0};
    int64_t ms = 0, ns = 0;
    size_t limit = 0;
    bool flag;
    arena_init(&a, 64 << 20);
    check_refusal(http_params_decode(&a, form, &p.list));
    check_refusal(param_time(&p, "time", &ms));
    check_refusal(param_time_or(&p, "start", PARAM_TIME_MIN_MS, &ms));
    check_refusal(param_time_or(&p, "end", PARAM_TIME_MAX_MS, &ms));
    check_refusal(param_duration(&p, "step", &ns));
    check_refusal(param_own_duration(&p, "timeout", &ns));
    check_refusal(param_own_bool_or(&p, "dedup", true, &flag));
    check_refusal(param_limit(&p, &limit));
    check_refusal(param_any_selectors(&p, "storeMatch[]", &a, &s));
    s = (struct selectors){0};
    check_refusal(param_selectors(&p, &a, &s));
    for (size_t i = 0; i < s.n; i++)
        check_selector(&a, s.v[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str form = str_of((const char *)data, size_min(size, 4096));
    check_form(form, API_PROMETHEUS);
    check_form(form, API_THANOS);
    return 0;
}
