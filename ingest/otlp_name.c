/* otlp_name.c - tokens of a name, units in words. */
#include "ingest/otlp_name.h"

#include "base/mem.h"
#include "base/quote.h"

/* --- units ------------------------------------------------------------------------------------ */

static const struct unit_row {
    const char *unit, *word;
} units[] =
    {
        {"d", "days"},
        {"h", "hours"},
        {"min", "minutes"},
        {"s", "seconds"},
        {"ms", "milliseconds"},
        {"us", "microseconds"},
        {"ns", "nanoseconds"},
        {"By", "bytes"},
        {"KiBy", "kibibytes"},
        {"MiBy", "mebibytes"},
        {"GiBy", "gibibytes"},
        {"TiBy", "tibibytes"},
        {"KBy", "kilobytes"},
        {"MBy", "megabytes"},
        {"GBy", "gigabytes"},
        {"TBy", "terabytes"},
        {"m", "meters"},
        {"V", "volts"},
        {"A", "amperes"},
        {"J", "joules"},
        {"W", "watts"},
        {"g", "grams"},
        {"Cel", "celsius"},
        {"Hz", "hertz"},
        {"1", ""},
        {"%", "percent"},
},
  units_per[] = {
      {"s", "second"}, {"m", "minute"}, {"h", "hour"}, {"d", "day"},
      {"w", "week"},   {"mo", "month"}, {"y", "year"},
};

static struct str
unit_word(const struct unit_row *rows, size_t n, struct str unit)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(unit, str_of_cstr(rows[i].unit)))
            return str_of_cstr(rows[i].word);
    return unit;
}

static bool
is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Bytes of the character that `s` starts with, as Go walks over a string. */
static size_t
character_bytes(struct str s)
{
    uint32_t rune;
    return rune_decode(s, &rune);
}

/* Letters and digits as they are, every run of other characters one underscore. */
static void
put_escaped(struct str s, struct buf *to)
{
    bool after_underscore = false;
    for (size_t i = 0; i < s.n;) {
        bool fine = is_letter_or_digit(s.p[i]);
        if (fine || !after_underscore)
            buf_put_u8(to, fine ? (uint8_t)s.p[i] : (uint8_t)'_');
        after_underscore = !fine;
        i += fine ? 1 : character_bytes(str_skip(s, i));
    }
}

/* Go's unicode.IsSpace, of which the bytes below 0x80 matter here. */
static struct str
trim_unit(struct str s)
{
    static const char blanks[] = " \t\n\v\f\r";
    while (s.n > 0 && memchr(blanks, s.p[0], sizeof blanks - 1))
        s = str_skip(s, 1);
    while (s.n > 0 && memchr(blanks, s.p[s.n - 1], sizeof blanks - 1))
        s.n--;
    return s;
}

/* The word for a unit, escaped; nothing for a blank one or an annotation in braces. */
static void
put_unit(const struct unit_row *rows, size_t n, struct str unit, struct buf *to)
{
    unit = trim_unit(unit);
    if (str_find_byte(unit, '{') < unit.n || str_find_byte(unit, '}') < unit.n)
        return;
    AUTO(buf_fini) struct buf escaped = BUF_INIT;
    put_escaped(unit_word(rows, n, unit), &escaped);
    struct str word = buf_str(&escaped);
    buf_append(to, str_skip(word, word.n > 0 && word.p[0] == '_'));
}

/* --- metrics ---------------------------------------------------------------------------------- */

static bool
is_token(char c)
{
    return is_letter_or_digit(c) || c == ':';
}

/* Cuts the next token off *rest; empty at the end. */
static struct str
next_token(struct str *rest)
{
    size_t from = 0;
    while (from < rest->n && !is_token(rest->p[from]))
        from++;
    size_t to = from;
    while (to < rest->n && is_token(rest->p[to]))
        to++;
    struct str token = str_of(rest->p + from, to - from);
    *rest = str_skip(*rest, to);
    return token;
}

static bool
has_token(struct str name, struct str word)
{
    for (struct str t = next_token(&name); t.n > 0; t = next_token(&name))
        if (str_eq(t, word))
            return true;
    return false;
}

static void
put_token(struct buf *to, size_t start, struct str token)
{
    bool digit = token.p[0] >= '0' && token.p[0] <= '9';
    if (to->n > start || digit)
        buf_put_u8(to, '_');
    buf_append(to, token);
}

void
otlp_metric_name(struct str name, struct str unit, enum otlp_suffix suffix, struct buf *to)
{
    static const struct str suffixes[] = {STR_INIT(""), STR_INIT("total"), STR_INIT("ratio")};
    struct str moved = suffixes[suffix], rest = name;
    size_t start = to->n;
    for (struct str t = next_token(&rest); t.n > 0; t = next_token(&rest))
        if (moved.n == 0 || !str_eq(t, moved))
            put_token(to, start, t);

    AUTO(buf_fini) struct buf word = BUF_INIT, per = BUF_INIT;
    struct str denominator = unit, numerator = str_split(&denominator, '/');
    put_unit(units, ARRAY_LEN(units), numerator, &word);
    put_unit(units_per, ARRAY_LEN(units_per), denominator, &per);
    struct str main = buf_str(&word);
    if (per.n > 0 && str_ends_with(main, STR("_")))
        main.n--;
    if (main.n > 0 && !has_token(name, buf_str(&word)) && !str_eq(main, moved))
        put_token(to, start, main);
    if (per.n > 0) {
        put_token(to, start, STR("per"));
        put_token(to, start, buf_str(&per));
    }
    if (moved.n > 0)
        put_token(to, start, moved);
}

/* --- labels ----------------------------------------------------------------------------------- */

/* No other character, no two underscores side by side, no digit in front. */
static bool
is_fine_label_name(struct str s)
{
    bool letters = false;
    for (size_t i = 0; i < s.n; i++) {
        bool letter = is_letter_or_digit(s.p[i]);
        letters |= letter;
        if (!letter && (s.p[i] != '_' || (i > 0 && s.p[i - 1] == '_')))
            return false;
    }
    return letters && !(s.p[0] >= '0' && s.p[0] <= '9');
}

static bool
is_underscores(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '_')
            return false;
    return true;
}

struct str
otlp_label_name(struct arena *a, struct str name)
{
    if (is_fine_label_name(name))
        return name;
    static const struct str reserved = STR_INIT("__");
    bool is_reserved = name.n >= 2 * reserved.n && str_starts_with(name, reserved) &&
                       str_ends_with(name, reserved);
    AUTO(buf_fini) struct buf to = BUF_INIT;
    if (is_reserved) {
        buf_append(&to, reserved);
        put_escaped(str_of(name.p + reserved.n, name.n - 2 * reserved.n), &to);
        buf_append(&to, reserved);
    } else {
        if (name.n > 0 && name.p[0] >= '0' && name.p[0] <= '9')
            buf_append(&to, STR("key_"));
        put_escaped(name, &to);
    }
    return is_underscores(buf_str(&to)) ? STR("") : arena_str(a, buf_str(&to));
}
