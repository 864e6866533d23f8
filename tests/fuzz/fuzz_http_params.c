/* Parameters that decode can be written with every byte escaped and then decode to the same. */
#include "base/assert.h"
#include "base/mem.h"
#include "net/http.h"
#include "tests/fuzz/fuzz.h"

static void
put_escaped(struct buf *to, struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        buf_printf(to, "%%%02X", (unsigned char)s.p[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(buf_fini) struct buf text = BUF_INIT;
    struct http_params p = {0}, again = {0};
    struct err e = http_params_decode(&a, str_of((const char *)data, size), &p);
    bool decodes = e.code == ERR_NONE;
    err_drop(e);
    for (size_t i = 0; decodes && i < p.n; i++) {
        put_escaped(&text, p.v[i].name);
        buf_put_u8(&text, '=');
        put_escaped(&text, p.v[i].value);
        buf_put_u8(&text, '&');
    }
    e = http_params_decode(&a, buf_str(&text), &again);
    ASSERT(e.code == ERR_NONE && (!decodes || again.n == p.n));
    for (size_t i = 0; decodes && i < p.n; i++)
        ASSERT(str_eq(again.v[i].name, p.v[i].name) && str_eq(again.v[i].value, p.v[i].value));
    return 0;
}
