/* A duration that parses prints as text that parses to the same; sizes and addresses that parse
 * keep their limits. */
#include "base/assert.h"
#include "base/mem.h"
#include "conf/units.h"
#include "tests/fuzz/fuzz.h"

static void
check_duration(struct str text)
{
    AUTO(buf_fini) struct buf printed = BUF_INIT;
    int64_t ms = 0, flag_ms = 0, back_ms = 0;
    struct err e = duration_parse(text, &ms), flag_e = duration_parse_flag(text, &flag_ms);
    if (!e.code)
        ASSERT(!flag_e.code && flag_ms == ms); /* flags take a superset */
    if (!flag_e.code && flag_ms >= 0) {
        duration_format(flag_ms, &printed);
        err_drop(e);
        e = duration_parse(buf_str(&printed), &back_ms);
        ASSERT(!e.code && back_ms == flag_ms);
    }
    err_drop(e);
    err_drop(flag_e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_of((const char *)data, size), host;
    uint64_t bytes = 0;
    uint16_t port;
    check_duration(text);
    struct err bytes_e = bytes_parse(text, &bytes), address_e = address_parse(text, &host, &port);
    ASSERT(bytes <= INT64_MAX);
    if (!address_e.code)
        ASSERT(host.n < size && bytes_e.code); /* a text is one of both at most */
    err_drop(bytes_e);
    err_drop(address_e);
    return 0;
}
