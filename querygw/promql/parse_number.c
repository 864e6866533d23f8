/* parse_number.c - the values of number and duration tokens.
 *
 * A number is first tried as a Go integer (base prefix, a leading 0 means octal, underscores),
 * then as a float: so 017 is 15 and 089 is 89. A duration counts in seconds. */
#include "base/mem.h"
#include "base/numtext.h"
#include "base/quote.h"
#include "conf/units.h"
#include "querygw/promql/parse_int.h"

static struct err
number_error(const struct parser *p, const struct lex_token *t, const char *why)
{
    return parser_fail_quoted(p, t->start, "error parsing number: strconv.ParseFloat: parsing ",
                              t->text, why);
}

static bool
is_hex_digit(char c)
{
    return lex_is_digit((uint8_t)c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Underscores stand between digits or behind the base prefix. */
static bool
underscores_fit(struct str s, size_t prefix)
{
    for (size_t i = prefix; i < s.n; i++) {
        if (s.p[i] != '_')
            continue;
        bool before = i == prefix ? prefix > 0 : is_hex_digit(s.p[i - 1]);
        bool after = i + 1 < s.n && is_hex_digit(s.p[i + 1]);
        if (!before || !after)
            return false;
    }
    return true;
}

/* All digits, without overflow of int64. */
static bool
parse_integer(struct str digits, int base, int64_t *ret_value)
{
    int64_t value = 0;
    for (size_t i = 0; i < digits.n; i++) {
        char c = digits.p[i];
        if (!is_hex_digit(c))
            return false;
        int digit = lex_is_digit((uint8_t)c) ? c - '0' : (c | 0x20) - 'a' + 10;
        if (digit >= base || __builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
    }
    *ret_value = value;
    return digits.n > 0;
}

static struct err
parse_plain_number(const struct parser *p, const struct lex_token *t, double *ret_value)
{
    static const char syntax[] = ": invalid syntax", range[] = ": value out of range";
    bool hex = str_starts_with_nocase(t->text, STR("0x"));
    size_t prefix = hex ? 2 : 0;
    AUTO(buf_fini) struct buf plain = BUF_INIT;
    int64_t integer;

    if (!underscores_fit(t->text, prefix))
        return number_error(p, t, syntax);
    for (size_t i = prefix; i < t->text.n; i++) {
        if (t->text.p[i] != '_')
            buf_put_u8(&plain, (uint8_t)t->text.p[i]);
    }
    struct str digits = buf_str(&plain);
    bool octal = !hex && digits.n > 1 && digits.p[0] == '0';
    if (parse_integer(digits, hex ? 16 : octal ? 8 : 10, &integer)) {
        *ret_value = (double)integer;
        return OK;
    }
    if (hex)
        return number_error(p, t, syntax);
    struct err e = numtext_parse(digits, ret_value);
    if (e.code == ERR_NONE)
        return OK;
    err_drop(e);
    /* Of a well-formed token only a cut exponent is no number; what ends in a digit is large. */
    return number_error(p, t, lex_is_digit((uint8_t)digits.p[digits.n - 1]) ? range : syntax);
}

/* Why the duration parser refused `text`, in the words of Prometheus. */
static struct err
duration_error(const struct parser *p, const struct lex_token *t)
{
    static const struct str units[] = {STR_INIT("y"), STR_INIT("w"), STR_INIT("d"), STR_INIT("h"),
                                       STR_INIT("m"), STR_INIT("s"), STR_INIT("ms")};
    size_t next = 0; /* units before it are used up */
    for (size_t at = 0; at < t->text.n;) {
        while (at < t->text.n && lex_is_digit((uint8_t)t->text.p[at]))
            at++;
        size_t start = at, i = 0;
        while (at < t->text.n && !lex_is_digit((uint8_t)t->text.p[at]))
            at++;
        struct str unit = str_of(t->text.p + start, at - start);
        while (i < ARRAY_LEN(units) && !str_eq(unit, units[i]))
            i++;
        if (i == ARRAY_LEN(units)) {
            AUTO(buf_fini) struct buf after = BUF_INIT;
            buf_append(&after, STR(" in duration "));
            quote_text(t->text, &after);
            return parser_fail_quoted(p, t->start, "unknown unit ", unit, buf_cstr(&after));
        }
        if (i < next)
            break;
        next = i + 1;
    }
    return parser_fail_quoted(p, t->start, "not a valid duration string: ", t->text, "");
}

static struct err
parse_duration_number(const struct parser *p, const struct lex_token *t, double *ret_seconds)
{
    int64_t ms;
    struct err e = duration_parse(t->text, &ms);
    if (e.code != ERR_NONE) {
        bool range = strstr(err_text(&e), "out of range");
        err_drop(e);
        if (range)
            return parser_fail(p, t->start, "duration out of range");
        return duration_error(p, t);
    }
    /* As Go's Duration.Seconds(): whole seconds and the rest apart. */
    *ret_seconds = (double)(ms / 1000) + (double)(ms % 1000 * 1000000) / 1e9;
    return OK;
}

struct err
parse_number(struct parser *p, struct promql_number *ret_number)
{
    struct lex_token t = parser_take(p);
    ret_number->is_duration = t.kind == LEX_DURATION;
    if (ret_number->is_duration)
        return parse_duration_number(p, &t, &ret_number->value);
    return parse_plain_number(p, &t, &ret_number->value);
}
