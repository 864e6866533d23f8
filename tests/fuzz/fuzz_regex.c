/* Any pattern compiles or is refused; what the fast paths know agrees with matching. The
 * first line is the pattern, the rest the text. */
#include "base/assert.h"
#include "base/regex.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_of((const char *)data, size);
    struct str pattern = str_split(&text, '\n');
    AUTO(regex_free) struct regex *r = NULL;
    struct err e = regex_compile(pattern, &r);
    ASSERT((e.code == ERR_NONE) == (r != NULL));
    err_drop(e);
    if (!r)
        return 0;
    if (regex_match(r, text))
        ASSERT(str_starts_with(text, regex_prefix(r)));
    size_t count = 0;
    const struct str *set = regex_set(r, &count);
    for (size_t i = 0; i < count; i++)
        ASSERT(regex_match(r, set[i]));
    return 0;
}
