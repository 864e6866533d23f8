/* units.c - text to milliseconds, bytes and addresses.
 *
 * Two duration languages meet here: Prometheus' (descending whole units, each at most once:
 * "1h30m", "15d") and Go's (any order, repeated, signed, with fractions: "1.5h", "250us").
 * Flags of Thanos use one or the other; ours take both. */
#include "conf/units.h"

#include "base/mem.h"

enum { NS_IN_MS = 1000000 };

struct unit {
    struct str name;
    uint64_t size;
    bool whole_only; /* printed only when nothing is left over */
};

/* Milliseconds, largest first: the order in which Prometheus wants them. */
static const struct unit model_units[] = {
    {STR_INIT("y"), 365ull * 86400000, true},
    {STR_INIT("w"), 7ull * 86400000, true},
    {STR_INIT("d"), 86400000, false},
    {STR_INIT("h"), 3600000, false},
    {STR_INIT("m"), 60000, false},
    {STR_INIT("s"), 1000, false},
    {STR_INIT("ms"), 1, false},
};

/* Nanoseconds. The two micro signs are U+00B5 and U+03BC. */
static const struct unit go_units[] = {
    {STR_INIT("ns"), 1, false},
    {STR_INIT("us"), 1000, false},
    {STR_INIT("\xc2\xb5s"), 1000, false},
    {STR_INIT("\xce\xbcs"), 1000, false},
    {STR_INIT("ms"), NS_IN_MS, false},
    {STR_INIT("s"), 1000ull * NS_IN_MS, false},
    {STR_INIT("m"), 60000ull * NS_IN_MS, false},
    {STR_INIT("h"), 3600000ull * NS_IN_MS, false},
};

/* clang-format off */
static const struct unit byte_units[] = {
    {STR_INIT(""), 1, false},            {STR_INIT("B"), 1, false},
    {STR_INIT("KB"), 1ull << 10, false}, {STR_INIT("KiB"), 1ull << 10, false},
    {STR_INIT("MB"), 1ull << 20, false}, {STR_INIT("MiB"), 1ull << 20, false},
    {STR_INIT("GB"), 1ull << 30, false}, {STR_INIT("GiB"), 1ull << 30, false},
    {STR_INIT("TB"), 1ull << 40, false}, {STR_INIT("TiB"), 1ull << 40, false},
    {STR_INIT("PB"), 1ull << 50, false}, {STR_INIT("PiB"), 1ull << 50, false},
    {STR_INIT("EB"), 1ull << 60, false}, {STR_INIT("EiB"), 1ull << 60, false},
};
/* clang-format on */

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t
digits_prefix(struct str s)
{
    size_t n = 0;
    while (n < s.n && is_digit(s.p[n]))
        n++;
    return n;
}

/* The bytes up to the next digit, point or the end: what stands where a unit should. */
static struct str
take_unit(struct str *rest)
{
    size_t n = 0;
    while (n < rest->n && !is_digit(rest->p[n]) && rest->p[n] != '.')
        n++;
    return str_take(rest, n);
}

static const struct unit *
find_unit(const struct unit *units, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(units[i].name, name))
            return &units[i];
    }
    return NULL;
}

static struct err
not_a_duration(struct str text)
{
    return ERR(ERR_INVALID, "not a duration: \"%.*s\" (like 30s, 1h30m or 15d)", STR_FMT(text));
}

struct err
duration_parse(struct str text, int64_t *ret_ms)
{
    const uint64_t ms_max = INT64_MAX / NS_IN_MS;
    struct str rest = text;
    uint64_t total_ms = 0;
    size_t next_unit = 0; /* units before it are used up */

    if (str_eq(text, STR("0"))) {
        *ret_ms = 0;
        return OK;
    }
    if (text.n == 0)
        return not_a_duration(text);
    while (rest.n > 0) {
        struct str digits = str_take(&rest, digits_prefix(rest));
        const struct unit *unit = find_unit(model_units, ARRAY_LEN(model_units), take_unit(&rest));
        uint64_t value;
        if (digits.n == 0 || !unit || unit < model_units + next_unit)
            return not_a_duration(text);
        next_unit = (size_t)(unit - model_units) + 1;

        struct err too_long = str_parse_u64(digits, &value);
        if (too_long.code || value > (ms_max - total_ms) / unit->size) {
            err_drop(too_long);
            return ERR(ERR_INVALID, "duration out of range: \"%.*s\"", STR_FMT(text));
        }
        total_ms += value * unit->size;
    }
    *ret_ms = (int64_t)total_ms;
    return OK;
}

/* Digits behind a point, as a part of `size`, cut off to a whole number. */
static uint64_t
fraction_of(struct str digits, uint64_t size)
{
    double part = 0, scale = (double)size;
    for (size_t i = 0; i < digits.n; i++) {
        scale /= 10;
        part += scale * (digits.p[i] - '0');
    }
    return (uint64_t)part;
}

/* Adds "12.34unit" at the start of *rest to *ns. False when malformed or above `ns_max`. */
static bool
go_term_add(struct str *rest, uint64_t ns_max, uint64_t *ns)
{
    struct str whole = str_take(rest, digits_prefix(*rest)), fraction = STR("");
    if (rest->n > 0 && rest->p[0] == '.') {
        *rest = str_skip(*rest, 1);
        fraction = str_take(rest, digits_prefix(*rest));
    }
    const struct unit *unit = find_unit(go_units, ARRAY_LEN(go_units), take_unit(rest));
    uint64_t value = 0;
    if (whole.n + fraction.n == 0 || !unit)
        return false;
    if (whole.n > 0) {
        struct err too_long = str_parse_u64(whole, &value);
        if (too_long.code) {
            err_drop(too_long);
            return false;
        }
    }
    if (value > ns_max / unit->size)
        return false;
    value = value * unit->size + fraction_of(fraction, unit->size);
    if (value > ns_max - *ns)
        return false;
    *ns += value;
    return true;
}

struct err
duration_parse_go(struct str text, int64_t *ret_ns)
{
    struct str rest = text;
    uint64_t ns = 0;
    bool negative = rest.n > 0 && rest.p[0] == '-';

    if (rest.n > 0 && (rest.p[0] == '-' || rest.p[0] == '+'))
        rest = str_skip(rest, 1);
    if (rest.n == 0)
        return not_a_duration(text);
    if (str_eq(rest, STR("0")))
        rest = STR("");
    while (rest.n > 0) {
        if (!go_term_add(&rest, INT64_MAX, &ns))
            return not_a_duration(text);
    }
    *ret_ns = negative ? -(int64_t)ns : (int64_t)ns;
    return OK;
}

struct err
duration_parse_flag(struct str text, int64_t *ret_ms)
{
    struct err e = duration_parse(text, ret_ms);
    if (!e.code)
        return OK;
    err_drop(e);
    int64_t ns = 0;
    TRY(duration_parse_go(text, &ns));
    uint64_t size = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
    uint64_t ms = (size + NS_IN_MS / 2) / NS_IN_MS;
    if (size > 0 && ms == 0)
        ms = 1;
    *ret_ms = ns < 0 ? -(int64_t)ms : (int64_t)ms;
    return OK;
}

void
duration_format(int64_t ms, struct buf *to)
{
    uint64_t left = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
    if (ms == 0) {
        buf_append(to, STR("0s"));
        return;
    }
    if (ms < 0)
        buf_put_u8(to, '-');
    for (size_t i = 0; i < ARRAY_LEN(model_units); i++) {
        const struct unit *unit = &model_units[i];
        if (left < unit->size || (unit->whole_only && left % unit->size != 0))
            continue;
        buf_printf(to, "%ju%s", (uintmax_t)(left / unit->size), unit->name.p);
        left %= unit->size;
    }
}

struct err
bytes_parse(struct str text, uint64_t *ret_bytes)
{
    struct str rest = text;
    struct str whole = str_take(&rest, digits_prefix(rest)), fraction = STR("");
    uint64_t value;
    if (rest.n > 0 && rest.p[0] == '.') {
        rest = str_skip(rest, 1);
        fraction = str_take(&rest, digits_prefix(rest));
        if (fraction.n == 0)
            return ERR(ERR_INVALID, "not a size: \"%.*s\" (like 512MB or 1.5GiB)", STR_FMT(text));
    }
    const struct unit *unit = find_unit(byte_units, ARRAY_LEN(byte_units), rest);
    if (whole.n == 0 || !unit)
        return ERR(ERR_INVALID, "not a size: \"%.*s\" (like 512MB or 1.5GiB)", STR_FMT(text));

    struct err too_long = str_parse_u64(whole, &value);
    if (too_long.code || value > INT64_MAX / unit->size) {
        err_drop(too_long);
        return ERR(ERR_INVALID, "size out of range: \"%.*s\"", STR_FMT(text));
    }
    value = value * unit->size + fraction_of(fraction, unit->size);
    if (value > INT64_MAX)
        return ERR(ERR_INVALID, "size out of range: \"%.*s\"", STR_FMT(text));
    *ret_bytes = value;
    return OK;
}

struct err
address_parse(struct str text, struct str *ret_host, uint16_t *ret_port)
{
    struct str host = text, port = STR("");
    for (size_t i = text.n; i-- > 0;) {
        if (text.p[i] != ':')
            continue;
        host = str_of(text.p, i);
        port = str_skip(text, i + 1);
        break;
    }
    uint64_t number = 0;
    bool bracketed = host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
    if (bracketed)
        host = str_of(host.p + 1, host.n - 2);
    bool host_ok = bracketed ? host.n > 0 : str_find_byte(host, ':') == host.n;
    host_ok = host_ok && str_find_byte(host, '[') == host.n && str_find_byte(host, ']') == host.n;

    struct err e = str_parse_u64(port, &number);
    if (e.code || number > UINT16_MAX || !host_ok) {
        err_drop(e);
        return ERR(ERR_INVALID, "not an address: \"%.*s\" (like 0.0.0.0:10902 or [::1]:10902)",
                   STR_FMT(text));
    }
    *ret_host = host;
    *ret_port = (uint16_t)number;
    return OK;
}
