/* http_encoding.c - Accept-Encoding and content types. */
#include "net/http_encoding.h"

#include "base/assert.h"
#include "base/mem.h"

enum { WEIGHT_ONE = 1000 }; /* weights have at most three decimals */

/* "q=0.5" in thousandths; what is malformed counts as 0: never send what was not asked for. */
static unsigned
parse_weight(struct str parameter)
{
    struct str text = str_trim(parameter);
    if (!str_starts_with_nocase(text, STR("q=")))
        return WEIGHT_ONE; /* some other parameter */
    text = str_skip(text, 2);
    if (text.n == 0 || text.n > 5 || (text.p[0] != '0' && text.p[0] != '1'))
        return 0;
    if (text.n > 1 && text.p[1] != '.')
        return 0;
    unsigned weight = text.p[0] == '1' ? WEIGHT_ONE : 0;
    unsigned unit = WEIGHT_ONE;
    for (size_t i = 2; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return 0;
        unit /= 10;
        weight += (unsigned)(text.p[i] - '0') * unit;
    }
    return weight <= WEIGHT_ONE ? weight : 0;
}

enum codec
http_encoding_choose(struct str accept_encoding)
{
    unsigned weights[] = {
        [CODEC_NONE] = 1, [CODEC_DEFLATE] = 0, [CODEC_GZIP] = 0, [CODEC_ZSTD] = 0};
    unsigned any = 0;
    bool named_gzip = false;
    while (accept_encoding.n > 0) {
        struct str item = str_split(&accept_encoding, ',');
        struct str name = str_trim(str_split(&item, ';'));
        unsigned weight = parse_weight(item);
        if (str_eq_nocase(name, STR("zstd")))
            weights[CODEC_ZSTD] = weight;
        else if (str_eq_nocase(name, STR("deflate")))
            weights[CODEC_DEFLATE] = weight;
        else if (str_eq_nocase(name, STR("identity")))
            weights[CODEC_NONE] = weight;
        else if (str_eq(name, STR("*")))
            any = weight;
        else if (str_eq_nocase(name, STR("gzip")) || str_eq_nocase(name, STR("x-gzip")))
            named_gzip = true, weights[CODEC_GZIP] = weight;
    }
    if (!named_gzip)
        weights[CODEC_GZIP] = any; /* zstd is for those only who name it */
    static const enum codec by_liking[] = {CODEC_DEFLATE, CODEC_GZIP, CODEC_ZSTD};
    enum codec best = CODEC_NONE;
    for (size_t i = 0; i < ARRAY_LEN(by_liking); i++) {
        unsigned weight = weights[by_liking[i]];
        if (weight > 0 && weight >= weights[best])
            best = by_liking[i];
    }
    return best;
}

const char *
http_encoding_name(enum codec codec)
{
    switch (codec) {
    case CODEC_GZIP:
        return "gzip";
    case CODEC_DEFLATE:
        return "deflate";
    case CODEC_ZSTD:
        return "zstd";
    case CODEC_NONE:
        break;
    }
    UNREACHABLE("no name for no coding");
}

bool
http_encoding_pays(struct str content_type)
{
    static const struct str dense[] = {STR_INIT("image/"), STR_INIT("font/"), STR_INIT("video/"),
                                       STR_INIT("application/zip"), STR_INIT("application/gzip")};
    for (size_t i = 0; i < ARRAY_LEN(dense); i++) {
        if (str_starts_with_nocase(content_type, dense[i]))
            return str_starts_with_nocase(content_type, STR("image/svg"));
    }
    return true;
}
