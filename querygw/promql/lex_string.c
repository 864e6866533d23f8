/* lex_string.c - string literals: "a\n", 'a\n' with Go's escapes, `raw`.
 *
 * The lexer accepts exactly what lex_unquote() can convert, so that unquoting cannot fail. */
#include "base/assert.h"
#include "base/mem.h"
#include "querygw/promql/lex_int.h"

/* Go's %#U: U+007A 'z' */
static struct lex_token
fail_rune_number(struct lexer *l, const char *before, uint32_t rune, const char *after)
{
    AUTO(buf_fini) struct buf message = BUF_INIT;
    buf_printf(&message, "%sU+%04X", before, rune);
    if (rune_is_printable(rune)) {
        buf_append(&message, STR(" '"));
        buf_put_rune(&message, rune);
        buf_put_u8(&message, '\'');
    }
    buf_append(&message, str_of_cstr(after));
    return lex_fail(l, buf_cstr(&message));
}

static uint32_t
digit_value(uint32_t rune)
{
    if (lex_is_digit(rune))
        return rune - '0';
    if (rune >= 'a' && rune <= 'f')
        return rune - 'a' + 10;
    if (rune >= 'A' && rune <= 'F')
        return rune - 'A' + 10;
    return 16; /* more than any base */
}

static const struct escape {
    char letter;
    uint8_t digits, base;
    uint32_t max;
} escapes[] = {
    {'x', 2, 16, 0xFF},
    {'u', 4, 16, RUNE_MAX},
    {'U', 8, 16, RUNE_MAX},
};
static const struct escape octal = {0, 3, 8, 0xFF};

/* The numeric escape that `rune` begins, or NULL. */
static const struct escape *
find_escape(uint32_t rune)
{
    if (rune >= '0' && rune <= '7')
        return &octal;
    for (size_t i = 0; i < ARRAY_LEN(escapes); i++) {
        if (rune == (uint32_t)escapes[i].letter)
            return &escapes[i];
    }
    return NULL;
}

/* Behind a backslash. False leaves the error token in *ret_failure. */
static bool
scan_escape(struct lexer *l, uint32_t quote, struct lex_token *ret_failure)
{
    uint32_t rune = lex_get(l), value = 0;
    if (rune == quote || (rune < 0x80 && rune && strchr("abfnrtv\\", (int)rune)))
        return true;
    const struct escape *e = find_escape(rune);
    if (!e) {
        *ret_failure = rune == LEX_END_RUNE
                           ? lex_fail(l, "escape sequence not terminated")
                           : fail_rune_number(l, "unknown escape sequence ", rune, "");
        return false;
    }
    if (e->letter)
        rune = lex_get(l);
    for (unsigned left = e->digits; left > 0; left--) {
        uint32_t digit = digit_value(rune);
        if (digit >= e->base) {
            *ret_failure = rune == LEX_END_RUNE ? lex_fail(l, "escape sequence not terminated")
                                                : fail_rune_number(l, "illegal character ", rune,
                                                                   " in escape sequence");
            return false;
        }
        value = value * e->base + digit; /* 8 hex digits at most: cannot wrap */
        if (left > 1)
            rune = lex_get(l);
    }
    if (value <= e->max && !(value >= 0xD800 && value < 0xE000))
        return true;
    *ret_failure = lex_fail(l, "escape sequence is an invalid Unicode code point");
    return false;
}

struct lex_token
lex_string(struct lexer *l, uint32_t quote)
{
    bool raw = quote == '`';
    for (;;) {
        size_t bytes;
        uint32_t rune = lex_peek(l, &bytes);
        l->at += bytes;
        if (rune == quote)
            return lex_emit(l, LEX_STRING);
        if (rune == LEX_END_RUNE || (rune == '\n' && !raw))
            return lex_fail(l, raw ? "unterminated raw string" : "unterminated quoted string");
        if (rune == RUNE_BAD && bytes == 1)
            return lex_fail(l, "invalid UTF-8 rune");
        struct lex_token failure;
        if (rune == '\\' && !raw && !scan_escape(l, quote, &failure))
            return failure;
    }
}

/* Behind a backslash; `rest` begins with the letter. Moves behind the escape. */
static void
put_unescaped(struct str *rest, struct buf *to)
{
    static const char letters[] = "abtnvfr"; /* 7 to 13 */
    uint32_t rune = (uint8_t)str_take(rest, 1).p[0];
    const struct escape *e = find_escape(rune);
    if (!e) {
        const char *letter = strchr(letters, (int)rune);
        buf_put_u8(to, letter ? (uint8_t)(7 + (letter - letters)) : (uint8_t)rune);
        return;
    }
    uint32_t value = e->letter ? 0 : digit_value(rune);
    for (unsigned left = e->letter ? e->digits : e->digits - 1u; left > 0; left--)
        value = value * e->base + digit_value((uint8_t)str_take(rest, 1).p[0]);
    if (e->max == 0xFF)
        buf_put_u8(to, (uint8_t)value); /* a byte, maybe of no UTF-8 */
    else
        buf_put_rune(to, value);
}

struct str
lex_unquote(struct arena *a, struct str quoted)
{
    ASSERT(quoted.n >= 2);
    struct str rest = str_of(quoted.p + 1, quoted.n - 2);
    if (quoted.p[0] == '`' || str_find_byte(rest, '\\') == rest.n)
        return arena_str(a, rest);

    AUTO(buf_fini) struct buf text = BUF_INIT;
    while (rest.n > 0) {
        buf_append(&text, str_take(&rest, str_find_byte(rest, '\\')));
        if (rest.n == 0)
            break;
        rest = str_skip(rest, 1);
        put_unescaped(&rest, &text);
    }
    return arena_str(a, buf_str(&text));
}
