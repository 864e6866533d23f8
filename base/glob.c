/* glob.c - a pattern is chunks between stars; each star takes as little as lets the chunk behind
 * it match. Go does not come back to an earlier star, and neither does this: with '/' in a class
 * that makes a difference. */
#include "base/glob.h"

#include <stdbool.h>

#include "base/quote.h"

/* One end of a range in a class, cut off *pattern. False: it is malformed. */
static bool
take_class_rune(struct str *pattern, uint32_t *ret_rune)
{
    if (pattern->n == 0 || pattern->p[0] == '-' || pattern->p[0] == ']')
        return false;
    if (pattern->p[0] == '\\')
        *pattern = str_skip(*pattern, 1);
    if (pattern->n == 0)
        return false;
    size_t bytes = rune_decode(*pattern, ret_rune);
    if (*ret_rune == RUNE_BAD && bytes == 1)
        return false;
    *pattern = str_skip(*pattern, bytes);
    return pattern->n > 0; /* the class must end */
}

/* The class behind '[', cut off *pattern with its ']'. False: it is malformed. */
static bool
take_class(struct str *pattern, uint32_t rune, bool *ret_has)
{
    bool negated = pattern->n > 0 && pattern->p[0] == '^', has = false;
    if (negated)
        *pattern = str_skip(*pattern, 1);
    for (size_t ranges = 0; ranges == 0 || pattern->n == 0 || pattern->p[0] != ']'; ranges++) {
        uint32_t low, high;
        if (!take_class_rune(pattern, &low))
            return false;
        high = low;
        if (pattern->p[0] == '-') {
            *pattern = str_skip(*pattern, 1);
            if (!take_class_rune(pattern, &high))
                return false;
        }
        has |= low <= rune && rune <= high;
    }
    *pattern = str_skip(*pattern, 1);
    *ret_has = has != negated;
    return true;
}

/* Cuts stars and the chunk behind them, up to the next star, off *pattern. */
static struct str
take_chunk(struct str *pattern, bool *ret_star)
{
    *ret_star = false;
    while (pattern->n > 0 && pattern->p[0] == '*') {
        *pattern = str_skip(*pattern, 1);
        *ret_star = true;
    }
    bool in_class = false;
    size_t n = 0;
    for (; n < pattern->n; n++) {
        char c = pattern->p[n];
        if (c == '*' && !in_class)
            break;
        if (c == '\\' && n + 1 < pattern->n)
            n++;
        else if (c == '[' || c == ']')
            in_class = c == '[';
    }
    return str_take(pattern, n);
}

/* What stands in front of *text and one element of the chunk: cut off both. False: the chunk is
 * malformed. *matches goes to false when they differ; the text does not count from then on. */
static bool
take_element(struct str *chunk, struct str *text, bool *matches)
{
    if (text->n == 0)
        *matches = false;
    char c = chunk->p[0];
    bool escaped = c == '\\';
    if (c == '[' || c == '?') {
        uint32_t rune = 0;
        size_t bytes = *matches ? rune_decode(*text, &rune) : 0;
        *chunk = str_skip(*chunk, 1);
        bool has = rune != '/';
        if (c == '[' && !take_class(chunk, rune, &has))
            return false;
        *matches &= has;
        *text = str_skip(*text, bytes);
        return true;
    }
    if (escaped)
        *chunk = str_skip(*chunk, 1);
    if (chunk->n == 0)
        return false;
    if (*matches && chunk->p[0] != text->p[0])
        *matches = false;
    if (*matches)
        *text = str_skip(*text, 1);
    *chunk = str_skip(*chunk, 1);
    return true;
}

/* Whether the chunk matches the front of *text, which is cut off then. */
static enum glob_result
chunk_match(struct str chunk, struct str *text)
{
    struct str rest = *text;
    bool matches = true;
    while (chunk.n > 0) {
        if (!take_element(&chunk, &rest, &matches))
            return GLOB_BAD;
    }
    if (!matches)
        return GLOB_NO;
    *text = rest;
    return GLOB_YES;
}

/* Whether the chunk behind a star matches somewhere in *text, which is cut behind it. */
static enum glob_result
star_match(struct str chunk, bool is_last, struct str *text)
{
    for (size_t skipped = 0; skipped <= text->n; skipped++) {
        if (skipped > 0 && text->p[skipped - 1] == '/')
            return GLOB_NO;
        struct str rest = str_skip(*text, skipped);
        enum glob_result result = chunk_match(chunk, &rest);
        if (result == GLOB_BAD)
            return GLOB_BAD;
        if (result == GLOB_YES && (!is_last || rest.n == 0)) {
            *text = rest;
            return GLOB_YES;
        }
    }
    return GLOB_NO;
}

enum glob_result
glob_match(struct str pattern, struct str text)
{
    while (pattern.n > 0) {
        bool star;
        struct str chunk = take_chunk(&pattern, &star);
        enum glob_result result =
            star ? star_match(chunk, pattern.n == 0, &text) : chunk_match(chunk, &text);
        if (result != GLOB_YES)
            return result;
    }
    return text.n == 0 ? GLOB_YES : GLOB_NO;
}
