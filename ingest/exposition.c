/* exposition.c - a cursor over one line at a time. */
#include "ingest/exposition.h"

#include <math.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/numtext.h"
#include "tsdb/model/sample.h"

struct cursor {
    const char *p, *end, *start; /* of the line */
    size_t line;
    bool terse;
};

void
exposition_init(struct exposition *x, struct arena *a, enum exposition_format format,
                struct str text)
{
    x->arena = a;
    x->format = format;
    x->rest = text;
    x->line = 0;
    x->saw_end = false;
    x->terse = false;
}

static struct err
wrong(const struct cursor *c, const char *what)
{
    if (c->terse)
        return ERR_CODE(ERR_INVALID);
    return ERR(ERR_INVALID, "line %zu, column %zu: %s", c->line, (size_t)(c->p - c->start) + 1,
               what);
}

static bool
at_end(const struct cursor *c)
{
    return c->p == c->end;
}

static bool
at(const struct cursor *c, char byte)
{
    return !at_end(c) && *c->p == byte;
}

static bool
take(struct cursor *c, char byte)
{
    bool there = at(c, byte);
    c->p += there;
    return there;
}

static bool
skip_blanks(struct cursor *c)
{
    const char *from = c->p;
    while (at(c, ' ') || at(c, '\t'))
        c->p++;
    return c->p > from;
}

/* Up to a blank or the end. */
static struct str
take_word(struct cursor *c)
{
    const char *from = c->p;
    while (!at_end(c) && *c->p != ' ' && *c->p != '\t')
        c->p++;
    return str_of(from, (size_t)(c->p - from));
}

/* --- names and texts ----------------------------------------------------------------------------
 */

static bool
is_name_byte(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (!first && c >= '0' && c <= '9');
}

enum colons { COLONS_NO, COLONS_YES };

/* A name without quotes; empty when there is none. */
static struct str
take_name(struct cursor *c, enum colons colons)
{
    const char *from = c->p;
    while (!at_end(c) &&
           (is_name_byte(*c->p, c->p == from) || (colons == COLONS_YES && *c->p == ':')))
        c->p++;
    return str_of(from, (size_t)(c->p - from));
}

/* \\, \n and, where it needs one, \"; any other backslash stands for itself. */
static struct str
unescape(struct arena *a, struct str s, bool quotes)
{
    if (str_find_byte(s, '\\') == s.n)
        return s;
    char *text = arena_alloc(a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char next = s.p[i] == '\\' && i + 1 < s.n ? s.p[i + 1] : '\0';
        bool escape = next == '\\' || next == 'n' || (quotes && next == '"');
        text[n++] = escape && next == 'n' ? '\n' : escape ? next : s.p[i];
        i += escape;
    }
    return str_of(text, n);
}

/* A text in quotes, at which the cursor stands. */
static struct err
take_quoted(struct exposition *x, struct cursor *c, struct str *ret_text)
{
    const char *from = ++c->p;
    while (!at_end(c) && *c->p != '"')
        c->p += *c->p == '\\' && c->p + 1 < c->end ? 2 : 1;
    if (at_end(c))
        return wrong(c, "a quote is not closed");
    struct str text = str_of(from, (size_t)(c->p - from));
    if (!str_is_utf8(text)) {
        c->p = from;
        return wrong(c, "the text is not UTF-8");
    }
    c->p++;
    *ret_text = unescape(x->arena, text, true);
    return OK;
}

/* The name of a metric, in quotes or without. */
static struct err
take_metric_name(struct exposition *x, struct cursor *c, struct str *ret_name)
{
    struct str name;
    if (at(c, '"'))
        TRY(take_quoted(x, c, &name));
    else
        name = take_name(c, COLONS_YES);
    if (name.n == 0)
        return wrong(c, "expected the name of a metric");
    *ret_name = name;
    return OK;
}

/* --- labels -------------------------------------------------------------------------------------
 */

struct label_list {
    struct label *v; /* room for LABELS_COUNT_MAX + 1 */
    size_t n;
    bool named; /* the first is the name of the metric */
};

static struct err
push_label(const struct cursor *c, struct label_list *l, struct str name, struct str value)
{
    if (l->n > LABELS_COUNT_MAX)
        return wrong(c, "too many labels");
    l->v[l->n++] = (struct label){name, value};
    return OK;
}

static struct err
push_name(const struct cursor *c, struct label_list *l, struct str name)
{
    if (l->named)
        return wrong(c, "a second name of the metric");
    l->named = true;
    return push_label(c, l, STR(LABEL_METRIC_NAME), name);
}

/* name="value", "name"="value", or the "name" of the metric alone. */
static struct err
take_label(struct exposition *x, struct cursor *c, struct label_list *l)
{
    bool quoted = at(c, '"');
    struct str name, value;
    if (quoted)
        TRY(take_quoted(x, c, &name));
    else
        name = take_name(c, COLONS_NO);
    if (name.n == 0)
        return wrong(c, "expected the name of a label");
    skip_blanks(c);
    if (quoted && !at(c, '='))
        return push_name(c, l, name);
    if (!take(c, '='))
        return wrong(c, "expected '='");
    skip_blanks(c);
    if (!at(c, '"'))
        return wrong(c, "expected a value in quotes");
    TRY(take_quoted(x, c, &value));
    return push_label(c, l, name, value);
}

/* In braces, at which the cursor stands. */
static struct err
take_labels(struct exposition *x, struct cursor *c, struct label_list *l)
{
    c->p++;
    for (;;) {
        skip_blanks(c);
        if (take(c, '}'))
            return OK;
        TRY(take_label(x, c, l));
        skip_blanks(c);
        if (!take(c, ',') && !at(c, '}'))
            return wrong(c, "expected ',' or '}'");
    }
}

/* --- values and times
 * ------------------------------------------------------------------------------ */

static struct err
take_value(struct cursor *c, uint64_t *ret_bits)
{
    const char *from = c->p;
    struct str word = take_word(c);
    double v = 0;
    bool odd = word.n == 0; /* what Go's ParseFloat takes and the formats do not have */
    for (size_t i = 0; i < word.n; i++)
        odd |= word.p[i] == '_' || word.p[i] == 'x' || word.p[i] == 'X' || word.p[i] == 'p' ||
               word.p[i] == 'P';
    struct err e = odd ? ERR_CODE(ERR_INVALID) : numtext_parse(word, &v);
    if (e.code != ERR_NONE) {
        err_drop(e);
        c->p = from;
        return wrong(c, "expected a value");
    }
    *ret_bits = isnan(v) ? NORMAL_NAN_BITS : bits_of_f64(v);
    return OK;
}

/* Milliseconds in the text format, seconds in OpenMetrics. */
static struct err
take_time(const struct exposition *x, struct cursor *c, int64_t *ret_t_ms)
{
    const char *from = c->p;
    struct str word = take_word(c);
    double seconds = 0;
    struct err e = x->format == EXPOSITION_TEXT ? str_parse_i64(word, ret_t_ms)
                                                : numtext_parse(word, &seconds);
    bool in_range = fabs(seconds) < 9e15; /* false for NaN */
    if (e.code != ERR_NONE || !in_range) {
        err_drop(e);
        c->p = from;
        return wrong(c, "expected a timestamp");
    }
    if (x->format == EXPOSITION_OPENMETRICS)
        *ret_t_ms = llrint(seconds * 1000);
    return OK;
}

/* # {trace_id="a"} 0.5 1700000000 */
static struct err
take_exemplar(struct exposition *x, struct cursor *c, struct exposition_line *line)
{
    struct label_list l = {.v = x->exemplar_labels};
    skip_blanks(c);
    if (!at(c, '{'))
        return wrong(c, "expected the labels of an exemplar");
    TRY(take_labels(x, c, &l));
    if (l.named)
        return wrong(c, "an exemplar has no name");
    skip_blanks(c);
    TRY(take_value(c, &line->exemplar.bits));
    if (skip_blanks(c) && !at_end(c)) {
        TRY(take_time(x, c, &line->exemplar.t_ms));
        line->exemplar_has_time = true;
    }
    size_t n = 0;
    for (size_t i = 0; i < l.n; i++)
        if (l.v[i].value.n > 0)
            l.v[n++] = l.v[i];
    labels_sort(l.v, n);
    line->exemplar.labels = labels_copy(x->arena, (struct labels){l.v, n});
    line->has_exemplar = true;
    return OK;
}

static struct err
take_sample(struct exposition *x, struct cursor *c, struct exposition_line *line)
{
    struct label_list l = {.v = x->labels};
    struct str name = take_name(c, COLONS_YES);
    if (name.n > 0)
        TRY(push_name(c, &l, name));
    bool blank = skip_blanks(c);
    if (at(c, '{'))
        TRY(take_labels(x, c, &l));
    else if (name.n == 0)
        return wrong(c, "expected the name of a metric");
    else if (!blank)
        return wrong(c, "expected a blank or '{' behind the name");
    if (l.n == 0)
        return wrong(c, "no name and no labels");
    skip_blanks(c);
    TRY(take_value(c, &line->bits));
    skip_blanks(c);
    if (!at_end(c) && !at(c, '#')) {
        TRY(take_time(x, c, &line->t_ms));
        line->has_time = true;
        skip_blanks(c);
    }
    if (x->format == EXPOSITION_OPENMETRICS && take(c, '#'))
        TRY(take_exemplar(x, c, line));
    skip_blanks(c);
    if (!at_end(c))
        return wrong(c, "expected the end of the line");
    labels_sort(l.v, l.n);
    line->labels = (struct labels){l.v, l.n};
    line->kind = EXPOSITION_SAMPLE;
    return OK;
}

/* --- lines with #
 * ---------------------------------------------------------------------------------- */

static const struct type_row {
    const char *word;
    enum metric_kind type;
} types[] = {
    {"counter", METRIC_KIND_COUNTER},     {"gauge", METRIC_KIND_GAUGE},
    {"histogram", METRIC_KIND_HISTOGRAM}, {"gaugehistogram", METRIC_KIND_GAUGE_HISTOGRAM},
    {"summary", METRIC_KIND_SUMMARY},     {"info", METRIC_KIND_INFO},
    {"stateset", METRIC_KIND_STATESET},   {"unknown", METRIC_KIND_UNKNOWN},
    {"untyped", METRIC_KIND_UNKNOWN},
};

static struct err
take_type(struct cursor *c, struct exposition_line *line)
{
    const char *from = c->p;
    struct str word = take_word(c);
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (str_eq(word, str_of_cstr(types[i].word))) {
            line->type = types[i].type;
            return OK;
        }
    }
    c->p = from;
    return wrong(c, "unknown type of a metric");
}

/* *ret_says is false for a comment, which says nothing. */
static struct err
take_comment(struct exposition *x, struct cursor *c, struct exposition_line *line, bool *ret_says)
{
    c->p++;
    bool blank = skip_blanks(c), open_metrics = x->format == EXPOSITION_OPENMETRICS;
    struct str word = blank ? take_word(c) : STR("");
    bool type = str_eq(word, STR("TYPE")), help = str_eq(word, STR("HELP"));
    bool unit = open_metrics && str_eq(word, STR("UNIT"));
    *ret_says = type || help || unit;
    if (open_metrics && str_eq(word, STR("EOF")))
        x->saw_end = true;
    if (!*ret_says)
        return OK;
    line->kind = type ? EXPOSITION_TYPE : help ? EXPOSITION_HELP : EXPOSITION_UNIT;
    skip_blanks(c);
    TRY(take_metric_name(x, c, &line->family));
    if (!skip_blanks(c) && !at_end(c))
        return wrong(c, "expected a blank behind the name");
    if (type)
        return take_type(c, line);
    struct str rest = str_of(c->p, (size_t)(c->end - c->p));
    if (!str_is_utf8(rest))
        return wrong(c, "the text is not UTF-8");
    line->text = unescape(x->arena, rest, open_metrics);
    return OK;
}

struct err
exposition_next(struct exposition *x, struct exposition_line *ret_line)
{
    while (x->rest.n > 0) {
        struct str text = str_split(&x->rest, '\n');
        if (text.n > 0 && text.p[text.n - 1] == '\r')
            text.n--;
        struct cursor c = {text.p, text.p + text.n, text.p, ++x->line, x->terse};
        struct exposition_line line = {.kind = EXPOSITION_SAMPLE};
        bool says = true;
        skip_blanks(&c);
        if (at_end(&c))
            continue;
        if (x->saw_end)
            return wrong(&c, "something behind # EOF");
        TRY(at(&c, '#') ? take_comment(x, &c, &line, &says) : take_sample(x, &c, &line));
        if (!says)
            continue;
        *ret_line = line;
        return OK;
    }
    *ret_line = (struct exposition_line){.kind = EXPOSITION_END};
    return OK;
}
