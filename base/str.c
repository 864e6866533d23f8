/* str.c - views and growing buffers of bytes. */
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/mem.h"

enum { BUF_BYTES_MIN = 64 };

static int
compare_items(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

void
str_sort(struct str *v, size_t n)
{
    if (n > 1)
        qsort(v, n, sizeof *v, compare_items);
}

struct str
str_skip(struct str s, size_t from)
{
    ASSERT(from <= s.n);
    return (struct str){from ? s.p + from : s.p, s.n - from}; /* an empty one may be NULL */
}

struct str
str_copy_to(char **at, struct str s)
{
    char *p = *at;
    if (s.n > 0)
        memcpy(p, s.p, s.n);
    *at += s.n;
    return str_of(p, s.n);
}

struct str
str_take(struct str *rest, size_t n)
{
    ASSERT(n <= rest->n);
    struct str head = {rest->p, n};
    *rest = str_skip(*rest, n);
    return head;
}

size_t
str_find_byte(struct str s, char c)
{
    const char *at = s.n ? memchr(s.p, c, s.n) : NULL;
    return at ? (size_t)(at - s.p) : s.n;
}

struct str
str_split(struct str *rest, char sep)
{
    size_t at = str_find_byte(*rest, sep);
    struct str head = str_take(rest, at);
    if (rest->n > 0)
        *rest = str_skip(*rest, 1); /* the separator itself */
    return head;
}

static bool
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str
str_trim(struct str s)
{
    while (s.n > 0 && is_space(s.p[0]))
        s = str_skip(s, 1);
    while (s.n > 0 && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

static char
lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool
str_eq_nocase(struct str a, struct str b)
{
    return a.n == b.n && str_starts_with_nocase(a, b);
}

bool
str_starts_with_nocase(struct str s, struct str prefix)
{
    if (s.n < prefix.n)
        return false;
    for (size_t i = 0; i < prefix.n; i++) {
        if (lower(s.p[i]) != lower(prefix.p[i]))
            return false;
    }
    return true;
}

/* RFC 3629 section 4. */
size_t
str_utf8_first(struct str s)
{
    ASSERT(s.n > 0);
    const unsigned char *p = (const unsigned char *)s.p;
    unsigned char c = p[0];
    if (c < 0x80)
        return 1;
    size_t len = c >= 0xC2 && c <= 0xDF   ? 2
                 : (c & 0xF0) == 0xE0     ? 3
                 : c >= 0xF0 && c <= 0xF4 ? 4
                                          : 0;
    if (len == 0 || len > s.n)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    }
    bool overlong = (c == 0xE0 && p[1] < 0xA0) || (c == 0xF0 && p[1] < 0x90);
    bool surrogate = c == 0xED && p[1] > 0x9F;
    bool too_high = c == 0xF4 && p[1] > 0x8F;
    return overlong || surrogate || too_high ? 0 : len;
}

/* How many bytes in front are ASCII, as far as whole words go. */
static size_t
ascii_words(struct str s)
{
    size_t n = 0;
    for (uint64_t word; s.n - n >= sizeof word; n += sizeof word) {
        memcpy(&word, s.p + n, sizeof word);
        if (word & UINT64_C(0x8080808080808080))
            break;
    }
    return n;
}

bool
str_is_ascii(struct str s)
{
    size_t n = ascii_words(s);
    while (n < s.n && (unsigned char)s.p[n] < 0x80)
        n++;
    return n == s.n;
}

bool
str_is_utf8(struct str s)
{
    for (s = str_skip(s, ascii_words(s)); s.n > 0;) {
        size_t len = str_utf8_first(s);
        if (len == 0)
            return false;
        s = str_skip(s, len);
    }
    return true;
}

struct err
str_parse_u64(struct str s, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (s.n == 0)
        return ERR(ERR_INVALID, "empty text where a number is expected");
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return ERR(ERR_INVALID, "\"%.*s\" is not a whole number", STR_FMT(s));
        uint64_t digit = (uint64_t)(s.p[i] - '0');
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return ERR(ERR_INVALID, "number \"%.*s\" does not fit 64 bits", STR_FMT(s));
    }
    *ret_value = value;
    return OK;
}

struct err
str_parse_i64(struct str s, int64_t *ret_value)
{
    bool negative = s.n > 0 && s.p[0] == '-';
    uint64_t magnitude;
    TRY(str_parse_u64(negative ? str_skip(s, 1) : s, &magnitude));
    if (magnitude > (uint64_t)INT64_MAX + (negative ? 1 : 0))
        return ERR(ERR_INVALID, "number \"%.*s\" does not fit 64 bits", STR_FMT(s));
    *ret_value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return OK;
}

void
buf_fini(struct buf *b)
{
    mem_free(b->p);
    *b = (struct buf)BUF_INIT;
}

void
buf_grow(struct buf *b, size_t more)
{
    size_t need = b->n + more;
    ASSERT(need >= b->n); /* no wrap: sizes were checked against limits */
    b->cap = size_max(size_max(need, b->cap * 2), BUF_BYTES_MIN);
    b->p = mem_realloc(b->p, b->cap);
}

void
buf_append(struct buf *b, struct str s)
{
    if (s.n == 0)
        return;
    buf_reserve(b, s.n);
    memcpy(b->p + b->n, s.p, s.n);
    b->n += s.n;
}

void
buf_put_u8(struct buf *b, uint8_t byte)
{
    buf_reserve(b, 1);
    b->p[b->n++] = (char)byte;
}

void
buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int need = vsnprintf(NULL, 0, fmt, ap);
    ASSERT(need >= 0);
    buf_reserve(b, (size_t)need + 1);
    int wrote = vsnprintf(b->p + b->n, (size_t)need + 1, fmt, again);
    va_end(again);
    ASSERT(wrote == need);
    b->n += (size_t)need;
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(b, fmt, ap);
    va_end(ap);
}

const char *
buf_cstr(struct buf *b)
{
    buf_reserve(b, 1);
    b->p[b->n] = '\0';
    return b->p;
}
