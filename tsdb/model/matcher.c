/* matcher.c - label matchers; regexes take the cheapest form that says the same. */
#include "tsdb/model/matcher.h"

#include "base/assert.h"
#include "base/quote.h"
#include "base/regex.h"
#include "tsdb/model/labels.h"
#include "tsdb/model/pattern.h"

struct matcher_program {
    enum { PROGRAM_SET, PROGRAM_AFFIX, PROGRAM_REGEX } kind;
    union {
        struct pattern_set set;
        struct pattern_affix affix;
        struct regex *regex; /* released by the arena */
    };
};

static void
release_regex(void *regex)
{
    regex_free(regex);
}

static struct err
compile(struct arena *a, struct str pattern, const struct matcher_program **ret_program)
{
    struct matcher_program *p = ARENA_NEW(a, struct matcher_program);
    if (pattern_parse_set(a, pattern, &p->set)) {
        p->kind = PROGRAM_SET;
    } else if (pattern_parse_affix(a, pattern, &p->affix)) {
        p->kind = PROGRAM_AFFIX;
    } else {
        p->kind = PROGRAM_REGEX;
        TRY(regex_compile(pattern, &p->regex));
        arena_defer(a, release_regex, p->regex);
    }
    *ret_program = p;
    return OK;
}

struct err
matcher_make(struct arena *a, enum matcher_type type, struct str name, struct str value,
             struct matcher *ret_matcher)
{
    struct matcher m = {type, arena_str(a, name), arena_str(a, value), NULL};
    if (type == MATCH_REGEX || type == MATCH_NOT_REGEX)
        TRY(compile(a, m.value, &m.program));
    *ret_matcher = m;
    return OK;
}

static bool
program_match(const struct matcher_program *p, struct str text)
{
    switch (p->kind) {
    case PROGRAM_SET:
        return pattern_set_match(&p->set, text);
    case PROGRAM_AFFIX:
        return pattern_affix_match(&p->affix, text);
    case PROGRAM_REGEX:
        return regex_match(p->regex, text);
    }
    UNREACHABLE("every kind stands above");
}

bool
matcher_match(const struct matcher *m, struct str value)
{
    switch (m->type) {
    case MATCH_EQUAL:
        return str_eq(m->value, value);
    case MATCH_NOT_EQUAL:
        return !str_eq(m->value, value);
    case MATCH_REGEX:
        return program_match(m->program, value);
    case MATCH_NOT_REGEX:
        return !program_match(m->program, value);
    }
    UNREACHABLE("every type stands above");
}

bool
matcher_literals(const struct matcher *m, const struct str **ret_values, size_t *ret_count)
{
    if (m->type == MATCH_EQUAL) {
        *ret_values = &m->value;
        *ret_count = 1;
        return true;
    }
    if (m->type == MATCH_REGEX && m->program->kind == PROGRAM_SET) {
        *ret_values = m->program->set.v;
        *ret_count = m->program->set.n;
        return true;
    }
    return false;
}

const char *
matcher_type_text(enum matcher_type type)
{
    switch (type) {
    case MATCH_EQUAL:
        return "=";
    case MATCH_NOT_EQUAL:
        return "!=";
    case MATCH_REGEX:
        return "=~";
    case MATCH_NOT_REGEX:
        return "!~";
    }
    UNREACHABLE("every type stands above");
}

void
matcher_format(const struct matcher *m, struct buf *to)
{
    if (label_is_legacy_name(m->name))
        buf_append(to, m->name);
    else
        quote_text(m->name, to);
    buf_append(to, str_of_cstr(matcher_type_text(m->type)));
    quote_text(m->value, to);
}
