/* url.c - percent escapes. */
#include "net/url.h"

int
url_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool
is_plain(struct str text, enum url_part part)
{
    return str_find_byte(text, '%') == text.n &&
           (part == URL_PATH || str_find_byte(text, '+') == text.n);
}

struct err
url_unescape(struct arena *a, struct str text, enum url_part part, struct str *ret_text)
{
    if (is_plain(text, part)) {
        *ret_text = text;
        return OK;
    }
    char *to = arena_alloc(a, text.n);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '%') {
            int high = i + 1 < text.n ? url_hex_digit(text.p[i + 1]) : -1;
            int low = i + 2 < text.n ? url_hex_digit(text.p[i + 2]) : -1;
            if (high < 0 || low < 0)
                return ERR(ERR_INVALID, "invalid URL escape \"%.*s\"",
                           (int)(text.n - i < 3 ? text.n - i : 3), text.p + i);
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && part == URL_QUERY) {
            c = ' ';
        }
        to[n++] = c;
    }
    *ret_text = str_of(to, n);
    return OK;
}
