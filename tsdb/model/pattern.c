/* pattern.c - recognises patterns of literals. A parser that gives up on the first character
 * it does not know, so that what it accepts is certain. */
#include "tsdb/model/pattern.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/vec.h"

VEC_TYPE(texts, struct str);
static void
auto_texts_fini(struct texts *t)
{
    vec_fini(t);
}

struct pattern_parser {
    struct arena *arena;
    struct str rest;
    size_t expanded; /* texts made by multiplying, of all groups */
};

static bool
is_special(char c)
{
    return memchr("\\.+*?()|[]{}^$", c, 14) != NULL;
}

/* A backslash before one of these always means the character itself. */
static bool
is_ascii_punctuation(char c)
{
    return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
           (c >= '{' && c <= '~');
}

/* The longest run of literal characters at the start of *rest, unescaped. A repetition behind
 * it is left in *rest: all callers give up on it. */
static struct str
take_literal(struct arena *a, struct str *rest)
{
    size_t in = 0, escapes = 0;
    while (in < rest->n) {
        bool escape =
            rest->p[in] == '\\' && in + 1 < rest->n && is_ascii_punctuation(rest->p[in + 1]);
        if (!escape && is_special(rest->p[in]))
            break;
        in += escape ? 2 : 1;
        escapes += escape;
    }
    struct str raw = str_take(rest, in);
    if (escapes == 0)
        return raw;
    char *text = arena_alloc(a, in - escapes);
    size_t out = 0;
    for (size_t i = 0; i < in; i++) {
        if (raw.p[i] == '\\')
            i++;
        text[out++] = raw.p[i];
    }
    return str_of(text, out);
}

/* --- sets --------------------------------------------------------------------------------- */

static struct str
join(struct arena *a, struct str x, struct str y)
{
    if (x.n == 0)
        return y;
    if (y.n == 0)
        return x;
    char *text = arena_alloc(a, x.n + y.n);
    memcpy(text, x.p, x.n);
    memcpy(text + x.n, y.p, y.n);
    return str_of(text, x.n + y.n);
}

/* *set becomes every text of it followed by every text of `more`. */
static bool
multiply(struct pattern_parser *p, struct texts *set, struct texts *more)
{
    AUTO(texts_fini) struct texts product = VEC_INIT;
    bool trivial = set->n == 1 && set->v[0].n == 0;
    if (!trivial) {
        p->expanded += set->n * more->n;
        if (p->expanded > PATTERN_EXPANDED_MAX)
            return false;
    }
    vec_reserve(&product, set->n * more->n);
    vec_each (set, x) {
        vec_each (more, y)
            vec_push(&product, join(p->arena, *x, *y));
    }
    struct texts old = *set;
    *set = product;
    product = old; /* freed at the end of the scope */
    return true;
}

static bool parse_alternatives(struct pattern_parser *p, unsigned depth, struct texts *to);

/* The inside of a bracket and the bracket's end. */
static bool
parse_group(struct pattern_parser *p, unsigned depth, struct texts *to)
{
    p->rest = str_skip(p->rest, 1);
    if (str_starts_with(p->rest, STR("?:")))
        p->rest = str_skip(p->rest, 2);
    if (depth == PATTERN_DEPTH_MAX || !parse_alternatives(p, depth + 1, to))
        return false;
    if (p->rest.n == 0)
        return false;
    p->rest = str_skip(p->rest, 1);
    return true;
}

/* One alternative, up to "|", ")" or the end; its texts are added to *to. */
static bool
parse_sequence(struct pattern_parser *p, unsigned depth, struct texts *to)
{
    AUTO(texts_fini) struct texts set = VEC_INIT;
    vec_push(&set, STR(""));
    if (depth == 0 && str_starts_with(p->rest, STR("^")))
        p->rest = str_skip(p->rest, 1);
    while (p->rest.n > 0 && p->rest.p[0] != '|' && p->rest.p[0] != ')') {
        AUTO(texts_fini) struct texts part = VEC_INIT;
        struct str literal = take_literal(p->arena, &p->rest);
        if (literal.n > 0)
            vec_push(&part, literal);
        else if (depth == 0 && p->rest.p[0] == '$' && (p->rest.n == 1 || p->rest.p[1] == '|')) {
            p->rest = str_skip(p->rest, 1);
            break;
        } else if (p->rest.p[0] != '(' || !parse_group(p, depth, &part))
            return false;
        if (!multiply(p, &set, &part))
            return false;
    }
    if (to->n + set.n > PATTERN_LITERALS_MAX)
        return false;
    vec_each (&set, s)
        vec_push(to, *s);
    return true;
}

/* Stops at the end (depth 0) or before the ")" that closes the group. */
static bool
parse_alternatives(struct pattern_parser *p, unsigned depth, struct texts *to)
{
    for (;;) {
        if (!parse_sequence(p, depth, to))
            return false;
        if (p->rest.n == 0)
            return depth == 0;
        if (p->rest.p[0] == ')')
            return depth > 0;
        p->rest = str_skip(p->rest, 1); /* "|" */
    }
}

static int
compare_strs(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

bool
pattern_parse_set(struct arena *a, struct str pattern, struct pattern_set *ret_set)
{
    struct pattern_parser p = {.arena = a, .rest = pattern};
    AUTO(texts_fini) struct texts found = VEC_INIT;
    if (!str_is_utf8(pattern) || !parse_alternatives(&p, 0, &found))
        return false;
    qsort(found.v, found.n, sizeof *found.v, compare_strs);
    struct str *v = ARENA_ARRAY(a, struct str, found.n);
    size_t n = 0;
    vec_each (&found, s) {
        if (n == 0 || !str_eq(v[n - 1], *s))
            v[n++] = *s;
    }
    *ret_set = (struct pattern_set){v, n};
    return true;
}

bool
pattern_set_match(const struct pattern_set *set, struct str text)
{
    return bsearch(&text, set->v, set->n, sizeof *set->v, compare_strs) != NULL;
}

/* --- affixes ------------------------------------------------------------------------------ */

static enum pattern_gap
take_gap(struct str *rest)
{
    bool any = str_starts_with(*rest, STR(".*")), some = str_starts_with(*rest, STR(".+"));
    if (!any && !some)
        return PATTERN_NOTHING;
    *rest = str_skip(*rest, 2);
    return any ? PATTERN_ANYTHING : PATTERN_SOMETHING;
}

bool
pattern_parse_affix(struct arena *a, struct str pattern, struct pattern_affix *ret_affix)
{
    if (!str_is_utf8(pattern))
        return false;
    if (str_starts_with(pattern, STR("^")))
        pattern = str_skip(pattern, 1);
    struct pattern_affix p = {.before = take_gap(&pattern)};
    p.literal = take_literal(a, &pattern);
    p.after = take_gap(&pattern);
    if (pattern.n > 0 && !str_eq(pattern, STR("$")))
        return false;
    if (p.before && p.after && p.literal.n == 0) /* .+.+ counts characters: RE2's */
        return false;
    *ret_affix = p;
    return true;
}

/* Cutting a byte off is cutting a character in: a literal cannot begin inside one, because
 * pattern and text are UTF-8. */
bool
pattern_affix_match(const struct pattern_affix *p, struct str text)
{
    size_t room = (size_t)(p->before == PATTERN_SOMETHING) + (p->after == PATTERN_SOMETHING);
    if (text.n < p->literal.n + room)
        return false;
    if (!p->before && !p->after)
        return str_eq(text, p->literal);
    if (!p->before)
        return str_starts_with(text, p->literal);
    if (!p->after)
        return str_ends_with(text, p->literal);
    if (p->before == PATTERN_SOMETHING)
        text = str_skip(text, 1);
    if (p->after == PATTERN_SOMETHING)
        text.n--;
    return memmem(text.p, text.n, p->literal.p, p->literal.n) != NULL;
}
