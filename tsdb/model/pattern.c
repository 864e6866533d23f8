/* pattern.c - recognises patterns of literals and gaps. A parser that gives up on the first
 * character it does not know, so that what it accepts is certain.
 *
 * Texts with gaps hold two bytes that UTF-8 never has: GAP_ONE for a dot, GAP_ANY for a dot with a
 * star; a dot with a plus is both. */
#include "tsdb/model/pattern.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/vec.h"

#define GAP_ONE "\xfe"
#define GAP_ANY "\xff"

enum { SHORT_TEXT_BYTES = 256 };

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
    bool gaps;       /* there were some */
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

static bool
at_repetition(const struct pattern_parser *p)
{
    return p->rest.n > 0 && memchr("*+?{", p->rest.p[0], 4) != NULL;
}

/* A dot, perhaps with a star or a plus. */
static bool
parse_gap(struct pattern_parser *p, struct texts *to)
{
    p->gaps = true;
    p->rest = str_skip(p->rest, 1);
    bool any = str_starts_with(p->rest, STR("*")), some = str_starts_with(p->rest, STR("+"));
    vec_push(to, any ? STR(GAP_ANY) : some ? STR(GAP_ONE GAP_ANY) : STR(GAP_ONE));
    if (!any && !some)
        return true;
    p->rest = str_skip(p->rest, 1);
    return !at_repetition(p); /* lazy, or malformed */
}

/* In brackets it stands for itself, whatever is around it. */
static bool
is_plain_in_class(char c)
{
    return c >= ' ' && c <= '~' && memchr("\\[]^-", c, 5) == NULL;
}

/* [abc0-9]: a text a character. */
static bool
parse_class(struct pattern_parser *p, struct texts *to)
{
    p->rest = str_skip(p->rest, 1);
    while (p->rest.n > 0 && is_plain_in_class(p->rest.p[0])) {
        char first = p->rest.p[0], last = first;
        bool range = p->rest.n > 2 && p->rest.p[1] == '-';
        if (range)
            last = p->rest.p[2];
        if (last < first || !is_plain_in_class(last))
            return false;
        p->rest = str_skip(p->rest, range ? 3 : 1);
        for (char c = first; c <= last; c++)
            vec_push(to, arena_str(p->arena, str_of(&c, 1)));
    }
    if (to->n == 0 || p->rest.n == 0 || p->rest.p[0] != ']')
        return false;
    p->rest = str_skip(p->rest, 1);
    return true;
}

/* Texts that are literals, a gap, a class or a group. */
static bool
parse_part(struct pattern_parser *p, unsigned depth, struct texts *to)
{
    struct str literal = take_literal(p->arena, &p->rest);
    if (literal.n > 0) {
        vec_push(to, literal);
        return true;
    }
    switch (p->rest.p[0]) {
    case '.':
        return parse_gap(p, to);
    case '[':
        return parse_class(p, to);
    case '(':
        return parse_group(p, depth, to);
    default:
        return false; /* a repetition, or what has to be malformed */
    }
}

/* The question mark behind a part: of a literal it concerns the last character alone, what stands
 * before it goes to *set. */
static bool
make_optional(struct pattern_parser *p, struct texts *set, struct texts *part, bool is_literal)
{
    p->rest = str_skip(p->rest, 1);
    if (is_literal) {
        struct str literal = part->v[0];
        size_t last = literal.n - 1;
        while (last > 0 && ((unsigned char)literal.p[last] & 0xc0) == 0x80)
            last--;
        part->v[0] = str_of(literal.p, last);
        if (!multiply(p, set, part))
            return false;
        part->v[0] = str_skip(literal, last);
    }
    vec_push(part, STR(""));
    return !at_repetition(p);
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
        if (depth == 0 && p->rest.p[0] == '$' && (p->rest.n == 1 || p->rest.p[1] == '|')) {
            p->rest = str_skip(p->rest, 1);
            break;
        }
        AUTO(texts_fini) struct texts part = VEC_INIT;
        bool is_literal = memchr(".[(", p->rest.p[0], 3) == NULL;
        if (!parse_part(p, depth, &part))
            return false;
        if (str_starts_with(p->rest, STR("?")) && !make_optional(p, &set, &part, is_literal))
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

/* Sorts and copies what was found to the arena, each once. */
static struct pattern_set
set_of(struct arena *a, struct texts *found)
{
    qsort(found->v, found->n, sizeof *found->v, compare_strs);
    struct str *v = ARENA_ARRAY(a, struct str, found->n);
    size_t n = 0;
    vec_each (found, s) {
        if (n == 0 || !str_eq(v[n - 1], *s))
            v[n++] = *s;
    }
    return (struct pattern_set){v, n};
}

bool
pattern_set_match(const struct pattern_set *set, struct str text)
{
    return bsearch(&text, set->v, set->n, sizeof *set->v, compare_strs) != NULL;
}

/* --- globs -------------------------------------------------------------------------------- */

static bool
is_gap(char c)
{
    return c == GAP_ONE[0] || c == GAP_ANY[0];
}

/* Cuts off the gap at the start of *glob: `least` characters, and any number if it has no end. */
static size_t
take_glob_gap(struct str *glob, bool *ret_endless)
{
    size_t least = 0;
    *ret_endless = false;
    for (; glob->n > 0 && is_gap(glob->p[0]); *glob = str_skip(*glob, 1)) {
        if (glob->p[0] == GAP_ONE[0])
            least++;
        else
            *ret_endless = true;
    }
    return least;
}

static struct str
take_glob_literal(struct str *glob)
{
    size_t n = 0;
    while (n < glob->n && !is_gap(glob->p[n]))
        n++;
    return str_take(glob, n);
}

/* Behind an endless gap all gaps are endless: then a literal is searched for, and only once. */
static bool
is_linear(struct str glob)
{
    bool endless = false;
    while (glob.n > 0) {
        bool this_endless;
        (void)take_glob_literal(&glob);
        if (glob.n == 0)
            break;
        (void)take_glob_gap(&glob, &this_endless);
        if (endless && !this_endless)
            return false;
        endless = this_endless;
    }
    return true;
}

/* Moves *text past n characters; a malformed byte is one. */
static bool
skip_characters(struct str *text, size_t n)
{
    for (; n > 0 && text->n > 0; n--)
        *text = str_skip(*text, size_max(1, str_utf8_first(*text)));
    return n == 0;
}

/* Where the literal begins in the text; NULL when nowhere. memmem() prepares tables: too much for
 * a short text, while one step after another would be too slow on a long one. */
static const char *
find_literal(struct str text, struct str literal)
{
    if (text.n > SHORT_TEXT_BYTES)
        return memmem(text.p, text.n, literal.p, literal.n);
    while (text.n >= literal.n) {
        const char *at = memchr(text.p, literal.p[0], text.n - literal.n + 1);
        if (!at || memcmp(at, literal.p, literal.n) == 0)
            return at;
        text = str_skip(text, (size_t)(at - text.p) + 1);
    }
    return NULL;
}

/* The text behind the glob's first literal, and the glob from there on: a gap. A literal begins
 * a character and so cannot be found inside one. */
static bool
match_from_gap(struct str glob, struct str text)
{
    for (;;) {
        bool endless;
        if (!skip_characters(&text, take_glob_gap(&glob, &endless)))
            return false;
        struct str literal = take_glob_literal(&glob);
        if (glob.n == 0)
            return endless ? str_ends_with(text, literal) : str_eq(text, literal);
        if (endless) {
            const char *found = find_literal(text, literal);
            if (!found)
                return false;
            text = str_skip(text, (size_t)(found - text.p));
        } else if (!str_starts_with(text, literal)) {
            return false;
        }
        text = str_skip(text, literal.n);
    }
}

static bool
glob_match(const struct pattern_glob *g, struct str text)
{
    struct str head = str_of(g->text.p, g->head_bytes), rest = str_skip(g->text, g->head_bytes);
    if (rest.n == 0)
        return str_eq(text, head);
    return str_starts_with(text, head) && match_from_gap(rest, str_skip(text, head.n));
}

bool
pattern_globs_match(const struct pattern_globs *globs, struct str text)
{
    for (size_t i = 0; i < globs->n; i++) {
        if (glob_match(&globs->v[i], text))
            return true;
    }
    return false;
}

bool
pattern_globs_match_all(const struct pattern_globs *globs)
{
    for (size_t i = 0; i < globs->n; i++) {
        bool endless;
        struct str glob = globs->v[i].text;
        if (take_glob_gap(&glob, &endless) == 0 && endless && glob.n == 0)
            return true;
    }
    return false;
}

/* Sorted globs have sorted heads, but for those that others begin with: these stand for them. */
static struct pattern_set
prefixes_of(struct arena *a, const struct pattern_glob *globs, size_t count)
{
    struct str *v = ARENA_ARRAY(a, struct str, count);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        struct str prefix = str_of(globs[i].text.p, globs[i].head_bytes);
        while (n > 0 && str_starts_with(v[n - 1], prefix))
            n--; /* longer ones stand before what a gap cut short */
        if (n == 0 || !str_starts_with(prefix, v[n - 1]))
            v[n++] = prefix;
    }
    return (struct pattern_set){v, n};
}

/* False when one of them is not for us. */
static bool
globs_of(struct arena *a, const struct pattern_set *texts, struct pattern_globs *ret_globs)
{
    if (texts->n > PATTERN_GLOBS_MAX)
        return false;
    struct pattern_glob *v = ARENA_ARRAY(a, struct pattern_glob, texts->n);
    for (size_t i = 0; i < texts->n; i++) {
        struct str rest = texts->v[i];
        if (!is_linear(rest))
            return false;
        v[i] = (struct pattern_glob){texts->v[i], take_glob_literal(&rest).n};
    }
    *ret_globs = (struct pattern_globs){v, texts->n, prefixes_of(a, v, texts->n)};
    return true;
}

/* ------------------------------------------------------------------------------------------ */

enum pattern_kind
pattern_parse(struct arena *a, struct str pattern, struct pattern_set *ret_set,
              struct pattern_globs *ret_globs)
{
    struct pattern_parser p = {.arena = a, .rest = pattern};
    AUTO(texts_fini) struct texts found = VEC_INIT;
    if (!str_is_utf8(pattern) || !parse_alternatives(&p, 0, &found))
        return PATTERN_OTHER;
    struct pattern_set set = set_of(a, &found);
    if (!p.gaps) {
        *ret_set = set;
        return PATTERN_SET;
    }
    return globs_of(a, &set, ret_globs) ? PATTERN_GLOBS : PATTERN_OTHER;
}
