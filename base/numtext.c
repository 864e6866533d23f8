/* numtext.c - Go's float text over shortest digits.
 *
 * Only the digits come from shortest.h or std::to_chars, in scientific form; where the point goes
 * and when an exponent is shown is decided here (chars_format::fixed prints 1e23 with the digits of
 * the exact value, Go with zeros). The grammar of Go is checked here before std::from_chars
 * sees a text, which accepts more and less. */
#include "base/numtext.h"

#include <math.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "base/numtext_shim.h"
#include "base/shortest.h"

enum {
    DIGITS_MAX = 17,              /* shortest digits of a double */
    G_EXPONENT_MIN = -4,          /* 'g' shows an exponent below 1e-4 ... */
    G_EXPONENT_END = 6,           /* ... and from 1e6 on: the precision of "shortest" */
    PARSE_EXPONENT_CAP = 1 << 30, /* far beyond any double; keeps sums in range */
};

#define GO_NAN_BITS 0x7FF8000000000001u /* math.NaN() */

/* --- writing ------------------------------------------------------------------------------ */

static const char digit_pairs[] = "0001020304050607080910111213141516171819"
                                  "2021222324252627282930313233343536373839"
                                  "4041424344454647484950515253545556575859"
                                  "6061626364656667686970717273747576777879"
                                  "8081828384858687888990919293949596979899";

static const uint64_t powers_of_10[] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    10000000000,
    100000000000,
    1000000000000,
    10000000000000,
    100000000000000,
    1000000000000000,
    10000000000000000,
    100000000000000000,
    1000000000000000000,
    10000000000000000000u,
};

/* log10(2) is 1233 / 4096, nearly. */
static size_t
digit_count(uint64_t v)
{
    size_t bits = 64 - (size_t)__builtin_clzll(v | 1), guess = bits * 1233 >> 12;
    return guess + (v >= powers_of_10[guess] || guess == 0);
}

size_t
numtext_u64(uint64_t v, char *to)
{
    size_t n = digit_count(v);
    char *at = to + n;
    for (; v >= 100; v /= 100)
        memcpy(at -= 2, &digit_pairs[v % 100 * 2], 2);
    if (v >= 10)
        memcpy(at - 2, &digit_pairs[v * 2], 2);
    else
        at[-1] = (char)('0' + v);
    return n;
}

void
numtext_four_digits(unsigned v, char to[4])
{
    ASSERT(v < 10000);
    memcpy(to, &digit_pairs[v / 100 * 2], 2);
    memcpy(to + 2, &digit_pairs[v % 100 * 2], 2);
}

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

/* Up to three decimals, as most measured values have. At most 15 digits that read back as the value
 * are its shortest text: no two decimals of so many digits read as one double, and a quotient of
 * two exact numbers is rounded as a reader rounds. Returns NULL when it is no such value. */
static char *
put_short(double magnitude, char *to)
{
    if (!(magnitude < 1e12))
        return NULL;
    uint64_t thousandths = (uint64_t)(magnitude * 1000 + 0.5);
    if ((double)thousandths / 1000 != magnitude)
        return NULL;
    to += numtext_u64(thousandths / 1000, to);
    unsigned decimals = (unsigned)(thousandths % 1000);
    if (decimals == 0)
        return to;
    to[0] = '.';
    to[1] = (char)('0' + decimals / 100);
    to[2] = (char)('0' + decimals / 10 % 10);
    to[3] = (char)('0' + decimals % 10);
    return to + (decimals % 10 ? 4 : decimals % 100 ? 3 : 2);
}

static void
put_eight_digits(uint32_t v, char *to)
{
    numtext_four_digits(v / 10000, to);
    numtext_four_digits(v % 10000, to + 4);
}

/* Digits and the zeros in front of them are copied in pieces of fixed size; what is too much is
 * overwritten, or lies behind the end. */
static char *
put_usual(double magnitude, char *to)
{
    enum { ALL_DIGITS = 18 }; /* no double needs more than 17 */
    struct shortest d = shortest_of(magnitude);
    char text[2 * ALL_DIGITS] = {0};
    memcpy(text, &digit_pairs[d.digits / UINT64_C(10000000000000000) * 2], 2);
    put_eight_digits((uint32_t)(d.digits / 100000000 % 100000000), text + 2);
    put_eight_digits((uint32_t)(d.digits % 100000000), text + 10);
    size_t count = digit_count(d.digits), zeros = d.places - count;
    const char *digits = text + ALL_DIGITS - count;
    if (d.places >= count) {
        memcpy(to, "0.00000000", 10);
        ASSERT(zeros <= 8);
        memcpy(to + 2 + zeros, digits, ALL_DIGITS);
        return to + 2 + d.places;
    }
    size_t whole = count - d.places;
    memcpy(to, digits, ALL_DIGITS);
    if (d.places == 0)
        return to + count;
    memcpy(to + whole + 1, digits + whole, ALL_DIGITS);
    to[whole] = '.';
    return to + count + 1;
}

static char *
put_shortest(double v, char *to)
{
    double magnitude = fabs(v);
    char *end = put_short(magnitude, to);
    if (end)
        return end;
    return shortest_has(magnitude) ? put_usual(magnitude, to) : put_plain(decimal_of(v), to);
}

size_t
numtext_f(double v, char *to)
{
    char *end, *at = put_special(v, to, &end);
    if (at)
        end = put_shortest(v, at);
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
