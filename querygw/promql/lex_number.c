/* lex_number.c - numbers (1, .5, 0x1f, 1_000, 1e-3) and durations (5m, 1h30m) as tokens.
 *
 * The shape only is checked here: whether a number fits and whether the units of a duration
 * descend is found out when the parser converts it. */
#include "base/mem.h"
#include "querygw/promql/lex_int.h"

static const char decimal_digits[] = "0123456789";
static const char hex_digits[] = "0123456789abcdefABCDEF";

static bool
is_word(uint32_t rune)
{
    return lex_is_alpha(rune) || lex_is_digit(rune);
}

static void
accept_run(struct lexer *l, const char *set)
{
    while (lex_accept(l, set))
        continue;
}

/* After _ or an exponent there must be more, and none of these. */
static bool
accept_more(struct lexer *l)
{
    return !lex_accept(l, "._eE") && l->at < l->text.n;
}

/* Behind 0x. An e is a digit here, not an exponent. */
static bool
scan_hex(struct lexer *l)
{
    lex_accept(l, "_");
    for (;;) {
        accept_run(l, hex_digits);
        if (!lex_accept(l, "_"))
            return !lex_accept(l, ".") && !is_word(lex_peek(l, NULL));
        if (!lex_is(l, hex_digits))
            return false;
    }
}

/* False when no number ends here; what was read so far stays read. */
static bool
scan_number(struct lexer *l)
{
    bool had_point = false, had_exponent = false;

    if (lex_accept(l, "0") && lex_accept(l, "xX"))
        return scan_hex(l);
    had_point = lex_accept(l, ".");
    accept_run(l, decimal_digits);
    while (lex_is(l, "._eE")) {
        if (lex_accept(l, "_")) {
            if (!accept_more(l))
                return false;
        } else if (lex_accept(l, ".")) {
            if (had_point || lex_accept(l, "_."))
                return false;
            had_point = true;
        } else {
            lex_accept(l, "eE");
            if (had_exponent)
                return false;
            had_exponent = true;
            lex_accept(l, "+-");
            if (!accept_more(l))
                return false;
        }
        accept_run(l, decimal_digits);
    }
    return !is_word(lex_peek(l, NULL));
}

/* The unit behind the digits read so far, and more digits with units. Whether they descend is
 * not asked here, but a year can only come first. */
static bool
scan_duration_rest(struct lexer *l)
{
    if (!lex_accept(l, "smhdwy"))
        return false;
    lex_accept(l, "s"); /* ms */
    while (lex_accept(l, decimal_digits)) {
        accept_run(l, decimal_digits);
        if (!lex_accept(l, "smhdw"))
            return false;
        lex_accept(l, "s");
    }
    size_t bytes;
    if (!is_word(lex_peek(l, &bytes)))
        return true;
    l->at += bytes; /* the message shows it */
    return false;
}

struct lex_token
lex_number_or_duration(struct lexer *l)
{
    if (scan_number(l))
        return lex_emit(l, LEX_NUMBER);
    if (scan_duration_rest(l))
        return lex_emit(l, LEX_DURATION);
    AUTO(buf_fini) struct buf message = BUF_INIT;
    buf_append(&message, STR("bad number or duration syntax: "));
    quote_text(lex_word(l), &message);
    return lex_fail(l, buf_cstr(&message));
}
