/* http_authorization.c - the two schemes that are understood. */
#include "net/http_authorization.h"

#include "net/base64.h"

struct http_authorization
http_authorization_parse(struct arena *a, struct str value)
{
    struct str rest = value, plain;
    struct str scheme = str_split(&rest, ' ');
    if (str_eq_nocase(scheme, STR("Bearer")) && str_trim(rest).n > 0)
        return (struct http_authorization){.scheme = HTTP_SCHEME_BEARER, .token = str_trim(rest)};
    if (!str_eq_nocase(scheme, STR("Basic")) || !base64_decode(BASE64_PADDED, a, rest, &plain))
        return (struct http_authorization){.scheme = HTTP_SCHEME_NONE};
    size_t colon = str_find_byte(plain, ':');
    if (colon == plain.n)
        return (struct http_authorization){.scheme = HTTP_SCHEME_NONE};
    return (struct http_authorization){.scheme = HTTP_SCHEME_BASIC,
                                       .user = str_of(plain.p, colon),
                                       .password = str_skip(plain, colon + 1)};
}
