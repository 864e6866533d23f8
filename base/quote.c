/* quote.c - see quote.h. */
#include "base/quote.h"

#include "base/assert.h"
#include "base/mem.h"

static const struct rune_range {
    uint32_t first, last;
} unprintable[] = {
#include "base/quote_table.h"
};

size_t
rune_decode(struct str s, uint32_t *ret_rune)
{
    ASSERT(s.n > 0);
    const unsigned char *p = (const unsigned char *)s.p;
    size_t len = p[0] < 0x80 ? 1 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    if (len > s.n || !str_is_utf8(str_of(s.p, len))) {
        *ret_rune = RUNE_BAD;
        return 1;
    }
    uint32_t rune = len == 1 ? p[0] : p[0] & (0x7Fu >> len);
    for (size_t i = 1; i < len; i++)
        rune = rune << 6 | (p[i] & 0x3F);
    *ret_rune = rune;
    return len;
}

void
buf_put_rune(struct buf *b, uint32_t rune)
{
    if (rune > RUNE_MAX || (rune >= 0xD800 && rune <= 0xDFFF))
        rune = RUNE_BAD;
    if (rune < 0x80) {
        buf_put_u8(b, (uint8_t)rune);
        return;
    }
    unsigned len = rune < 0x800 ? 2 : rune < 0x10000 ? 3 : 4;
    uint32_t lead = 0xF00u >> len & 0xFF; /* as many ones as there are bytes */
    buf_put_u8(b, (uint8_t)(lead | rune >> 6 * (len - 1)));
    for (unsigned i = len - 1; i-- > 0;)
        buf_put_u8(b, (uint8_t)(0x80 | (rune >> 6 * i & 0x3F)));
}

bool
rune_is_printable(uint32_t rune)
{
    if (rune < 0x20 || rune > RUNE_MAX)
        return false;
    size_t low = 0, high = ARRAY_LEN(unprintable);
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (rune > unprintable[mid].last)
            low = mid + 1;
        else if (rune < unprintable[mid].first)
            high = mid;
        else
            return false;
    }
    return true;
}

static void
put_escaped(uint32_t rune, char quote, struct buf *to)
{
    static const char letters[] = "abtnvfr"; /* the escapes of 7 to 13 */
    if (rune == (uint32_t)quote || rune == '\\')
        buf_printf(to, "\\%c", (char)rune);
    else if (rune_is_printable(rune))
        buf_put_rune(to, rune);
    else if (rune >= 7 && rune <= 13)
        buf_printf(to, "\\%c", letters[rune - 7]);
    else if (rune < 0x20 || rune == 0x7F)
        buf_printf(to, "\\x%02x", rune);
    else
        buf_printf(to, rune < 0x10000 ? "\\u%04x" : "\\U%08x", rune);
}

void
quote_text(struct str s, struct buf *to)
{
    buf_put_u8(to, '"');
    for (size_t i = 0; i < s.n;) {
        uint32_t rune;
        size_t len = rune_decode(str_skip(s, i), &rune);
        if (rune == RUNE_BAD && len == 1)
            buf_printf(to, "\\x%02x", (unsigned char)s.p[i]);
        else
            put_escaped(rune, '"', to);
        i += len;
    }
    buf_put_u8(to, '"');
}

void
quote_rune(uint32_t rune, struct buf *to)
{
    buf_put_u8(to, '\'');
    put_escaped(rune > RUNE_MAX || (rune >= 0xD800 && rune <= 0xDFFF) ? RUNE_BAD : rune, '\'', to);
    buf_put_u8(to, '\'');
}
