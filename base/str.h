/* str.h - byte strings: `struct str` is a borrowed view, `struct buf` owns and grows.
 *
 * Neither needs a NUL behind it; bytes may hold anything. NUL-terminated strings appear only
 * at libc's door: buf_cstr() there.
 * Threads: any (values). */
#pragma once
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

struct str {
    const char *p; /* borrowed; may be NULL when n is 0 */
    size_t n;
};

/* A view of a string literal (or of a char array without its last byte). */
#define STR(lit) ((struct str){(lit), sizeof(lit) - 1})
/* For static initialisers. */
#define STR_INIT(lit) {(lit), sizeof(lit) - 1}
/* printf("%.*s", STR_FMT(s)); cut at 64 KiB, far above any message of ours. */
#define STR_FMT(s) (int)((s).n < 65536 ? (s).n : 65536), ((s).n ? (s).p : "")

static inline struct str
str_of(const char *p, size_t n)
{
    return (struct str){p, n};
}

static inline struct str
str_of_cstr(const char *text)
{
    return (struct str){text, strlen(text)};
}

static inline bool
str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Bytewise order, a prefix first: Go's string order. Negative, 0 or positive. */
static inline int
str_cmp(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    return c ? c : (a.n > b.n) - (a.n < b.n);
}

static inline bool
str_starts_with(struct str s, struct str prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

static inline bool
str_ends_with(struct str s, struct str suffix)
{
    return s.n >= suffix.n &&
           (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

/* Sorts `v` in place by str_cmp(). */
void str_sort(struct str *v, size_t n);
/* The part from byte `from` on; `from` must not be past the end. */
struct str str_skip(struct str s, size_t from);
/* Cuts the first n bytes off *rest and returns them; n must not be past the end. */
struct str str_take(struct str *rest, size_t n);
/* Copies `s` to *at, which has room, and moves *at behind it: texts of one object side by side. */
struct str str_copy_to(char **at, struct str s);
/* Position of the first `c`, or s.n. */
size_t str_find_byte(struct str s, char c);
/* Splits *rest at the first `sep` and returns what stood before it; all of it when absent. */
struct str str_split(struct str *rest, char sep);
/* Without spaces, tabs and line ends at both ends. */
struct str str_trim(struct str s);
/* ASCII case is ignored: header names, content types. */
bool str_eq_nocase(struct str a, struct str b);
bool str_starts_with_nocase(struct str s, struct str prefix);
/* All bytes are below 0x80. */
bool str_is_ascii(struct str s);
/* All bytes are well-formed UTF-8 (no surrogates, no overlong forms, at most U+10FFFF). */
bool str_is_utf8(struct str s);
/* Bytes of the well-formed UTF-8 sequence that `s` (not empty) starts with, 0 when malformed. */
size_t str_utf8_first(struct str s);
/* Plain decimal integers, whole string, no sign for u64. ERR_INVALID names the text. */
struct err str_parse_u64(struct str s, uint64_t *ret_value);
struct err str_parse_i64(struct str s, int64_t *ret_value);

/* --- buf: a growing byte string --------------------------------------------------------- */

/* Creation: struct buf b = BUF_INIT, or AUTO(buf_fini) struct buf b = BUF_INIT. */
struct buf {
    char *p;
    size_t n, cap;
};
#define BUF_INIT {NULL, 0, 0}

void buf_fini(struct buf *b);
static inline void
auto_buf_fini(struct buf *b)
{
    buf_fini(b);
}
/* buf_reserve() when there is not enough room. */
void buf_grow(struct buf *b, size_t more);
/* Room for `more` bytes behind the end; pointers into b die. */
static inline void
buf_reserve(struct buf *b, size_t more)
{
    if (__builtin_expect(b->cap - b->n < more, 0))
        buf_grow(b, more);
}
void buf_append(struct buf *b, struct str s);
void buf_put_u8(struct buf *b, uint8_t byte);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
/* The contents with a NUL behind them (not counted in n). Borrowed until b changes. */
const char *buf_cstr(struct buf *b);
static inline void
buf_clear(struct buf *b)
{
    b->n = 0;
}
static inline struct str
buf_str(const struct buf *b)
{
    return (struct str){b->p, b->n};
}
