/* A configuration of tracing that is taken is one that can be used as it is. */
#include "base/assert.h"
#include "base/mem.h"
#include "net/trace/trace_config.h"
#include "net/trace/traceparent.h"
#include "tests/fuzz/fuzz.h"

static void
check_text(struct str text)
{
    ASSERT(text.n == 0 || text.p[text.n] == '\0');
    for (size_t i = 0; i < text.n; i++)
        ASSERT((unsigned char)text.p[i] >= 0x20); /* no line end, no early end */
}

static void
check_pairs(const struct trace_pairs *pairs)
{
    for (size_t i = 0; i < pairs->n; i++) {
        check_text(pairs->v[i].name);
        check_text(pairs->v[i].value);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_fini) struct arena a = {0};
    struct str text = str_of((const char *)data, size);
    struct trace_config c;
    struct traceparent parent;
    (void)traceparent_parse(text, &parent);
    struct err e = trace_config_read(&a, text, &c);
    if (e.code == ERR_NONE && !c.unsupported) {
        ASSERT(str_starts_with(c.url, STR("http")) && c.timeout_ms > 0 && c.retry.first_ms > 0);
        ASSERT(c.ratio >= 0 && c.ratio <= 1);
        check_text(c.url);
        check_text(c.tls.ca_file);
        check_text(c.tls.cert_file);
        check_pairs(&c.attributes);
        check_pairs(&c.headers);
    }
    err_drop(e);
    return 0;
}
