/* flags.c - argv to a component's struct, by its table.
 *
 * One pass over argv: split an argument into name and value, find the row, parse by its type
 * straight into the field. Defaults go first through the same code. */
#include "conf/flags.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "base/numtext.h"
#include "conf/nearest.h"
#include "conf/units.h"

/* What one argument means. */
struct match {
    const struct flag *flag; /* NULL: no such flag */
    bool negated;            /* --no-X */
    bool from_file;          /* X-file of a CONTENT flag X */
};

struct parse {
    const struct flag_set *set;
    struct fs *fs;
    struct arena *arena;
    char *to;       /* the component's struct */
    uint8_t *given; /* one a flag: enum given */
};
enum given { NOT_GIVEN, GIVEN_TEXT, GIVEN_FILE };

/* Walks argv; the words of one flag. */
struct words {
    int argc, at;
    char *const *argv;
    struct str name;  /* without dashes */
    struct str value; /* when has_value */
    bool has_value;   /* --name=value */
};

static bool
match_name(const struct flag *f, struct str name, struct match *ret_match)
{
    struct str own = str_of_cstr(f->name);
    if (str_eq(name, own)) {
        *ret_match = (struct match){.flag = f};
        return true;
    }
    if (f->type == FLAG_BOOL && str_starts_with(name, STR("no-")) &&
        str_eq(str_skip(name, 3), own)) {
        *ret_match = (struct match){.flag = f, .negated = true};
        return true;
    }
    if (f->type == FLAG_CONTENT && name.n == own.n + 5 && str_starts_with(name, own) &&
        str_ends_with(name, STR("-file"))) {
        *ret_match = (struct match){.flag = f, .from_file = true};
        return true;
    }
    return false;
}

static struct match
find_flag(const struct flag_set *set, struct str name)
{
    struct match m = {.flag = NULL};
    for (size_t i = 0; i < set->count; i++) {
        const struct flag *f = &set->flags[i];
        if (!(f->notes & FLAG_ARGUMENT) && match_name(f, name, &m))
            break;
    }
    return m;
}

/* The next argument that looks like a flag; false at the end or when it does not. */
static bool
words_next_flag(struct words *w)
{
    if (w->at >= w->argc)
        return false;
    struct str word = str_of_cstr(w->argv[w->at]);
    if (!str_starts_with(word, STR("--")) || word.n == 2)
        return false;
    w->at++;
    word = str_skip(word, 2);
    size_t equals = str_find_byte(word, '=');
    w->has_value = equals < word.n;
    w->name = str_of(word.p, equals);
    w->value = w->has_value ? str_skip(word, equals + 1) : STR("");
    return true;
}

/* The same for -x; *ret_match is the flag with that letter. */
static bool
words_next_letter(struct words *w, const struct flag_set *set, struct match *ret_match)
{
    const char *word = w->at < w->argc ? w->argv[w->at] : "";
    if (word[0] != '-' || word[1] == '\0' || word[2] != '\0')
        return false;
    for (size_t i = 0; i < set->count; i++) {
        if (set->flags[i].letter != word[1])
            continue;
        *ret_match = (struct match){.flag = &set->flags[i]};
        w->at++;
        return true;
    }
    return false;
}

/* The value of the flag just read: behind '=', or the next argument whatever it looks like. */
static bool
words_take_value(struct words *w)
{
    if (!w->has_value && w->at < w->argc) {
        w->value = str_of_cstr(w->argv[w->at++]);
        w->has_value = true;
    }
    return w->has_value;
}

static bool
is_env_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Length of "$(NAME)" at the start of s, 0 when there is none. */
static size_t
env_reference(struct str s)
{
    size_t n = 2;
    if (!str_starts_with(s, STR("$(")))
        return 0;
    while (n < s.n && is_env_char(s.p[n]))
        n++;
    return n > 2 && n < s.n && s.p[n] == ')' ? n + 1 : 0;
}

/* Replaces every $(NAME). Substituted text is not looked at again. */
static struct err
expand_env(struct arena *a, struct str text, struct str *ret_text)
{
    AUTO(buf_fini) struct buf out = BUF_INIT;
    AUTO(buf_fini) struct buf name = BUF_INIT;
    if (str_find_byte(text, '$') == text.n) {
        *ret_text = text;
        return OK;
    }
    for (struct str rest = text; rest.n > 0;) {
        size_t n = env_reference(rest);
        if (n == 0) {
            buf_append(&out, str_take(&rest, 1));
            continue;
        }
        buf_clear(&name);
        buf_append(&name, str_of(rest.p + 2, n - 3));
        const char *value = getenv(buf_cstr(&name));
        if (!value)
            return ERR(ERR_INVALID, "environment variable %s is not set", buf_cstr(&name));
        buf_append(&out, str_of_cstr(value));
        if (out.n > FLAG_CONTENT_BYTES_MAX)
            return ERR(ERR_INVALID, "longer than %d bytes with its environment variables",
                       FLAG_CONTENT_BYTES_MAX);
        rest = str_skip(rest, n);
    }
    *ret_text = arena_str(a, buf_str(&out));
    return OK;
}

/* `shown`: the value as the user wrote it. */
static struct err
check_range(const struct flag *f, double v, struct str shown)
{
    const char *unit = f->type == FLAG_DURATION ? " ms" : "";
    if (v < f->min)
        return ERR(ERR_INVALID, "%.*s is too small, the least is %.15g%s", STR_FMT(shown), f->min,
                   unit);
    if (f->max != 0 && v > f->max)
        return ERR(ERR_INVALID, "%.*s is too large, the most is %.15g%s", STR_FMT(shown), f->max,
                   unit);
    return OK;
}

static struct err
check_choice(const struct flag *f, struct str text)
{
    struct str rest = str_of_cstr(f->choices);
    do {
        if (str_eq(str_split(&rest, '|'), text))
            return OK;
    } while (rest.n > 0);
    return ERR(ERR_INVALID, "\"%.*s\" is not one of %s", STR_FMT(text), f->choices);
}

static struct err
parse_bool(struct str text, bool *ret_value)
{
    bool yes = str_eq(text, STR("true"));
    if (!yes && !str_eq(text, STR("false")))
        return ERR(ERR_INVALID, "\"%.*s\" is neither true nor false", STR_FMT(text));
    *ret_value = yes;
    return OK;
}

/* Room doubles when the count reaches a power of two. */
static void
list_add(struct arena *a, struct flag_list *list, struct str item)
{
    if ((list->n & (list->n - 1)) == 0) {
        struct str *v = ARENA_ARRAY(a, struct str, list->n ? 2 * list->n : 1);
        if (list->n > 0)
            memcpy(v, list->v, list->n * sizeof *v);
        list->v = v;
    }
    list->v[list->n++] = item;
}

static struct err
store_number(const struct flag *f, struct str text, void *field)
{
    switch (f->type) {
    case FLAG_INT:
        TRY(str_parse_i64(text, (int64_t *)field));
        return check_range(f, (double)*(int64_t *)field, text);
    case FLAG_UINT:
        TRY(str_parse_u64(text, (uint64_t *)field));
        return check_range(f, (double)*(uint64_t *)field, text);
    case FLAG_FLOAT:
        TRY(numtext_parse(text, (double *)field));
        if (*(double *)field != *(double *)field)
            return ERR(ERR_INVALID, "NaN is not a number");
        return check_range(f, *(double *)field, text);
    case FLAG_DURATION:
        TRY(duration_parse_flag(text, (int64_t *)field));
        return check_range(f, (double)*(int64_t *)field, text);
    case FLAG_BYTES:
        return bytes_parse(text, (uint64_t *)field);
    case FLAG_STRING:
    case FLAG_BOOL:
    case FLAG_ADDR:
    case FLAG_ENUM:
    case FLAG_LIST:
    case FLAG_CONTENT:
        break;
    }
    UNREACHABLE("not a number");
}

static struct err
store_value(struct parse *p, const struct flag *f, struct str text)
{
    void *field = p->to + f->offset;
    struct str host;
    uint16_t port;
    switch (f->type) {
    case FLAG_BOOL:
        return parse_bool(text, (bool *)field);
    case FLAG_ADDR:
        TRY(address_parse(text, &host, &port));
        break;
    case FLAG_ENUM:
        TRY(check_choice(f, text));
        break;
    case FLAG_LIST:
        list_add(p->arena, (struct flag_list *)field, text);
        return OK;
    case FLAG_CONTENT:
        ((struct flag_content *)field)->text = text;
        return OK;
    case FLAG_STRING:
        break;
    case FLAG_INT:
    case FLAG_UINT:
    case FLAG_FLOAT:
    case FLAG_DURATION:
    case FLAG_BYTES:
        return store_number(f, text, field);
    }
    *(struct str *)field = text;
    return OK;
}

static void
store_defaults(struct parse *p)
{
    for (size_t i = 0; i < p->set->count; i++) {
        const struct flag *f = &p->set->flags[i];
        if (!f->dflt)
            continue;
        struct err e = store_value(p, f, str_of_cstr(f->dflt));
        ASSERT(e.code == ERR_NONE); /* the table is ours */
    }
}

struct err
flags_read_content(struct fs *fs, const struct flag_content *content, struct arena *a,
                   struct str *ret_text)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    if (content->path.n == 0) {
        *ret_text = content->text;
        return OK;
    }
    TRY(fs_read_file(fs, content->path.p, FLAG_CONTENT_BYTES_MAX, &text));
    TRY_IN(expand_env(a, arena_str(a, buf_str(&text)), ret_text), "%s", content->path.p);
    return OK;
}

static struct err
store_file(struct parse *p, const struct flag *f, struct str path)
{
    struct flag_content *content = (struct flag_content *)(void *)(p->to + f->offset);
    content->path = arena_str(p->arena, path); /* NUL-terminated */
    return flags_read_content(p->fs, content, p->arena, &content->text);
}

/* A flag may come once, a LIST often; X and X-file exclude each other. */
static struct err
note_given(struct parse *p, struct match m)
{
    const struct flag *f = m.flag;
    uint8_t *given = &p->given[f - p->set->flags];
    uint8_t now = m.from_file ? GIVEN_FILE : GIVEN_TEXT;
    if (f->type == FLAG_LIST) {
        if (*given == NOT_GIVEN)
            *(struct flag_list *)(void *)(p->to + f->offset) = (struct flag_list){NULL, 0};
    } else if (*given == now) {
        return ERR(ERR_INVALID, "flag --%s%s is given twice", f->name, m.from_file ? "-file" : "");
    } else if (*given != NOT_GIVEN) {
        return ERR(ERR_INVALID, "flags --%s and --%s-file exclude each other", f->name, f->name);
    }
    *given = now;
    return OK;
}

static struct err
unknown_flag(const struct flag_set *set, struct str name)
{
    struct nearest near = nearest_init(name);
    for (size_t i = 0; i < set->count; i++) {
        if (set->flags[i].notes & (FLAG_HIDDEN | FLAG_ARGUMENT))
            continue;
        nearest_offer(&near, str_of_cstr(set->flags[i].name));
    }
    if (near.best.n > 0)
        return ERR(ERR_INVALID, "unknown flag --%.*s, did you mean --%.*s?", STR_FMT(name),
                   STR_FMT(near.best));
    return ERR(ERR_INVALID, "unknown flag --%.*s", STR_FMT(name));
}

static struct err
parse_flag(struct parse *p, struct words *w)
{
    struct match m = find_flag(p->set, w->name);
    struct str value;
    if (!m.flag)
        return unknown_flag(p->set, w->name);
    TRY(note_given(p, m));
    if (m.flag->type == FLAG_BOOL && !w->has_value) {
        *(bool *)(p->to + m.flag->offset) = !m.negated;
        return OK;
    }
    if (m.negated)
        return ERR(ERR_INVALID, "flag --%.*s takes no value", STR_FMT(w->name));
    if (!words_take_value(w))
        return ERR(ERR_INVALID, "flag --%.*s needs a value", STR_FMT(w->name));
    TRY_IN(expand_env(p->arena, w->value, &value), "flag --%.*s", STR_FMT(w->name));
    TRY_IN(m.from_file ? store_file(p, m.flag, value) : store_value(p, m.flag, value),
           "flag --%.*s", STR_FMT(w->name));
    return OK;
}

/* The next word, which is no flag, for the first row that still wants one. */
static struct err
parse_argument(struct parse *p, struct words *w)
{
    struct str word = str_of_cstr(w->argv[w->at++]), value;
    for (size_t i = 0; i < p->set->count && !str_starts_with(word, STR("-")); i++) {
        const struct flag *f = &p->set->flags[i];
        if (!(f->notes & FLAG_ARGUMENT) || p->given[i] != NOT_GIVEN)
            continue;
        p->given[i] = GIVEN_TEXT;
        TRY_IN(expand_env(p->arena, word, &value), "argument <%s>", f->name);
        TRY_IN(store_value(p, f, value), "argument <%s>", f->name);
        return OK;
    }
    return ERR(ERR_INVALID, "unexpected argument \"%.*s\"", STR_FMT(word));
}

static struct err
parse_word(struct parse *p, struct words *w)
{
    struct match m = {.flag = NULL};
    if (words_next_flag(w))
        return parse_flag(p, w);
    if (!words_next_letter(w, p->set, &m))
        return parse_argument(p, w);
    TRY(note_given(p, m));
    *(bool *)(p->to + m.flag->offset) = true;
    return OK;
}

struct err
flags_parse(const struct flag_set *set, struct fs *fs, int argc, char *const *argv, int first,
            struct arena *a, void *to)
{
    struct parse p = {.set = set, .fs = fs, .arena = a, .to = to};
    struct words w = {.argc = argc, .at = first, .argv = argv};
    p.given = ARENA_ARRAY(a, uint8_t, set->count);
    store_defaults(&p);
    while (w.at < argc)
        TRY(parse_word(&p, &w));
    for (size_t i = 0; i < set->count; i++) {
        const struct flag *f = &set->flags[i];
        if ((f->notes & FLAG_REQUIRED) && p.given[i] == NOT_GIVEN)
            return f->notes & FLAG_ARGUMENT
                       ? ERR(ERR_INVALID, "argument <%s> is missing", f->name)
                       : ERR(ERR_INVALID, "flag --%s is required", f->name);
    }
    return OK;
}

bool
flags_want_help(int argc, char *const *argv, int first)
{
    for (int i = first; i < argc; i++) {
        if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0)
            return true;
    }
    return false;
}

void
flags_each_not_yet(const struct flag_set *set, int argc, char *const *argv, int first,
                   void (*visit)(void *arg, const struct flag *flag), void *arg)
{
    struct words w = {.argc = argc, .at = first, .argv = argv};
    while (words_next_flag(&w)) {
        struct match m = find_flag(set, w.name);
        if (!m.flag)
            return;
        if (m.flag->type != FLAG_BOOL)
            words_take_value(&w);
        if (m.flag->notes & FLAG_NOT_YET)
            visit(arg, m.flag);
    }
}
