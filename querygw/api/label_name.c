/* label_name.c - the value encoding of UTF-8 names. */
#include "querygw/api/label_name.h"

#include "base/mem.h"
#include "base/quote.h"

enum { HEX_DIGITS_MAX = 6 }; /* of U+10FFFF */

static int
hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* `rest` stands behind the first underscore of _HEX_; false unless it is a character. */
static bool
unescape_rune(struct str *rest, struct buf *to)
{
    uint32_t rune = 0;
    for (size_t i = 0; i < rest->n && i <= HEX_DIGITS_MAX; i++) {
        if (rest->p[i] == '_') {
            *rest = str_skip(*rest, i + 1);
            bool valid = rune <= RUNE_MAX && !(rune >= 0xd800 && rune <= 0xdfff);
            if (valid)
                buf_put_rune(to, rune);
            return valid;
        }
        int digit = hex_value(rest->p[i]);
        if (digit < 0 || i == HEX_DIGITS_MAX)
            return false;
        rune = rune * 16 + (uint32_t)digit;
    }
    return false;
}

struct str
label_name_unescape(struct arena *a, struct str text)
{
    if (!str_starts_with(text, STR("U__")))
        return text;
    AUTO(buf_fini) struct buf name = BUF_INIT;
    struct str rest = str_skip(text, 3);
    while (rest.n) {
        char c = rest.p[0];
        rest = str_skip(rest, 1);
        if (c != '_') {
            buf_put_u8(&name, (uint8_t)c);
        } else if (rest.n && rest.p[0] == '_') {
            buf_put_u8(&name, '_');
            rest = str_skip(rest, 1);
        } else if (!unescape_rune(&rest, &name)) {
            return text;
        }
    }
    return arena_str(a, buf_str(&name));
}
