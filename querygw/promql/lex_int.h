/* lex_int.h - the cursor that lex.c, lex_number.c and lex_string.c share. */
#pragma once
#include <string.h>

#include "base/quote.h"
#include "querygw/promql/lex.h"

#define LEX_END_RUNE UINT32_MAX /* behind the last byte */

/* The next character without moving; malformed UTF-8 gives RUNE_BAD. *ret_bytes may be NULL. */
static inline uint32_t
lex_peek(const struct lexer *l, size_t *ret_bytes)
{
    uint32_t rune = LEX_END_RUNE;
    size_t bytes = 0;
    if (l->at < l->text.n)
        bytes = rune_decode(str_skip(l->text, l->at), &rune);
    if (ret_bytes)
        *ret_bytes = bytes;
    return rune;
}

static inline uint32_t
lex_get(struct lexer *l)
{
    size_t bytes;
    uint32_t rune = lex_peek(l, &bytes);
    l->at += bytes;
    return rune;
}

/* The next byte is one of `set`, all ASCII. */
static inline bool
lex_is(const struct lexer *l, const char *set)
{
    return l->at < l->text.n && l->text.p[l->at] && strchr(set, l->text.p[l->at]);
}

/* Takes the next byte if it is one of `set`. */
static inline bool
lex_accept(struct lexer *l, const char *set)
{
    bool found = lex_is(l, set);
    l->at += found;
    return found;
}

/* The text read since the last token. */
static inline struct str
lex_word(const struct lexer *l)
{
    return str_of(l->text.p + l->start, l->at - l->start);
}

struct lex_token lex_emit(struct lexer *l, enum lex_kind kind);
struct lex_token lex_fail(struct lexer *l, const char *message);

/* lex_number.c: at a digit, or a point before a digit. */
struct lex_token lex_number_or_duration(struct lexer *l);
/* lex_string.c: behind the opening quote. */
struct lex_token lex_string(struct lexer *l, uint32_t quote);
