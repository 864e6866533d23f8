/* traceparent.c - version "-" trace-id "-" parent-id "-" flags, in lower-case hex. */
#include "net/trace/traceparent.h"

#include "base/bytes.h"

static bool
hex_digit(char c, uint8_t *ret_value)
{
    if (c >= '0' && c <= '9')
        *ret_value = (uint8_t)(c - '0');
    else if (c >= 'a' && c <= 'f') /* upper case is not allowed */
        *ret_value = (uint8_t)(c - 'a' + 10);
    else
        return false;
    return true;
}

/* Takes 2 * n digits and, unless it is the last field, the dash behind them. */
static bool
take_hex(struct str *rest, uint8_t *to, size_t n)
{
    if (rest->n < 2 * n)
        return false;
    for (size_t i = 0; i < n; i++) {
        uint8_t high, low;
        if (!hex_digit(rest->p[2 * i], &high) || !hex_digit(rest->p[2 * i + 1], &low))
            return false;
        to[i] = (uint8_t)(high << 4 | low);
    }
    *rest = str_skip(*rest, 2 * n);
    return true;
}

static bool
take_dash(struct str *rest)
{
    if (rest->n == 0 || rest->p[0] != '-')
        return false;
    *rest = str_skip(*rest, 1);
    return true;
}

static bool
is_zero(const uint8_t *bytes, size_t n)
{
    uint8_t all = 0;
    for (size_t i = 0; i < n; i++)
        all |= bytes[i];
    return all == 0;
}

bool
traceparent_parse(struct str header, struct traceparent *ret_parent)
{
    struct str rest = header;
    struct traceparent p;
    uint8_t version, span_id[8], flags;
    if (!take_hex(&rest, &version, 1) || !take_dash(&rest) ||
        !take_hex(&rest, p.trace_id, sizeof p.trace_id) || !take_dash(&rest) ||
        !take_hex(&rest, span_id, sizeof span_id) || !take_dash(&rest) ||
        !take_hex(&rest, &flags, 1))
        return false;
    bool ends_well = rest.n == 0 || (version > 0 && rest.p[0] == '-');
    if (version == 0xff || !ends_well || is_zero(p.trace_id, sizeof p.trace_id) ||
        is_zero(span_id, sizeof span_id))
        return false;
    p.span_id = load_be64(span_id);
    p.sampled = flags & 1;
    *ret_parent = p;
    return true;
}
