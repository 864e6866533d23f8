/* Authorization fields: what is taken stands inside what was sent, or in as much memory. */
#include "base/assert.h"
#include "base/mem.h"
#include "net/http_authorization.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_fini) struct arena a = {0};
    struct str value = str_of((const char *)data, size);
    struct http_authorization said = http_authorization_parse(&a, value);
    switch (said.scheme) {
    case HTTP_SCHEME_NONE:
        return 0;
    case HTTP_SCHEME_BASIC:
        ASSERT(str_find_byte(said.user, ':') == said.user.n);
        ASSERT((said.user.n + said.password.n + 1 + 2) / 3 * 4 + 6 == size);
        return 0;
    case HTTP_SCHEME_BEARER:
        ASSERT(said.token.n > 0 && said.token.p >= value.p);
        ASSERT(said.token.p + said.token.n <= value.p + value.n);
        return 0;
    }
    UNREACHABLE("not a scheme");
}
