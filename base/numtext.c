/* numtext.c - Go's float text over the shim's shortest digits.
 *
 * Only the digits come from std::to_chars, in scientific form; where the point goes and when
 * an exponent is shown is decided here (chars_format::fixed prints 1e23 with the digits of
 * the exact value, Go with zeros). The grammar of Go is checked here before std::from_chars
 * sees a text, which accepts more and less. */
#include "base/numtext.h"

#include <math.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "base/numtext_shim.h"

enum {
    DIGITS_MAX = 17,              /* shortest digits of a double */
    G_EXPONENT_MIN = -4,          /* 'g' shows an exponent below 1e-4 ... */
    G_EXPONENT_END = 6,           /* ... and from 1e6 on: the precision of "shortest" */
    PARSE_EXPONENT_CAP = 1 << 30, /* far beyond any double; keeps sums in range */
};

#define GO_NAN_BITS 0x7FF8000000000001u /* math.NaN() */

/* --- writing ------------------------------------------------------------------------------ */

/* |v| = 0.d1d2d3.. * 10^(exponent + 1) */
struct decimal {
    char digits[DIGITS_MAX];
    int count;
    int exponent;
};

static struct decimal
decimal_of(double v)
{
    char text[NUMTEXT_SHIM_BYTES_MAX];
    size_t n = numtext_shim_scientific(fabs(v), text);
    struct decimal d = {.count = 0};
    size_t i = 0;
    for (; i < n && text[i] != 'e'; i++) {
        if (text[i] == '.')
            continue;
        ASSERT(d.count < DIGITS_MAX);
        d.digits[d.count++] = text[i];
    }
    ASSERT(d.count > 0 && i + 2 < n);
    bool negative = text[i + 1] == '-';
    for (i += 2; i < n; i++)
        d.exponent = d.exponent * 10 + (text[i] - '0');
    if (negative)
        d.exponent = -d.exponent;
    return d;
}

static char *
put_text(char *to, struct str s)
{
    memcpy(to, s.p, s.n);
    return to + s.n;
}

static char *
put_zeros(char *to, int count)
{
    for (; count > 0; count--)
        *to++ = '0';
    return to;
}

/* Returns where the number's digits go, or NULL when the whole text is written: *ret_end. */
static char *
put_special(double v, char *to, char **ret_end)
{
    if (isnan(v)) {
        *ret_end = put_text(to, STR("NaN"));
        return NULL;
    }
    if (isinf(v)) {
        *ret_end = put_text(to, v > 0 ? STR("+Inf") : STR("-Inf"));
        return NULL;
    }
    if (signbit(v))
        *to++ = '-';
    return to;
}

static char *
put_plain(struct decimal d, char *to)
{
    if (d.exponent < 0) {
        to = put_text(to, STR("0."));
        to = put_zeros(to, -d.exponent - 1);
        return put_text(to, str_of(d.digits, (size_t)d.count));
    }
    int whole = d.exponent + 1;
    if (d.count <= whole) {
        to = put_text(to, str_of(d.digits, (size_t)d.count));
        return put_zeros(to, whole - d.count);
    }
    to = put_text(to, str_of(d.digits, (size_t)whole));
    *to++ = '.';
    return put_text(to, str_of(d.digits + whole, (size_t)(d.count - whole)));
}

/* At least two digits of exponent, always a sign. */
static char *
put_exponent(struct decimal d, char *to)
{
    *to++ = d.digits[0];
    if (d.count > 1) {
        *to++ = '.';
        to = put_text(to, str_of(d.digits + 1, (size_t)d.count - 1));
    }
    *to++ = 'e';
    *to++ = d.exponent < 0 ? '-' : '+';
    int e = d.exponent < 0 ? -d.exponent : d.exponent;
    if (e >= 100)
        *to++ = (char)('0' + e / 100);
    *to++ = (char)('0' + e / 10 % 10);
    *to++ = (char)('0' + e % 10);
    return to;
}

size_t
numtext_f(double v, char *to)
{
    char *end, *at = put_special(v, to, &end);
    if (at)
        end = put_plain(decimal_of(v), at);
    ASSERT(end - to <= NUMTEXT_BYTES_MAX);
    return (size_t)(end - to);
}

size_t
numtext_e(double v, char *to)
{
    char *end, *at = put_special(v, to, &end);
    if (at)
        end = put_exponent(decimal_of(v), at);
    return (size_t)(end - to);
}

size_t
numtext_g(double v, char *to)
{
    char *end, *at = put_special(v, to, &end);
    if (at) {
        struct decimal d = decimal_of(v);
        bool exponent = d.exponent < G_EXPONENT_MIN || d.exponent >= G_EXPONENT_END;
        end = exponent ? put_exponent(d, at) : put_plain(d, at);
    }
    return (size_t)(end - to);
}

size_t
numtext_api(double v, char *to)
{
    double magnitude = fabs(v);
    bool exponent = magnitude != 0 && (magnitude < 1e-6 || magnitude >= 1e21);
    return exponent ? numtext_e(v, to) : numtext_f(v, to);
}

/* --- reading ------------------------------------------------------------------------------ */

/* What the grammar check learns of a number. */
struct scan {
    struct str body; /* without sign and hex prefix */
    enum numtext_shim_base base;
    bool negative, underscores, nonzero;
    int64_t magnitude; /* power of the base's digit unit of the first digit not 0 */
};

static bool
is_digit(char c, enum numtext_shim_base base)
{
    char low = (char)(c | 0x20);
    return (c >= '0' && c <= '9') || (base == NUMTEXT_SHIM_HEX && low >= 'a' && low <= 'f');
}

/* An underscore stands between digits, or between the hex prefix and a digit. */
static bool
underscores_allowed(const struct scan *n)
{
    bool after_digit = n->base == NUMTEXT_SHIM_HEX, after_underscore = false;
    for (size_t i = 0; i < n->body.n; i++) {
        char c = n->body.p[i];
        if (c == '_' ? !after_digit : after_underscore && !is_digit(c, n->base))
            return false;
        after_underscore = c == '_';
        after_digit = is_digit(c, n->base);
    }
    return !after_underscore;
}

/* Digits with at most one point; returns how many bytes, 0 when there is no digit. */
static size_t
scan_mantissa(struct scan *n)
{
    int64_t unit = n->base == NUMTEXT_SHIM_HEX ? 4 : 1;
    bool point = false, digits = false;
    size_t i = 0;
    for (; i < n->body.n; i++) {
        char c = n->body.p[i];
        if (c == '_') {
            n->underscores = true;
        } else if (c == '.' && !point) {
            point = true;
        } else if (is_digit(c, n->base)) {
            digits = true;
            n->nonzero = n->nonzero || c != '0';
            if (point && !n->nonzero)
                n->magnitude -= unit;
            else if (!point && n->nonzero)
                n->magnitude += unit;
        } else {
            break;
        }
    }
    return digits ? i : 0;
}

/* The rest of the text from byte `at`: nothing, or an exponent. */
static bool
scan_exponent(struct scan *n, size_t at)
{
    char letter = n->base == NUMTEXT_SHIM_HEX ? 'p' : 'e';
    if (at == n->body.n)
        return n->base == NUMTEXT_SHIM_DECIMAL; /* a hex number must have one */
    if ((n->body.p[at++] | 0x20) != letter)
        return false;
    bool negative = at < n->body.n && n->body.p[at] == '-';
    if (at < n->body.n && (n->body.p[at] == '-' || n->body.p[at] == '+'))
        at++;
    if (at == n->body.n || !is_digit(n->body.p[at], NUMTEXT_SHIM_DECIMAL))
        return false;
    int64_t e = 0;
    for (; at < n->body.n; at++) {
        char c = n->body.p[at];
        if (c == '_')
            n->underscores = true;
        else if (!is_digit(c, NUMTEXT_SHIM_DECIMAL))
            return false;
        else if (e < PARSE_EXPONENT_CAP)
            e = e * 10 + (c - '0');
    }
    n->magnitude += negative ? -e : e;
    return true;
}

static bool
scan_number(struct str s, struct scan *n)
{
    *n = (struct scan){.body = s, .base = NUMTEXT_SHIM_DECIMAL};
    if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+')) {
        n->negative = s.p[0] == '-';
        n->body = str_skip(s, 1);
    }
    if (str_starts_with_nocase(n->body, STR("0x"))) {
        n->base = NUMTEXT_SHIM_HEX;
        n->body = str_skip(n->body, 2);
    }
    size_t mantissa = scan_mantissa(n);
    return mantissa > 0 && scan_exponent(n, mantissa) &&
           (!n->underscores || underscores_allowed(n));
}

/* True for the names of values that have no digits; NaN has no sign. */
static bool
parse_name(struct str s, double *ret_value)
{
    if (str_eq_nocase(s, STR("nan"))) {
        *ret_value = f64_of_bits(GO_NAN_BITS);
        return true;
    }
    bool sign = s.n > 0 && (s.p[0] == '-' || s.p[0] == '+');
    struct str name = sign ? str_skip(s, 1) : s;
    if (!str_eq_nocase(name, STR("inf")) && !str_eq_nocase(name, STR("infinity")))
        return false;
    *ret_value = sign && s.p[0] == '-' ? -HUGE_VAL : HUGE_VAL;
    return true;
}

static enum numtext_shim_status
parse_body(const struct scan *n, double *ret_value)
{
    if (!n->underscores)
        return numtext_shim_parse(n->body.p, n->body.n, n->base, ret_value);
    AUTO(buf_fini) struct buf plain = BUF_INIT;
    for (size_t i = 0; i < n->body.n; i++) {
        if (n->body.p[i] != '_')
            buf_put_u8(&plain, (uint8_t)n->body.p[i]);
    }
    return numtext_shim_parse(plain.p, plain.n, n->base, ret_value);
}

struct err
numtext_parse(struct str s, double *ret_value)
{
    if (parse_name(s, ret_value))
        return OK;
    struct scan n;
    if (!scan_number(s, &n))
        return ERR(ERR_INVALID, "parsing \"%.*s\": invalid syntax", STR_FMT(s));
    double value = 0;
    enum numtext_shim_status status = n.nonzero ? parse_body(&n, &value) : NUMTEXT_SHIM_OK;
    if (status == NUMTEXT_SHIM_RANGE && n.magnitude > 0)
        return ERR(ERR_INVALID, "parsing \"%.*s\": value out of range", STR_FMT(s));
    if (status == NUMTEXT_SHIM_MALFORMED)
        return ERR(ERR_INVALID, "parsing \"%.*s\": invalid syntax", STR_FMT(s));
    *ret_value = n.negative ? -value : value;
    return OK;
}
