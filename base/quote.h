/* quote.h - texts and characters in quotes, exactly as Go's %q writes them; UTF-8 runes.
 *
 * Label values, regexes and query texts appear so in Prometheus' messages and canonical
 * query texts. Printable characters stand as they are (Unicode 15.0), the rest as \n, \x7f,
 * \u200b, \U000e0001; bytes that are not UTF-8 as \xff. Threads: any. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum { RUNE_BAD = 0xFFFD, RUNE_MAX = 0x10FFFF };

/* The first character of `s`, which must not be empty; returns its length. Malformed bytes
 * give RUNE_BAD and length 1, as in Go. */
size_t rune_decode(struct str s, uint32_t *ret_rune);
/* In UTF-8; surrogates and what is past RUNE_MAX become RUNE_BAD. */
void buf_put_rune(struct buf *b, uint32_t rune);
bool rune_is_printable(uint32_t rune);

/* strconv.Quote: "a\tb" */
void quote_text(struct str s, struct buf *to);
/* strconv.QuoteRune: '\t' */
void quote_rune(uint32_t rune, struct buf *to);
