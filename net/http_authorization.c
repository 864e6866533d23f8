/* http_authorization.c - schemes and base64. */
#include "net/http_authorization.h"

#include "base/mem.h"

static int
base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Standard alphabet, padded. */
static bool
decode_base64(struct arena *a, struct str text, struct str *ret_bytes)
{
    size_t padding = 0;
    if (text.n % 4 != 0)
        return false;
    while (padding < 2 && text.n > padding && text.p[text.n - 1 - padding] == '=')
        padding++;
    char *to = arena_alloc(a, text.n / 4 * 3 + 1);
    size_t n = 0;
    uint32_t bits = 0;
    for (size_t i = 0; i < text.n - padding; i++) {
        int digit = base64_digit(text.p[i]);
        if (digit < 0)
            return false;
        bits = bits << 6 | (uint32_t)digit;
        if (i % 4 > 0)
            to[n++] = (char)(bits >> (6 - 2 * (i % 4)));
    }
    *ret_bytes = str_of(to, n);
    return true;
}

struct http_authorization
http_authorization_parse(struct arena *a, struct str value)
{
    struct str rest = value, plain;
    struct str scheme = str_split(&rest, ' ');
    if (str_eq_nocase(scheme, STR("Bearer")) && str_trim(rest).n > 0)
        return (struct http_authorization){.scheme = HTTP_SCHEME_BEARER, .token = str_trim(rest)};
    if (!str_eq_nocase(scheme, STR("Basic")) || !decode_base64(a, rest, &plain))
        return (struct http_authorization){.scheme = HTTP_SCHEME_NONE};
    size_t colon = str_find_byte(plain, ':');
    if (colon == plain.n)
        return (struct http_authorization){.scheme = HTTP_SCHEME_NONE};
    return (struct http_authorization){.scheme = HTTP_SCHEME_BASIC,
                                       .user = str_of(plain.p, colon),
                                       .password = str_skip(plain, colon + 1)};
}
