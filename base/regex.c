/* regex.c - what Prometheus expects of a regular expression, around RE2.
 *
 * Patterns that are plain values, or a plain prefix and ".*" or ".+", never reach RE2: they
 * are most of those that people write into selectors. Immutable once compiled. */
#include "base/regex.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/regex_shim.h"
#include "base/vec.h"

enum regex_kind {
    REGEX_SET,        /* one of r->set */
    REGEX_PREFIX_ANY, /* r->prefix, then anything */
    REGEX_PREFIX_ONE, /* r->prefix, then at least one character */
    REGEX_GENERAL,    /* r->shim decides */
};

VEC_TYPE(str_vec, struct str);

struct regex {
    char *pattern; /* owned; `set` and `prefix` point into it */
    enum regex_kind kind;
    struct str_vec set; /* REGEX_SET: sorted, without doubles; else empty */
    struct str prefix;
    struct regex_shim *shim; /* REGEX_GENERAL; owned */
};

static bool
is_special(char c)
{
    return memchr("\\.+*?()|[]{}^$", c, 14) != NULL;
}

/* How many bytes at the start of `s` stand for themselves. */
static size_t
literal_bytes(struct str s)
{
    size_t n = 0;
    while (n < s.n && !is_special(s.p[n]))
        n++;
    return n;
}

static int
compare_strs(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* True when the pattern is literals joined by "|": they are then in r->set. */
static bool
parse_set(struct regex *r, struct str pattern)
{
    if (str_starts_with(pattern, STR("(")) && str_ends_with(pattern, STR(")"))) {
        pattern = str_of(pattern.p + 1, pattern.n - 2);
        if (str_starts_with(pattern, STR("?:")))
            pattern = str_skip(pattern, 2);
    }
    for (size_t i = 0; i < pattern.n; i++) {
        if (is_special(pattern.p[i]) && pattern.p[i] != '|')
            return false;
    }
    bool more;
    do {
        more = str_find_byte(pattern, '|') < pattern.n;
        vec_push(&r->set, str_split(&pattern, '|'));
    } while (more);
    qsort(r->set.v, r->set.n, sizeof *r->set.v, compare_strs);
    size_t kept = 1;
    for (size_t i = 1; i < r->set.n; i++) {
        if (!str_eq(r->set.v[i], r->set.v[kept - 1]))
            r->set.v[kept++] = r->set.v[i];
    }
    r->set.n = kept;
    if (kept == 1)
        r->prefix = r->set.v[0];
    return true;
}

/* The literal start that every match has. A quantifier takes the last character away from it,
 * and an alternative anywhere all of it. */
static struct str
parse_prefix(struct str pattern)
{
    size_t n = literal_bytes(pattern);
    if (str_find_byte(pattern, '|') < pattern.n)
        return str_of(pattern.p, 0);
    if (n > 0 && n < pattern.n && memchr("*?+{", pattern.p[n], 4)) {
        do
            n--;
        while (n > 0 && ((unsigned char)pattern.p[n] & 0xC0) == 0x80);
    }
    return str_of(pattern.p, n);
}

static enum regex_kind
parse_kind(struct regex *r, struct str pattern)
{
    if (parse_set(r, pattern))
        return REGEX_SET;
    r->prefix = parse_prefix(pattern);
    struct str rest = str_skip(pattern, r->prefix.n);
    if (str_eq(rest, STR(".*")))
        return REGEX_PREFIX_ANY;
    if (str_eq(rest, STR(".+")))
        return REGEX_PREFIX_ONE;
    return REGEX_GENERAL;
}

/* --- Go's syntax into RE2's ---------------------------------------------------------------- */

/* Bytes of the character class that `s` starts with. A "]" right behind its opening, and those
 * of [:names:], do not end it. */
static size_t
class_bytes(struct str s)
{
    size_t i = str_starts_with(s, STR("[^")) ? 2 : 1;
    for (bool first = true; i < s.n && (first || s.p[i] != ']'); first = false) {
        struct str rest = str_skip(s, i);
        size_t name = str_starts_with(rest, STR("[:")) ? str_find_byte(rest, ']') : 0;
        bool is_name = name > 2 && name < rest.n && rest.p[name - 1] == ':';
        i += is_name ? name + 1 : rest.p[0] == '\\' ? 2 : 1;
    }
    return size_min(i + 1, s.n);
}

/* Bytes of \Q...\E, the latter being optional at the end. */
static size_t
quote_bytes(struct str s)
{
    const char *end = memmem(s.p + 2, s.n - 2, "\\E", 2);
    return end ? (size_t)(end - s.p) + 2 : s.n;
}

/* (?<name>x) becomes (?P<name>x), which older RE2 knows; \C, which Go does not, is refused. */
static struct err
translate(struct str pattern, struct buf *to)
{
    while (pattern.n > 0) {
        size_t n = 1;
        if (str_starts_with(pattern, STR("\\C")))
            return ERR(ERR_INVALID, "error parsing regexp: invalid escape sequence: `\\C`");
        if (str_starts_with(pattern, STR("(?<"))) {
            buf_append(to, STR("(?P<"));
            pattern = str_skip(pattern, 3);
            continue;
        }
        if (str_starts_with(pattern, STR("\\Q")))
            n = quote_bytes(pattern);
        else if (pattern.p[0] == '\\')
            n = size_min(2, pattern.n);
        else if (pattern.p[0] == '[')
            n = class_bytes(pattern);
        buf_append(to, str_take(&pattern, n));
    }
    return OK;
}

static struct err
compile_general(struct regex *r, struct str pattern)
{
    AUTO(buf_fini) struct buf b = BUF_INIT;
    TRY(translate(pattern, &b));
    r->shim = regex_shim_new(b.p, b.n, REGEX_MEMORY_BYTES_MAX);
    const char *reason = regex_shim_reason(r->shim);
    if (!reason)
        return OK;
    struct str fault;
    fault.p = regex_shim_fault(r->shim, &fault.n);
    bool rewritten = str_starts_with(fault, STR("(?P<")) && b.n != pattern.n;
    if (rewritten)
        fault = str_skip(fault, 4);
    return ERR(ERR_INVALID, "error parsing regexp: %s: `%s%.*s`", reason, rewritten ? "(?<" : "",
               STR_FMT(fault));
}

struct err
regex_compile(struct str pattern, struct regex **ret_regex)
{
    if (pattern.n > REGEX_PATTERN_BYTES_MAX)
        return ERR(ERR_INVALID, "error parsing regexp: expression too large: %zu bytes, limit %d",
                   pattern.n, REGEX_PATTERN_BYTES_MAX);
    if (!str_is_utf8(pattern))
        return ERR(ERR_INVALID, "error parsing regexp: invalid UTF-8");
    AUTO(regex_free) struct regex *r = mem_alloc_zero(sizeof *r);
    r->pattern = mem_dup_text(pattern.p, pattern.n);
    pattern.p = r->pattern;
    r->kind = parse_kind(r, pattern);
    if (r->kind == REGEX_GENERAL)
        TRY(compile_general(r, pattern));
    *ret_regex = TAKE(r);
    return OK;
}

struct err
regex_compile_groups(struct str pattern, struct regex **ret_regex)
{
    AUTO(regex_free) struct regex *r = NULL;
    TRY(regex_compile(pattern, &r));
    if (!r->shim)
        TRY(compile_general(r, str_of(r->pattern, pattern.n)));
    size_t count = regex_shim_group_count(r->shim);
    if (count > REGEX_GROUPS_MAX)
        return ERR(ERR_INVALID, "regexp: %zu groups, limit %d", count, REGEX_GROUPS_MAX);
    *ret_regex = TAKE(r);
    return OK;
}

void
regex_free(struct regex *r)
{
    if (!r)
        return;
    regex_shim_free(r->shim);
    vec_fini(&r->set);
    mem_free(r->pattern);
    mem_free(r);
}

/* --- matching ------------------------------------------------------------------------------ */

/* RE2 matches nothing against malformed UTF-8; Go reads each such byte as U+FFFD. The text
 * itself when it is well formed, else a copy in `room`. */
static struct str
well_formed(struct str text, struct buf *room)
{
    if (str_is_utf8(text))
        return text;
    while (text.n > 0) {
        size_t n = str_utf8_first(text);
        struct str bytes = str_take(&text, size_max(n, 1));
        buf_append(room, n > 0 ? bytes : STR("\xEF\xBF\xBD"));
    }
    return buf_str(room);
}

static bool
match_general(const struct regex *r, struct str text)
{
    AUTO(buf_fini) struct buf b = BUF_INIT;
    text = well_formed(text, &b);
    return regex_shim_match(r->shim, text.p, text.n);
}

bool
regex_match(const struct regex *r, struct str text)
{
    switch (r->kind) {
    case REGEX_SET:
        return bsearch(&text, r->set.v, r->set.n, sizeof text, compare_strs) != NULL;
    case REGEX_PREFIX_ANY:
        return str_starts_with(text, r->prefix);
    case REGEX_PREFIX_ONE:
        return text.n > r->prefix.n && str_starts_with(text, r->prefix);
    case REGEX_GENERAL:
        return str_starts_with(text, r->prefix) && match_general(r, text);
    }
    UNREACHABLE("every kind stands above");
}

const struct str *
regex_set(const struct regex *r, size_t *ret_count)
{
    if (r->kind != REGEX_SET)
        return NULL;
    *ret_count = r->set.n;
    return r->set.v;
}

struct str
regex_prefix(const struct regex *r)
{
    return r->prefix;
}

/* --- expanding ----------------------------------------------------------------------------- */

/* Letters beyond ASCII count as well: no group has such a name, so it stands for nothing. */
static bool
is_name_byte(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           (c & 0x80);
}

/* Cuts the name behind a dollar off *rest; false, and nothing is cut, when there is none. */
static bool
take_name(struct str *rest, struct str *ret_name)
{
    bool brace = rest->n > 0 && rest->p[0] == '{';
    struct str s = str_skip(*rest, brace);
    size_t n = 0;
    while (n < s.n && is_name_byte(s.p[n]))
        n++;
    if (n == 0 || (brace && (n == s.n || s.p[n] != '}')))
        return false;
    *ret_name = str_of(s.p, n);
    *rest = str_skip(s, n + brace);
    return true;
}

/* Past `count` when there is no such group. */
static size_t
group_number(const struct regex *r, struct str name, size_t count)
{
    uint64_t number;
    struct err e = str_parse_u64(name, &number);
    if (e.code) {
        err_drop(e);
        size_t found = regex_shim_group_find(r->shim, name.p, name.n);
        return found ? found : count + 1;
    }
    bool leading_zero = name.n > 1 && name.p[0] == '0';
    return leading_zero || number > count ? count + 1 : (size_t)number;
}

bool
regex_expand(const struct regex *r, struct str text, struct str template, struct buf *to)
{
    AUTO(buf_fini) struct buf room = BUF_INIT;
    struct regex_shim_group groups[REGEX_GROUPS_MAX + 1];
    size_t count = regex_shim_group_count(r->shim);
    ASSERT(count <= REGEX_GROUPS_MAX);
    text = well_formed(text, &room);
    if (!regex_shim_match_groups(r->shim, text.p, text.n, groups, count + 1))
        return false;
    while (template.n > 0) {
        size_t dollar = str_find_byte(template, '$');
        buf_append(to, str_take(&template, dollar));
        if (template.n == 0)
            break;
        struct str name;
        str_take(&template, 1);
        if (template.n > 0 && template.p[0] == '$') {
            str_take(&template, 1);
            buf_put_u8(to, '$');
        } else if (take_name(&template, &name)) {
            size_t i = group_number(r, name, count);
            if (i <= count && groups[i].p)
                buf_append(to, str_of(groups[i].p, groups[i].n));
        } else {
            buf_put_u8(to, '$');
        }
    }
    return true;
}
