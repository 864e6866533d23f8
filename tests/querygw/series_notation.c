/* series_notation.c - the parser of test series. */
#include "tests/querygw/series_notation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/numtext.h"
#include "conf/units.h"
#include "querygw/promql/parse.h"
#include "tests/querygw/histogram_notation.h"

bool
notation_number(struct str text, double *ret_value)
{
    struct err e = numtext_parse(text, ret_value);
    bool good = e.code == ERR_NONE;
    err_drop(e);
    return good;
}

/* The selector in front: up to the space behind the closing brace, or the first space. */
static size_t
metric_bytes(struct str line)
{
    char quote = 0;
    size_t depth = 0;
    for (size_t i = 0; i < line.n; i++) {
        char c = line.p[i];
        if (quote) {
            i += c == '\\' && quote != '`';
            quote = c == quote ? 0 : quote;
        } else if (c == '"' || c == '\'' || c == '`') {
            quote = c;
        } else if (c == '{') {
            depth++;
        } else if (c == '}') {
            depth--;
        } else if ((c == ' ' || c == '\t') && depth == 0) {
            struct str rest = str_trim(str_skip(line, i));
            if (!rest.n || rest.p[0] != '{' || (rest.n > 1 && rest.p[1] == '{'))
                return i;
        }
    }
    return line.n;
}

static struct err
parse_labels(struct arena *a, struct str text, struct labels *ret_labels)
{
    struct matchers m;
    TRY(promql_parse_selector(a, text, &m));
    struct label *v = ARENA_ARRAY(a, struct label, m.n);
    size_t n = 0;
    for (size_t i = 0; i < m.n; i++) {
        if (m.v[i].type != MATCH_EQUAL)
            return ERR(ERR_INVALID, "series: only = between braces");
        if (m.v[i].value.n)
            v[n++] = (struct label){m.v[i].name, m.v[i].value};
    }
    labels_sort(v, n);
    *ret_labels = (struct labels){v, n};
    return OK;
}

static struct err
push(struct notation_series *s, struct arena *a, struct notation_value value, uint64_t times)
{
    if (times > NOTATION_VALUES_MAX || s->n + times > NOTATION_VALUES_MAX)
        return ERR(ERR_INVALID, "series: more than %d values", NOTATION_VALUES_MAX);
    if (s->n + times > s->cap) {
        s->cap = size_max(2 * s->cap, s->n + times);
        struct notation_value *bigger = ARENA_ARRAY(a, struct notation_value, s->cap);
        if (s->n)
            memcpy(bigger, s->v, s->n * sizeof *bigger);
        s->v = bigger;
    }
    for (uint64_t i = 0; i < times; i++)
        s->v[s->n++] = value;
    return OK;
}

/* Where "+2x3" or "x3" begins behind the first number; text.n for a number alone. */
static size_t
sequence_start(struct str text)
{
    for (size_t i = 1; i < text.n; i++) {
        char before = text.p[i - 1];
        bool exponent = (before == 'e' || before == 'E') && i > 1;
        if (text.p[i] == 'x' || ((text.p[i] == '+' || text.p[i] == '-') && !exponent))
            return i;
    }
    return text.n;
}

/* 1, 1x3, 1+2x3 */
static struct err
parse_numbers(struct arena *a, struct str item, struct notation_series *s)
{
    double value, step = 0;
    uint64_t times = 0;
    size_t start = sequence_start(item);
    struct str first = str_of(item.p, start), rest = str_skip(item, start);
    if (!notation_number(first, &value))
        return ERR(ERR_INVALID, "series: bad value %.*s", STR_FMT(item));
    if (rest.n) {
        struct str by = str_split(&rest, 'x');
        TRY(str_parse_u64(rest, &times));
        if (by.n && !notation_number(by, &step))
            return ERR(ERR_INVALID, "series: bad step %.*s", STR_FMT(item));
    }
    for (uint64_t i = 0; i <= times; i++, value += step)
        TRY(push(s, a, (struct notation_value){.bits = bits_of_f64(value)}, 1));
    return OK;
}

static struct err
parse_item(struct arena *a, struct str item, struct notation_series *s)
{
    uint64_t times = 0;
    if (item.p[0] == '_') {
        if (item.n == 1)
            return push(s, a, (struct notation_value){.kind = NOTATION_OMITTED}, 1);
        if (item.p[1] != 'x')
            return ERR(ERR_INVALID, "series: bad item %.*s", STR_FMT(item));
        TRY(str_parse_u64(str_skip(item, 2), &times));
        return push(s, a, (struct notation_value){.kind = NOTATION_OMITTED}, times);
    }
    if (str_starts_with(item, STR("stale"))) {
        if (item.n > 5)
            TRY(str_parse_u64(str_skip(item, 6), &times));
        return push(s, a, (struct notation_value){.bits = STALE_NAN_BITS}, times + 1);
    }
    return parse_numbers(a, item, s);
}

/* {{...}}, {{...}}x3, {{...}}+{{...}}x3, {{...}}-{{...}}x3 */
static struct err
parse_histogram(struct arena *a, struct str *rest, struct notation_series *s)
{
    struct notation_value v = {.kind = NOTATION_HISTOGRAM};
    struct float_histogram *base, *step = NULL;
    uint64_t times = 0;
    TRY(histogram_notation_take(a, rest, &base, &v.has_hint));
    char sign = rest->n ? rest->p[0] : ' ';
    if (sign == '+' || sign == '-') {
        *rest = str_skip(*rest, 1);
        TRY(histogram_notation_take(a, rest, &step, &v.has_hint));
    }
    if (rest->n && rest->p[0] == 'x') {
        struct str count = str_skip(str_split(rest, ' '), 1);
        TRY(str_parse_u64(count, &times));
    }
    v.histogram = base;
    for (uint64_t i = 0; i <= times; i++) {
        TRY(push(s, a, v, 1));
        if (!step || i == times)
            continue;
        unsigned unused = 0;
        struct float_histogram *next = float_histogram_copy(v.histogram, a);
        if (!(sign == '+' ? float_histogram_add(next, step, a, &unused)
                          : float_histogram_subtract(next, step, a, &unused)))
            return ERR(ERR_INVALID, "series: histograms that cannot be combined");
        v.histogram = next;
    }
    return OK;
}

struct err
notation_parse(struct arena *a, struct str line, struct notation_series *ret_series)
{
    struct notation_series s = {0};
    line = str_trim(line);
    size_t n = metric_bytes(line);
    TRY(parse_labels(a, str_of(line.p, n), &s.labels));
    struct str rest = str_skip(line, n);
    for (;;) {
        rest = str_trim(rest);
        if (rest.n == 0)
            break;
        if (str_starts_with(rest, STR("{{"))) {
            TRY(parse_histogram(a, &rest, &s));
            continue;
        }
        size_t end = 0;
        while (end < rest.n && rest.p[end] != ' ' && rest.p[end] != '\t')
            end++;
        struct str item = str_take(&rest, end);
        TRY(parse_item(a, item, &s));
    }
    *ret_series = s;
    return OK;
}

/* --- start timestamps ---------------------------------------------------------------------- */

bool
notation_is_starts(struct str line)
{
    line = str_trim(line);
    return str_ends_with(str_of(line.p, metric_bytes(line)), STR("@st"));
}

/* A duration with a sign: -1m, 30s, +5ms. */
static struct err
take_offset(struct str *rest, int64_t *ret_ms)
{
    bool sign = rest->n && (rest->p[0] == '-' || rest->p[0] == '+');
    bool negative = sign && rest->p[0] == '-';
    if (sign)
        *rest = str_skip(*rest, 1);
    size_t n = 0;
    while (n < rest->n && rest->p[n] != 'x' && rest->p[n] != '-' && rest->p[n] != '+')
        n++;
    struct str text = str_take(rest, n);
    *ret_ms = 0;
    if (!str_eq(text, STR("0")))
        TRY(duration_parse(text, ret_ms));
    *ret_ms = negative ? -*ret_ms : *ret_ms;
    return OK;
}

/* -1m, -1mx3, -1m+1sx3, _, _x3; values are offsets in ms. */
static struct err
parse_start_item(struct arena *a, struct str item, struct notation_series *s)
{
    int64_t offset_ms, step_ms = 0;
    uint64_t times = 0;
    if (item.p[0] == '_')
        return parse_item(a, item, s);
    TRY(take_offset(&item, &offset_ms));
    if (item.n && item.p[0] != 'x')
        TRY(take_offset(&item, &step_ms));
    if (item.n)
        TRY(str_parse_u64(str_skip(item, 1), &times));
    for (uint64_t i = 0; i <= times; i++, offset_ms += step_ms)
        TRY(push(s, a, (struct notation_value){.bits = (uint64_t)offset_ms}, 1));
    return OK;
}

struct err
notation_parse_starts(struct arena *a, struct str line, struct notation_series *s)
{
    struct notation_series offsets = {0};
    line = str_trim(line);
    size_t n = metric_bytes(line);
    TRY(parse_labels(a, str_of(line.p, n - strlen("@st")), &offsets.labels));
    for (struct str rest = str_trim(str_skip(line, n)); rest.n; rest = str_trim(rest)) {
        size_t end = 0;
        while (end < rest.n && rest.p[end] != ' ' && rest.p[end] != '\t')
            end++;
        TRY(parse_start_item(a, str_take(&rest, end), &offsets));
    }
    if (!labels_eq(offsets.labels, s->labels) || offsets.n != s->n)
        return ERR(ERR_INVALID, "series: start timestamps of another one");
    s->starts_ms = ARENA_ARRAY(a, int64_t, s->n);
    for (size_t i = 0; i < s->n; i++)
        s->starts_ms[i] =
            offsets.v[i].kind == NOTATION_OMITTED ? NOTATION_NO_START : (int64_t)offsets.v[i].bits;
    return OK;
}

void
notation_load(struct fake_store *to, const struct notation_series *s, int64_t start_ms,
              int64_t step_ms)
{
    for (size_t i = 0; i < s->n; i++) {
        int64_t t_ms = start_ms + (int64_t)i * step_ms;
        bool started = s->starts_ms && s->starts_ms[i] != NOTATION_NO_START;
        int64_t started_ms = started ? t_ms + s->starts_ms[i] : 0;
        if (s->v[i].kind == NOTATION_VALUE)
            fake_store_add_started(to, s->labels, t_ms, s->v[i].bits, started_ms);
        else if (s->v[i].kind == NOTATION_HISTOGRAM)
            fake_store_add_histogram(to, s->labels, t_ms, started_ms, s->v[i].histogram);
    }
}

void
notation_load_text(struct fake_store *to, const char *lines, int64_t start_ms, int64_t step_ms)
{
    struct arena a;
    arena_init(&a, 0);
    struct str rest = str_of_cstr(lines);
    while (rest.n) {
        struct str line = str_trim(str_split(&rest, '\n'));
        struct notation_series s;
        if (line.n == 0)
            continue;
        struct err e = notation_parse(&a, line, &s);
        if (e.code) {
            fprintf(stderr, "%.*s: %s\n", STR_FMT(line), err_text(&e));
            abort();
        }
        notation_load(to, &s, start_ms, step_ms);
    }
    arena_fini(&a);
}
