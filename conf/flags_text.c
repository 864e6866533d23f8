/* flags_text.c - what a flag table looks like: --help, docs/flags.md, the man page, and the
 * current values for /api/v1/status/flags. */
#include "conf/flags.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/numtext.h"
#include "conf/units.h"

enum { HELP_COLUMNS = 80, HELP_INDENT = 10 };

static const char not_yet_text[] = "(not in effect yet)";
static const char secret_text[] = "<REDACTED>";

/* What stands for the value in help; NULL for booleans. */
static const char *
placeholder(const struct flag *f)
{
    switch (f->type) {
    case FLAG_STRING:
        return "TEXT";
    case FLAG_BOOL:
        return NULL;
    case FLAG_INT:
    case FLAG_UINT:
    case FLAG_FLOAT:
        return "NUMBER";
    case FLAG_DURATION:
        return "DURATION";
    case FLAG_BYTES:
        return "SIZE";
    case FLAG_ADDR:
        return "HOST:PORT";
    case FLAG_ENUM:
        return f->choices;
    case FLAG_LIST:
        return "TEXT ...";
    case FLAG_CONTENT:
        return "CONTENT";
    }
    UNREACHABLE("no such flag type");
}

/* Words of `text`, wrapped; every line is indented. */
static void
put_wrapped(struct buf *to, struct str text)
{
    size_t column = 0;
    while (text.n > 0) {
        struct str word = str_split(&text, ' ');
        if (column > 0 && column + 1 + word.n > HELP_COLUMNS) {
            buf_put_u8(to, '\n');
            column = 0;
        }
        if (column == 0)
            buf_printf(to, "%*s", HELP_INDENT, "");
        else
            buf_put_u8(to, ' ');
        column += (column ? 1 : HELP_INDENT) + word.n;
        buf_append(to, word);
    }
    buf_put_u8(to, '\n');
}

/* "--name=VALUE" with the spelling variants of its type. */
static void
put_spelling(struct buf *to, const struct flag *f)
{
    if (f->notes & FLAG_ARGUMENT) {
        buf_printf(to, "<%s>", f->name);
        return;
    }
    if (f->letter)
        buf_printf(to, "-%c, ", f->letter);
    buf_printf(to, "--%s%s", f->type == FLAG_BOOL ? "[no-]" : "", f->name);
    if (placeholder(f))
        buf_printf(to, "=%s", placeholder(f));
    if (f->type == FLAG_CONTENT)
        buf_printf(to, " | --%s-file=PATH", f->name);
}

static bool
has_default(const struct flag *f)
{
    return f->dflt && *f->dflt;
}

static void
put_usage(struct buf *to, const struct flag_set *set)
{
    buf_printf(to, "usage: mneme %s%s[<flags>]", set->command, *set->command ? " " : "");
    for (size_t i = 0; i < set->count; i++) {
        const struct flag *f = &set->flags[i];
        if (f->notes & FLAG_ARGUMENT)
            buf_printf(to, " [<%s>]", f->name);
    }
    buf_printf(to, "\n\n%s\n\n", set->help);
}

void
flags_write_help(const struct flag_set *set, struct buf *to)
{
    put_usage(to, set);
    buf_printf(to, "Flags:\n  -h, --help\n%*sShow this text.\n", HELP_INDENT, "");
    for (size_t i = 0; i < set->count; i++) {
        const struct flag *f = &set->flags[i];
        if (f->notes & FLAG_HIDDEN)
            continue;
        buf_append(to, f->letter || (f->notes & FLAG_ARGUMENT) ? STR("  ") : STR("      "));
        put_spelling(to, f);
        if (has_default(f))
            buf_printf(to, "  [%s]", f->dflt);
        if (f->notes & FLAG_REQUIRED)
            buf_append(to, STR("  [required]"));
        buf_put_u8(to, '\n');
        put_wrapped(to, str_of_cstr(f->help));
        if (f->notes & FLAG_NOT_YET)
            put_wrapped(to, str_of_cstr(not_yet_text));
    }
}

/* Text in a table cell: '|' would end it. */
static void
put_cell(struct buf *to, const char *text)
{
    for (; *text; text++) {
        if (*text == '|')
            buf_put_u8(to, '\\');
        buf_put_u8(to, (uint8_t)*text);
    }
}

static void
put_notes(struct buf *to, const struct flag *f)
{
    const char *notes[4];
    size_t n = 0;
    if (f->notes & FLAG_REQUIRED)
        notes[n++] = "required";
    if (f->type == FLAG_LIST)
        notes[n++] = "repeatable";
    if (f->notes & FLAG_HIDDEN)
        notes[n++] = "hidden";
    if (f->notes & FLAG_NOT_YET)
        notes[n++] = "not in effect yet";
    for (size_t i = 0; i < n; i++)
        buf_printf(to, "%s%s", i ? ", " : " ", notes[i]);
}

void
flags_write_markdown(const struct flag_set *set, struct buf *to)
{
    buf_printf(to, "## mneme %s\n\n%s\n\n| flag | default | meaning | notes |\n|---|---|---|---|\n",
               set->command, set->help);
    for (size_t i = 0; i < set->count; i++) {
        const struct flag *f = &set->flags[i];
        if (f->notes & FLAG_ARGUMENT)
            buf_printf(to, "| `<%s>`", f->name);
        else
            buf_printf(to, "| `--%s`", f->name);
        if (f->letter)
            buf_printf(to, ", `-%c`", f->letter);
        if (f->type == FLAG_CONTENT)
            buf_printf(to, ", `--%s-file`", f->name);
        buf_append(to, STR(" |"));
        if (has_default(f))
            buf_printf(to, " `%s`", f->dflt);
        buf_append(to, STR(" | "));
        put_cell(to, f->help);
        if (f->choices) {
            buf_append(to, STR(" One of "));
            put_cell(to, f->choices);
            buf_put_u8(to, '.');
        }
        buf_append(to, STR(" |"));
        put_notes(to, f);
        buf_append(to, STR(" |\n"));
    }
    buf_put_u8(to, '\n');
}

/* Text for roff: '-' must not become a hyphen, a leading '.' no request. */
static void
put_roff(struct buf *to, struct str text)
{
    if (text.n > 0 && (text.p[0] == '.' || text.p[0] == '\''))
        buf_append(to, STR("\\&"));
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '-')
            buf_append(to, STR("\\-"));
        else if (text.p[i] == '\\')
            buf_append(to, STR("\\e"));
        else
            buf_put_u8(to, (uint8_t)text.p[i]);
    }
}

void
flags_write_man(const struct flag_set *set, struct buf *to)
{
    AUTO(buf_fini) struct buf spelling = BUF_INIT;
    buf_printf(to, ".SS mneme %s\n", set->command);
    put_roff(to, str_of_cstr(set->help));
    buf_put_u8(to, '\n');
    for (size_t i = 0; i < set->count; i++) {
        const struct flag *f = &set->flags[i];
        if (f->notes & FLAG_HIDDEN)
            continue;
        buf_clear(&spelling);
        put_spelling(&spelling, f);
        buf_append(to, STR(".TP\n.B "));
        put_roff(to, buf_str(&spelling));
        buf_put_u8(to, '\n');
        put_roff(to, str_of_cstr(f->help));
        if (has_default(f)) {
            buf_append(to, STR(" Default: "));
            put_roff(to, str_of_cstr(f->dflt));
            buf_put_u8(to, '.');
        }
        if (f->notes & FLAG_NOT_YET)
            buf_printf(to, " %s", not_yet_text);
        buf_put_u8(to, '\n');
    }
}

/* "[a b]", as Go prints a list of strings. */
static void
put_list(struct buf *to, const struct flag_list *list)
{
    buf_put_u8(to, '[');
    for (size_t i = 0; i < list->n; i++) {
        if (i > 0)
            buf_put_u8(to, ' ');
        buf_append(to, list->v[i]);
    }
    buf_put_u8(to, ']');
}

static void
put_value(struct buf *to, const struct flag *f, const void *field)
{
    char number[NUMTEXT_BYTES_MAX];
    switch (f->type) {
    case FLAG_BOOL:
        buf_printf(to, "%s", *(const bool *)field ? "true" : "false");
        return;
    case FLAG_INT:
        buf_printf(to, "%jd", (intmax_t) * (const int64_t *)field);
        return;
    case FLAG_UINT:
    case FLAG_BYTES:
        buf_printf(to, "%ju", (uintmax_t) * (const uint64_t *)field);
        return;
    case FLAG_FLOAT:
        buf_append(to, str_of(number, numtext_g(*(const double *)field, number)));
        return;
    case FLAG_DURATION:
        duration_format(*(const int64_t *)field, to);
        return;
    case FLAG_LIST:
        put_list(to, (const struct flag_list *)field);
        return;
    case FLAG_STRING:
    case FLAG_ADDR:
    case FLAG_ENUM:
        buf_append(to, *(const struct str *)field);
        return;
    case FLAG_CONTENT:
        buf_append(to, ((const struct flag_content *)field)->text);
        return;
    }
    UNREACHABLE("no such flag type");
}

void
flags_each(const struct flag_set *set, const void *from,
           void (*visit)(void *arg, struct str name, struct str value), void *arg)
{
    AUTO(buf_fini) struct buf value = BUF_INIT;
    AUTO(buf_fini) struct buf twin = BUF_INIT;
    for (size_t i = 0; i < set->count; i++) {
        const struct flag *f = &set->flags[i];
        const void *field = (const char *)from + f->offset;
        buf_clear(&value);
        put_value(&value, f, field);
        if ((f->notes & FLAG_SECRET) && value.n > 0) {
            buf_clear(&value);
            buf_append(&value, str_of_cstr(secret_text));
        }
        visit(arg, str_of_cstr(f->name), buf_str(&value));
        if (f->type == FLAG_CONTENT) {
            buf_clear(&twin);
            buf_printf(&twin, "%s-file", f->name);
            visit(arg, buf_str(&twin), ((const struct flag_content *)field)->path);
        }
    }
}
