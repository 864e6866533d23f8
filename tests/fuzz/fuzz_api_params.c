/* Parameters of the query API: what is accepted is in range, a time that RFC 3339 can print
 * reads back, and no text is read as two different things. */
#include "base/assert.h"
#include "base/mem.h"
#include "querygw/api/label_name.h"
#include "querygw/api/params.h"
#include "querygw/api/rfc3339.h"
#include "tests/fuzz/fuzz.h"

#define YEAR_10000_S INT64_C(253402300800)

static void
check_time(struct str text)
{
    int64_t ms = 0, back_ms = 0;
    struct err e = param_parse_time(text, &ms);
    if (!e.code && ms >= 0 && ms / 1000 < YEAR_10000_S) {
        AUTO(buf_fini) struct buf printed = BUF_INIT;
        rfc3339_format(ms / 1000, &printed);
        e = param_parse_time(buf_str(&printed), &back_ms);
        ASSERT(!e.code && back_ms == ms / 1000 * 1000);
    }
    err_drop(e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_of((const char *)data, size);
    int64_t ns = 0;
    size_t limit = 0;
    struct arena a;
    arena_init(&a, 0);
    check_time(text);
    struct err duration_e = param_parse_duration(text, &ns),
               limit_e = param_parse_limit(text, &limit);
    ASSERT(ns != INT64_MIN && limit <= INT64_MAX);
    ASSERT(label_name_unescape(&a, text).n <= size);
    err_drop(duration_e);
    err_drop(limit_e);
    arena_fini(&a);
    return 0;
}
