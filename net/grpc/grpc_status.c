/* grpc_status.c - tables of codes, and the texts of two header fields. */
#include "net/grpc/grpc_status.h"

#include <stdio.h>

#include "base/assert.h"
#include "base/mem.h"

/* --- codes ------------------------------------------------------------------------------------ */

/* UNKNOWN, ABORTED, FAILED_PRECONDITION: a request that failed while it ran. */
static const struct code {
    const char *name;
    enum err_code err;
} codes[GRPC_CODE_COUNT] = {
    [GRPC_OK] = {"OK", ERR_NONE},
    [GRPC_CANCELED] = {"Canceled", ERR_CANCELED},
    [GRPC_UNKNOWN] = {"Unknown", ERR_EXECUTION},
    [GRPC_INVALID_ARGUMENT] = {"InvalidArgument", ERR_INVALID},
    [GRPC_DEADLINE_EXCEEDED] = {"DeadlineExceeded", ERR_TIMEOUT},
    [GRPC_NOT_FOUND] = {"NotFound", ERR_NOT_FOUND},
    [GRPC_ALREADY_EXISTS] = {"AlreadyExists", ERR_CONFLICT},
    [GRPC_PERMISSION_DENIED] = {"PermissionDenied", ERR_FORBIDDEN},
    [GRPC_RESOURCE_EXHAUSTED] = {"ResourceExhausted", ERR_OVERLOAD},
    [GRPC_FAILED_PRECONDITION] = {"FailedPrecondition", ERR_EXECUTION},
    [GRPC_ABORTED] = {"Aborted", ERR_EXECUTION},
    [GRPC_OUT_OF_RANGE] = {"OutOfRange", ERR_INVALID},
    [GRPC_UNIMPLEMENTED] = {"Unimplemented", ERR_UNIMPLEMENTED},
    [GRPC_INTERNAL] = {"Internal", ERR_INTERNAL},
    [GRPC_UNAVAILABLE] = {"Unavailable", ERR_UNAVAILABLE},
    [GRPC_DATA_LOSS] = {"DataLoss", ERR_CORRUPT},
    [GRPC_UNAUTHENTICATED] = {"Unauthenticated", ERR_UNAUTHORIZED},
};

const char *
grpc_code_name(enum grpc_code code)
{
    ASSERT((unsigned)code < GRPC_CODE_COUNT);
    return codes[code].name;
}

bool
grpc_code_parse(struct str text, enum grpc_code *ret_code)
{
    uint64_t value = 0;
    struct err e = str_parse_u64(text, &value);
    bool is_number = e.code == ERR_NONE;
    err_drop(e);
    if (is_number)
        *ret_code = value < GRPC_CODE_COUNT ? (enum grpc_code)value : GRPC_UNKNOWN;
    return is_number;
}

enum grpc_code
grpc_code_of_err(enum err_code code)
{
    int status = err_grpc_status(code);
    ASSERT(status >= 0 && status < GRPC_CODE_COUNT);
    return (enum grpc_code)status;
}

enum err_code
grpc_code_to_err(enum grpc_code code)
{
    ASSERT((unsigned)code < GRPC_CODE_COUNT);
    return codes[code].err;
}

/* --- grpc-message ----------------------------------------------------------------------------- */

static const char hex_digits[] = "0123456789ABCDEF";
static const struct str replacement = STR_INIT("\xef\xbf\xbd"); /* U+FFFD */

/* Blanks at the ends would be stripped or refused as ends of a header field. */
static bool
is_plain(char c, bool at_end)
{
    return c > ' ' ? c <= '~' && c != '%' : c == ' ' && !at_end;
}

void
grpc_text_encode(struct str text, struct buf *to)
{
    size_t start = to->n;
    for (size_t at = 0, n; at < text.n; at += n) {
        struct str rest = str_skip(text, at);
        size_t known = str_utf8_first(rest);
        n = size_max(known, 1);
        struct str c = known > 0 ? str_of(rest.p, known) : replacement;
        bool plain = c.n == 1 && is_plain(c.p[0], at == 0 || at + 1 == text.n);
        size_t need = plain ? 1 : 3 * c.n;
        if (to->n - start + need > GRPC_TEXT_BYTES_MAX) {
            while (to->n > start && to->p[to->n - 1] == ' ')
                to->n--;
            return;
        }
        if (plain) {
            buf_append(to, c);
            continue;
        }
        for (size_t i = 0; i < c.n; i++) {
            unsigned char byte = (unsigned char)c.p[i];
            char escape[] = {'%', hex_digits[byte >> 4], hex_digits[byte & 15]};
            buf_append(to, str_of(escape, sizeof escape));
        }
    }
}

/* -1: no digit. */
static int
hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void
grpc_text_decode(struct str encoded, struct buf *to)
{
    for (size_t i = 0; i < encoded.n; i++) {
        bool room = encoded.n - i > 2;
        int high = room && encoded.p[i] == '%' ? hex_value(encoded.p[i + 1]) : -1;
        int low = high >= 0 ? hex_value(encoded.p[i + 2]) : -1;
        if (low < 0) {
            buf_put_u8(to, (uint8_t)encoded.p[i]);
            continue;
        }
        buf_put_u8(to, (uint8_t)(high << 4 | low));
        i += 2;
    }
}

/* --- grpc-timeout ----------------------------------------------------------------------------- */

enum { TIMEOUT_DIGITS_MAX = 8 };
#define TIMEOUT_VALUE_MAX ((uint64_t)99999999)

/* The finest first. */
static const struct unit {
    char letter;
    uint64_t ns;
} units[] = {
    {'n', 1},
    {'u', 1000},
    {'m', 1000 * 1000},
    {'S', (uint64_t)1000 * 1000 * 1000},
    {'M', (uint64_t)60 * 1000 * 1000 * 1000},
    {'H', (uint64_t)3600 * 1000 * 1000 * 1000},
};

void
grpc_timeout_format(uint64_t timeout_ns, char ret_text[GRPC_TIMEOUT_BYTES_MAX])
{
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        uint64_t value = timeout_ns / units[i].ns + (timeout_ns % units[i].ns != 0);
        if (value > TIMEOUT_VALUE_MAX)
            continue;
        snprintf(ret_text, GRPC_TIMEOUT_BYTES_MAX, "%u%c", (unsigned)value, units[i].letter);
        return;
    }
    UNREACHABLE("2^64 ns are 5 million hours");
}

bool
grpc_timeout_parse(struct str text, uint64_t *ret_timeout_ns)
{
    if (text.n < 2 || text.n > TIMEOUT_DIGITS_MAX + 1)
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i + 1 < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text.p[i] - '0');
    }
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (units[i].letter != text.p[text.n - 1])
            continue;
        *ret_timeout_ns = value > UINT64_MAX / units[i].ns ? UINT64_MAX : value * units[i].ns;
        return true;
    }
    return false;
}
