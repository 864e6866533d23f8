/* base64.c - digits to bytes. */
#include "net/base64.h"

#include "base/mem.h"

static int
digit_of(enum base64_code code, char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == (code == BASE64_URL ? '-' : '+'))
        return 62;
    return c == (code == BASE64_URL ? '_' : '/') ? 63 : -1;
}

static size_t
padding_of(struct str text)
{
    size_t n = 0;
    while (n < 2 && text.n > n && text.p[text.n - 1 - n] == '=')
        n++;
    return n;
}

bool
base64_decode(enum base64_code code, struct arena *a, struct str text, struct str *ret_bytes)
{
    size_t digits = text.n - (code == BASE64_PADDED ? padding_of(text) : 0);
    if (code == BASE64_PADDED ? text.n % 4 != 0 : text.n % 4 == 1)
        return false;
    char *to = arena_alloc(a, digits / 4 * 3 + 3);
    size_t n = 0;
    uint32_t bits = 0;
    for (size_t i = 0; i < digits; i++) {
        int digit = digit_of(code, text.p[i]);
        if (digit < 0)
            return false;
        bits = bits << 6 | (uint32_t)digit;
        if (i % 4 > 0)
            to[n++] = (char)(bits >> (6 - 2 * (i % 4)));
    }
    /* Bits behind the last byte: two after three digits, four after two. */
    uint32_t behind = digits % 4 == 3 ? 3 : digits % 4 == 2 ? 15 : 0;
    if (code == BASE64_URL && (bits & behind) != 0)
        return false;
    *ret_bytes = str_of(to, n);
    return true;
}
